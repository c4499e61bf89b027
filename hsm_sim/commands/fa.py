"""FA: take a ZPK from under a ZMK."""

from hsm_sim.commands._older import ZPK, importing

COMMAND = importing("FA", ZPK)
