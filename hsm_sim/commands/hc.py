"""HC: make a TMK, TPK or PVK, under a TMK and under the LMK."""

from hsm_sim.commands._older import TMK, TPK, generating

COMMAND = generating("HC", TPK, under=TMK)
