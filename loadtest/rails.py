"""The rails: whom one may load, and how hard, without having said so. Pure; whoever resolves names brings addresses."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from loadtest.scenario import Scenario
from loadtest.usage import UsageError

RATE_MAX: Final = 5000.0  # a second, unless raised


def check_target(host: str, addresses: Iterable[str], allowed: Iterable[str]) -> None:
    """UsageError unless the host is this machine, in a private network, or allowed by name."""
    if host in set(allowed):
        return
    for address in addresses:
        at = ip_address(address.partition("%")[0])
        if not (at.is_loopback or at.is_private):
            raise UsageError(f"{host} is {at}, which is not a private address; if it is yours: --allow-remote {host}")


def check_rate(scenario: Scenario, raised_to: float | None) -> None:
    """UsageError where the plan asks for more than is allowed."""
    most = raised_to or RATE_MAX
    asked = scenario.plan.highest_per_s
    if asked > most:
        raise UsageError(f"the plan asks for {asked:g}/s; more than {most:g}/s needs --max-rate {asked:g}")
