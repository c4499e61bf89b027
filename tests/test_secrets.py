"""Secrets do not travel: a real network is fed values found nowhere else, and everything it wrote is searched for them.

Approvals, declines, reversals, broken messages, PINs at the cash machine, a kill in the middle,
and every command a person may type; then every file under the state folder and everything that
was printed, in each of the forms of `tests.canaries`. The search is itself tested: a value
planted in each form is found.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from acquirers.pin_pad import PinPad, clear_block
from protocols.dialects import dialect_named
from protocols.pan import Pan, check_digit
from switch.cli import main
from switch.console.token import address
from switch.shell.browser import forms
from tests.canaries import Canary, found_in
from tests.conftest import impatient_with_the_sandbox
from tests.hsm_sim.known import K1, K2
from tests.network import ASK_WITHIN_S, SWITCH, RunningNetwork, Till, running_network
from tests.peers.client import Client, Fields, reversal_of

ASCII = dialect_named("iso87_ascii")


def numbered(digits: str) -> str:
    """A card number with its check digit."""
    return digits + check_digit(digits)


INTERNET = numbered("941410538172964")
DEBIT = numbered("941430862057394")
CREDIT = numbered("941420719465038")
NOT_ISSUED = numbered("978410264839517")
VISA = numbered("473915286304817")
LONG = numbered("621749305826174093")  # nineteen digits
BROKEN = "4739152863048179"  # fails its check digit
CARDS = {"INTERNET": INTERNET, "DEBIT": DEBIT, "CREDIT": CREDIT, "NOT_ISSUED": NOT_ISSUED, "VISA": VISA}
CARDS |= {"LONG": LONG, "BROKEN": BROKEN}

RIGHT_PIN, WRONG_PIN = "739184620517", "602914857362"
CODE = "7K4Q9ZV2"  # longer than the three digits of a real one, so that it cannot be found by chance
TRACK_2 = f"{VISA}=29121015837261940"
TRACK_2_D = f"{LONG}D29121019462738"
TRACK_1 = f"B{VISA}^PRIVACY/CANARY^29121017364829105"
TRACK_3 = f"01{VISA}=978097350612849375"
PIN_BLOCK = "3F7AC1905E2D84B6"
CHIP_TRACK = f"{VISA}D29121019250637418"
CHIP = f"5A08{VISA}57{len(CHIP_TRACK) // 2:02X}{CHIP_TRACK}9F26084C19E7A3B05F2D86"
FREE_TEXT = "private canary 8Q3ZK1"
SHOPS_KEY, PASSWORD, WRONG_PASSWORD = "sk_test_uaemall_nobodys_key", "watani-1001", "canary-password-5TX2"


def canaries() -> list[Canary]:
    secret = {
        "right PIN": RIGHT_PIN,
        "wrong PIN": WRONG_PIN,
        "card verification code": CODE,
        "track 2": TRACK_2,
        "track 2, discretionary": TRACK_2.partition("=")[2],
        "track 2 with D, discretionary": TRACK_2_D.partition("D")[2],
        "track 1, discretionary": TRACK_1.rpartition("^")[2],
        "track 1, name": "PRIVACY/CANARY",
        "track 3, discretionary": TRACK_3.partition("=")[2],
        "reserved element": FREE_TEXT,
        "shop's key": SHOPS_KEY,
        "holder's password": PASSWORD,
        "wrong password": WRONG_PASSWORD,
    }
    binary = {
        "PIN block as sent": PIN_BLOCK,
        "track in the chip": CHIP_TRACK,
        "terminal key": K1.hex().upper(),
        "zone key": K2.hex().upper(),
        "LMK pair 00": "01010101010101017902CD1FD36EF8BA",
        "LMK pair 16": "1C587F1C13924FEF0101010101010101",
    }
    for pin in (RIGHT_PIN, WRONG_PIN):
        binary[f"clear block of {pin[:2]}"] = clear_block(pin, Pan(DEBIT)).hex().upper()
        for name, key in (("terminal", K1), ("zone", K2)):
            binary[f"block of {pin[:2]} under the {name} key"] = PinPad(key.hex()).pin_block(pin, Pan(DEBIT))
    return [
        *(Canary(name, value) for name, value in secret.items()),
        *(Canary(name, value, is_binary=True) for name, value in binary.items()),
    ]


CARD_NUMBERS = [
    *(Canary(f"card number {name}", number) for name, number in CARDS.items()),
    *(Canary(f"account number of {name}", number[-13:-1]) for name, number in CARDS.items()),
]
SECRETS = canaries()


# --- the network, and what is fed to it


@dataclass
class Story:
    """What was done to a network, and what it said to anybody."""

    network: RunningNetwork
    printed: dict[str, str] = field(default_factory=dict)
    answers: list[bytes] = field(default_factory=list)

    def command(self, *arguments: str) -> None:
        """A command as it is typed; in our process, because starting an interpreter for each takes longest."""
        here = [] if arguments[0] == "inspect" else self.network.place.command("switch")[3:]
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            main([*arguments, *here])
        self.printed[" ".join(arguments)] = said.getvalue()

    def client(self) -> Client:
        return Client(self.network.host, self.network.ports["lab"])

    def says(self, frame: bytes, *, is_answered: bool = True) -> None:
        """One frame on a connection of its own; what comes back is kept for the search."""
        with self.client() as stranger:
            stranger.send(frame)
            if is_answered:
                length = int.from_bytes(stranger._exactly(2), "big")
                self.answers.append(stranger._exactly(length))


def with_canary_cards(directory: Path) -> None:
    """Cards of our own at the Kuwaiti bank."""
    impatient_with_the_sandbox(directory)
    bank = directory / "banks" / "nbk.toml"
    cards = [
        ("internet-shopping", "nbk-1001", INTERNET, 'limit = "100.000"'),
        ("debit", "nbk-3001", DEBIT, f'pin = "{RIGHT_PIN}"'),
        ("classic-credit", "nbk-2001", CREDIT, ""),
    ]
    text = "".join(
        f'\n[[cards]]\npan = "{pan}"\nproduct = "{product}"\naccount = "{account}"\n{more}\nnote = "canary"\n'
        for product, account, pan, more in cards
    )
    bank.write_text(bank.read_text() + text)


def laden(client: Client, pan: str = VISA, amount: int = 5000, **more: str | None) -> Fields:
    """A purchase with a secret in every place that may hold one."""
    secrets = {34: VISA, 35: TRACK_2, 36: TRACK_3, 45: TRACK_1, 46: FREE_TEXT, 47: FREE_TEXT, 52: PIN_BLOCK}
    secrets |= {48: f"42020592{len(CODE):02d}{CODE}", 55: CHIP, 60: FREE_TEXT, 62: FREE_TEXT, 102: VISA, 103: LONG}
    return {**client.purchase(pan, amount, "784", de22="051", de25="00"), **secrets, 120: FREE_TEXT} | {
        int(name[2:]): value for name, value in more.items() if value is not None
    }


def stranger_pays(story: Story) -> None:
    """Approvals, declines, silence, repeats and reversals, on a stranger's connection."""
    with story.client() as client:
        for amount in (5000, 1051, 1005, 3000):
            fields = laden(client, amount=amount)
            for mti in ("0100", "0101", "0200"):
                story.says(ASCII.encode(mti, fields))
            for mti in ("0400", "0401", "0420", "0421"):
                story.says(ASCII.encode(mti, {**fields, **reversal_of(client, "0100", fields)}))
        for pan in (INTERNET, CREDIT, NOT_ISSUED, BROKEN, LONG):
            coded = f"42020592{len(CODE):02d}{CODE}"
            story.says(ASCII.encode("0100", client.purchase(pan, 1000, "414", de48=coded)))
        for mti in ("0120", "0220", "0500", "0520", "0600"):
            story.says(ASCII.encode(mti, laden(client)))
        for mti in ("0110", "0410", "0620", "0820"):
            story.says(ASCII.encode(mti, laden(client)), is_answered=False)
        story.says(ASCII.encode("9999", laden(client)))
        story.says(ASCII.encode("0800", {**client.echo(), 2: VISA, 48: FREE_TEXT, 53: VISA[:16]}))


