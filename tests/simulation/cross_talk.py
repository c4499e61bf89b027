"""P7: nobody hears another's answer. Many links, few numbers, each request with a word of its own in it.

The word is DE 48, which comes back in no answer, and DE 37, which does; the bank answers with an approval code made of
both. So an answer that was made for another request shows it, whichever of the switch's tables was at fault.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from random import Random

from protocols import elements as de
from protocols import subelements
from protocols.elements import element_named
from protocols.message import Message
from protocols.mti import is_answer
from switch import ends
from switch.core import Core
from switch.ends import Side
from switch.instant import Instant
from switch.memory import Memory
from tests.simulation.network.repeatable import replaced
from tests.switch.desk import DIALECT, NETWORK, PURCHASE, START

NONCE = "90"  # a subelement that is nobody's: carried to the bank, and kept nowhere
LINKS, STANS = 64, 50
ISSUER_LINKS = 4
SECONDS = 3600  # within which the terminals' clocks are
TICK_EVERY = 200  # turns
REMEMBERS = 2000

ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def word(number: int) -> str:
    """Six characters that no other request has."""
    found = ""
    for _ in range(6):
        number, digit = divmod(number, len(ALPHABET))
        found = ALPHABET[digit] + found
    return found


class Exchange:
    """Links, a switch, a bank; everything in the order that the seed says."""

    def __init__(self, requests: int, seed: int) -> None:
        self.random = Random(seed)
        self.core = Core(NETWORK, Random(seed), Memory(REMEMBERS))
        self.now = START
        self.left = dict.fromkeys(range(1, LINKS + 1), requests)
        self.open: dict[int, dict[tuple[str, str], str]] = {link: {} for link in self.left}
        self.at_the_bank: list[tuple[int, Message]] = []
        self.numbers = itertools.count(1)
        self.asked = self.answered = self.refused = self.mismatches = self.strays = 0
        self._fields = {element_named(name).number: value for name, value in PURCHASE.items()}
        self._batches: deque[int] = deque()
        for link in self.left:
            lab = NETWORK.participants["lab"].model_copy(update={"id": f"lab{link}"})
            self.core.opened(link, Side.GATEWAY, lab, self.now)
        for link in range(1000, 1000 + ISSUER_LINKS):
            self.core.opened(link, Side.ISSUER, NETWORK.participants["sandbox"], self.now)
        self.act()

    def act(self) -> None:
        while True:
            for link, (frames, _) in self.core.take_sends().items():
                for frame in frames:
                    (self.bank_hears if link >= 1000 else self.gateway_hears)(link, DIALECT.decode(frame))
            self.core.take_events()
            self.core.take_closures()
            if (batch := self.core.take_batch()) is not None:
                self.core.durable(batch.epoch, self.now)
            elif self.core.seeks:
                for key in self.core.take_sought():  # the archive does not know it either: no key comes twice
                    self.core.found(key, None, self.now)
            else:
                return

    def bank_hears(self, link: int, message: Message) -> None:
        if message.mti == "0800":
            self.core.received(link, (message.answered({de.RESPONSE_CODE: "00"}),), self.now)
        elif not is_answer(message.mti):
            self.at_the_bank.append((link, message))

    def bank_answers(self) -> None:
        """One of what waits there, in no order."""
        link, message = self.at_the_bank.pop(self.random.randrange(len(self.at_the_bank)))
        answer: dict[int, str | None] = {de.RESPONSE_CODE: "00"}
        if message.mti[2] == "0":
            private = (message.get(de.PRIVATE_DATA) or "")[-6:]
            answer[de.APPROVAL_CODE] = private
        frame = message.answered(answer)
        twice = self.random.random() < 0.02
        self.core.received(link, (frame, frame) if twice else (frame,), self.now)
        self.act()

    def gateway_asks(self, link: int) -> None:
        number = next(self.numbers)
        self.left[link] -= 1
        stan = f"{number % STANS + 1:06d}"
        at = Instant(0.0, self.now.wall + number % SECONDS).transmitted_at()  # clocks of terminals are not ours
        nonce = word(number)
        fields = self._fields | {
            de.STAN: stan,
            de.TRANSMITTED_AT: at,
            de.RRN: f"{number:012d}",
            de.TERMINAL_ID: f"T{number % 10_000_000:07d}",
            de.PRIVATE_DATA: subelements.pack({NONCE: nonce}),
        }
        self.open[link][f"{number:012d}", at] = nonce
        self.asked += 1
        self.core.received(link, (DIALECT.encode("0100", fields),), self.now)
        self.act()

    def gateway_hears(self, link: int, message: Message) -> None:
        nonce = self.open[link].pop((message.rrn or "", message.transmitted_at or ""), None)
        if nonce is None:
            self.strays += 1
        elif message.response_code != "00":
            self.refused += 1
        elif message.approval_code != nonce:
            self.mismatches += 1
        else:
            self.answered += 1

    def run(self) -> None:
        """Until everybody has asked all and heard all."""
        links = [link for link, left in self.left.items() if left]
        turn = 0
        while links or self.at_the_bank:
            turn += 1
            if turn % TICK_EVERY == 0:
                self.now = Instant(self.now.elapsed + 0.5, self.now.wall + 0.5)
                self.core.tick(self.now)
                self.act()
            if links and (len(self.at_the_bank) < STANS - 5 or self.random.random() < 0.02):
                place = self.random.randrange(len(links))
                self.gateway_asks(links[place])
                if not self.left[links[place]]:
                    links.pop(place)
            elif self.at_the_bank:
                self.bank_answers()


def run(requests: int, seed: int) -> Exchange:
    """All links, so many requests each."""
    with replaced(ends, STAN_LAST=STANS):
        exchange = Exchange(requests, seed)
        exchange.run()
    return exchange


def main(requests: int, seed: int) -> int:
    began = time.perf_counter()
    done = run(requests, seed)
    took = time.perf_counter() - began
    print(
        f"{LINKS} links, {STANS} numbers: {done.asked} asked, {done.answered} heard their own answer, "
        f"{done.refused} were refused (no number free), {done.mismatches} heard another's, {done.strays} unasked; "
        f"{took:.1f} s"
    )
    left = sum(map(len, done.open.values()))
    if left:
        print(f"{left} heard nothing")
    return 1 if done.mismatches or done.strays or left else 0
