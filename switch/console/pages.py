"""The pages: one function each, all of them GET, none of them with an effect.

What a page shows is made by a function of its own, because the page's stream (`live`) shows the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from protocols.pan import UNMASKED_FROM, is_digits, masked
from protocols.participant import Role
from switch.console import figures, lines, metrics, telling, views
from switch.console.matrix import TITLES, WAYS, products
from switch.console.sessions import Session
from switch.console.site import Site, door, for_insiders, site_of
from switch.core import VERSION
from switch.memory import Past
from switch.shell.archive import look_up
from switch.tally import BOUNDS_S, Times

LATEST: Final = 12
LISTED: Final = 100
OWED_SHOWN: Final = 200
CARDS_SHOWN: Final = 200
LATELY_SHOWN: Final = 12
WORDS_MAX: Final = 60
OUTCOMES: Final = tuple(outcome.value for outcome in lines.Outcome)

Shown = dict[str, Any]


# For machines


async def metrics_text(request: Request) -> Response:
    """Prometheus' text. On this machine only, or for whoever has the token."""
    site = site_of(request)
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if not site.is_only_here and not site.is_the_token(given):
        return PlainTextResponse("Authorization: Bearer TOKEN\n", 401, {"www-authenticate": "Bearer"})
    return Response(metrics.text(site.registry), media_type=metrics.CONTENT_TYPE)


async def healthz(request: Request) -> Response:
    """Whether the process is alive: its one loop has just answered."""
    return PlainTextResponse("alive\n")


async def readyz(request: Request) -> Response:
    """Whether new requests are taken: 503 while the switch starts or drains."""
    phase = site_of(request).node.phase
    return PlainTextResponse(f"{phase}\n", 200 if phase == "ready" else 503)


async def version(request: Request) -> Response:
    return PlainTextResponse(f"payswitch, records of version {VERSION}\n")


# What is shown


def overview(site: Site) -> Shown:
    here = figures.read(site.node)
    return {
        "head": views.headline(here, site.history),
        "net": views.drawing(here, site.history),
        "journal": here.journal,
        "latest": lines.latest(site.node.core, LATEST),
        "lately": [happened(*one) for one in list(site.node.lately)[: -LATELY_SHOWN - 1 : -1]],
    }


def happened(at: float, name: str, facts: Mapping[str, object]) -> tuple[str, str, str]:
    """A line of the log for people: when, what, and about what."""
    about = (
        f"{key} {value}"
        for key, value in facts.items()
        if value is not None and not key.startswith(("asked_", "answered_"))
    )
    return lines.clock(at), name.replace(".", " ").replace("_", " "), ", ".join(about)


def listed(site: Site, outcome: str = "", words: str = "") -> Shown:
    found = lines.latest(site.node.core, LISTED, outcome=outcome if outcome in OUTCOMES else "", words=words)
    return {"latest": found, "remembered": len(site.node.core.memory)}


def owed(site: Site) -> Shown:
    moment = site.moment().elapsed
    core = site.node.core
    entries = [
        {
            "issuer": name,
            "stan": entry.debt.stan,
            "mti": entry.debt.mti,
            "title": telling.title_of(entry.debt.mti),
            "card": masked(entry.debt.values.get(2, "")),
            "amount": lines.money(entry.debt.values.get(4), entry.debt.values.get(49)),
            "tries": entry.tries,
            "refusals": entry.refusals,
            "parked": entry.parked,
            "age_s": moment - entry.since,
        }
        for name, issuer in core.issuers.items()
        for _, entry in zip(range(OWED_SHOWN), issuer.saf.entries(), strict=False)
    ]
    counts = [(name, len(issuer.saf)) for name, issuer in core.issuers.items() if len(issuer.saf)]
    return {"entries": entries[:OWED_SHOWN], "counts": counts, "total": sum(count for _, count in counts)}


def stood_in(site: Site) -> Shown:
    core = site.node.core
    spent = []
    for _, (card, so_far) in zip(range(CARDS_SHOWN), core.stood_in.spent_on(site.moment().wall), strict=False):
        issued = core.network.routes.find(card)
        limit = issued.stand_in_per_day if issued else None
        currency = issued.currency.number if issued and issued.currency else None
        spent.append(
            {
                "card": masked(card),
                "product": issued.product.title if issued else "",
                "times": so_far.times,
                "times_max": issued.stand_in_count_per_day if issued else None,
                "amount": lines.money(str(so_far.amount), currency),
                "limit": str(limit) if limit else "",
                "share": min(100, round(so_far.amount * 100 / limit.minor)) if limit and limit.minor else 0,
            }
        )
    offering = [one for one in core.network.routes.all() if one.stand_in_limit]
    offers = sorted({(one.product.title, one.issuer, str(one.stand_in_limit)) for one in offering})
    return {"spent": spent, "offers": offers}


