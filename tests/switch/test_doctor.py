"""`payswitch doctor`: what a host or a client speaks is found out on real sockets, and why an answer is not taken."""

from __future__ import annotations

import doctest
import json
import re
import shlex
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocols import codes, framings
from protocols import elements as de
from protocols.dialect_file import load_dialect
from protocols.dialects import dialect_named
from protocols.errors import FormatError, RemoteProtocolError
from protocols.message import Message
from protocols.mti import has_answer
from protocols.participant import Participant, gather
from switch.cli import main
from switch.commands.doctor import ASKING_S, tell
from switch.diagnosis import (
    Fit,
    Way,
    agreement,
    all_ways,
    candidates,
    dialect_names,
    fitting,
    guesses,
    is_taken,
    keys_side_by_side,
    why_not_taken,
)
from switch.examination import RETRIES_MAX, Examination, Finding, Outcome, Visit, question_in
from switch.inspection import Given
from switch.shell.consultation import consult, other_questions
from tests.network import RunningNetwork

QUICK_S = 2.0  # in all, where nothing is to be found
TODAY = date(2026, 11, 23)
PAN = "9414100000000017"
ECHO = {de.TRANSMITTED_AT: "1123205144", de.STAN: "000123"}
PURCHASE = {
    de.PAN: PAN,
    de.PROCESSING_CODE: "000000",
    de.AMOUNT: "000000012000",
    de.TRANSMITTED_AT: "1123205144",
    de.STAN: "000123",
    de.TERMINAL_ID: "UAEM0001",
    de.CARD_ACCEPTOR_ID: "UAEMALL00000001",
    de.CURRENCY: "784",
    de.PIN_BLOCK: "0123456789ABCDEF",
}
SECRETS = (PAN, PAN.encode().hex(), "0123456789ABCDEF", "0123456789abcdef")

WAYS = all_ways()
ASCII = dialect_named("iso87_ascii")
EVERY_WAY = pytest.mark.parametrize("way", WAYS, ids=str)
A_WAY_A_FRAMING = pytest.mark.parametrize(
    "way",
    [Way(name, dialect_names()[at % len(dialect_names())]) for at, name in enumerate(framings.names())],
    ids=str,
)


def echo_in(way: Way, code: str = codes.ECHO, **changes: str) -> bytes:
    """The frame of an echo."""
    values = {**ECHO, **{getattr(de, name.upper()): value for name, value in changes.items()}}
    frame = question_in(way, values, code, values[de.STAN], TODAY)
    assert frame is not None
    return frame


def said_in(way: Way, frame: bytes) -> bytes:
    return way.framed().pack(frame)


# ---- Bytes in, ways out ----


@EVERY_WAY
def test_a_client_is_recognised_by_the_first_frame_it_sends(way: Way) -> None:
    found = fitting(candidates(said_in(way, echo_in(way))))
    assert way in [one.way for one in found]
    assert all(one.messages[0].stan == "000123" for one in found)


@EVERY_WAY
def test_a_purchase_tells_more_than_an_echo(way: Way) -> None:
    found = fitting(candidates(said_in(way, way.spoken().encode("0100", PURCHASE))))
    assert found[0].way == way


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WAYS), st.data())
def test_a_frame_that_is_not_whole_waits_and_is_nothing_yet(way: Way, data: st.DataObject) -> None:
    whole = said_in(way, echo_in(way))
    begun = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert not any(one.fit is Fit.READS for one in candidates(begun))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_never_more_than_nothing(data: bytes) -> None:
    for one in candidates(data):
        assert one.reasons
        assert one.fit is not Fit.READS or one.messages


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(WAYS), st.data())
def test_no_reason_repeats_what_was_sent(way: Way, data: st.DataObject) -> None:
    whole = said_in(way, way.spoken().encode("0100", PURCHASE))
    spoiled = whole[: data.draw(st.integers(0, len(whole)))] + data.draw(st.binary(max_size=8))
    told = " ".join(reason for one in candidates(spoiled) for reason in one.reasons)
    assert not any(secret in told for secret in SECRETS)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(WAYS), st.lists(st.integers(1, 40), max_size=4))
