"""Scripts: what a tester wants a bank to do with a request, said by card, amount, shop or kind.

They stand in the bank's file (`[[scripts]]`) or are given to the running bank (`payswitch issuer NAME
script …`). The newest that fits counts. A script is about requests only: an advice or a reversal has
happened already, and no tester may make a bank lose one.

A declined request is booked as declined, and any other as it would have been: whoever tests a silent
bank wants the reversal that follows to find something.

Pure: what fits and what it asks for; the desk obeys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from issuers.amounts import Manner, Wish
from protocols.codes import is_decline
from protocols.money import Amount

Doing = Literal["decline", "delay", "silence", "double", "wrong", "garbage", "close"]

_MANNERS = {
    "silence": Manner(copies=0),
    "double": Manner(copies=2),
    "wrong": Manner(wrong_stan=True),
    "garbage": Manner(garbage=True),
    "close": Manner(copies=0, close=True),
}
DELAY_LONGEST_S = 300.0  # nobody waits longer than that for anything


class Script(BaseModel):
    """One of them. What it leaves out fits everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: Doing
    card: Annotated[str | None, Field(pattern=r"^[0-9]{4,19}$", repr=False)] = None  # or how the number ends
    amount: Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")] | None = None  # DE 4, with its decimals
    merchant: str | None = None  # card acceptor id
    type: Annotated[str, Field(pattern=r"^[0-9]{2}$")] | None = None  # first two digits of DE 3
    mti: Annotated[str, Field(pattern=r"^0[12]00$")] | None = None
    code: Annotated[str, Field(pattern=r"^[0-9A-Z]{2}$")] = "05"  # DE 39 of a decline
    reason: Annotated[str, Field(pattern=r"^[a-z0-9_.]{0,25}$")] = ""  # DE 44; empty: the code's own
    after_s: Annotated[float, Field(ge=0, le=DELAY_LONGEST_S)] = 1.0  # of a delay
    times: Annotated[int, Field(gt=0)] | None = None  # how often; None: for ever. A repeat does not count

    @property
    def wish(self) -> Wish:
        """What the desk is to do.

        >>> Script(do="decline", code="51").wish.decline_with, Script(do="double").wish.manner.copies
        ('51', 2)
        >>> Script(do="decline", code="00").wish.decline_with  # is no decline
        '05'
        """
        if self.do == "decline":
            return Wish(decline_with=self.code if is_decline(self.code) else "05")
        if self.do == "delay":
            return Wish(manner=Manner(delay_s=self.after_s))
        return Wish(manner=_MANNERS[self.do])

    def shown(self) -> dict[str, object]:
        """The script for a person: of a card number its end."""
        told = self.model_dump(exclude_defaults=True)
        return told | ({"card": f"…{self.card[-4:]}"} if self.card else {})


@dataclass(frozen=True, slots=True)
class Features:
    """What of a request a script may look at."""

    pan: str
    amount: int
    currency: str
    merchant: str
    type: str
    mti: str

    def __repr__(self) -> str:
        return f"<Features {self.mti} {self.type}>"


def fits(script: Script, features: Features) -> bool:
    """Whether a script is about this request.

    >>> request = Features("9414100000000017", 12_000, "KWD", "UAEMALL00000001", "00", "0100")
    >>> fits(Script(do="silence", card="0017", amount="12.000"), request), fits(Script(do="close", type="01"), request)
    (True, False)
    """
    return (
        (script.card is None or features.pan.endswith(script.card))
        and (script.merchant is None or script.merchant == features.merchant)
        and (script.type is None or script.type == features.type)
        and (script.mti is None or script.mti == features.mti)
        and (script.amount is None or _is_amount(script.amount, features))
    )


def _is_amount(text: str, features: Features) -> bool:
    try:
        return Amount.parse(text, features.currency).minor == features.amount
    except ValueError:
        return False  # a currency without so many decimals


class Playbook:
    """The scripts in force, in the order of their numbers; those with `times` wear out."""

    def __init__(self, scripts: Iterable[Script] = ()) -> None:
        self._next = 1
        self._scripts: dict[int, Script] = {}
        for script in scripts:
            self.add(script)

    def add(self, script: Script) -> int:
        """Put it before all others; its number."""
        number, self._next = self._next, self._next + 1
        self._scripts[number] = script
        return number

    def remove(self, number: int) -> bool:
        """Whether it was there."""
        return self._scripts.pop(number, None) is not None

    def clear(self) -> int:
        """How many there were."""
        count = len(self._scripts)
        self._scripts.clear()
        return count

    def __bool__(self) -> bool:
        return bool(self._scripts)

    def all(self) -> dict[int, Script]:
        return dict(self._scripts)

    def take(self, features: Features) -> Script | None:
        """The newest that fits, used once.

        >>> playbook = Playbook([Script(do="close"), Script(do="double", times=1)])
        >>> request = Features("9", 1, "KWD", "", "00", "0100")
        >>> [playbook.take(request).do for _ in range(2)]
        ['double', 'close']
        """
        for number in reversed(self._scripts):
            script = self._scripts[number]
            if fits(script, features):
                self._wear(number, script)
                return script
        return None

    def lasting(self, features: Features) -> Script | None:
        """The newest that fits and does not wear out: what a repeat gets."""
        found = (one for _, one in sorted(self._scripts.items(), reverse=True) if fits(one, features))
        return next((one for one in found if one.times is None), None)

    def _wear(self, number: int, script: Script) -> None:
        if script.times is None:
            return
        if script.times == 1:
            del self._scripts[number]
        else:
            self._scripts[number] = script.model_copy(update={"times": script.times - 1})