# Pages


@for_insiders
async def home(request: Request, site: Site, session: Session) -> Response:
    return site.page(request, "home.html", session, **overview(site))


def looked_for(words: str) -> str:
    """What somebody typed; a card number becomes what the lines show of it, so that it is found and not repeated.

    >>> looked_for(" 9414100000000017 "), looked_for("632211000001")
    ('941410******0017', '632211000001')
    """
    typed = words.strip()[:WORDS_MAX]
    return masked(typed) if is_digits(typed) and len(typed) >= UNMASKED_FROM else typed


@for_insiders
async def transactions(request: Request, site: Site, session: Session) -> Response:
    outcome, words = request.query_params.get("outcome", ""), looked_for(request.query_params.get("words", ""))
    shown = listed(site, outcome, words)
    return site.page(request, "transactions.html", session, outcome=outcome, words=words, outcomes=OUTCOMES, **shown)


@for_insiders
async def transaction(request: Request, site: Site, session: Session) -> Response:
    """One, told leg by leg. One that the memory has let go is looked for in the archive when somebody says so."""
    key = request.path_params["key"]
    past = past_of(site, key)
    if past is None and "archive" in request.query_params and site.node.folder is not None:
        found = (await look_up(site.node.folder, [key])).get(key)
        past = Past(key, found.sent, found.answered, found.mark) if found and (found.sent or found.answered) else None
    core = site.node.core
    if past is None:
        may_be_old = core.memory.has_forgotten and key.count("/") >= 2 and "archive" not in request.query_params
        return site.page(request, "no_transaction.html", session, 404, key=key[:200], may_be_old=may_be_old)
    still = {name: [entry.debt.stan for entry in issuer.saf.entries()] for name, issuer in core.issuers.items()}
    told = telling.tell(past, site.node.trail.about(past.number), still)
    if told is None:
        raise HTTPException(404)
    return site.page(request, "transaction.html", session, told=told, line=told.line)


def past_of(site: Site, key: str) -> Past | None:
    core = site.node.core
    if (open_one := core.in_flight.get(key)) is not None:
        return Past(key, open_one.sent, None) if open_one.sent is not None else None
    return core.memory.recall(key)


@for_insiders
async def store_and_forward(request: Request, site: Site, session: Session) -> Response:
    return site.page(request, "owed.html", session, **owed(site))


@for_insiders
async def stand_in(request: Request, site: Site, session: Session) -> Response:
    return site.page(request, "stand_in.html", session, **stood_in(site))


@for_insiders
async def participants(request: Request, site: Site, session: Session) -> Response:
    here = figures.read(site.node)
    agreed = [one for one in site.node.core.network.participants.values() if not one.has(Role.HOST)]
    peers = {(peer.id, peer.kind.value): peer for peer in here.peers}
    return site.page(request, "participants.html", session, agreed=agreed, peers=peers, words=views.WORDS)


@for_insiders
async def cards(request: Request, site: Site, session: Session) -> Response:
    found = products(site.node.core.network, site.moment())
    return site.page(request, "products.html", session, cards=found, channels=[TITLES[one] for one in WAYS])


@for_insiders
async def journal(request: Request, site: Site, session: Session) -> Response:
    here = figures.read(site.node)
    commits = here.journal.commits
    mean = commits.sum_s / commits.count if commits.count else None
    return site.page(
        request,
        "journal.html",
        session,
        journal=here.journal,
        mean=mean,
        bars=bars(commits),
        dropped=site.node.journal.dropped,
        here=here,
    )


def bars(times: Times) -> list[tuple[str, int, int]]:
    """The buckets that hold something, with those between: up to, how many, and how tall in percent."""
    held = [place for place, count in enumerate(times.buckets) if count]
    if not held:
        return []
    tallest = max(times.buckets)
    bounds = [*map(views.duration, BOUNDS_S), "longer"]
    return [
        (bounds[place], times.buckets[place], max(1, round(times.buckets[place] * 100 / tallest)))
        for place in range(held[0], held[-1] + 1)
    ]


async def enter(request: Request) -> Response:
    """By the address that was printed at the start."""
    site = site_of(request)
    given = request.query_params.get("token", "")
    return site.begin() if site.is_the_token(given) else door(request, site, "This is not the token of this switch.")


async def problem(request: Request, error: Exception) -> Response:
    """A page for what went wrong; it says no more than its number."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    site = site_of(request)
    return site.page(request, "problem.html", site.session(request, touch=False), status, code=status)
