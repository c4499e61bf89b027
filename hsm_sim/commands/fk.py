"""FK: take a ZEK or ZAK from under a ZMK."""

from hsm_sim.commands._older import ZEK_OR_ZAK, importing

COMMAND = importing("FK", ZEK_OR_ZAK)
