"""What must be true when a run has come to rest. Reads what everybody knows; knows no code of the switch."""

from __future__ import annotations

from datetime import date

from protocols import elements as de
from switch.records import Answered, Owed, Sent, Settled
from switch.totals import business_date
from tests.simulation.bank import approval_code
from tests.simulation.plan import ODD, Payment
from tests.simulation.world import CONFLICTS, NO_OUTCOME, Asked, World
from tests.switch.desk import DIALECT, NETWORK

REVERSAL, ADVICE = "0420", "0120"


def verdict(world: World) -> list[str]:
    """Every broken promise, in words; empty: all were kept."""
    found = list(world.faults)
    for bank in world.banks.values():
        found += bank.complaints
    found += unsettled(world)
    if not found:  # or the books are only another sight of the same
        found += unanswered(world) + disagreements(world) + books(world) + records(world)
        found += stood_in(world) + gullible(world) + miscounted(world)
    return found


def unsettled(world: World) -> list[str]:
    """Promise 3: nothing in doubt, nothing owed, once all is well."""
    core = world.core
    if core is None:
        return ["the switch is not there"]
    found = [f"{name} is still in flight" for name in core.in_flight]
    found += [
        f"{name} is still owed {entry.debt.mti} {entry.debt.stan} ({entry.tries} tries)"
        for name, issuer in core.issuers.items()
        for entry in issuer.saf.entries()
    ]
    if not found and not core.is_idle:
        found.append("the switch does not come to rest")
    return found


def unanswered(world: World) -> list[str]:
    """Promise 2: every request on a connection that held was answered, once (twice is seen at once)."""
    found = [
        f"{kind} of payment {number} was never answered"
        for (kind, number), one in world.asked.items()
        if not one.answered
    ]
    for wire in world.wires.values():
        if wire.open:
            found += [
                f"{wire.who} still waits for {count} answer(s) {mti} {stan}"
                for (mti, stan), count in wire.asks.items()
                if count
            ]
    return found


def gullible(world: World) -> list[str]:
    """What no bank may be asked is refused, and as what it is."""
    found = []
    for payment in world.plan.payments:
        told = outcome(world.asked.get(("payment", payment.number)))
        if payment.odd is not None and told is not None and told[0] != ODD[payment.odd][2]:
            found.append(f"payment {payment.number} has {payment.odd}, and was told {told[0]} {told[1] or ''}")
    return found


def miscounted(world: World) -> list[str]:
    """At rest the switch owes no connection an answer."""
    core = world.core
    counts = [] if core is None else [(wire, core.outstanding(wire.number)) for wire in world.wires.values()]
    return [f"{wire.who}: the switch counts {owed} answers as outstanding" for wire, owed in counts if owed]


def outcome(asked: Asked | None) -> tuple[str, str | None, str | None] | None:
    """The first outcome that a gateway heard."""
    if asked is None:
        return None
    return next(iter(outcomes(asked)), None)


def outcomes(asked: Asked) -> list[tuple[str, str | None, str | None]]:
    """All that it heard, less what is no outcome."""
    return [(code, reason, approval) for _, code, reason, approval in asked.heard if reason not in NO_OUTCOME]


def disagreements(world: World) -> list[str]:
    """A repeat hears what its first heard; an approval is that of its own payment."""
    found = []
    for (kind, number), asked in world.asked.items():
        heard = outcomes(asked)
        if len(set(heard)) > 1:
            found.append(
                f"{kind} of payment {number} was told {heard[0]}, then {next(one for one in heard if one != heard[0])}"
            )
        for code, _, approval in heard:
            nonce = number + (CONFLICTS if kind == "conflict" else 0)
            if code == "00" and approval and approval.startswith("P") and approval != approval_code(nonce):
                found.append(f"{kind} of payment {number} was told {approval}: another payment's answer")
    return found


def books(world: World) -> list[str]:
    """Promise 4: what gateways were told is what stands at the issuers, payment by payment."""
    stands: dict[int, int] = {}
    for bank in world.banks.values():
        for number, amount in bank.stands().items():
            stands[number] = stands.get(number, 0) + amount
    found = []
    for payment in world.plan.payments:
        for kind, number in (("payment", payment.number), ("conflict", payment.number + CONFLICTS)):
            owed = due(world, payment, kind)
            booked = stands.get(number, 0)
            if owed != booked:
                found.append(f"{kind} {payment.number}: {owed} should stand at its issuer, {booked} does")
    for payment in world.plan.payments:
        found += unfounded(world, payment)
    return found


