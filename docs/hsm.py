"""Writes `hsm.md`, the page of the HSM simulator: `python -m docs.hsm`.

What is a table in the code is a table here, so that the page cannot say otherwise: the commands, the settings as
delivered, the error codes, the kinds of fault. A test holds the file against what is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hsm_sim.command import Command
from hsm_sim.commands import COMMANDS
from hsm_sim.faults import Kind
from hsm_sim.lmk import KEY_TYPES, SECRET_TYPES
from protocols.hsm import codes
from protocols.network import source

PAGE = Path(__file__).with_suffix(".md")

FAULTS = {
    Kind.DELAY: "answered later (`--ms`); what stands behind it on the connection waits too",
    Kind.FREEZE: "neither answered nor refused, until it is cleared",
    Kind.CLOSE: "the connection is closed instead of an answer",
    Kind.DROP: "never answered",
    Kind.DISABLE: "answered 68, as a command that is not licensed",
    Kind.ERROR: "answered with a code (`--code`, 41 if none is given), nothing being done",
}

BEGINNING = """\
# The HSM simulator

A server that speaks the payShield host-command format over TCP, mutual TLS and UDP. It starts with published
test keys, so anyone's test cryptograms work at once. **Never give it a real key**: its LMKs are in the open.

*This page is written by `python -m docs.hsm` out of the tables of the code.*

## Starting it

```sh
payswitch hsm                        # alone: TCP and UDP 1500, mutual TLS 2500
payswitch up                         # with the rest of the network
python -m hsm_sim --network DIR --state DIR [--seed N]
```

`--network DIR` is a folder made by `payswitch init DIR`: its `network.toml` has the ports (`hsm`, `hsm_tls`,
`hsm_control`), its `hsm.toml` the settings below. `--state DIR` holds the certificates (`pki/`) and what the box
remembers (`hsm/`). `--seed N` makes all randomness predictable, which a line in the log says at every start; two
servers with one seed give the same answers to the same requests. Keys of RSA and elliptic curves are never seeded.

A frame is `length(2) header command(2) fields [~] [%nn] [0x19 trailer]`; the answer repeats header and trailer. The
header has four bytes unless `header_length` says otherwise. `%nn` selects an LMK by its id. Over UDP a datagram is
one frame, length included.

Mutual TLS (1.2 or later) takes whoever shows a certificate of the network's authority and refuses everybody else in
the handshake. `payswitch pki init` makes the certificates, as `up` and `hsm` do at their first start; the HSM's own is
`pki/hsm.crt`. A client shows, for instance, `pki/switch.crt`. SIGHUP reads renewed ones.

At most `connections` links are open at once, whichever door they came by; the next one is closed, and the log says
why. Requests may be pipelined; answers come in the order of the requests, each in one piece. A frame shorter than
header and command closes its link (a datagram is dropped). Told to stop (SIGTERM), it takes no more connections,
finishes what is in hand for at most `drain_s`, and ends. No core dump is ever written.

Several HSMs are several processes, each with a folder of its own (`hsm.toml` with another `port`) and the same LMKs.
`hsms = ["hsm", "10.0.0.7:1500"]` in `network.toml` names them: the switch asks them in turn; a bank whose `hsm` is
among them asks that one first and the others in its place. One that is lost is not missed.

## Settings

What is unverified against a device is a setting. As delivered:
"""

TOOLS = """\
## A console, and frames in words

```sh
payswitch hsm-console                # a prompt; `?` lists the commands, `? CC` tells what CC is made of
payswitch hsm-console NC
payswitch hsm-console --hsm 10.0.0.7:1500 --header 8 NC
payswitch hsm-console --tls --state var --as switch NC
payswitch hsm-console --udp CW cvk=U21A646BD114E23B25B09D2BA887B822C pan=4111111111111111 expiry=2512 service_code=101
payswitch hsm-explain 0001NC
```

At the prompt, `CC` asks for each field it needs; `= NC%01` sends the characters as they stand. Both ways are told
field by field. Keys, PINs, cards and data are masked; `--clear` shows them, for those of a test. The exit code is 0
where the HSM answered 00.

## Faults on purpose

