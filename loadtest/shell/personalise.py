"""Giving cards their PVV and CVV: the questions that only an HSM can answer, many side by side.

What is asked: BA (the PIN under the LMK; the HSM must be in the authorised state), DG (its PVV), CW (the CVV).
Clear PINs and keys go to the HSM and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

import trio

from loadtest.card_file import TestCard
from loadtest.usage import UsageError
from protocols.hsm import codes
from protocols.pan import Pan
from protocols.runtime.hsm_client import HsmClient, HsmDown

T = TypeVar("T")

AT_ONCE: Final = 64  # questions under way; more only wait inside the HSM
CONNECT_WITHIN_S: Final = 5.0
ANSWER_WITHIN_S: Final = 10.0  # nobody's payment waits here
PVKI: Final = "1"


def personalised(cards: Sequence[TestCard], address: str, pvk: str | None, cvk: str | None) -> list[TestCard]:
    """The cards with PVV (where there is a PVK) and CVV (where there is a CVK). UsageError says what the HSM said."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--hsm {address}: host:port")
    return trio.run(_personalise, list(cards), (host, int(port)), pvk, cvk)


async def with_hsm(
    address: tuple[str, int],
    one: Callable[[HsmClient, T], Awaitable[None]],
    work: Sequence[T],
    lmk_id: str | None = None,
) -> None:
    """Do all the work with the HSM at an address. UsageError says what the HSM said."""
    try:
        async with trio.open_nursery() as background:
            hsm = HsmClient(address, background, timeout_s=ANSWER_WITHIN_S, lmk_id=lmk_id)
            with trio.fail_after(CONNECT_WITHIN_S):
                await hsm.wait_up()
            await all_of(work, partial(one, hsm))
            background.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        raise _told(_first(errors), address) from None


async def all_of(work: Sequence[T], one: Callable[[T], Awaitable[None]]) -> None:
    """Many questions side by side."""
    rest = iter(work)  # shared: each worker takes the next

    async def worker() -> None:
        for item in rest:
            await one(item)

    async with trio.open_nursery() as nursery:
        for _ in range(AT_ONCE):
            nursery.start_soon(worker)


async def asked(hsm: HsmClient, command: str, wanted: str, **fields: str) -> str:
    """One field of the answer. UsageError where the HSM refuses."""
    answer = await hsm.ask(command, **fields)
    if answer.error != codes.DONE:
        raise UsageError(f"{command} was refused with {answer.error}: {codes.TITLES.get(answer.error, 'unknown')}")
    return str(answer.fields[wanted])


async def _personalise(
    cards: list[TestCard], address: tuple[str, int], pvk: str | None, cvk: str | None
) -> list[TestCard]:
    async def one(hsm: HsmClient, number: int) -> None:
        cards[number] = await personalised_by(hsm, cards[number], pvk, cvk)

    await with_hsm(address, one, range(len(cards)))
    return cards


def _told(error: BaseException, address: tuple[str, int]) -> BaseException:
    """What a person is told; what nobody expects stays what it is."""
    if isinstance(error, trio.TooSlowError):
        return UsageError(f"--hsm: nobody answers at {address[0]}:{address[1]}")
    return UsageError(f"--hsm: {error}") if isinstance(error, HsmDown | UsageError) else error


async def personalised_by(hsm: HsmClient, card: TestCard, pvk: str | None, cvk: str | None) -> TestCard:
    """One card with what its keys give. UsageError where the HSM refuses."""
    ask = partial(asked, hsm)
    if pvk and card.pin:
        account = Pan(card.pan).account12
        pin = await ask("BA", "pin_under_lmk", pin=card.pin, account=account)
        pvv = await ask("DG", "pvv", pvk=pvk, pin_under_lmk=pin, account=account, pvki=PVKI)
        card = replace(card, pvv=pvv)
    if cvk:
        cvv = await ask("CW", "cvv", cvk=cvk, pan=card.pan, expiry=card.expiry, service_code=card.service_code)
        card = replace(card, cvv=cvv)
    return card


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
