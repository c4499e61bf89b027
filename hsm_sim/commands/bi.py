"""BI: make a BDK."""

from hsm_sim.commands._older import BDK, generating

COMMAND = generating("BI", BDK, under=None)
