"""`payswitch audit`: do the books of the switch and of every issuer agree?"""

from collections.abc import Mapping
from typing import Annotated

from cyclopts import Parameter

from protocols.runtime.exits import DONE
from switch.audit import Audit, Disagreement, IssuerAudit, State, money
from switch.commands._terminal import say, show_json, show_table, tick
from switch.place import DEMONSTRATION, Place

BOOKS_DISAGREE = 5


def audit(
    *,
    wait: Annotated[float, Parameter(help="Seconds to wait for what is still on its way.")] = 15.0,
    json: Annotated[bool, Parameter(help="For machines.")] = False,
    place: Place = DEMONSTRATION,
) -> int:
    """Compare the switch's books with each issuer's, transaction by transaction.

    Works while the network runs and when it does not. Exit code 5 when two books disagree;
    what still waits in store and forward is counted, and is no disagreement.
    """
    import trio

    from switch.shell.ask_party import settled_audit

    found = trio.run(settled_audit, place, wait)
    if json:
        show_json(document(found))
    else:
        show(found)
    return DONE if found.agrees else BOOKS_DISAGREE


def show(found: Audit) -> None:
    """The audit for a person: a line for each issuer, then every disagreement with both sides."""
    columns = ("issuer", *State, "switch total", "issuer total", "agree")
    show_table(columns, [issuer_row(one) for one in found.issuers])
    if found.disagreements:
        columns = ("issuer", "rrn", "key", "what is wrong", "switch says", "issuer says")
        show_table(columns, [disagreement_row(one) for one in found.disagreements], title="Disagreements")
    say(summary(found))


def summary(found: Audit) -> str:
    """The last line."""
    waiting = f"; {found.waiting} still waiting in store and forward" if found.waiting else ""
    if found.agrees:
        return f"The books agree{waiting}."
    return f"The books do not agree: {len(found.disagreements)} disagreements{waiting}."


def issuer_row(one: IssuerAudit) -> list[object]:
    """One issuer's books in a line."""
    theirs = total(one.issuer_totals) if one.has_books else "no books here"
    verdict = tick(not one.disagreements) if one.has_books else "-"
    return [one.issuer, *(one.counts.get(state, 0) for state in State), total(one.switch_totals), theirs, verdict]


def disagreement_row(one: Disagreement) -> list[object]:
    """One disagreement in a line."""
    return [one.issuer, one.rrn or "-", one.key, one.finding, one.switch_says, one.issuer_says]


def total(sums: Mapping[str, int]) -> str:
    """Totals of several currencies, side by side: they do not add up."""
    return ", ".join(money(minor, code) for code, minor in sums.items()) or "-"


def document(found: Audit) -> Mapping[str, object]:
    """The audit as `--json` prints it."""
    return {
        "agrees": found.agrees,
        "waiting": found.waiting,
        "issuers": [
            {
                "issuer": one.issuer,
                "has_books": one.has_books,
                "counts": {str(state): one.counts.get(state, 0) for state in State},
                "switch_totals": dict(one.switch_totals),
                "issuer_totals": dict(one.issuer_totals),
            }
            for one in found.issuers
        ],
        "disagreements": [
            {
                "issuer": one.issuer,
                "key": one.key,
                "rrn": one.rrn or None,
                "finding": one.finding.name.lower(),
                "in_words": str(one.finding),
                "switch_says": one.switch_says,
                "issuer_says": one.issuer_says,
            }
            for one in found.disagreements
        ],
    }
