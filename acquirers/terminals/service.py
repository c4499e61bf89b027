"""A terminal at work: a step in, the conversation with the network, what came of it.

Told line by line to whoever watches. The terminal reads and asks, the key room brings the PIN under the zone's key, the
gateway sends. An approval that the card does not believe is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from acquirers.gateway import Gateway
from acquirers.house import House
from acquirers.pin_pad import PinError
from acquirers.points_of_sale import POINTS_OF_SALE
from acquirers.session import Heard, Outcome
from acquirers.terminals import terminal as kernel
from acquirers.terminals import told
from acquirers.terminals.card import Card
from acquirers.terminals.key_room import KeyRoom, KeyRoomError
from acquirers.terminals.pads import AesDukptPad, KeyedPad, Pad, Randomness, TdesDukptPad
from acquirers.terminals.settings import Equipment, TerminalFile
from acquirers.terminals.step import Deck, KnownCard, Step, StepError, typed_pin
from acquirers.terminals.store import Counters
from acquirers.transaction import (
    KINDS,
    Order,
    Place,
    Request,
    Verdict,
    make_completion,
    make_request,
    make_reversal,
    read_answer,
)
from protocols import elements as de
from protocols import subelements
from protocols.errors import LocalProtocolError
from protocols.money import Amount
from protocols.pan import Pan

NONCE = 4  # bytes of the unpredictable number, 9F37
SINGLE_MESSAGE = "0200"
REFUSED_HERE, NO_ANSWER = "refused here", "no answer"


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a step: a response code, or a word where nobody answered."""

    outcome: str
    approved: bool = False

    def is_as_expected(self, step: Step) -> bool:
        return step.expect is None or step.expect in (self.outcome, *self.outcome.split())


@dataclass(slots=True)
class _Last:
    """What a later step may be about."""

    request: Request
    verdict: Verdict | None


def pad_of(terminal: TerminalFile, counters: Counters, randomness: Randomness) -> Pad | None:
    """The PIN pad of a terminal; None where it has none."""
    if terminal.pin == "tpk":
        master = bytes.fromhex(terminal.test_tmk) if terminal.test_tmk else None
        return KeyedPad(bytes.fromhex(terminal.test_tpk or ""), master)
    initial, serial = bytes.fromhex(terminal.test_initial_key or ""), terminal.serial or ""
    count = counters.of_pad(serial)
    if terminal.pin == "dukpt":
        return TdesDukptPad(initial, serial, count)
    return AesDukptPad(initial, serial, count, randomness) if terminal.pin == "aes-dukpt" else None


