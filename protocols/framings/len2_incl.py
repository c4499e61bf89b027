"""Two bytes of length, most significant first, counting themselves."""

from protocols.framings import len2
from protocols.framings._counting_itself import counting_itself

FRAMING = counting_itself(len2.FRAMING)