```sh
payswitch hsm-fault set CC error --code 39 --rate 0.1    # every tenth translation is answered 39
payswitch hsm-fault set CC delay --ms 500
payswitch hsm-fault set "*" drop --count 3               # the next three requests, whatever they are
payswitch hsm-fault show
payswitch hsm-fault clear CC                             # or `clear`: all of them
payswitch hsm-fault tamper                               # the box was opened: no LMK, NC answers 13, JK and J8 tell
payswitch hsm-fault restore                              # no fault, not tampered with, no suspicion of fraud
payswitch hsm-fault authorise 00 --off                   # BA, NG and the export of a ZMK answer 17
payswitch hsm-fault figures                              # what was answered since the start
```

The same goes over the control port (`hsm_control`, 127.0.0.1 only), a JSON line there and one back:
`{"do": "set", "command": "CC", "fault": "error", "code": "39", "rate": 0.1}`. Each stroke of a fault is a line
`fault on purpose` in the log (one a second at most; the rest are counted).

"""

KEYS = """\
## Keys and LMKs

Three published LMKs are loaded: 00 (variant), 01 (3DES key block), 02 (AES-256 key block); `%nn` behind a command, or
in front of `#`, `&` and `!`, chooses one. Keys travel as `Z` or 16H, `U`, `T`, `X` or 32H, `Y`, Thales blocks `S`
(version 0 under 3DES, 1 under AES) and, under a ZMK, TR-31 blocks `R` (A to D; B and D are written unless `!` says
otherwise). Under a key-block LMK the key type is `FFF`, the scheme `S`, and a new key's header stands behind `#`:
usage 2, algorithm and size 2 (`D1 T2 T3 A1 A2 A3`), mode 1, version 2, exportability 1, optional blocks 2 and they.
`A6`, `B0` and `BW` take it without the algorithm too. `&` narrows what an exported block says: the same form, or the
exportability alone. Wider than it was is A6 (usage), A8 (mode) or AA.

A key block is read in this order: form (B2, 80), version (A1), LMK id (A3), MAC (A4), length inside (A5), repeated
optional block (BC), usage (A6), algorithm (A7), mode (A8), version (A9: a component), status and dates (AD, AE,
AF), length for this command (27).

LMKs of your own come from a ceremony. Each custodian makes a component and writes it down; together they form it:

```sh
payswitch hsm-ceremony component aes-block
payswitch hsm-ceremony form aes-block --id 10 --components 3 --state var
payswitch hsm-ceremony list --state var
payswitch hsm --state var --lmk-passphrase FILE    # without it they stay closed, and a line in the log says so
```

They lie in `hsm/lmks.json` of the state folder (mode 0600), AES-256-GCM under a key that scrypt makes from the
passphrase. `own_lmks` names those without which the HSM does not start; `default_lmk` may be one of them.

"""

ENDING = """\
## Health

`NC` tells the LMK's check value; `NO`, `NI`, `J2`, `J4`, `J8` and `JK` are fed by the server's own counters. Dates
and times are UTC. `J2` puts every second into a tenth of load by the share of it that was spent on requests. `J4`
counts answers, whatever their code. `J8` counts wrong PINs of the last minute and hour, starts after the first, and
tampers; starts and tampers are remembered in the state folder. `NI` lists open TCP and TLS links; ports are hex, and
its nine counters are frames sent and received, twice nothing, requests swallowed by a fault, connections refused,
nothing, broken frames, unknown commands.

With `pin_failures_a_minute`, `pin_failures_an_hour` or `pin_attack` above 0, more wrong PINs than that make every PIN
check answer 39, and `JK` says so, until `payswitch hsm-fault restore`.

## The log

JSON lines on standard error: starts, refusals, defects by their place in the code, faults on purpose, and counts once
a minute. `audit = "keys"` adds a line for each command that makes, moves or tells a key (command, LMK id, first six
digits of the key check value, result); `"all"` one for every command, which costs more than the command. Never a key,
a PIN, a PAN or a field.

## What is not confirmed

All of this was held against published vectors, other libraries and the few answers of a real device that are public;
against a device of our own, never. Where one may differ there is a setting, or the choice is named here; `hsm-pins.md`
and `hsm-crypt.md` have those of their commands. Which of two faults of one request is told first is a choice, too.

