"""An office with one launched engagement whose work is billed and carried to the ledger."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from books import CONTROLLER, DAYS, FINANCE, TODAY, Books, acting, policies
from office import Office

from deals import a_deal
from fairlead.capabilities.billing.crediting import credit
from fairlead.capabilities.billing.releasing import Releasing
from fairlead.capabilities.billing.reviewing import review
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.store import engagements
from fairlead.store.database import Database

LEDGER = "netsuite-emea"
_ids = itertools.count(1)


class Billing:
    """An office with one launched engagement whose work is billed."""

    def __init__(self, db: Database, **delivery: Any) -> None:
        self.office = Office(db, "invoicing")
        self.db, self.invoicing = db, self.office.invoicing[LEDGER]
        with db.transaction() as tx:
            engagements.add(
                tx,
                Engagement(
                    id=EngagementId("E1"),
                    number="ENG-E1",
                    state=EngagementState.LAUNCHED,
                    deal=a_deal(),
                    opened_at=datetime(2026, 11, 1, tzinfo=UTC),
                ),
            )
            Books(tx).open(**delivery)

    def propose(self, minutes: int = 60) -> str:
        with self.db.transaction() as tx:
            books = Books(tx, _ids=_ids)
            books.time(minutes)
            ((id, _, _),) = books.propose().invoices
        return id

    def release(self, id: str) -> None:
        with self.db.transaction() as tx:
            digest = tx.execute("SELECT digest FROM invoices WHERE id = %s", [id]).fetchone()
            assert digest is not None
            review(tx, id, acting(FINANCE), digest=digest["digest"])
            Releasing(policies(), self.office.library).release(
                tx, id, acting(CONTROLLER), digest=digest["digest"]
            )

    def credit(self, id: str) -> str:
        with self.db.transaction() as tx:
            return credit(tx, id, acting(FINANCE), reason="Agreed.", dated_on=TODAY, days=DAYS)[
                "id"
            ]

    def row(self, id: str) -> dict[str, Any]:
        (row,) = self.office.rows("invoices", id=id)
        return row

    def told(self) -> list[str]:
        rows = sorted(self.office.rows("events", chain="E1"), key=lambda row: row["position"])
        return [row["type"] for row in rows if row["type"].startswith(("invoice", "credit"))]
