"""The inside of elements that are made of parts, for a person: named, masked, however deep.

DE 43, 48, 54, 55 and 90. How each is taken apart, and what of it is secret, stands in its own file;
here they only get one form. An element that cannot be taken apart has no parts: what may be seen of
it as a whole is the data dictionary's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from protocols import additional_amounts, subelements, tlv
from protocols import elements as de
from protocols.card_acceptor import CardAcceptor
from protocols.elements import SECRET_MARK, printable
from protocols.errors import FormatError
from protocols.mti import title
from protocols.original import Original
from protocols.tlv import Tlv


@dataclass(frozen=True, slots=True)
class Part:
    """One part as a person may see it. `key` is how the element calls it (a tag, an id), or its position."""

    key: str
    title: str
    value: str = ""
    parts: tuple[Part, ...] = ()


def parts_of(number: int, value: str) -> tuple[Part, ...]:
    """What an element is made of, in the order sent; nothing where it has no parts or does not read.

    >>> for part in parts_of(48, "4202059203123"): print(part.key, part.title, part.value)
    42 Electronic commerce indicator 05
    92 Card verification code [secret]
    >>> parts_of(48, "garbage"), parts_of(2, "9414100000000017")
    ((), ())
    """
    take_apart = _TAKEN_APART.get(number)
    if take_apart is None:
        return ()
    try:
        return take_apart(value)
    except (FormatError, ValueError):
        return ()


def _card_acceptor(value: str) -> tuple[Part, ...]:
    found = CardAcceptor.parse(value)
    return _named(("name", "Name", found.name), ("city", "City", found.city), ("country", "Country", found.country))


def _private_data(value: str) -> tuple[Part, ...]:
    return _named(
        *(
            (number, subelements.title(number), text if subelements.is_open(number) else SECRET_MARK)
            for number, text in subelements.parse(value).items()
        )
    )


def _additional_amounts(value: str) -> tuple[Part, ...]:
    return _named(
        *(
            (one.amount_type, one.title, f"{one.minor} in {one.currency}, account {one.account_type}")
            for one in additional_amounts.parse(value)
        )
    )


def _chip_data(value: str) -> tuple[Part, ...]:
    return _objects(tlv.parse(bytes.fromhex(value)))


def _objects(objects: Iterable[Tlv]) -> tuple[Part, ...]:
    return tuple(
        Part(one.tag, tlv.title(one.tag), parts=_objects(one.parts))
        if one.is_constructed
        else Part(one.tag, tlv.title(one.tag), printable(tlv.shown(one)))
        for one in objects
    )


def _original(value: str) -> tuple[Part, ...]:
    original = Original.parse(value)
    return _named(
        ("mti", "Message type", f"{original.mti} {title(original.mti)}"),
        ("stan", "System trace audit number", original.stan),
        ("transmitted_at", "Transmission date and time", original.transmitted_at),
        ("acquirer_id", "Acquiring institution", original.acquirer_id),
        ("forwarder_id", "Forwarding institution", original.forwarder_id),
    )


def _named(*rows: tuple[str, str, str]) -> tuple[Part, ...]:
    return tuple(Part(key, title, printable(value)) for key, title, value in rows)


_TAKEN_APART: Final[Mapping[int, Callable[[str], tuple[Part, ...]]]] = {
    de.CARD_ACCEPTOR_NAME: _card_acceptor,
    de.PRIVATE_DATA: _private_data,
    de.ADDITIONAL_AMOUNTS: _additional_amounts,
    de.ICC_DATA: _chip_data,
    de.ORIGINAL: _original,
}
