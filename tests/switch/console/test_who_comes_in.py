"""The console's door: loopback and a token, and nothing for whoever has neither (A21, A27)."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from switch.console.sessions import LIFE_S, QUIET_S
from switch.console.token import address, own_token
from switch.home import SWITCH
from switch.home import TOKEN as TOKEN_FILE
from switch.shell.node import Phase
from tests.switch.console.visitor import BASE, PAGES, TOKEN, Console
from tests.switch.desk import Desk

ELSEWHERE = "http://127.0.0.1:8591"  # another port of this machine: cookies go there, too


@pytest.fixture
def console() -> Console:
    desk = Desk()
    bank, shop = desk.issuer(), desk.gateway()
    desk.asks(shop)
    desk.answers(bank, desk.hears(bank), approval_code="123456")
    return Console(desk)


@pytest.mark.parametrize("path", [*PAGES, "/transactions/lab/1/1118110640000001LAB00001", "/live/home"])
async def test_nobody_sees_anything_without_the_token(console: Console, path: str) -> None:
    async with console.visitor(comes_in=False) as stranger:
        assert (await stranger.visit(path)).status_code == 403
        assert "sandbox" not in stranger.page and "411111" not in stranger.page


async def test_a_wrong_token_opens_nothing(console: Console) -> None:
    async with console.visitor(comes_in=False) as stranger:
        for given in ("", TOKEN[:-1], TOKEN + "x", "é"):
            assert (await stranger.visit(f"/enter?token={given}")).status_code == 403
            assert (await stranger.post("/enter", token=given)).status_code in (400, 403)
        assert not stranger.client.cookies
        assert (await stranger.visit("/")).status_code == 403


async def test_the_token_opens_all_pages_by_address_and_by_form(console: Console) -> None:
    async with console.visitor(comes_in=False) as visitor:
        await visitor.visit("/")
        assert (await visitor.send("/enter", token=TOKEN)).status_code == 200
        for path in PAGES:
            assert (await visitor.visit(path)).status_code == 200, path
        assert TOKEN not in visitor.page


async def test_the_session_cookie_is_for_this_page_alone(console: Console) -> None:
    async with console.visitor(comes_in=False) as visitor:
        visitor.client.follow_redirects = False
        cookie = (await visitor.visit(f"/enter?token={TOKEN}")).headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie and "payswitch_8580" in cookie


@pytest.mark.parametrize("passes_s", [QUIET_S, LIFE_S])
async def test_a_session_ends_by_itself(console: Console, passes_s: float) -> None:
    async with console.visitor() as visitor:
        console.clock.time += passes_s
        assert (await visitor.visit("/")).status_code == 403


async def test_leaving_ends_the_session_for_good(console: Console) -> None:
    async with console.visitor() as visitor:
        kept = dict(visitor.client.cookies)
        await visitor.visit("/")
        await visitor.send("/leave")
        visitor.client.cookies.update(kept)
        assert (await visitor.visit("/")).status_code == 403


async def test_a_button_needs_the_session_its_csrf_token_and_our_own_page(console: Console) -> None:
    desk = console.desk
    desk.hangs_up(1)
    desk.asks(2, stan="000002", pan="9414200000000015")  # its bank is not there: stood in for
    owed = {"issuer": "nbk", "stan": next(iter(desk.core.issuers["nbk"].saf.entries())).debt.stan}
    async with console.visitor() as visitor, console.visitor(comes_in=False) as stranger:
        await visitor.visit("/owed")
        assert (await stranger.post("/owed/park", **owed)).status_code == 403
        assert (await visitor.post("/owed/park", **owed)).status_code == 403
        assert (await visitor.post("/owed/park", **owed, csrf="guessed")).status_code == 403
        await visitor.visit("/owed")
        for headers in ({"origin": ELSEWHERE}, {"origin": "null"}, {"sec-fetch-site": "same-site"}):
            assert (await visitor.client.post("/owed/park", data=owed, headers=headers)).status_code == 403
        assert not any(entry.parked for entry in desk.core.issuers["nbk"].saf.entries())
        assert (await visitor.send("/owed/park", headers={"origin": BASE}, **owed)).status_code == 200
        assert [entry.parked for entry in desk.core.issuers["nbk"].saf.entries()] == [True]
        assert "is left alone" in visitor.words
        await visitor.send("/owed/retry")
        assert "will be sent again" in visitor.words
        assert [entry.parked for entry in desk.core.issuers["nbk"].saf.entries()] == [False]
        await visitor.send("/owed/park", stan="999999")
        assert "Not done: nothing is owed under this number" in visitor.words
        assert (await visitor.send("/owed/retry", **dict.fromkeys("abcdefgh", "x"))).status_code == 400


async def test_another_origin_gets_neither_pages_nor_the_stream(console: Console) -> None:
    async with console.visitor() as visitor:
        for path in ("/live/home", "/", "/metrics"):
            assert (await visitor.visit(path, origin=ELSEWHERE)).status_code == 403
            assert (await visitor.visit(path, sec_fetch_site="cross-site", sec_fetch_mode="cors")).status_code == 403
        assert (await visitor.visit("/", sec_fetch_site="cross-site", sec_fetch_mode="navigate")).status_code == 200


async def test_a_stranger_s_name_for_this_machine_leads_nowhere(console: Console) -> None:
    async with console.visitor() as visitor:
        assert (await visitor.visit("/", host="attacker.example")).status_code == 400
        assert (await visitor.visit("/metrics", host="attacker.example")).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../site.py", "/static/..%2fsite.py", "/static/%2e%2e/site.py", "/static//etc/passwd"),
        *("/transactions/../../../etc/passwd", "/transactions/%00", "/live/..%2fhome", "/templates/base.html"),
    ],
)
async def test_paths_lead_nowhere_but_to_pages(console: Console, path: str) -> None:
    async with console.visitor() as visitor:
        assert (await visitor.visit(path)).status_code in (404, 405)
        assert "import" not in visitor.page and "root:" not in visitor.page


async def test_the_browser_is_told_to_trust_nothing_but_us(console: Console) -> None:
    async with console.visitor() as visitor:
        for path in PAGES:
            answer = await visitor.visit(path)
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
            assert " style=" not in visitor.page and "<script>" not in visitor.page and " onclick" not in visitor.page


async def test_probes_are_for_everybody_and_say_what_they_should(console: Console) -> None:
    async with console.visitor(comes_in=False) as probe:
        assert (await probe.visit("/healthz")).status_code == 200
        for phase, status in ((Phase.STARTING, 503), (Phase.READY, 200), (Phase.DRAINING, 503)):
            console.node.phase = phase
            assert (await probe.visit("/readyz")).status_code == status
            assert probe.page == f"{phase.value}\n"
            assert (await probe.visit("/healthz")).status_code == 200
        assert (await probe.visit("/version")).text.startswith("payswitch")


async def test_beyond_this_machine_figures_need_the_token_too() -> None:
    console = Console(Desk(), is_only_here=False)
    async with console.visitor(comes_in=False) as scraper:
        assert (await scraper.visit("/metrics")).status_code == 401
        assert (await scraper.visit("/metrics", authorization=f"Bearer {TOKEN}")).status_code == 200


def test_the_token_is_its_owner_s_alone_and_stays(tmp_path: Path) -> None:
    (tmp_path / SWITCH).mkdir()
    assert address(tmp_path, "127.0.0.1", 8580) is None
    token = own_token(tmp_path)
    path = tmp_path / SWITCH / TOKEN_FILE
    assert len(token) >= 43 and stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert own_token(tmp_path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert address(tmp_path, "127.0.0.1", 8580) == f"http://127.0.0.1:8580/enter?token={token}"
