"""The switch: a deterministic core inside a thin Trio shell."""
