"""Four digits of length in ASCII, counting themselves."""

from protocols.framings import len4_ascii
from protocols.framings._counting_itself import counting_itself

FRAMING = counting_itself(len4_ascii.FRAMING)
