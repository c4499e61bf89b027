"""The stranger's own encoder, against a third party's: two strangers must agree before either judges us."""

from __future__ import annotations

import iso8583
import iso8583.specs
import pytest

from tests.peers.client import Fields, pack, reversal_of, unpack

ECHO = {7: "1123205144", 11: "000001", 70: "301"}
SALE = {2: "4111111111111111", 3: "000000", 4: "000000012000", 11: "000001", 41: "STRANGE1", 48: "420205", 49: "784"}


class Stamps:
    """Stands for a client where only its numbers matter."""

    def stamped(self) -> Fields:
        return {7: "1123205145", 11: "000002"}


REVERSAL = reversal_of(Stamps(), "0100", SALE | {7: "1123205144"})  # type: ignore[arg-type]


@pytest.mark.parametrize(("mti", "fields"), [("0800", ECHO), ("0100", SALE), ("0420", REVERSAL)])
def test_two_strangers_write_the_same_bytes(mti: str, fields: Fields) -> None:
    decoded, _ = iso8583.decode(pack(mti, fields), iso8583.specs.default_ascii)
    assert {int(key): value for key, value in decoded.items() if key.isdigit() and int(key) > 1} == fields
    assert decoded["t"] == mti
    assert unpack(pack(mti, fields)) == (mti, fields)


def test_a_reversal_names_its_original_in_forty_two_digits() -> None:
    assert REVERSAL[90] == "0100" + "000001" + "1123205144" + "0" * 22
