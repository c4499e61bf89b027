"""The pages of a branch of NBK."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.issuers.banking.visitor import Office, office_over
from tests.issuers.branch import Branch, Switch


@pytest.fixture
async def switch(nbk: Branch) -> AsyncIterator[Switch]:
    async with nbk.open() as switch:
        yield switch


@pytest.fixture
async def office(nbk: Branch, switch: Switch) -> Office:
    return office_over(nbk)
