"""A bank's own host in sixty lines: Trio, pyiso8583, and a dictionary for the books.

    python issuer_host.py 8605

It approves up to 500 units a card and day, answers a repeat as it answered the first, gives back what is
reversed, and takes advices. It keeps nothing when it ends: a real one writes before it answers.
"""

import sys
from collections import defaultdict
from functools import partial

import iso8583
import trio
from iso8583.specs import default_ascii as spec

SIGN_ON_ECHO = {"001", "002", "301"}
REQUESTS = ("0100", "0200", "0120", "0220", "0400", "0420", "0800")
ANSWERS = {first: f"{first[:2]}{int(first[2]) + 1}0" for first in REQUESTS}
ECHOED = ("2", "3", "4", "6", "7", "11", "12", "13", "32", "33", "37", "41", "42", "49", "51", "70", "90")
LIMIT = 500_000

spent: dict[str, int] = defaultdict(int)
given: dict[tuple[str, ...], dict[str, str]] = {}
booked: dict[str, tuple[str, int]] = {}  # DE 90's first twenty digits -> the card and what it was charged


def decide(asked: dict[str, str]) -> dict[str, str]:
    """What the answer adds to what it echoes."""
    kind, card = asked["t"][:3], asked.get("2", "")
    amount = int(asked.get("6") or asked.get("4") or "0")
    if kind == "080":
        return {"39": "00" if asked.get("70") in SIGN_ON_ECHO else "12"}
    if kind in ("040", "042"):  # what was taken comes back, once
        card, amount = booked.pop(asked["90"][:20], ("", 0))
        spent[card] -= amount
        return {"39": "00"}
    advice = kind[2] == "2"
    if advice and asked.get("90", "")[:20] in booked:
        return {"39": "00"}  # it was ours already
    if not advice and spent[card] + amount > LIMIT:
        return {"39": "61", "44": "limit.exceeded"}
    spent[card] += amount
    name = asked.get("90", "")[:20] if advice and "90" in asked else asked["t"][:3] + "0" + asked["11"] + asked["7"]
    booked[name] = (card, amount)
    return {"39": "00", "38": asked["11"]}


def answer(frame: bytes) -> bytes:
    asked, _ = iso8583.decode(frame, spec)
    first = asked["t"][:3] + "0"  # a repeat is known by what it repeats
    key = (first, asked["11"], asked.get("7", ""), asked.get("41", ""))
    if key not in given:
        given[key] = decide(asked)
    said = {"t": ANSWERS[first], **{n: asked[n] for n in ECHOED if n in asked}, **given[key]}
    raw, _ = iso8583.encode(said, spec)
    return bytes(raw)


async def serve(stream: trio.SocketStream) -> None:
    received = b""
    async for data in stream:
        received += bytes(data)
        while len(received) >= 2 and len(received) >= (end := 2 + int.from_bytes(received[:2], "big")):
            frame, received = received[2:end], received[end:]
            said = answer(frame)
            await stream.send_all(len(said).to_bytes(2, "big") + said)


if __name__ == "__main__":
    trio.run(partial(trio.serve_tcp, serve, int(sys.argv[1]), host="127.0.0.1"))
