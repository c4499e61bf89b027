"""One file a rule, each declaring RULE. See `switch.rule` for what a rule is."""
