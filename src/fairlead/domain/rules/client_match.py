"""Is this client in the ledger's master already? Match, none, or a person must say (F012).

Two records are surely one client where they have the same tax id. Where either has none, the
same name (accents and spelling set aside, and the legal form where only one states it) in the same
country is one client, unless place, web site or group say otherwise. What is alike but not the same
is never merged and never doubled: a person decides. Two tax ids are two clients, whatever they are
called; two companies of one group are two clients, even where the group shares a tax id.

Two records of one client may contradict each other: `conflicts` names the fields (F164).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from fairlead.domain.company_names import latin, legal_form, romanised, same_name, spelling, stem
from fairlead.domain.model.client import Client
from fairlead.domain.rules.tax_ids import CompanyNumber, compact, company_number
from fairlead.domain.values import Exact, ExternalRef, Value

#: Names at least this alike (0 to 100) are shown to a person.
_ALIKE = 87.0
#: Names of so many letters are shown where only one letter is another.
_LONG_ENOUGH = 5
#: A word that is the whole of one name and a part of the other has at least so many letters.
_TELLING_WORD = 4
#: In a script whose signs say more than a letter, so many are enough.
_FEW_SIGNS = 2
#: Where the address is the same, names need only be this alike.
_ALIKE_NEXT_DOOR = 50.0
#: A tax id has at least so many digits; what has fewer is `n/a` or the like.
_FEWEST_DIGITS = 4
_MADE_UP = frozenset({"123456789", "1234567890", "0123456789", "12345678", "123456"})
#: Web sites of everybody: to have an address there says nothing.
_OPEN_DOMAINS = frozenset(
    {
        "aol.com",
        "facebook.com",
        "gmail.com",
        "gmx.de",
        "gmx.net",
        "hotmail.com",
        "icloud.com",
        "linkedin.com",
        "live.com",
        "mail.ru",
        "outlook.com",
        "proton.me",
        "qq.com",
        "web.de",
        "yahoo.com",
        "163.com",
    }
)


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


class FieldConflict(Value):
    """A field in which two records of one client differ in substance, not in spelling."""

    field: str  #: dotted path in the client
    ours: str
    theirs: str

    def __str__(self) -> str:
        field = self.field.replace("_", " ").replace(".", " ")
        return f"{field}: {self.ours} here, {self.theirs} there"


def match(client: Client, master: Sequence[Client]) -> Match | NoMatch | AskPerson:
    """Compare one client with the records that might be it."""
    same_tax = [other for other in master if _tax_same(client, other)]
    active = [other for other in same_tax if not other.inactive]
    if len(active) == 1 and not _shares_group_number(client, active[0]):
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


def conflicts(ours: Client, theirs: Client) -> tuple[FieldConflict, ...]:
    """Where two records of one client contradict each other; a blank contradicts nothing.

    Another currency contradicts nothing either: one client may buy in several, each deal says its
    own, and a CRM gives an account that of whoever entered it.
    """
    here, there = ours.address, theirs.address
    one, other = _tax(ours), _tax(theirs)
    taxes = bool(one and other) and _tax_differs(ours, theirs)
    forms = [legal_form(ours.name), legal_form(theirs.name)]
    names = not same_name(ours.name, theirs.name) or (all(forms) and forms[0] != forms[1])
    domains = [web_site(ours.domain), web_site(theirs.domain)]
    groups = bool(ours.parent and theirs.parent) and not _same_head(ours.parent, theirs.parent)
    found = (
        ("name", names, ours.name, theirs.name),
        ("tax_id", taxes, ours.tax_id, theirs.tax_id),
        ("domain", all(domains) and domains[0] != domains[1], ours.domain, theirs.domain),
        ("address.country", _country_differs(ours, theirs), here.country, there.country),
        (
            "address.postal_code",
            _both_and_differ(here.postal_code, there.postal_code),
            here.postal_code,
            there.postal_code,
        ),
        ("address.city", _both_and_differ(here.city, there.city), here.city, there.city),
        ("parent", groups, ours.parent, theirs.parent),
    )
    return tuple(
        FieldConflict(field=field, ours=left or "", theirs=right or "")
        for field, differs, left, right in found
        if differs
    )


def identity(client: Client) -> str:
    """What two records of one new client have in common, whichever CRM they come from.

    The key under which it is created: two deals for the same new client create one.
    """
    if tax := _tax(client):
        return f"tax:{tax.country}{tax.number}"
    return f"name:{spelling(client.name)}:{client.address.country or '-'}"


def web_site(domain: str | None) -> str:
    """`https://www.Example.com/en` as `example.com`; empty for a blank and for everybody's."""
    text = re.sub(r"^[a-z]+://", "", "".join((domain or "").lower().split()))
    host = re.split(r"[/:?#]", text, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r"^(www\.|\.)+", "", host).rstrip(".")
    return "" if host in _OPEN_DOMAINS else host


