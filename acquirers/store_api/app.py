"""The store API as an ASGI application: who may come in, what the body says, which answer goes out, once.

Every endpoint passes the same gate: key, scope, body, Idempotency-Key. A request that is repeated while the
first is being worked on waits for its answer; a repeat of a finished one gets the answer from the books, also
after a restart. Nothing of a request is logged. What endpoints do is in `endpoints`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
import trio
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from acquirers.store_api import openapi
from acquirers.store_api.endpoint import Call, Endpoint
from acquirers.store_api.endpoints import ENDPOINTS
from acquirers.store_api.office import Caller, Office, same
from acquirers.store_api.problem import MEDIA_TYPE, Problem

BODY_MAX: Final = 64 * 1024  # ten times the largest request that says something
_KEY = re.compile(openapi.KEY_PATTERN)
HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

log = structlog.get_logger()


def make_app(office: Office, more: list[BaseRoute] | None = None) -> Starlette:
    """The application; `more`: routes of the hosted page."""
    doors = Doors(office)
    routes: list[BaseRoute] = [
        Route("/openapi.json", _document, methods=["GET"]),
        Route("/healthz", _healthy, methods=["GET"]),
    ]
    for path in dict.fromkeys(endpoint.path for endpoint in ENDPOINTS):
        here = {endpoint.method: endpoint for endpoint in ENDPOINTS if endpoint.path == path}
        routes.append(Route(path, doors.at(here), methods=list(here)))
    handlers: Any = {HTTPException: _strayed, Exception: _failed}
    return Starlette(routes=[*routes, *(more or [])], exception_handlers=handlers)


class Doors:
    """The gate that every endpoint stands behind."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._working: dict[tuple[str, str], trio.Event] = {}

    def at(self, endpoints: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
        """The handler of a path."""

        async def handle(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            try:
                return await self._let_in(endpoints[method], request)
            except Problem as problem:
                return written(problem)

        return handle

    async def _let_in(self, endpoint: Endpoint, request: Request) -> Response:
        caller = self._office.caller(request.headers.get("authorization", ""))
        if endpoint.scope not in caller.scopes:
            raise Problem("key.scope", f"It needs the scope {endpoint.scope}.")
        raw = await _body(request) if endpoint.request else b""
        if not endpoint.keyed:
            return await self._answered(endpoint, request, caller, None, None)
        key = request.headers.get("idempotency-key", "")
        if not _KEY.fullmatch(key):
            raise Problem("idempotency.missing", "8 to 100 visible characters.")
        body = _read(endpoint, raw)
        digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode() + _canonical(raw)).hexdigest()
        return await self._once(endpoint, request, caller, key, body, digest)

    async def _once(
        self, endpoint: Endpoint, request: Request, caller: Caller, key: str, body: Any, digest: str
    ) -> Response:
        """The answer to this key: the first time by doing it, later from the books."""
        office, name = self._office, (caller.merchant, key)
        while (given := office.given(caller.merchant, key)) is not None:
            if not same(given.digest, digest):
                raise Problem("idempotency.differs")
            if given.status is not None and given.body is not None:
                return _replayed(given.status, given.body)
            if (working := self._working.get(name)) is None:
                office.resume_one(caller.merchant, key)  # nobody works on it any more
                continue
            await working.wait()
        self._working[name] = trio.Event()
        office.take_up(caller.merchant, key, digest)
        try:
            answer = await self._answered(endpoint, request, caller, key, body)
            office.give(caller.merchant, key, answer.status_code, bytes(answer.body).decode())
            return answer
        except Problem as problem:
            if problem.happened:
                office.give(caller.merchant, key, problem.kind.status, json.dumps(problem.document()))
            else:
                office.let_go(caller.merchant, key)
            raise
        except BaseException:  # cut off, or a fault of ours: something may be out, so the books say what
            office.resume_one(caller.merchant, key)
            raise
        finally:
            self._working.pop(name).set()

    async def _answered(
        self, endpoint: Endpoint, request: Request, caller: Caller, key: str | None, body: Any
    ) -> Response:
        merchant = self._office.desk.merchant(caller.merchant)
        path = {name: str(value) for name, value in request.path_params.items()}
        call = Call(self._office, merchant, caller.scopes, path, dict(request.query_params), body, key)
        answer = await endpoint.answer(call)
        if answer is None:
            return Response(status_code=endpoint.status, headers=HEADERS)
        return _json(answer.model_dump_json(exclude_none=True), endpoint.status)


async def _body(request: Request) -> bytes:
    """As much as a request may say; more is not even read."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_MAX:
            raise Problem("request.too_large")
        parts.append(part)
    return b"".join(parts)


def _read(endpoint: Endpoint, raw: bytes) -> BaseModel | None:
    if endpoint.request is None:
        return None
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise Problem("request.unreadable") from None
    try:
        return endpoint.request.model_validate(document)
    except ValidationError as error:
        raise Problem("request.invalid", problems=list(_faults(error))) from None


def _faults(error: ValidationError) -> list[str]:
    """Each fault with its path; what was sent is never repeated."""
    details = error.errors(include_input=False, include_url=False, include_context=False)
    return [f"{'.'.join(str(part)[:40] for part in one['loc']) or 'body'}: {one['msg']}" for one in details[:20]]


def _canonical(raw: bytes) -> bytes:
    """The same request, however its members are ordered and spaced."""
    return json.dumps(json.loads(raw), sort_keys=True).encode()


def _json(text: str, status: int, **more: str) -> Response:
    return Response(text, status, {**HEADERS, **more}, "application/json")


def _replayed(status: int, body: str) -> Response:
    if status >= 400:
        return Response(body, status, {**HEADERS, "Idempotent-Replayed": "true"}, MEDIA_TYPE)
    return _json(body, status, **{"Idempotent-Replayed": "true"})


def written(problem: Problem) -> Response:
    """A problem on its way out."""
    more = {"WWW-Authenticate": "Bearer"} if problem.kind.status == 401 else {}
    return Response(json.dumps(problem.document()), problem.kind.status, {**HEADERS, **more}, MEDIA_TYPE)


async def _document(_request: Request) -> Response:
    return JSONResponse(openapi.document())


async def _healthy(_request: Request) -> Response:
    return Response("ok\n", media_type="text/plain")


async def _strayed(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    allowed = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    answer = written(Problem("method.unknown" if status == 405 else "not.found"))
    answer.headers.update(allowed)
    return answer


async def _failed(_request: Request, error: Exception) -> Response:
    log.error("a request failed", error=type(error).__name__)
    return written(Problem("internal"))
