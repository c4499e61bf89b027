"""`len2`, and a TPDU in front of each message: what terminals and their concentrators speak.

Five bytes: a type (60), two of destination, two of source. The answer has the addresses swapped.
"""

from dataclasses import replace

from protocols.framings import len2

FRAMING = replace(
    len2.FRAMING, name="tpdu", title="len2 + 5-byte TPDU, addresses swapped in the answer", header_length=5
)
