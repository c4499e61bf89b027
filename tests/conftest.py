"""What tests of several folders share: one running network for all that only use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.network import RunningNetwork, running_network

# A busy machine is not a defect. The same examples every time, so that a change is judged by what it changes; whoever
# looks for what nobody has seen yet draws anew: `./run test --hypothesis-profile=explore [FILE …]`.
settings.register_profile(
    "explore", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("workshop", parent=settings.get_profile("explore"), derandomize=True, database=None)
settings.load_profile("workshop")

#: The files that take longest are begun first: one that is begun last keeps all other workers waiting.
LONGEST: Final = (
    "tests/promises/test_with_processes.py",
    "tests/test_secrets.py",
    "tests/switch/test_cli_running.py",
    "tests/peers/test_dialects.py",
    "tests/acquirers/test_hosting.py",
    "tests/loadtest/test_run.py",
    "tests/switch/test_doctor.py",
    "tests/loadtest/test_programs.py",
    "tests/loadtest/test_load_demo.py",
    "tests/issuers/test_on_the_network.py",
    "tests/issuers/test_promises.py",
    "tests/issuers/test_own_host.py",
    "tests/peers/test_kill.py",
    "tests/hsm_sim/test_tools.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


SANDBOX_ISSUER_TIMEOUT_S = 1.0  # instead of 8: a test of silence shall not take as long as silence does


def impatient_with_the_sandbox(directory: Path) -> None:
    file = directory / "participants" / "sandbox.toml"
    file.write_text(file.read_text() + f"\n[deadlines]\nissuer_s = {SANDBOX_ISSUER_TIMEOUT_S}\nhsm_s = 0.5\n")


@pytest.fixture(scope="session")
def network() -> Iterator[RunningNetwork]:
    """Real processes, started once for the whole run; whoever breaks one brings their own `running_network`."""
    with running_network(edit=impatient_with_the_sandbox) as running:
        yield running
