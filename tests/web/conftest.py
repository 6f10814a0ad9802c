"""The pages over a filled database, served over real HTTP, and browsers of the people of
`tests.api.firm`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import LiteralString

import httpx
import pytest
from psycopg import sql

import over_http
from fairlead.capabilities.handoff.firm import Calendars, load_firm
from fairlead.config import SAMPLE
from fairlead.connectors.kit.http import trusted
from fairlead.flow.cancel import cancel_run
from fairlead.store.database import Database
from fairlead.web import sessions
from fairlead.web.app import create
from fairlead.web.parts import WebParts

sys.path.append(str(Path(__file__).parents[2]))

from tests.api import firm

_TOKEN = re.compile(r'name="csrf(?:-token)?" (?:content|value)="([0-9a-f]{64})"')

_FIRM = load_firm(SAMPLE)
_CALENDARS = Calendars(_FIRM.calendars, range(2024, 2030))


@dataclass
class Now:
    """The pages' clock. Tests move it."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.at

    def move(self, by: timedelta) -> None:
        self.at += by


def web_parts(db: Database, now: Now | None = None, origin: str | None = None) -> WebParts:
    api = firm.parts(db)
    return WebParts(
        db=db,
        people=api.people,
        systems=api.systems,
        exceptions=api.exceptions,
        cancel_run=cancel_run,
        firm=_FIRM,
        calendars=_CALENDARS,
        policies=firm.PACKETS.policies,
        ownership=firm.PACKETS.ownership,
        packets=firm.PACKETS,
        billing=api.billing,
        milestones=api.milestones,
        reckons=api.reckons,
        times=firm.TIMEKEEPING.times,
        expenses=firm.EXPENSES,
        kinds=firm.TIMEKEEPING.kinds,
        origin=origin,
        now=now or Now(),
    )


def served(parts: WebParts) -> AbstractContextManager[str]:
    """The pages' address."""
    return over_http.served(create(parts))


class Browser:
    """One browser: its cookies, and the token of the last page that it saw. To this machine it
    sends secure cookies over plain HTTP too, as Chromium and Firefox do."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url, self.cookies, self.token = url, dict[str, str](), ""
        self._http = http

    def get(self, path: str, *, part: str | None = None, **headers: str) -> httpx.Response:
        """`part`: the id of an element, as htmx asks for it."""
        answer = self.send("GET", path, headers=self._htmx(part) | headers)
        if found := _TOKEN.search(answer.text):
            self.token = found[1]
        return answer

    def post(
        self, path: str, fields: dict[str, str] | None = None, *, part: str | None = None
    ) -> httpx.Response:
        """As our own page sends it."""
        data = {"csrf": self.token, **(fields or {})}
        headers = {"origin": self.url, "sec-fetch-site": "same-origin"}
        return self.send("POST", path, data=data, headers=self._htmx(part) | headers)

    def send(
        self,
        method: str,
        path: str,
        *,
        data: dict[str, str] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {**({"cookie": cookie} if cookie else {}), **(headers or {})}
        answer = self._http.request(
            method, self.url + path, data=data, content=content, headers=sent
        )
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if morsel["max-age"] != "0":
                    self.cookies[name] = morsel.value
        return answer

    def sign_in(self, name: str, password: str, next: str = "/") -> httpx.Response:
        self.get("/sign-in")
        return self.post("/sign-in", {"name": name, "password": password, "next": next})

    @property
    def session(self) -> str | None:
        return self.cookies.get(sessions.COOKIE)

    def _htmx(self, part: str | None) -> dict[str, str]:
        if part is None:
            return {}
        around = f"{self.url}/account"
        return {"hx-request": "true", "hx-target": part, "hx-current-url": around}


@dataclass(frozen=True)
class Desk:
    url: str
    db: Database
    parts: WebParts
    now: Now
    http: httpx.Client

    def visitor(self) -> Browser:
        """Somebody who is not signed in."""
        return Browser(self.url, self.http)

    def signed_in(self, person: str) -> Browser:
        """Somebody who signed in just now; `person` is an id of `tests.api.firm`."""
        browser = self.visitor()
        with self.db.transaction() as tx:
            id = sessions.begin(tx, self.parts.people.person(person), self.now())
        browser.cookies[sessions.COOKIE] = id
        browser.token = sessions.csrf_of(id)
        return browser

    def count(self, table: str, where: LiteralString = "true") -> int:
        with self.db.transaction() as tx:
            query = sql.SQL("SELECT count(*) AS n FROM {} WHERE {}").format(
                sql.Identifier(table), sql.SQL(where)
            )
            row = tx.execute(query).fetchone()
        assert row is not None
        return row["n"]


@pytest.fixture
def desk(db: Database) -> Iterator[Desk]:
    yield from opened(db)


@pytest.fixture(scope="module")
def shared_desk(module_db: Database) -> Iterator[Desk]:
    """For tests that change nothing that another test of the module reads."""
    yield from opened(module_db)


@pytest.fixture(scope="module")
def empty_desk(module_db: Database) -> Iterator[Desk]:
    """Of a firm on its first day: people, and nothing that they work on."""
    yield from opened(module_db, filled=False)


def opened(db: Database, *, filled: bool = True) -> Iterator[Desk]:
    if filled:
        firm.fill(db)
    now = Now()
    parts = web_parts(db, now)
    with served(parts) as url, httpx.Client(timeout=30, verify=trusted()) as http:
        yield Desk(url, db, parts, now, http)
