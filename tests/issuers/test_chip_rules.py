"""What a bank makes of a card that was read: what its chip signed, what was verified; taps, fallback, and funding."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.issuers.branch import DEBIT, Branch, nbk_with, said
from tests.issuers.real_hsm import ZPK, Chip, K, RealHsm, pin_block

READ = {"de22": "051", "de25": "00", "de23": "000"}
TAPPED = {**READ, "de22": "071"}


class OtherTerminal(Chip):
    """A chip at a terminal that tells it something else."""

    def __init__(self, pan: str, mk_ac: bytes, **said: str) -> None:
        super().__init__(pan, mk_ac)
        self.said = said

    def tags(self, amount: int) -> dict[str, str]:
        return super().tags(amount) | self.said


def data(amount: int = 1_000, **said: str) -> str:
    """`t95="…"`: what the terminal tells the chip in tag 95."""
    return OtherTerminal(DEBIT, K, **{name.removeprefix("t"): value for name, value in said.items()}).data(amount)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ({**READ, "de55": data()}, "00"),
        ({**READ, "de55": data(999)}, "63 chip.differs"),
        ({**READ, "de55": data(t5F2A="0784")}, "63 chip.differs"),
        ({**READ, "de55": data(t95="0000800000")}, "63 chip.results"),
        ({**READ, "de55": data(t95="8000080000")}, "00"),  # no offline authentication, PIN not typed: nothing failed
        ({**READ, "de55": data(t9F34="020300")}, "57 pin.missing"),
        ({**READ, "de55": data(t9F34="020300"), "de52": pin_block(DEBIT, "1234")}, "00"),
        ({**TAPPED, "de55": data()}, "00"),
        ({"de22": "801", "de25": "00"}, "57 fallback.refused"),
    ],
)
async def test_what_was_read_must_fit_what_is_asked_for(tmp_path: Path, others: dict[str, str], expected: str) -> None:
    hsm = RealHsm()
    rules = {"verify": ["arqc"], "tap_without_pin": "1.000", "fallback": False}
    bank = Branch(nbk_with(keys={"mk_ac": hsm.made("109")}, debit=rules), tmp_path, hsm, zpk=ZPK)
    async with bank.open() as switch:
        assert said(await switch.ask(switch.request(pan=DEBIT, amount=1_000, **others))) == expected


@pytest.mark.parametrize(
    ("amount", "pin", "expected"), [(1_001, None, "57 pin.missing"), (1_001, "1234", "00"), (1_000, None, "00")]
)
async def test_a_tap_above_the_limit_brings_its_pin(
    tmp_path: Path, amount: int, pin: str | None, expected: str
) -> None:
    hsm = RealHsm()
    bank = Branch(nbk_with(debit={"verify": [], "tap_without_pin": "1.000"}), tmp_path, hsm, zpk=ZPK)
    block = {} if pin is None else {"de52": pin_block(DEBIT, pin)}
    async with bank.open() as switch:
        request = switch.request(pan=DEBIT, amount=amount, de22="071", de25="00", **block)
        assert said(await switch.ask(request)) == expected


async def test_funding_puts_the_money_into_the_account_that_is_named_and_a_reversal_takes_it_back(
    tmp_path: Path,
) -> None:
    bank = Branch(nbk_with(), tmp_path)

    def posted(name: str) -> int:
        return bank.host.store.accounts[name].posted

    async with bank.open() as switch:
        before = posted("nbk-3001"), posted("nbk-3003")
        funding = switch.request("0200", DEBIT, 5_000, type="10", de103="nbk-3003")
        assert said(await switch.ask(funding)) == "00"
        assert (posted("nbk-3001"), posted("nbk-3003")) == (before[0] - 5_000, before[1] + 5_000)
        assert said(await switch.ask(switch.reversal(funding))) == "00"
        assert (posted("nbk-3001"), posted("nbk-3003")) == before
        elsewhere = switch.request("0200", DEBIT, 5_000, type="10", de103="another-banks")
        assert said(await switch.ask(elsewhere)) == "00"  # the network carries it to where the account is
        assert posted("nbk-3001") == before[0] - 5_000