def broken_frames(client: Client) -> Iterator[bytes]:
    """Messages that do not read, with the secrets in the part that does not."""
    frame = ASCII.encode("0100", laden(client))
    yield from (frame[:at] for at in range(2, len(frame), 61))
    yield frame + VISA.encode()
    for good, bad in (
        (f"16{VISA}", f"16{VISA[:-1]}X"),
        (f"16{VISA}", f"20{VISA}1234"),
        (TRACK_2, TRACK_2.replace("=", "0")),
        (PIN_BLOCK, f"{PIN_BLOCK[:-1]}G"),
        (f"92{len(CODE):02d}{CODE}", f"9299{CODE}"),
        (CHIP, f"{CHIP[:-1]}Z"),
        (TRACK_1, TRACK_1.replace("^", "\x1b")),
    ):
        yield frame.replace(good.encode(), bad.encode())
    yield VISA.encode() * 3


def stranger_stammers(story: Story) -> None:
    """Each broken message on a connection of its own, then what is no message at all."""
    with story.client() as client:
        for frame in broken_frames(client):
            story.says(frame)
    opening = f"GET /pay?pan={VISA}&code={CODE} HTTP/1.1\r\n\r\n".encode()
    for data in (opening, b"\xff\xff" + VISA.encode() * 9, b"\x00\x40" + TRACK_2.encode(), b"\x16\x03\x01" + opening):
        with story.client() as client, suppress(ConnectionError):
            client.socket.sendall(data)
            client.socket.shutdown(1)
            client.socket.recv(1)


