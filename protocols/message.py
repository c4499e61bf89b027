"""Message: a frame that reads, and where its elements are in it.

It is never changed: `patched`, `answered` and `translated` write new frames. It
is safe to print, because what it shows goes through the data dictionary. What a
message means to a product or an account is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from protocols import additional_amounts, elements, subelements, tlv
from protocols.additional_amounts import AdditionalAmount
from protocols.card_acceptor import CardAcceptor
from protocols.elements import shown
from protocols.fitting import fitting
from protocols.mti import answer_to
from protocols.original import Original
from protocols.pan import Pan
from protocols.tlv import Tlv

if TYPE_CHECKING:
    from protocols.codec.layout import Layout
    from protocols.codec.place import Anchors
    from protocols.dialect import Dialect

_NO_CHANGES: Final[Mapping[int, str | None]] = {}


class Message:
    """One message. `frame` is what was received, byte for byte; `get` reads one element of it.

    Values are canonical in every dialect: text as it stands, binary elements as upper-case hex.
    """

    # A plain slotted class: one is made per frame, and a frozen dataclass takes four times as long.
    __slots__ = ("_at", "_layout", "_text", "frame", "mti")

    def __init__(self, frame: bytes, layout: Layout, at: Anchors) -> None:
        self.frame = frame
        self._layout = layout
        self._at = at
        # Once for all elements: a slice of text costs half of a slice of bytes and its decoding.
        self._text = frame.decode("latin-1")
        self.mti = layout.mti

    @property
    def dialect(self) -> Dialect:
        return self._layout.codec.dialect

    @property
    def header(self) -> bytes:
        """What stood before the message, where its dialect has a header; `frame` is without it."""
        return b""

    @property
    def bitmap_key(self) -> bytes:
        """The bitmap as received: messages of one key have their elements in one order."""
        return self._layout.bitmap

    def get(self, number: int) -> str | None:
        """An element's canonical value, or None when the message does not carry it."""
        place = self._layout.texts.get(number)
        if place is None:
            return self._converted(number)
        from_anchor, from_offset, to_anchor, to_offset = place
        at = self._at
        return self._text[at[from_anchor] + from_offset : at[to_anchor] + to_offset]

    def pick(self, numbers: tuple[int, ...]) -> tuple[str | None, ...]:
        """Several elements at once, in the order asked: one call where `get` would be ten.

        Meant for a constant tuple: a function is written for every one, once per layout.
        """
        return self._layout.picker(numbers)(self)

    def raw(self, number: int) -> bytes | None:
        """An element's bytes on the wire, without its length prefix."""
        place = self._layout.places.get(number)
        return None if place is None else place.of(self.frame, self._at)

    def __contains__(self, number: object) -> bool:
        return number in self._layout.places

    def numbers(self) -> tuple[int, ...]:
        """The elements carried, in their order; a bitmap is not an element."""
        return self._layout.numbers

    def items(self) -> Iterator[tuple[int, str]]:
        for number in self._layout.numbers:
            yield number, self.get(number) or ""

    def patched(self, changes: Mapping[int, str | None], mti: str | None = None) -> bytes:
        """This frame with some elements set, and those dropped whose value is None."""
        layout = self._layout
        head = layout.mti_on_the_wire if mti is None else layout.codec.mti_on_the_wire(mti)
        return layout.patches.write(self.frame, self._at, head, changes)

    def answered(self, changes: Mapping[int, str | None]) -> bytes:
        """The answer's frame: the elements an answer echoes, then the changes."""
        layout = self._layout
        head = layout.answer or layout.codec.mti_on_the_wire(answer_to(layout.mti))
        return layout.answers.write(self.frame, self._at, head, changes)

    def kept(self, changes: Mapping[int, str | None]) -> bytes:
        """This frame with the changes, less everything that may not be written to disk: no track, PIN block or code.

        A change is kept as it is given, so a secret must not be among them.
        """
        layout = self._layout
        return layout.keepsakes.write(self.frame, self._at, layout.mti_on_the_wire, changes)

    def translated(
        self, dialect: Dialect, changes: Mapping[int, str | None] = _NO_CHANGES, mti: str | None = None
    ) -> bytes:
        """The same message for a peer of another dialect, as far as it can spell it; of the same one, patched."""
        if dialect is self.dialect:
            return self.patched(changes, mti)
        if dialect.bare is self.dialect:
            return dialect.opened(self.patched(changes, mti))
        values = {**dict(self.items()), **changes}
        return fitting(dialect, mti or self.mti, {n: value for n, value in values.items() if value is not None})

    def _converted(self, number: int) -> str | None:
        """An element whose bytes on the wire are not its value: binary or packed ones, or text in EBCDIC."""
        data = self.raw(number)
        if data is None:
            return None
        spelling = self._layout.codec.spellings[number]
        return spelling.read(data, self._prefix(number) if spelling.prefix_width else b"")

    def _prefix(self, number: int) -> bytes:
        """An element's length prefix: of packed digits it says whether one is a pad."""
        (anchor, offset, _, _), (_, data, _, _) = self._layout.spans[number], self._layout.places[number]
        begin = self._at[anchor]
        return self.frame[begin + offset : begin + data]

    def __repr__(self) -> str:
        known = self.dialect.dictionary
        carried = " ".join(f"{known[number].name}={shown(number, value, known)}" for number, value in self.items())
        return f"<{self.mti} {carried}>"

    @property
    def pan(self) -> Pan | None:
        digits = self.get(elements.PAN)
        return None if digits is None else Pan(digits)

    @property
    def amount(self) -> int | None:
        """DE 4, in minor units of `currency`."""
        digits = self.get(elements.AMOUNT)
        return None if digits is None else int(digits)

    @property
    def original(self) -> Original | None:
        text = self.get(elements.ORIGINAL)
        return None if text is None else Original.parse(text)

    @property
    def card_acceptor(self) -> CardAcceptor | None:
        """DE 43 in its parts."""
        text = self.get(elements.CARD_ACCEPTOR_NAME)
        return None if text is None else CardAcceptor.parse(text)

    @property
    def subelements(self) -> Mapping[str, str]:
        """DE 48 by id; empty where there is none, SubelementError where it is not a run. May hold a code: `[92]`."""
        return subelements.parse(self.get(elements.PRIVATE_DATA) or "")

    @property
    def additional_amounts(self) -> tuple[AdditionalAmount, ...]:
        """DE 54, one by one; FormatError where it is not a run of amounts."""
        return additional_amounts.parse(self.get(elements.ADDITIONAL_AMOUNTS) or "")

    @property
    def chip_data(self) -> tuple[Tlv, ...]:
        """DE 55 as a tree of data objects; TlvError where it is none. `tlv.by_tag` gives the values by name."""
        return tlv.parse(bytes.fromhex(self.get(elements.ICC_DATA) or ""))

    @property
    def has_pin(self) -> bool:
        return elements.PIN_BLOCK in self._layout.places

    @property
    def processing_code(self) -> str | None:
        return self.get(elements.PROCESSING_CODE)

    @property
    def transmitted_at(self) -> str | None:
        return self.get(elements.TRANSMITTED_AT)

    @property
    def stan(self) -> str | None:
        return self.get(elements.STAN)

    @property
    def local_time(self) -> str | None:
        return self.get(elements.LOCAL_TIME)

    @property
    def local_date(self) -> str | None:
        return self.get(elements.LOCAL_DATE)

    @property
    def expiry(self) -> str | None:
        return self.get(elements.EXPIRY)

    @property
    def merchant_type(self) -> str | None:
        return self.get(elements.MERCHANT_TYPE)

    @property
    def pos_entry_mode(self) -> str | None:
        return self.get(elements.POS_ENTRY_MODE)

    @property
    def pos_condition_code(self) -> str | None:
        return self.get(elements.POS_CONDITION_CODE)

    @property
    def acquirer_id(self) -> str | None:
        return self.get(elements.ACQUIRER_ID)

    @property
    def forwarder_id(self) -> str | None:
        return self.get(elements.FORWARDER_ID)

    @property
    def rrn(self) -> str | None:
        return self.get(elements.RRN)

    @property
    def approval_code(self) -> str | None:
        return self.get(elements.APPROVAL_CODE)

    @property
    def response_code(self) -> str | None:
        return self.get(elements.RESPONSE_CODE)

    @property
    def terminal_id(self) -> str | None:
        return self.get(elements.TERMINAL_ID)

    @property
    def card_acceptor_id(self) -> str | None:
        return self.get(elements.CARD_ACCEPTOR_ID)

    @property
    def reason(self) -> str | None:
        return self.get(elements.REASON)

    @property
    def private_data(self) -> str | None:
        return self.get(elements.PRIVATE_DATA)

    @property
    def currency(self) -> str | None:
        return self.get(elements.CURRENCY)

    @property
    def pin_block(self) -> str | None:
        return self.get(elements.PIN_BLOCK)

    @property
    def network_management_code(self) -> str | None:
        return self.get(elements.NETWORK_MANAGEMENT_CODE)