class Service:
    """One terminal, its pad, and the link of the gateway that it speaks by."""

    def __init__(
        self,
        terminal: TerminalFile,
        house: House,
        gateway: Gateway,
        key_room: KeyRoom,
        equipment: Equipment,
        deck: Deck,
        counters: Counters,
        randomness: Randomness,
        say: Callable[[str], None],
    ) -> None:
        self._terminal, self._house, self._gateway, self._key_room = terminal, house, gateway, key_room
        self._equipment, self._deck, self._counters = equipment, deck, counters
        self._randomness, self._say = randomness, say
        self._merchant = house.merchants[terminal.merchant]
        self._pad = pad_of(terminal, counters, randomness)
        self._last: _Last | None = None

    async def do(self, step: Step) -> Done:
        """Carry out one step, and tell it."""
        self._say(f"{self._terminal.id}, {self._merchant.name}: {step}")
        try:
            done = await self._carry_out(step)
        except (StepError, kernel.UnreadableCardError, KeyRoomError, PinError) as error:
            done = self._ended(REFUSED_HERE, str(error))
        except (ValueError, LocalProtocolError) as error:  # no amount of this currency, a chip that is worn out
            done = self._ended(REFUSED_HERE, str(error))
        if not done.is_as_expected(step):
            self._say(told.spoken("expected", step.expect or ""))
        return done

    async def _carry_out(self, step: Step) -> Done:
        match step.do:
            case "download":
                return await self._download()
            case "void":
                about = self._earlier()
                request = make_reversal(about.request, self._gateway.stamp(), mti="0400", answer=about.verdict)
                return await self._sent(request)
            case "complete":
                about = self._earlier()
                amount = self._amount(step, step.amount)
                return await self._sent(make_completion(about.request, self._gateway.stamp(), amount, about.verdict))
            case _:
                return await self._with_card(step)

    async def _download(self) -> Done:
        if not isinstance(self._pad, KeyedPad) or self._terminal.tmk is None:
            raise StepError(f"{self._terminal.id} takes no keys: it has no master key")
        await self._key_room.download(self._pad)
        self._say(told.spoken("pad", "has a new terminal key, sent under its master key"))
        return Done("done", True)

    def _earlier(self) -> _Last:
        if self._last is None:
            raise StepError("there is nothing before this that it could be about")
        return self._last

    def _amount(self, step: Step, text: str | None) -> Amount:
        return Amount.parse(text or "0", step.currency or self._merchant.currencies[0])

    # --- with a card

    async def _with_card(self, step: Step) -> Done:
        known = self._deck.find(step.card or "")
        presented = self._presented(step, known)
        kernel.must_be_readable(self._terminal, presented)
        amount = self._amount(step, step.amount)
        order = Order(
            KINDS["cash_back" if step.cash else step.do],
            presented.card.pan,
            amount,
            message=SINGLE_MESSAGE if step.cash else None,
        )
        place = Place(self._merchant, self._terminal.id, POINTS_OF_SALE[self._point_of_sale(step)])
        stamp = self._gateway.stamp()
        request = make_request(order, place, self._house, stamp)
        presented = await self._verified(step, known, presented, amount)
        nonce = self._randomness(NONCE)
        added = kernel.elements(self._terminal, presented, request, stamp, self._merchant, nonce)
        pins = await self._pins(presented, request)
        whole = Request(request.mti, dict(sorted({**request.values, **added, **pins}.items())))
        done = await self._sent(whole)
        return await self._second_look(step, presented.card, done)

    def _presented(self, step: Step, known: KnownCard) -> kernel.Presented:
        pan = Pan(known.pan)
        issued = self._equipment.issued(known.pan)
        if issued is None:
            raise StepError("terminals.toml says of no bank what is on such a card")
        card = Card(pan, known.expiry, issued, self._counters.of_card(pan))
        cash = self._amount(step, step.cash) if step.cash else None
        return kernel.Presented(card, step.how or "", None, step.new_pin, cash)

    def _point_of_sale(self, step: Step) -> str:
        if self._terminal.kind == "atm":
            return "atm"
        return "keyed" if step.how == kernel.TYPE else "card_present"

    async def _verified(
        self, step: Step, known: KnownCard, presented: kernel.Presented, amount: Amount
    ) -> kernel.Presented:
        """The holder at the pad, where the terminal asks for the PIN."""
        self._say(told.spoken("card", f"{presented.card.pan} {READ[presented.how]}"))
        if not kernel.wants_pin(self._terminal, presented, amount, self._merchant):
            self._say(told.spoken("holder", "is asked for no PIN"))
            return presented
        pin = typed_pin(step.pin, known)
        self._say(told.spoken("holder", "types a PIN" if pin else "types no PIN"))
        return replace(presented, pin=pin)

    async def _pins(self, presented: kernel.Presented, request: Request) -> dict[int, str]:
        """DE 52, and of a PIN change DE 48.93: each enciphered at the pad, then brought under the zone's key."""
        if presented.pin is None:
            return {}
        found = {de.PIN_BLOCK: await self._in_zone(presented.pin, presented.card.pan)}
        if presented.new_pin is not None:
            new = await self._in_zone(presented.new_pin, presented.card.pan)
            private = subelements.parse(request.values.get(de.PRIVATE_DATA) or "")
            found[de.PRIVATE_DATA] = subelements.pack({**private, subelements.NEW_PIN_BLOCK: new})
        return found

    async def _in_zone(self, pin: str, pan: Pan) -> str:
        if self._pad is None:
            raise StepError(f"{self._terminal.id} has no PIN pad")
        entered = self._pad.enter(pin, pan)
        block = await self._key_room.to_zone(entered, pan)
        serial = f", key {entered.serial}" if entered.serial else ""
        self._say(
            told.spoken("pad", f"enciphers it ({self._terminal.pin}{serial}); the HSM brings it under the zone's key")
        )
        return block

    async def _second_look(self, step: Step, card: Card, done: Done) -> Done:
        """The chip looks at who answered; an approval that it does not believe is no sale."""
        if step.how != kernel.INSERT or self._last is None or self._last.verdict is None:
            return done  # a tapped card has left already
        believes = card.believes(self._last.verdict.icc_data)
        if believes is None:
            self._say(told.spoken("chip", "heard nothing of its issuer"))
        elif believes:
            self._say(told.spoken("chip", "believes that its issuer answered"))
        elif done.approved:
            self._say(told.spoken("chip", "does not believe that its issuer answered: the sale is taken back"))
            last = self._last
            stamp = self._gateway.stamp()
            reason = "reversal.malfunction"
            await self._sent(make_reversal(last.request, stamp, mti="0400", reason=reason, answer=last.verdict))
            return Done("refused by the chip")
        return done

    # --- on the wire

    async def _sent(self, request: Request) -> Done:
        self._tell(">", request.mti, request.values)
        heard = await self._gateway.ask(request)
        verdict = self._heard(heard)
        if request.mti in ("0100", "0200"):
            self._last = _Last(request, verdict)
        if verdict is None:
            return self._ended(NO_ANSWER, "nobody knows what came of it: it is being reversed")
        outcome = f"{verdict.response_code} {verdict.reason or ''}".strip()
        said = [outcome, "approved" if verdict.is_approval else "", *(f"available {one}" for one in verdict.balances)]
        self._say(told.spoken("outcome", ", ".join(filter(None, said))))
        return Done(outcome, verdict.is_approval)

    def _heard(self, heard: Heard) -> Verdict | None:
        if heard.answer is None or heard.outcome in (Outcome.TIMEOUT, Outcome.LINK_DOWN):
            return None
        self._tell("<", heard.answer.mti, dict(heard.answer.items()))
        return read_answer(heard.answer)

    def _tell(self, direction: str, mti: str, values: Mapping[int, str]) -> None:
        for line in told.message(direction, mti, values):
            self._say(line)

    def _ended(self, outcome: str, why: str) -> Done:
        self._say(told.spoken("outcome", f"{outcome}: {why}"))
        return Done(outcome)


READ = {
    kernel.INSERT: "is inserted: its chip is read",
    kernel.TAP: "is tapped: its chip is read without contact",
    kernel.SWIPE: "is swiped: its stripe is read",
    kernel.FALLBACK: "does not answer as a chip: its stripe is read",
    kernel.TYPE: "is typed in",
}
