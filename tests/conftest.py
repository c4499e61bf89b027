"""What tests of several folders share: one running network for all that only use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.network import RunningNetwork, running_network

# A busy machine is not a defect. Where a machine watches (CI is set), hypothesis draws the same examples every time.
settings.register_profile("workshop", parent=settings.default, deadline=None)
settings.load_profile("workshop")

SANDBOX_ISSUER_TIMEOUT_S = 1.0  # instead of 8: a test of silence shall not take as long as silence does


def impatient_with_the_sandbox(directory: Path) -> None:
    file = directory / "participants" / "sandbox.toml"
    file.write_text(file.read_text() + f"\n[deadlines]\nissuer_s = {SANDBOX_ISSUER_TIMEOUT_S}\nhsm_s = 0.5\n")


@pytest.fixture(scope="session")
def network() -> Iterator[RunningNetwork]:
    """Real processes, started once for the whole run; whoever breaks one brings their own `running_network`."""
    with running_network(edit=impatient_with_the_sandbox) as running:
        yield running