def test_a_client_is_recognised_however_its_bytes_are_cut(way: Way, cuts: list[int]) -> None:
    stream = said_in(way, echo_in(way))
    visit, said, at = Visit(TODAY), [], 0
    for cut in (*cuts, len(stream)):
        said += visit.heard(stream[at : at + cut])
        at += cut
    assert way in [one.way for one in visit.readings]
    assert len(said) == 1


def test_a_header_of_any_length_is_found_behind_the_length() -> None:
    way = Way("header(7)", "iso87_ascii")
    found = candidates(said_in(way, echo_in(way)))
    assert (found[0].way, found[0].fit) == (way, Fit.READS)


def test_a_length_of_zero_before_the_first_message_is_a_sign_of_life() -> None:
    plain = Way("len2", "iso87_ascii")
    found = candidates(bytes(2) * 3 + said_in(plain, echo_in(plain)))
    assert found[0].way == Way("len2", "iso87_ascii", keep_alive=True)
    assert "signs of life" in " ".join(found[0].reasons)


def test_hex_with_and_without_its_header_is_guessed() -> None:
    way = Way("len4", "iso87_ascii_binmap")
    frame = echo_in(way)
    form, best = guesses([Given("hex", said_in(way, frame))])[0]
    assert (form, best.way) == ("hex", way)
    assert guesses([Given("hex", frame)])[0][1].way == Way("none", "iso87_ascii_binmap")


def test_what_differs_is_told_part_by_part() -> None:
    way = Way("len2", "iso87_ascii")
    asked = way.spoken().decode(echo_in(way, terminal_id="TERM0001"))
    answer = way.spoken().decode(asked.answered({de.STAN: "999999", de.TERMINAL_ID: None, de.TRANSMITTED_AT: None}))
    key = keys_side_by_side(asked, answer)
    assert [(part.name, part.asked, part.answered, part.is_decisive) for part in key] == [
        ("MTI", "0810", "0810", True),
        ("DE 7", "1123205144", "–", False),
        ("DE 11", "000123", "999999", True),
        ("DE 41", "TERM0001", "–", False),
        ("DE 70", "301", "301", False),
    ]
    assert not is_taken(key)
    assert why_not_taken(key) == "DE 11 of the answer is not what was asked"


@EVERY_WAY
def test_what_is_printed_is_an_agreement(way: Way, tmp_path: Path) -> None:
    file = tmp_path / "newcomer.toml"
    file.write_text(agreement(way, {"dial": "127.0.0.1:8601"}, "a test"), encoding="utf-8")
    read = gather([file])["newcomer"]
    assert (read.framing, read.dialect, read.dial) == (way.framing, way.dialect, "127.0.0.1:8601")


@pytest.mark.parametrize("module", ["switch.diagnosis", "switch.commands.doctor"])
def test_every_doctest_holds(module: str) -> None:
    assert doctest.testmod(import_module(module)).failed == 0


# ---- Hosts ----

Answer = Callable[[Message], bytes | None]


def yes(message: Message) -> bytes | None:
    """A message of another edition, or an answer, has no answer."""
    return message.answered({de.RESPONSE_CODE: codes.APPROVED}) if has_answer(message.mti) else None


def forgetful(message: Message) -> bytes | None:
    """An approval of something that nobody asked."""
    said = yes(message)
    return said and ASCII.decode(said).patched({de.STAN: "999999"})


