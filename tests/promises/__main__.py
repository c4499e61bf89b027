"""`./run promises [P…] [--list] [--write]`: promises at full size, and what came of it kept in docs/promises.md.

A command that serves several promises runs once. `--minutes N` shortens those that are measured in minutes or hours,
for a look; the result then says so. `--write` only writes the page anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

from tests.nemesis.run import commit
from tests.promises import PROMISES, Command
from tests.promises.page import PAGE, RESULTS, page, said

BROKEN = 5


def shortened(command: Command, minutes: float | None) -> Command:
    """The same for so many minutes.

    >>> shortened(("tests.nemesis", "--minutes", "30"), 2)
    ('tests.nemesis', '--minutes', '2')
    """
    if minutes is None:
        return command
    units = {"--minutes": minutes, "--hours": minutes / 60, "--seconds": minutes * 60}
    words = list(command)
    for at, word in enumerate(words[:-1]):
        if word in units:
            words[at + 1] = f"{units[word]:g}"
    if words[0] == "fuzz":
        words[1] = f"{minutes * 60:g}"
    return tuple(words)


def machine() -> str:
    """What it ran on, without a name."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def ran(command: Command) -> tuple[bool, str]:
    """Whether every promise in it was kept, and the seed that it told of."""
    print(f"$ {said(command)}", flush=True)
    began, seed = time.monotonic(), "no seed"
    environment = {**os.environ, "PROMISES": "full"}
    with subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            if found := re.match(r"seed \d+", line):
                seed = found[0]
    print(f"exit code {running.returncode} after {time.monotonic() - began:.0f} s", flush=True)
    return running.returncode == 0, seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="run promises", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="P", help="P1 … P23; without: all")
    parser.add_argument("--minutes", type=float, default=None, help="a look, not the full size")
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("--write", action="store_true", help="write docs/promises.md, run nothing")
    options = parser.parse_args()
    names = {name.upper() for name in options.names} or {one.name for one in PROMISES}
    if unknown := names - {one.name for one in PROMISES}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    chosen = [one for one in PROMISES if one.name in names]
    results: dict[str, dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if options.list:
        for one in chosen:
            print(f"{one.name:4} {one.title}: {'; '.join(map(said, one.full)) or 'not yet'}")
        return 0
    outcomes: dict[Command, tuple[bool, str]] = {}
    for one in [] if options.write else chosen:
        commands = [shortened(command, options.minutes) for command in one.full]
        if not commands:
            print(f"{one.name}: no full size yet. {one.not_yet}")
            continue
        for command in commands:
            if command not in outcomes:
                outcomes[command] = ran(command)
        results[one.name] = {
            "kept": all(outcomes[command][0] for command in commands),
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "seed": ", ".join(dict.fromkeys(outcomes[command][1] for command in commands)),
            "size": "" if options.minutes is None else f"shortened to {options.minutes:g} minutes",
            "commit": commit(),
            "machine": machine(),
        }
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(page(results))
    broken = [one.name for one in chosen if not results.get(one.name, {"kept": True})["kept"]]
    print(f"broken: {', '.join(broken)}" if broken else "nothing that was looked at is broken")
    return BROKEN if broken else 0


if __name__ == "__main__":
    sys.exit(main())
