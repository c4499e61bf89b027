"""A gateway of one's own in sixty lines: the standard library and pyiso8583.

    python gateway.py 127.0.0.1 8583 9784100000000019 120.00 784

It pays once, and tells what came of it: approved, declined and why, or unknown. What is unknown is reversed, and
the reversal is repeated until it is acknowledged; a sale is never sent twice. A real one keeps what it owes on disk.
"""

import socket
import sys
from datetime import UTC, datetime
from secrets import randbelow

import iso8583
from iso8583.specs import default_ascii as spec

ANSWER_S, REVERSALS_MAX = 15.0, 5
DECIMALS = {"414": 3, "392": 0}


class Gateway:
    def __init__(self, host: str, port: int) -> None:
        self.address, self.stan = (host, port), randbelow(1_000_000)
        self.link = socket.create_connection(self.address)

    def ask(self, message: dict[str, str]) -> dict[str, str] | None:
        """Send, and wait for the answer with our number; None: none came in time."""
        raw, _ = iso8583.encode(message, spec)
        try:
            self.link.settimeout(ANSWER_S)
            self.link.sendall(len(raw).to_bytes(2, "big") + raw)
            while True:
                frame = self.exactly(int.from_bytes(self.exactly(2), "big"))
                answer, _ = iso8583.decode(frame, spec)
                if answer["11"] == message["11"]:  # whatever else comes was late for somebody
                    return answer
        except OSError:
            return None

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            if not (more := self.link.recv(size - len(data))):
                raise ConnectionError("the switch hung up")
            data += more
        return data

    def stamped(self) -> dict[str, str]:
        """A number and a moment of its own for every new message."""
        self.stan = self.stan % 999_999 + 1
        return {"11": f"{self.stan:06d}", "7": f"{datetime.now(UTC):%m%d%H%M%S}"}

    def pay(self, card: str, amount: str, currency: str) -> str:
        whole, _, fraction = amount.partition(".")
        minor = int(whole + fraction.ljust(DECIMALS.get(currency, 2), "0"))
        shop = {"41": "MYSHOP01", "42": "MYSHOP000000001", "49": currency}
        sale = {"t": "0100", "2": card, "3": "000000", "4": f"{minor:012d}", "14": "2912", "18": "5732"}
        sale |= {"22": "812", "25": "59", **shop, **self.stamped()}  # 81 and 59: it says that it is the internet
        answer = self.ask(sale)
        if answer is None:
            return f"unknown, {self.reverse(sale)}"
        return f"approved {answer['38']}" if answer["39"] == "00" else f"declined {answer['39']} {answer.get('44', '')}"

    def reverse(self, sale: dict[str, str]) -> str:
        undo = {n: sale[n] for n in ("2", "3", "4", "41", "42", "49")} | self.stamped()
        undo["90"] = sale["t"] + sale["11"] + sale["7"] + "0" * 22  # which one; all zeros: institutions not stated
        for kind in ("0420", *["0421"] * REVERSALS_MAX):  # the very same message, and only its type says "again"
            try:
                self.link = socket.create_connection(self.address)
            except OSError:
                continue
            if (answer := self.ask({"t": kind, **undo})) is not None:
                return "reversed" if answer["39"] == "00" else f"not reversed: {answer['39']}"
        return "still owed a reversal"


if __name__ == "__main__":
    print(Gateway(sys.argv[1], int(sys.argv[2])).pay(*sys.argv[3:6]))