class Host:
    """Listens, and gives every connection to `serve` in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._is_over:
                connection.close()
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._attend, args=(connection,)))
            self._threads[-1].start()

    _is_over = False

    def _attend(self, connection: socket.socket) -> None:
        connection.settimeout(60)
        with connection, suppress(OSError, RemoteProtocolError):  # gone, or no frames: hang up
            self._serve(connection)

    def close(self) -> None:
        self._is_over = True
        socket.create_connection(("127.0.0.1", self.port)).close()  # so that accept returns
        for thread in self._threads:
            thread.join()
        self._listener.close()


@contextmanager
def host(serve: Callable[[socket.socket], None]) -> Iterator[Host]:
    made = Host(serve)
    try:
        yield made
    finally:
        made.close()


def bank(way: Way, connection: socket.socket, answer: Answer = yes, *, is_patient: bool = True) -> None:
    """A host of one way: what it cannot read it leaves, or hangs up on."""
    framed, spoken = way.framed(), way.spoken()
    framer = framed.framer()
    while data := connection.recv(4096):
        for frame in framer.feed(data):
            try:
                said = answer(spoken.decode(frame))
            except FormatError:
                if not is_patient:
                    return
                continue
            if said is not None:
                connection.sendall(framed.pack(said))


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def web_server(connection: socket.socket) -> None:
    """Reads a line, and does not like it."""
    if connection.makefile("rb").readline():
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def settings_in(told: str) -> Participant:
    """The agreement that was printed, read."""
    import tomllib

    start = told.index("\n# ")
    return Participant.model_validate(tomllib.loads(told[start:]))


@A_WAY_A_FRAMING
def test_a_host_of_every_framing_is_found(way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    with host(partial(bank, way)) as there:
        assert main(["doctor", there.address]) == 0
    told = capsys.readouterr().out
    assert "answers an echo" in told
    found = settings_in(told)
    assert (found.framing, found.dialect, found.dial) == (way.framing, way.dialect, there.address)


@pytest.mark.parametrize("dialect", dialect_names())
def test_a_host_of_every_dialect_is_found_even_if_it_hangs_up_on_what_it_cannot_read(
    dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with host(partial(bank, Way("len4_ascii", dialect), is_patient=False)) as there:
        assert main(["doctor", there.address, "--framing", "len4_ascii"]) == 0
    assert settings_in(capsys.readouterr().out).dialect == dialect


def test_a_dialect_of_ones_own_may_be_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "odd.toml"
    mine.write_text('base = "iso87_ascii"\ntitle = "STAN in EBCDIC"\n[11]\ndata_enc = "cp500"\n')
    load_dialect(mine)
    with host(partial(bank, Way("len2", "odd.toml"), is_patient=False)) as there:
        assert main(["doctor", there.address, "--framing", "len2", "--dialect", str(mine)]) == 0
    assert 'dialect = "odd.toml"' in capsys.readouterr().out
    mine.write_text('base = "iso87_ascii"\n[11]\nlonger = 7\n')
    assert main(["doctor", "127.0.0.1:1", "--dialect", str(mine)]) == 2
    assert "odd.toml" in capsys.readouterr().err


def test_a_host_that_knows_only_a_sign_on_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    def particular(message: Message) -> bytes | None:
        return yes(message) if message.network_management_code == codes.SIGN_ON else None

    with host(partial(bank, Way("len2", "iso87_ascii"), answer=particular)) as there:
        assert main(["doctor", there.address]) == 0
    assert "answers a sign-on" in capsys.readouterr().out


def test_a_host_that_asks_first_is_answered_and_found_by_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    way = Way("len4", "iso87_ascii_binmap")
    heard: list[Message] = []

    def first(connection: socket.socket) -> None:
        connection.sendall(said_in(way, echo_in(way, codes.SIGN_ON)))
        bank(
            way, connection, lambda message: heard.append(message) or (yes(message) if message.mti == "0800" else None)
        )

    with host(first) as there:
        assert main(["doctor", there.address]) == 0
    assert there.connections == 2
    assert settings_in(capsys.readouterr().out).framing == "len4"


def test_a_wrong_stan_is_explained_with_both_keys(capsys: pytest.CaptureFixture[str]) -> None:
    with host(partial(bank, Way("len2", "iso87_ascii"), answer=forgetful)) as there:
        assert main(["doctor", there.address, "--timeout", str(QUICK_S)]) == 1
    told = capsys.readouterr().out
    assert "framing len2, dialect iso87_ascii" in told
    assert re.search(r"DE 11 +\d{6} +999999 +✗ differs", told)
    assert "would not take this answer: DE 11 of the answer is not what was asked" in told
    assert "institution_id" not in told


def test_a_slow_host_is_asked_again_with_patience() -> None:
    examination = Examination(all_ways("len2"), ECHO, 1, TODAY)
    hasty = examination.attempt()
    assert hasty is not None
    examination.ended(hasty, "silence", hung_up=False)
    patient = examination.attempt()
    assert patient is not None
    assert (patient.questions, patient.is_patient, patient.asked) == (hasty.questions, True, 0)
    examination.ended(patient, "silence", hung_up=False)
    last = examination.attempt()
    assert last is not None
    assert last.is_other  # but not the same a third time


def test_hanging_up_on_much_leaves_time_for_the_framing_that_only_is_slow() -> None:
    examination = Examination(WAYS, ECHO, 1, TODAY)
    asked = []
    while attempt := examination.attempt():
        attempt.next_question()
        asked.append(attempt)
        examination.ended(attempt, "as it went", hung_up=attempt.framing != "hex4")
    assert [one.framing for one in asked if one.is_patient] == ["hex4"]


def test_a_host_that_says_no_is_found_and_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    def no(message: Message) -> bytes | None:
        return message.answered({de.RESPONSE_CODE: "58"})

    with host(partial(bank, Way("len2", "iso87_ascii"), answer=no)) as there:
        assert main(["doctor", there.address]) == 0
    assert "it says no: DE 39 = 58" in capsys.readouterr().out


def test_what_a_host_says_without_answering_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def reject(message: Message) -> bytes | None:
        return ASCII.encode("0620", {**ECHO, de.RESPONSE_CODE: "30", de.REASON: "format.de7"})

    with host(partial(bank, Way("len2", "iso87_ascii"), answer=reject)) as there:
        assert main(["doctor", there.address, "--timeout", str(QUICK_S)]) == 1
    told = capsys.readouterr().out
    assert "It said, in framing len2, dialect iso87_ascii:" in told
    assert "format.de7" in told


def test_for_machines_there_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    with host(partial(bank, Way("len2", "iso87_ascii"))) as there:
        assert main(["doctor", there.address, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ways"] == [{"framing": "len2", "dialect": "iso87_ascii"}]
    assert told["key"][0] == {"part": "MTI", "asked": "0810", "answered": "0810", "decisive": True}
    assert 'framing = "len2"' in told["participant"]


async def test_silence_ends_in_time_and_says_what_was_tried(
    autojump_clock: trio.testing.MockClock, capsys: pytest.CaptureFixture[str]
) -> None:
    examination = Examination(all_ways(), ECHO, 1, TODAY, other_questions())
    others: list[trio.abc.Stream] = []  # their ends: they stay open, and nobody speaks

    async def dial(host: str, port: int) -> trio.abc.Stream:
        ours, theirs = trio.testing.memory_stream_pair()
        others.append(theirs)
        return ours

    await consult(("nobody", 1), examination, ASKING_S, dial)
    assert trio.current_time() <= ASKING_S
    tell("nobody:1", examination, Finding(Outcome.NOTHING), None)
    told = capsys.readouterr().out
    for name in [*framings.names(), "a TLS hello", "an HTTP request"]:
        assert f"  {name}: silence" in told


def test_a_web_server_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    with host(web_server) as there:
        assert main(["doctor", there.address, "--timeout", str(QUICK_S)]) == 1
    assert "it speaks HTTP" in capsys.readouterr().out


def test_tls_is_called_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))

    def secured(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as inside:
            inside.recv(1)

    with host(secured) as there:
        assert main(["doctor", there.address, "--timeout", str(QUICK_S)]) == 1
    assert "it speaks TLS" in capsys.readouterr().out


def certificate(folder: Path) -> Path:
    """A certificate and its key, in one file; nobody need trust it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "payswitch")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_what_reads_as_nothing_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    def babble(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(f"card {PAN}".encode())
        silent(connection)

    with host(babble) as there:
        assert main(["doctor", there.address, "--timeout", str(QUICK_S)]) == 1
    told = capsys.readouterr().out
    assert "21 bytes, then silence" in told
    assert not any(secret in told for secret in SECRETS)


def test_nobody_there_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    assert main(["doctor", address]) == 3
    assert "Connection refused" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--framing", "semaphore"], ["--dialect", "klingon"], ["--set", "nonsense=1"]])
def test_what_cannot_be_asked_is_wrong_use(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "127.0.0.1:1", *wrong]) == 2
    assert capsys.readouterr().err.startswith("doctor: ")


