"""What somebody may approve now: on which engagements, in whose stead, and nobody's of their own
hand. The rule is `domain.rules.approval`; here are the people it is asked about."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.rules.approval import Hand, Line, approves_as
from fairlead.errors import NotAllowed, NotFound
from fairlead.store import approvals, deputies, resources
from fairlead.store.approvals import Bar, Remit
from fairlead.store.database import Tx, database_time
from fairlead.store.deputies import Deputy
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People, Person
from fairlead.trust.roles import Permission, Role

#: How long ago something may have been submitted for a deputyship that has ended since to count.
_LONGEST_WAIT = timedelta(days=366)


class Remits:
    def __init__(self, people: People) -> None:
        self._people = people

    def of(
        self,
        tx: Tx,
        acting: Acting,
        *,
        engagement: str | None = None,
        engagements: Collection[str] | None = None,
    ) -> Remit:
        """Over all on which something waits; or over one (id, number or project code), or some,
        whatever waits.

        Raises `NotAllowed` for a program: a person decides.
        """
        if acting.person is None:
            raise NotAllowed("Time and expenses are approved by a person.")
        today = database_time(tx).date()
        pairs = deputies.of(tx, acting.id, today - _LONGEST_WAIT)
        rows = (
            approvals.waiting_lines(tx, engagement)
            if engagements is None
            else approvals.lines(tx, engagements)
        )
        hands = self._stood_for(acting.person, pairs, today)
        own = _hand(acting.person)
        found = {line.engagement: approves_as(own, hands, line) for line in map(_line, rows)}
        return Remit(
            engagements={id: whom for id, whom in found.items() if whom is not None},
            barred=self._barred(tx, acting, pairs),
        )

    def _stood_for(self, person: Person, pairs: Sequence[Deputy], today: date) -> Sequence[Hand]:
        """Those whose deputy they are today."""
        named = [pair.person for pair in pairs if pair.deputy == person.id and pair.on(today)]
        return [_hand(one) for one in map(self._at_work, named) if one is not None]

    def _barred(self, tx: Tx, acting: Acting, pairs: Sequence[Deputy]) -> Sequence[Bar]:
        """Themself always, and each partner of a deputyship while it held."""
        held = [(acting.id, date.min, date.max)]
        for pair in pairs:
            other = pair.deputy if pair.person == acting.id else pair.person
            last = pair.ends_on if pair.ended_at is None else pair.ended_at.date()
            held.append((other, pair.starts_on, min(last, pair.ends_on)))
        whose = self._resources(tx, {id for id, _, _ in held})
        return [
            Bar(resource, f"person:{id}", starts, ends)
            for id, starts, ends in held
            for resource in whose.get(id) or [None]
        ]

    def _resources(self, tx: Tx, ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Person → each resource that may be them: by id, and by address."""
        emails = {id: (self._email(id) or "").lower() for id in ids}
        found = resources.like(tx, ids, emails.values())
        return {
            id: [one.id for one in found if one.id == id or _is_of(one, email)]
            for id, email in emails.items()
        }

    def _email(self, id: str) -> str | None:
        try:
            return self._people.person(id).email
        except NotFound:
            return None

    def _at_work(self, id: str) -> Person | None:
        try:
            person = self._people.person(id)
        except NotFound:
            return None
        return person if person.active else None


def approvers(people: People, line: Line) -> Sequence[Person]:
    """Who approves what is booked there: its manager where one is named, else those who manage
    projects there, else the leads. Deputies and who it is of are not looked at."""
    able = [
        person
        for person in people.all()
        if person.active and may_approve(person) and _hand(person).approves(line)
    ]
    return (
        [person for person in able if person.id == line.manager]
        or [person for person in able if Role.PROJECT_MANAGER in person.roles]
        or able
    )


@lru_cache(maxsize=4)
def hands(people: People) -> str:
    """As JSON, everybody whose deputy approves time and expenses: what `store.counts` asks."""
    able = [_hand(person) for person in people.all() if person.active and may_approve(person)]
    return json.dumps(
        [
            {
                "id": one.id,
                "leads": one.leads,
                "manages": one.manages,
                "regions": None if one.regions is None else sorted(one.regions),
                "entities": None if one.legal_entities is None else sorted(one.legal_entities),
            }
            for one in able
        ]
    )


def _is_of(one: ResourceRecord, email: str) -> bool:
    return bool(email) and (one.email or "").lower() == email


def may_approve(person: Person) -> bool:
    return Permission.TIME_APPROVE in person.principal().permissions


def _hand(person: Person) -> Hand:
    return Hand(
        id=person.id,
        leads=Role.PMO_LEAD in person.roles,
        manages=Role.PROJECT_MANAGER in person.roles,
        regions=person.regions,
        legal_entities=person.legal_entities,
    )


def _line(row: Mapping[str, Any]) -> Line:
    return Line(
        engagement=row["engagement_id"],
        region=row["region"],
        legal_entity=row["legal_entity"],
        manager=row["manager"],
    )
