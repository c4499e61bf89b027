"""`python -m hsm_sim fault …`: switches faults of a running HSM on and off, over its control port."""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from hsm_sim.faults import Kind
from hsm_sim.settings import CONTROL_HOST, load
from protocols import network
from protocols.network import NetworkError
from protocols.runtime.exits import DONE, FAILED, MISCONFIGURED, UNAVAILABLE

TIMEOUT_S: Final = 5.0
ANSWER_MAX: Final = 1 << 20


def main(given: Sequence[str]) -> int:
    """Give one order, print what came of it; the exit code."""
    asked = vars(_arguments(given))
    place, port = asked.pop("network"), asked.pop("control_port")
    asked.pop("state")
    try:
        told = _told(port or _control_port(place), {name: value for name, value in asked.items() if value is not None})
    except NetworkError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        return MISCONFIGURED
    except OSError as error:
        print(f"the HSM's control port does not answer: {error.strerror or error}", file=sys.stderr)
        return UNAVAILABLE
    print(json.dumps(told, indent=2))
    return DONE if told.get("ok") else FAILED


def _control_port(place: Path | None) -> int:
    settings = load(place)
    if settings.control_port is None:
        raise NetworkError(["hsm.toml: control_port: there is none, so no fault can be switched on"])
    return network.load(place).address(settings.control_port)[1]


def _told(port: int, order: Mapping[str, object]) -> dict[str, object]:
    with socket.create_connection((CONTROL_HOST, port), timeout=TIMEOUT_S) as link:
        link.sendall(json.dumps(order).encode() + b"\n")
        with link.makefile("rb") as answers:
            answer = answers.readline(ANSWER_MAX)
    if not answer:
        raise ConnectionError("it hung up")
    told: dict[str, object] = json.loads(answer)
    return told


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hsm_sim fault", description="Make a running HSM do wrong.")
    parser.add_argument("--network", type=Path, metavar="DIR", help="the network's files (default: the demonstration)")
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--control-port", type=int, metavar="N", help="instead of the one in the network's files")
    words = parser.add_subparsers(dest="do", required=True, metavar="WORD")
    switch_on = words.add_parser("set", help="switch a fault on")
    switch_on.add_argument("command", help="a host command (CC), or * for all")
    switch_on.add_argument("fault", choices=[kind.value for kind in Kind])
    switch_on.add_argument("--rate", type=float, help="the share of requests it befalls, 0 to 1 (1)")
    switch_on.add_argument("--code", help="with error: the code (41)")
    switch_on.add_argument("--ms", type=int, help="with delay: milliseconds")
    switch_on.add_argument("--count", type=int, help="how often at most")
    words.add_parser("clear", help="switch faults off").add_argument(
        "command", nargs="?", help="of one command; else all"
    )
    words.add_parser("show", help="which faults are on, and how often each struck")
    words.add_parser("tamper", help="the box was opened: no LMK is there").add_argument(
        "--cause", help="two digits (04)"
    )
    words.add_parser("restore", help="no fault, not tampered with, no suspicion of fraud")
    words.add_parser("figures", help="what was answered since the start")
    authorise = words.add_parser("authorise", help="an LMK's authorised state")
    authorise.add_argument("lmk", nargs="?", help="its id; else the default one")
    authorise.add_argument("--off", dest="on", action="store_const", const=False, help="leave it")
    return parser.parse_args(given)
