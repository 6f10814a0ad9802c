"""A launched engagement and what was worked, spent, accepted and invoiced on it, as rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from deals import money
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.project import WorkPackage
from fairlead.domain.rules.opening import Opening
from fairlead.domain.values import ExternalRef, Money
from fairlead.store import bulk, deliveries
from fairlead.store.database import Tx

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
_numbers = itertools.count(1)


def an_id(*parts: str) -> str:
    return derived("test", *parts, str(next(_numbers)))


def a_delivery(number: str = "ENG-1", **changes: Any) -> Delivery:
    """120,000 for 1,000 hours from January to June, at 100 milestones' pace unless said."""
    currency = changes.pop("currency", "EUR")
    given: dict[str, Any] = {
        "engagement": EngagementId(changes.pop("id", number.lower())),
        "number": number,
        "code": f"TH-{number}",
        "name": f"Work of {number}",
        "client_name": "Kestrel Logistik GmbH",
        "refs": {"ledger_project": ExternalRef(system="netsuite-emea", kind="job", id=number)},
        "region": "EMEA",
        "country": "DE",
        "legal_entity": "TH-GMBH",
        "subsidiary": "2",
        "contract_type": ContractType.FIXED_FEE,
        "billing_method": "milestone",
        "revenue_method": "over_time_by_cost",
        "currency": currency,
        "value": money("120000", currency),
        "budget_minutes": 60_000,
        "payment_days": 30,
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2026, 6, 30),
        "packages": (
            WorkPackage(
                code="10",
                name="Build",
                hours=Decimal(1000),
                starts_on=date(2026, 1, 1),
                ends_on=date(2026, 6, 30),
            ),
        ),
    }
    return Delivery.model_validate(given | changes)


