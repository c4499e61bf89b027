"""`load report DIR`: the report of a run, made anew from what the run wrote down: report.html, and pictures with --png.

A run makes its report by itself; this is for runs of other machines, and for other versions of the page.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from loadtest.report import report_page
from loadtest.result import Exit, Result
from loadtest.usage import UsageError

HELP = "make the report of a run directory anew"
PAGE = "report.html"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="what `run --out` wrote")
    parser.add_argument("--png", action="store_true", help="the charts as pictures, too")
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="write there instead of beside the run")


def main(options: argparse.Namespace) -> int:
    """The exit code says that the report was made, not how the run ended."""
    result = read_result(options.directory)
    for path in write_report(result, options.out or options.directory, with_pictures=options.png):
        print(path)
    return Exit.PASSED


def read_result(directory: Path) -> Result:
    """A run's result; UsageError where there is none."""
    try:
        return Result.read(directory)
    except OSError as error:
        raise UsageError(f"{directory}: not a run's directory: {error.strerror}: {error.filename}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{directory}: cannot be read as a run: {type(error).__name__}") from None


def write_report(result: Result, directory: Path, *, with_pictures: bool = False) -> list[Path]:
    """report.html, and a PNG for every chart where asked; the paths that were written."""
    directory.mkdir(parents=True, exist_ok=True)
    page = directory / PAGE
    page.write_text(report_page(result), encoding="utf-8")
    written = [page]
    if with_pictures:
        from loadtest.pictures import pictures

        for name, picture in pictures(result).items():
            written.append(directory / f"{name}.png")
            written[-1].write_bytes(picture)
    return written
