"""Whose time it is, on what, and of which kind, by the names that another system gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import TypeVar

from fairlead.capabilities.time.kinds import Kind, Kinds
from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.project import WorkPackage
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.store import assignments, deliveries, resources
from fairlead.store.database import Tx
from fairlead.trust.principals import Principal

T = TypeVar("T")


class NoMatch(Exception):
    """No name, or more than one, fits. `what`: person, engagement, task, kind or role."""

    def __init__(self, what: str, rule: str) -> None:
        super().__init__(rule)
        self.what, self.rule = what, rule


class Matcher:
    """What is there to be matched, read once for a whole file. Names are compared without case."""

    def __init__(
        self,
        tx: Tx,
        kinds: Kinds,
        source: str,
        *,
        people: Collection[str],
        engagements: Collection[str],
        days: Collection[date],
        reader: Principal | None = None,
    ) -> None:
        """`source`: by whose names a kind of time is called. `reader`: what they do not see is as
        if it were not there; null: a system's own poll, which sees all."""
        self._kinds, self._source = kinds, source
        self._engagements: dict[str, list[Delivery]] = defaultdict(list)
        self._people: dict[str, list[ResourceRecord]] = defaultdict(list)
        self._held: dict[tuple[str, str], list[Assignment]] = defaultdict(list)
        candidates = {part for name in engagements for part in (name, name.partition(" ")[0])}
        found = deliveries.load(tx, deliveries.named(tx, sorted(candidates)))
        for delivery in found.values():
            if reader is None or reader.sees(
                region=delivery.region, legal_entity=delivery.legal_entity
            ):
                for name in _names(
                    delivery.code, delivery.number, delivery.name, delivery.engagement
                ):
                    self._engagements[name].append(delivery)
        for record in resources.named(tx, sorted(set(people))):
            for name in _names(record.id, record.email, record.name):
                self._people[name].append(record)
        known = sorted({record.id for some in self._people.values() for record in some})
        if known and days:
            for one in assignments.of_people(tx, known, min(days), max(days)):
                self._held[(one.resource, one.engagement)].append(one)

    def person(self, name: str, email: str | None) -> ResourceRecord:
        """By address, id or name."""
        for key in (email, name):
            if key and (found := self._people.get(key.casefold())):
                return _only("person", found, "is one person who books time, not several")
        raise NoMatch("person", "is a person who books time, by id, address or name")

    def engagement(self, name: str, code: str | None = None) -> Delivery:
        """By project code, number or name, or by a title that begins with the code."""
        for key in (code, name, name.partition(" ")[0]):
            if key and (found := self._engagements.get(key.casefold())):
                return _only("engagement", found, "is one engagement, not several")
        raise NoMatch("engagement", "is a launched engagement, by code, number or name")

    def task(self, delivery: Delivery, name: str | None) -> WorkPackage | None:
        """By code or name, or by a title that begins with the code. None where none is named."""
        if name is None:
            return None
        wanted = name.casefold()
        for form in ("{0.code}", "{0.name}", "{0.code} {0.name}"):
            found = [one for one in delivery.packages if form.format(one).casefold() == wanted]
            if found:
                return _only("task", found, "is one task of the engagement, not several")
        raise NoMatch("task", f"is a task of {delivery.code}, by code or name")

    def kind(self, name: str | None, tags: Iterable[str] = ()) -> Kind:
        """A name must be known; of tags, the first that is a kind counts. Else the usual one."""
        if name is not None:
            found = self._kinds.named(name, source=self._source)
            if found is None:
                raise NoMatch("kind", "is a kind of time that the firm lists")
            return found
        named = (self._kinds.named(tag, source=self._source) for tag in tags)
        return next((kind for kind in named if kind), self._kinds.usual)

    def role(self, person: ResourceRecord, delivery: Delivery, task: str | None, day: date) -> str:
        """The labour category: of the assignment, else the only one that the person has."""
        for one in self._held[(person.id, delivery.engagement)]:
            if day in one.period and one.task in (None, task):
                return one.role
        if len(person.roles) == 1:
            return person.roles[0]
        raise NoMatch("role", "is said: no assignment of the person says it")


def _names(*names: str | None) -> set[str]:
    return {name.casefold() for name in names if name}


def _only(what: str, found: Sequence[T], rule: str) -> T:
    if len(found) > 1:
        raise NoMatch(what, rule)
    return found[0]
