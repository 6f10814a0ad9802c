"""Who books time, and on what: set by resource management, or by a program that knows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.errors import InvalidInput, Problem
from fairlead.store import assignments, deliveries, journal, resources
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal

_MOST_NAMED = 50


def set_resources(tx: Tx, acting: Acting, records: Sequence[ResourceRecord]) -> list[str]:
    """Add people, or set what is said of them. The ids of those of whom something new is said.

    Raises `InvalidInput` where one comes twice, or works where the caller sees nothing.
    """
    known = resources.load(tx, [record.id for record in records])
    problems = _twice("resources", [record.id for record in records])
    for n, record in enumerate(records):
        was = known.get(record.id)
        if not _sees(acting.principal, record) or (was and not _sees(acting.principal, was)):
            problems.append(
                Problem(f"/resources/{n}/region", "is a region and a company that you see")
            )
    if problems:
        raise InvalidInput("These people cannot be taken.", problems)
    said = _actor(acting)
    changed = resources.upsert(
        tx, [record.model_copy(update={"source": said}) for record in records]
    )
    if changed:
        event = Event(
            chain="resources",
            type="resources.set",
            at=database_time(tx),
            actor=said,
            attributes={"resources": len(changed)},
            objects=[(id, "resource", "set") for id in changed[:_MOST_NAMED]],
        )
        journal.append(tx, [event])
    return changed


def set_assignments(tx: Tx, acting: Acting, wanted: Sequence[Assignment]) -> list[str]:
    """Add assignments, or set them anew. The ids of those of which something new is said.

    Raises `InvalidInput` naming each that comes twice, has no end, or names an engagement that
    the caller does not see, a task that it does not have, or nobody who books time.
    """
    known = assignments.load(tx, [one.id for one in wanted])
    named = {one.engagement for one in (*wanted, *known.values())}
    held = deliveries.load(tx, sorted(named))
    seen = {id: one for id, one in held.items() if _works_where(acting.principal, one)}
    people = resources.load(tx, [one.resource for one in wanted])
    problems = _twice("assignments", [one.id for one in wanted])
    for n, one in enumerate(wanted):
        was = known.get(one.id)
        delivery = seen.get(one.engagement)
        if delivery is None or (was and was.engagement not in seen):
            problems.append(
                Problem(f"/assignments/{n}/engagement", "is a launched engagement that you see")
            )
        elif one.task and one.task not in {package.code for package in delivery.packages}:
            problems.append(Problem(f"/assignments/{n}/task", "is a task of the engagement"))
        if one.resource not in people:
            problems.append(Problem(f"/assignments/{n}/resource", "is somebody who books time"))
        if one.period.end is None:
            problems.append(Problem(f"/assignments/{n}/ends_on", "is a day: an assignment ends"))
    if problems:
        raise InvalidInput("These assignments cannot be taken.", problems)
    said = _actor(acting)
    changed = assignments.upsert(tx, [one.model_copy(update={"source": said}) for one in wanted])
    _note(tx, said, [one for one in wanted if one.id in set(changed)], seen)
    return changed


def _note(tx: Tx, actor: str, changed: Sequence[Assignment], seen: dict[str, Delivery]) -> None:
    by_engagement: dict[str, list[Assignment]] = defaultdict(list)
    for one in changed:
        by_engagement[one.engagement].append(one)
    now = database_time(tx)
    journal.append(
        tx,
        [
            Event(
                chain=engagement,
                type="assignments.set",
                at=now,
                actor=actor,
                attributes={"assignments": len(some)},
                objects=[
                    (engagement, "engagement", "staffed"),
                    *((one.resource, "resource", "assigned") for one in some[:_MOST_NAMED]),
                ],
                region=seen[engagement].region,
            )
            for engagement, some in sorted(by_engagement.items())
        ],
    )


def _twice(what: str, ids: Sequence[str]) -> list[Problem]:
    return [Problem(f"/{what}/{n}/id", "comes once") for n, id in enumerate(ids) if id in ids[:n]]


def _sees(principal: Principal, record: ResourceRecord) -> bool:
    return principal.sees(region=record.region, legal_entity=record.legal_entity)


def _works_where(principal: Principal, delivery: Delivery) -> bool:
    return principal.sees(region=delivery.region, legal_entity=delivery.legal_entity)


def _actor(acting: Acting) -> str:
    return f"{acting.principal.kind}:{acting.id}"
