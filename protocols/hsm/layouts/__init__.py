"""The layouts of all host commands we know, by command code: one file per family, each declares LAYOUTS."""

from collections.abc import Mapping

from protocols.hsm.layout import Layout
from protocols.hsm.layouts import cards, diagnostics, keys, macs, pins

LAYOUTS: Mapping[str, Layout] = {
    layout.command: layout for family in (diagnostics, keys, pins, cards, macs) for layout in family.LAYOUTS
}
