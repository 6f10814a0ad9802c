"""Cost rates: told by who owns them, by date, and never for a month that is closed (F166)."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.domain.model.cost_rate import CostRate
from fairlead.domain.rules.project_setup import add_months
from fairlead.errors import InvalidInput, Problem
from fairlead.store import cost_rates, journal, resources
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting

_MOST_NAMED = 50


def set_cost_rates(tx: Tx, acting: Acting, rates: Sequence[CostRate]) -> list[CostRate]:
    """Add what is new; those that were new. What is told again as it is kept changes nothing.

    The log says whose rate changed and from when, never how much it is. Raises `InvalidInput`
    naming each that comes twice, is not more than zero, is of nobody who books time where the
    caller sees, contradicts one that is kept, or begins in a month that is closed.
    """
    people = {
        id: person
        for id, person in resources.load(tx, [one.resource for one in rates]).items()
        if acting.principal.sees(region=person.region, legal_entity=person.legal_entity)
    }
    kept = cost_rates.known(tx, rates)
    closed = cost_rates.closed_until(tx, [one.resource for one in rates])
    problems: list[Problem] = []
    fresh: list[CostRate] = []
    told: set[tuple[str, str]] = set()
    for n, one in enumerate(rates):
        at = f"/rates/{n}"
        key = (one.resource, one.valid_from.isoformat())
        before = kept.get((one.resource, one.valid_from))
        until = closed.get(one.resource)
        if one.resource not in people:
            problems.append(Problem(f"{at}/resource", "is somebody who books time"))
        elif key in told:
            problems.append(Problem(f"{at}/valid_from", "is told once of one person"))
        elif one.per_hour.amount <= 0:
            problems.append(Problem(f"{at}/per_hour/amount", "is more than zero"))
        elif before is not None and before.per_hour != one.per_hour:
            rule = "is as it was told before; a new rate has a later first day"
            problems.append(Problem(f"{at}/per_hour", rule))
        elif before is None and until is not None and one.valid_from < add_months(until, 1):
            rule = f"is after {until:%B %Y}, which is closed"
            problems.append(Problem(f"{at}/valid_from", rule))
        elif before is None:
            fresh.append(one)
        told.add(key)
    if problems:
        raise InvalidInput("These cost rates cannot be taken.", problems)
    if fresh:
        actor = f"{acting.principal.kind}:{acting.id}"
        cost_rates.add(tx, fresh, actor)
        event = Event(
            chain="resources",
            type="cost_rates.set",
            at=database_time(tx),
            actor=actor,
            attributes={"rates": len(fresh), "from": str(min(one.valid_from for one in fresh))},
            objects=[(one.resource, "resource", "costs") for one in fresh[:_MOST_NAMED]],
        )
        journal.append(tx, [event])
    return fresh
