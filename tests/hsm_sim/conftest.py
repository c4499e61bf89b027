"""What the HSM's tests are given."""

import pytest

from tests.hsm_sim.known import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
