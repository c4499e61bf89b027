"""GC: hand out a ZPK under a ZMK."""

from hsm_sim.commands._older import ZPK, exporting

COMMAND = exporting("GC", ZPK)
