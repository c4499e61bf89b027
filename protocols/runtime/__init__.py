"""The Trio shell that all parties share: links, listeners, diallers, logs, the start and end of a process."""
