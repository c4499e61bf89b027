"""One target, for some seconds: the process that `fuzz` starts for each.

Time and memory for a single input are bounded too: an input that takes longer or more is a
crash like any other.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

from fuzz.target import INPUT_MAX, Target

STARTED = time.monotonic()  # making a fuzzer see into modules takes its time, and that counts
INPUT_S = 5  # for one input; a parser takes microseconds, a fuzzer's machine may be busy
MEMORY_MB = 1024
LEAST_S = 1
TRACED = ["protocols"]  # the switch too where it is the target; what else is looked into costs time at the start


def main(name: str, seconds: str, kept: str) -> int:
    """Fuzz one target; whatever breaks it is written to the folder `kept`."""
    try:
        import atheris
    except ImportError:
        return by_ourselves(name, float(seconds), Path(kept))
    with atheris.instrument_imports(include=[*TRACED, *(["switch"] if name.startswith("core-") else [])]):
        from fuzz.targets import target_named

        target = target_named(name)
    with tempfile.TemporaryDirectory(prefix="corpus-") as corpus:
        sow(target, Path(corpus))
        Path(kept).mkdir(parents=True, exist_ok=True)
        limits = [
            f"-max_total_time={left(float(seconds)):.0f}",
            f"-timeout={INPUT_S}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-max_len={INPUT_MAX}",
        ]
        atheris.Setup(["fuzz", *limits, "-print_final_stats=1", f"-artifact_prefix={kept}/", corpus], target.one)
        atheris.Fuzz()  # ends the process itself when the time is up
    return 0


def by_ourselves(name: str, seconds: float, kept: Path) -> int:
    from fuzz.loop import fuzz
    from fuzz.targets import target_named

    target = target_named(name)
    crash, tried = fuzz(target, left(seconds), SystemRandom())
    print(f"number_of_executed_units: {tried}")
    if crash is None:
        return 0
    kept.mkdir(parents=True, exist_ok=True)
    (kept / f"crash-{hashlib.sha256(crash).hexdigest()[:16]}").write_bytes(crash)
    target.one(crash)  # once more, to say how
    return 1


def left(seconds: float) -> float:
    """What remains of the time after starting."""
    return max(LEAST_S, seconds - (time.monotonic() - STARTED))


def sow(target: Target, corpus: Path) -> None:
    """The seeds as files, as a fuzzer wants them."""
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed[:INPUT_MAX])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
