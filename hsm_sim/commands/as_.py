"""AS: make a CVK pair."""

from hsm_sim.commands._older import CVK, generating

COMMAND = generating("AS", CVK, under=None)