def due(world: World, payment: Payment, kind: str) -> int:
    """What its gateway believes to stand."""
    asked = world.asked.get((kind, payment.number))
    told = outcome(asked)
    if asked is None or told is None or told[0] != "00":
        return 0
    amount = int(asked.values["amount"] or 0)
    if kind == "conflict":
        return amount
    completion = outcome(world.asked.get(("completion", payment.number)))
    if completion is not None and completion[0] == "00":
        amount = int(world.asked["completion", payment.number].values["amount"] or 0)
    for turn, reversal in enumerate(payment.reversals):
        heard = outcome(world.asked.get((f"reversal{turn}", payment.number)))
        if heard is not None and heard[0] in ("00", "25"):
            amount = min(amount, reversal.left or 0)
    return amount


def unfounded(world: World, payment: Payment) -> list[str]:
    """A reversal request of something that had been approved for all to hear is not of something unknown."""
    first = world.asked.get(("payment", payment.number))
    if first is None:
        return []
    approved_at = next((at for at, code, *_ in first.heard if code == "00"), None)
    found = []
    for turn in range(len(payment.reversals)):
        asked = world.asked.get((f"reversal{turn}", payment.number))
        heard = outcome(asked)
        if asked and heard and heard[0] == "25" and approved_at is not None and approved_at < asked.first_at:
            found.append(f"reversal of payment {payment.number}: its original is said to be unknown")
    return found


def records(world: World) -> list[str]:
    """The journal: what was sent ended; stand-in and doubt owe their 0120 and 0420 in the same record; all settled."""
    open_: dict[int, Sent] = {}
    owed: dict[int, str] = {}
    undone: set[int] = set()
    found = []
    for record in world.records:
        if isinstance(record, Sent):
            open_[record.number] = record
        elif isinstance(record, Answered | Owed):
            sent = open_.pop(record.number, None)
            owed |= {debt.number: f"{debt.mti} {debt.stan} to {debt.issuer}" for debt in record.debts}
            if isinstance(record, Answered) and record.reverses is not None and record.left is None:
                if record.reverses in undone:
                    found.append(f"{record.key} undoes transaction {record.reverses}, which was undone before")
                undone.add(record.reverses)
            if isinstance(record, Answered):
                found += _owes_too_little(record, sent)
        elif isinstance(record, Settled):
            owed.pop(record.number, None)
    found += [f"{one.mti} {one.stan} to {one.issuer} was sent and never ended" for one in open_.values()]
    return found + [f"{what} was never settled" for what in owed.values()]


def stood_in(world: World) -> list[str]:
    """What was approved in an issuer's place: no more for a card and day than its product allows, restarts or not."""
    sent = {record.number: record for record in world.records if isinstance(record, Sent)}
    spent: dict[tuple[str, date], tuple[int, int]] = {}
    found = []
    for record in world.records:
        if not isinstance(record, Answered) or not record.stand_in:
            continue
        kept = sent.get(record.number) or record
        assert kept.frame is not None
        message = DIALECT.decode(kept.frame)
        issued, amount = NETWORK.routes.find(message.get(de.PAN) or ""), int(message.get(de.AMOUNT) or 0)
        assert issued is not None
        which = message.get(de.PAN) or "", business_date(record.at)
        times, before = spent.get(which, (0, 0))
        spent[which] = times + 1, before + amount
        limits = (
            (issued.stand_in_limit is None or amount > issued.stand_in_limit.minor, "more than the limit"),
            (issued.stand_in_per_day and before + amount > issued.stand_in_per_day.minor, "more than its day's limit"),
            (issued.stand_in_count_per_day and times >= issued.stand_in_count_per_day, "once more than its day allows"),
        )
        found += [f"{record.key}: approved in its issuer's place, {how}" for over, how in limits if over]
    return found


def _owes_too_little(record: Answered, sent: Sent | None) -> list[str]:
    types = [debt.mti for debt in record.debts]
    if record.stand_in and types != [ADVICE]:
        return [f"stand-in {record.key} owes {types}, not its 0120"]
    if record.reason == "issuer.timeout" and sent is not None and types != [REVERSAL]:
        return [f"{record.key} is in doubt and owes {types}, not its 0420"]
    return []
