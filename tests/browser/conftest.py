"""A real browser without a screen. Asked for by `./run browser`; left out, with the reason, where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ASKED_FOR = "PAYSWITCH_BROWSER"  # set by ./run browser
HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = why_not()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


def why_not() -> str:
    """Why there is no browser to drive; nothing if there is one."""
    if not os.environ.get(ASKED_FOR):
        return "browser tests run with ./run browser"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "playwright is not installed: ./run browser installs it"
    return "" if chromium() else "there is no chromium: apt-get install chromium"


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # No sandbox: in a container we are root, and the pages are our own.
        running = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield running
        running.close()
