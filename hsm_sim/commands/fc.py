"""FC: take a TMK, TPK or PVK from under a ZMK."""

from hsm_sim.commands._older import TPK, importing

COMMAND = importing("FC", TPK)