def test_who_asks_may_be_said() -> None:
    heard: list[Message] = []
    with host(partial(bank, Way("len2", "iso87_ascii"), answer=lambda one: heard.append(one) or yes(one))) as there:
        assert main(["doctor", there.address, "--set", "33=784900"]) == 0
    assert heard[0].forwarder_id == "784900"


def test_a_host_that_hangs_up_is_not_asked_for_ever() -> None:
    examination = Examination(WAYS, ECHO, 1, TODAY)
    connections = 0
    while attempt := examination.attempt():
        connections += 1
        attempt.next_question()
        examination.ended(attempt, "hung up", hung_up=True)
    assert connections <= RETRIES_MAX + len(framings.names()) + 1
    assert {sight.framing for sight in examination.sights} >= set(framings.names())


def test_every_question_has_a_stan_of_its_own() -> None:
    examination = Examination(all_ways("len2"), ECHO, 999_999, TODAY)
    attempt = examination.attempt()
    assert attempt is not None
    stans = [one.asked_in(one.ways[0]).stan for one in attempt.questions if not isinstance(one, bytes)]
    assert len(set(stans)) == len(stans)
    assert stans[0] == "000001"


@EVERY_WAY
def test_of_an_answer_that_agrees_the_way_is_found(way: Way) -> None:
    examination = Examination([way], ECHO, 1, TODAY)
    attempt = examination.attempt()
    assert attempt is not None
    said = attempt.next_question()
    assert said is not None
    (frame,) = way.framed().framer().feed(said)
    examination.heard(attempt, said_in(way, yes(way.spoken().decode(frame)) or b""))
    assert examination.finding is not None
    assert (examination.finding.outcome, examination.finding.ways) == (Outcome.FOUND, (way,))


