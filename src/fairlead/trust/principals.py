"""Who is asking: people and programs, what they may see, and the keys that programs carry."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, SecretStr, model_validator

from fairlead.config import read
from fairlead.domain.values import Currency, Exact, Money, Name, Value
from fairlead.errors import InvalidDefinition, NotAllowed, NotFound
from fairlead.trust.roles import Permission, Role, conflicts, permissions_of, roles_with

_Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,62}$")]


class Principal(Value):
    """Whoever asks, for the length of one request. Null means: no limit of that kind."""

    id: str
    name: str
    kind: Literal["person", "service"]
    roles: frozenset[Role]
    regions: frozenset[str] | None = None
    legal_entities: frozenset[str] | None = None
    also: frozenset[Permission] = frozenset()  #: of a program: what it reads beside its role
    scopes: frozenset[Permission] | None = None  #: of the key; they only take away

    @property
    def permissions(self) -> frozenset[Permission]:
        granted = permissions_of(self.roles) | self.also
        return granted if self.scopes is None else granted & self.scopes

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def must(self, permission: Permission) -> None:
        """Raises `NotAllowed`."""
        if not self.may(permission):
            raise NotAllowed(
                f"This needs the permission {permission}, which {self.id} lacks. "
                f"{self.others(permission)}"
            )

    def others(self, permission: Permission) -> str:
        """Whose hand is needed instead: `Ask somebody who is controller.`"""
        roles = [role.replace("_", " ") for role in roles_with(permission)]
        return f"Ask somebody who is {' or '.join(roles)}." if roles else "Nobody has it."

    def sees(self, *, region: str | None, legal_entity: str | None) -> bool:
        """Whether a thing of this region and legal entity is visible. One of no region is seen
        only by those without a limit."""
        return (self.regions is None or region in self.regions) and (
            self.legal_entities is None or legal_entity in self.legal_entities
        )


class Person(Value):
    """Somebody who takes part. Times follow their calendar."""

    id: _Id
    name: Name
    email: str | None = None
    roles: frozenset[Role] = Field(min_length=1)
    regions: frozenset[str] | None = None  #: null: all
    legal_entities: frozenset[str] | None = None  #: null: all
    teams: frozenset[str] = frozenset()
    approval_limits: dict[Currency, Annotated[Exact, Field(ge=0)]] = Field(
        default_factory=dict[str, Decimal]
    )
    """The most that this person may approve alone; in a currency that is missing, nothing."""
    calendar: str | None = None  #: a name of the calendars in firm.yaml; null: their region's
    active: bool = True

    @model_validator(mode="after")
    def _duties_apart(self) -> Person:
        if found := conflicts(self.roles):
            pairs = "; ".join(f"{one} with {other}" for one, other in found)
            raise ValueError(f"one person may not hold these roles together: {pairs}")
        if Role.SERVICE in self.roles:
            raise ValueError("a person has no role service; list the program under services")
        return self

    def principal(self) -> Principal:
        return Principal(
            id=self.id,
            name=self.name,
            kind="person",
            roles=self.roles,
            regions=self.regions,
            legal_entities=self.legal_entities,
        )

    def may_approve(self, amount: Money) -> bool:
        return amount.amount <= self.approval_limits.get(amount.currency, Decimal(0))


class Service(Value):
    """A program that calls us with a key."""

    id: _Id
    name: Name
    regions: frozenset[str] | None = None
    legal_entities: frozenset[str] | None = None
    reads: frozenset[Permission] = frozenset()
    """What it may read beside what every program may, such as `billing.read`."""
    active: bool = True

    @model_validator(mode="after")
    def _only_reads(self) -> Service:
        if more := sorted(one for one in self.reads if not one.endswith(".read")):
            raise ValueError(f"reads: a program is given what ends in .read, not {more[0]}")
        return self

    def principal(self) -> Principal:
        return Principal(
            id=self.id,
            name=self.name,
            kind="service",
            also=self.reads,
            roles=frozenset({Role.SERVICE}),
            regions=self.regions,
            legal_entities=self.legal_entities,
        )


class _PeopleFile(Value):
    people: tuple[Person, ...] = Field(min_length=1)
    services: tuple[Service, ...] = ()


class People:
    """Everybody of one firm, in the order of the file."""

    def __init__(self, people: Iterable[Person], services: Iterable[Service] = ()) -> None:
        """Raises `InvalidDefinition` where two have one id."""
        self._people = tuple(people)
        everybody: list[Person | Service] = [*self._people, *services]
        ids = [one.id for one in everybody]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise InvalidDefinition(
                "people.yaml cannot be used:", [f"two have the id {one}" for one in twice]
            )
        self._by_id = {one.id: one for one in everybody}

    def all(self) -> Sequence[Person]:
        return self._people

    def person(self, person: str) -> Person:
        """Raises `NotFound`."""
        found = self._by_id.get(person)
        if not isinstance(found, Person):
            raise NotFound(f"There is no person {person}.")
        return found

    def holding(
        self, role: Role, *, region: str | None = None, team: str | None = None
    ) -> Sequence[Person]:
        """Those at work with this role who may see the region, and are in the team if one is
        named. None at all is an answer: the caller decides who stands in."""
        return tuple(
            person
            for person in self._people
            if person.active
            and role in person.roles
            and (region is None or person.regions is None or region in person.regions)
            and (team is None or team in person.teams)
        )

    def principal(self, principal: str, scopes: frozenset[Permission] | None = None) -> Principal:
        """What this id may do today. Raises `NotAllowed` for one who is gone or unknown."""
        found = self._by_id.get(principal)
        if found is None or not found.active:
            raise NotAllowed("This key or sign-in belongs to nobody who may use it.")
        return found.principal().model_copy(update={"scopes": scopes})


def load_people(folder: Path) -> People:
    """`people.yaml` of the folder. Raises `InvalidDefinition` with every fault."""
    file = read(folder / "people.yaml", _PeopleFile)
    return People(file.people, file.services)


class KeyRow(Value):
    """A row of the table `api_keys`."""

    id: str
    principal: str
    secret_hash: bytes  #: SHA-256; enough, because the secret is random and long
    scopes: frozenset[Permission]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None


@dataclass(frozen=True)
class KeyText:
    """A key as a caller sends it: `fl_<id>_<secret>`."""

    id: str
    secret: SecretStr


def new_key(
    principal: Principal,
    scopes: Iterable[Permission],
    *,
    now: datetime,
    expires_at: datetime | None,
) -> tuple[KeyRow, SecretStr]:
    """A row to store, and the key's text, which is shown once and never stored.

    `principal` is whoever the key will act for. Raises `NotAllowed` for a scope beyond theirs.
    """
    wanted = frozenset(scopes)
    if beyond := sorted(wanted - principal.permissions):
        raise NotAllowed(f"{principal.id} has no {', '.join(beyond)} to give to a key.")
    identity, secret = _random(8), _random(20)
    row = KeyRow(
        id=identity,
        principal=principal.id,
        secret_hash=_digest(secret),
        scopes=wanted,
        created_at=now,
        expires_at=expires_at,
    )
    return row, SecretStr(f"fl_{identity}_{secret}")


def parse_key(text: str) -> KeyText:
    """Raises `NotAllowed` where this is no key of ours."""
    parts = text.split("_")
    if len(parts) != 3 or parts[0] != "fl" or not (text.isascii() and parts[1] and parts[2]):
        raise NotAllowed("This is no API key of Fairlead.")
    return KeyText(id=parts[1], secret=SecretStr(parts[2]))


def verify_key(row: KeyRow | None, key: KeyText, people: People, now: datetime) -> Principal:
    """Whoever the key acts for, with the key's scopes. `row` is null where there is no such id.

    Raises `NotAllowed`, in the same words for an unknown id and a wrong secret.
    """
    # An unknown id takes as long as a known one: the comparison is made either way.
    right = hmac.compare_digest(
        row.secret_hash if row else _digest(""), _digest(key.secret.get_secret_value())
    )
    if row is None or not right:
        raise NotAllowed("This API key is not known.")
    if row.revoked_at is not None and row.revoked_at <= now:
        raise NotAllowed("This API key was revoked.")
    if row.expires_at is not None and row.expires_at <= now:
        raise NotAllowed("This API key has expired.")
    return people.principal(row.principal, row.scopes)


def _random(count: int) -> str:
    """`count` random bytes as letters and digits; 20 bytes are 160 bits."""
    return base64.b32encode(secrets.token_bytes(count)).decode().rstrip("=").lower()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