def _tax(client: Client) -> CompanyNumber | None:
    """The company's number; null for a word or number that only fills the field."""
    found = compact(client.tax_id or "")
    digits = re.sub(r"[^0-9]", "", found)
    if len(digits) < _FEWEST_DIGITS or len(set(digits)) == 1 or digits in _MADE_UP:
        return None
    return company_number(client.address.country, client.tax_id or "")


def _tax_same(one: Client, other: Client) -> bool:
    here, there = _tax(one), _tax(other)
    if here is None or there is None or not here.country:
        return False
    return (here.country, here.number) == (there.country, there.number)


def _tax_differs(one: Client, other: Client) -> bool:
    """Both have a tax id, and not perhaps one that is written with and without its country."""
    here, there = _tax(one), _tax(other)
    if here is None or there is None or _tax_same(one, other):
        return False
    if here.stated and there.stated and here.country != there.country:
        return True
    return here.root != there.root


def _shares_group_number(one: Client, other: Client) -> bool:
    """Companies of one group may be registered under one number (Directive 2006/112/EC, art. 11);
    where both are known to be of the group, and are called otherwise, they are two."""
    return _same_group(one, other) and not (
        same_name(one.name, other.name) and _forms_agree(one, other)
    )


def _same_group(one: Client, other: Client) -> bool:
    heads = [
        (one.parent, other.parent),
        (one.parent, other.name),
        (one.name, other.parent),
    ]
    return any(_same_head(left, right) for left, right in heads)


def _same_head(one: str | None, other: str | None) -> bool:
    return bool(one and other and stem(one) == stem(other) and same_name(stem(one), stem(other)))


def _forms_agree(one: Client, other: Client) -> bool:
    here, there = legal_form(one.name), legal_form(other.name)
    return here == there or not here or not there


def _country_differs(one: Client, other: Client) -> bool:
    return _both_and_differ(one.address.country, other.address.country)


def _both_and_differ(one: str | None, other: str | None) -> bool:
    here, there = _bare(one), _bare(other)
    return bool(here and there and here != there)


def _bare(text: str | None) -> str:
    return re.sub(r"[^0-9a-z]", "", latin(text or ""))


def _elsewhere(one: Client, other: Client) -> bool:
    """By postal code where both have one, else by city."""
    here, there = one.address, other.address
    if here.postal_code and there.postal_code:
        return compact(here.postal_code) != compact(there.postal_code)
    return _both_and_differ(here.city, there.city)


def _same_address(one: Client, other: Client) -> bool:
    here, there = one.address, other.address
    return bool(
        _bare(here.street)
        and _bare(here.street) == _bare(there.street)
        and (here.postal_code or here.city)
        and not _elsewhere(one, other)
        and not _country_differs(one, other)
    )


def _same_domain(one: Client, other: Client) -> bool:
    return bool(web_site(one.domain)) and web_site(one.domain) == web_site(other.domain)


def _same_name_and_place(one: Client, other: Client) -> bool:
    """The same name is not enough where anything that both records say is different."""
    sites = web_site(one.domain), web_site(other.domain)
    return (
        not other.inactive
        and same_name(one.name, other.name)
        and _forms_agree(one, other)
        and one.address.country is not None
        and one.address.country == other.address.country
        and not _elsewhere(one, other)
        and not (all(sites) and sites[0] != sites[1])
        and not (one.parent and other.parent and not _same_head(one.parent, other.parent))
        and not (_tax(one) and _tax(other))
    )


def _likely(client: Client, other: Client) -> Candidate | None:
    if _tax_differs(client, other):
        return None  # two tax ids are two clients, however alike they are called
    same_number = bool(_tax(client) and _tax(other))  # perhaps: with and without its country
    known_by = same_number or _same_domain(client, other) or _same_group(client, other)
    near = _same_address(client, other) and _likeness(client, other) >= _ALIKE_NEXT_DOOR
    if known_by or near or _name_alike(client.name, other.name):
        return _candidate(client, other)
    return None


