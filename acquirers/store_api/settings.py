"""What a gateway's file says of its store API: where it listens, which keys its shops begin with.

Pure: a part of `gateways/NAME.toml` in, one value out. The keys in there are the demonstration's, in clear
because a shop needs them in clear; keys made at run time are kept as digests only.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from acquirers.store_api.scope import Scope


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TestKey(_Listed):
    """A key that a shop begins with."""

    __test__ = False  # not a test, whatever pytest makes of its name

    merchant: str
    test_key: Annotated[SecretStr, Field(min_length=16)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]


class DirectoryEntry(_Listed):
    """Cards whose holders a bank authenticates, and where it answers."""

    prefixes: Annotated[tuple[Annotated[str, Field(pattern=r"^[0-9]{1,11}$")], ...], Field(min_length=1)]
    acs: str  # a port of network.toml, by name; host:port on this machine; or https://…
    test_key: Annotated[SecretStr, Field(min_length=16)]


class StoreApiFile(_Listed):
    """The table `[store_api]`."""

    listens: str  # a port of network.toml, by name
    tls: bool = True  # with the gateway's own certificate; plain only where nobody is in between
    hsm: str = "hsm"  # who wraps the vault's key
    page_minutes: Annotated[int, Field(gt=0, le=60 * 24)] = 30  # how long a buyer may take
    finalize_minutes: Annotated[int, Field(gt=0, le=60 * 24)] = 15  # how long a shop may take to hear of it
    keys: tuple[TestKey, ...] = ()
    directory: tuple[DirectoryEntry, ...] = ()  # 3-D Secure; of other cards nobody is authenticated
