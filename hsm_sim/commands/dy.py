"""DY: hand out a BDK under a ZMK."""

from hsm_sim.commands._older import BDK, exporting

COMMAND = exporting("DY", BDK)
