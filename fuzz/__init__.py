"""Fuzzing: every parser that reads what a peer wrote is fed bytes that nobody wrote.

`./run fuzz SECONDS` divides the time over the targets; what breaks one is kept under
`tests/regressions/`, where an ordinary test replays it from then on.
"""
