"""What is going to happen in one life of the network: payments, and troubles. Pure data, drawn from a seed.

A payment's fate belongs to it and a trouble to itself, so a story stays the same when others are taken out of it.
Swarm: each seed draws which kinds of trouble there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from tests.simulation.plan import CARDS, PLAIN, Payment, Reversal, luhn, plainer

PAYMENTS = 60
HEALED_AT = 30.0  # virtual seconds of trouble
CLIENTS = 3

#: What a payment can meet; the bank's own misbehaviour is a script of its host.
FATES = ("declined", "repeat", "early_repeat", "conflict", "reversal", "reversal_twice", "partial", "completion")
SCRIPTS = ("delay", "silence", "double", "wrong", "garbage", "close")

#: What happens to everybody, and to whom.
TROUBLES: dict[str, tuple[str, ...]] = {
    "kill": ("switch", "switch", "switch", "nbk", "nbd", "ebi", "sandbox", "hsm"),
    "stop": ("switch", "nbk"),
    "reset": ("client0", "client1", "client2", "nbk", "nbd", "sandbox"),
    "half_close": ("client0", "client1", "client2"),
    "deaf": ("client0", "client1", "nbk", "sandbox", "nbd"),
    "slow_network": ("nbk", "nbd", "client0", "client1", "sandbox"),
    "slices": ("switch",),
    "cannot_send": ("nbk", "nbd", "sandbox", "client0", "client2", "switch"),
    "slow_disk": ("switch",),
    "disk_fails": ("switch", "switch", "nbk", "nbd"),
    "disk_full": ("switch",),
    "clock_steps": ("switch",),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that happens to somebody."""

    at: float
    kind: str
    whom: str
    lasts_s: float
    dice: int = 0

    def told(self) -> str:
        """In words."""
        return f"{self.at:7.3f} trouble: {self.kind} ({self.whom}, {self.lasts_s:.2f} s)"


@dataclass(frozen=True, slots=True)
class Deep:
    """One payment of the deep tier: the fast tier's, and how its bank's host behaves."""

    payment: Payment
    script: str | None = None
    after_s: float = 1.0
    gives_up: bool = False  # its client reverses what it does not know, instead of asking again

    def told(self) -> str:
        """In words."""
        how = f", its bank: {self.script}" + (f" {self.after_s:.1f} s" if self.script == "delay" else "")
        return self.payment.told() + (how if self.script else "") + (", reversed in doubt" if self.gives_up else "")


@dataclass(frozen=True, slots=True)
class Plan:
    """One life."""

    seed: int
    payments: tuple[Deep, ...]
    mishaps: tuple[Trouble, ...]
    stans: int = 999_999
    remembers: int = 200_000
    checkpoint_pages: int = 4000
    snapshot_every: int = 200_000  # records

    def without(self, payments: set[int], mishaps: set[int]) -> Plan:
        """The same less some of what happens."""
        return replace(
            self,
            payments=tuple(one for one in self.payments if one.payment.number not in payments),
            mishaps=tuple(one for n, one in enumerate(self.mishaps) if n not in mishaps),
        )

    @property
    def numbers(self) -> list[int]:
        """Of its payments."""
        return [one.payment.number for one in self.payments]

    def plain_parts(self) -> list[tuple[int, str]]:
        """What of which payment could be plainer."""
        found = [(one.payment.number, "script") for one in self.payments if one.script]
        found += [(one.payment.number, "gives_up") for one in self.payments if one.gives_up]
        each = [one.payment for one in self.payments]
        return found + [(one.number, part) for one in each for part in PLAIN if getattr(one, part) != PLAIN[part]]

    def made_plain(self, number: int, part: str) -> Plan:
        """The same with that plain."""
        return replace(self, payments=tuple(_plain(one, number, part) for one in self.payments))

    def told(self) -> str:
        """The plan in words."""
        head = f"{self.stans} STANs, memory of {self.remembers}, a checkpoint every {self.checkpoint_pages} pages"
        return "\n".join([head, *sorted([one.told() for one in self.payments] + [one.told() for one in self.mishaps])])


