"""HA: make a TAK, under a TMK and under the LMK."""

from hsm_sim.commands._older import TAK, TMK, generating

COMMAND = generating("HA", TAK, under=TMK)