def tills_sell(story: Story) -> None:
    """Our own gateways: a shop on the internet, a cash machine; and lines that make no sense."""
    money = {"amount": "5.000", "currency": "KWD", "expiry": "2912"}
    with story.network.till("comtrust") as shop:
        buyers_pay(story)
        sale = shop.ask("purchase", pan=CREDIT, amount="9.00", currency="AED", expiry="2912", cvv2="7319")
        told = [sale, shop.ask("reverse", of=sale["id"]), shop.ask("repeat", of=sale["id"])]
        told += [typed(shop, line) for line in nonsense()]
    with story.network.till("nbk") as machine:
        for pin in (RIGHT_PIN, WRONG_PIN, RIGHT_PIN):
            told.append(machine.ask("cash", channel="atm", pan=DEBIT, pin=pin, **money))
        told.append(machine.ask("balance", channel="atm", pan=DEBIT, pin=RIGHT_PIN, expiry="2912"))
    assert [one["response_code"] for one in told[-4:]] == ["00", "55", "00", "00"]
    story.printed["the tills"] = json.dumps(told)


def buyers_pay(story: Story) -> None:
    """Payments at the hosted page: cards typed well and badly, one of them by way of its holder's bank."""
    network, keys = story.network, (f"canary-{number:04d}" for number in range(100))
    authority = ssl.create_default_context(cafile=network.place.state / "pki" / "authority.crt")
    shop = {"Authorization": f"Bearer {SHOPS_KEY}"}
    base = f"https://{network.host}:{network.ports['store_api']}"
    with httpx2.Client(base_url=base, verify=authority, follow_redirects=True, timeout=ASK_WITHIN_S) as browser:

        def ask(path: str, **body: object) -> httpx2.Response:
            told = browser.post(path, json=body, headers={**shop, "Idempotency-Key": next(keys)})
            story.printed[f"the API, {next(keys)}"] = told.text
            return told

        def type_card(page: str, **card: str) -> str:
            told = browser.post(page, data={"expiry": "12/29", "code": "731", "do": "pay", **card})
            story.printed[f"the page, {next(keys)}"] = told.text
            return told.text

        for pan, amount in ((VISA, "50.00"), (LONG, "50.00"), (CREDIT, "900.00")):
            payment = ask("/v1/payments", amount=amount, currency="AED", store_card=True).json()
            for card in ({"number": f"{pan[:-1]}X"}, {"number": pan, "code": CODE}, {"number": BROKEN}):
                assert "<form" in type_card(payment["page_url"], **card)
            page = type_card(payment["page_url"], number=" ".join((pan[:4], pan[4:8], pan[8:])), store="1")
            for action, fields in forms(page).items():
                if action.startswith("/acs/challenge/"):  # its bank asks who is there
                    there = f"http://{network.host}:{network.ports['banking']}{action}"
                    story.printed["the bank's question"] = browser.post(there, data={**fields, "code": "000000"}).text
            path = f"/v1/payments/{payment['id']}"
            ask(f"{path}/finalize")
            story.printed[f"a payment, {path}"] = browser.get(path, headers=shop).text
        ask("/v1/payments", amount="50.00", currency="AED", pan=VISA, cvv=CODE)  # there is no such field
        story.printed["without a key"] = browser.get("/v1/payments/x", headers={"Authorization": f"Bearer {VISA}"}).text
    assert "the bank's question" in story.printed
    assert any(VISA[-4:] in text for what, text in story.printed.items() if what.startswith("a payment"))
    assert any('"status": "captured"' in text or '"status":"captured"' in text for text in story.printed.values())


