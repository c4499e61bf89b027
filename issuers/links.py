"""Links that the bank dials itself: to the switch's port for issuers, several of them, for as long as it runs.

Each signs on first, saying who it is, and carries traffic when that was answered 00. An idle link is asked now
and then whether it is there. What comes on it is the host's business like anywhere else.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Final

import structlog
import trio

from issuers.host import Connection, Host
from protocols import codes
from protocols.framing import Framing
from protocols.runtime.dialer import Dial, dial_tcp, keep_dialled
from protocols.runtime.link import Link

ECHO_EVERY_S: Final = 30.0

log = structlog.get_logger()


async def keep_links(
    host: Host, address: tuple[str, int], framing: Framing, institution_id: str, dial: Dial = dial_tcp
) -> None:
    """As many links as the bank's file says, for ever."""
    async with trio.open_nursery() as nursery:
        for number in range(1, host.bank.links + 1):
            name = f"switch {address[0]}:{address[1]} ({number})"
            serve = partial(serve_dialled, host, institution_id)
            nursery.start_soon(partial(keep_dialled, address, framing, serve, name=name, random=Random(), dial=dial))


async def serve_dialled(host: Host, institution_id: str, link: Link) -> None:
    """One link, from its sign-on to its end."""
    connection = Connection(link)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_keep_signed_on, host, institution_id, connection)
        await host.serve_on(connection)
        nursery.cancel_scope.cancel()


async def _keep_signed_on(host: Host, institution_id: str, connection: Connection) -> None:
    """Sign on, then ask for a sign of life; a link on which either fails is given up, and dialled anew."""
    code = codes.SIGN_ON
    while True:
        answer = await host.ask_link(connection, code, institution_id)
        if answer != codes.APPROVED:
            title = codes.NETWORK_MANAGEMENT_TITLES[code]
            connection.link.abort(f"{title} {'not answered' if answer is None else f'refused with {answer}'}")
            return
        if code == codes.SIGN_ON:
            host.signed_on(connection)
        code = codes.ECHO
        await trio.sleep(ECHO_EVERY_S)
