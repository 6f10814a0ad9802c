"""Is this a tax id of that country? Form and check digits; whether it is registered, we do not ask.

The forms and check digits are those that python-stdnum knows (https://arthurdejong.org/python-stdnum/),
beside a few that it lacks. The European Union's have the prefix of their country (Directive
2006/112/EC, art. 215), and so has the United Kingdom's here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from stdnum import get_cc_module
from stdnum.ch import uid
from stdnum.exceptions import ValidationError
from stdnum.jp import cn
from stdnum.no import orgnr
from stdnum.us import ein

from fairlead.domain.values import Country, Value

_EU_COUNTRIES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(_EU_COUNTRIES.split())
#: VAT prefixes that are not the ISO code of their country.
_PREFIXES = {"EL": "GR", "XI": "GB"}


class ValidTaxId(Value):
    country: Country
    text: str  #: without spaces and signs; with its prefix where the country's numbers have one
    checked: bool  #: false: we know no form for this country, and take it as it is written


class InvalidTaxId(Value):
    because: str  #: in words, such as `DE811234567 is no tax id of DE: a digit is wrong`


def validate_tax_id(country: str, text: str) -> ValidTaxId | InvalidTaxId:
    """Check a tax id that a client in `country` (ISO 3166-1 alpha-2) says is its own."""
    written = compact(text)
    if len(set(re.sub(r"\D", "", written))) == 1 or not re.search(r"\d", written):
        return InvalidTaxId(because=f"{text.strip() or 'a blank'} only fills the field")
    if country in EU and (other := _prefix(written)) and other != country:
        return InvalidTaxId(because=f"{text} is a tax id of {other}, not of {country}")
    check = _checker(country)
    if check is None:
        return ValidTaxId(country=country, text=written, checked=False)
    try:
        return ValidTaxId(country=country, text=check(written), checked=True)
    except ValidationError as wrong:
        why = _WHY.get(type(wrong).__name__, "its form is another")
        return InvalidTaxId(because=f"{text} is no tax id of {country}: {why}")


def compact(text: str) -> str:
    """Capital letters and digits only; full-width ones as the usual ones."""
    return re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", text).upper())


class CompanyNumber(Value):
    """What tells a company in a tax id, so that the ways of writing it meet."""

    country: str  #: whose id it is; empty where nothing says so
    number: str  #: without prefix and suffix
    root: str  #: the part that the branches or registrations of one company share
    stated: bool  #: the id itself names its country, or has its form


def company_number(country: str | None, text: str) -> CompanyNumber:
    """Read a tax id of a company whose address is in `country`. Wrong digits are read, too."""
    written = compact(text)
    for place in dict.fromkeys((country, _named(written))):
        if place is None:
            continue
        found = validate_tax_id(place, text)
        if isinstance(found, ValidTaxId) and found.checked:
            return _number(place, found.text, stated=True)
    if named := _named(written):
        return _number(named, written, stated=True)
    return _number(country or "", written, stated=False)


def _named(written: str) -> str | None:
    """The country that an id names by a prefix, as those of VAT do. `CAE980312QX4` names none."""
    found = re.match("(CH)E(?=[0-9])|([A-Z]{2})(?=.?[0-9])", written)
    prefix = (found[1] or found[2]) if found else ""
    country = _PREFIXES.get(prefix, prefix)
    return country if country in EU or country in {"CH", "GB", "NO"} else None


def _number(country: str, text: str, *, stated: bool) -> CompanyNumber:
    bare = text
    for prefix in (country, "EL" if country == "GR" else "", "XI" if country == "GB" else ""):
        bare = bare.removeprefix(prefix) if prefix and bare[len(prefix) :] else bare
    if one := re.fullmatch(_SAME_COMPANY.get(country, "(.*)"), bare):
        bare = one[1]
    shared = re.fullmatch(_SAME_ROOT.get(country, "(.*)"), bare)
    return CompanyNumber(
        country=country, number=bare, root=shared[1] if shared else bare, stated=stated
    )


#: Forms of one number: the group is what they share.
_SAME_COMPANY = {
    "CA": r"([0-9]{9})(?:R[CMPRTZ][0-9]{4})?",  # program accounts of one business number
    "FR": r"(?:[0-9A-Z]{2})?([0-9]{9})",  # the VAT number ends with the SIREN
    "HU": r"([0-9]{8})(?:[0-9]{3})?",  # VAT and county codes follow the company's
    "JP": r"T?([0-9]{13})",
    "NO": r"([0-9]{9})(?:MVA)?",
    "SE": r"([0-9]{10})(?:01)?",
}
#: Registrations of one company that may each be a client of its own.
_SAME_ROOT = {
    "BR": r"([0-9]{8})[0-9]{6}",  # establishments of one CNPJ
    "IN": r"[0-9]{2}([A-Z0-9]{10})[A-Z0-9]{3}",  # the PAN in a GSTIN, one a state
    "NL": r"([0-9]{9})B[0-9]{2}",  # units of one company
}

_WHY = {
    "InvalidChecksum": "a digit is wrong (the check digit does not fit)",
    "InvalidLength": "it has too few or too many digits",
    "InvalidComponent": "a part of it does not exist",
}

_Check = Callable[[str], str]  #: compact text in, normalised text out; raises ValidationError


def _checker(country: str) -> _Check | None:
    if own := _OWN.get(country):
        return own
    module = get_cc_module(country.lower(), "vat")
    if module is None:
        return None
    validate: _Check = module.validate
    return _prefixed(country, validate) if country in EU else validate


def _prefix(text: str) -> str:
    """The EU country that a VAT number names; empty where it names none."""
    found = _PREFIXES.get(text[:2], text[:2])
    return found if found in EU and re.search(r"\d", text[2:4]) and len(text) > 9 else ""


def _prefixed(country: str, validate: _Check) -> _Check:
    prefix = "EL" if country == "GR" else country

    def check(text: str) -> str:
        bare = text[2:] if text.startswith((prefix, country)) else text
        return prefix + validate(bare).removeprefix(prefix)

    return check


def _british(text: str) -> str:
    prefix = "XI" if text.startswith("XI") else "GB"
    return prefix + _module("gb")(text.removeprefix("XI").removeprefix("GB"))


def _swiss(text: str) -> str:
    """The UID is what tells a company; `MWST`, `TVA` and `IVA` say that it is registered."""
    return uid.validate(re.sub("(MWST|TVA|IVA|TPV)$", "", text))


def _norwegian(text: str) -> str:
    return f"NO{orgnr.validate(text.removeprefix('NO').removesuffix('MVA'))}MVA"


def _japanese(text: str) -> str:
    """A qualified invoice issuer's number is `T` and the corporate number."""
    return text[: text.startswith("T")] + cn.validate(text.removeprefix("T"))


def _singaporean(text: str) -> str:
    """A UEN, or a GST registration number of its own, which begins with M."""
    if re.fullmatch("M[0-9BRX][0-9]{7}[0-9A-Z]", text):
        return text
    return _module("sg")(text)


def _module(country: str) -> _Check:
    module = get_cc_module(country, "vat")
    assert module is not None
    return module.validate


def _form(pattern: str) -> _Check:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValidationError
        return text

    return check


#: Countries whose numbers python-stdnum does not know, or knows in one form of several.
_OWN: dict[str, _Check] = {
    "AE": _form("100[0-9]{12}"),  # tax registration number, Federal Tax Authority
    "CH": _swiss,
    "GB": _british,
    "JP": _japanese,
    "LI": _swiss,
    "NO": _norwegian,
    "SA": _form("3[0-9]{13}3"),  # ZATCA
    "SG": _singaporean,
    "US": ein.validate,
    "ZA": _form("4[0-9]{9}"),  # SARS
}
