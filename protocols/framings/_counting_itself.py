"""How to make of a framing the one whose length counts its own header too."""

from __future__ import annotations

from dataclasses import replace

from protocols.framing import Framing


def counting_itself(plain: Framing) -> Framing:
    """The inclusive twin. A length of 0 on the wire stays 0: hosts send it as a sign of life here as well."""
    width, read_plain, write_plain = plain.width, plain.read, plain.write

    def read(data: bytes, at: int) -> int | None:
        number = read_plain(data, at)
        return number - width if number else number

    def write(length: int) -> bytes:
        return write_plain(length + width)

    return replace(
        plain,
        name=f"{plain.name}_incl",
        title=plain.title.replace("not counting", "counting"),
        read=read,
        write=write,
        says_up_to=plain.says_up_to - width,
    )
