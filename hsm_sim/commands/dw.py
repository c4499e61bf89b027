"""DW: take a BDK from under a ZMK."""

from hsm_sim.commands._older import BDK, importing

COMMAND = importing("DW", BDK)
