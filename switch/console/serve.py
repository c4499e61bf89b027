"""The application and HTTP under it, as one more task of the switch's process."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from protocols.runtime.exits import UnavailableError
from protocols.runtime.party import announce
from switch.console import actions, pages
from switch.console.guard import Guard
from switch.console.history import EVERY_S, Sample
from switch.console.live import live
from switch.console.site import HERE, Site
from switch.console.token import own_token
from switch.shell.clock import now

if TYPE_CHECKING:
    from switch.core import Core
    from switch.shell.node import Node

DRAIN_S: Final = 0.5  # for what is being answered at the end
KEEP_ALIVE_S: Final = 15

ROUTES: Final = [
    Route("/metrics", pages.metrics_text),
    Route("/healthz", pages.healthz),
    Route("/readyz", pages.readyz),
    Route("/version", pages.version),
    Route("/enter", pages.enter, methods=["GET"]),
    Route("/enter", actions.enter, methods=["POST"]),
    Route("/leave", actions.leave, methods=["POST"]),
    Route("/", pages.home),
    Route("/transactions", pages.transactions),
    Route("/transactions/{key:path}", pages.transaction),
    Route("/owed", pages.store_and_forward, methods=["GET"]),
    Route("/owed/{deed}", actions.owed, methods=["POST"]),
    Route("/stand-in", pages.stand_in),
    Route("/participants", pages.participants),
    Route("/products", pages.cards),
    Route("/journal", pages.journal),
    Route("/live/{page}", live),
    Mount("/static", StaticFiles(directory=HERE / "static")),
]


def application(site: Site, hosts: tuple[str, ...] = ("*",)) -> Guard:
    """The pages of one switch. `hosts`: the names it answers to, so that no stranger's name leads here."""
    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={HTTPException: pages.problem, Exception: pages.problem},
    )
    app.state.site = site
    return Guard(app)


async def serve_console(
    node: Node,
    state: Path,
    address: tuple[str, int],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled. UnavailableError when it cannot listen there."""
    host, port = address
    site = Site(node, own_token(state), port, is_only_here=is_here(host))
    app = cast(Any, application(site, (host, "localhost") if site.is_only_here else ("*",)))
    try:
        async with trio.open_nursery() as nursery:
            try:
                bound = await nursery.start(lambda task_status: serve(app, _config(address), task_status=task_status))
            except OSError as error:
                raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}") from None
            announce("listening", "console", bound[0].removeprefix("http://"))
            task_status.started()
            await keep_history(site)
    finally:
        site.closing.set()


async def keep_history(site: Site) -> None:
    """A sample a second."""
    while True:
        site.history.add(sample(site.node))
        await trio.sleep(EVERY_S)


def sample(node: Node) -> Sample:
    """The counters of this moment."""
    core = node.core
    frames = node.traffic.by_participant((link.number, link.side, link.participant.id) for link in core.links)
    return Sample(
        now().elapsed,
        ended(core),
        {(side, who): n for (side, who, way), n in frames.items() if way == ("in" if side == "gateway" else "out")},
        {name: (issuer.times.count, issuer.times.sum_s) for name, issuer in core.issuers.items()},
    )


def ended(core: Core) -> int:
    """How many transactions have."""
    in_lane = sum(count for issuer in core.issuers.values() for (count,) in issuer.approved.values())
    return in_lane + sum(count for _, count in core.tally.ends())


def is_here(host: str) -> bool:
    """Whether only this machine can come to that address.

    >>> is_here("127.0.0.1"), is_here("localhost"), is_here("0.0.0.0"), is_here("bank.example")
    (True, True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _config(address: tuple[str, int]) -> Config:
    config = Config()
    config.bind = [f"{address[0]}:{address[1]}"]
    config.accesslog = None  # an address may have the token in it
    config.errorlog = None  # a page that fails is logged by `guard`
    config.graceful_timeout = DRAIN_S
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.include_server_header = False
    return config
