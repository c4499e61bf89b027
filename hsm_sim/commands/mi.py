"""MI: take a TAK from under a ZMK."""

from hsm_sim.commands._older import TAK, importing

COMMAND = importing("MI", TAK)
