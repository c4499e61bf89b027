"""Many lives of one network, each under its own seed: virtual time, drawn misfortune, the same seed the same life.

Two tiers. *Fast*: the real core of the switch, and a model of everybody around it: `plan` draws what is going to
happen, `world` lets it happen, `bank` is an issuer with the strictest books there are, `judge` says which promise was
broken. *Deep*: real parties throughout (`network`). What both share is in `tiers`; `shrink` finds the shortest story
that still breaks a promise, `cross_talk` crowds many links into few numbers, `plants` puts mistakes into the product
to see them found. Started by `./run simulate` or `python -m tests.simulation`.
"""
