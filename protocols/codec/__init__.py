"""Between frame and Message: an index codec generated from the dialect's pyiso8583 spec.

`spelling` (one element) and `bitmap` are tables of the dialect; `layout` and `recipe` plan
reading and writing for one bitmap; `quick` writes functions out of the plans; `careful`
reads slowly and says what is wrong. pyiso8583 itself is the oracle of the tests.
"""

from protocols.codec.codec import Codec

__all__ = ["Codec"]
