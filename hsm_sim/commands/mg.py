"""MG: hand out a TAK under a ZMK."""

from hsm_sim.commands._older import TAK, exporting

COMMAND = exporting("MG", TAK)
