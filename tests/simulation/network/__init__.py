"""The deep tier: the whole network of real parties in one process, under one seed.

The switch as `payswitch switch` starts it (shell, links, journal), the banks' hosts with their ledgers, the HSM;
around them a network, disks and a clock that do what the seed says. `plan` draws it, `repeatable` takes chance out
of Trio and the parties, `air` carries bytes, `disk` keeps them, `parties` lets processes live and die, `clients` ask,
`world` runs it all and has it judged: by what may never happen, as it happens, and by the oracle afterwards.
"""