def _likeness(client: Client, other: Client) -> float:
    """0 to 100: the better of the names as they are written, and in Latin letters."""
    written = fuzz.token_sort_ratio(stem(client.name), stem(other.name))
    here, there = romanised(client.name), romanised(other.name)
    return max(written, fuzz.token_sort_ratio(here, there) if here and there else 0.0)


def _name_alike(ours: str, theirs: str) -> str:
    """In which way two names might be one; empty where they are nothing alike."""
    if same_name(ours, theirs):
        agree = {legal_form(ours), legal_form(theirs)} - {""}
        return "same name" if len(agree) < 2 else "another legal form"
    here, there = romanised(ours), romanised(theirs)
    joined = here.replace(" ", ""), there.replace(" ", "")
    if not here or not there:
        return ""
    if here == there:
        same_script = ours.isascii() == theirs.isascii()
        return "nearly the same name" if same_script else "same name in other letters"
    if joined[0] == joined[1]:
        return "same letters, other words"
    alike = max(fuzz.token_sort_ratio(here, there), fuzz.token_sort_ratio(stem(ours), stem(theirs)))
    if alike >= _ALIKE or _one_letter_apart(*joined, _LONG_ENOUGH):
        return "a similar name"
    written = stem(ours).replace(" ", ""), stem(theirs).replace(" ", "")
    if not (ours.isascii() or theirs.isascii()) and _alike_signs(*written):
        return "a similar name"
    if _contains(here, there) or _contains(there, here):
        return "a name that is part of the other"
    if _initials(here, there) or _initials(there, here):
        return "initials of the other's name"
    return ""


def _one_letter_apart(one: str, other: str, long_enough: int) -> bool:
    return OSA.distance(one, other) == 1 and min(len(one), len(other)) >= long_enough


def _alike_signs(one: str, other: str) -> bool:
    """For scripts that write no spaces between words, or a syllable in a sign."""
    within = one.startswith(other) or other.startswith(one)
    short = min(len(one), len(other))
    return (within and short >= _FEW_SIGNS) or _one_letter_apart(one, other, _FEW_SIGNS + 1)


def _contains(whole: str, part: str) -> bool:
    """Every word of one name is in the other, and one of them says something."""
    words = part.split()
    telling = any(len(word) >= _TELLING_WORD for word in words)
    return telling and set(words) < set(whole.split())


def _initials(short: str, long: str) -> bool:
    words = long.split()
    first = "".join(word[0] for word in words)
    return len(words) >= 3 and short.replace(" ", "") == first


def _candidate(client: Client, other: Client) -> Candidate:
    return Candidate(
        id=other.ref.id,
        name=other.name,
        country=other.address.country,
        tax_id=other.tax_id,
        likeness=Decimal(f"{_likeness(client, other) / 100:.2f}"),
        because=", ".join(_reasons(client, other)),
    )


def _reasons(client: Client, other: Client) -> list[str]:
    """What speaks for it, then what speaks against it."""
    same_tax, sites = _tax_same(client, other), (web_site(client.domain), web_site(other.domain))
    number = bool(_tax(client) and _tax(other)) and not same_tax
    groups = bool(client.parent and other.parent) and not _same_head(client.parent, other.parent)
    told = (
        (True, _name_alike(client.name, other.name) or "another name"),
        (same_tax, "same tax id"),
        (number, "a tax id with the same number"),
        (_same_domain(client, other), "same domain"),
        (_same_address(client, other), "same address"),
        (_same_group(client, other), "same group"),
        (_numbers(client.name) != _numbers(other.name), "but another number in its name"),
        (_country_differs(client, other), f"but in {other.address.country}"),
        (
            not _country_differs(client, other) and _elsewhere(client, other),
            f"but in {other.address.city or other.address.postal_code}",
        ),
        (all(sites) and sites[0] != sites[1], "but another domain"),
        (groups, "but of another group"),
        (not other.address.country, "but without a country"),
        (other.inactive, "but inactive"),
    )
    return [words for holds, words in told if holds]


def _numbers(name: str) -> list[str]:
    text = unicodedata.normalize("NFKC", romanised(name))
    return sorted(re.findall(r"[0-9]+", text))
