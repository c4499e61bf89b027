"""The buttons: one function each, all of them POST. They give the orders that `payswitch saf` gives."""

from __future__ import annotations

import secrets

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from switch.console.forms import FormError, read_form
from switch.console.sessions import Session
from switch.console.site import Site, door, for_insiders, see, site_of
from switch.shell import orders

#: What a button orders, and what is said when it is done.
DEEDS = {
    "retry": ("saf-retry", "will be sent again now"),
    "park": ("saf-park", "is left alone until somebody retries it"),
}


async def enter(request: Request) -> Response:
    """The token, typed in."""
    site = site_of(request)
    given = (await _form(request)).get("token", "")
    return site.begin() if site.is_the_token(given) else door(request, site, "This is not the token of this switch.")


@for_insiders
async def leave(request: Request, site: Site, session: Session) -> Response:
    """For good: the session is gone, not only the cookie."""
    await _checked_form(request, session)
    site.sessions.end(request.cookies[site.cookie])
    response = see("/")
    response.delete_cookie(site.cookie)
    return response


@for_insiders
async def owed(request: Request, site: Site, session: Session) -> Response:
    """Send something owed now, or set it aside."""
    form = await _checked_form(request, session)
    deed = DEEDS.get(request.path_params["deed"])
    if deed is None:
        raise HTTPException(404)
    order, words = deed
    stan = form.get("stan", "")
    told = await orders.answer(site.node, {"do": order, "issuer": form.get("issuer", ""), "stan": stan})
    if "error" in told:
        session.notices.append((True, f"Not done: {told['error']}."))
    else:
        what = f"Number {stan}" if stan else "All that was parked"
        session.notices.append((False, f"{what} {words}."))
    return see("/owed")


async def _form(request: Request) -> dict[str, str]:
    try:
        return await read_form(request)
    except FormError:
        raise HTTPException(400) from None


async def _checked_form(request: Request, session: Session) -> dict[str, str]:
    """A form that only a page of this session can have sent."""
    form = await _form(request)
    if not secrets.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
        raise HTTPException(403)
    return form
