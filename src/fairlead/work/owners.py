"""Who may be given an exception: somebody at work who could see and resolve it (F112)."""

from __future__ import annotations

from fairlead.errors import InvalidInput, Problem
from fairlead.trust.principals import People, Person
from fairlead.trust.roles import Permission

_RESOLVES = (Permission.EXCEPTIONS_RESOLVE,)


def possible(
    people: People,
    *,
    region: str | None,
    legal_entity: str | None,
    permissions: tuple[Permission, ...] = _RESOLVES,
) -> list[Person]:
    """By name. `region` of the exception, `legal_entity` of its engagement."""
    found = [
        person
        for person in people.all()
        if person.active
        and all(person.principal().may(permission) for permission in permissions)
        and person.principal().sees(region=region, legal_entity=legal_entity)
    ]
    return sorted(found, key=lambda person: (person.name.casefold(), person.id))


def must_be_possible(
    people: People, person: str, *, region: str | None, legal_entity: str | None
) -> None:
    """Raises `InvalidInput` for an id of nobody who could resolve it."""
    able = possible(people, region=region, legal_entity=legal_entity)
    if all(one.id != person for one in able):
        rule = "is at work, and may see and resolve the exception"
        raise InvalidInput("This person could not resolve it.", [Problem("/person", rule)])
