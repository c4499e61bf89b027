"""Clean histories, made from a seed: what a network that keeps every promise would have left behind.

Not the switch's code and not a simulation: a book-keeper that writes all books of each scene at once, so that they
agree by construction. A scene is a method named after what happens; `history` plays each once, then draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from tests.oracle.books import LETTERS, answer_to, booking_key, key_of

Line = dict[str, Any]

BEGIN: Final = 1_795_000_000.0  # 18 November 2026
ACQUIRER: Final = "784001"
BANKS: Final = ("nbk", "nbd", "ebi")
CURRENCIES: Final = {"nbk": "414", "nbd": "784", "ebi": "784"}
GATEWAYS: Final = ("lab", "comtrust")
STAND_IN_MOST: Final = 50_000
STAND_IN_DAY: Final = 500_000


class Asked:
    """One transaction while its books are being written."""

    def __init__(self, number: int, participant: str, mti: str, bank: str, card: str, elements: dict[str, str]) -> None:
        self.number, self.participant, self.mti, self.bank = number, participant, mti, bank
        self.card, self.elements = card, elements
        self.key = key_of(participant, mti, elements)
        self.stan = ""
        self.link = f"{participant}-1"

    @property
    def amount(self) -> int:
        return int(self.elements["4"])

    @property
    def booking(self) -> str:
        return booking_key(self.mti, self.stan, self.elements)

    @property
    def original(self) -> str:
        """DE 90 as a gateway names it."""
        return f"{self.mti}{self.elements['11']}{self.elements['7']}{ACQUIRER:0>11}{'':0>11}"

    @property
    def original_at_bank(self) -> str:
        return f"{self.mti}{self.stan}{self.elements['7']}{ACQUIRER:0>11}{'':0>11}"


class Keeper:
    """All books of one run."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.lines: list[Line] = []
        self.at = BEGIN + self.random.randrange(86_400)
        self.number = self.records = self.operations = 0
        self.stans = dict.fromkeys(BANKS, 0)
        self.names = 0
        self.standing: dict[str, tuple[str, str, int, str]] = {}  # key -> bank, business date, amount, currency
        self._record("started", number=0)

    # --- the pens

    def _line(self, book: str, **members: Any) -> Line:
        line = {"book": book, **{name: value for name, value in members.items() if value is not None}}
        self.lines.append(line)
        return line

    def _record(self, kind: str, **members: Any) -> Line:
        self.records += 1
        return self._line("journal", record=self.records, kind=kind, at=self.tick(), **members)

    def tick(self, seconds: float = 0.002) -> float:
        self.at = round(self.at + seconds, 3)
        return self.at

    def moment(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).strftime("%m%d%H%M%S")

    @property
    def today(self) -> str:
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%d")

    def request(self, mti: str = "0100", **changes: str) -> Asked:
        """A request as a gateway makes it, not yet sent."""
        self.number += 1
        self.names += 1
        bank = self.random.choice(BANKS)
        self.tick(self.random.random())
        elements = {
            "3": "000000",
            "4": f"{self.random.randrange(100, 40_000):012d}",
            "7": self.moment(),
            "11": f"{self.names:06d}",
            "32": ACQUIRER,
            "37": f"{self.names:012d}",
            "41": f"TERM{self.random.randrange(4):04d}",
            "49": CURRENCIES[bank],
            **changes,
        }
        card = f"tok-{bank}-{self.random.randrange(5)}"
        return Asked(self.number, self.random.choice(GATEWAYS), mti, bank, card, elements)

    def about(self, mti: str, one: Asked, **changes: str) -> Asked:
        """A reversal or completion of an earlier request, by its own gateway."""
        asked = self.request(mti, **{"3": "000000", "49": one.elements["49"], "4": one.elements["4"], **changes})
        asked.participant, asked.bank, asked.card, asked.link = one.participant, one.bank, one.card, one.link
        asked.elements |= {"41": one.elements["41"], "90": one.original}
        asked.key = key_of(asked.participant, mti, asked.elements)
        return asked

    def invoke(self, one: Asked, mti: str | None = None) -> int:
        self.operations += 1
        mti = mti or one.mti
        told = {"participant": one.participant, "mti": mti, "card": one.card, "elements": dict(one.elements)}
        self._line("history", event="invoke", id=self.operations, at=self.tick(), **told)
        self._line("wire", at=self.at, link=one.link, side="gateway", way="in", **told)
        return self.operations

    def hears(self, operation: int, one: Asked, code: str, approval: str | None = None, **changes: str) -> None:
        """The answer leaves, and its client hears it."""
        elements = {name: value for name, value in one.elements.items() if name != "90"} | {"39": code} | changes
        if approval is not None:
            elements["38"] = approval
        told = {"participant": one.participant, "mti": answer_to(one.mti), "card": one.card, "elements": elements}
        self._line("wire", at=self.tick(), link=one.link, side="gateway", way="out", **told)
        self._line("history", event="ok", id=operation, at=self.tick(), **told)

    def unheard(self, operation: int, one: Asked, code: str, approval: str | None = None) -> None:
        """The answer leaves, and nobody is there any more."""
        elements = {name: value for name, value in one.elements.items() if name != "90"} | {"39": code}
        if approval is not None:
            elements["38"] = approval
        told = {"participant": one.participant, "mti": answer_to(one.mti), "card": one.card, "elements": elements}
        self._line("wire", at=self.tick(), link=one.link, side="gateway", way="out", **told)
        self._line("history", event="unknown", id=operation, at=self.tick())

    def sends(self, one: Asked) -> None:
        """Recorded, then sent to the bank."""
        self.take_stan(one)
        self._record("sent", **self._who(one), elements=dict(one.elements))
        self._to_bank(one.bank, one.mti, one.stan, one)

    def take_stan(self, one: Asked) -> None:
        self.stans[one.bank] += 1
        one.stan = f"{self.stans[one.bank]:06d}"

    def _who(self, one: Asked) -> Line:
        return {
            "number": one.number,
            "key": one.key,
            "participant": one.participant,
            "mti": one.mti,
            "issuer": one.bank,
            "stan": one.stan or None,
            "card": one.card,
        }

    def _to_bank(self, bank: str, mti: str, stan: str, one: Asked, **more: str) -> None:
        elements = {**one.elements, "11": stan, **more}
        self._line(
            *("wire",), at=self.tick(), link=f"{bank}-1", side="issuer", way="out", participant=bank, mti=mti,
            card=one.card, elements=elements,
        )  # fmt: skip

    def from_bank(self, bank: str, mti: str, stan: str, one: Asked, code: str) -> None:
        elements = {**one.elements, "11": stan, "39": code}
        self._line(
            *("wire",), at=self.tick(), link=f"{bank}-1", side="issuer", way="in", participant=bank, mti=mti,
            card=one.card, elements=elements,
        )  # fmt: skip

    def answered(self, one: Asked, code: str, approval: str | None = None, **more: Any) -> Line:
        """How it ended, recorded. `more`: reason, stand_in, reverses, left, tombstone, debts, elements."""
        return self._record(
            "answered",
            **self._who(one) | {"stan": one.stan or None},
            response_code=code,
            approval_code=approval,
            business_date=self.today,
            **more,
        )

    def debt(self, mti: str, one: Asked) -> Line:
        """A debt under a STAN of its own."""
        self.number += 1
        self.stans[one.bank] += 1
        stan = f"{self.stans[one.bank]:06d}"
        return {"number": self.number, "transaction": one.number, "issuer": one.bank, "mti": mti, "stan": stan}

    def pays(self, debt: Line, one: Asked) -> None:
        """Sent, repeated a few times perhaps, acknowledged, recorded."""
        original = {"90": one.original_at_bank if one.stan else one.original}
        self._to_bank(debt["issuer"], debt["mti"], debt["stan"], one, **original)
        for _ in range(self.random.choice((0, 0, 1, 2))):
            self._to_bank(debt["issuer"], debt["mti"][:3] + "1", debt["stan"], one, **original)
        self.from_bank(debt["issuer"], answer_to(debt["mti"]), debt["stan"], one, "00")
        self._record("settled", number=debt["number"], transaction=one.number, response_code="00")

    # --- the banks' books

    def booking(self, one: Asked, state: str, amount: int, **more: Any) -> Line:
        currency = LETTERS[one.elements["49"]]
        return self._line(
            *("issuer",), issuer=one.bank, what="booking", key=one.booking, state=state, amount=amount,
            currency=currency, **{"way": "post", "sign": -1, **more},
        )  # fmt: skip

    def entries(self, one: Asked, amount: int, key: str | None = None) -> None:
        """The holder pays that much; negative: gets it back."""
        bank = {"issuer": one.bank, "what": "entry", "key": key or one.booking, "currency": LETTERS[one.elements["49"]]}
        self._line("issuer", **bank, account=one.card, amount=-amount, own=False)
        self._line("issuer", **bank, account="network", amount=amount, own=True)

    def hold(self, one: Asked, event: str, amount: int) -> None:
        self._line("issuer", issuer=one.bank, what="hold", key=one.booking, event=event, amount=amount)

    def stands(self, one: Asked, amount: int) -> None:
        """What clearing and totals will say of it in the end."""
        if amount:
            self.standing[one.key] = (one.bank, self.today, amount, LETTERS[one.elements["49"]])
        else:
            self.standing.pop(one.key, None)

    def close(self) -> list[Line]:
        """The end of the run: agreements, clearing files, totals."""
        for bank in BANKS:
            most = {"stand_in_limit": STAND_IN_MOST, "stand_in_day_limit": STAND_IN_DAY}
            self._line("agreement", issuer=bank, **most)
        sums: dict[tuple[str, str, str], list[int]] = {}
        for key, (bank, day, amount, currency) in self.standing.items():
            file = f"{day}-{bank}"
            self._line("clearing", file=file, business_date=day, key=key, amount=amount, currency=currency)
            total = sums.setdefault((bank, day, currency), [0, 0])
            total[0] += 1
            total[1] += amount
        for (bank, day, currency), (count, amount) in sums.items():
            self._line("totals", issuer=bank, business_date=day, currency=currency, count=count, amount=amount)
        return self.lines

    # --- scenes

    def approval(self) -> str:
        return f"{self.random.randrange(10**6):06d}"

    def purchase(self) -> tuple[Asked, str]:
        """Asked, approved, heard."""
        one, approval = self.request(), self.approval()
        operation = self.invoke(one)
        self.sends(one)
        self.from_bank(one.bank, "0110", one.stan, one, "00")
        self.booking(one, "approved", one.amount)
        self.entries(one, one.amount)
        self.answered(one, "00", approval)
        self.hears(operation, one, "00", approval)
        self.stands(one, one.amount)
        return one, approval

    def declined_purchase(self) -> None:
        one = self.request()
        operation = self.invoke(one)
        self.sends(one)
        self.from_bank(one.bank, "0110", one.stan, one, "51")
        self.booking(one, "declined", 0)
        self.answered(one, "51")
        self.hears(operation, one, "51")

    def refused_by_the_switch(self) -> None:
        """No bank hears of it."""
        one = self.request()
        operation = self.invoke(one)
        self._record(
            "answered", **{**self._who(one), "issuer": None}, response_code="54", reason="card.expired",
            elements=dict(one.elements),
        )  # fmt: skip
        self.hears(operation, one, "54", **{"44": "card.expired"})

    def partial_approval(self) -> None:
        one, approval = self.request(), self.approval()
        operation, part = self.invoke(one), one.amount // 2
        self.sends(one)
        self.from_bank(one.bank, "0110", one.stan, one, "10")
        self.booking(one, "approved", part)
        self.entries(one, part)
        self.answered(one, "10", approval, changes={"4": f"{part:012d}"})
        self.hears(operation, one, "10", approval, **{"4": f"{part:012d}"})
        self.stands(one, part)

    def repeated(self) -> None:
        """Asked twice, answered twice alike, done once."""
        one, approval = self.purchase()
        self.hears(self.invoke(one, "0101"), one, "00", approval)

    def conflicting_copy(self) -> None:
        """The same name for another payment: refused."""
        one, _ = self.purchase()
        other = Asked(one.number, one.participant, "0100", one.bank, one.card, {**one.elements, "4": "000000777777"})
        self.hears(self.invoke(other), other, "94", **{"44": "duplicate.differs"})

    def confirmed_by_a_repeat(self) -> None:
        """The first answer was not heard; the repeat's is."""
        one, approval = self.request(), self.approval()
        operation = self.invoke(one)
        self.sends(one)
        self.from_bank(one.bank, "0110", one.stan, one, "00")
        self.booking(one, "approved", one.amount)
        self.entries(one, one.amount)
        self.answered(one, "00", approval)
        self.unheard(operation, one, "00", approval)
        self.hears(self.invoke(one, "0101"), one, "00", approval)
        self.stands(one, one.amount)

    def unheard_and_reversed(self) -> None:
        """The client hears nothing and takes it back."""
        one, approval = self.request(), self.approval()
        operation = self.invoke(one)
        self.sends(one)
        self.from_bank(one.bank, "0110", one.stan, one, "00")
        self.answered(one, "00", approval)
        self.unheard(operation, one, "00", approval)
        self._reversed_by_client(one)

    def reversed_purchase(self) -> None:
        one, _ = self.purchase()
        self.lines[:] = [line for line in self.lines if not _is_of(line, one)]
        self._reversed_by_client(one)

    def _reversed_by_client(self, one: Asked) -> None:
        undo = self.about("0420", one)
        operation = self.invoke(undo)
        debt = self.debt("0420", one)
        self.answered(undo, "00", reverses=one.number, reverses_key=one.key, debts=[debt], elements=dict(undo.elements))
        self.hears(operation, undo, "00")
        self.pays(debt, one)
        self.booking(one, "reversed", 0)
        self.entries(one, one.amount)
        self.entries(one, -one.amount)
        self.stands(one, 0)

    def partial_reversal(self) -> None:
        """A part goes back; the rest stands."""
        one, _ = self.purchase()
        left = one.amount // 3
        undo = self.about("0420", one, **{"95": f"{left:012d}{0:030d}"})
        operation, debt = self.invoke(undo), self.debt("0420", one)
        self.answered(
            undo, "00", reverses=one.number, reverses_key=one.key, left=left, debts=[debt],
            elements=dict(undo.elements),
        )  # fmt: skip
        self.hears(operation, undo, "00")
        self.pays(debt, one)
        booking = next(line for line in self.lines if _is_of(line, one) and line["what"] == "booking")
        booking["amount"] = left
        self.entries(one, left - one.amount)
        self.stands(one, left)

    def timeout(self) -> None:
        """The bank is silent; what it may have done is undone. Its approval comes late and goes nowhere."""
        one = self.request()
        operation = self.invoke(one)
        self.sends(one)
        self.tick(8.0)
        debt = self.debt("0420", one)
        self.answered(one, "91", reason="issuer.timeout", debts=[debt])
        self.hears(operation, one, "91", **{"44": "issuer.timeout"})
        if self.random.random() < 0.5:
            self.from_bank(one.bank, "0110", one.stan, one, "00")
            self.booking(one, "reversed", 0)
            self.entries(one, one.amount)
            self.entries(one, -one.amount)
        else:
            self.booking(one, "declined", 0, is_tombstone=True)
        self.pays(debt, one)

    def stood_in(self) -> None:
        """The bank is silent, the switch approves in its place, and tells it."""
        one, approval = self.request(), self.approval()
        operation = self.invoke(one)
        self.sends(one)
        self.tick(8.0)
        debt = self.debt("0120", one)
        self.answered(one, "00", approval, stand_in=True, debts=[debt])
        self.hears(operation, one, "00", approval)
        self.pays(debt, one)
        self.booking(one, "approved", one.amount, advised=True)
        self.entries(one, one.amount)
        self.stands(one, one.amount)

    def undelivered(self) -> None:
        """Nobody was there to hear the approval: undone by the switch; a repeat hears that."""
        one, approval = self.request(), self.approval()
        one.link += f"-{one.number}"  # a connection of its own, for it will break
        operation = self.invoke(one)
        self.sends(one)
        self.from_bank(one.bank, "0110", one.stan, one, "00")
        self.answered(one, "00", approval)
        self._line("wire", at=self.at, link=one.link, side="gateway", way="closed")
        self._line("history", event="unknown", id=operation, at=self.tick())
        self._undone(one, "reversal.undelivered")
        self.booking(one, "reversed", 0)
        self.entries(one, one.amount)
        self.entries(one, -one.amount)
        one.link += "b"
        self.hears(self.invoke(one, "0101"), one, "68", **{"44": "reversed.undelivered"})

    def restarted(self) -> None:
        """The switch dies between sending and hearing; at its next start it undoes what it had sent."""
        one = self.request()
        one.link += f"-{one.number}"
        operation = self.invoke(one)
        self.sends(one)
        self._line("wire", at=self.at, link=one.link, side="gateway", way="closed")
        self._line("history", event="unknown", id=operation, at=self.tick())
        self.tick(2.0)
        self._record("started", number=self.number)
        self._undone(one, "reversal.restart")
        self.booking(one, "declined", 0, is_tombstone=True)

    def _undone(self, one: Asked, why: str) -> None:
        debt = self.debt("0420", one)
        self._record("owed", number=one.number, key=one.key, why=why, debts=[debt])
        self.pays(debt, one)

    def reversal_first(self) -> None:
        """Its reversal overtakes it: the original is refused when it comes."""
        one = self.request()
        undo = self.about("0420", one)
        one.number, undo.number = undo.number, one.number
        operation = self.invoke(undo)
        self.answered(undo, "00", tombstone=one.key, elements=dict(undo.elements))
        self.hears(operation, undo, "00")
        operation = self.invoke(one)
        self.answered(one, "94", reason="reversed.first", elements=dict(one.elements))
        self.hears(operation, one, "94", **{"44": "reversed.first"})

    def completed_hold(self) -> None:
        """Reserved, then a part of it taken."""
        one, took = self._reserved()
        done = self.about("0220", one, **{"4": f"{took:012d}"})
        operation, debt = self.invoke(done), self.debt("0220", one)
        self.answered(
            done, "00", reverses=one.number, reverses_key=one.key, left=took, debts=[debt],
            elements=dict(done.elements),
        )  # fmt: skip
        self.hears(operation, done, "00")
        self.pays(debt, one)
        self.booking(one, "approved", took, way="hold", completed=True)
        self.hold(one, "captured", one.amount)
        done.stan = debt["stan"]
        self.booking(done, "approved", took, original=one.booking)
        self.entries(one, took, done.booking)
        self.stands(one, took)

    def released_hold(self) -> None:
        """Reserved, then taken back."""
        one, _ = self._reserved()
        undo = self.about("0420", one)
        operation, debt = self.invoke(undo), self.debt("0420", one)
        self.answered(undo, "00", reverses=one.number, reverses_key=one.key, debts=[debt], elements=dict(undo.elements))
        self.hears(operation, undo, "00")
        self.pays(debt, one)
        self.booking(one, "reversed", 0, way="hold")
        self.hold(one, "released", one.amount)
        self.stands(one, 0)

    def _reserved(self) -> tuple[Asked, int]:
        one, approval = self.request(), self.approval()
        operation = self.invoke(one)
        self.sends(one)
        self.from_bank(one.bank, "0110", one.stan, one, "00")
        self.answered(one, "00", approval)
        self.hears(operation, one, "00", approval)
        self.hold(one, "held", one.amount)
        return one, one.amount - self.random.randrange(one.amount // 2)


def _is_of(line: Mapping[str, Any], one: Asked) -> bool:
    return line["book"] == "issuer" and line["issuer"] == one.bank and line["key"] == one.booking


SCENES: Final[tuple[Callable[[Keeper], object], ...]] = (
    Keeper.purchase,
    Keeper.declined_purchase,
    Keeper.refused_by_the_switch,
    Keeper.partial_approval,
    Keeper.repeated,
    Keeper.conflicting_copy,
    Keeper.confirmed_by_a_repeat,
    Keeper.unheard_and_reversed,
    Keeper.reversed_purchase,
    Keeper.partial_reversal,
    Keeper.timeout,
    Keeper.stood_in,
    Keeper.undelivered,
    Keeper.restarted,
    Keeper.reversal_first,
    Keeper.completed_hold,
    Keeper.released_hold,
)


def history(seed: int, scenes: int = 30) -> list[Line]:
    """All books of a clean run: every scene once, in an order of the seed's own, and some more."""
    keeper = Keeper(seed)
    play = [*SCENES, *keeper.random.choices(SCENES, k=max(0, scenes - len(SCENES)))]
    keeper.random.shuffle(play)
    for scene in play:
        scene(keeper)
    return keeper.close()
