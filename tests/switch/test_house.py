"""What the switch is told in files: products, rules, rates, merchants, routes; and what it says of bad ones."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.money import Rate, currency
from protocols.network import NetworkError, load, source
from protocols.participant import gather, load_participants
from switch.configuration import configure
from switch.network_copy import copy_network
from switch.product import Issued, Product, load_products
from switch.rates import Quote, Rates, load_rates
from switch.routing import Routes
from switch.rule import all_rules


def issued(prefix: str) -> Issued:
    return Issued(prefix, Product(prefix, prefix, (), frozenset(), False), "nbk", None, None)


@given(
    st.lists(st.from_regex(r"[0-9]{1,8}", fullmatch=True), unique=True, max_size=30),
    st.from_regex(r"[0-9]{12,19}", fullmatch=True),
)
def test_the_longest_prefix_wins(prefixes: list[str], number: str) -> None:
    found = Routes(map(issued, prefixes)).find(number)
    matching = [prefix for prefix in prefixes if number.startswith(prefix)]
    assert (found.prefix if found else None) == (max(matching, key=len) if matching else None)


def test_the_demonstration_network_is_whole() -> None:
    network = configure()
    assert {one.id for one in network.participants.values()} == {"comtrust", "nbd", "ebi", "nbk", "sandbox", "lab"}
    for number, product, issuer in (
        ("9414100000000017", "internet-shopping", "nbk"),
        ("9414200000000015", "classic-credit", "nbk"),
        ("9414300000000013", "debit", "nbk"),
        ("9784100000000000", "credit", "nbd"),
        ("9785300000000000", "debit", "ebi"),
        ("4111111111111111", "sandbox", "sandbox"),
        ("6011000000000004", "sandbox", "sandbox"),
        ("371449635398431", "sandbox", "sandbox"),
    ):
        found = network.routes.find(number)
        assert found is not None
        assert (found.product.id, found.issuer) == (product, issuer)
    assert network.routes.find("3000000000000000") is None


def test_every_rule_is_one_file_and_asked_in_order() -> None:
    rules = all_rules()
    files = {path.stem for path in (Path(source(None, "products")).parent / "rules").glob("[a-z]*.py")}
    assert set(rules) == files
    assert [rule.order for rule in rules.values()] == sorted(rule.order for rule in rules.values())


def test_all_problems_of_all_products_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'id = "a"\ntitle = "A"\nissued = []\n[rules]\nchannels = ["moon"]\nno_such_rule = 1\n'
    )
    (tmp_path / "b.toml").write_text(
        'id = "b"\ntitle = "B"\nissued = [{ prefix = "x", issuer = "nbk" }]\ncolour = "red"\n'
    )
    (tmp_path / "c.toml").write_text(
        'id = "c"\ntitle = "C"\nissued = [{ prefix = "1", issuer = "nbk", stand_in_limit = "5" }]\n'
    )
    (tmp_path / "d.toml").write_text("id = ")
    with pytest.raises(NetworkError) as caught:
        load_products(sorted(tmp_path.glob("*.toml")))
    text = "\n".join(caught.value.problems)
    for clue in (
        "a.toml: rules.channels",
        "a.toml: rules.no_such_rule",
        "b.toml: issued.0.prefix",
        "b.toml: colour",
        "c.toml: issued.1",
        "d.toml",
    ):
        assert clue in text


def test_a_prefix_belongs_to_one_product(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(
            f'id = "{name}"\ntitle = "T"\nissued = [{{ prefix = "4", issuer = "nbk" }}]\n'
        )
    with pytest.raises(NetworkError, match="prefix 4 is issued twice"):
        load_products(sorted(tmp_path.glob("*.toml")))


def test_deadlines_must_shrink_inwards_and_ids_be_unique(tmp_path: Path) -> None:
    agreement = 'name = "X"\nroles = ["issuer"]\ninstitution_id = "1"\n'
    (tmp_path / "a.toml").write_text(f'id = "a"\n{agreement}[deadlines]\nissuer_s = 20.0\n')
    (tmp_path / "b.toml").write_text(f'id = "b"\n{agreement}')
    (tmp_path / "c.toml").write_text(f'id = "b"\n{agreement}sign_on = "maybe"\n')
    (tmp_path / "d.toml").write_text('id = "a"\nname = "X"\nroles = ["issuer"]\ninstitution_id = "2"\n')
    with pytest.raises(NetworkError) as caught:
        gather(sorted(tmp_path.glob("*.toml")))
    text = "\n".join(caught.value.problems)
    for clue in ("a.toml: deadlines.issuer_s", "b.toml: institution_id", "c.toml: sign_on", "d.toml: id"):
        assert clue in text


def test_a_key_in_a_broken_agreement_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        'id = "a"\nname = "X"\nroles = ["issuer"]\ninstitution_id = "1"\nkeys = "U0123456789ABCDEF"\n'
    )
    with pytest.raises(NetworkError) as caught:
        gather(tmp_path.glob("*.toml"))
    assert "0123456789ABCDEF" not in str(caught.value)


def test_names_that_lead_nowhere_are_found_across_files(tmp_path: Path) -> None:
    copy = tmp_path / "network"
    copy_network(None, copy)
    (copy / "participants" / "ebi.toml").unlink()
    network = (copy / "network.toml").read_text()
    (copy / "network.toml").write_text(network.replace('participant = "lab"', 'participant = "nobody"'))
    with pytest.raises(NetworkError) as caught:
        configure(copy)
    text = "\n".join(caught.value.problems)
    for clue in ("issuer 'ebi'", "14M000000000001: acquirer 'ebi'", "no participant 'nobody'", "no participant 'ebi'"):
        assert clue in text


@pytest.mark.parametrize(
    "address", ["nowhere", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:70000", ":", "1.2.3.4:8_0", "1.2.3.4:８０"]
)
def test_an_address_is_a_name_or_host_and_port(address: str) -> None:
    with pytest.raises(NetworkError):
        load().address(address)


def test_participants_are_read_in_order_of_name() -> None:
    assert list(load_participants()) == sorted(load_participants())


# Rates


def quote(day: str, rate: str) -> Quote:
    return Quote(date.fromisoformat(day), Rate.from_text(rate))


def test_the_rate_of_the_day_is_the_last_one_set() -> None:
    aed, kwd = currency("AED").number, currency("KWD").number
    rates = Rates([(aed, kwd, quote("2026-01-01", "0.08")), (aed, kwd, quote("2026-06-01", "0.09"))])
    assert rates.on(date(2025, 12, 31), aed, kwd) is None
    assert rates.on(date(2026, 5, 31), aed, kwd) == quote("2026-01-01", "0.08")
    assert rates.on(date(2026, 6, 1), aed, kwd) == quote("2026-06-01", "0.09")
    assert rates.on(date(2026, 6, 1), kwd, aed) is None


def test_bad_rates_are_all_named(tmp_path: Path) -> None:
    rates = tmp_path / "rates.toml"
    row = '[[rate]]\nday = 2026-01-01\nsource = "{}"\ntarget = "KWD"\nrate = "{}"\n'
    rates.write_text(row.format("XYZ", "1.0") + row.format("AED", "much"))
    with pytest.raises(NetworkError) as caught:
        load_rates(rates)
    assert ["rate.0" in caught.value.problems[0], "rate.1" in caught.value.problems[1]] == [True, True]
