"""`payswitch send`: one message to a host, and its answer, element by element."""

import secrets
from datetime import datetime
from functools import partial
from typing import Annotated

from cyclopts import Parameter

from protocols.errors import LocalProtocolError
from protocols.mti import ADMINISTRATIVE
from protocols.network import load
from protocols.runtime.exits import DONE, FAILED, MISCONFIGURED, UNAVAILABLE
from switch.commands._messages import show_message
from switch.commands._terminal import complain, say, show_json
from switch.commands._tls import PLAIN, Tls
from switch.composing import SettingError, composed
from switch.inspection import Inspection, behind_header, inspect_frame, message_document
from switch.place import DEMONSTRATION, Place


def send(
    address: str | None = None,
    /,
    *,
    mti: Annotated[str, Parameter(help="The message type: 0100, 0200, 0800 …")],
    set_: Annotated[
        tuple[str, ...],
        Parameter(name="--set", help="N=value, N being an element's number or name; N=auto makes it up. Repeatable."),
    ] = (),
    bare: Annotated[bool, Parameter(help="Send exactly what is set, and fill nothing in.")] = False,
    dialect: Annotated[str, Parameter(help="The dialect to speak.")] = "iso87_ascii",
    framing: Annotated[str | None, Parameter(help="The length header. Without it: the dialect's usual one.")] = None,
    timeout: Annotated[float, Parameter(help="Seconds to wait for the answer.")] = 15.0,
    json: Annotated[bool, Parameter(help="For machines.")] = False,
    secure: Tls = PLAIN,
    place: Place = DEMONSTRATION,
) -> int:
    """Send one message and print it and its answer, every element named and masked.

    What every message of its type carries is filled in unless it is set: elements 7 and 11, and
    for 01xx, 02xx and 04xx also 12, 13, 41 and 42. Values of fixed length are filled up: digits
    with zeros in front, text with spaces behind.

    Exit codes: 0 answered (whatever the answer says), 1 no answer in time, 3 cannot connect.

    Example: payswitch send --mti 0800 --set 70=301

    Parameters
    ----------
    address
        host:port, or the name of one of the network's ports. Without it: the laboratory port, or with --tls
        the one where a certificate says who is there.
    """
    from switch.shell.one_question import CannotConnectError, ask_once, secured_by

    network = load(place.network)
    host, port = network.address(address or secure.port(network))
    security = secured_by(secure.credentials(place.state), secure.peer)
    try:
        spoken, framed, frame = written(mti, set_, dialect, framing, bare=bare)
    except (SettingError, LocalProtocolError) as error:
        complain(f"send: {error}")
        return MISCONFIGURED
    sent = inspect_frame(spoken, frame)
    try:
        heard = ask_once((host, port), framed, frame, timeout, partial(answers_in, spoken), security)
    except CannotConnectError as error:
        complain(f"send: cannot connect to {host}:{port}: {error}")
        return UNAVAILABLE
    answers = [inspect_frame(spoken, answer) for answer in heard.frames]
    (tell_machine if json else tell_person)(sent, answers, heard.why_none)
    return DONE if answers else FAILED


def answers_in(dialect: str, frame: bytes) -> bool:
    """Whether the frame answers something, or rejects it: functions 1 and 3, and the administrative 06xx."""
    mti = inspect_frame(dialect, frame).mti
    return mti[2:3] in ("1", "3") or mti[1:2] == ADMINISTRATIVE


def written(
    mti: str, settings: tuple[str, ...], dialect: str, framing: str | None, *, bare: bool
) -> tuple[str, str, bytes]:
    """Dialect, framing and frame of the message."""
    from protocols.dialects import dialect_named
    from protocols.framing import framing_named

    framed = framing_named(framing or dialect_named(dialect).framing)
    spoken = dialect_named(behind_header(dialect, framed.name))
    values = composed(mti, settings, datetime.now().astimezone(), secrets.randbelow(1_000_000), bare=bare)
    return spoken.name, framed.name, spoken.encode(mti, values)


def tell_person(sent: Inspection, answers: list[Inspection], why_none: str) -> None:
    """Request and answer, one table each."""
    show_message(sent, "sent  ")
    for answer in answers:
        show_message(answer, "heard ")
    if not answers:
        say(f"\nno answer: {why_none}")


def tell_machine(sent: Inspection, answers: list[Inspection], why_none: str) -> None:
    """Request and answer as one document."""
    answer = message_document(answers[-1]) if answers else None
    show_json({"sent": message_document(sent), "answer": answer, "why_none": why_none or None})
