"""EMV keys and cryptograms: pyemv as the oracle, whole and by scheme."""

import pyemv
from hypothesis import given
from hypothesis import strategies as st
from pyemv.ac import PaddingType

from hsm_sim.primitives import emv
from hsm_sim.primitives.des import DesKey, with_odd_parity
from tests.hsm_sim.known import a_few

keys = st.binary(min_size=16, max_size=16).map(with_odd_parity)
pans = st.integers(12, 19).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))
psns = st.text("0123456789", min_size=2, max_size=2)
atcs = st.binary(min_size=2, max_size=2)
eights = st.binary(min_size=8, max_size=8)


@a_few
@given(keys, pans, psns)
def test_a_cards_master_key_by_both_options(key: bytes, pan: str, psn: str) -> None:
    issuer = DesKey(key)
    assert emv.card_key(issuer, emv.pan_block(pan, psn)).clear == pyemv.kd.derive_icc_mk_a(key, pan, psn)
    assert emv.card_key(issuer, emv.hashed_pan_block(pan, psn)).clear == pyemv.kd.derive_icc_mk_b(key, pan, psn)


@a_few
@given(keys, eights, atcs)
def test_session_keys(key: bytes, diversification: bytes, atc: bytes) -> None:
    card = DesKey(key)
    assert emv.common_session_key(card, diversification).clear == pyemv.kd.derive_common_sk(key, diversification)
    assert emv.visa_session_key(card, atc).clear == pyemv.kd.derive_visa_sm_sk(key, atc)


@a_few
@given(keys, atcs, st.binary(min_size=16, max_size=16), st.sampled_from([2, 4]))
def test_the_tree_of_emv_2000(key: bytes, atc: bytes, iv: bytes, branch: int) -> None:
    expected = pyemv.kd.derive_emv2000_tree_sk(key, atc, emv.HEIGHT_OF_BRANCH[branch], branch, iv)
    assert emv.tree_session_key(DesKey(key), atc, branch, iv).clear == expected


@a_few
@given(keys, st.binary(min_size=1, max_size=80))
def test_cryptograms_with_both_paddings(key: bytes, data: bytes) -> None:
    for padding, named in ((1, PaddingType.VISA), (2, PaddingType.EMV)):
        assert emv.cryptogram(DesKey(key), data, padding) == pyemv.ac.generate_ac(key, data, named)


@a_few
@given(keys, eights, st.binary(min_size=2, max_size=2), st.binary(min_size=4, max_size=4), st.binary(max_size=8))
def test_both_methods_of_the_arpc(key: bytes, arqc: bytes, arc: bytes, csu: bytes, more: bytes) -> None:
    assert emv.arpc_of_code(DesKey(key), arqc, arc) == pyemv.ac.generate_arpc_1(key, arqc, arc)
    assert emv.arpc_of_status(DesKey(key), arqc, csu, more) == pyemv.ac.generate_arpc_2(key, arqc, csu, more)


@a_few
@given(keys, st.binary(min_size=5, max_size=60))
def test_the_mac_of_a_script(key: bytes, command: bytes) -> None:
    assert emv.command_mac(DesKey(key), command) == pyemv.sm.generate_command_mac(key, command)
