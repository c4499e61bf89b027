"""AU: hand out a CVK pair under a ZMK."""

from hsm_sim.commands._older import CVK, exporting

COMMAND = exporting("AU", CVK)
