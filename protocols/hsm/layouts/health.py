"""Layouts of the health commands: what the box says of itself. All figures are of the box as a whole.

Dates are YYMMDD and times HHMMSS, in UTC. What no two sources agree on stands in docs/hsm.md.
"""

from protocols.hsm.codes import INPUT_DATA
from protocols.hsm.fields import Choice, Digits, Hex, Text, When
from protocols.hsm.layout import Layout
from protocols.hsm.rows import Rows, TextTo, WhenSaid

LMK_END = "\x14"
LMKS_END = "\x15"
COMMENT_LONGEST = 64

_SERIAL = Text("serial", 12)
_DATES = (
    Digits("start_date", 6),
    Digits("start_time", 6),
    Digits("end_date", 6),
    Digits("end_time", 6),
    Digits("now_date", 6),
    Digits("now_time", 6),
)
_PERIOD = (_SERIAL, *_DATES, Digits("seconds", 10))

_NO_STATUS = (
    Digits("buffer", 1),  # 0 2K, 1 8K, 2 16K, 3 32K
    Digits("protocol", 1),  # 0 UDP, 1 TCP
    Digits("sockets", 4),
    Text("firmware", 9),
    Text("reserved_1", 1, default="0"),
    Text("reserved_2", 4, default="0000"),
)
_CONNECTION = (
    Digits("protocol", 1),  # 0 TCP
    Hex("local_port", 4),
    Hex("ip", 8),
    Hex("remote_port", 4),
    Digits("state", 1),  # 0 established
    Digits("duration", 8),  # seconds
)
NETWORK_COUNTERS = (
    "unicast_sent",
    "unicast_received",
    "other_sent",
    "other_received",
    "discards_sent",
    "discards_received",
    "errors_sent",
    "errors_received",
    "unknown_received",
)
_LMK = (
    Digits("id", 2),
    Digits("authorised", 1),
    Digits("activities", 2),
    Choice("scheme", ("V", "K")),
    Choice("algorithm", ("0", "1", "2")),  # two-key 3DES, three-key 3DES, AES
    Choice("status", ("L", "T")),  # live, test
    TextTo("comment", LMK_END, COMMENT_LONGEST),
)

LAYOUTS = (
    Layout(
        "NO",
        "status",
        request=(Choice("about", ("00", "01"), INPUT_DATA),),
        answer=(When("about", ("00",), _NO_STATUS), When("about", ("01",), (Digits("pci_compliance", 1),))),
    ),
    Layout(
        "NI",
        "network statistics",
        request=(Choice("option", ("1",), default="1"), Choice("detail", ("1",), default="1")),
        answer=(
            Digits("connections", 4),
            Rows("connection", _CONNECTION, counted_by="connections"),
            Hex("bytes_sent", 16),
            Hex("bytes_received", 16),
            *(Hex(name, 8) for name in NETWORK_COUNTERS),
        ),
    ),
    Layout(
        "J2",
        "utilisation",
        answer=(
            *_PERIOD,
            Rows("load", (Digits("from", 3), Digits("to", 3), Digits("periods", 10), Text("delimiter", 1))),
        ),
    ),
    Layout("J4", "command counts", answer=(*_PERIOD, Rows("answered", (Text("command", 2), Digits("count", 12))))),
    Layout(
        "J8",
        "health counters",
        answer=(
            _SERIAL,
            *_DATES,
            Digits("reboots", 10),
            Digits("tampers", 10),
            Digits("pin_failures_minute", 7),
            Digits("pin_failures_hour", 5),
            Digits("pin_attacks", 8),
        ),
    ),
    Layout(
        "JK",
        "instantaneous state",
        answer=(
            _SERIAL,
            Digits("date", 6),
            Digits("time", 6),
            Digits("console_state", 1),
            Digits("manager_state", 1),
            Digits("host_1_state", 1),
            Digits("host_2_state", 1),
            Text("reserved_1", 1, default="0"),
            Text("reserved_2", 1, default="0"),
            Choice("tamper_state", ("1", "2")),
            WhenSaid(
                "tamper_state", "2", (Digits("tamper_cause", 2), Digits("tamper_date", 6), Digits("tamper_time", 6))
            ),
            Digits("lmks", 2),
            Digits("test_lmks", 2),
            Digits("old_lmks", 2),
            Rows("lmk", _LMK, closed_by=LMKS_END),
            Digits("fraud_detected", 1),
            Digits("pin_attack_detected", 1),
        ),
    ),
    Layout("BS", "clear the old LMK"),
    Layout("LG", "delay every answer", request=(Digits("milliseconds", 3),)),
    Layout("RA", "leave the authorised state"),
)
