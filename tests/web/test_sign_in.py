"""Who gets in, who must wait, and when a session is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from fairlead.errors import InvalidInput
from fairlead.trust.accounts import password_faults, set_password
from fairlead.trust.principals import People, Person
from fairlead.trust.roles import Role
from fairlead.web import paths, sessions

from .conftest import Desk

PASSWORD = "a rope runs free"


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its lowest cost, for tests that fail to sign in a hundred times."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("fairlead.trust.accounts._HASHER", cheap)
    monkeypatch.setattr("fairlead.trust.accounts._nobody", lambda: cheap.hash(""))


def with_password(desk: Desk, person: str = "pmo-lead.amer") -> None:
    with desk.db.transaction() as tx:
        set_password(tx, desk.parts.people.person(person), PASSWORD)


def test_id_or_e_mail_and_the_password_open_a_session_with_a_cookie_of_the_host(desk: Desk) -> None:
    with_password(desk)
    for name in ("pmo-lead.amer", "PMO_lead@Example.org"):
        browser = desk.visitor()
        answer = browser.sign_in(name, PASSWORD, next="/account")

        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        cookie = next(
            c for c in answer.headers.get_list("set-cookie") if sessions.COOKIE + "=" in c
        )
        for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
            assert word in cookie
        assert "Domain" not in cookie
        assert browser.get("/account").status_code == 200
    assert desk.count("events", "type = 'session.started'") == 2


def test_a_stranger_and_a_wrong_password_get_the_same_answer(desk: Desk) -> None:
    with_password(desk)
    answers: list[str] = []
    for name in ("pmo-lead.amer", "nobody", "gone", "auditor"):
        browser = desk.visitor()
        answer = browser.sign_in(name, "not the password")
        assert answer.status_code == 401
        assert browser.session is None
        answers.append(answer.text.replace(browser.token, "").replace(f'value="{name}"', ""))
    assert len(set(answers)) == 1


def test_the_password_is_nowhere_in_the_answer_or_the_database(desk: Desk) -> None:
    with_password(desk)
    answer = desk.visitor().sign_in("pmo-lead.amer", "a secret that is wrong")

    assert "a secret that is wrong" not in answer.text
    with desk.db.transaction() as tx:
        row = tx.execute("SELECT password_hash FROM accounts").fetchone()
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$")


def test_a_session_id_that_was_brought_along_is_not_taken_over(desk: Desk) -> None:
    with_password(desk)
    browser = desk.visitor()
    browser.cookies[sessions.COOKIE] = "planted"

    browser.sign_in("pmo-lead.amer", PASSWORD)

    assert browser.session not in (None, "planted")
    thief = desk.visitor()
    thief.cookies[sessions.COOKIE] = "planted"
    assert thief.get("/account").status_code == 303


def test_signing_in_again_ends_the_session_before(desk: Desk) -> None:
    with_password(desk)
    browser = desk.visitor()
    browser.sign_in("pmo-lead.amer", PASSWORD)
    before = browser.session
    browser.sign_in("pmo-lead.amer", PASSWORD)

    assert browser.session != before
    assert desk.count("sessions") == 1


@pytest.mark.usefixtures("cheap_hashes")
def test_after_some_failures_even_the_right_password_must_wait(desk: Desk) -> None:
    with_password(desk)
    statuses = [desk.visitor().sign_in("pmo-lead.amer", "wrong").status_code for _ in range(5)]
    late = desk.visitor().sign_in("pmo-lead.amer", PASSWORD)

    assert statuses == [401] * 5
    assert late.status_code == 429
    wait_s = int(late.headers["retry-after"])
    assert 0 < wait_s <= 2

    desk.now.move(timedelta(seconds=wait_s))
    assert desk.visitor().sign_in("pmo-lead.amer", PASSWORD).status_code == 303


@pytest.mark.usefixtures("cheap_hashes")
def test_a_name_that_does_not_exist_must_wait_alike(desk: Desk) -> None:
    statuses = [desk.visitor().sign_in("nobody", "wrong").status_code for _ in range(6)]

    assert statuses == [401] * 5 + [429]


@pytest.mark.usefixtures("cheap_hashes")
def test_one_address_that_tries_many_names_must_wait(desk: Desk) -> None:
    for n in range(30):
        assert desk.visitor().sign_in(f"name{n}", "wrong").status_code == 401

    assert desk.visitor().sign_in("another", "wrong").status_code == 429


@pytest.mark.usefixtures("cheap_hashes")
def test_the_wait_doubles_and_has_an_end(desk: Desk) -> None:
    waits: list[int] = []
    for _ in range(16):
        answer = desk.visitor().sign_in("nobody", "wrong")
        if answer.status_code == 429:
            waits.append(int(answer.headers["retry-after"]))
            desk.now.move(timedelta(seconds=waits[-1]))
            desk.visitor().sign_in("nobody", "wrong")

    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) <= 300


@pytest.mark.parametrize(
    ("after", "status"),
    [
        pytest.param(timedelta(hours=1, minutes=59), 200, id="within-the-idle-time"),
        pytest.param(timedelta(hours=2, seconds=1), 303, id="idle-for-too-long"),
    ],
)
def test_a_session_ends_when_nobody_uses_it(desk: Desk, after: timedelta, status: int) -> None:
    browser = desk.signed_in("finance")
    desk.now.move(after)

    assert browser.get("/account").status_code == status


def test_a_session_in_use_ends_after_twelve_hours(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    for _ in range(12):
        desk.now.move(timedelta(minutes=59))
        assert browser.get("/account").status_code == 200
    desk.now.move(timedelta(minutes=13))

    assert browser.get("/account").status_code == 303


def test_what_a_page_asks_by_itself_keeps_no_session(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    asked = {"part": "side-nav", "x-fairlead-background": "1"}
    desk.now.move(timedelta(minutes=90))
    assert browser.get("/side", **asked).status_code == 200
    desk.now.move(timedelta(minutes=31))
    answer = browser.get("/side", **asked)

    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Faccount"


@pytest.mark.parametrize("change", [{"active": False}, {"roles": frozenset({Role.CONTROLLER})}])
def test_a_session_ends_with_the_persons_leave_and_with_a_change_of_roles(
    desk: Desk, change: dict[str, object]
) -> None:
    browser = desk.signed_in("finance")
    everybody = desk.parts.people
    changed = People([one.model_copy(update=change) for one in everybody.all()])

    with desk.db.transaction() as tx:
        id, now = browser.session, desk.now()
        assert sessions.find(tx, everybody, id, now, note=False) is not None
        assert sessions.find(tx, changed, id, now, note=False) is None


def test_signing_out_ends_the_session_on_the_server(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    stolen = browser.session
    answer = browser.post("/sign-out")

    assert answer.headers["location"] == "/sign-in"
    assert answer.headers["clear-site-data"] == '"storage"'
    assert browser.session is None
    assert stolen is not None
    browser.cookies[sessions.COOKIE] = stolen
    assert browser.get("/account").status_code == 303


def test_who_is_not_signed_in_is_asked_and_comes_back(shared_desk: Desk) -> None:
    answer = shared_desk.visitor().get("/find?q=a%20b")

    assert answer.headers["location"] == "/sign-in?next=%2Ffind%3Fq%3Da%2520b"


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%2fevil.example",
        "/%2F%2Fevil.example",
        "/%252fevil.example",
        "/%5cevil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/\t/evil.example",
        "/\n/evil.example",
        "/%0d%0aSet-Cookie:a=b",
        "/a\0b",
        "evil.example",
        " //evil.example",
        "",
        "/sign-out",
        "/sign-in",
        "/live",
        "/" + "a" * 3000,
        "/%25252525252fevil",
        "/a\u202eb",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(wanted: str) -> None:
    assert paths.local(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/inbox", "/find?q=a%20b", "/exceptions?owner=x&sort=-risk"])
def test_a_path_of_ours_is_followed(wanted: str) -> None:
    assert paths.local(wanted) == wanted


@pytest.mark.parametrize("next", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_the_sign_in_form_follows_no_foreign_address(desk: Desk, next: str) -> None:
    with_password(desk)

    answer = desk.visitor().sign_in("pmo-lead.amer", PASSWORD, next=next)

    assert answer.headers["location"] == "/"


NADIA = Person(
    id="nadia.karim",
    name="Nadia Karim",
    email="nadia.karim.long@example.org",
    roles=frozenset({Role.AUDITOR}),
)


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("short pass", id="too-short"),
        pytest.param("x" * 257, id="too-long"),
        pytest.param("Nadia-Karim Long", id="e-mail-with-other-signs"),
        pytest.param("nadia.karim.long@example.org", id="e-mail"),
        pytest.param("NadiaKarimNadiaKarim", id="name-twice"),
        pytest.param("Password-1234", id="often-chosen"),
        pytest.param("aaaaaaaaaaaaaaa", id="one-letter"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(desk: Desk, password: str) -> None:
    with desk.db.transaction() as tx, pytest.raises(InvalidInput):
        set_password(tx, NADIA, password)


@pytest.mark.parametrize(
    "password", ["correct mule diode clip", "пароль из длинных слов", "密" * 12]
)
def test_any_letters_will_do_and_none_are_required(password: str) -> None:
    faults = password_faults(NADIA, password)

    assert faults == ([] if len(set(password)) > 3 else ["is not one that many people choose"])
