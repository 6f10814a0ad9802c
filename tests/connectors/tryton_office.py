"""A real Tryton for the contract tests, and a look into it that is not the adapter's.

Tryton is installed and its database built once for a checkout, in `.data/tryton`, which takes some
two minutes; after that it starts within seconds. Each worker of a run has a server of its own.

    python tests/connectors/tryton_office.py

does no more than install and build: `make test` has it done while the types are checked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from fairlead.cli.demo_tryton import the_office
from fairlead.sandbox.tryton import database
from fairlead.sandbox.tryton.installing import CannotInstall, install
from fairlead.sandbox.tryton.office import add_tax
from fairlead.sandbox.tryton.person import Person
from fairlead.sandbox.tryton.server import TrytonServer
from fairlead.sandbox.tryton.sharing import in_use
from fairlead.store.server import EmbeddedServer

_Found = TypeVar("_Found")
HOME = Path(__file__).parents[2] / ".data" / "tryton"
LTD, GMBH = "1", "2"  #: ids of the companies
_IDLE_S = 60  #: Tryton forgets who asked nothing for 300 s (`[session] timeout`)


class Desk:
    """Somebody at the firm who works in Tryton, and may look into its database."""

    def __init__(self, server: TrytonServer, keys: database.Keys, postgres: str) -> None:
        self.server, self.keys = server, keys
        self.person: Person = server.sign_in("admin", keys.admin)
        self._seen = time.monotonic()
        self.person.write("res.user", self.person.id, company_filter="all")
        self.person.prefer()
        add_tax(self.person, int(GMBH), "DE-REDUCED", Decimal("0.07"))
        people = self.person.find("company.employee", fields=["company", "party.name"])
        self.employees = {(str(one["company"]), one["party."]["name"]): one["id"] for one in people}
        address = postgres.replace("/fairlead?", f"/{server.database}?")
        self._sql = psycopg.connect(address, autocommit=True)
        self._before = self._last_ids()

    def clear(self) -> None:
        """Take away whatever was added since the start. Tryton keeps nothing of it in memory."""
        self._sign_in_again_after_a_while()
        now = self._last_ids()
        grown = [table for table, last in now.items() if last > self._before.get(table, 0)]
        with self._sql.transaction():
            self._sql.execute("SET LOCAL session_replication_role = replica")  # order is no matter
            for table in grown:
                last = self._before.get(table, 0)
                self._sql.execute(f'DELETE FROM "{table}" WHERE id > {last}'.encode())  # noqa: S608

    def count(self, table: str, where: str = "TRUE") -> int:
        """How many rows were added since the start."""
        asked = (
            f'SELECT count(*) FROM "{table}" WHERE id > {self._before.get(table, 0)} AND {where}'  # noqa: S608
        )
        found = self._sql.execute(asked.encode()).fetchone()
        assert found
        return int(found[0])

    def buyer(self, company: str) -> int:
        """In whose name the requisitions of a company are."""
        code = {LTD: "TH-LTD", GMBH: "TH-GMBH"}[company]
        return self.employees[company, f"Procurement {code}"]

    def rewrite_invoice(self, id: int, net: Decimal) -> None:
        """Of one line, in the database: Tryton itself lets nobody change what is posted."""
        with self._sql.transaction():
            self._sql.execute(
                "UPDATE account_invoice_line SET unit_price = %s WHERE invoice = %s", [net, id]
            )
            self._sql.execute(
                "UPDATE account_invoice SET untaxed_amount_cache = %s, write_date = now() "
                "WHERE id = %s",
                [net, id],
            )

    def record(self, model: str, id: str, *fields: str) -> dict[str, Any]:
        found = self.person.find(model, ["id", "=", int(id)], fields=fields)
        assert len(found) == 1
        return found[0]

    @contextmanager
    def blocking(self, table: str) -> Generator[None]:
        """Nobody else writes to this table meanwhile; who tries waits."""
        with self._sql.transaction():
            self._sql.execute(f'LOCK TABLE "{table}" IN SHARE MODE'.encode())
            yield

    @contextmanager
    def holding(self, table: str) -> Generator[None]:
        """Nobody else can lock a row of this table; who tries without waiting is turned away."""
        with self._sql.transaction():
            self._sql.execute(f'SELECT 1 FROM "{table}" FOR UPDATE'.encode())  # noqa: S608
            yield

    def until(self, look: Callable[[], _Found | None]) -> _Found:
        """What is there once Tryton has finished what it was at."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if (found := look()) is not None:
                return found
            time.sleep(0.05)
        raise AssertionError("it did not come")

    def close(self) -> None:
        self._sql.close()
        self.person.close()

    def _sign_in_again_after_a_while(self) -> None:
        """Tests of something else may have come in between."""
        if time.monotonic() - self._seen > _IDLE_S:
            self.person.close()
            self.person = self.server.sign_in("admin", self.keys.admin)
        self._seen = time.monotonic()

    def _last_ids(self) -> dict[str, int]:
        tables = self._sql.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'id' AND is_generated = 'NEVER'"
            " AND table_name NOT LIKE 'ir\\_%' ORDER BY 1"
        ).fetchall()
        each = [f"SELECT '{table}', coalesce(max(id), 0) FROM \"{table}\"" for (table,) in tables]  # noqa: S608
        return dict(self._sql.execute(" UNION ALL ".join(each).encode()).fetchall())


@contextmanager
def open_office() -> Generator[Desk]:
    """Raises `CannotInstall` where Tryton is not installed yet and the index is out of reach."""
    with _building() as (programs, url, built):
        own = f"tests_{os.getpid()}"
        log = HOME / f"{own}.log"
        database.copy(url, built.name, own)
        with TrytonServer(programs, url, own, log) as server:
            desk = Desk(server, built.keys, url)
            yield desk
            desk.close()
        database.drop(url, own)
        log.unlink()


def day(value: str) -> date:
    return date.fromisoformat(value)


@contextmanager
def _building() -> Generator[tuple[Path, str, database.Template]]:
    """Tryton's programs, the address of PostgreSQL and the database to copy from."""
    programs = install(HOME)
    postgres = EmbeddedServer(HOME)
    with in_use(HOME, postgres.start, postgres.stop) as url:
        database.spare_the_disk(url)
        yield programs, url, database.template(HOME, programs, url, the_office())


if __name__ == "__main__":
    with suppress(CannotInstall), _building():
        pass
