"""Who else: how people are named to the reader, and whom to ask for what the reader cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.store.worklist import Kind
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Person
from fairlead.trust.roles import Permission, Role
from fairlead.web.formats import listed
from fairlead.web.visit import Visit
from fairlead.work import owners
from fairlead.work.answers import barred

_MOST_NAMED = 3


def name_of(visit: Visit, id: str | None) -> str:
    """Of a person as records name them: the reader is `you`; who is unknown keeps their id."""
    if id is None:
        return "nobody"
    plain = id.removeprefix("person:")
    if plain in visit.acting.aliases():
        return "you"
    for person in visit.parts.people.all():
        if plain == person.id or (person.email and plain.casefold() == person.email.casefold()):
            return person.name
    if plain.startswith("client:"):
        return f"{plain.removeprefix('client:')} (client)"
    return "Fairlead" if plain == "fairlead" else plain.removeprefix("system:")


def ask(people: Sequence[Person]) -> str:
    """`Ask Inès Moreau or Hanna Lindqvist.`"""
    names = list(dict.fromkeys(person.name for person in people))[:_MOST_NAMED]
    return f"Ask {listed(names, 'or')}." if names else "Nobody else can; ask an administrator."


def could_answer(visit: Visit, task: Mapping[str, Any]) -> list[Person]:
    """Others who could answer it now; whoever holds the role first."""
    people = visit.parts.people
    roles = [Role(role) for role in (task["role"], task["fallback_role"]) if role]
    return [
        person
        for role in roles
        for person in people.holding(role, region=task["region"])
        if person.id != visit.who.id and barred(task, Acting.of(people, person.principal())) is None
    ]


def could_resolve(visit: Visit, row: Mapping[str, Any], *permissions: Permission) -> list[Person]:
    """Others, those of its team first."""
    able = owners.possible(
        visit.parts.people,
        region=row["region"],
        legal_entity=row["legal_entity"],
        permissions=permissions,
    )
    others = [person for person in able if person.id != visit.who.id]
    return sorted(others, key=lambda person: row["owner"] not in person.teams)


def may_assign(visit: Visit, is_task: bool) -> bool:
    """Give it to somebody."""
    return visit.who.may(Permission.TASKS_DELEGATE if is_task else Permission.EXCEPTIONS_RESOLVE)


def candidates_for(visit: Visit, row: Mapping[str, Any]) -> list[Person]:
    """Whom it can be given to, as `work.assignment` and the rules of exceptions have it."""
    if row["kind"] in (Kind.DATA, Kind.EXCEPTION):
        found = could_resolve(visit, row, Permission.EXCEPTIONS_RESOLVE)
        return [*found, visit.person]
    excluded = {name.casefold() for name in row["excluded"]}
    return [
        person
        for person in visit.parts.people.holding(Role(row["owner"]), region=row["region"])
        if row["kind"] != "approval" or not _aliases(visit, person) & excluded
    ]


def _aliases(visit: Visit, person: Person) -> frozenset[str]:
    return Acting.of(visit.parts.people, person.principal()).aliases()