def test_the_switch_itself_is_a_host(network: RunningNetwork, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "lab", "--network", str(network.place.network)]) == 0
    assert settings_in(capsys.readouterr().out).framing == "len2"


def test_behind_tls_the_switch_is_found_with_a_certificate_and_called_tls_without(
    network: RunningNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--network", str(network.place.network), "--state", str(network.place.state)]
    assert main(["doctor", "--tls", *place]) == 0
    assert settings_in(capsys.readouterr().out).tls
    assert main(["doctor", "gateways_tls", "--timeout", str(QUICK_S), *place]) == 1
    assert "it speaks TLS" in capsys.readouterr().out


# ---- Clients ----


class Listening:
    """`doctor --listen` in a thread, so that a client can dial in."""

    def __init__(self, timeout: float = QUICK_S) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.code: int | None = None
        arguments = ["doctor", "--listen", str(self.port), "--timeout", str(timeout)]
        self._thread = threading.Thread(target=lambda: setattr(self, "code", main(arguments)))
        self._thread.start()

    def dial(self) -> socket.socket:
        for _ in range(500):
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=60)
            except ConnectionRefusedError:
                time.sleep(0.01)  # it is starting, in a thread that has no event for us
        raise AssertionError("the doctor does not listen")

    def ended(self) -> int | None:
        self._thread.join()
        return self.code


@A_WAY_A_FRAMING
def test_a_client_that_dials_in_is_answered_and_recognised(way: Way, capsys: pytest.CaptureFixture[str]) -> None:
    doctor = Listening()
    framer = way.framed().framer()
    with doctor.dial() as client:
        for code in (codes.SIGN_ON, codes.ECHO):
            client.sendall(said_in(way, echo_in(way, code, forwarder_id="784900")))
            frames: list[bytes] = []
            while not frames:
                frames = framer.feed(client.recv(4096))
            answer = way.spoken().decode(frames[0])
            assert (answer.stan, answer.response_code is not None) == ("000123", True)
    assert doctor.ended() == 0
    found = settings_in(capsys.readouterr().out)
    assert (found.framing, found.dialect, found.institution_id) == (way.framing, way.dialect, "784900")