def holder_looks(story: Story) -> None:
    """Online banking: a wrong password, the right one, and every page that shows cards or payments."""
    base = f"http://{story.network.host}:{story.network.ports['banking']}"
    with httpx2.Client(base_url=base, follow_redirects=True, timeout=ASK_WITHIN_S) as browser:

        def page(path: str) -> str:
            story.printed[f"online banking {path}"] = text = browser.get(path).text
            return text

        for password in (WRONG_PASSWORD, PASSWORD):
            form = forms(page("/sign-in"))["/sign-in"]
            told = browser.post("/sign-in", data={**form, "user": "fatma", "password": password})
            story.printed[f"signing in with {len(password)} letters"] = told.text
        home = page("/")
        cards = sorted(set(re.findall(r'href="(/cards/[^"/]+)"', home)))
        assert len(cards) >= 3, "the canaries among them"
        for path in ("/statement", "/activity", "/transfers", "/inbox", *cards):
            page(path)


def console_tells(story: Story) -> None:
    """The switch's own pages: its figures, every page, and the story of every payment that its list shows."""
    host, port = "127.0.0.1", story.network.ports["console"]
    opened = address(story.network.place.state, host, port)
    assert opened is not None
    with httpx2.Client(base_url=f"http://{host}:{port}", follow_redirects=True, timeout=ASK_WITHIN_S) as browser:

        def page(path: str) -> str:
            story.printed[f"console {path}"] = text = browser.get(path).raise_for_status().text
            return text

        browser.get(opened)
        for path in ("/", "/metrics", "/owed", "/stand-in", "/participants", "/products", "/journal"):
            page(path)
        told = sorted(set(re.findall(r'href="(/transactions/[^"]+)"', page("/transactions"))))
        assert len(told) >= 10
        for path in told:
            page(path)


def nonsense() -> Iterator[str]:
    line = {"id": 900, "do": "purchase", "pan": VISA, "amount": "1.00", "currency": "AED", "pin": RIGHT_PIN}
    yield json.dumps(line)[:-1]
    yield json.dumps({**line, "track": TRACK_2})
    yield json.dumps({**line, "pan": f"{VISA[:-1]}X"})
    yield json.dumps({**line, "cvv2": CODE})
    yield json.dumps({**line, "pin": f"{RIGHT_PIN}X"})
    yield json.dumps({**line, "amount": VISA})


