"""Every answer has its headers, and every refusal says what to do, as a page and as a note."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import httpx
import pytest
from starlette.responses import Response
from starlette.routing import Route

from fairlead.connectors.kit.http import trusted
from fairlead.errors import (
    Busy,
    DatabaseAway,
    IllegalMove,
    InvalidInput,
    NotFound,
    Problem,
    StaleVersion,
    SystemUnavailable,
)
from fairlead.store.database import Database
from fairlead.trust.roles import Permission
from fairlead.web import app as web
from fairlead.web.refusals import Malformed
from fairlead.web.routing import page
from fairlead.web.visit import Visit

from .conftest import Browser, Desk, served, web_parts

TROUBLES: dict[str, tuple[Exception, int, str]] = {
    "malformed": (Malformed("It is no form."), 400, "cannot be read"),
    "absent": (NotFound("There is no such task."), 404, "There is nothing here"),
    "moved": (IllegalMove("The task", "approved", "refused"), 409, "Decided by another"),
    "stale": (StaleVersion("It was changed."), 409, "Decided by another"),
    "invalid": (InvalidInput("No.", [Problem("/end_date", "is later")]), 422, "end date is later"),
    "busy": (Busy("Held."), 503, "same records"),
    "away": (DatabaseAway("Away."), 503, "database does not answer"),
    "system": (SystemUnavailable("crm-emea", "Asleep."), 503, "crm-emea"),
    "defect": (RuntimeError("postgresql://secret"), 500, "our own fault"),
}


def failing(error: Exception) -> Callable[[Visit], Response]:
    def show(_: Visit) -> Response:
        raise error

    return show


def routes() -> list[Route]:
    made = [
        page(f"/fails/{name}", failing(one), needs=None) for name, (one, _, _) in TROUBLES.items()
    ]
    return [*made, page("/audit-only", failing(NotFound("x")), needs=Permission.AUDIT_EXPORT)]


@pytest.fixture
def failing_desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The pages with some more that fail in each way."""
    monkeypatch.setattr(web, "PAGES", [*web.PAGES, SimpleNamespace(routes=routes)])
    with served(desk.parts) as url:
        yield Desk(url, desk.db, desk.parts, desk.now, desk.http)


def test_each_trouble_is_a_page_and_a_note(failing_desk: Desk) -> None:
    browser = failing_desk.signed_in("finance")
    for name, (_, status, words) in TROUBLES.items():
        whole = browser.get(f"/fails/{name}")
        part = browser.get(f"/fails/{name}", part="list")

        assert (whole.status_code, part.status_code) == (status, status), name
        assert words in whole.text, name
        assert words in part.text, name
        assert "<html" in whole.text
        assert "<html" not in part.text
        assert part.headers["hx-retarget"] == "#notice"
        assert "postgresql://" not in whole.text + part.text
        assert_headers(whole)
        assert_headers(part)


def test_a_defect_gives_a_reference_that_the_answer_carries(failing_desk: Desk) -> None:
    answer = failing_desk.signed_in("finance").get("/fails/defect")

    assert answer.headers["x-request-id"][:8].upper() in answer.text


def test_a_page_that_is_not_open_says_which_role_has_it_and_whom_to_ask(failing_desk: Desk) -> None:
    refused = failing_desk.signed_in("finance").get("/audit-only")

    assert refused.status_code == 403
    assert "Auditor can open it." in refused.text
    assert "Ask auditor" in refused.text
    assert 'aria-label="Main"' in refused.text  # the menu, so that there is a way on
    assert failing_desk.signed_in("auditor").get("/audit-only").status_code == 404


def test_without_the_database_there_is_a_page_that_says_so() -> None:
    nowhere = web_parts(Database("postgresql://127.0.0.1:1/none", wait_s=0.2))
    with served(nowhere) as url, httpx.Client(timeout=30, verify=trusted()) as http:
        browser = Browser(url, http)
        browser.cookies["__Host-fairlead"] = "any"
        answer = browser.get("/account")
        part = browser.get("/account", part="preferences")

    assert answer.status_code == part.status_code == 503
    assert "database does not answer" in answer.text
    assert answer.headers["retry-after"] == "5"
    assert_headers(answer)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/sign-in", 200), ("/account", 303), ("/nothing", 404), ("/static/x/none.css", 404)],
)
def test_every_answer_has_its_headers(shared_desk: Desk, path: str, status: int) -> None:
    answer = shared_desk.visitor().get(path)

    assert answer.status_code == status
    assert_headers(answer)


def test_style_sheets_are_kept_as_long_as_they_are_these(shared_desk: Desk) -> None:
    browser = shared_desk.visitor()
    now = browser.get(web.static_files.STATIC.url("tokens.css"))
    before = browser.get("/static/0123/tokens.css")

    assert "immutable" in now.headers["cache-control"]
    assert before.headers["cache-control"] == "no-cache"
    assert before.text == now.text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", ""]
)
def test_a_name_that_is_not_ours_gets_no_page(shared_desk: Desk, host: str) -> None:
    answer = shared_desk.visitor().get("/sign-in", host=host)

    assert answer.status_code in (400, 421)
    assert "password" not in answer.text.lower()


def test_over_https_browsers_are_told_to_stay_there(desk: Desk) -> None:
    with served(web_parts(desk.db, origin="https://fairlead.example")) as url:
        answer = httpx.get(f"{url}/sign-in", headers={"host": "fairlead.example"})
        other = httpx.get(f"{url}/sign-in", headers={"host": "localhost"})

    assert "max-age=63072000" in answer.headers["strict-transport-security"]
    assert other.status_code == 421


def assert_headers(answer: httpx.Response) -> None:
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["vary"] == "HX-Request"
    assert answer.headers["cache-control"] == "no-store"
