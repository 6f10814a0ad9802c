"""Is this client in the ledger's master already? Match, none, or a person must say (F012).

Two records are surely one client where they have the same tax id. Where either has none, the
same name (accents and spelling set aside, and the legal form where only one states it) in the same
country is one client. What is alike but not the same is never merged and never doubled: a person
decides. Two tax ids are two clients, whatever they are called.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from rapidfuzz import fuzz

from fairlead.domain.company_names import legal_form, same_name, spelling, stem
from fairlead.domain.model.client import Client
from fairlead.domain.values import Exact, ExternalRef, Value

#: Names at least this alike (0 to 100) are shown to a person.
_ALIKE = 87.0
#: A tax id has at least so many; what has fewer is `n/a` or the like.
_FEWEST_DIGITS = 4
_MADE_UP = frozenset({"123456789", "1234567890", "0123456789", "12345678", "123456"})


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
    same_tax = [other for other in master if _tax_same(client, other)]
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
        return f"tax:{_full_tax(client)}"
    return f"name:{spelling(client.name)}:{client.address.country or '-'}"


def _tax(client: Client) -> str:
    """Letters and digits of the tax id; empty for a word or number that only fills the field.

    `EL` is the prefix of Greek VAT numbers, whose country is GR (Directive 2006/112/EC, art. 215).
    """
    found = re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", client.tax_id or "").upper())
    digits = re.sub(r"[^0-9]", "", found)
    if len(digits) < _FEWEST_DIGITS or len(set(digits)) == 1 or digits in _MADE_UP:
        return ""
    return re.sub("^EL(?=[0-9])", "GR", found)


def _prefix(tax: str) -> str:
    return tax[:2] if tax[:2].isalpha() else ""


def _full_tax(client: Client) -> str:
    """The tax id with the prefix of its country, where it is known."""
    tax, country = _tax(client), client.address.country or ""
    return tax if not tax or _prefix(tax) else country + tax


def _tax_same(one: Client, other: Client) -> bool:
    here, there = _full_tax(one), _full_tax(other)
    return bool(here and here == there and _prefix(here))


def _tax_differs(one: Client, other: Client) -> bool:
    """Both have a tax id, and not perhaps one that is written with and without its country."""
    here, there = _tax(one), _tax(other)
    if not here or not there or _tax_same(one, other):
        return False
    both_prefixed = bool(_prefix(here) and _prefix(there))
    bare = [tax[2:] if _prefix(tax) else tax for tax in (here, there)]
    return both_prefixed or bare[0] != bare[1]


def _country_differs(one: Client, other: Client) -> bool:
    here, there = one.address.country, other.address.country
    return bool(here and there and here != there)


def _same_name_and_place(one: Client, other: Client) -> bool:
    here, there = legal_form(one.name), legal_form(other.name)
    return (
        not other.inactive
        and same_name(one.name, other.name)
        and (here == there or not here or not there)
        and one.address.country is not None
        and one.address.country == other.address.country
        and not (_tax(one) and _tax(other))
    )


def _likely(client: Client, other: Client) -> Candidate | None:
    if _tax_differs(client, other):
        return None  # two tax ids are two clients, however alike they are called
    same_domain = bool(client.domain and client.domain == other.domain)
    same_number = bool(_tax(client) and _tax(other))  # perhaps: with and without its country
    if same_domain or same_number or _likeness(client, other) >= _ALIKE:
        return _candidate(client, other)
    return None


def _likeness(client: Client, other: Client) -> float:
    return fuzz.token_sort_ratio(stem(client.name), stem(other.name))


def _candidate(client: Client, other: Client) -> Candidate:
    likeness = _likeness(client, other)
    reasons = [_of_name(client.name, other.name, likeness)]
    if _tax_same(client, other):
        reasons.append("same tax id")
    elif _tax(client) and _tax(other):
        reasons.append("a tax id with the same number")
    if client.domain and client.domain == other.domain:
        reasons.append("same domain")
    if _country_differs(client, other):
        reasons.append(f"but in {other.address.country}")
    if not other.address.country:
        reasons.append("but without a country")
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


def _of_name(ours: str, theirs: str, likeness: float) -> str:
    if not same_name(ours, theirs):
        return "a similar name" if likeness >= _ALIKE else "another name"
    here, there = legal_form(ours), legal_form(theirs)
    return "same name" if here == there or not here or not there else "another legal form"
