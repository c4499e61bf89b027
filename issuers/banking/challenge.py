"""The access control server over HTTP: what gateways ask in JSON, and the page on which a holder types the code.

The page needs no signing in: whoever pays proves with the code, which stands in the inbox of online banking, that they
can. It works without a script. The address that the browser goes back to is the gateway's, which has shown its key.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from issuers.access_control import AccessControl, Challenge
from issuers.banking.forms import FormError, read_form
from issuers.banking.guard import policy
from issuers.banking.language import figures
from issuers.banking.pages import for_holders, inbox_of, site_of
from issuers.banking.sessions import Session
from issuers.banking.site import SEE_OTHER, Site, language_of
from protocols.money import UnknownCurrencyError
from protocols.three_d_secure import MESSAGE_MAX, AReq, CReq, CRes, RReq, packed, unpacked

M = TypeVar("M", bound=BaseModel)


# Gateways


async def authenticate(request: Request) -> Response:
    """AReq in, ARes out."""
    control, requestor = _let_in(request)
    areq = await _read(request, AReq)
    try:
        ares = await control.authenticate(areq, requestor, f"{request.base_url}acs/challenge")
    except (ValueError, UnknownCurrencyError):  # no card number, no currency
        raise HTTPException(400) from None
    return Response(ares.json_text, media_type="application/json")


async def result(request: Request) -> Response:
    """RReq in, RRes out; once."""
    control, requestor = _let_in(request)
    rres = control.result(await _read(request, RReq), requestor)
    if rres is None:
        raise HTTPException(404)
    return Response(rres.json_text, media_type="application/json")


def _let_in(request: Request) -> tuple[AccessControl, str]:
    control = site_of(request).access_control
    requestor = control.requestor(request.headers.get("authorization", ""))
    if requestor is None:
        raise HTTPException(403)
    return control, requestor


async def _read(request: Request, model: type[M]) -> M:
    body = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > MESSAGE_MAX:
                raise HTTPException(413)
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError:
        raise HTTPException(400) from None  # and nothing of what it said


# Holders


async def show(request: Request) -> Response:
    """The page, for a CReq that a browser brings."""
    creq = unpacked(CReq, request.query_params.get("creq", ""))
    challenge = site_of(request).access_control.find(creq.acs_id) if creq else None
    if creq is None or challenge is None or challenge.areq.server_id != creq.server_id:
        raise HTTPException(404)
    return _shown(request, challenge)


async def answer(request: Request) -> Response:
    """A code, or no."""
    control = site_of(request).access_control
    challenge = control.find(request.path_params["challenge"])
    if challenge is None:
        raise HTTPException(404)
    try:
        form = await read_form(request)
    except FormError:
        raise HTTPException(400) from None
    if form.get("do") == "cancel":
        control.give_up(challenge)
        return _back(challenge)
    is_right = await control.entered(challenge, form.get("code", "").translate(DIGITS).replace(" ", ""))
    return _shown(request, challenge, is_wrong=not is_right, status=422)


#: A telephone in Arabic types Arabic digits, of either kind.
DIGITS = {ord(char): str(at % 10) for at, char in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}


def _shown(request: Request, challenge: Challenge, *, is_wrong: bool = False, status: int = 200) -> Response:
    """The form, or the way back once there is an answer."""
    if not challenge.is_open:
        return _back(challenge)
    language = language_of(request)
    amount = f"{figures(challenge.amount, challenge.currency)}"
    response = site_of(request).page(
        request,
        "challenge.html",
        None,
        status,
        challenge=challenge,
        amount=amount,
        currency=language.currency(challenge.currency),
        is_wrong=is_wrong,
    )
    where = urlsplit(challenge.areq.notification_url)
    response.headers["content-security-policy"] = policy(f"{where.scheme}://{where.netloc}")
    return response


def _back(challenge: Challenge) -> Response:
    cres = CRes(server_id=challenge.areq.server_id, acs_id=challenge.acs_id, status=challenge.status)
    return RedirectResponse(f"{challenge.areq.notification_url}?{urlencode({'cres': packed(cres)})}", SEE_OTHER)


@for_holders
async def inbox(request: Request, site: Site, session: Session) -> Response:
    """The codes that wait for the holder."""
    return site.page(request, "inbox.html", session, **inbox_of(site, session, language_of(request)))
