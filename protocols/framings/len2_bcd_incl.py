"""Four digits of length in two bytes of BCD, counting themselves."""

from protocols.framings import len2_bcd
from protocols.framings._counting_itself import counting_itself

FRAMING = counting_itself(len2_bcd.FRAMING)
