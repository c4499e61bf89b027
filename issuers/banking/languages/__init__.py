"""The languages of the pages, one file each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from issuers.banking.language import Language
from protocols.catalog import declared

LANGUAGES: Final[Mapping[str, Language]] = {one.code: one for one in declared(__name__, "LANGUAGE")}
FIRST: Final = LANGUAGES["en"]  # for whoever has not chosen, and whose browser says nothing we know
