"""The store as a process's work: opens the books, serves the pages, takes letters, asks about what it missed."""

from __future__ import annotations

import base64
import secrets
import ssl
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

import structlog
import trio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_http
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from acquirers.souk import letters, shop, stall
from acquirers.souk.books import Books
from acquirers.souk.client import NotReachedError, RefusedError, StoreClient
from acquirers.souk.market import SECRET, Market
from acquirers.souk.settings import SoukFile
from acquirers.souk.sign_in import Door
from acquirers.souk.site import HERE, Site, site_of
from acquirers.web_client import WebAnswer, ask
from protocols.network import Network
from protocols.pki import AUTHORITY, FOLDER, certificate_file
from protocols.runtime.exits import UnavailableError
from protocols.runtime.party import announce

BOOKS: Final = "acquirers/souk.db"  # of the state folder
GATEWAY_AGAIN_S: Final = 1.0  # while the gateway is not there
LETTER_MAX: Final = 64 * 1024
FAREWELL_S: Final = 1.0

log = structlog.get_logger()


def application(site: Site) -> Starlette:
    """The pages."""
    app = Starlette(
        routes=[
            Route("/", shop.home),
            Route("/goods/{good:int}", shop.good, methods=["GET"]),
            Route("/goods/{good:int}/buy", shop.buy, methods=["POST"]),
            Route("/orders", shop.orders),
            Route("/orders/{order}", shop.order, methods=["GET"]),
            Route("/orders/{order}/pay", shop.pay, methods=["POST"]),
            Route("/orders/{order}/back", shop.back, methods=["GET"]),
            Route("/language/{code}", shop.language),
            Route("/sell", stall.door, methods=["GET"]),
            Route("/sell", stall.sign_in, methods=["POST"]),
            Route("/sell/out", stall.sign_out, methods=["POST"]),
            Route("/stall", stall.stall),
            Route("/stall/goods/new", stall.good, methods=["GET"]),
            Route("/stall/goods/new", stall.list_good, methods=["POST"]),
            Route("/stall/goods/{good:int}", stall.good, methods=["GET"]),
            Route("/stall/goods/{good:int}", stall.list_good, methods=["POST"]),
            Route("/stall/orders/{order}", stall.order, methods=["GET"]),
            Route("/stall/orders/{order}/refund", stall.refund, methods=["POST"]),
            Route("/webhook", letter, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        exception_handlers={HTTPException: _strayed, Exception: _failed},
    )
    app.state.site = site
    return app


async def letter(request: Request) -> Response:
    """News from the gateway: looked at, then asked about. Anything but 2xx makes it come again."""
    body = b""
    async for part in request.stream():
        body += part if len(body) <= LETTER_MAX else b""
    market = site_of(request).market
    secret = market.books.fact(SECRET)
    payment = letters.about(request.headers.get(letters.HEADER, ""), body, secret, int(time.time())) if secret else None
    if payment is None:
        return PlainTextResponse("not signed by the gateway\n", 403)
    return PlainTextResponse("thank you\n") if await market.news(payment) else PlainTextResponse("later\n", 503)


async def _strayed(request: Request, error: Exception) -> Response:
    return site_of(request).lost(request, status=getattr(error, "status_code", 404))


async def _failed(request: Request, error: Exception) -> Response:
    log.error("a page of the store failed", path=request.url.path, error=type(error).__name__)
    return site_of(request).lost(request, status=500)


async def serve_souk(file: SoukFile, network: Network, state: Path, stop: trio.Event) -> int:
    """Serve until told to stop."""
    host, port = network.address(file.listens)
    gateway = _gateway(file, network)
    books = Books(state / BOOKS, file.goods)
    try:
        client = StoreClient(gateway, file.test_key.get_secret_value(), _asking(state / FOLDER))
        market = Market(file, books, client, f"http://{host}:{port}", lambda: datetime.now(UTC), new_id)
        app = application(Site(market, Door(file.sellers, time.monotonic), gateway))
        async with trio.open_nursery() as nursery:
            try:
                await nursery.start(_serving, app, host, port)
            except OSError as error:
                raise UnavailableError(f"cannot listen on {host}:{port}: {error.strerror}") from None
            announce("listening", "souk", f"{host}:{port}")
            nursery.start_soon(_keep_in_touch, market)
            announce("ready", "souk")
            await stop.wait()
            nursery.cancel_scope.cancel()
    finally:
        books.close()
    return 0


async def _serving(app: Starlette, host: str, port: int, *, task_status: trio.TaskStatus[Any]) -> None:
    config = Config()
    config.bind = [f"{host}:{port}"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = FAREWELL_S
    config.include_server_header = False
    await serve_http(cast(Any, app), config, task_status=task_status)


async def _keep_in_touch(market: Market) -> None:
    """Ask to be told of news, once the gateway is there, and about what happened meanwhile."""
    while True:
        try:
            await market.subscribe()
            await market.catch_up()
            return
        except NotReachedError:
            await trio.sleep(GATEWAY_AGAIN_S)
        except RefusedError as refused:
            log.error("the gateway does not tell us news", slug=refused.slug)
            return


def _gateway(file: SoukFile, network: Network) -> str:
    if file.store_api.startswith(("https://", "http://")):
        return file.store_api.rstrip("/")
    host, port = network.address(file.store_api)
    return f"https://{host}:{port}"


def _asking(pki: Path) -> Any:
    """HTTP as a shop speaks it, with the network's own authority beside the world's."""
    trusting = ssl.create_default_context()
    if (authority := pki / certificate_file(AUTHORITY)).exists():
        trusting.load_verify_locations(authority)

    async def asking(method: str, url: str, *, body: bytes, headers: Mapping[str, str]) -> WebAnswer:
        return await ask(method, url, body=body, headers=headers, trusting=trusting)

    return asking


def new_id() -> str:
    """An order's name: 80 unpredictable bits in letters and digits that nobody confuses."""
    return base64.b32encode(secrets.token_bytes(10)).decode().lower()