def test_a_client_that_begins_with_a_purchase_is_recognised_and_its_card_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    way = Way("len2", "iso87_ascii")
    doctor = Listening()
    with doctor.dial() as client:
        client.sendall(said_in(way, way.spoken().encode("0100", PURCHASE)))
    assert doctor.ended() == 0
    told = capsys.readouterr().out
    assert "941410******0017" in told
    assert not any(secret in told for secret in SECRETS)


def test_a_client_with_tls_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    doctor = Listening(0.5)
    with doctor.dial() as client:
        client.sendall(bytes.fromhex("1603010200010001fc0303"))
    assert doctor.ended() == 1
    assert "it speaks TLS" in capsys.readouterr().out


def test_a_client_that_says_nothing_is_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    doctor = Listening(0.5)
    doctor.dial().close()
    assert doctor.ended() == 1
    assert "connected and said nothing" in capsys.readouterr().out


def test_a_port_that_is_taken_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["doctor", "--listen", str(taken.getsockname()[1])]) == 3
    assert "cannot listen" in capsys.readouterr().err


# ---- inspect --guess ----


def test_inspect_shows_all_guesses_the_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    way = Way("len2", "iso87_ascii")
    packed = said_in(way, way.spoken().encode("0100", PURCHASE))
    assert main(["inspect", "--guess", packed.hex()]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[1].startswith("hex")
    assert "every byte is accounted for" in told
    assert "941410******0017" in told
    assert not any(secret in told for secret in SECRETS)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WAYS), st.data())
def test_no_guess_betrays_the_card(capsys: pytest.CaptureFixture[str], way: Way, data: st.DataObject) -> None:
    whole = said_in(way, way.spoken().encode("0100", PURCHASE))
    spoiled = whole[data.draw(st.integers(0, 8)) : data.draw(st.integers(9, len(whole)))]
    main(["inspect", "--guess", spoiled.hex()])
    main(["inspect", "--guess", "--json", spoiled.hex()])
    told = capsys.readouterr().out
    assert not any(secret in told for secret in ("94141000000000", "89ABCDEF", "89abcdef"))


def test_guesses_for_machines_are_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    way = Way("len2", "iso87_ascii")
    assert main(["inspect", "--guess", "--json", said_in(way, echo_in(way)).hex()]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told[0]["framing"], told[0]["dialect"], told[0]["fits"]) == ("len2", "iso87_ascii", "reads")


def test_what_is_no_message_is_not_guessed_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--guess", "GET / HTTP/1.0"]) == 1
    assert "it begins like HTTP" in capsys.readouterr().out
    assert main(["inspect", "--guess", "--framing", "semaphore", "0800"]) == 2


# ---- The page ----

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"
SESSION = re.compile(r"```console\n\$ \./run (.+)\n((?:.*\n)*?)```")
A_MOMENT, SOMETIME = re.compile(r"\b\d{10}\b"), "1123205144"


#: What stands at the addresses of the page.
ON_THE_PAGE = {
    "10.1.2.3:8601": partial(bank, Way("len4", "iso87_binary")),
    "10.1.2.3:8602": partial(bank, Way("len2", "iso87_ascii"), answer=forgetful),
    "10.1.2.3:8603": silent,
}


def said_on_the_page(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command of the page prints, when it is as the page says."""
    words = shlex.split(command)
    if "--listen" in words:
        doctor = Listening()
        with doctor.dial() as client:
            way = Way("tpdu", "iso87_binary")
            client.sendall(said_in(way, echo_in(way, codes.SIGN_ON, forwarder_id="784900")))
            client.recv(4096)
        doctor.ended()
        return capsys.readouterr().out.replace(str(doctor.port), words[-1])
    if words[0] == "inspect":
        main(words)
        return capsys.readouterr().out
    with host(ON_THE_PAGE[words[1]]) as there:
        main(["doctor", there.address, *words[2:]])
    return capsys.readouterr().out.replace(there.address, words[1])


@pytest.mark.parametrize("session", SESSION.findall(PAGE.read_text(encoding="utf-8")), ids=lambda one: one[0][:40])
def test_the_sessions_on_the_page_can_be_repeated(
    session: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda _: 122)
    command, printed = session
    told = A_MOMENT.sub(SOMETIME, said_on_the_page(command, capsys))
    assert [line.rstrip() for line in told.splitlines()] == printed.splitlines()
