"""Every framing against the real switch: a participant and a port of its own for each.

The issuer of the test cards speaks another framing than most of them, so what goes in by
one comes out by another.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.network import load
from switch.shell.free_ports import free_ports
from tests.network import ASK_WITHIN_S, SWITCH, RunningNetwork, running_network
from tests.peers.client import Client, framed, pack
from tests.peers.framings import SPELLINGS, FramedClient

VISA = "4111111111111111"
ISSUER_FRAMING = "len2_bcd_incl"
KEEP_ALIVE = "len4_ascii"  # the participant of this framing may send signs of life


def port_of(framing: str) -> str:
    return f"by_{framing.replace('(', '_').rstrip(')')}"


def everybody_frames_otherwise(directory: Path) -> None:
    network, ports = directory / "network.toml", free_ports({port_of(framing): 0 for framing in SPELLINGS})
    listed = "".join(f"{port} = {number}\n" for port, number in ports.items())
    network.write_text(network.read_text().replace("[ports]\n", f"[ports]\n{listed}"))
    for number, framing in enumerate(SPELLINGS):
        port = port_of(framing)
        keep_alive = str(framing == KEEP_ALIVE).lower()
        (directory / "participants" / f"{port}.toml").write_text(
            f'id = "{port}"\nname = "{framing}"\nroles = ["gateway"]\ninstitution_id = "99910{number:02d}"\n'
            f'sign_on = "optional"\nlaboratory = true\nframing = "{framing}"\nkeep_alive = {keep_alive}\n'
        )
        network.write_text(network.read_text() + f'\n[listeners.{port}]\nparticipant = "{port}"\n')
    sandbox = directory / "participants" / "sandbox.toml"
    sandbox.write_text(f'framing = "{ISSUER_FRAMING}"\n' + sandbox.read_text())


@pytest.fixture(scope="module")
def network() -> Iterator[RunningNetwork]:
    with running_network(edit=everybody_frames_otherwise) as running:
        running.ports = {**running.ports, **load(running.place.network).ports}
        yield running


def client_of(network: RunningNetwork, framing: str) -> FramedClient:
    return FramedClient(network.host, network.ports[port_of(framing)], SPELLINGS[framing])


def greets(network: RunningNetwork, framing: str) -> bool:
    """The canary: a new connection of the kind works."""
    with client_of(network, framing) as client:
        return client.ask("0800", client.echo())[1][39] == "00"


def says(network: RunningNetwork, words: str) -> bool:
    """Whether the switch's log says so; a connection ends a moment before its line is written."""
    return network.until(lambda: words in network.log_of(SWITCH), ASK_WITHIN_S, words)


every_framing = pytest.mark.parametrize("framing", SPELLINGS)


@every_framing
def test_an_echo_and_a_purchase(network: RunningNetwork, framing: str) -> None:
    with client_of(network, framing) as client:
        mti, answer = client.ask("0800", client.echo())
        assert (mti, answer[39]) == ("0810", "00")
        mti, answer = client.ask("0100", client.purchase(VISA, 5000))
        assert (mti, answer[39]) == ("0110", "00")


@every_framing
def test_what_cannot_be_read_is_rejected_in_the_same_framing(network: RunningNetwork, framing: str) -> None:
    with client_of(network, framing) as client:
        client.send(b"0100" + b"G" * 16)
        mti, answer = client.receive()
        assert (mti, answer[39]) == ("0620", "30")
        assert client.ask("0800", client.echo())[1][39] == "00"


@every_framing
def test_fifty_messages_in_one_write_and_one_in_many(network: RunningNetwork, framing: str) -> None:
    with client_of(network, framing) as client:
        client.send(*(pack("0800", client.echo()) for _ in range(50)))
        assert all(client.receive()[1][39] == "00" for _ in range(50))
        message = client.spelling.header + pack("0800", client.echo())
        for byte in client.spelling.write(len(message)) + message:
            client.socket.send(bytes((byte,)))
        assert client.receive()[1][39] == "00"


