"""What the store's own file says: `souk.toml`, in its own words. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from protocols.money import Amount
from protocols.network import NetworkError, explained, read_toml, source

FILE: Final = "souk.toml"
Picture = Literal["book", "chart", "dates", "pot", "seeds", "lantern", "box"]
PICTURES: Final[tuple[str, ...]] = get_args(Picture)


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Seller(_Listed):
    """Somebody with a stall."""

    user: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
    name: str
    name_ar: str
    sub_merchant: Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,22}$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    password: Annotated[str, Field(pattern=r"^\$argon2id\$", repr=False)]  # its hash


class Offer(_Listed):
    """What is for sale: in the file on the first day, in the books from then on. `price` in the seller's currency."""

    seller: str
    title: Annotated[str, Field(min_length=1, max_length=80)]
    title_ar: Annotated[str, Field(max_length=80)] = ""
    about: Annotated[str, Field(max_length=400)] = ""
    about_ar: Annotated[str, Field(max_length=400)] = ""
    price: Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,3})?$")]
    stock: Annotated[int, Field(ge=0, le=9999)]
    picture: Picture = "box"


class SoukFile(_Listed):
    """The whole file."""

    title: str
    listens: str
    store_api: str
    test_key: Annotated[SecretStr, Field(min_length=16)]
    sellers: tuple[Seller, ...]
    goods: tuple[Offer, ...] = ()


def load_souk(directory: Path | None = None) -> SoukFile:
    """The store's file; NetworkError lists everything that is wrong with it."""
    try:
        file = SoukFile.model_validate(read_toml(source(directory, FILE)))
    except ValidationError as error:
        raise NetworkError(explained(FILE, error)) from None
    currencies = {one.user: one.currency for one in file.sellers}
    problems = []
    for number, offer in enumerate(file.goods):
        if offer.seller not in currencies:
            problems.append(f"{FILE}: goods.{number}.seller: nobody is called {offer.seller!r}")
        elif not is_price(offer.price, currencies[offer.seller]):
            problems.append(f"{FILE}: goods.{number}.price: not an amount of {currencies[offer.seller]}")
    if problems:
        raise NetworkError(problems)
    return file


def is_price(text: str, code: str) -> bool:
    """
    >>> is_price("4.500", "KWD"), is_price("4.500", "USD"), is_price("0", "USD")
    (True, False, False)
    """
    try:
        return Amount.parse(text, code).minor > 0
    except ValueError:
        return False
