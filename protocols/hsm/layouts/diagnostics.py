"""Layouts of the diagnostic commands: is the HSM there, and is it the right one."""

from protocols.hsm.codes import DATA_LENGTH
from protocols.hsm.fields import Counted, Echoed, Hex, Text
from protocols.hsm.layout import Layout

LAYOUTS = (
    Layout("NC", "health and LMK check", answer=(Hex("check_value", 16), Text("firmware", 9))),
    Layout("B2", "echo", request=(Counted("data", DATA_LENGTH),), answer=(Echoed("data"),)),
)
