"""A launched engagement with rows of work, for tests of billing."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from office import firm
from psycopg import sql

from fairlead.capabilities.billing.proposing import Proposed, Proposing
from fairlead.capabilities.company_days import CompanyDays
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.bill_rate import BillRate
from fairlead.domain.model.charge import ChargeKind
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.project import WorkPackage
from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.domain.rules.opening import Opening
from fairlead.domain.values import ExternalRef, Money
from fairlead.policy.tables import Policies
from fairlead.store import bulk, deliveries
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY = date(2026, 11, 28)
_SPACE = UUID("00000000-0000-4000-8000-0000000000aa")


def eur(amount: str | int, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


#: Of no company in particular: all have those of UTC.
DAYS = CompanyDays({})


def acting(id: str) -> Acting:
    people = firm().people
    return Acting.of(people, people.person(id).principal())


def policies() -> Policies:
    return firm().policies


FINANCE, CONTROLLER = "tomasz.wojcik", "hanna.lindqvist"


@dataclass
class Books:
    """One engagement's rows, written as the other rooms write them."""

    tx: Tx
    id: str = "E1"
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, **changes: Any) -> Delivery:
        """`changes`: of the delivery. EUR, Germany, as worked, 150 an hour for consultants."""
        given: dict[str, Any] = {
            "engagement": EngagementId(self.id),
            "number": f"ENG-{self.id}",
            "code": f"TH-{self.id}",
            "name": "Data platform",
            "client_name": "Alder GmbH",
            "refs": {
                name: ExternalRef(system="netsuite-emea", kind=kind, id=f"{name}-{self.id}")
                for name, kind in (("client", "customer"), ("ledger_project", "job"))
            },
            "region": "EMEA",
            "country": "DE",
            "legal_entity": "TH-LTD",
            "subsidiary": "1",
            "contract_type": ContractType.TIME_AND_MATERIALS,
            "contract_number": "C-1",
            "billing_method": "as_worked",
            "revenue_method": "as_invoiced",
            "currency": "EUR",
            "value": eur(100000),
            "budget_minutes": 60000,
            "payment_days": 30,
            "tax": TaxTreatment(
                kind=TaxKind.EXPORT, code="EU-S", rate=Decimal(0), country="DE", basis="none"
            ),
            "starts_on": date(2026, 1, 1),
            "ends_on": date(2027, 12, 31),
            "packages": tuple(
                WorkPackage(
                    code=code, name=name, hours=Decimal(500),
                    starts_on=date(2026, 1, 1), ends_on=date(2027, 12, 31),
                )
                for code, name in (("10", "Design"), ("20", "Build"))
            ),
        }  # fmt: skip
        delivery = Delivery.model_validate(given | changes)
        rates = (
            BillRate(
                engagement=delivery.engagement,
                role="Consultant",
                valid_from=date(2026, 1, 1),
                per_hour=eur(150, delivery.currency),
                source="contract C-1",
            ),
        )
        opened = Opening(delivery=delivery, rates=rates, milestones=(), charges=())
        assert deliveries.open_books(self.tx, opened, NOW)
        return delivery

    def new_id(self) -> UUID:
        return uuid5(_SPACE, f"{self.id}/{next(self._ids)}")

    def time(
        self, minutes: int = 60, on: date = TODAY, *, role: str = "Consultant", task: str = "20",
        resource: str = "ayo.brandt", state: str = "approved", reverses: UUID | None = None,
        by: str = "lea.fontaine", billable: bool = True,
    ) -> UUID:  # fmt: skip
        id = self.new_id()
        bulk.insert(
            self.tx,
            "time_entries",
            [
                {
                    "id": str(id), "engagement_id": self.id, "task": task, "resource_id": resource,
                    "day": on, "minutes": minutes, "role": role, "category": "work",
                    "billable": billable, "narrative": f"Work {id.hex[:4]}", "state": state,
                    "source": "test", "source_id": str(id),
                    "reverses": None if reverses is None else str(reverses),
                    "region": "EMEA", "legal_entity": "TH-LTD",
                    "entered_by": f"person:{resource}", "entered_at": NOW, "submitted_at": NOW,
                    "decided_by": by if state == "approved" else None,
                    "decided_at": NOW if state == "approved" else None, "version": 1,
                }
            ],
        )  # fmt: skip
        return id

    def take_back(self, entry: UUID, *, state: str = "approved") -> UUID:
        row = self.tx.execute("SELECT * FROM time_entries WHERE id = %s", [entry]).fetchone()
        assert row is not None
        return self.time(
            -row["minutes"], row["day"], role=row["role"], task=row["task"],
            resource=row["resource_id"], state=state, reverses=entry,
        )  # fmt: skip

    def expense(
        self, claimed: str = "100", on: date = TODAY, *, state: str = "approved",
        category: str = "lodging", receipt: str | None = "a" * 64,
    ) -> UUID:  # fmt: skip
        id = self.new_id()
        bulk.insert(
            self.tx,
            "expenses",
            [
                {
                    "id": str(id), "engagement_id": self.id, "resource_id": "ayo.brandt", "day": on,
                    "category": category, "amount": claimed, "currency": "EUR", "claimed": claimed,
                    "merchant": "Hotel", "note": "", "receipt": receipt, "billable": True,
                    "state": state, "source": "test", "source_id": str(id),
                    "region": "EMEA", "legal_entity": "TH-LTD",
                    "entered_by": "person:ayo.brandt", "entered_at": NOW, "submitted_at": NOW,
                    "decided_by": "lea.fontaine" if state == "approved" else None,
                    "decided_at": NOW if state == "approved" else None, "version": 1,
                }
            ],
        )  # fmt: skip
        return id

    def milestone(
        self, amount: str = "5000", *, number: int = 1, state: str = "accepted",
        due_on: date = TODAY,
    ) -> UUID:  # fmt: skip
        id = self.new_id()
        accepted = state == "accepted"
        bulk.insert(
            self.tx,
            "milestones",
            [
                {
                    "id": str(id), "engagement_id": self.id, "number": number,
                    "name": f"Milestone {number}", "amount": amount, "currency": "EUR",
                    "due_on": due_on, "state": state, "accepts": "client", "clause": "C-1, 4.2",
                    "accepted_by": "client:eva@alder.example" if accepted else None,
                    "accepted_at": NOW if accepted else None, "region": "EMEA", "version": 1,
                }
            ],
        )  # fmt: skip
        return id

    def charge(
        self, amount: str = "2000", *, kind: ChargeKind = ChargeKind.SCHEDULED,
        due_on: date = TODAY, name: str = "Fee",
    ) -> UUID:  # fmt: skip
        id = self.new_id()
        bulk.insert(
            self.tx,
            "charges",
            [
                {
                    "id": str(id), "engagement_id": self.id, "kind": kind, "name": name,
                    "due_on": due_on, "amount": amount, "currency": "EUR", "clause": "C-1, 5",
                    "source": "contract C-1", "region": "EMEA", "made_at": NOW,
                }
            ],
        )  # fmt: skip
        return id

    def rate(
        self, per_hour: str, valid_from: date, *, role: str = "Consultant", resource: str = "",
        source: str = "change", currency: str = "EUR",
    ) -> None:  # fmt: skip
        bulk.insert(
            self.tx,
            "bill_rates",
            [
                {
                    "engagement_id": self.id, "role": role, "resource_id": resource,
                    "valid_from": valid_from, "per_hour": per_hour, "currency": currency,
                    "source": source,
                }
            ],
        )  # fmt: skip

    def propose(self, *, until: date = TODAY, who: str = FINANCE, **more: Any) -> Proposed:
        return Proposing(policies(), DAYS).propose(
            self.tx, [self.id], acting(who), dated_on=TODAY, until=until, **more
        )[self.id]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.tx.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
