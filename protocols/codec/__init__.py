"""Between frame and Message: an index codec generated from the dialect's pyiso8583 spec.

`charset`, `spelling` (one element) and `bitmap` are tables of the dialect. `layout` (where elements lie)
and `recipe` (how to write a frame) are plans, made of `place`s, for one message type and bitmap.
`quick` writes functions out of the plans; `careful` reads slowly and says what is wrong; `codec`
chooses between them; `headed` takes off what stands before a message. pyiso8583 itself is the oracle of the tests.
"""

from protocols.codec.codec import Codec

__all__ = ["Codec"]
