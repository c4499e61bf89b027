"""The application and HTTP under it, in the run of the bank's host."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from issuers.banking import actions, challenge, pages
from issuers.banking.guard import Guard
from issuers.banking.live import live
from issuers.banking.site import HERE, Site
from issuers.host import Host
from protocols import network
from protocols.network import read_toml
from protocols.runtime.exits import FatalError, UnavailableError

DRAIN_S: Final = 0.5  # for what is being answered when the bank closes
KEEP_ALIVE_S: Final = 15

ROUTES: Final = [
    Route("/", pages.home),
    Route("/sign-in", pages.sign_in, methods=["GET"]),
    Route("/sign-in", actions.sign_in, methods=["POST"]),
    Route("/sign-out", actions.sign_out, methods=["POST"]),
    Route("/language/{code}", pages.language),
    Route("/statement", pages.statement),
    Route("/activity", pages.activity),
    Route("/transfers", pages.transfers, methods=["GET"]),
    Route("/transfers", actions.act_on_accounts, methods=["POST"]),
    Route("/accounts/{account}", pages.account),
    Route("/cards/{card}", pages.card, methods=["GET"]),
    Route("/cards/{card}/number", actions.new_number, methods=["POST"]),
    Route("/cards/{card}/{deed}", actions.act_on_card, methods=["POST"]),
    Route("/payments/{payment:path}", pages.payment, methods=["GET"]),
    Route("/payments/{payment:path}/{deed}", actions.act_on_payment, methods=["POST"]),
    Route("/inbox", challenge.inbox),
    Route("/acs/areq", challenge.authenticate, methods=["POST"]),
    Route("/acs/rreq", challenge.result, methods=["POST"]),
    Route("/acs/challenge", challenge.show, methods=["GET"]),
    Route("/acs/challenge/{challenge}", challenge.answer, methods=["POST"]),
    Route("/live/{page}", live),
    Mount("/static", StaticFiles(directory=HERE / "static")),
]


def application(site: Site, hosts: tuple[str, ...] = ("*",)) -> Starlette:
    """The pages of one bank. `hosts`: the names it answers to, so that no stranger's name leads here."""
    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={HTTPException: pages.problem, Exception: pages.problem},
    )
    app.state.site = site
    return app


async def serve_banking(
    host: Host,
    address: tuple[str, int],
    shops: Mapping[str, str],
    *,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; what starts with it is the address. UnavailableError when it cannot listen there."""
    site = Site(host, shops)
    failed: list[FatalError] = []
    broken = trio.Event()

    def fatal(error: FatalError) -> None:
        failed.append(error)
        broken.set()

    app = cast(Any, Guard(application(site, answers_to(address[0])), fatal))  # hypercorn spells ASGI out otherwise
    config = _config(address)
    try:
        async with trio.open_nursery() as nursery:
            try:
                bound = await nursery.start(lambda task_status: serve(app, config, task_status=task_status))
            except OSError as error:
                raise UnavailableError(f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from None
            task_status.started(bound[0])
            await broken.wait()
            raise failed[0]
    finally:
        site.closing.set()


def answers_to(host: str) -> tuple[str, ...]:
    """On this machine only its own names; elsewhere we cannot know what people call it.

    >>> answers_to("127.0.0.1"), answers_to("0.0.0.0")
    (('127.0.0.1', 'localhost'), ('*',))
    """
    try:
        is_here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    return (host, "localhost") if is_here else ("*",)


def _config(address: tuple[str, int]) -> Config:
    config = Config()
    config.bind = [f"{address[0]}:{address[1]}"]
    config.accesslog = None
    config.errorlog = None  # a page that fails is logged by `guard`
    config.graceful_timeout = DRAIN_S
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.include_server_header = False
    return config


def shops_on_the_internet(directory: Path | None) -> dict[str, str]:
    """Shops that a one-time number may be made for, by their card acceptor id."""
    path = network.source(directory, "merchants.toml")
    if not path.is_file():
        return {}  # a bank need not know shops: then a number is for any of them
    merchants = read_toml(path).get("merchant", [])
    assert isinstance(merchants, list)
    return {one["id"]: one["name"] for one in merchants if "ecommerce" in one.get("channels", ())}
