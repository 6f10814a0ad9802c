"""Is this client in the ledger's master already? Match, none, or a person must say (F012).

Two records are surely one client where they have the same tax id. Without one on either side,
the same name (legal form, accents and spelling set aside) in the same country is one client.
What is alike but not the same is never merged and never doubled: a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from rapidfuzz import fuzz

from fairlead.domain.company_names import core
from fairlead.domain.model.client import Client
from fairlead.domain.values import Exact, ExternalRef, Value

#: Names at least this alike (0 to 100) are shown to a person.
_ALIKE = 87.0


class Match(Value):
    """It is this one."""

    ref: ExternalRef
    because: str


class NoMatch(Value):
    """It is not there."""


class Candidate(Value):
    """One that it might be."""

    id: str
    name: str
    country: str | None
    tax_id: str | None
    likeness: Exact  #: 0 to 1
    because: str


class AskPerson(Value):
    candidates: tuple[Candidate, ...]  #: the likeliest first


def match(client: Client, master: Sequence[Client]) -> Match | NoMatch | AskPerson:
    """Compare one client with the records that might be it."""
    same_tax = [other for other in master if _tax(client) and _tax(client) == _tax(other)]
    active = [other for other in same_tax if not other.inactive]
    if len(active) == 1:
        return Match(ref=active[0].ref, because=f"same tax id {client.tax_id}")
    if same_tax:
        return AskPerson(candidates=tuple(_candidate(client, other) for other in same_tax))
    alike = sorted(
        (candidate for other in master if (candidate := _likely(client, other))),
        key=lambda candidate: (-candidate.likeness, candidate.id),
    )
    sure = [other for other in master if _same_name_and_place(client, other)]
    if len(sure) == 1 and len(alike) == 1:
        return Match(ref=sure[0].ref, because=f"same name as {sure[0].name}, same country")
    return AskPerson(candidates=tuple(alike)) if alike else NoMatch()


def identity(client: Client) -> str:
    """What two records of one new client have in common, whichever CRM they come from.

    The key under which it is created: two deals for the same new client create one.
    """
    if _tax(client):
        return f"tax:{_tax(client)}"
    return f"name:{core(client.name)}:{client.address.country or '-'}"


def _tax(client: Client) -> str:
    return re.sub(r"[^0-9A-Z]", "", (client.tax_id or "").upper())


def _tax_differs(one: Client, other: Client) -> bool:
    return bool(_tax(one) and _tax(other) and _tax(one) != _tax(other))


def _country_differs(one: Client, other: Client) -> bool:
    here, there = one.address.country, other.address.country
    return bool(here and there and here != there)


def _same_name_and_place(one: Client, other: Client) -> bool:
    return (
        not other.inactive
        and core(one.name) == core(other.name)
        and not _tax_differs(one, other)
        and not _country_differs(one, other)
    )


def _likely(client: Client, other: Client) -> Candidate | None:
    if _tax_differs(client, other):
        return None  # two tax ids are two clients, however alike they are called
    same_domain = bool(client.domain and client.domain == other.domain)
    if same_domain or fuzz.token_sort_ratio(core(client.name), core(other.name)) >= _ALIKE:
        return _candidate(client, other)
    return None


def _candidate(client: Client, other: Client) -> Candidate:
    likeness = fuzz.token_sort_ratio(core(client.name), core(other.name))
    reasons = ["same name" if core(client.name) == core(other.name) else "a similar name"]
    if _tax(client) and _tax(client) == _tax(other):
        reasons.append("same tax id")
    if client.domain and client.domain == other.domain:
        reasons.append("same domain")
    if _country_differs(client, other):
        reasons.append(f"but in {other.address.country}")
    if other.inactive:
        reasons.append("but inactive")
    return Candidate(
        id=other.ref.id,
        name=other.name,
        country=other.address.country,
        tax_id=other.tax_id,
        likeness=Decimal(f"{likeness / 100:.2f}"),
        because=", ".join(reasons),
    )
