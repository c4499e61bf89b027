"""The switch: a deterministic core inside a thin Trio shell."""

import protocols  # before anything of the switch: it may come compiled  # noqa: F401
