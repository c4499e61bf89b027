"""Real processes, real misfortune: `./run nemesis --minutes N [--seed S]` and `./run soak --hours N`.

A throw-away network takes load from clients of its own (`load`), while faults drawn from a seed (`faults`) kill,
freeze and stop its processes, spoil the links to its banks (`proxy`) and their disks. Then all is healed, and what
the clients were told is held against what all books say (`recount`). What runs here is the network as it is started
in earnest; the same with virtual time and a simulated disk is `tests.simulation`.
"""
