"""`load cards`: make a population of test cards; or write the same population behind an issuing bank's file.

    load cards --count 1000000 --prefix 978410:16 --seed 7 --out cards.bin
    load cards --count 5000 --prefix 978410:16 --out cards.bin --bank banks/nbd.toml --bank-out seeded/nbd.toml
    load cards --count 1000 --prefix 978430:16 --out cards.bin --pins --hsm 127.0.0.1:1500 --pvk U… --cvk U…

2 % are expired, others lost, stolen, blocked or poor; each card knows the DE 39 that it must be answered. The numbers
are in the ranges of the demonstration network, where no real card can be. PVV and CVV are made by the HSM, which knows
the keys; its own time comes on top (a few thousand cards a second).
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from loadtest.card_file import CardFile, TestCard, write_cards
from loadtest.issuer_seed import NotABankError, seeded_bank
from loadtest.population import PER_MILLE, Population, PopulationError, Range
from loadtest.usage import UsageError

HELP = "make a population of test cards"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="how many (10000)")
    parser.add_argument(
        "--prefix",
        action="append",
        default=None,
        metavar="PREFIX[:LENGTH]",
        help="where numbers come from (978410:16); again for several ranges, dealt in turn",
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="the same seed, the same cards (7)")
    parser.add_argument("--out", type=Path, default=Path("cards.bin"), metavar="FILE", help="(cards.bin)")
    parser.add_argument("--currency", default=None, metavar="NNN", help="ISO 4217 number; else the range's own")
    parser.add_argument("--i-own-these", action="store_true", help="the ranges are mine, real cards or not")
    parser.add_argument("--pins", action="store_true", help="give each card a PIN")
    parser.add_argument("--hsm", default=None, metavar="HOST:PORT", help="make PVV and CVV there")
    parser.add_argument("--pvk", default=None, metavar="KEY", help="PIN verification key under the HSM's LMK")
    parser.add_argument("--cvk", default=None, metavar="KEY", help="card verification key under the HSM's LMK")
    parser.add_argument("--bank", type=Path, default=None, metavar="FILE", help="an issuing bank's file …")
    parser.add_argument("--bank-out", type=Path, default=None, metavar="FILE", help="… to write again with these cards")


def main(options: argparse.Namespace) -> int:
    began = monotonic()
    population = asked_for(options)
    cards: Iterable[TestCard] = population.cards()
    if options.hsm:
        from loadtest.shell.personalise import personalised

        cards = personalised(list(cards), options.hsm, options.pvk, options.cvk)
    counted: Counter[str] = Counter()
    try:
        write_cards(options.out, _counted(cards, counted), population.count, population.seed)
        if options.bank:
            write_bank(options.bank, options.bank_out, options.out)
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None
    kinds = ", ".join(f"{number} {kind}" for kind, number in counted.most_common())
    size_mb = options.out.stat().st_size / 1e6
    print(f"{options.out}: {population.count} test cards in {monotonic() - began:.1f} s, {size_mb:.1f} MB: {kinds}")
    print("These cards are nobody's and for tests only; the file is readable by you alone.")
    return 0


def asked_for(options: argparse.Namespace) -> Population:
    """What the command line asks for; UsageError where it cannot be."""
    try:
        ranges = [
            Range.parse(text, own=options.i_own_these, currency=options.currency)
            for text in options.prefix or ["978410:16"]
        ]
        with_pins = options.pins or options.pvk is not None
        if options.hsm and not (options.pvk or options.cvk):
            raise PopulationError("--hsm: say which key with --pvk or --cvk")
        if bool(options.bank) != bool(options.bank_out):
            raise PopulationError("--bank and --bank-out go together: a bank's file is never changed in place")
        return Population(options.count, ranges, options.seed, with_pins, PER_MILLE)
    except PopulationError as error:
        raise UsageError(str(error)) from None


def write_bank(bank: Path, out: Path, cards: Path) -> None:
    """The bank's file with the cards behind it."""
    try:
        text = bank.read_text(encoding="utf-8")
        with CardFile(cards) as file, out.open("w", encoding="utf-8") as target:
            target.writelines(seeded_bank(text, file))
    except NotABankError as error:
        raise UsageError(f"{bank}: {error}") from None
    print(f"{out}: the same cards for the issuer")


def _counted(cards: Iterable[TestCard], counted: Counter[str]) -> Iterable[TestCard]:
    for card in cards:
        counted[card.kind.name.lower()] += 1
        yield card
