"""DE 43, card acceptor name and location: forty characters in three parts.

ISO 8583:1987 divides it into street, city, state and country; its users nearly all write the name
the cardholder knows (25), the city (13) and the country (2), and so does this network. Nothing is
decided by it: it is for statements and for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocols.errors import FormatError, LocalProtocolError

NAME, CITY, COUNTRY = 25, 13, 2
LENGTH: Final = NAME + CITY + COUNTRY


@dataclass(frozen=True, slots=True)
class CardAcceptor:
    """Who sold, where. Parts without their padding; the country as the sender spells it (usually ISO 3166 letters).

    >>> CardAcceptor.parse("UAE Mall Trading         Dubai        AE")
    CardAcceptor(name='UAE Mall Trading', city='Dubai', country='AE')
    >>> CardAcceptor("UAE Mall Trading", "Dubai", "AE").text
    'UAE Mall Trading         Dubai        AE'
    """

    name: str
    city: str
    country: str

    def __post_init__(self) -> None:
        if len(self.name) > NAME or len(self.city) > CITY or len(self.country) > COUNTRY:
            raise LocalProtocolError(f"the parts of DE 43 have at most {NAME}, {CITY} and {COUNTRY} characters")

    @classmethod
    def parse(cls, text: str) -> CardAcceptor:
        """From DE 43 as a peer sent it; FormatError when it is not forty characters."""
        if len(text) != LENGTH:
            raise FormatError.in_element(43)
        return cls(text[:NAME].rstrip(), text[NAME : NAME + CITY].rstrip(), text[NAME + CITY :].rstrip())

    @property
    def text(self) -> str:
        """DE 43: forty characters."""
        return f"{self.name:{NAME}}{self.city:{CITY}}{self.country:{COUNTRY}}"
