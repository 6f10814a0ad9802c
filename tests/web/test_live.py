"""Open pages hear that something changed, if they may see it."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.store import journal, sessions
from fairlead.store.database import Tx
from fairlead.store.journal import Event
from fairlead.web.live import Changes, chains_of

from .conftest import Browser, Desk


@contextmanager
def listening(browser: Browser) -> Generator[Iterator[str]]:
    """The names of the events that come, one after the other."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    client = httpx.Client(timeout=30, verify=trusted())
    with client.stream("GET", f"{browser.url}/live", headers={"cookie": cookie}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        next(lines)  # `retry`: we are connected
        yield (line.removeprefix("event: ") for line in lines if line.startswith("event: "))
    client.close()


def change(tx: Tx, *chains: str) -> None:
    at = datetime.now(UTC)
    journal.append(tx, [Event(chain=c, type="note.added", at=at, actor="fairlead") for c in chains])


def first(names: Iterator[str], wanted: str) -> list[str]:
    """What came until the event that is waited for."""
    came: list[str] = []
    for name in names:
        came.append(name)
        if name == wanted:
            return came
    raise AssertionError(f"the stream ended after {came}")


def test_a_change_reaches_whoever_looks_once_it_is_committed(desk: Desk) -> None:
    with listening(desk.signed_in("finance")) as names:
        with desk.db.transaction() as tx:
            change(tx, "e-2001")
        came = first(names, "changed-e-2001")

    assert came[-2:] == ["changed", "changed-e-2001"]


def test_what_is_not_known_in_detail_may_be_anything(desk: Desk) -> None:
    with listening(desk.signed_in("pmo-lead.amer")) as names:
        with desk.db.transaction() as tx:
            change(tx, *(f"c{n}" for n in range(21)))
        came = first(names, "anything")

    assert came[-2:] == ["changed", "anything"]


def test_who_may_not_see_an_engagement_is_not_told_of_it(desk: Desk) -> None:
    with listening(desk.signed_in("pmo-lead.amer")) as names:
        with desk.db.transaction() as tx:
            change(tx, "e-2001")
        with desk.db.transaction() as tx:
            change(tx, "e-2002")
        came = first(names, "changed-e-2002")

    assert "changed-e-2001" not in came


def test_one_append_is_one_word_and_many_chains_are_anything(desk: Desk) -> None:
    with desk.db.lock_connection() as session, desk.db.transaction() as tx:
        session.execute("LISTEN fairlead_changed")
        change(tx, "a", "b", "a")
        change(tx, *(f"c{n}" for n in range(21)))
        change(tx, "x" * 8000)
        tx.commit()
        heard = [one.payload for one in session.notifies(timeout=10, stop_after=2)]
        tx.execute("BEGIN")

    assert [chains_of(payload) for payload in heard] == [["a", "b"], ["*"]]


def test_the_stream_ends_with_the_session(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    with listening(browser) as names:
        with desk.db.transaction() as tx:
            sessions.end_all_of(tx, "finance")
            change(tx, "e-2001")
        came = list(names)

    assert came[-1] == "ended"
    assert browser.get("/live").status_code == 303


def test_one_person_keeps_so_many_pages_up_to_date(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    opened = [listening(browser) for _ in range(6)]
    for one in opened:
        one.__enter__()

    assert browser.get("/live").status_code == 503
    assert browser.get("/account").status_code == 200
    for one in opened:
        one.__exit__(None, None, None)


def test_pages_that_were_left_make_room(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    for _ in range(20):
        with listening(browser):
            pass


def test_the_listener_comes_back_when_its_connection_breaks(desk: Desk) -> None:
    with listening(desk.signed_in("finance")) as names:
        with desk.db.transaction() as tx:
            change(tx, "e-2001")
        first(names, "changed-e-2001")
        with desk.db.transaction() as tx:
            tx.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            )
        first(names, "anything")  # it listens again; what was said meanwhile nobody heard


def test_the_server_stops_although_pages_are_open(desk: Desk) -> None:
    changes = Changes(desk.db)
    done = threading.Event()
    threading.Thread(target=lambda: (changes.close(), done.set())).start()

    assert done.wait(5)
    assert changes.closed


def test_the_side_bar_is_counted_anew_in_its_own_place(desk: Desk) -> None:
    browser = desk.signed_in("pmo-lead")
    listed = browser.get("/inbox").text
    waiting = re.search(r">(\d+) open", listed)
    assert waiting is not None

    side = browser.get("/side", part="side-nav")

    assert "hx-retarget" not in side.headers
    assert side.text.lstrip().startswith('<div id="side-nav"')
    inbox = re.search(r'href="/inbox".*?</a>', side.text)
    assert inbox is not None
    assert f'aria-label="{waiting[1]} open"' in inbox[0]


@pytest.mark.parametrize("person", ["finance", "auditor"])
def test_nobody_hears_without_signing_in(shared_desk: Desk, person: str) -> None:
    stranger = shared_desk.visitor()
    stranger.cookies["__Host-fairlead"] = person

    assert stranger.get("/live").status_code == 303
