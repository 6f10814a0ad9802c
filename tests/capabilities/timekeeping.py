"""A launched engagement, people who book on it, and the rules of the sample firm."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from fairlead.bootstrap import Fairlead
from fairlead.capabilities.time.entering import TimeInput, Times
from fairlead.capabilities.time.judging import Judging
from fairlead.capabilities.time.kinds import Kinds, load_kinds
from fairlead.config import SAMPLE, Settings
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.project import WorkPackage
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.rules.opening import Opening
from fairlead.domain.values import Money, Period
from fairlead.store import assignments, deliveries, resources
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting

MONDAY = date(2026, 7, 6)
YEAR = Period(start=date(2026, 1, 1), end=date(2026, 12, 31))
WORDS = "Mapped the interfaces of carrier {}"


@cache
def rooms() -> Fairlead:
    return Fairlead(Settings(config=SAMPLE))


@cache
def kinds() -> Kinds:
    return load_kinds(SAMPLE, rooms().systems.all())


@cache
def judging() -> Judging:
    return Judging(rooms().policies, rooms().calendars, kinds())


@cache
def times() -> Times:
    return Times(judging(), kinds())


def acting(person: str = "ayo.brandt") -> Acting:
    people = rooms().people
    return Acting.of(people, people.principal(person))


def package(code: str, hours: int = 1000, **more: Any) -> WorkPackage:
    values = {"name": f"Task {code}", "hours": Decimal(hours)}
    days = {"starts_on": YEAR.start, "ends_on": YEAR.end}
    return WorkPackage.model_validate({"code": code, **values, **days, **more})


def launch(tx: Tx, n: int = 1, **more: Any) -> Delivery:
    """`eng-1`, ENG-1, TH-1: time and materials for Germany, with an internal task 90."""
    values: dict[str, Any] = {
        "engagement": EngagementId(f"eng-{n}"),
        "number": f"ENG-{n}",
        "code": f"TH-{n}",
        "name": f"Ledger migration {n}",
        "client_name": "Vantor Logistics",
        "region": "EMEA",
        "country": "DE",
        "legal_entity": "TH-GMBH",
        "subsidiary": "2",
        "contract_type": ContractType.TIME_AND_MATERIALS,
        "billing_method": "as_worked",
        "revenue_method": "as_invoiced",
        "currency": "EUR",
        "value": Money(amount=Decimal(100_000), currency="EUR"),
        "budget_minutes": 60 * 3000,
        "payment_days": 30,
        "time_policy": "DE-DAILY-DETAILED",
        "starts_on": YEAR.start,
        "ends_on": YEAR.end,
        "packages": (package("10"), package("20"), package("90", billable=False)),
    }
    delivery = Delivery.model_validate(values | more)
    opened = Opening(delivery=delivery, rates=(), milestones=(), charges=())
    assert deliveries.open_books(tx, opened, database_time(tx))
    return delivery


def staff(tx: Tx, *ids: str, engagement: str = "eng-1", **more: Any) -> None:
    """People of the German company, each assigned to the engagement for the year."""
    resources.upsert(
        tx,
        [
            ResourceRecord.model_validate(
                {
                    "id": id,
                    "name": id.replace(".", " ").title(),
                    "email": f"{id}@tarn-holloway.example",
                    "region": "EMEA",
                    "country": "DE",
                    "legal_entity": "TH-GMBH",
                    "source": "hr",
                }
                | more
            )
            for id in ids
        ],
    )
    assignments.upsert(
        tx,
        [
            Assignment(
                id=f"{engagement}/{id}",
                engagement=EngagementId(engagement),
                resource=id,
                role="Consultant",
                period=YEAR,
                source="person:wei.chen",
            )
            for id in ids
        ],
    )


def said(n: int = 0, **more: Any) -> TimeInput:
    """Two hours on Monday."""
    values = {"engagement": "TH-1", "task": "10", "day": MONDAY, "minutes": 120}
    return TimeInput.model_validate(values | {"narrative": WORDS.format(n)} | more)