| point | what we do |
|---|---|
| check value in NC | `check_value` of each `[[lmk]]`; no published rule computes it |
| delimiter in J2 | `j2_delimiter`, `;` |
| ports in NI | four hex digits; sent-discards count swallowed requests |
| J8 failures | those of the last minute and hour, not how often a limit was passed |
| JK | console and manager state are always 0; authorised is the LMK's authorised state, activities are 00 |
| a tampered box | commands that need an LMK answer 13 |
| LG | three digits, milliseconds |
| "base port + 1 + n" | `port_selects_lmk`; TCP only |
| NK | answered by: number of commands 2N, then length 4N and answer of each; a chain, EI, FY, PE and TA in it are 68 |
| RY | the layout is a device's, the algorithm ours: American Express publishes none, so real cards fail |
| PA, PE, TA, B8, QE, IG | not built: 68; there is no printer, no TR-34 and no ECDH |
| optional blocks of a key block | kept, covered by the MAC, handed on; BC for one that comes twice, B2 for one cut |
| status and dates of a key | blocks 00 (L, T; others AD), 03, 04 (first, last hour, `YYYY:MM:DD:HH` UTC; AE, AF) |
| HMAC keys in A6, A8, BU | in key blocks only; their check value is the HMAC of nothing (SHA-256 for M7) |
| RSA keys in A6, A8, BU | not taken: they stay under the LMK that they were made under |
| TDES PIN keys of an AES BDK | `tdes_pins_of_aes_bdks`; double length, algorithm 0000; by the rule, no vector |
| DUKPT keys of answers | `dukpt_response_macs`, for MACs that GW makes; everything else is of requests |
| "old" LMKs (BW) | `old_set`; for 00 its own pairs with byte 7 XOR 03, for 01 and 02 the variant test set |
| Atalla variant | 8 times its number XORed into the first byte of each part of the ZMK |
| header of a key that comes without one | the first usage the command stands for, mode N, not exportable |
| pairs of an own variant LMK | HKDF-SHA-256 of the 32 bytes formed |
| A0 modes A and B | after the scheme: `0`, BDK type 1 to 5 (5: AES only), BDK, KSN (15, 16, 20 or 24 digits) |
| optional blocks | padded to whole cipher blocks with PB |
| EBCDIC, STX/ETX and asynchronous framings | not built |
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            BEGINNING,
            *_settings(),
            *_commands(),
            *_key_types(),
            *_errors(),
            KEYS + TOOLS + "\n".join(_faults()),
            "",
            ENDING,
        ]
    )


def _settings() -> Iterator[str]:
    yield "```toml"
    yield source(None, "hsm.toml").read_text(encoding="utf-8").rstrip()
    yield "```"
    yield ""


def _commands() -> Iterator[str]:
    yield "## Commands"
    yield ""
    yield "Fields in wire order; those in brackets are not in every request or answer. Any other code is answered 68."
    yield ""
    yield "| command | what | asked | answered | |"
    yield "|---|---|---|---|---|"
    for code, command in sorted(COMMANDS.items()):
        layout = command.layout
        asked, answered = ", ".join(layout.request_names), ", ".join(layout.answer_names)
        yield f"| `{code}` | {layout.title} | {asked} | {answered} | {', '.join(_remarks(command))} |"
    yield ""


def _remarks(command: Command) -> Iterator[str]:
    if command.needs_authorised:
        yield "needs the authorised state"
    if command.slow:
        yield "in a thread"
    if command.tells is not None:
        yield "needs no LMK"


def _key_types() -> Iterator[str]:
    yield "## Key types"
    yield ""
    yield "| type | variant LMK | the same in a key block |"
    yield "|---|---|---|"
    for row in (*KEY_TYPES.values(), *SECRET_TYPES.values()):
        yield f"| {row.code} | {row.title} | {', '.join(row.usages)} |"
    yield ""


def _errors() -> Iterator[str]:
    yield "## Error codes"
    yield ""
    yield "01 alone means that the check said no. Some commands give single codes a meaning of their own."
    yield ""
    yield "| code | meaning |"
    yield "|---|---|"
    for code, title in sorted(codes.TITLES.items()):
        yield f"| {code} | {title} |"
    yield ""


def _faults() -> Iterator[str]:
    yield "| fault | what happens |"
    yield "|---|---|"
    for kind in Kind:
        yield f"| {kind} | {FAULTS[kind]} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
