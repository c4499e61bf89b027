"""A bank's host as a process: from its books on disk to its last answer.

It reads the bank's and the network's files, opens what the bank listens on and dials, and ends all of it. What
the command line may say is `__main__`'s; what the bank answers is the host's.
"""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from functools import partial

import trio

from issuers import admin
from issuers.bank import Bank
from issuers.host import Host
from issuers.links import keep_links
from issuers.store import Store, bank_path, database_of
from protocols import network
from protocols.border import spoken, spoken_with
from protocols.dialect import Dialect
from protocols.dialects import dialect_named
from protocols.errors import LocalProtocolError
from protocols.framing import framing_named
from protocols.participant import Participant, load_participants
from protocols.pki import FOLDER, SWITCH
from protocols.runtime.dialer import Dial, dial_tcp
from protocols.runtime.exits import DONE, ConfigurationError
from protocols.runtime.hsm_client import HsmClient, HsmGroup
from protocols.runtime.listener import Entrance, Guest, NotWelcomeError, PlainEntrance, TlsEntrance, serve
from protocols.runtime.party import announce
from protocols.runtime.tls import Credentials, keep_current, tls_dial

READY_WAITS_S = 0.3  # for the HSM to make the PVVs of a new bank; without one only PINs are declined
DRAIN_S = 1.5  # at the end, for PINs that are at the HSM (which has 1 s)


async def run_host(bank: Bank, options: argparse.Namespace, stop: trio.Event) -> int:
    """From the books on disk to the last answer."""
    places = network.load(options.network)
    agreement = load_participants(options.network).get(bank.id)
    host, port = places.address(bank.listen or bank.id)
    path = bank_path(options.state, bank.id)
    store = Store(path, database_of(bank), bank.id)
    try:
        async with trio.open_nursery() as background, trio.open_nursery() as links:
            hsm = _hsm(bank, places, background) if bank.keys.needs_hsm else None
            dialect = _dialect(bank, agreement, options.dialect)
            bank_host = Host(bank, dialect, store, hsm, background, zpk=_zpk(agreement), zmk=_zmk(bank, agreement))
            bank_host.seed()
            framing = framing_named(_framing(bank, agreement), keep_alive=bool(agreement and agreement.keep_alive))
            guest = framing, bank_host.serve
            entrance: Entrance = PlainEntrance(*guest)
            if options.tls or (agreement is not None and agreement.tls):
                credentials = Credentials.of(bank.id, options.state / FOLDER)
                background.start_soon(keep_current, credentials)
                entrance = TlsEntrance(credentials, partial(_only_the_switch, guest))
            bound = await links.start(partial(serve, host, port, entrance))
            announce("listening", bank.id, f"{host}:{bound}")
            bank_host.start()
            await background.start(admin.serve_admin, bank_host, admin.socket_path(path))
            if bank.dial is not None:
                name = agreement.institution_id if agreement else ""
                dial = _dial(bank, places, options)
                background.start_soon(keep_links, bank_host, places.address(bank.dial), framing, name, dial)
            if bank.banking is not None:
                from issuers.banking.serve import (  # a web server: few banks have one
                    serve_banking,
                    shops_on_the_internet,
                )

                pages = places.address(bank.banking), shops_on_the_internet(options.network)
                announce("listening", bank.id, await background.start(serve_banking, bank_host, *pages))
            with trio.move_on_after(READY_WAITS_S):
                await bank_host.pvvs_made.wait()
            announce("ready", bank.id)
            await stop.wait()
            with trio.move_on_after(DRAIN_S):
                await bank_host.drained()
            links.cancel_scope.cancel()
            background.cancel_scope.cancel()
    finally:
        store.close()
    return DONE


def _hsm(bank: Bank, places: network.Network, background: trio.Nursery) -> HsmClient | HsmGroup:
    """The bank's own HSM, or those of the network, one in place of another, where its own is among them."""
    names = dict.fromkeys((bank.hsm, *places.hsms)) if bank.hsm in places.hsms else (bank.hsm,)
    one, *others = [HsmClient(places.address(name), background) for name in names]
    return HsmGroup([one, *others], background) if others else one


def _dial(bank: Bank, places: network.Network, options: argparse.Namespace) -> Dial:
    """Plain, or mutual TLS where the switch's port takes nothing else."""
    if not options.tls and bank.dial not in places.tls_ports:
        return dial_tcp
    return tls_dial(Credentials.of(bank.id, options.state / FOLDER), SWITCH)


def _only_the_switch(guest: Guest, name: str) -> Guest:
    """Nobody else has business at a bank's host."""
    if name != SWITCH:
        raise NotWelcomeError("its certificate does not name the switch")
    return guest


def _dialect(bank: Bank, agreement: Participant | None, named: str | None) -> Dialect:
    """As the command line says, else the bank's file, else the agreement."""
    name = named or bank.dialect
    try:
        if agreement is None:
            return spoken(dialect_named(name or "iso87_ascii"), _today, trusted=True)
        agreed = {"dialect": name or agreement.dialect, "framing": _framing(bank, agreement)}
        return spoken_with(agreement.model_copy(update=agreed), _today, trusted=True)
    except LocalProtocolError as error:
        raise ConfigurationError(str(error)) from None


def _today() -> date:
    return datetime.now(UTC).date()


def _framing(bank: Bank, agreement: Participant | None) -> str:
    return bank.framing or (agreement.framing if agreement else "len2")


def _zmk(bank: Bank, agreement: Participant | None) -> str | None:
    return bank.keys.zmk or (agreement.keys.zmk if agreement else None)


def _zpk(agreement: Participant | None) -> str | None:
    return agreement.keys.zpk if agreement else None
