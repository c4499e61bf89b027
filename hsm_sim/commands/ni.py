"""NI: who is connected, and what went over the wires."""

from hsm_sim.command import Answer, Station, done, telling
from hsm_sim.figures import Connection, Figures
from protocols.hsm import LAYOUTS, HsmRequest
from protocols.hsm.rows import row_name

TCP = "0"
ESTABLISHED = "0"
FOUR_DIGITS = 9999
EIGHT_DIGITS = 99_999_999
WORD = 0xFFFFFFFF
LONG_WORD = 0xFFFFFFFFFFFFFFFF


def tells(request: HsmRequest, station: Station) -> Answer:
    """Every open TCP and TLS connection; bytes with their length in front; frames for unicast packets."""
    figures, traffic = station.figures, station.figures.traffic
    connections = list(figures.connections.values())[:FOUR_DIGITS]
    fields = {"connections": f"{len(connections):04d}"}
    for number, connection in enumerate(connections, 1):
        fields |= {row_name("connection", number, name): value for name, value in _told(connection, figures).items()}
    counters = {
        "unicast_sent": traffic.sent,
        "unicast_received": traffic.received,
        "other_sent": 0,
        "other_received": 0,
        "discards_sent": traffic.dropped_received,
        "discards_received": traffic.refused_connections,
        "errors_sent": 0,
        "errors_received": traffic.broken_received,
        "unknown_received": figures.unknown_commands,
    }
    return done(
        **fields,
        bytes_sent=f"{traffic.bytes_sent & LONG_WORD:016X}",
        bytes_received=f"{traffic.bytes_received & LONG_WORD:016X}",
        **{name: f"{count & WORD:08X}" for name, count in counters.items()},
    )


def _told(connection: Connection, figures: Figures) -> dict[str, str]:
    lasted = int((figures.clock() - connection.since).total_seconds())
    return {
        "protocol": TCP,
        "local_port": f"{connection.local_port:04X}",
        "ip": connection.remote_ip,
        "remote_port": f"{connection.remote_port:04X}",
        "state": ESTABLISHED,
        "duration": f"{min(max(lasted, 0), EIGHT_DIGITS):08d}",
    }


COMMAND = telling(LAYOUTS["NI"], tells)
