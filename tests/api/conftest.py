"""The app over a filled database, served over real HTTP by a thread of the test's process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, LiteralString

import httpx
import pytest
from psycopg import sql

import over_http
from fairlead.api.app import create
from fairlead.api.parts import AppParts
from fairlead.connectors.kit.http import trusted
from fairlead.store.database import Database

from . import firm


@dataclass(frozen=True)
class Office:
    """The API, and a key of everybody."""

    http: httpx.Client
    keys: dict[str, str]
    db: Database

    def call(self, who: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        headers = dict(more.pop("headers", None) or {})
        if who is not None:
            headers["authorization"] = f"Bearer {self.keys[who]}"
        return self.http.request(method, path, headers=headers, **more)

    def get(self, who: str | None, path: str, **more: Any) -> httpx.Response:
        return self.call(who, "GET", path, **more)

    def post(self, who: str | None, path: str, **more: Any) -> httpx.Response:
        return self.call(who, "POST", path, **more)

    def count(self, table: str, where: LiteralString = "true") -> int:
        with self.db.transaction() as tx:
            query = sql.SQL("SELECT count(*) AS n FROM {} WHERE {}").format(
                sql.Identifier(table), sql.SQL(where)
            )
            row = tx.execute(query).fetchone()
        assert row is not None
        return row["n"]


def served(parts: AppParts) -> AbstractContextManager[str]:
    """The API's address."""
    return over_http.served(create(parts))


@pytest.fixture
def office(db: Database) -> Iterator[Office]:
    yield from _open(db)


@pytest.fixture(scope="module")
def shared_office(module_db: Database) -> Iterator[Office]:
    """For tests that change nothing that another test of the module reads."""
    yield from _open(module_db)


def _open(db: Database) -> Iterator[Office]:
    keys = firm.fill(db)
    with (
        served(firm.parts(db)) as url,
        httpx.Client(base_url=url, timeout=30, verify=trusted()) as http,
    ):
        yield Office(http, keys, db)
