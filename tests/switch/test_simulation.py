"""A small world under one seed: gateways that repeat and reverse, an issuer that is slow, silent or gone,
links that break, a switch that crashes. Afterwards everything heals, and then the books must agree.

Everything is drawn from the seed, so a failure is replayed by its number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from protocols import elements as de
from protocols.message import Message
from tests.switch.desk import CREDIT_CARD, INTERNET_CARD, PURCHASE, SANDBOX_CARD, Desk

SEEDS = 40
STEPS = 120


@dataclass
class Bank:
    """An issuer with the simplest books there are: what it approved and what it took back, by the request's name."""

    approved: dict[tuple[str, str], int] = field(default_factory=dict)
    reversed: set[tuple[str, str]] = field(default_factory=set)
    tombs: set[tuple[str, str]] = field(default_factory=set)

    def decide(self, message: Message, random: Random) -> dict[int, str | None]:
        if message.mti[:2] == "04":
            return self._reverse(message)
        if message.mti[2] == "2":
            original = message.original
            assert original is not None
            self.approved[original.stan, original.transmitted_at] = message.amount or 0
            return {de.RESPONSE_CODE: "00"}
        name = (message.stan or "", message.transmitted_at or "")
        if name in self.tombs:
            return {de.RESPONSE_CODE: "94"}
        if random.random() < 0.2:
            return {de.RESPONSE_CODE: "51"}
        assert name not in self.approved, "the issuer saw one request twice"
        self.approved[name] = message.amount or 0
        return {de.RESPONSE_CODE: "00", de.APPROVAL_CODE: f"{random.randrange(10**6):06d}"}

    def _reverse(self, message: Message) -> dict[int, str | None]:
        original = message.original
        assert original is not None
        name = (original.stan, original.transmitted_at)
        if name in self.approved:
            self.reversed.add(name)
        else:
            self.tombs.add(name)
        return {de.RESPONSE_CODE: "00"}

    def total(self) -> int:
        return sum(amount for name, amount in self.approved.items() if name not in self.reversed)


class World:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.desk = Desk(seed=seed, remembers=(3 if seed % 2 else 1000))
        self.banks = {"sandbox": Bank(), "nbk": Bank()}
        self.links = {name: self.desk.issuer(name) for name in self.banks}
        self.shop = self.desk.gateway()
        self.asked: dict[str, dict[str, str | None]] = {}
        self.told: dict[str, Message] = {}  # the first answer to each request
        self.reversed: set[str] = set()

    def step(self) -> None:
        ways = (self.ask, self.ask, self.ask, self.repeat, self.reverse, self.banks_answer, self.banks_answer)
        self.random.choice((*ways, self.pass_time, self.cut_bank, self.cut_shop, self.crash))()
        self.listen()

    def ask(self) -> None:
        stan = f"{len(self.asked) + 1:06d}"
        card = self.random.choice((SANDBOX_CARD, INTERNET_CARD, CREDIT_CARD))
        amount = f"{self.random.choice((5_000, 15_000, 60_000)):012d}"
        self.asked[stan] = self.desk.asks(self.shop, stan=stan, pan=card, amount=amount, currency="414")

    def repeat(self) -> None:
        if self.asked:
            stan = self.random.choice(list(self.asked))
            self.desk.asks(self.shop, "0101", **self.asked[stan])

    def reverse(self) -> None:
        if self.asked and self.random.random() < 0.5:
            stan = self.random.choice(list(self.asked))
            self.desk.reverses(self.shop, self.asked[stan], stan=f"8{stan[1:]}")
            self.reversed.add(stan)

    def banks_answer(self) -> None:
        for name, link in self.links.items():
            for message in self.take(link):
                lost, twice = self.random.random() < 0.15, self.random.random() < 0.05
                if message.mti == "0810":
                    continue
                decided = self.decided(name, message)
                for _ in range(0 if lost else 2 if twice else 1):
                    self.desk.frames(link, message.answered(decided))

    def decided(self, name: str, message: Message) -> dict[int, str | None]:
        return {de.RESPONSE_CODE: "00"} if message.mti == "0800" else self.banks[name].decide(message, self.random)

    def take(self, link: int) -> list[Message]:
        return self.desk.heard.pop(link, [])

    def pass_time(self) -> None:
        self.desk.passes(self.random.choice((0.1, 3.0, 9.0)))

    def cut_bank(self) -> None:
        name = self.random.choice(list(self.links))
        self.desk.hangs_up(self.links[name])
        self.take(self.links[name])
        self.links[name] = self.desk.issuer(name)

    def cut_shop(self) -> None:
        self.listen()
        self.desk.hangs_up(self.shop)
        self.shop = self.desk.gateway()

    def crash(self) -> None:
        if self.random.random() < 0.3:
            self.listen()
            self.desk = self.desk.restarted()
            self.links = {name: self.desk.issuer(name) for name in self.banks}
            self.shop = self.desk.gateway()

    def listen(self) -> None:
        for message in self.take(self.shop):
            if message.mti != "0110":
                continue
            stan = message.stan or ""
            first = self.told.setdefault(stan, message)
            assert (message.response_code, message.approval_code) == (first.response_code, first.approval_code), (
                f"{stan}: told {first.response_code}, then {message.response_code} {message.reason}"
            )

    def heal(self) -> None:
        """No more faults: banks answer everything, time passes, and whoever heard nothing asks again."""
        for _ in range(14):
            for name, link in self.links.items():
                for message in self.take(link):
                    if message.mti != "0810":
                        self.desk.frames(link, message.answered(self.decided(name, message)))
            self.listen()
            self.desk.passes(9.0)
        for stan in [one for one in self.asked if one not in self.told]:
            self.desk.asks(self.shop, "0101", **self.asked[stan])
        self.random = Random(0)
        for _ in range(3):
            for name, link in self.links.items():
                for message in self.take(link):
                    if message.mti != "0810":
                        self.desk.frames(link, message.answered(self.decided(name, message)))
            self.listen()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_after_healing_every_request_is_answered_and_the_books_agree(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.heal()

    assert world.desk.core.is_idle
    assert set(world.told) == set(world.asked)
    assert all(len(issuer.saf) == 0 for issuer in world.desk.core.issuers.values())
    owned = sum(
        int(world.asked[stan]["amount"] or 0)
        for stan, answer in world.told.items()
        if answer.response_code == "00" and stan not in world.reversed
    )
    assert sum(bank.total() for bank in world.banks.values()) == owned
    assert PURCHASE["stan"] == "000001"  # the builder was not changed on the way
