"""The store API as part of a gateway's process: opens the books and the vault, takes on what was left open, serves.

The shell around everything else here: files, the HSM's link, the HTTP server, the clock, randomness.
"""

from __future__ import annotations

import base64
import secrets
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import structlog
import trio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_http

from acquirers.data_key import open_data_key
from acquirers.gateway import Gateway
from acquirers.hosted_page.pages import page_routes
from acquirers.house import House
from acquirers.store_api.announcements import Announcements
from acquirers.store_api.app import make_app
from acquirers.store_api.authentication import PATIENCE_S, Authenticator, Server
from acquirers.store_api.books import Books
from acquirers.store_api.courier import Courier
from acquirers.store_api.desk import Desk, Terms
from acquirers.store_api.office import Office
from acquirers.store_api.settings import StoreApiFile
from acquirers.vault import KEY_BYTES, Vault
from acquirers.web_client import WebAnswer, ask
from protocols.network import Network
from protocols.pki import AUTHORITY, certificate_file, key_file
from protocols.runtime.exits import ConfigurationError, UnavailableError
from protocols.runtime.hsm_client import HsmClient, HsmDown
from protocols.runtime.party import announce

FOLDER: Final = "acquirers"  # of the state folder
HSM_AGAIN_S: Final = 0.5
HERE: Final = ("127.0.0.1", "::1", "localhost")
FAREWELL_S: Final = 5.0  # for requests that are being answered

log = structlog.get_logger()


def new_id(kind: str) -> str:
    """`kind_` and 128 unpredictable bits in letters and digits that nobody confuses."""
    return f"{kind}_{base64.b32encode(secrets.token_bytes(16)).decode().rstrip('=').lower()}"


def utc_now() -> datetime:
    return datetime.now(UTC)


async def serve_shops(
    house: House,
    settings: StoreApiFile,
    gateway: Gateway,
    network: Network,
    state: Path,
    pki: Path,
    stop: trio.Event,
    listening: Callable[[], None],
) -> None:
    """Serve shops and their buyers until told to stop. Another process that has the books keeps them."""
    host, port = network.address(settings.listens)
    try:
        books = Books(state / FOLDER / f"{house.name}.db")
    except UnavailableError as error:  # a second gateway of the same name, for somebody's till: it serves no shops
        log.warning("no store API here", reason=str(error))
        listening()
        return
    try:
        async with trio.open_nursery() as nursery:
            vault = Vault(await _data_key(books, state, house, network, settings, nursery), secrets.token_bytes)
            terms = Terms(
                _base_url(settings, host, port), settings.page_minutes * 60.0, settings.finalize_minutes * 60.0
            )
            office, courier = _office(house, gateway, books, vault, terms, settings, pki, nursery)
            office.desk.resume()
            office.resume()
            nursery.start_soon(office.desk.watch_deadlines)
            nursery.start_soon(courier.run)
            config = _config(settings, house, host, port, pki)
            authenticator = _authenticator(house, settings, network, pki)
            app = make_app(office, page_routes(office.desk, authenticator))
            nursery.start_soon(_announce, house, host, port, listening)
            await serve_http(app, config, shutdown_trigger=stop.wait, mode="asgi")  # type: ignore[arg-type]
            nursery.cancel_scope.cancel()
    finally:
        books.close()


def _office(
    house: House,
    gateway: Gateway,
    books: Books,
    vault: Vault,
    terms: Terms,
    settings: StoreApiFile,
    pki: Path,
    nursery: trio.Nursery,
) -> tuple[Office, Courier]:
    announcements = Announcements(books, new_id)
    desk = Desk(house, gateway, books, vault, announcements, terms, nursery, utc=utc_now, new_id=new_id)
    courier = Courier(books, vault, utc_now, _trusting(pki))
    announcements.on_letter = courier.wake
    return Office(desk, settings.keys, utc_now, new_id), courier


def _authenticator(house: House, settings: StoreApiFile, network: Network, pki: Path) -> Authenticator:
    trusting = _trusting(pki)

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> WebAnswer:
        return await ask("POST", url, body=body, headers=headers, trusting=trusting, patience_s=PATIENCE_S)

    servers = [
        Server(one.prefixes, base, one.test_key.get_secret_value())
        for one in settings.directory
        if (base := _bank_url(one.acs, network))
    ]
    return Authenticator(house, servers, post, trio.current_time, lambda: str(uuid4()))


def _bank_url(place: str, network: Network) -> str | None:
    """Where a bank answers; None where the network has no such port: nobody is authenticated then."""
    if place.startswith("https://"):
        return place.rstrip("/")
    if ":" not in place and place not in network.ports:
        return None
    host, port = network.address(place)
    if host not in HERE:
        raise ConfigurationError(f"store_api.directory: {place}: card numbers go to a bank elsewhere by https only")
    return f"http://{host}:{port}"


async def _data_key(
    books: Books, state: Path, house: House, network: Network, settings: StoreApiFile, nursery: trio.Nursery
) -> bytes:
    """The vault's key, once the HSM is there to unwrap it."""
    path = state / FOLDER / f"{house.name}.key"
    if not path.exists() and books.row("SELECT 1 FROM tokens LIMIT 1"):
        raise ConfigurationError(f"{path} is gone, and cards are sealed under it: nothing was overwritten")
    hsm = HsmClient(network.address(settings.hsm), nursery)
    while True:
        await hsm.wait_up()
        try:
            return await open_data_key(path, hsm, secrets.token_bytes(KEY_BYTES))
        except HsmDown:
            await trio.sleep(HSM_AGAIN_S)


def _base_url(settings: StoreApiFile, host: str, port: int) -> str:
    return f"{'https' if settings.tls else 'http'}://{host}:{port}"


def _config(settings: StoreApiFile, house: House, host: str, port: int, pki: Path) -> Config:
    config = Config()
    config.bind = [f"{host}:{port}"]
    config.accesslog = config.errorlog = None
    config.graceful_timeout = FAREWELL_S
    config.include_server_header = False
    if settings.tls:
        name = house.participant.id
        config.certfile, config.keyfile = str(pki / certificate_file(name)), str(pki / key_file(name))
        for path in (config.certfile, config.keyfile):
            if not Path(path).exists():
                raise ConfigurationError(f"TLS needs {path}, which is not there: `payswitch pki init` makes it")
    elif host not in HERE:
        raise ConfigurationError("store_api.tls: cards are not typed in clear over a network")
    return config


def _trusting(pki: Path) -> ssl.SSLContext:
    """The world's authorities, and the network's own."""
    context = ssl.create_default_context()
    if (authority := pki / certificate_file(AUTHORITY)).exists():
        context.load_verify_locations(authority)
    return context


async def _announce(house: House, host: str, port: int, listening: Callable[[], None]) -> None:
    """Once somebody can come in."""
    while True:
        try:
            stream = await trio.open_tcp_stream(host, port)
        except OSError:
            await trio.sleep(0.05)
            continue
        await stream.aclose()
        announce("listening", house.name, f"{host}:{port}")
        listening()
        return
