"""The promises P1 to P23: one list, what tests each, and what is not kept yet.

Every promise has a test named after it in this folder (`test_p01_…`), small enough for `./run test`, or says here in
plain words that it has none. Where the claim was tested elsewhere before, the test here is that one, imported. Full
sizes are commands; `./run promises [P…]` runs them and keeps the results in docs/promises.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Command = tuple[str, ...]  # behind `python -m`


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of this network."""

    number: int
    title: str
    invariant: str
    scaled: tuple[str, ...] = ()  # besides the test of its own: file, or file::test
    full: tuple[Command, ...] = ()
    not_yet: str = ""  # what of it has no test, or is not kept

    @property
    def name(self) -> str:
        return f"P{self.number}"


NEMESIS: Final[Command] = ("tests.nemesis", "--minutes", "30")
SIMULATION: Final[Command] = ("tests.simulation", "--seeds", "2000")
SEARCH: Final = ("pytest", "-q", "-p", "no:cacheprovider")
JOURNAL: Final = "tests/switch/store/test_journal.py"

PROMISES: Final[tuple[Promise, ...]] = (
    Promise(
        1, "No approval is lost, kill -9 anywhere",
        "what was told is in the switch's journal, and in the bank's ledger after recovery",
        ("tests/peers/test_kill.py", f"{JOURNAL}::test_nothing_acknowledged_is_missing_after_kill_9"), (NEMESIS,),
        "The gateway's own books are not held against the others in the nemesis.",
    ),
    Promise(
        2, "Nothing is doubled",
        "one effect a key; the same answer to every repeat; a copy that differs is answered 94",
        ("tests/peers/test_stranger.py", "tests/switch/test_promises.py"), (NEMESIS, SIMULATION),
        "Gaps between repeats are up to 10 s and not 30.",
    ),
    Promise(
        3, "Every outcome is settled",
        "thirty seconds after healing nothing is in doubt and store and forward is empty",
        ("tests/switch/test_simulation.py", "tests/switch/test_saf.py"), (NEMESIS, SIMULATION),
    ),
    Promise(
        4, "Money is conserved at all times",
        "entries sum to zero in every currency, balances are the sums of their entries and holds, at every moment",
        ("tests/issuers/test_accounts.py", "tests/issuers/test_promises.py"), (NEMESIS,),
        "The reader looks at one bank every 250 ms, in turn, and only where real processes run.",
    ),
    Promise(
        5, "Reversals are exact",
        "before, after, twice, in part, of what was declined: nothing is given back that was not taken",
        ("tests/issuers/test_reversals.py", "tests/switch/test_completion.py"),
        ((*SEARCH, "--timeout=3600", "tests/promises/test_reversals.py"),),
        "Completions are not among the moves of the machine; they have conversations of their own.",
    ),
    Promise(
        6, "Late and stray answers change nothing",
        "none reaches a gateway, none acknowledges what it does not answer",
        ("tests/peers/test_stranger.py", "tests/switch/test_promises.py"), (NEMESIS, SIMULATION),
        "There are no counters of late and stray answers to be held against what was injected.",
    ),
    Promise(
        7, "No cross-talk",
        "each answer carries what its own request carried",
        ("tests/peers/test_stranger.py",), (SIMULATION,),
        "Not yet with a million requests on each of 64 links and fifty numbers to go round.",
    ),
    Promise(
        8, "Answered by the deadline",
        "while the switch runs, nobody waits longer than the deadline and a tenth of a second",
        ("tests/switch/test_promises.py",),
        (("tests.nemesis.sick", "deadline", "--seconds", "60"),),
        "A frozen acquirer (12 s) is not tried.",
    ),
    Promise(
        9, "One sick issuer makes no other sick",
        "one of four frozen, dripping or not reading: the p99 of the others stays below 1.5 times itself and 5 ms",
        ("tests/peers/test_stranger.py",), (("tests.nemesis.sick", "neighbours", "--seconds", "30"),),
    ),
    Promise(
        10, "Damage is detected, never skipped",
        "what is read is what was written, or a torn tail is told, or the journal does not open and names the batch",
        (JOURNAL,), ((*SEARCH, JOURNAL),),
        "Flips are a sample, not every bit.",
    ),
    Promise(
        11, "A failed sync is never acknowledged",
        "after the first failed sync no answer leaves, and the process ends",
        (JOURNAL,), (NEMESIS,),
        "Not yet every one of two hundred places: the fault of the nemesis fails the third sync after it begins.",
    ),
    Promise(
        12, "A full disk declines, it does not corrupt",
        "nothing that was told is lost; service returns when there is room",
        (), (NEMESIS,),
        "NOT KEPT YET: a switch whose disk is full ends, as after a failed sync, instead of declining with 96 and going"
        " on with reversals; there is no reserve of room. What was told is safe, and it starts when there is room.",
    ),
    Promise(
        13, "A clean stop loses nothing",
        "SIGTERM: what is in flight is answered or reversed, the exit code is 0",
        ("tests/peers/test_kill.py", "tests/switch/test_promises.py"),
        (("tests.nemesis.sick", "stops", "--times", "100"),),
    ),
    Promise(
        14, "Restart is quick",
        "the time to read the journal grows no faster than the journal",
        (), (),
        "NOT YET at a million transactions; there is no snapshot, so a start reads the whole journal.",
    ),
    Promise(
        15, "Memory is bounded",
        "memory, descriptors, threads and tasks do not grow under steady load with one fault in a hundred",
        ("tests/switch/test_node.py",), (("tests.nemesis.soak", "--hours", "8"),),
        "What is remembered grows to its bound first; the slope is looked at after fifteen minutes.",
    ),
    Promise(
        16, "Overload sheds, it does not collapse",
        "at two and five times the maximum four fifths of it still get through, and refusals are quick",
        (), (),
        "NOT YET.",
    ),
    Promise(
        17, "Bad input neither crashes nor desynchronises",
        "any bytes are a message or a format error; the next good message on the link passes",
        ("tests/peers/test_bad_input.py", "tests/protocols/test_codec.py", "tests/test_regressions.py"),
        (("fuzz", "1800"),),
    ),
    Promise(
        18, "No secret at rest",
        "forty values found nowhere else are in no file, no log, no page, in no form",
        ("tests/test_secrets.py",), ((*SEARCH, "tests/test_secrets.py"),),
        "Core files are switched off and not searched for.",
    ),
    Promise(
        19, "Clocks cannot hurt",
        "timers follow the monotonic clock; dates are right whatever the calendar does",
        ("tests/protocols/test_values.py",), (),
        "Not yet against an independent table of four hundred dates, nor with faketime.",
    ),
    Promise(
        20, "Same seed, same run",
        "two runs of one seed tell the same story, word for word",
        (), (),
        "Not yet a hundred seeds under two hash seeds as a command.",
    ),
    Promise(
        21, "Nobody gets in",
        "who has no certificate, the wrong one, or has not signed on is refused, and counted",
        ("tests/switch/test_tls.py", "tests/switch/test_links.py", "tests/switch/test_macs.py"), (),
        "Not yet one suite over all attacks of the list: handshake floods and connection floods are not tried.",
    ),
    Promise(
        22, "The books agree",
        "switch and banks agree to the minor unit, transaction by transaction",
        ("tests/peers/test_books.py", "tests/switch/test_audit.py"), (NEMESIS,),
        "Not yet with a cut-over in the middle of load.",
    ),
    Promise(
        23, "Upgrades keep promises",
        "a journal of another format is refused, and untouched",
        (JOURNAL,), (),
        "NOT YET: nothing has been released, so there is no journal of a release to open.",
    ),
)  # fmt: skip
