"""FI: make a ZEK or ZAK, under a ZMK and under the LMK."""

from hsm_sim.commands._older import ZEK_OR_ZAK, generating

COMMAND = generating("FI", ZEK_OR_ZAK)
