"""The tour: what the demonstration plays on the wire, step by step, and what must come of it.

Pure. `step` says what a step is, `steps/` holds them, `cards` deals each step the card it needs,
`verdict` holds what happened against what was expected. Playing it is for `switch.shell.play`.
"""
