"""The OpenAPI 3.1 document, made from the table of endpoints and the models that check the requests. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from acquirers.store_api.endpoint import Endpoint
from acquirers.store_api.endpoints import ENDPOINTS
from acquirers.store_api.models import EventBody, ProblemDocument
from acquirers.store_api.problem import KINDS, MEDIA_TYPE

#: What any endpoint may say.
EVERYWHERE: Final = ("key.missing", "key.scope", "request.invalid", "internal", "stopping")
WITH_BODY: Final = ("request.unreadable", "request.too_large", "idempotency.missing", "idempotency.differs")
KEY_PATTERN: Final = r"^[!-~]{8,100}$"


@cache
def document() -> dict[str, Any]:
    """The whole document; the same object every time."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Store API",
            "version": "1.0.0",
            "description": "Internet shops take payments. Card numbers are typed on the hosted page and nowhere else.",
        },
        "security": [{"api_key": []}],
        "paths": paths,
        "webhooks": {"news": {"post": _news()}},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"api_key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> dict[str, Any]:
    models: list[type[BaseModel]] = [ProblemDocument, EventBody]
    models += [model for one in ENDPOINTS for model in (one.request, one.response) if model is not None]
    wanted = [(model, "validation") for model in dict.fromkeys(models)]
    _, definitions = models_json_schema(wanted, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    found: dict[str, Any] = definitions["$defs"]
    return found


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"Scope: `{endpoint.scope}`.",
        "parameters": list(_parameters(endpoint)),
        "responses": _responses(endpoint),
    }
    if endpoint.request is not None:
        operation["requestBody"] = {"required": True, "content": _json(endpoint.request)}
    return operation


def _parameters(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    for part in endpoint.path.split("/"):
        if part.startswith("{"):
            yield {"name": part.strip("{}"), "in": "path", "required": True, "schema": {"type": "string"}}
    for one in endpoint.query:
        yield {"name": one.name, "in": "query", "description": one.description, "schema": dict(one.schema)}
    if endpoint.keyed:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "Of your own making, one for each thing you want done. The same again gets the same answer.",
            "schema": {"type": "string", "pattern": KEY_PATTERN},
        }


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if endpoint.response is not None:
        done["content"] = _json(endpoint.response)
    responses = {str(endpoint.status): done}
    by_status: dict[int, list[str]] = {}
    for slug in problems_of(endpoint):
        by_status.setdefault(KINDS[slug].status, []).append(slug)
    for status, slugs in sorted(by_status.items()):
        responses[str(status)] = {
            "description": " ".join(f"`{slug}`: {KINDS[slug].title}" for slug in slugs),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
    return responses


def problems_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Every slug that it may answer with."""
    found = "{" in endpoint.path
    listed = EVERYWHERE + (WITH_BODY if endpoint.keyed else ()) + (("not.found",) if found else ()) + endpoint.problems
    return tuple(dict.fromkeys(listed))


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _news() -> dict[str, Any]:
    return {
        "summary": "What your webhook receives, signed in the header Payswitch-Signature",
        "requestBody": {"content": _json(EventBody)},
        "responses": {"2XX": {"description": "Taken. Anything else is tried again."}},
    }
