"""What is going to happen in one run: payments with their fates, and mishaps. Pure data, drawn from a seed.

Everything about one payment (how its issuer takes it, when its gateway repeats or reverses it, what gets
lost) is drawn beforehand and belongs to that payment. So a story stays the same story when other payments
are taken out of it, and a failure can be shrunk to the few that matter.

Swarm: each seed draws *which* kinds of fault there are, and how often; few seeds have all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from tests.switch.desk import CREDIT_CARD, DEBIT_CARD, INTERNET_CARD, SANDBOX_CARD

PAYMENTS = 100
HEALED_AT = 40.0  # virtual seconds of misfortune
GATEWAYS = 3  # participants; each has two connections
LATE_S = 9.0  # later than any issuer's deadline

#: What one payment can meet.
FATES = (
    *("declined", "slow", "silent", "late", "double", "contradictory", "senseless", "stray", "impostor"),
    *("repeat", "early_repeat", "conflict", "reversal", "reversal_first", "reversal_twice", "partial", "completion"),
    *("advice_lost", "advice_refused", "storm", "forged"),
)
#: What makes a payment one that is refused whatever its bank would say: an element, its value, DE 39 of the answer.
ODD: dict[str, tuple[str, str, str]] = {
    "no amount": ("amount", "000000000000", "13"),
    "no such day": ("local_date", "0231", "30"),
    "no such hour": ("local_time", "256161", "30"),
    "no such month": ("expiry", "2913", "30"),
    "no such currency": ("currency", "999", "12"),
    "no such kind": ("processing_code", "990000", "12"),
    "no number": ("stan", "000000", "30"),
    "no such moment": ("transmitted_at", "1331110640", "30"),
    "no such card": ("pan", "4111111111111112", "14"),
    "a letter": ("amount", "000000005000", "30"),  # in its amount, but only on the wire: no codec would write it
}

ALONE = 1 << 30  # frames in one wake-up that would go together: never so many

#: What can happen to everybody.
MISHAPS = (
    *("cut_issuer", "cut_all_links", "cut_gateway", "deaf_gateway", "crash", "crash_losing_epoch", "freeze_issuer"),
    *("sign_off", "slow_disk", "drain", "clock_steps"),
)


@dataclass(frozen=True, slots=True)
class Reversal:
    """A gateway takes a payment back, in whole (`left` is None) or down to what is left."""

    after_s: float  # after the payment is asked for; negative: it overtakes the payment
    mti: str
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment and all that happens around it."""

    number: int  # its retrieval number too: the nonce by which its answer is known
    at: float
    gateway: int
    card: str
    currency: str
    amount: int
    mti: str = "0100"
    declined: bool = False
    thinks_s: float = 0.02  # the issuer, before it answers
    silent: bool = False
    double: bool = False
    contradictory: bool = False
    senseless: bool = False
    stray: bool = False
    forged: bool = False  # its first sending has a wrong MAC, where its gateway's messages are sealed
    impostor: bool = False  # the issuer acknowledges its debt with an answer of another type
    repeats: tuple[float, ...] = ()
    conflict_after: float | None = None
    reversals: tuple[Reversal, ...] = ()
    completion_after: float | None = None
    advices_lost: int = 0  # acknowledgements of its debts that get lost
    advices_refused: int = 0
    jitter_s: float = 0.0  # on its gateway's wire
    odd: str | None = None  # what is wrong with it, of `ODD`

    def told(self) -> str:
        """In words, for a transcript."""
        usual = Payment(self.number, self.at, self.gateway, self.card, self.currency, self.amount)
        names = [name for name in self.__slots__ if getattr(self, name) != getattr(usual, name)]
        more = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        what = f"payment {self.number} of {self.amount} on {self.card[:6]}… through gateway {self.gateway}"
        return f"{self.at:7.3f} {what}{': ' + more if more else ''}"


#: What a payment is without misfortune.
PLAIN: dict[str, object] = {
    **dict.fromkeys(
        ("declined", "silent", "double", "contradictory", "senseless", "stray", "impostor", "forged"), False
    ),
    "repeats": (),
    "conflict_after": None,
    "reversals": (),
    "completion_after": None,
    "advices_lost": 0,
    "advices_refused": 0,
    "thinks_s": 0.02,
    "odd": None,
}


