"""What is left to do, by the word of those who lead the work."""

from __future__ import annotations

from datetime import date

from fairlead.capabilities.company_days import CompanyDays
from fairlead.domain.values import Value
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem
from fairlead.store import contract_terms, journal
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.roles import Permission


class Forecast(Value):
    engagement: str
    made_on: date  #: in the company's zone
    minutes_left: int


def forecast(
    tx: Tx, acting: Acting, id: str, *, minutes_left: int, reason: str, days: CompanyDays
) -> Forecast:
    """From today on, so much is left. It counts before the budget, less what is worked since.

    Raises `NotAllowed`, `NotFound`, `IllegalMove` for a closed engagement, `InvalidInput` without
    a reason.
    """
    acting.principal.must(Permission.TIME_APPROVE)
    row = tx.execute(
        "SELECT region, legal_entity, number, closed_at FROM deliveries WHERE engagement_id = %s",
        [id],
    ).fetchone()
    if row is None or not acting.principal.sees(
        region=row["region"] or None, legal_entity=row["legal_entity"]
    ):
        raise NotFound("There is no such engagement.")
    if row["closed_at"] is not None:
        raise IllegalMove(row["number"], "closed", "forecast")
    if not reason.strip():
        raise InvalidInput("A forecast says why.", [Problem("/reason", "is required")])
    now = database_time(tx)
    on = days.on(now, row["legal_entity"])
    contract_terms.forecast(
        tx, id, on=on, minutes_left=minutes_left, reason=reason, by=acting.id, at=now
    )
    journal.append(
        tx,
        [
            Event(
                chain=id,
                type="forecast.made",
                at=now,
                actor=f"person:{acting.id}",
                attributes={"minutes_left": minutes_left, "reason": reason},
                objects=[(id, "engagement", "engagement")],
                region=row["region"] or None,
            )
        ],
    )
    return Forecast(engagement=id, made_on=on, minutes_left=minutes_left)