def typed(till: Till, text: str) -> dict[str, object]:
    assert till.process.popen.stdin is not None
    till.process.popen.stdin.write(text + "\n")
    till.process.popen.stdin.flush()
    return till.next()


def person_asks(story: Story) -> None:
    """Every command that takes or shows messages; and an issuer's own books."""
    for command in typed_commands(story):
        story.command(*command)
    story.printed["issuers books"] = json.dumps(story.network.books_of("nbk"))


def typed_commands(story: Story) -> Iterator[tuple[str, ...]]:
    with story.client() as client:
        fields = laden(client)
    frame = ASCII.encode("0100", fields)
    yield "audit", "--wait", "0"
    yield "journal", "verify"
    yield "journal", "export"
    for more in ((), ("--json",)):
        yield (
            "send",
            "--mti",
            "0100",
            *(part for n, value in fields.items() for part in ("--set", f"{n}={value}")),
            *more,
        )
        yield "inspect", frame.hex(), *more
        yield "books", *more
    yield "inspect", frame.decode()
    for broken in (frame[:200], frame + VISA.encode(), frame.replace(VISA.encode(), VISA[:-1].encode() + b"X")):
        yield "inspect", broken.hex(), "--json"
    yield "inspect", VISA
    yield "inspect", TRACK_1
    for bad in (f"2={VISA}1234", f"2={VISA[:-1]}X", f"35={TRACK_2}=", f"52={PIN_BLOCK}0", f"no_such={VISA}", TRACK_2):
        yield "send", "--mti", "0100", "--set", bad


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """The whole story, told once; the network still runs."""
    with running_network(edit=with_canary_cards) as network:
        told = Story(network)
        stranger_pays(told)
        stranger_stammers(told)
        tills_sell(told)
        holder_looks(told)
        console_tells(told)
        with told.client() as client:  # one request is out when the switch is killed
            fields = laden(client, amount=3000)
            client.send(ASCII.encode("0100", fields))
            network.until(lambda: has_booked(network, fields[37]), ASK_WITHIN_S, "the request to be on its way")
            network.kill(SWITCH)
        network.start(SWITCH)
        person_asks(told)
        yield told


def has_booked(network: RunningNetwork, rrn: str) -> bool:
    return any(entry["rrn"] == rrn for entry in network.books())


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def hits_in(folder: Path) -> list[object]:
    """Everything that must not lie in a state folder; no key file's content may lie in another file either."""
    files = files_under(folder)
    keys = [Canary(name, data.hex().upper(), is_binary=True) for name, data in files.items() if name.endswith(".key")]
    found: list[object] = []
    for name, data in files.items():
        others = [key for key in keys if key.name != name]
        found += found_in(data, [*SECRETS, *CARD_NUMBERS, *others], name)
    return found


def test_no_file_holds_a_secret(story: Story) -> None:
    assert len(files_under(story.network.place.state)) > 15
    assert hits_in(story.network.place.state) == []


def test_nothing_that_was_printed_holds_a_secret(story: Story) -> None:
    assert len(story.printed) > 20 and all(story.printed.values())
    for command, text in story.printed.items():
        assert found_in(text.encode(), [*SECRETS, *CARD_NUMBERS], command.split()[0]) == []
    for party, process in story.network.processes.items():
        while not process.lines.empty():
            assert found_in(process.lines.get().encode(), [*SECRETS, *CARD_NUMBERS], str(party)) == []


def test_no_answer_gives_back_more_than_the_card_number(story: Story) -> None:
    assert len(story.answers) > 50
    for answer in story.answers:
        assert found_in(answer, SECRETS, answer[:4].decode("latin-1")) == []


