"""The health commands: what they say is what happened, and parses to the last byte."""

from datetime import UTC, datetime, timedelta
from random import Random
from secrets import token_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_sim.desk import Desk
from hsm_sim.faults import EVERY, Fault, Faults, Kind, UnfitFaultError, fault_from
from hsm_sim.figures import BANDS, Connection, Figures, FraudLimits
from hsm_sim.settings import Settings
from protocols.hsm import build_request, read_answer
from tests.hsm_sim.known import GOOD, counted_up

BEGAN = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)


class Box:
    """A desk whose clock we hold."""

    def __init__(self, limits: FraudLimits | None = None, **settings) -> None:
        self.now = BEGAN
        self.figures = Figures(lambda: self.now, reboots=3, limits=limits or FraudLimits())
        self.desk = Desk(Settings(**settings), counted_up, figures=self.figures)

    def later(self, **much: float) -> None:
        self.now += timedelta(**much)

    def says(self, command: str, **fields: str) -> dict[str, str]:
        answer = read_answer(command, self.desk.answer(build_request(command, b"0001", **fields)), asked=fields)
        assert answer.error == "00", command
        return answer.fields

    def error(self, command: str, **changes: str) -> str:
        fields = {**GOOD[command], **changes}
        return self.desk.answer(build_request(command, b"0001", **fields))[6:8].decode()


@pytest.fixture
def box() -> Box:
    return Box()


def test_j4_counts_what_was_really_asked_whatever_the_answer(box: Box) -> None:
    for _ in range(3):
        box.error("NC")
    box.error("CC")
    box.error("CC", account="999999999999")
    box.desk.answer(b"0001ZZ")
    box.later(seconds=90)
    said = box.says("J4")
    rows = {said[f"answered.{n}.command"]: int(said[f"answered.{n}.count"]) for n in (1, 2)}
    assert rows == {"CC": 2, "NC": 3}
    assert (said["seconds"], said["start_time"], said["now_time"]) == ("0000000090", "080000", "080130")
    assert box.says("J4")["answered.2.command"] == "J4"


def test_j2_shows_load_while_there_is_some(box: Box) -> None:
    box.later(seconds=10)  # ten idle seconds
    box.figures.worked(0.95)
    box.later(seconds=1)
    box.figures.worked(0.55)
    box.later(seconds=1)
    said = box.says("J2")
    spent = {(said[f"load.{n}.from"], said[f"load.{n}.to"]): int(said[f"load.{n}.periods"]) for n in range(1, 11)}
    assert spent[("091", "100")] == 1
    assert spent[("051", "060")] == 1
    assert spent[("000", "010")] == 10
    assert sum(spent.values()) == int(said["seconds"]) == 12


def test_work_of_several_seconds_fills_them_all(box: Box) -> None:
    box.later(seconds=4)
    box.figures.worked(2.5)
    box.later(seconds=3)
    load = {high: spent for _, high, spent in box.figures.load()}
    assert (load[100], load[50], sum(load.values())) == (2, 1, 7)


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 3)), max_size=30))
def test_no_second_is_lost_or_counted_twice(steps: list[tuple[float, int]]) -> None:
    box = Box()
    for busy_s, pause in steps:
        box.figures.worked(busy_s)
        box.later(seconds=pause)
    assert sum(spent for _, _, spent in box.figures.load()) == box.figures.seconds
    assert len(box.figures.load()) == len(BANDS) == 10


def test_jk_parses_to_the_last_byte_with_every_lmk(box: Box) -> None:
    said = box.says("JK")
    assert (said["lmks"], said["test_lmks"], said["tamper_state"]) == ("03", "03", "1")
    schemes = [(said[f"lmk.{n}.id"], said[f"lmk.{n}.scheme"], said[f"lmk.{n}.algorithm"]) for n in (1, 2, 3)]
    assert schemes == [("00", "V", "0"), ("01", "K", "1"), ("02", "K", "2")]
    frame = box.desk.answer(b"0001JK\x19me")
    assert frame.endswith(b"\x14\x1500\x19me")
    assert frame.count(b"\x14") == 3
    assert "tamper_cause" not in said


def test_a_tampered_box_tells_when_and_why_and_lists_no_lmk(box: Box) -> None:
    box.later(hours=1)
    box.figures.tamper("04")
    box.later(hours=1)
    said = box.says("JK")
    assert (said["tamper_state"], said["tamper_cause"], said["tamper_time"]) == ("2", "04", "090000")
    assert (said["lmks"], said["time"]) == ("00", "100000")
    assert box.error("NC") == box.error("CC") == "13"
    assert box.says("J8")["tampers"] == "0000000001"
    box.figures.clear_tamper()
    assert box.error("CC") == "00"


def test_bs_clears_the_old_lmk_of_its_id_and_jk_tells(box: Box) -> None:
    before = int(box.says("JK")["old_lmks"])
    assert box.error("BS") == "00"
    assert int(box.says("JK")["old_lmks"]) == before - 1
    if "BW" in GOOD:
        assert box.error("BW") != "00"


