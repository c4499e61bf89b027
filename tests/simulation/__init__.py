"""The whole network in one process, under one seed: real switch, virtual time, drawn misfortune.

`plan` draws what is going to happen, `world` lets it happen, `bank` is an issuer with the strictest
books there are, `judge` says which promise was broken, `shrink` finds the shortest story that still
breaks it. Started by `./run simulate` or `python -m tests.simulation`.
"""
