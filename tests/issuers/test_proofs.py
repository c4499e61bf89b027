"""PINs by offset, PIN change, CVV, iCVV, CVV2, CAVV, cryptograms: made with the keys, verified by the HSM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocols import elements as de
from tests.issuers.branch import DEBIT, INTERNET_100, Branch, nbk_with, said
from tests.issuers.real_hsm import CVK, ZMK, ZPK, Chip, K, RealHsm, pin_block

SERVICE_CODE = "201"


def branch(state: Path, hsm: RealHsm, keys: dict[str, str] | None = None, **products: Any) -> Branch:
    all_keys = {"cvk": CVK, "cavk": CVK, "mk_ac": hsm.made("109"), **(keys or {})}
    return Branch(nbk_with(keys=all_keys, **products), state, hsm, zpk=ZPK)


def track(pan: str, cvv: str) -> str:
    return f"{pan}=2912{SERVICE_CODE}10000{cvv}00000"[:37]


def stripe(hsm: RealHsm, wrong: bool) -> dict[str, str]:
    cvv = hsm.cvv(DEBIT, "2912", SERVICE_CODE)
    return {"de22": "901", "de25": "00", "de35": track(DEBIT, spoilt(cvv) if wrong else cvv)}


def icc_stripe(hsm: RealHsm, wrong: bool) -> dict[str, str]:
    code = SERVICE_CODE if wrong else "999"  # the stripe's own code copied onto a chip: a clone
    return {"de22": "051", "de25": "00", "de35": track(DEBIT, hsm.cvv(DEBIT, "2912", code))}


def three_digits(hsm: RealHsm, wrong: bool) -> dict[str, str]:
    code = hsm.cvv(DEBIT, "2912", "000")
    return {"de48": f"9203{spoilt(code) if wrong else code}"}


def authentication(hsm: RealHsm, wrong: bool) -> dict[str, str]:
    value = hsm.cavv(INTERNET_100 if wrong else DEBIT)  # another card's
    return {"de48": f"43{len(value):02d}{value}"}


def chip(hsm: RealHsm, wrong: bool) -> dict[str, str]:
    return {"de22": "051", "de25": "00", "de23": "000", "de55": Chip(DEBIT, K).data(1_000, spoil=wrong)}


def spoilt(digits: str) -> str:
    return digits[:-1] + str((int(digits[-1]) + 1) % 10)


Maker = Callable[[RealHsm, bool], dict[str, str]]
PROOFS: dict[str, tuple[Maker, str]] = {
    "cvv": (stripe, "63 cvv.mismatch"),
    "icvv": (icc_stripe, "63 icvv.mismatch"),
    "cvv2": (three_digits, "N7 cvv2.mismatch"),
    "cavv": (authentication, "63 cavv.mismatch"),
    "arqc": (chip, "63 arqc.mismatch"),
}


@pytest.mark.parametrize("proof", PROOFS)
async def test_a_proof_is_verified_where_the_product_says_so(tmp_path: Path, proof: str) -> None:
    hsm, (made, expected) = RealHsm(), PROOFS[proof]
    async with branch(tmp_path / "on", hsm, debit={"verify": [proof]}).open() as switch:
        for wrong, outcome in ((True, expected), (False, "00")):
            request = switch.request(pan=DEBIT, amount=1_000, **made(hsm, wrong))
            assert said(await switch.ask(request)) == outcome
    async with branch(tmp_path / "off", hsm, debit={"verify": []}).open() as switch:
        assert said(await switch.ask(switch.request(pan=DEBIT, amount=1_000, **made(hsm, True)))) == "00"


@pytest.mark.parametrize(
    ("demanded", "entry", "expected"),
    [
        ("cvv2", {}, "N7 cvv2.missing"),
        ("cavv", {}, "63 cavv.missing"),
        ("cvv", {"de22": "901", "de25": "00"}, "63 cvv.missing"),
        ("arqc", {"de22": "051", "de25": "00"}, "63 arqc.missing"),
        ("arqc", {}, "00"),  # there is no chip on the internet
    ],
)
async def test_a_proof_may_be_demanded(tmp_path: Path, demanded: str, entry: dict[str, str], expected: str) -> None:
    async with branch(tmp_path, RealHsm(), debit={"demands": [demanded]}).open() as switch:
        assert said(await switch.ask(switch.request(pan=DEBIT, amount=1_000, **entry))) == expected


async def test_the_shop_hears_whether_the_three_digits_were_right(tmp_path: Path) -> None:
    hsm = RealHsm()
    async with branch(tmp_path, hsm, debit={"verify": ["cvv2"]}).open() as switch:
        answers = [
            await switch.ask(switch.request(pan=DEBIT, amount=1_000, **three_digits(hsm, wrong)))
            for wrong in (False, True)
        ]
        assert [one.get(de.PRIVATE_DATA) for one in answers] == ["8701M", "8701N"]


async def test_the_chip_is_answered_and_knows_its_issuer(tmp_path: Path) -> None:
    hsm, card = RealHsm(), Chip(DEBIT, K)
    async with branch(tmp_path, hsm, debit={"verify": ["arqc"]}).open() as switch:

        async def pays(amount: int) -> Any:
            data = card.data(amount)
            return await switch.ask(switch.request(pan=DEBIT, amount=amount, de22="051", de25="00", de55=data))

        yes = await pays(1_000)
        assert said(yes) == "00" and card.accepts(yes.get(de.ICC_DATA), b"00")
        no = await pays(9_000_000)
        assert said(no) == "51 funds" and card.accepts(no.get(de.ICC_DATA), b"05")
        card.counter = 0
        again = await pays(1_000)  # a cryptogram recorded earlier: right, and old
        assert said(again) == "63 arqc.mismatch"


async def test_a_pin_by_offset_is_tried_three_times(tmp_path: Path) -> None:
    hsm = RealHsm()
    bank = branch(tmp_path, hsm, {"pin_verification": hsm.made("002")}, debit={"pin": "offset"})
    async with bank.open() as switch:

        async def draws(pin: str) -> str:
            block = pin_block(DEBIT, pin)
            return said(await switch.ask(switch.request("0200", DEBIT, 1_000, type="01", de52=block)))

        assert [await draws(pin) for pin in ("9999", "1234", "9999", "9999", "9999", "1234")] == [
            "55 pin.wrong",
            "00",
            "55 pin.wrong",
            "55 pin.wrong",
            "75 pin.tries",
            "75 pin.tries",
        ]


@pytest.mark.parametrize("way", ["pvv", "offset"])
async def test_a_holder_changes_the_pin(tmp_path: Path, way: str) -> None:
    hsm = RealHsm()
    bank = branch(tmp_path, hsm, {"pin_verification": hsm.made("002")}, debit={"pin": way})
    async with bank.open() as switch:

        async def asks(type: str, pin: str, new: str | None = None) -> str:
            amount = 0 if new else 1_000
            new_pin = {"de48": f"9316{pin_block(DEBIT, new)}"} if new else {}
            block = pin_block(DEBIT, pin)
            return said(await switch.ask(switch.request("0100", DEBIT, amount, type=type, de52=block, **new_pin)))

        assert await asks("92", "9999", "4321") == "55 pin.wrong"
        assert await asks("01", "1234") == "00"
        assert await asks("92", "1234", "4321") == "00"
        assert await asks("01", "1234") == "55 pin.wrong"
        assert await asks("01", "4321") == "00"
    async with bank.open() as switch:
        assert await asks("01", "4321") == "00"  # also after a restart


async def test_a_new_key_is_taken_when_its_check_value_is_right_and_outlives_a_restart(tmp_path: Path) -> None:
    hsm = RealHsm()
    made = hsm.answer(
        "A0",
        {"mode": "1", "key_type": "001", "scheme": "U", "export_flag": "0", "zmk": ZMK, "export_scheme": "U"},
    ).fields
    bank = branch(tmp_path, hsm, {"zmk": ZMK})
    before = bank.zpk
    async with bank.open() as switch:
        for check_value, expected in (("000000", "63 key.refused"), (made["check_value"], "00")):
            key = made["exported_key"]
            text = f"11{len(key):02d}{key}1206{check_value}"
            request = {
                "mti": "0800",
                de.TRANSMITTED_AT: "0314090000",
                de.STAN: f"{next(switch.stans):06d}",
                de.PRIVATE_DATA: text,
                de.NETWORK_MANAGEMENT_CODE: "161",
            }
            assert said(await switch.ask(request)) == expected
        assert bank.host.zpk == made["key"] != before
    async with bank.open():
        assert bank.host.zpk == made["key"]
