"""Orders about merchants: boarded, changed and closed while the switch runs, and still so after a restart.

On disk first, then in force: a small file beside the journal, written anew and put in the old one's place. The next
request is held to the new contract; what the lane remembers of kinds is forgotten.
"""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from protocols.runtime.exits import DamagedStateError
from switch.boarding import Boarded, BoardingError, Change, apply, changed, document_of
from switch.home import BOARDED
from switch.merchants import Merchant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switch.configuration import Configuration
    from switch.shell.node import Node


def restore_boarded(configuration: Configuration, folder: Path) -> None:
    """Lay over the files' merchants what was boarded before; DamagedStateError where that cannot be read."""
    try:
        apply(_read(folder), _merchants(configuration), configuration.participants)
    except (BoardingError, ValueError) as error:
        raise DamagedStateError(f"{folder / BOARDED}: {error}") from None


def list_merchants(node: Node, asked: Mapping[str, Any]) -> dict[str, Any]:
    """An acquirer's merchants as their contracts stand now."""
    owned = [one for one in node.core.network.merchants.values() if one.acquirer == asked.get("acquirer")]
    return {"merchants": [document_of(one) for one in sorted(owned, key=lambda one: one.id)]}


def board(node: Node, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A merchant with its contract, or more of one that is there. BoardingError says why not."""
    change = Change(
        str(asked.get("acquirer")),
        str(asked.get("merchant")),
        asked.get("contract"),
        tuple(map(str, asked.get("terminals") or ())),
        tuple(map(str, asked.get("without") or ())),
        asked.get("tenants"),
    )
    configuration = node.core.network
    merchant = changed(change, configuration.merchants, configuration.participants)
    _write(node, {merchant.id: document_of(merchant)})
    _merchants(configuration)[merchant.id] = merchant
    node.core.contracts_changed()
    return document_of(merchant)


def close(node: Node, asked: Mapping[str, Any]) -> None:
    """A merchant goes: nothing is taken from it any more. What it owes and is owed stays in the books."""
    configuration, id_ = node.core.network, str(asked.get("merchant"))
    known = configuration.merchants.get(id_)
    if known is None or known.acquirer != asked.get("acquirer"):
        raise BoardingError(f"{asked.get('acquirer')} has no merchant {id_!r}")
    _write(node, {id_: None})
    del _merchants(configuration)[id_]
    node.core.contracts_changed()


def _merchants(configuration: Configuration) -> MutableMapping[str, Merchant]:
    """The one mapping that everybody looks merchants up in; only this file changes it."""
    return cast("MutableMapping[str, Merchant]", configuration.merchants)


def _read(folder: Path) -> Boarded:
    try:
        found: Boarded = json.loads((folder / BOARDED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _write(node: Node, more: Boarded) -> None:
    folder = node.folder
    if folder is None:
        raise BoardingError("this switch keeps nothing on disk")
    new = folder / f"{BOARDED}.new"
    with new.open("w", encoding="utf-8") as file:
        json.dump({**_read(folder), **more}, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / BOARDED)