def test_the_books_were_written_with_something_in_them(story: Story) -> None:
    """So that finding nothing means something: the payments are there, and their cards masked."""
    states = {entry["state"] for entry in story.network.books()}
    assert {"approved", "declined", "reversed"} <= states
    assert any("[secret]" in text and f"{VISA[:6]}******{VISA[-4:]}" in text for text in story.printed.values())


def test_nothing_is_left_behind_by_parties_that_stopped(story: Story) -> None:
    """Last in this file: the network is stopped, and its databases are tidied up as they are closed."""
    for party in reversed(list(story.network.processes)):
        assert story.network.stop(party) == 0
    assert hits_in(story.network.place.state) == []


# --- the search itself

PAN, NOISE = VISA.encode(), bytes(range(256))


def swapped(data: bytes) -> bytes:
    return bytes.fromhex("".join(byte[::-1] for byte in (f"{one:02x}" for one in data)))


PLANTED: dict[str, Callable[[str], bytes]] = {
    "clear": str.encode,
    "within other digits": lambda pan: f"12{pan}34".encode(),
    "BCD": bytes.fromhex,
    "BCD, one nibble later": lambda pan: bytes.fromhex(f"0{pan}F"),
    "nibbles swapped": lambda pan: swapped(bytes.fromhex(pan)),
    "nibbles swapped, one later": lambda pan: swapped(bytes.fromhex(f"0{pan}F")),
    "EBCDIC": lambda pan: pan.encode("cp500"),
    "hex": lambda pan: pan.encode().hex().encode(),
    "HEX": lambda pan: pan.encode("cp500").hex().upper().encode(),
    "hex of EBCDIC": lambda pan: pan.encode("cp500").hex().encode(),
    "UTF-16, little end first": lambda pan: pan.encode("utf-16-le"),
    "UTF-16, big end first": lambda pan: pan.encode("utf-16-be"),
    **{
        f"base64 after {len(before)} bytes": lambda pan, before=before: base64.b64encode(before + pan.encode() + b"!")  # type: ignore[misc]
        for before in (b"", b"?", b"??", b"???")
    },
    "base64 for addresses, of BCD": lambda pan: base64.urlsafe_b64encode(b"\xff" + bytes.fromhex(pan)),
    "base64 of EBCDIC": lambda pan: base64.b64encode(b"??" + pan.encode("cp500") + b"?"),
    "zlib": lambda pan: zlib.compress(b"much ado " * 9 + pan.encode()),
    "gzip": lambda pan: gzip.compress(b"much ado " * 9 + pan.encode()),
}


@pytest.mark.parametrize("how", PLANTED)
def test_a_number_planted_in_any_form_is_found(how: str, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "switch.log").write_bytes(NOISE + PLANTED[how](VISA) + NOISE)
    assert "card number VISA" in {hit.canary for hit in hits_in(tmp_path)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("canary", [*SECRETS, *CARD_NUMBERS], ids=lambda canary: canary.name)
def test_every_canary_can_be_found(canary: Canary) -> None:
    data = bytes.fromhex(canary.value) if canary.is_binary else canary.value.encode()
    for spelled in (data, data.hex().encode(), data.hex().upper().encode(), base64.b64encode(b"1" + data + b"2")):
        assert canary.name in {hit.canary for hit in found_in(NOISE + spelled + NOISE, SECRETS + CARD_NUMBERS)}


def test_a_key_that_lies_in_another_file_is_found(tmp_path: Path) -> None:
    key = bytes(range(7, 39))
    (tmp_path / "data.key").write_bytes(key)
    assert hits_in(tmp_path) == []
    (tmp_path / "journal.db").write_bytes(NOISE[200:] + key[:32])
    assert len(hits_in(tmp_path)) == 1


def test_a_search_that_finds_says_where_and_not_what() -> None:
    (hit,) = found_in(b"...." + PAN, [Canary("the card", VISA)], "switch.log")
    assert "switch.log" in repr(hit)
    assert found_in(repr(hit).encode(), CARD_NUMBERS) == []
