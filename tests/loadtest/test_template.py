"""Templates: what is patched in place is what the dialect would have written."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.flow import FOLDER, Send, load_flow
from loadtest.template import SealedTemplate, Template
from protocols.border import spoken
from protocols.dialects import dialect_named, names
from protocols.framing import framing_named
from protocols.seal import seal_of

FLOWS = sorted(path.stem for path in FOLDER.glob("*.toml"))


def number(length: int) -> st.SearchStrategy[str]:
    return st.integers(min_value=0, max_value=10**length - 1).map(lambda drawn: f"{drawn:0{length}d}")


values = st.fixed_dictionaries(
    {
        "pan": st.integers(min_value=13, max_value=19).flatmap(number),
        "expiry": st.just("2912"),
        "amount": number(12),
        "currency": number(3),
        "stan": number(6),
        "rrn": number(12),
        "transmitted_at": st.just("1123205144"),
        "local_time": number(6),
        "local_date": number(4),
        "terminal_id": number(6).map(lambda drawn: f"LT{drawn}"),
        "card_acceptor_id": st.just("LOADTEST       "),
        "card_acceptor_name": st.just(f"{'LOAD % TEST':<40}"),
        "original": number(42),
        "acquirer_id": st.just("784001"),
        "forwarder_id": st.just("784900"),
        "saved.approval_code": number(6),
        "card_sequence": number(3),
        "pin_block": st.binary(min_size=8, max_size=8).map(lambda drawn: drawn.hex().upper()),
        "icc_data": st.binary(min_size=60, max_size=120).map(lambda drawn: drawn.hex().upper()),
    }
)


@pytest.mark.parametrize("dialect", [name for name in names() if not name.startswith("iso93")])
@given(values)
def test_a_patched_message_is_an_encoded_one(dialect: str, drawn: dict[str, str]) -> None:
    spelled = spoken(dialect_named(dialect), lambda: date(2000, 11, 23), trusted=True)
    framing = framing_named(spelled.framing)
    for name in ("purchase", "atm_withdrawal", "pre_authorization", "echo"):
        for step in load_flow(name).step:
            if isinstance(step, Send):
                template = Template(step.mti, step.by_number, spelled, framing)
                filled = template.fill(drawn)
                anew = framing.pack(spelled.encode(step.mti, template.elements(filled)))
                assert template.is_patched
                assert template.render(filled) == anew


@pytest.mark.parametrize("dialect", [name for name in names() if not name.startswith("iso93")])
@given(values)
def test_a_seal_covers_what_stands_before_it(dialect: str, drawn: dict[str, str]) -> None:
    """In whatever spelling: the place is found from the end, and the header is no part of it."""
    spelled = spoken(dialect_named(dialect), lambda: date(2000, 11, 23), trusted=True)
    framing = framing_named(spelled.framing)
    heard: list[bytes] = []

    def macs(covered: bytes) -> str:
        heard.append(covered)
        return "0123456789ABCDEF"

    step = load_flow("atm_withdrawal").step[0]
    assert isinstance(step, Send)
    template = SealedTemplate(step.mti, step.by_number, spelled, framing, macs)
    (frame,) = framing.framer().feed(template.render(template.fill(drawn)))
    seal = seal_of(spelled.decode(frame))
    assert seal is not None
    assert (seal.covered, seal.mac) == (heard[0], "0123456789ABCDEF")


@pytest.mark.parametrize("name", FLOWS)
def test_every_flow_that_is_shipped_reads(name: str) -> None:
    assert load_flow(name).title
