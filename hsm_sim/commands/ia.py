"""IA: make a ZPK, under a ZMK and under the LMK."""

from hsm_sim.commands._older import ZPK, generating

COMMAND = generating("IA", ZPK)
