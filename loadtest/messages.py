"""The messages of a run, as they are made: by templates of steps, as reversals, about a link; with number and moment.

Each kind of message is encoded once (`template`) and patched from then on. What is made is an entry of the ledger that
nobody has sent yet; sending is `traffic`'s. Pure: the time comes in, in ns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from loadtest.explain import key_for
from loadtest.flow import Asking, Send
from loadtest.ledger import Entry, Ledger, MatchKey
from loadtest.mac import Macs
from loadtest.plan import NANO
from loadtest.scenario import Scenario
from loadtest.stamps import Numbers, stamp
from loadtest.template import AUDITED, SealedTemplate, Template
from protocols.dialect import Dialect
from protocols.framing import Framing
from protocols.message import Message
from protocols.mti import mti_class
from protocols.original import NOT_STATED, Original
from protocols.participant import SEALED

RECONCILIATION: Final = "0500"
LINK: Final = "link"  # the flow of sign-ons and echoes: in the gauges, in no histogram
REVERSED_WITH: Final = (2, 3, 4, 18, 22, 25, 32, 33, 37, 41, 42, 43, 49)  # what a reversal says again of its original
REFUNDS: Final = ("20", "26", "28")  # transaction types that move money back (DE 3)
NO_MONEY: Final = ("31", "38")


class Reader:
    """What is read of an answer of one type: the key's elements, then DE 39 and 38, then the audited ones."""

    __slots__ = ("numbers", "width")

    def __init__(self, key: Sequence[int]) -> None:
        self.numbers = (*key, 39, 38, *AUDITED)
        self.width = len(key)


