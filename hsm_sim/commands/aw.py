"""AW: take a CVK pair from under a ZMK."""

from hsm_sim.commands._older import CVK, importing

COMMAND = importing("AW", CVK)
