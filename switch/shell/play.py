"""Playing the tour: what a line says is done with running parties, and what came of it is noted.

What the lines are and what is expected stands in `switch.tour`; this file has the hands.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import trio

from protocols.network import load
from switch.audit import State, money
from switch.place import BANKING, Part, Party, Place
from switch.shell.ask_party import LOOK_AGAIN_S, settled_audit, switch_books
from switch.shell.browser import Browser, BrowsingError, forms
from switch.shell.supervisor import Supervisor
from switch.tour.cards import TestCard
from switch.tour.step import Answer, AtTill, Delivered, Fact, Follow, HostDown, HostUp, InBanking, Line, Pin
from switch.tour.steps import STEPS
from switch.tour.verdict import Heard, Seen, Verdict, audited, heard, judged

DELIVERED_WITHIN_S = 15.0  # the switch dials again within 5 s of an issuer's return
ANSWER_WITHIN_S = 20.0  # a gateway gives up by itself before


@dataclass(slots=True)
class Player:
    """Plays lines on the parties of one supervisor."""

    place: Place
    parties: Supervisor
    hand: Mapping[str, TestCard]
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _last: int = 0  # the id of the last line that a `Follow` may be about

    async def play(self, line: Line) -> Seen:
        """Do what the line says; what came of it."""
        match line.act:
            case AtTill():
                self._last = next(self._ids)
                typed = till_line(self._last, line.act, self.hand[line.act.card])
                return await self._with_billing(line, await self._at_till(line.act.gateway, typed))
            case Follow(gateway):
                return await self._at_till(gateway, following(next(self._ids), self._last, line.act))
            case InBanking():
                return await trio.to_thread.run_sync(choose_limit, self.place, line.act, self.hand[line.act.card])
            case HostDown(issuer):
                await self.parties.stop_party(str(Party(Part.ISSUER, issuer)))
                return Fact("host is down")
            case HostUp(issuer):
                await self.parties.start_party(str(Party(Part.ISSUER, issuer)))
                return Fact("host is up")
            case Delivered():
                return await self._until_delivered()

    async def _at_till(self, name: str, typed: Mapping[str, object]) -> Seen:
        """Ask, and wait for the answer to this question: an earlier one may have been late."""
        gateway = str(Party(Part.GATEWAY, name))
        await self.parties.tell(gateway, json.dumps(typed))
        with trio.move_on_after(ANSWER_WITHIN_S):
            while True:
                answer = json.loads(await self.parties.hear(gateway))
                if answer.get("id") == typed["id"]:
                    missing = answer.get("approvals_missing")
                    return heard(answer) if missing is None else Fact(f"{missing} approvals missing")
        return Heard("the gateway is silent")

    async def _with_billing(self, line: Line, seen: Seen) -> Seen:
        """What the card is billed stands in the books; the answer to the shop does not carry it."""
        wanted = isinstance(line.expected, Answer) and line.expected.billed_in
        if isinstance(seen, Fact) or not wanted or seen.billed or not seen.rrn:
            return seen
        for entries in (await switch_books(self.place)).values():
            for entry in entries:
                if entry.rrn == seen.rrn and entry.state is State.APPROVED:
                    billed = money(entry.amount, entry.currency)
                    return Heard(seen.outcome, seen.response_code, seen.reason, billed, seen.rrn)
        return seen

    async def _until_delivered(self) -> Fact:
        deadline = trio.current_time() + DELIVERED_WITHIN_S
        while True:
            waiting = await self._waiting()
            if not waiting:
                return Fact("nothing waits")
            if trio.current_time() > deadline:
                return Fact(f"{waiting} waiting")
            await trio.sleep(LOOK_AGAIN_S)

    async def _waiting(self) -> int:
        books = await switch_books(self.place)
        return sum(entry.state is State.WAITING for entries in books.values() for entry in entries)


def choose_limit(place: Place, act: InBanking, card: TestCard) -> Fact:
    """As the holder does it: sign in, find the card, choose; then what the page says of it. For a thread."""
    host, port = load(place.network).address(BANKING)
    browser = Browser(f"http://{host}:{port}/")
    try:
        browser.visit("/sign-in")
        browser.send("/sign-in", user=act.user, password=act.password)
        page = browser.link(card.pan[-4:])
        browser.visit(page)
        browser.send(f"{page}/limit", limit=act.limit)
        limit = forms(browser.page).get(f"{page}/limit", {}).get("limit", "not shown")
        browser.send("/sign-out")
    except BrowsingError as error:
        return Fact(str(error))
    return Fact(f"limit is {limit}")


def till_line(number: int, act: AtTill, card: TestCard) -> dict[str, object]:
    """What is typed at the till."""
    pins = {Pin.RIGHT: card.pin, Pin.WRONG: card.wrong_pin}
    typed = {
        "id": number,
        "do": act.do,
        "merchant": act.merchant,
        "channel": act.channel,
        "pan": card.pan,
        "expiry": card.expiry,
        "amount": act.amount,
        "currency": act.currency,
    }
    if act.to is not None:
        typed["to_account"] = act.to
    if act.how is not None:
        typed["how"] = act.how
    return typed if act.pin is None else typed | {"pin": pins[act.pin]}


def following(number: int, last: int, act: Follow) -> dict[str, object]:
    """What is typed about an earlier line."""
    typed: dict[str, object] = {"id": number, "do": "reverse" if act.do == "again" else act.do, "of": last}
    if act.do == "again":
        typed["repeat"] = True
    return typed | {name: said for name in ("amount", "officer") if (said := getattr(act, name)) is not None}


async def play_tour(player: Player, show: Callable[[Verdict], None], wait_s: float) -> list[Verdict]:
    """All steps, then the audit; each verdict is shown as it falls."""
    verdicts: list[Verdict] = []

    def note(verdict: Verdict) -> None:
        verdicts.append(verdict)
        show(verdict)

    for step in STEPS:
        for line in step.lines:
            note(judged(step, line, await player.play(line)))
    for verdict in audited(await settled_audit(player.place, wait_s)):
        note(verdict)
    return verdicts
