"""The app over a filled database, served over real HTTP by a thread of the test's process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import httpx
import pytest
from psycopg import sql

from fairlead.api.app import create
from fairlead.api.parts import AppParts
from fairlead.api.serve import server
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


@contextmanager
def served(parts: AppParts) -> Generator[str]:
    """Its address. The socket listens before the server runs, so nobody has to wait for it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(256)
        port = listening.getsockname()[1]
        serving = server(create(parts), host="127.0.0.1", port=port)
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{port}"
        serving.should_exit = True
        thread.join()


@pytest.fixture
def office(db: Database) -> Iterator[Office]:
    yield from _open(db)


@pytest.fixture(scope="module")
def shared_office(module_db: Database) -> Iterator[Office]:
    """For tests that change nothing that another test of the module reads."""
    yield from _open(module_db)


def _open(db: Database) -> Iterator[Office]:
    keys = firm.fill(db)
    with served(firm.parts(db)) as url, httpx.Client(base_url=url, timeout=30) as http:
        yield Office(http, keys, db)
