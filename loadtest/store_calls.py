"""The traffic to a store API: calls over HTTP instead of messages, each POST under an idempotency key of its own.

Plan, lanes, clocks, ledger and counts are `traffic`'s; here is what differs. An answer belongs to the call that was
sent first on its connection, so a connection has one call under way; open load waits for a free one, and that waiting
is in the response time. Where DE 39 stands elsewhere, here stands the status, and behind it the slug of the problem
(RFC 9457): `201`, `402 payment.declined`. What was not answered is sent again under the same key, on another
connection if need be: it moves money once, and an answer that names another payment than the first is `doubled`.
Pure. No key and no token of the scenario is in a finding.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from loadtest.flow import KEYS, Asking, Call, Expect, Flow, Program
from loadtest.lane import Lane, Visit
from loadtest.ledger import Entry
from loadtest.plan import NANO
from loadtest.result import NO_CODE
from loadtest.scenario import Scenario
from loadtest.template import AUDITED, Template, Values, picker_of
from loadtest.traffic import Traffic
from loadtest.usage import UsageError
from protocols.money import Amount, currency_numbered

STORE_CALLS: Final = "store API calls"  # in the place of a dialect's name
API_KEY: Final = "api"  # the name under [keys]
STAN: Final = 11  # where the audit looks for a number
SLUG_MAX: Final = 60
_NOTHING: Final = (None,) * len(AUDITED)
_NUMBER: Final = "stan"  # the name under which `traffic` gives each call its number


class CallNumbers:
    """Idempotency keys: numbers behind what only this run begins with."""

    def __init__(self, run: str) -> None:
        self._run, self._number = run, 0

    def next(self) -> str:
        """
        >>> numbers = CallNumbers("a1b2")
        >>> numbers.next(), numbers.next()
        ('load-a1b2-00000001', 'load-a1b2-00000002')
        """
        self._number += 1
        return f"load-{self._run}-{self._number:08d}"


class CallTemplate(Template):
    """A call of one step. `values` are its number and what path and body leave open."""

    def __init__(self, step: Call, host: str, keys: Mapping[str, str]) -> None:
        self.step = step
        self.mti, self.answer = f"{step.method} {step.path}", "answer"
        self.constants, self.is_patched, self.numbers = {}, False, ()
        self.holes = (_NUMBER, *sorted(step.wants - {name for name in step.wants if name.startswith(KEYS)}))
        self.fill = picker_of(self.holes)
        self._place = {name: place for place, name in enumerate(self.holes)}
        self._keys, self._host = keys, host
        self.audited = self.getter(AUDITED)
        self.key = lambda values: values[:1]

    def __repr__(self) -> str:
        return f"<{self.mti}>"

    def getter(self, numbers: Sequence[int]) -> Callable[[Values], tuple[str | None, ...]]:
        """Nothing of a call is an element."""
        return lambda values: _NOTHING

    def value(self, number: int, values: Values) -> str | None:
        return values[0] if number == STAN else None

    def render(self, values: Values) -> bytes:
        step = self.step
        path = "/".join(self._said(part, values) for part in step.path.split("/"))
        head = [f"{step.method} {path} HTTP/1.1", f"Host: {self._host}", f"Authorization: Bearer {self._keys[API_KEY]}"]
        body = b""
        if step.method == "POST":
            said = {name: self._said(value, values) for name, value in step.body.items()}
            body = json.dumps(said, separators=(",", ":")).encode()
            head += ["Content-Type: application/json", f"Idempotency-Key: {values[0]}"]
        head += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(head).encode() + body

    def _said(self, value: Any, values: Values) -> Any:
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        name = value[1:]
        return self._keys[name.removeprefix(KEYS)] if name.startswith(KEYS) else values[self._place[name]]


class StoreTraffic(Traffic):
    """Traffic of calls. The arguments are those of `Traffic`; `stans` are idempotency keys."""

    def __init__(self, scenario: Scenario, *given: Any, **named: Any) -> None:
        again = "ignore" if scenario.timeouts.on_timeout == "ignore" else "repeat"
        timeouts = scenario.timeouts.model_copy(update={"on_timeout": again})
        links = scenario.links.model_copy(update={"sign_on": False, "echo_every_s": 0.0, "max_in_flight": 1})
        super().__init__(scenario.model_copy(update={"timeouts": timeouts, "links": links}), *given, **named)
        self._host = f"{scenario.target.host}:{scenario.target.port}"
        self._keys = scenario.keys
        self._asked_on: list[deque[Entry]] = [deque() for _ in self.lanes]
        self._amounts: dict[tuple[str, str], dict[str, str]] = {}

    def received(self, lane: Lane, frames: Iterable[bytes], now: int) -> None:
        """Records of `http_answers`, in the order of the calls of this connection."""
        asked = self._asked_on[lane.index]
        for frame in frames:
            lane.received += 1
            if frame[3:4] == b"C":
                lane.is_up = False  # nothing more is sent there: it comes back when it has been dialled again
            if not asked:
                self.tally.row((now - self.start) // NANO, "unmatched", "????", NO_CODE, lane.index).unmatched += 1
                continue
            entry = asked.popleft()
            document = _document(frame[4:])
            code = code_of(frame[:3].decode("ascii"), document)
            payment = document.get("id")
            if entry.key in self.ledger.settled:
                counts = self.tally.row(entry.second, entry.flow, entry.mti, code, entry.link)
                counts.doubled += self.ledger.again(entry, code, payment if isinstance(payment, str) else None)
                continue
            self._payments_answer = document
            self._answered(entry, None, (code, payment if isinstance(payment, str) else None, *_NOTHING), now)

    def closed(self, index: int, now: int) -> None:
        self._asked_on[index].clear()
        super().closed(index, now)

    def _begin(self, program: Program, planned: int, now: int) -> None:
        values, card = self._customers.visit()
        which = (values["amount"], values["currency"])
        said = self._amounts.get(which)
        if said is None:
            money = currency_numbered(which[1])
            said = self._amounts[which] = {"amount": Amount(int(which[0]), money).text, "currency": money.code}
        self._go_on(Visit(program, {**values, **said}, card, planned), now)

    def _template(self, step: Asking) -> Template:
        assert isinstance(step, Call)
        template = self.messages.templates[id(step)] = CallTemplate(step, self._host, self._keys)
        self.messages.signs[template] = 0
        return template

    def launch(self, entry: Entry, lane: Lane, now: int) -> None:
        template = entry.template
        assert isinstance(template, CallTemplate)
        entry.expected = template.step.expected
        before = len(lane.out)
        super().launch(entry, lane, now)
        self._asked_on[lane.index].extend([entry] * (len(lane.out) - before))  # twice where chaos says it twice

    def _repeat(self, entry: Entry, now: int) -> None:
        """The same call again under the same key, on whichever connection is free."""
        if entry.repeats >= self._scenario.timeouts.repeats or entry.key in self.ledger.settled:
            return
        self.at(now + self._answer_ns, self._repeat, entry)
        lane = next((one for one in self.lanes if one.is_up and not self._asked_on[one.index]), None)
        if lane is None:
            return
        entry.repeats += 1
        entry.sendings += 1
        lane.out.append(entry.template.render(entry.values))
        self._asked_on[lane.index].append(entry)
        self.dirty.add(lane)

    def _saved(self, visit: Visit, step: Expect, message: Any) -> bool:
        for name, field in step.save.items():
            value = self._payments_answer.get(str(field))
            if not isinstance(value, str):
                return False
            visit.values[f"saved.{name}"] = value
        return True

    _payments_answer: Mapping[str, Any] = {}

    def sign_off(self, now: int) -> None:
        """Nobody signs on."""


def code_of(status: str, document: Mapping[str, Any]) -> str:
    """What stands where DE 39 stands.

    >>> code_of("201", {}), code_of("402", {"slug": "payment.declined"}), code_of("402", {"slug": "<b>"})
    ('201', '402 payment.declined', '402')
    """
    slug = document.get("slug")
    if status < "400" or not isinstance(slug, str):
        return status
    is_slug = slug.replace(".", "").replace("_", "").replace("-", "").isalnum() and slug.isascii()
    return f"{status} {slug[:SLUG_MAX]}" if is_slug else status


def check_calls(scenario: Scenario, flows: Mapping[str, Flow]) -> None:
    """UsageError where a flow wants a key that is not there, or the scenario asks for what calls have not."""
    if scenario.target.kind != "store":
        return
    if API_KEY not in scenario.keys:
        raise UsageError(f'keys.{API_KEY}: the shop\'s key is missing ({API_KEY} = "sk_…" under [keys])')
    for name, flow in flows.items():
        wanted = {want for step in flow.step if isinstance(step, Call) for want in step.wants}
        for want in sorted(wanted):
            if want.startswith(KEYS) and want.removeprefix(KEYS) not in scenario.keys:
                raise UsageError(f"keys: mix.{name} wants {want.removeprefix(KEYS)}, which is not there")
    allowed = {"duplicate", "drop_link_per_min", "half_close_per_min", "slow_link", "split"}
    if any(scenario.chaos.model_dump(exclude=allowed).values()):
        raise UsageError(f"chaos: of calls only these are disturbed: {', '.join(sorted(allowed))}")


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
