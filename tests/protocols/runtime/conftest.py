"""What the tests of the Trio shell share."""

import pytest

from protocols.framing import framing_named


@pytest.fixture
def framing():
    return framing_named("len2")