def _plain(one: Deep, number: int, part: str) -> Deep:
    if one.payment.number != number:
        return one
    if part in ("script", "gives_up"):
        return replace(one, script=None) if part == "script" else replace(one, gives_up=False)
    return replace(one, payment=plainer(one.payment, number, part))


def draw(seed: int, payments: int = PAYMENTS) -> Plan:
    """The plan of a seed: always the same."""
    random = Random(seed ^ 0x5EED)
    swarm = {kind: random.choice((0.1, 0.2, 0.4)) for kind in FATES if random.random() < 0.5}
    scripted = random.choice((0.0, 0.1, 0.3))
    kinds = [kind for kind in TROUBLES if random.random() < 0.3]
    troubles = [_trouble(random, kind) for kind in kinds for _ in range(random.randint(1, 3))]
    return Plan(
        seed,
        tuple(sorted((_payment(n, random, swarm, scripted) for n in range(1, payments + 1)), key=_when)),
        tuple(sorted(troubles, key=lambda one: one.at)),
        50 if random.random() < 0.25 else 999_999,
        random.choice((10, 200_000, 200_000)),
        random.choice((6, 20, 4000)),
        random.choice((10, 60, 200_000)),
    )


def _when(one: Deep) -> float:
    return one.payment.at


def _trouble(random: Random, kind: str) -> Trouble:
    lasts = random.choice((0.3, 2.0, 9.0)) if kind != "deaf" else random.choice((2.0, 9.0, 14.0))
    at = round(random.uniform(1, HEALED_AT - 2), 3)
    return Trouble(at, kind, random.choice(TROUBLES[kind]), lasts, random.randrange(1 << 30))


#: Amounts in minor units, and what the sandbox makes of some of them: 1CCC declines, 2SSS delays, 300x misbehaves.
AMOUNTS = (5_000, 15_000, 60_000)
TO_THE_SANDBOX = (5_000, 15_000, 60_000, 21_051, 32_150, 42_950, 53_000, 53_001, 53_002, 53_003, 53_004)


def _payment(number: int, random: Random, swarm: dict[str, float], scripted: float) -> Deep:
    has = {kind for kind, rate in swarm.items() if random.random() < rate}
    card, currency = random.choice(CARDS)
    of_sandbox = card.startswith("4")
    amount = random.choice(TO_THE_SANDBOX if of_sandbox and random.random() < 0.5 else AMOUNTS)
    waits = random.uniform(0.05, 2.0) if "early_repeat" in has else random.uniform(10, 20)
    reversals = _reversals(random, has, amount)
    payment = Payment(
        number,
        round(random.uniform(0.5, HEALED_AT - 1), 3),
        number % CLIENTS,
        luhn(card),
        currency,
        amount * (1000 if "declined" in has and not of_sandbox else 1),
        "0200" if random.random() < 0.25 else "0100",
        repeats=tuple(round(waits * (n + 1), 3) for n in range(random.randint(1, 3)))
        if has & {"repeat", "early_repeat"}
        else (),
        conflict_after=round(random.choice((0.01, 5.0)), 3) if "conflict" in has and not reversals else None,
        reversals=reversals,
        completion_after=round(random.uniform(2, 12), 3) if "completion" in has and not reversals else None,
    )
    script = random.choice(SCRIPTS) if random.random() < scripted else None
    return Deep(payment, script, round(random.choice((1.0, 7.0, 9.0)), 1), random.random() < 0.4)


def _reversals(random: Random, has: set[str], amount: int) -> tuple[Reversal, ...]:
    found = []
    if "partial" in has:
        found.append(Reversal(round(random.uniform(1, 9), 3), "0420", amount // 2))
    if has & {"reversal", "reversal_twice"}:
        found.append(Reversal(round(random.uniform(0, 12), 3), random.choice(("0400", "0420"))))
    if "reversal_twice" in has:
        found.append(Reversal(round(random.uniform(0, 20), 3), random.choice(("0400", "0420"))))
    return tuple(found)
