"""FM: hand out a ZEK or ZAK under a ZMK."""

from hsm_sim.commands._older import ZEK_OR_ZAK, exporting

COMMAND = exporting("FM", ZEK_OR_ZAK)