def test_ra_shows_in_jk(box: Box) -> None:
    assert box.says("JK")["lmk.1.authorised"] == "1"
    box.error("RA")
    said = box.says("JK")
    assert (said["lmk.1.authorised"], said["lmk.2.authorised"]) == ("0", "1")


def test_j8_counts_wrong_pins_of_the_last_minute_and_hour(box: Box) -> None:
    for _ in range(2):
        assert box.error("EC", pvv="0000") == "01"
    box.later(minutes=30)
    assert box.error("DC", pvv="0000") == "01"
    assert box.error("CY", cvv="000") == "01"  # no PIN
    said = box.says("J8")
    assert (said["pin_failures_minute"], said["pin_failures_hour"], said["reboots"]) == (
        "0000001",
        "00003",
        "0000000003",
    )
    box.later(minutes=45)
    said = box.says("J8")
    assert (said["pin_failures_minute"], said["pin_failures_hour"]) == ("0000000", "00001")


def test_too_many_wrong_pins_are_fraud_until_somebody_has_looked() -> None:
    box = Box(FraudLimits(a_minute=2))
    assert [box.error("EC", pvv="0000") for _ in range(4)] == ["01", "01", "01", "39"]
    assert box.error("EC") == "39"
    assert box.error("CC") == "00"
    assert box.says("JK")["fraud_detected"] == "1"
    box.figures.clear_fraud()
    assert box.error("EC") == "00"
    assert box.says("JK")["fraud_detected"] == "0"


def test_an_attack_is_counted_once() -> None:
    box = Box(FraudLimits(attack=1))
    assert [box.error("EC", pvv="0000") for _ in range(3)] == ["01", "01", "39"]
    said = box.says("JK")
    assert (said["fraud_detected"], said["pin_attack_detected"]) == ("0", "1")
    assert box.says("J8")["pin_attacks"] == "00000001"


def test_ni_lists_connections_and_counts_bytes(box: Box) -> None:
    box.figures.connections[object()] = Connection(1500, "7F000001", 40001, box.now)
    box.figures.traffic.bytes_received = 4096
    box.desk.answer(b"0001ZZ")
    box.later(seconds=61)
    said = box.says("NI")
    assert (said["connections"], said["connection.1.local_port"], said["connection.1.ip"]) == (
        "0001",
        "05DC",
        "7F000001",
    )
    assert (said["connection.1.duration"], int(said["bytes_received"], 16)) == ("00000061", 4096)
    assert said["unknown_received"] == "00000001"


def test_no_tells_the_sockets_and_whether_the_pci_rules_are_kept() -> None:
    assert Box(connections=64).says("NO", about="00")["sockets"] == "0064"
    assert Box().says("NO", about="01") == {"pci_compliance": "1"}
    assert Box(pci_pin_translation=False).says("NO", about="01") == {"pci_compliance": "0"}
    assert Box().desk.answer(b"0001NO07") == b"0001NP15"


# --- faults


def test_a_rate_befalls_its_share() -> None:
    drawn = iter([0.05, 0.5, 0.09, 0.1])
    faults = Faults(lambda: next(drawn))
    faults.set(Fault("CC", Kind.ERROR, rate=0.1, code="39"))
    assert [bool(faults.strikes("CC")) for _ in range(4)] == [True, False, True, False]
    assert faults.struck == {("CC", "error"): 2}
    assert not faults.strikes("NC")


def test_a_fault_with_a_count_ends_by_itself() -> None:
    faults = Faults(lambda: 0.0)
    faults.set(Fault(EVERY, Kind.DROP, left=2))
    assert [len(faults.strikes("NC")) for _ in range(3)] == [1, 1, 0]
    assert not faults.active


def test_a_delay_may_come_with_another_fault_and_comes_first() -> None:
    faults = Faults(lambda: 0.0)
    faults.set(Fault("CC", Kind.ERROR))
    faults.set(Fault("CC", Kind.DELAY, ms=5))
    assert [fault.kind for fault in faults.strikes("CC")] == [Kind.DELAY, Kind.ERROR]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"fault": "rain"},
        {"fault": "drop", "rate": True},
        {"fault": "drop", "count": 0},
        {"fault": "error", "code": 39},
    ],
)
def test_what_is_no_fault_is_refused(asked: dict) -> None:
    with pytest.raises(UnfitFaultError):
        fault_from(asked)


def test_answers_by_fault_are_counted_as_answers(box: Box) -> None:
    box.desk.faults.set(Fault("NC", Kind.ERROR, code="39"))
    assert box.error("NC") == "39"
    assert box.figures.counts["NC", "39"] == 1


def test_two_boxes_with_one_seed_give_the_same_answers_and_without_one_no_key_comes_twice() -> None:
    asked = build_request("A0", b"0001", mode="0", key_type="001", scheme="U")
    one, other = (Desk(Settings(), Random(7).randbytes) for _ in range(2))
    said = [one.answer(asked) for _ in range(5)]
    assert said == [other.answer(asked) for _ in range(5)]
    unforeseen = Desk(Settings(), token_bytes)
    assert len({unforeseen.answer(asked) for _ in range(50)} | set(said)) == 55
