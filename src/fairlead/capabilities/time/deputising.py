"""Naming a deputy for one's own approvals while one is away, and who manages an engagement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

from fairlead.capabilities.time.remit import may_approve
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem
from fairlead.store import deliveries, deputies, engagement_managers, journal
from fairlead.store.database import Tx, database_time
from fairlead.store.deputies import Deputy
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People, Person

_LONGEST = timedelta(days=366)


class Deputising:
    def __init__(self, people: People) -> None:
        self._people = people

    def name(self, tx: Tx, acting: Acting, deputy: str, starts_on: date, ends_on: date) -> Deputy:
        """Somebody approves in one's stead on these days, both included. One's own rights stay.

        Raises `InvalidInput` where they could not: they are oneself, nobody at work, may not
        approve or see less; or the days are over, out of order or more than a year.
        """
        now = database_time(tx)
        problems: list[Problem] = []
        if not self._could(acting, deputy):
            rule = "is another person at work who may approve time, and sees all that you see"
            problems.append(Problem("/deputy", rule))
        if not starts_on <= ends_on <= starts_on + _LONGEST or ends_on < now.date():
            problems.append(Problem("/ends_on", "is today or later, within a year of starts_on"))
        if problems:
            raise InvalidInput("This deputy cannot be named.", problems)
        new = Deputy(str(uuid4()), acting.id, deputy, starts_on, ends_on, acting.id, now)
        deputies.add(tx, new)
        self._tell(tx, new, acting, "deputy.named")
        return new

    def end(self, tx: Tx, acting: Acting, id: str) -> Deputy:
        """Either side may. Raises `NotFound`, `IllegalMove` (ended before)."""
        found = deputies.get(tx, id)
        if found is None or acting.id not in (found.person, found.deputy):
            raise NotFound("There is no such deputy.")
        now = database_time(tx)
        if found.ended_at is not None or found.ends_on < now.date():
            raise IllegalMove("The deputy", "released already", "released")
        deputies.end(tx, id, now)
        self._tell(tx, found, acting, "deputy.ended")
        return replace(found, ended_at=now)

    def manage(self, tx: Tx, acting: Acting, engagement: str, person: str) -> None:
        """Say who manages an engagement that one sees, and so approves its time.

        Raises `NotFound`, `InvalidInput` where the person may not approve there.
        """
        known = deliveries.load(tx, [engagement, *deliveries.find(tx, [engagement])])
        delivery = next(iter(known.values()), None)
        if delivery is None or not acting.principal.sees(
            region=delivery.region, legal_entity=delivery.legal_entity
        ):
            raise NotFound("There is no such engagement.")
        named = self._at_work(person)
        if (
            named is None
            or not may_approve(named)
            or not named.principal().sees(
                region=delivery.region, legal_entity=delivery.legal_entity
            )
        ):
            raise InvalidInput(
                "This person cannot manage it.",
                [Problem("/person", "is at work, may approve time, and sees the engagement")],
            )
        now = database_time(tx)
        engagement_managers.name(tx, delivery.engagement, person, by=acting.id, now=now)
        journal.append(
            tx,
            [
                Event(
                    chain=delivery.engagement,
                    type="manager.named",
                    at=now,
                    actor=f"person:{acting.id}",
                    attributes={"person": person},
                    objects=[(delivery.engagement, "engagement", "of")],
                    region=delivery.region,
                )
            ],
        )

    def _could(self, acting: Acting, deputy: str) -> bool:
        person, named = acting.person, self._at_work(deputy)
        return (
            person is not None
            and named is not None
            and named.id != person.id
            and may_approve(named)
            and _covers(named.regions, person.regions)
            and _covers(named.legal_entities, person.legal_entities)
        )

    def _at_work(self, id: str) -> Person | None:
        try:
            person = self._people.person(id)
        except NotFound:
            return None
        return person if person.active else None

    @staticmethod
    def _tell(tx: Tx, one: Deputy, acting: Acting, type: str) -> None:
        event = Event(
            chain="deputies",
            type=type,
            at=database_time(tx),
            actor=f"person:{acting.id}",
            attributes={
                "person": one.person,
                "deputy": one.deputy,
                "starts_on": one.starts_on.isoformat(),
                "ends_on": one.ends_on.isoformat(),
            },
            objects=[(one.id, "deputy", "named" if type == "deputy.named" else "ended")],
        )
        journal.append(tx, [event])


def _covers(theirs: frozenset[str] | None, own: frozenset[str] | None) -> bool:
    return theirs is None or (own is not None and own <= theirs)
