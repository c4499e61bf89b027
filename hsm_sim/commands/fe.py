"""FE: hand out a TMK, TPK or PVK under a ZMK."""

from hsm_sim.commands._older import TPK, exporting

COMMAND = exporting("FE", TPK)
