"""`payswitch doctor`: which framing and dialect a host or a client speaks, and what its agreement must say."""

import secrets
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from protocols import codes
from protocols.codes import NETWORK_MANAGEMENT_TITLES, response_title
from protocols.dialect_file import SUFFIXES, load_dialect
from protocols.errors import LocalProtocolError
from protocols.message import Message
from protocols.network import load
from protocols.runtime.exits import DONE, FAILED, MISCONFIGURED, UNAVAILABLE
from switch.commands._diagnosis import finding_document, show_candidates, show_coloured, show_keys
from switch.commands._terminal import complain, say, show_json
from switch.commands._tls import PLAIN, Tls
from switch.composing import SettingError, composed
from switch.diagnosis import Way, agreement, all_ways, candidates, management_title, why_not_taken
from switch.examination import Examination, Finding, Outcome, Visit, institution_of
from switch.place import DEMONSTRATION, Place

if TYPE_CHECKING:  # trio is slow to load, and help does without it
    from protocols.runtime.tls import Credentials

ASKING_S = 18.0  # in all: a person looks on
MESSAGES_SHOWN = 3  # of what a host said without being asked
LISTENING_S = 120.0  # somebody must start the client first


def doctor(
    address: str | None = None,
    /,
    *,
    listen: Annotated[int | None, Parameter(help="Wait on this port for a client instead.")] = None,
    framing: Annotated[str | None, Parameter(help="The framing, if it is known: the others are not tried.")] = None,
    dialect: Annotated[
        str | None, Parameter(help="The dialect, if it is known: its name, or a .toml or .json file.")
    ] = None,
    set_: Annotated[
        tuple[str, ...],
        Parameter(name="--set", help="N=value in every question, as of `send`: 33=784900 says who asks. Repeatable."),
    ] = (),
    timeout: Annotated[
        float | None, Parameter(help="Seconds in all. Without it: 18 for asking, 120 for waiting.")
    ] = None,
    json: Annotated[bool, Parameter(help="For machines; not with --listen.")] = False,
    secure: Tls = PLAIN,
    place: Place = DEMONSTRATION,
) -> int:
    """Find out what a host or a client speaks, and print the participant's file that fits.

    A host is asked for an echo (0800, DE 70 = 301), and where it does not care for that, a sign-on
    (001), in every framing and dialect there is until it answers; a client that dials in is
    recognised by what it says first, and its echo and sign-on are answered. Nothing else is sent.

    Exit codes: 0 found, 1 nothing fits (it says what it saw), 3 cannot connect, or the port is taken.

    Example: payswitch doctor 127.0.0.1:8601

    Parameters
    ----------
    address
        host:port, or the name of one of the network's ports. Without it: the laboratory port, or with --tls
        the one where a certificate says who is there.
    """
    from switch.shell.consultation import other_questions

    network = load(place.network)
    credentials = secure.credentials(place.state)
    if listen is not None:
        return wait_for_client(network.host, listen, timeout or LISTENING_S, credentials)
    there = network.address(address or secure.port(network))
    if dialect is not None and dialect.endswith(SUFFIXES):
        dialect = load_dialect(Path(dialect)).name
    try:
        now, number = datetime.now().astimezone(), secrets.randbelow(1_000_000)
        values = composed("0800", set_, now, number)
        examination = Examination(all_ways(framing, dialect), values, number, now.date(), other_questions())
    except (SettingError, LocalProtocolError) as error:
        complain(f"doctor: {error}")
        return MISCONFIGURED
    return ask_host(there, examination, timeout or ASKING_S, credentials, secure.peer, json=json)


# ---- A host ----


def ask_host(
    there: tuple[str, int],
    examination: Examination,
    within_s: float,
    credentials: "Credentials | None",
    peer: str,
    *,
    json: bool,
) -> int:
    """Examine, and tell."""
    from switch.shell.consultation import CannotConnectError, examine

    place = f"{there[0]}:{there[1]}"
    try:
        examine(there, examination, within_s, credentials, peer)
    except CannotConnectError as error:
        complain(f"doctor: cannot connect to {place}: {error}")
        return UNAVAILABLE
    finding = examination.finding or Finding(Outcome.NOTHING)
    file = agreement_with(place, finding, with_tls=credentials is not None)
    if json:
        show_json(finding_document(examination, file))
    else:
        tell(place, examination, finding, file)
    return DONE if file else FAILED


def agreement_with(place: str, finding: Finding, *, with_tls: bool) -> str | None:
    """The participant's file, if the host can be one."""
    if finding.outcome is not Outcome.FOUND:
        return None
    settings: dict[str, str | bool] = {"dial": place, "tls": True} if with_tls else {"dial": place}
    title = NETWORK_MANAGEMENT_TITLES[finding.code]
    return agreement(finding.ways[0], settings, f"{place} answered {an(title)}: payswitch doctor")


