"""The machine we run on, as far as a result says it: how much CPU we may use, which commit, which versions."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
_OLD_QUOTA: Final = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
_OLD_PERIOD: Final = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def cpus() -> float:
    """How many processors this process may use: affinity and quota counted."""
    has_affinity = hasattr(os, "sched_getaffinity")
    allowed = float(len(os.sched_getaffinity(0))) if has_affinity else float(os.cpu_count() or 1)
    return min(allowed, _quota() or allowed)


def _quota() -> float | None:
    try:
        limit, period = _QUOTA.read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        pass
    try:
        limit_us = int(_OLD_QUOTA.read_text())
        return limit_us / int(_OLD_PERIOD.read_text()) if limit_us > 0 else None
    except (OSError, ValueError):
        return None


def versions() -> dict[str, str]:
    """Of what took part in the measuring."""
    found = {"python": platform.python_version(), "kernel": platform.release()}
    for name in ("payswitch", "trio", "hdrhistogram"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Of the tester's own source, where it lies in a repository; else nothing."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def host() -> str:
    """The machine by name and size."""
    return f"{platform.node()}, {platform.machine()}, {cpus():g} CPUs"