def plainer(payment: Payment, number: int, part: str) -> Payment:
    """The payment, plain in this, if it is the one with that number."""
    return replace(payment, **{part: PLAIN[part]}) if payment.number == number else payment  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that happens to everybody."""

    at: float
    kind: str
    issuer: str = "nbk"
    gateway: int = 0
    lasts_s: float = 1.0

    def told(self) -> str:
        """In words."""
        whom = f"gateway {self.gateway}" if "gateway" in self.kind else self.issuer
        return f"{self.at:7.3f} {self.kind} ({whom}, {self.lasts_s:.1f} s)"


@dataclass(frozen=True, slots=True)
class Plan:
    """One run."""

    seed: int
    payments: tuple[Payment, ...]
    mishaps: tuple[Mishap, ...]
    links: dict[str, int] = field(default_factory=dict)  # of each issuer
    stans: int = 999_999  # how many numbers there are
    remembers: int = 1000
    frozen_clock: bool = False  # the gateways' DE 7 stands still
    sealed: bool = False  # the last gateway's messages carry a MAC, and there is an HSM
    fewest: int = 4  # frames of one wake-up that the switch handles as one convoy
    wakes_s: float = 0.0  # how long what arrives lies there before the switch wakes up; 0: each frame wakes it
    twice: bool = False  # lived once more frame by frame: what goes together must be what goes alone

    def without(self, payments: set[int], mishaps: set[int]) -> Plan:
        """The same run less some of what happens."""
        return replace(
            self,
            payments=tuple(one for one in self.payments if one.number not in payments),
            mishaps=tuple(one for n, one in enumerate(self.mishaps) if n not in mishaps),
        )

    @property
    def numbers(self) -> list[int]:
        """Of its payments."""
        return [one.number for one in self.payments]

    def plain_parts(self) -> list[tuple[int, str]]:
        """What of which payment could be plainer."""
        return [(one.number, part) for one in self.payments for part in PLAIN if getattr(one, part) != PLAIN[part]]

    def made_plain(self, number: int, part: str) -> Plan:
        """The same with that plain."""
        return replace(self, payments=tuple(plainer(one, number, part) for one in self.payments))

    def told(self) -> str:
        """The plan in words."""
        head = f"links {self.links}, {self.stans} STANs, memory of {self.remembers}"
        lines = sorted([one.told() for one in self.payments] + [one.told() for one in self.mishaps])
        more = (", frozen clock" if self.frozen_clock else "") + (", one gateway sealed" if self.sealed else "")
        if self.wakes_s:
            more += f", wakes up after {self.wakes_s} s, convoys from {self.fewest} frames on"
        return "\n".join([head + more, *lines])


#: Cards, the currency they are asked in (that of the card), and their issuer.
CARDS = (
    *((SANDBOX_CARD, "784"), (INTERNET_CARD, "414"), (CREDIT_CARD, "414"), (DEBIT_CARD, "414")),
    *(("9784100000000012", "784"), ("9785100000000010", "784")),
)


def luhn(number: str) -> str:
    """The number with its last digit made right."""
    total = sum(
        sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(number[:-1] + "0"))
    )
    return f"{number[:-1]}{-total % 10}"


def draw(seed: int, payments: int = PAYMENTS) -> Plan:
    """The plan of a seed: always the same."""
    random = Random(seed)
    swarm = {kind: random.choice((0.05, 0.15, 0.4)) for kind in FATES if random.random() < 0.4}
    troubles = [kind for kind in MISHAPS if random.random() < 0.35]
    stans = random.choice((50, 30)) if random.random() < 0.3 else 999_999
    crowded = stans == 50 and random.random() < 0.6  # one bank, and much at once: it comes to the end of its numbers
    if crowded:
        swarm["storm"] = 0.25
    plan = Plan(
        seed,
        tuple(
            sorted(
                (
                    _payment(number, random, swarm, CARDS[1:4] if crowded else CARDS)
                    for number in range(1, payments + 1)
                ),
                key=lambda one: one.at,
            )
        ),
        tuple(sorted((_mishap(random, kind) for kind in troubles for _ in range(random.randint(1, 3))), key=_when)),
        {name: random.choice((1, 1, 2, 3)) for name in ("sandbox", "nbk", "nbd", "ebi")},
        stans,
        random.choice((12, 25, 1000)),
        stans > 50 and random.random() < 0.15,
        random.random() < 0.3,
    )
    return _in_rushes(plan, Random(seed ^ 0xC0407))


def _in_rushes(plan: Plan, random: Random) -> Plan:
    """In two lives of three the switch wakes up for several frames at once, and much is asked at few moments."""
    if random.random() < 0.33:
        return plan
    few = random.choice((1, 2, 3, 5))
    rush = Rush(
        [random.randint(1, int(HEALED_AT) - 2) + random.choice((0.1, 0.985)) for _ in range(few)],
        fated=random.choice((0.1, 0.3, 1.0)),
        odd=random.choice((0.0, 0.0, 0.03, 0.15)),
        purchases=random.choice((0.0, 0.0, 0.05, 1.0)),
    )
    return replace(
        plan,
        payments=tuple(sorted((rush.of(one, random) for one in plan.payments), key=lambda one: one.at)),
        remembers=random.choice((plan.remembers, 1000)),
        fewest=random.choice((2, 2, 4)),
        wakes_s=random.choice((0.01, 0.03, 0.1)),
        twice=random.random() < 0.5,
    )


@dataclass(frozen=True, slots=True)
class Rush:
    """When it is, and which part of the payments keeps its fate, is odd, is a purchase."""

    moments: list[float]
    fated: float
    odd: float
    purchases: float

    def of(self, payment: Payment, random: Random) -> Payment:
        """The payment as it is in the rush, if it is."""
        if random.random() < 0.15:
            return payment
        if random.random() > self.fated:
            payment = replace(payment, **PLAIN)  # type: ignore[arg-type]
        payment = replace(
            payment,
            at=round(random.choice(self.moments) + random.uniform(0, 0.02), 3),
            mti="0200" if random.random() < self.purchases else "0100",
            thinks_s=0.02 if payment.thinks_s < 1 else payment.thinks_s,
            jitter_s=round(payment.jitter_s / 50, 4),
        )
        if payment.repeats and random.random() < 0.3:
            payment = replace(payment, repeats=(0.002, *payment.repeats))  # in the same wake-up
        if random.random() < self.odd:
            plain = {"reversals": (), "conflict_after": None, "completion_after": None}
            payment = replace(payment, odd=random.choice(sorted(ODD)), **plain)  # type: ignore[arg-type]
        return payment


def _when(mishap: Mishap) -> float:
    return mishap.at


def _mishap(random: Random, kind: str) -> Mishap:
    return Mishap(
        round(random.uniform(1, HEALED_AT - 2), 3),
        kind,
        random.choice(("sandbox", "nbk", "nbk", "nbd", "ebi")),
        random.randrange(GATEWAYS),
        round(random.choice((0.3, 2.0, 10.0)), 3),
    )


def _payment(number: int, random: Random, swarm: dict[str, float], cards: Sequence[tuple[str, str]]) -> Payment:
    has = {kind for kind, rate in swarm.items() if random.random() < rate}
    card, currency = random.choice(cards)
    amount = random.choice((5_000, 15_000, 60_000))
    reversals = _reversals(random, has, amount)
    waits = random.uniform(0.05, 2.0) if "early_repeat" in has else random.uniform(10, 20)
    at = random.uniform(0, HEALED_AT - 1)
    return Payment(
        number,
        round(HEALED_AT / 2 + at / 20 if "storm" in has else at, 3),
        number % GATEWAYS,  # so that no gateway uses a number twice
        luhn(card),
        currency,
        amount,
        "0200" if random.random() < 0.25 else "0100",
        declined="declined" in has,
        thinks_s=_thinks(random, has),
        silent="silent" in has,
        double="double" in has,
        contradictory="contradictory" in has,
        senseless="senseless" in has,
        stray="stray" in has,
        impostor="impostor" in has,
        forged="forged" in has,
        repeats=tuple(round(waits * (n + 1), 3) for n in range(random.randint(1, 3)))
        if has & {"repeat", "early_repeat"}
        else (),
        conflict_after=round(random.choice((0.01, 5.0)), 3) if "conflict" in has and not reversals else None,
        reversals=reversals,
        completion_after=round(random.uniform(2, 12), 3) if "completion" in has and not reversals else None,
        advices_lost=random.randint(1, 4) if "advice_lost" in has else 0,
        advices_refused=random.randint(1, 7) if "advice_refused" in has else 0,
        jitter_s=round(random.uniform(0, 0.05), 4),
    )


def _thinks(random: Random, has: set[str]) -> float:
    if "late" in has:
        return round(random.uniform(LATE_S, LATE_S + 8), 3)
    return round(random.uniform(1, 7.5) if "slow" in has else random.expovariate(20), 3)


def _reversals(random: Random, has: set[str], amount: int) -> tuple[Reversal, ...]:
    found = []
    kind = random.choice(("0400", "0420"))
    if "reversal_first" in has:
        found.append(Reversal(-0.5, kind))
    if "partial" in has:
        found.append(Reversal(round(random.uniform(1, 9), 3), kind, amount // random.choice((2, 3))))
    if has & {"reversal", "reversal_twice"}:
        found.append(Reversal(round(random.uniform(0, 12), 3), random.choice(("0400", "0420"))))
    if "reversal_twice" in has:
        found.append(Reversal(round(random.uniform(0, 20), 3), kind))
    return tuple(found)
