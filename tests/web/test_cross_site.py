"""Other sites cannot act for the person who is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from .conftest import Browser, Desk

POSTS = ("/account/preferences", "/account/theme", "/sign-out")
FORM = "application/x-www-form-urlencoded"


def post(browser: Browser, path: str, headers: Mapping[str, str], fields: Mapping[str, str]) -> int:
    sent = {"content-type": FORM, **headers}
    answer = browser.send("POST", path, content=urlencode(fields).encode(), headers=sent)
    return answer.status_code


def attacks(browser: Browser, other: Browser) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    ours = {"origin": browser.url, "sec-fetch-site": "same-origin"}
    token = {"csrf": browser.token, "theme": "dark"}
    return {
        "no token": (ours, {"theme": "dark"}),
        "empty token": (ours, {"csrf": "", "theme": "dark"}),
        "token of another session": (ours, {"csrf": other.token, "theme": "dark"}),
        "token of another session as a header": ({**ours, "x-csrf-token": other.token}, token),
        "cross-site": ({**ours, "sec-fetch-site": "cross-site"}, token),
        "same-site": ({**ours, "sec-fetch-site": "same-site"}, token),
        "typed": ({**ours, "sec-fetch-site": "none"}, token),
        "null origin": ({"origin": "null"}, token),
        "null origin that says same-origin": ({**ours, "origin": "null"}, token),
        "foreign origin": ({"origin": "https://evil.example"}, token),
        "origin with our name before": ({"origin": browser.url + ".evil.example"}, token),
        "other port": ({"origin": "http://127.0.0.1:1"}, token),
        "https of the same host": ({"origin": browser.url.replace("http", "https")}, token),
        "neither header": ({}, token),
        "plain text": ({**ours, "content-type": "text/plain"}, token),
        "json": ({**ours, "content-type": "application/json"}, token),
        "multipart": ({**ours, "content-type": "multipart/form-data; boundary=x"}, token),
    }


@pytest.mark.parametrize("path", POSTS)
def test_nothing_but_our_own_page_changes_anything(desk: Desk, path: str) -> None:
    browser, other = desk.signed_in("finance"), desk.signed_in("auditor")
    for name, (headers, fields) in attacks(browser, other).items():
        assert post(browser, path, headers, fields) in (403, 415), name

    assert desk.count("preferences") == 0
    assert desk.count("sessions") == 2
    fine = {"origin": browser.url, "sec-fetch-site": "same-origin"}
    assert post(browser, path, fine, {"csrf": browser.token, "theme": "dark"}) == 303


def test_a_browser_without_fetch_metadata_is_known_by_its_origin(desk: Desk) -> None:
    browser = desk.signed_in("finance")

    done = post(browser, "/account/theme", {"origin": browser.url}, {"csrf": browser.token})

    assert done == 303


def test_the_token_may_come_as_a_header(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    headers = {
        "origin": browser.url,
        "sec-fetch-site": "same-origin",
        "x-csrf-token": browser.token,
    }

    assert post(browser, "/account/theme", headers, {"theme": "dark"}) == 303


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_and_overrides_do_nothing(desk: Desk, method: str) -> None:
    browser = desk.signed_in("finance")
    override = {"x-http-method-override": "POST"}
    fields = urlencode({"csrf": browser.token, "theme": "dark", "_method": "POST"}).encode()

    assert browser.send(method, "/account/theme", content=fields).status_code == 405
    assert browser.send("GET", "/sign-out", headers=override).status_code == 405
    assert desk.count("preferences") == 0


def test_a_sign_in_form_of_another_browser_is_refused(desk: Desk) -> None:
    """Login CSRF: a victim would work in the attacker's account."""
    attacker, victim = desk.visitor(), desk.visitor()
    attacker.get("/sign-in")
    ours = {"origin": victim.url, "sec-fetch-site": "same-origin"}
    fields = {"csrf": attacker.token, "name": "finance", "password": "x"}

    assert post(victim, "/sign-in", ours, fields) == 403
    victim.get("/sign-in")
    assert post(victim, "/sign-in", ours, fields) == 403
    cross = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert post(victim, "/sign-in", cross, {**fields, "csrf": victim.token}) == 403


def test_a_page_that_is_read_changes_no_row(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    tables = ("sessions", "preferences", "events", "accounts", "sign_in_failures", "tasks")
    before = [desk.count(table) for table in tables]
    for path in ("/", "/account", "/find?q=a", "/side", "/sign-in", "/nothing"):
        browser.get(path)

    assert [desk.count(table) for table in tables] == before


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "https://x.127.0.0.1.nip.io"])
def test_no_answer_allows_another_origin_to_read_it(desk: Desk, origin: str) -> None:
    answer = desk.signed_in("finance").get("/account", origin=origin)

    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_form_is_read_within_limits(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    ours = {"origin": browser.url, "sec-fetch-site": "same-origin"}
    many = {f"f{n}": "" for n in range(1001)} | {"csrf": browser.token}

    assert post(browser, "/account/theme", ours, {"theme": "x" * 300_000}) == 413
    assert post(browser, "/account/theme", ours, many) == 400
    assert post(browser, "/account/theme", ours, {"csrf": browser.token, "theme": "a\0"}) == 422
