"""BY: take a ZMK from under another."""

from hsm_sim.commands._older import ZMK, importing

COMMAND = importing("BY", ZMK)
