"""FG: make a PVK pair, under a ZMK and under the LMK."""

from hsm_sim.commands._older import PVK, generating

COMMAND = generating("FG", PVK)
