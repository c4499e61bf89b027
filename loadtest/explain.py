"""Why an answer belongs to nobody: one sentence for each cause, for a person who sees such answers for the first time.

Used for what a run could not match, grouped by cause, and by `doctor`. Pure. No element's value is in a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from loadtest.result import Explanation
from protocols.message import Message
from protocols.mti import answer_to, has_answer, is_answer, title

Match = Mapping[str, Sequence[int]]
DEFAULT: Final = "default"


def key_for(match: Match, mti: str) -> tuple[int, ...]:
    """The elements that make an answer belong to a request of this type.

    >>> key_for({"default": (11, 41), "0800": (7, 11)}, "0801")
    (7, 11)
    """
    return tuple(match.get(mti) or match.get(f"{mti[:3]}0") or match.get(DEFAULT) or (11, 41))


def explained(message: Message, match: Match, open_types: Sequence[str], stans_known: bool) -> tuple[str, str]:
    """The cause, as a slug, and the sentence. `open_types`: message types of requests that wait for an answer.

    `stans_known`: whether a request with this STAN waits or waited.
    """
    mti = message.mti
    asked = [request for request in open_types if has_answer(request) and answer_to(request) == mti]
    if not is_answer(mti):
        return "not_an_answer", _not_an_answer(mti, open_types)
    if not asked:
        return "not_an_answer", f"{_an(mti)} arrived ({title(mti)}), and nothing that waits is answered by one."
    request = asked[0]
    key = key_for(match, request)
    lacking = [number for number in key if number not in message]
    if lacking:
        return "key_element_missing", _lacks(mti, request, key, lacking)
    if stans_known:
        differing = " or ".join(f"DE {number}" for number in key if number != 11)
        return "key_differs", (
            f"{_an(mti)} arrived with the STAN of a request, but {differing or 'DE 11'} of the match key {list(key)} "
            f"is not what we sent; take out of the key what your host changes."
        )
    return "unknown_stan", f"{_an(mti)} arrived with a STAN (DE 11) that no open request has."


def explanation(message: Message, match: Match, open_types: Sequence[str], *, stans_known: bool) -> Explanation:
    cause, sentence = explained(message, match, open_types, stans_known)
    return Explanation(cause=cause, sentence=sentence, count=1)


def _lacks(mti: str, request: str, key: Sequence[int], lacking: Sequence[int]) -> str:
    names = ", ".join(f"DE {number}" for number in lacking)
    rest = [number for number in key if number not in lacking]
    advice = f'add `"{request}" = {rest}` under `[match]`' if rest else "name elements that both messages have"
    return f"{_an(mti)} arrived, but the match key {list(key)} needs {names}, which it lacks; {advice}."


def _not_an_answer(mti: str, open_types: Sequence[str]) -> str:
    expected = sorted({answer_to(request) for request in open_types if has_answer(request)})
    wanted = f"; what waits is answered by {' or '.join(expected)}" if expected else ""
    return f"{_an(mti)} arrived ({title(mti)}), which is not taken for an answer{wanted}."


def _an(mti: str) -> str:
    return f"A {mti}"
