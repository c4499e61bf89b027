"""A packet dissector that nobody here wrote reads our traffic: Wireshark's, where tshark is installed.

Every message type of the network goes over a desk, is laid down as a capture, and is dissected in the settings
that Wireshark has for ISO 8583. It must find every message with its type and its numbers, and nothing malformed.
Where there is no tshark the tests are left out and say so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from protocols import elements as de
from protocols.dialects import dialect_named
from protocols.mti import MESSAGE_TYPES
from tests.peers.capture import PORT, capture
from tests.switch.desk import PURCHASE, Desk, elements

TSHARK = shutil.which("tshark")

pytestmark = pytest.mark.skipif(TSHARK is None, reason="left out: there is no tshark on this machine")

#: Dialect -> how Wireshark is told to read digits, and binary elements and bitmaps.
ASCII, NIBBLES = "Digits represented as ASCII Characters", "Digits represented in nibbles"
HEX, RAW = "Bin data represented as Hex Ascii characters", "Bin data not encoded"
SETTINGS = {
    "iso87_ascii": (ASCII, HEX),
    "iso87_ascii_binmap": (ASCII, RAW),
    "iso87_binary": (NIBBLES, RAW),
}

BIT = re.compile(r"iso8583\.bit(\d+)")

Traffic = list[tuple[bool, bytes]]

ORIGINAL = f"0100{PURCHASE['stan']}{PURCHASE['transmitted_at']}{'0' * 22}"
REPEATED = {name: value for name, value in PURCHASE.items() if name not in ("expiry", "stan", "transmitted_at")}
LATER = {**REPEATED, "transmitted_at": "1118110800", "original": ORIGINAL}


def traffic(dialect: str) -> Traffic:
    """What goes over a gateway's link and an issuer's: every message type, as we write it and as we read it."""
    desk = Desk()
    bank, shop = desk.issuer(dialect=dialect), desk.gateway(dialect=dialect)
    said: Traffic = []
    tongue = dialect_named(dialect)

    def says(end: int, mti: str, **values: str | None) -> None:
        said.append((True, tongue.encode(mti, elements(values))))
        desk.says(end, mti, **values)

    management = {"transmitted_at": "1118110640", "stan": "000001"}
    for code in ("001", "301"):
        says(shop, "0800", **management, network_management_code=code)
    says(shop, "0820", **management, network_management_code="201")
    says(shop, "0100", **PURCHASE)
    desk.answers(bank, desk.hears(bank))
    says(shop, "0101", **PURCHASE)
    says(shop, "0220", **LATER, stan="000002")
    says(shop, "0221", **LATER, stan="000002")
    says(shop, "0400", **LATER, stan="000003", response_code="17")
    says(shop, "0401", **LATER, stan="000003", response_code="17")
    for number, mti in enumerate(("0120", "0121", "0200", "0201", "0420", "0421"), 10):
        more = {"original": ORIGINAL} if mti[1] == "4" else {}
        says(shop, mti, **{**PURCHASE, "stan": f"{number:06d}"}, **more)
    for number, mti in enumerate(("0500", "0520"), 20):
        says(shop, mti, transmitted_at="1118230000", stan=f"{number:06d}", currency="784", debits_number="0000000003")
    for number, mti in enumerate(("0600", "0620"), 30):
        says(shop, mti, transmitted_at="1118110640", stan=f"{number:06d}", response_code="30")
    desk.passes(70)  # what is owed is sent again
    said += [(False, frame) for end in (shop, bank) for frame in desk.raw[end]]
    for mti in ("0130", "0210", "0410"):  # and what an issuer would have answered
        said.append((False, tongue.encode(mti, elements({**PURCHASE, "expiry": None}) | {de.RESPONSE_CODE: "00"})))
    return said


def dissected(folder: Path, dialect: str, said: Traffic) -> list[dict[str, Any]]:
    """What Wireshark sees: the layers of each packet."""
    file = folder / "traffic.pcap"
    file.write_bytes(capture(said))
    digits, binary = SETTINGS[dialect]
    told = subprocess.run(
        [
            *(str(TSHARK), "-r", str(file), "-T", "json", "-d", f"tcp.port=={PORT},iso8583"),
            *(
                "-o",
                "iso8583.len_endian:Big endian",
                "-o",
                f"iso8583.charset:{digits}",
                "-o",
                f"iso8583.binencode:{binary}",
            ),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    return [packet["_source"]["layers"] for packet in json.loads(told.stdout)]


@pytest.mark.parametrize("dialect", SETTINGS)
def test_wireshark_reads_every_message_type_without_complaint(tmp_path: Path, dialect: str) -> None:
    said = traffic(dialect)
    tongue = dialect_named(dialect)
    messages = [tongue.decode(frame) for _, frame in said]
    assert {message.mti for message in messages} == set(MESSAGE_TYPES)
    packets = dissected(tmp_path, dialect, said)
    assert len(packets) == len(said)
    for message, layers in zip(messages, packets, strict=True):
        assert "_ws.malformed" not in layers, message
        seen = layers["iso8583"]
        assert "_ws.expert" not in json.dumps(seen), (message, seen)
        assert seen["iso8583.mti"] == message.mti
        numbers = {int(found.group(1)) for name in seen if (found := BIT.fullmatch(name)) is not None}
        assert numbers == set(message.numbers()), message


def test_wireshark_does_complain_where_there_is_something_to_complain_about(tmp_path: Path) -> None:
    """Or the test above would prove nothing."""
    frame = dialect_named("iso87_ascii").encode("0100", elements(PURCHASE))
    [layers] = dissected(tmp_path, "iso87_ascii", [(True, frame[:-20])])
    assert "_ws.malformed" in layers or "_ws.expert" in json.dumps(layers)