def tell(place: str, examination: Examination, finding: Finding, file: str | None) -> None:
    """What was found, or what was seen."""
    if finding.outcome is Outcome.STRANGER:
        say(f"{place} does not speak ISO 8583 here: it speaks {finding.protocol}")
        if finding.protocol == "TLS":
            say("ask again with --tls, and --peer with the name in its certificate")
    elif finding.asked is None or finding.answer is None:
        tell_nothing(place, examination)
    else:
        tell_answer(place, finding, finding.asked, finding.answer)
        tell_agreement(finding.ways, file)


def tell_answer(place: str, finding: Finding, asked: Message, answer: Message) -> None:
    """It answers: what, and whether the switch would take the answer."""
    way = finding.ways[0]
    title = NETWORK_MANAGEMENT_TITLES[finding.code]
    say(f"{place} answers {an(title)} in framing {way.framing}, dialect {way.dialect}")
    show_coloured(asked, "asked     ")
    show_coloured(answer, "answered  ")
    say("")
    show_keys(finding.key)
    if finding.outcome is Outcome.MISMATCHED:
        say(f"\nframing and dialect fit, but the switch would not take this answer: {why_not_taken(finding.key)}")
    elif codes.is_decline(answer.response_code):
        say(f"\nit says no: DE 39 = {answer.response_code}, {response_title(answer.response_code or '')}")


def tell_agreement(ways: Sequence[Way], file: str | None) -> None:
    """The participant's file, and what else would have fitted."""
    if file is None:
        return
    say(f"\n{file}")
    if others := [str(way) for way in ways[1:]]:
        say(f"# The same bytes are also {', '.join(others)}: a message with more in it will tell.")


def tell_nothing(place: str, examination: Examination) -> None:
    """Nothing fits: what happened on the connections, and what came nearest."""
    say(f"{place} answered in no way we know. What happened:")
    seen: Counter[tuple[str, str]] = Counter()
    for sight in examination.sights:
        seen[sight.framing, sight.ending] += 1
    for (framing, ending), times in seen.items():
        say(f"  {framing}: {ending}{f' ({times} connections)' if times > 1 else ''}")
    for way, messages in examination.overheard.items():
        say(f"\nIt said, in framing {way.framing}, dialect {way.dialect}:")
        for message in messages[:MESSAGES_SHOWN]:
            show_coloured(message, "heard  ")
    if examination.unread:
        say("\nThe nearest readings of what it said:")
        show_candidates(candidates(examination.unread))


def an(title: str) -> str:
    """
    >>> an("echo"), an("sign-on")
    ('an echo', 'a sign-on')
    """
    return f"{'an' if title[0] in 'aeiou' else 'a'} {title}"


# ---- A client ----


def wait_for_client(host: str, port: int, within_s: float, credentials: "Credentials | None") -> int:
    """Listen, and tell who came."""
    from switch.shell.consultation import receive

    reception = receive(host, port, within_s, lambda bound: say(f"listening on {host}:{bound}"), credentials)
    if reception.recognised is not None:
        tell_client(reception.recognised)
        return DONE
    if not reception.visits:
        say(f"nobody connected within {within_s:g} s")
    for visit in reception.visits:
        tell_unknown(visit)
    return FAILED


def tell_client(visit: Visit) -> None:
    """A client that was recognised."""
    ways = [one.way for one in visit.readings]
    messages = visit.readings[0].messages
    first = management_title(messages[0])
    say(f"a client speaks framing {ways[0].framing}, dialect {ways[0].dialect}; messages answered: {visit.replied}")
    for message in messages:
        show_coloured(message, "heard  ")
    settings: dict[str, str | bool] = {}
    if institution := institution_of(messages):
        settings["institution_id"] = institution
    tell_agreement(ways, agreement(ways[0], settings, f"a client began with {an(first)}: payswitch doctor"))


def tell_unknown(visit: Visit) -> None:
    """A client that was not."""
    if visit.protocol:
        say(f"a client does not speak ISO 8583: it speaks {visit.protocol}")
    elif visit.trouble:
        say(f"a client could not be heard: {visit.trouble}")
    elif not visit.heard_so_far:
        say("a client connected and said nothing: it may be waiting to be asked; then ask it where it listens")
    else:
        say(f"a client said {len(visit.heard_so_far)} bytes that read as nothing we know; the nearest:")
        show_candidates(candidates(visit.heard_so_far))
