"""Who may be given an exception: somebody at work who could see and resolve it (F112)."""

from __future__ import annotations

from fairlead.trust.principals import People, Person
from fairlead.trust.roles import Permission


def possible(people: People, *, region: str | None, legal_entity: str | None) -> list[Person]:
    """By name. `region` of the exception, `legal_entity` of its engagement."""
    found = [
        person
        for person in people.all()
        if person.active
        and person.principal().may(Permission.EXCEPTIONS_RESOLVE)
        and person.principal().sees(region=region, legal_entity=legal_entity)
    ]
    return sorted(found, key=lambda person: (person.name.casefold(), person.id))
