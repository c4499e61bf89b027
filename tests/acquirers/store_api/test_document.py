"""The OpenAPI, docs/store-api.md and the server say the same; no body that fits a schema makes it fail."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from acquirers.hosted_page.words import WORDS
from acquirers.store_api.endpoints import ENDPOINTS
from acquirers.store_api.models import NewPayment, ProblemDocument
from acquirers.store_api.openapi import document
from tests.acquirers.store_api.bench import opened

PAGE = Path(__file__).parents[3] / "docs" / "store-api.md"
EXAMPLE = re.compile(r"```http\n(\w+) (\S+)\n(.*?)\n```", re.DOTALL)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.from_regex(r"\A[0-9]{1,9}(\.[0-9]{1,3})?\Z") | ANYTHING,
        "currency": st.sampled_from(["AED", "KWD", "JPY", "XAU", "ZZZ"]) | ANYTHING,
        **{name: ANYTHING for name in NewPayment.model_fields if name not in ("amount", "currency")},
    },
)


async def test_the_examples_of_the_page_work_as_they_stand(tmp_path: Path, autojump_clock: MockClock) -> None:
    examples = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    assert len(examples) == 6
    async with opened(tmp_path) as bench:
        payment: dict[str, Any] = {}
        for method, path, body in examples:
            told = await bench.client.request(
                method,
                path.replace("{payment}", payment.get("id", "")),
                content=body,
                headers={
                    "Authorization": "Bearer sk_test_souk_nobodys_key",
                    "Idempotency-Key": f"example-{hash((path, body))}",
                },
            )
            assert told.status_code in (200, 201), told.text
            if path == "/v1/payments":
                payment = told.json()
                await bench.typed(payment)


async def test_every_endpoint_is_in_the_document_and_needs_a_key(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with opened(tmp_path) as bench:
        assert (await bench.client.get("/openapi.json")).json() == document()
        for endpoint in ENDPOINTS:
            assert endpoint.method.lower() in document()["paths"][endpoint.path]
            told = await bench.client.request(endpoint.method, endpoint.path)
            assert (told.status_code, told.json()["slug"]) == (401, "key.missing")


PATHS = st.sampled_from([one.path for one in ENDPOINTS if one.keyed])


@settings(max_examples=10, deadline=None)
@given(wishes=st.lists(st.tuples(PATHS, MEMBERS | ANYTHING), min_size=8, max_size=16))
def test_whatever_is_sent_gets_an_answer_that_the_document_has(
    tmp_path_factory: Any, wishes: list[tuple[str, Any]]
) -> None:
    async def ask() -> None:
        async with opened(tmp_path_factory.mktemp("shop")) as bench:
            for path, body in wishes:
                told = await bench.post(path, body)
                said = document()["paths"][path]["post"]["responses"]
                assert str(told.status_code) in said, (told.status_code, body)
                if told.status_code >= 400:
                    ProblemDocument.model_validate(told.json())

    trio.run(ask, clock=MockClock(autojump_threshold=0))


def test_both_languages_have_every_word() -> None:
    assert WORDS["en"].keys() == WORDS["ar"].keys()