@every_framing
def test_a_length_of_zero_closes_the_link_unless_it_is_a_sign_of_life(network: RunningNetwork, framing: str) -> None:
    with client_of(network, framing) as client:
        client.socket.sendall(client.spelling.write(0))
        if framing == KEEP_ALIVE:
            assert client.ask("0800", client.echo())[1][39] == "00"
        else:
            assert client.is_closed_by_peer()
    assert greets(network, framing)


def test_more_than_ten_signs_of_life_a_second_close_the_link(network: RunningNetwork) -> None:
    with client_of(network, KEEP_ALIVE) as client:
        client.socket.sendall(b"0000" * 11)
        assert client.is_closed_by_peer()
    assert says(network, "more than 10 frames of no bytes in a second")
    assert greets(network, KEEP_ALIVE)


@pytest.mark.parametrize("length", [b"00A0", b"+100", b" 100", b"1_00", b"-001"])
@pytest.mark.parametrize("framing", ["len4_ascii", "len4_ascii_incl"])
def test_a_length_that_is_not_a_number_closes_the_link(network: RunningNetwork, framing: str, length: bytes) -> None:
    with client_of(network, framing) as client:
        client.socket.sendall(length + pack("0800", client.echo()))
        assert client.is_closed_by_peer()
    assert says(network, f"a length of {framing} that is not a number")
    assert greets(network, framing)


@pytest.mark.parametrize(("spoken", "heard"), [("len4_ascii", "len2"), ("len4", "len2_incl"), ("len2", "hex4")])
def test_the_log_says_which_framing_a_peer_seems_to_have(network: RunningNetwork, spoken: str, heard: str) -> None:
    with FramedClient(network.host, network.ports[port_of(heard)], SPELLINGS[spoken]) as client:
        client.send(pack("0800", client.echo()))
        assert client.is_closed_by_peer()
    assert says(network, f"it looks like {spoken}")
    assert greets(network, heard)


def test_a_length_that_counts_itself_where_it_should_not_is_recognised_at_the_end(network: RunningNetwork) -> None:
    with FramedClient(network.host, network.ports[port_of("len2")], SPELLINGS["len2_incl"]) as client:
        client.send(pack("0800", client.echo()))
        client.socket.shutdown(socket.SHUT_WR)  # or ten seconds of silence
        assert client.is_closed_by_peer()
    assert says(network, "the stream ended inside a frame; it looks like len2_incl")


def test_and_the_reverse_loses_two_bytes_of_the_message_first(network: RunningNetwork) -> None:
    with FramedClient(network.host, network.ports[port_of("len2_incl")], SPELLINGS["len2"]) as client:
        client.send(pack("0800", client.echo()))
        assert client._exactly(6)[2:] in (b"0810", b"0620")  # cut short, so it cannot be taken
        client.socket.shutdown(socket.SHUT_WR)
    assert says(network, '; it looks like len2"')


@pytest.mark.parametrize("framing", ["len4_ascii_incl", "tpdu", "header(12)"])
def test_send_speaks_it(network: RunningNetwork, framing: str) -> None:
    address = f"{network.host}:{network.ports[port_of(framing)]}"
    done = network.run("switch", "send", address, "--framing", framing, "--mti", "0800", "--set", "70=301", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["answer"]["mti"] == "0810"


STRANGERS = {
    "TLS": bytes.fromhex("16030100c8010000c40303"),
    "HTTP": b"GET / HTTP/1.1\r\nHost: switch\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.7\r\n",
}


@pytest.mark.parametrize("framing", ["len2_bcd", "hex4", "len4"])
@pytest.mark.parametrize(("stranger", "opening"), STRANGERS.items(), ids=STRANGERS)
def test_a_stranger_is_called_by_name(network: RunningNetwork, framing: str, stranger: str, opening: bytes) -> None:
    with client_of(network, framing) as client:
        client.socket.sendall(opening)
        assert client.is_closed_by_peer()
    assert says(network, f"not ISO 8583: {stranger}")
    assert greets(network, framing)


def test_the_laboratory_port_did_not_notice(network: RunningNetwork) -> None:
    with Client(network.host, network.ports["lab"]) as client:
        client.socket.sendall(framed(pack("0800", client.echo())))
        assert client.receive()[1][39] == "00"
