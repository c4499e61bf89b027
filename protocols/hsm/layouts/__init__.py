"""The layouts of all host commands we know, by command code: one file per family, each declares LAYOUTS."""

from collections.abc import Mapping

from protocols.hsm.layout import Layout
from protocols.hsm.layouts import cards, data, diagnostics, emv, health, keys, macs, older_keys, pins, public_keys

FAMILIES = (diagnostics, health, keys, older_keys, pins, cards, macs, data, emv, public_keys)

LAYOUTS: Mapping[str, Layout] = {layout.command: layout for family in FAMILIES for layout in family.LAYOUTS}