@dataclass
class Books:
    """One engagement's rows. Everything is approved, unless a test says so."""

    tx: Tx
    delivery: Delivery = field(default_factory=a_delivery)

    def __post_init__(self) -> None:
        opening = Opening(delivery=self.delivery, rates=(), milestones=(), charges=())
        deliveries.open_books(self.tx, opening, AT)

    @property
    def id(self) -> str:
        return self.delivery.engagement

    def change(self, **changes: Any) -> None:
        """The contract is changed."""
        now = self.delivery.model_copy(update={**changes, "version": self.delivery.version + 1})
        self.delivery = now
        deliveries.save(self.tx, now)

    def bill_rate(self, per_hour: str, role: str = "Consultant", **changes: Any) -> None:
        row = {
            "engagement_id": self.id,
            "role": role,
            "resource_id": "",
            "valid_from": date(2026, 1, 1),
            "per_hour": Decimal(per_hour),
            "currency": self.delivery.currency,
            "source": "contract",
        }
        bulk.insert(self.tx, "bill_rates", [row | changes])

    def time(self, hours: str, day: date, who: str = "ayo.brandt", **changes: Any) -> str:
        id = an_id("time")
        row = {
            "id": id,
            "engagement_id": self.id,
            "task": "10",
            "resource_id": who,
            "day": day,
            "minutes": int(Decimal(hours) * 60),
            "role": "Consultant",
            "category": "work",
            "billable": True,
            "narrative": "",
            "state": "approved",
            "period": day.replace(day=1),
            "source": "web",
            "source_id": id,
            "region": self.delivery.region,
            "legal_entity": self.delivery.legal_entity,
            "entered_by": f"person:{who}",
            "entered_at": datetime(day.year, day.month, day.day, 17, tzinfo=UTC),
            "version": 1,
        }
        bulk.insert(self.tx, "time_entries", [row | changes])
        return id

    def expense(self, claimed: str, day: date, *, billable: bool = True, **changes: Any) -> str:
        id = an_id("expense")
        row = {
            "id": id,
            "engagement_id": self.id,
            "resource_id": "ayo.brandt",
            "day": day,
            "category": "lodging",
            "amount": Decimal(claimed),
            "currency": self.delivery.currency,
            "claimed": Decimal(claimed),
            "merchant": "",
            "note": "",
            "billable": billable,
            "state": "approved",
            "period": day.replace(day=1),
            "source": "web",
            "source_id": id,
            "region": self.delivery.region,
            "legal_entity": self.delivery.legal_entity,
            "entered_by": "person:ayo.brandt",
            "entered_at": AT,
            "version": 1,
        }
        bulk.insert(self.tx, "expenses", [row | changes])
        return id

    def milestone(self, number: int, amount: str, accepted: date | None = None) -> str:
        id = an_id("milestone")
        row = {
            "id": id,
            "engagement_id": self.id,
            "number": number,
            "name": f"Result {number}",
            "amount": Decimal(amount),
            "currency": self.delivery.currency,
            "due_on": date(2026, 3, 31),
            "state": "accepted" if accepted else "planned",
            "accepts": "client",
            "accepted_by": "client:a@kestrel.example" if accepted else None,
            "accepted_at": datetime(accepted.year, accepted.month, accepted.day, 12, tzinfo=UTC)
            if accepted
            else None,
            "region": self.delivery.region,
            "version": 1,
        }
        bulk.insert(self.tx, "milestones", [row])
        return id

    def charge(self, kind: str, amount: str, due: date, **changes: Any) -> str:
        id = an_id("charge")
        row = {
            "id": id,
            "engagement_id": self.id,
            "kind": kind,
            "name": kind,
            "due_on": due,
            "amount": Decimal(amount),
            "currency": self.delivery.currency,
            "source": "contract",
            "region": self.delivery.region,
            "made_at": AT,
        }
        bulk.insert(self.tx, "charges", [row | changes])
        return id

    def invoice(
        self,
        dated: date,
        items: Sequence[tuple[str, str, str]],
        *,
        state: str = "posted",
        kind: str = "invoice",
        credits: str | None = None,
        live: bool = True,
    ) -> str:
        """`items`: (kind, id, amount), each a line of its own; a line of no item has no id."""
        id = an_id("invoice")
        net = sum((Decimal(amount) for _, _, amount in items), Decimal(0))
        row = {
            "id": id,
            "reference": f"BIL-{next(_numbers)}",
            "engagement_id": self.id,
            "kind": kind,
            "credits": credits,
            "state": state,
            "client_name": self.delivery.client_name,
            "legal_entity": self.delivery.legal_entity,
            "region": self.delivery.region,
            "currency": self.delivery.currency,
            "net": net,
            "payment_days": 30,
            "dated_on": dated,
            "starts_on": dated.replace(day=1),
            "ends_on": dated,
            "digest": "",
            "proposed_by": "tomasz.wojcik",
            "proposed_at": AT,
            "number": f"INV{next(_numbers)}" if state in ("posted", "paid") else None,
            "version": 1,
        }
        bulk.insert(self.tx, "invoices", [row])
        bulk.insert(
            self.tx,
            "invoice_lines",
            [
                {
                    "invoice_id": id,
                    "line": number,
                    "kind": "fee" if what == "charge" else what,
                    "description": what,
                    "quantity": Decimal(1),
                    "unit": "piece",
                    "unit_price": Decimal(amount),
                    "amount": Decimal(amount),
                }
                for number, (what, _, amount) in enumerate(items, 1)
            ],
        )
        bulk.insert(
            self.tx,
            "invoice_items",
            [
                {
                    "invoice_id": id,
                    "kind": what,
                    "item_id": item,
                    "line": number,
                    "amount": Decimal(amount),
                    "live": live and kind == "invoice",
                }
                for number, (what, item, amount) in enumerate(items, 1)
                if item
            ],
        )
        return id

    def free(self, item: str) -> None:
        """A credit gave the item back: it may be invoiced again."""
        self.tx.execute("UPDATE invoice_items SET live = false WHERE item_id = %s", [UUID(item)])


def cost_rate(
    tx: Tx, per_hour: str, who: str = "ayo.brandt", *, since: date = date(2026, 1, 1),
    currency: str = "EUR",
) -> None:  # fmt: skip
    row = {
        "resource_id": who,
        "valid_from": since,
        "per_hour": Decimal(per_hour),
        "currency": currency,
        "source": "hr",
    }
    bulk.insert(tx, "cost_rates", [row])


def close_month(tx: Tx, month: date, legal_entity: str = "TH-GMBH") -> None:
    row = {"legal_entity": legal_entity, "month": month, "state": "closed"}
    bulk.upsert(tx, "periods", [row], keys=("legal_entity", "month"))


def euros(amount: str) -> Money:
    return money(amount)
