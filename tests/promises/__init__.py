"""The promises P1 to P23: one list, what tests each, and what is not kept yet.

Every promise has a test named after it in this folder (`test_p01_…`), small enough for `./run test`, or says here in
plain words that it has none. Where the claim was tested elsewhere before, the test here is that one, imported. Full
sizes are commands; `./run promises [P…]` runs them and keeps the results in docs/promises.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.attacks import ATTACKS

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

#: All files in which an attack of the list is tried.
ATTACKED: Final = tuple(sorted({where.partition("::")[0] for one in ATTACKS.values() for where in one.tried}))

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
        ("tests/peers/test_stranger.py",), (("tests.simulation", "--cross-talk", "10000"), SIMULATION),
        "Ten thousand requests on each of 64 links and not a million: that would be a night's work of one core.",
    ),
    Promise(
        8, "Answered by the deadline",
        "while the switch runs, nobody waits longer than the deadline and a tenth of a second",
        ("tests/switch/test_promises.py",),
        (("tests.nemesis.sick", "deadline", "--seconds", "60"), (*SEARCH, "tests/peers/test_fail_over.py")),
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
        (JOURNAL, "tests/switch/test_snapshot.py"), (("tests.promises.damage",), (*SEARCH, JOURNAL)),
        "Batches more than 10 000 before a snapshot are verified beside the switch, after it began to work.",
    ),
    Promise(
        11, "A failed sync is never acknowledged",
        "after the first failed sync no answer leaves, and the process ends",
        (JOURNAL,), (("tests.promises.storage", "syncs", "--times", "200"),),
        "Under strace the end takes a second or two longer, so the second that is promised is measured without.",
    ),
    Promise(
        12, "A full disk declines, it does not corrupt",
        "below a reserve new requests are declined 96 and reversals still recorded; nothing that was told is lost",
        ("tests/switch/test_full_disk.py",), (("tests.promises.storage", "room"), NEMESIS),
        "With not a byte left the switch ends, as after a failed sync. A disk without free inodes is not tried.",
    ),
    Promise(
        13, "A clean stop loses nothing",
        "SIGTERM: what is in flight is answered or reversed, the exit code is 0",
        ("tests/peers/test_kill.py", "tests/switch/test_promises.py"),
        (("tests.nemesis.sick", "stops", "--times", "100"),),
    ),
    Promise(
        14, "Restart is quick",
        "a start reads a snapshot and what the journal has after it, and knows what the whole journal says",
        ("tests/switch/test_snapshot.py",), (("benchmarks.restart", "1000000"),),
        "Without a snapshot the time grows with the journal. A snapshot is taken every 200 000 records, not at a stop.",
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
        ("tests/switch/test_node.py",), (("benchmarks.overload",),),
        "What is too much is not refused: it is not read, so TCP makes the asker wait, and nothing asked is lost.",
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
        ("tests/protocols/test_values.py", "tests/promises/test_calendar.py"),
        ((*SEARCH, "tests/promises/test_calendar.py", "tests/promises/test_in_one_process.py", "-k", "p19"),),
        "Not with faketime on real processes.",
    ),
    Promise(
        20, "Same seed, same run",
        "two runs of one seed tell the same story, word for word",
        (), (("tests.promises.same_seed", "--seeds", "100"),),
    ),
    Promise(
        21, "Nobody gets in",
        "who has no certificate, the wrong one, or has not signed on is refused, and counted",
        ("tests/attacks/test_the_list.py", "tests/switch/test_tls.py", "tests/switch/test_links.py"),
        ((*SEARCH, *ATTACKED),),
        "tests/attacks/__init__.py says attack by attack what is not tried.",
    ),
    Promise(
        22, "The books agree",
        "switch and banks agree to the minor unit, transaction by transaction",
        ("tests/peers/test_books.py", "tests/switch/test_audit.py"), (NEMESIS,),
        "There is no cut-over to try: a business date is the day of UTC of each record (switch/totals.py).",
    ),
    Promise(
        23, "Upgrades keep promises",
        "a journal of every earlier format opens, wherever the upgrade is killed; a later one is refused untouched",
        ("tests/promises/test_upgrades.py",), ((*SEARCH, "tests/promises/test_upgrades.py"),),
        "There has been one format so far, so no upgrade has anything to change yet.",
    ),
)  # fmt: skip
