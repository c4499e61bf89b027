"""Layouts of the diagnostic commands: is the HSM there, and is it the right one; and the chain of several."""

from protocols.hsm.byte_fields import Chain
from protocols.hsm.codes import DATA_LENGTH
from protocols.hsm.fields import Choice, Counted, Digits, Echoed, Hex, Text
from protocols.hsm.layout import Layout

WITH_HEADERS = "1"  # each frame of a chain has a header of its own
MESSAGE_HEADER = "51"

LAYOUTS = (
    Layout("NC", "health and LMK check", answer=(Hex("check_value", 16), Text("firmware", 9))),
    Layout("B2", "echo", request=(Counted("data", DATA_LENGTH),), answer=(Echoed("data"),)),
    Layout(
        "NK",
        "several commands in one frame",
        request=(
            Choice("header_flag", ("0", WITH_HEADERS), MESSAGE_HEADER),
            Digits("commands", 2),
            Chain("requests", "commands"),
        ),
        answer=(Digits("commands", 2), Chain("answers", "commands")),
    ),
)