class Messages:
    def __init__(
        self, scenario: Scenario, dialect: Dialect, framing: Framing, ledger: Ledger, numbers: Numbers, wall_ns: int
    ) -> None:
        """`wall_ns`: what to add to the monotonic clock to have nanoseconds since 1970."""
        self.templates: dict[Any, Template] = {}
        self.signs: dict[Template, int] = {}  # of the money: 1 out of an account, -1 back into one, 0 none
        self.readers: dict[str, Reader] = {}  # by the type of an answer
        self.asked: set[str] = {"0800"}  # types that were sent
        self._dialect, self._framing, self._ledger, self._numbers = dialect, framing, ledger, numbers
        self._match, self._reversal_mti = scenario.match, scenario.timeouts.reversal_mti
        self._wall = wall_ns + int(scenario.values.skew_s * NANO)
        self._stamp: dict[str, str] = {}
        self._until = 0
        security, target = scenario.security, scenario.target
        mac = security.mac
        self._macs = Macs(mac.test_key, mac.algorithm, mac.padding, mac.digits) if mac else None
        self._is_answer_sealed = mac is not None and mac.answers
        has = {"pin_block": security.pin, "icc_data": security.chip, "card_sequence": security.chip}
        self._absent = {name for name, how in has.items() if how is None}
        self._fixed = {
            "acquirer_id": target.acquirer_id or "",
            "forwarder_id": target.forwarder_id or "",
            "original": "0" * 42,
        }
        self._who = {n: v for n, v in ((32, target.acquirer_id), (33, target.forwarder_id)) if v}

    @property
    def looks_at_seals(self) -> bool:
        """Whether answers about money must be sealed."""
        return self._is_answer_sealed

    def is_sealed_right(self, answer: Message) -> bool:
        """Whether an answer that must have a seal has the right one."""
        return self._macs is None or mti_class(answer.mti) not in SEALED or self._macs.is_right(answer)

    @property
    def fixed(self) -> Mapping[str, str]:
        """Values that are the same in every visit."""
        return self._fixed

    def moment(self, now: int) -> dict[str, str]:
        """The values of the second that it is."""
        if now >= self._until:
            wall = now + self._wall
            self._stamp = stamp(wall / NANO)
            self._until = now + NANO - wall % NANO
        return self._stamp

    def of_step(self, step: Asking) -> Template:
        """The template of a flow's step, made once."""
        assert isinstance(step, Send)  # commands and calls are asked by those who know them
        elements = {n: value for n, value in step.by_number.items() if not self._is_absent(value)}
        template = self.templates[id(step)] = self.keyed(self.new(step.mti, elements))
        return template

    def made(self, template: Template, values: dict[str, str], flow: str, planned: int) -> Entry:
        """A message with numbers of its own; `values` are of this second (`moment`), and get its numbers."""
        is_free, numbers = self._ledger.is_free, self._numbers
        for _ in range(100):
            values["stan"] = stan = numbers.next()
            values["rrn"] = self._stamp["rrn_head"] + stan
            filled = template.fill(values)
            key: MatchKey = (template.answer, *template.key(filled))
            if is_free(key):
                break
        return Entry(template, filled, key, flow, planned, (planned - self._ledger.start) // NANO)

    def reversal(self, original: Entry, reason: str, planned: int, now: int) -> Entry:
        """What takes a message back, with DE 90."""
        was, read = original.template, original.template.value
        said = {n: value for n in REVERSED_WITH if (value := read(n, original.values))}
        if original.approval_code:
            said[38] = original.approval_code
        which = (id(was), reason, tuple(said))
        template = self.templates.get(which)
        if template is None:
            holes = {n: f"$e{n}" for n in said}
            stamps = {7: "$transmitted_at", 11: "$stan", 12: "$local_time", 13: "$local_date", 90: "$original"}
            template = self.keyed(self.new(self._reversal_mti, {**holes, **stamps, 39: reason}))
            self.templates[which] = template
        values = {
            **self.moment(now),
            **{f"e{n}": value for n, value in said.items()},
            "original": original_of(original).text,
        }
        reversal = self.made(template, values, original.flow, planned)
        reversal.undoes = original
        return reversal

    def about_the_link(self, code: str, now: int) -> Entry:
        """A sign-on, a sign-off, an echo (0800)."""
        template = self.templates.get(code)
        if template is None:
            template = self.templates[code] = self.keyed(
                self.new("0800", {7: "$transmitted_at", 11: "$stan", 70: code, **self._who})
            )
        entry = self.made(template, dict(self.moment(now)), LINK, now)
        entry.visit = code
        return entry

    def totals(self, currency: str, said: Mapping[int, str], now: int) -> Entry:
        """A 0500 with these totals, or none, to hear the target's."""
        elements = {7: "$transmitted_at", 11: "$stan", 50: currency, **self._who, **said}
        template = self.keyed(self.new(RECONCILIATION, elements), (11,))
        entry = self.made(template, dict(self.moment(now)), LINK, now)
        entry.visit = currency
        return entry

    def new(self, mti: str, elements: Mapping[int, str]) -> Template:
        """A template of these elements; who we are is filled in."""
        ours = {"$acquirer_id": self._fixed["acquirer_id"], "$forwarder_id": self._fixed["forwarder_id"]}
        known = {number: ours.get(value, value) for number, value in elements.items()}
        return self._encoded(mti, known)

    def _encoded(self, mti: str, elements: Mapping[int, str]) -> Template:
        if self._macs is not None and mti_class(mti) in SEALED:
            return SealedTemplate(mti, elements, self._dialect, self._framing, self._macs.of)
        return Template(mti, elements, self._dialect, self._framing)

    def keyed(self, template: Template, usual: tuple[int, ...] = ()) -> Template:
        """With its match key, and its answers known from now on. `usual`: where the scenario does not name its type."""
        match = self._match
        key = usual if usual and template.mti not in match else key_for(match, template.mti)
        template.key = template.getter(key)
        self.asked.add(template.mti)
        self.readers.setdefault(template.answer, Reader(key))
        code = template.constants.get(3, "00")[:2]
        is_money = mti_class(template.mti) in "12" and 4 in (*template.constants, *template.numbers)
        self.signs[template] = 0 if not is_money or code in NO_MONEY else -1 if code in REFUNDS else 1
        return template

    def like(self, template: Template, mti: str) -> Template:
        """The same message under another type."""
        which = (id(template), mti)
        found = self.templates.get(which)
        if found is None:
            holes = dict(zip(template.numbers, (f"${name}" for name in template.holes), strict=True))
            found = self._encoded(mti, {**template.constants, **holes})
            self.templates[which] = found
        return found

    def _is_absent(self, value: str) -> bool:
        return value.startswith("$") and (self._fixed.get(value[1:]) == "" or value[1:] in self._absent)


def original_of(entry: Entry) -> Original:
    """DE 90: what a message says of the one that it is about."""
    read, values = entry.template.value, entry.values
    stan, at = read(11, values) or "000000", read(7, values) or "0000000000"
    return Original(entry.mti, stan, at, read(32, values) or NOT_STATED, read(33, values) or NOT_STATED)
