"""Who taxes a service how: one row a rule, each with the law it rests on and its days (F011).

A change of a rate is a new row, and an end for the old one. Rates of the European Union are those
that its members notify (https://europa.eu/youreurope/business/taxation/vat/vat-rules-rates/).
Every row is for services to businesses.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from fairlead.domain.model.tax import TaxKind
from fairlead.domain.rules.tax_ids import EU
from fairlead.domain.rules.tax_regions import (
    CANADIAN_RATES,
    US_TAXED_STATES,
    US_UNTAXED_STATES,
)
from fairlead.domain.values import Country, Period, Ratio, Value


class ServiceKind(StrEnum):
    PROFESSIONAL = "professional"  #: people advise, design, build or run something
    HOSTED = "hosted"  #: data processing or software that the client uses over a line


class ClientIs(StrEnum):
    """Where the client is, seen from our company."""

    HOME = "home"  #: in its own country
    EU = "eu"  #: both in the European Union, in two states
    ABROAD = "abroad"


class DeliveredIn(StrEnum):
    HOME = "home"  #: our company's country
    ELSEWHERE = "elsewhere"


class TaxRule(Value):
    """One row. What is null does not matter."""

    country: Country  #: of our company, and whose tax it is
    client: ClientIs
    region: str | None = None  #: code of the state or province, where rates follow it
    delivered: DeliveredIn | None = None
    services: tuple[ServiceKind, ...] = tuple(ServiceKind)
    needs_tax_id: bool = False  #: only with a valid tax id of the client
    kind: TaxKind
    code: str
    rate: Ratio
    valid: Period
    basis: str


_LONG_AGO = date(2020, 1, 1)  #: no engagement is set up for a day before this


def _from(since: date | None, until: date | None = None) -> Period:
    return Period(start=since or _LONG_AGO, end=until)


def _row(
    country: str, client: ClientIs, kind: TaxKind, rate: str, basis: str, **more: Any
) -> TaxRule:
    words = {
        TaxKind.STANDARD: "STANDARD",
        TaxKind.REVERSE_CHARGE: "REVERSE-CHARGE",
        TaxKind.EXPORT: "OUT-OF-SCOPE",
        TaxKind.DOMESTIC_EXEMPT: "NOT-TAXED",
    }
    given: dict[str, Any] = {"code": f"{country}-{words[kind]}", "valid": _from(None)}
    given |= {"rate": Decimal(rate), "basis": basis} | more
    return TaxRule(country=country, client=client, kind=kind, **given)


_HERE, _THERE = DeliveredIn.HOME, DeliveredIn.ELSEWHERE

#: Country → rate, from, until.
_EU_RATES: tuple[tuple[str, str, date | None, date | None], ...] = (
    ("AT", "0.20", None, None),
    ("BE", "0.21", None, None),
    ("BG", "0.20", None, None),
    ("CY", "0.19", None, None),
    ("CZ", "0.21", None, None),
    ("DE", "0.19", date(2021, 1, 1), None),
    ("DK", "0.25", None, None),
    ("EE", "0.22", date(2024, 1, 1), date(2025, 6, 30)),
    ("EE", "0.24", date(2025, 7, 1), None),
    ("ES", "0.21", None, None),
    ("FI", "0.24", None, date(2024, 8, 31)),
    ("FI", "0.255", date(2024, 9, 1), None),
    ("FR", "0.20", None, None),
    ("GR", "0.24", None, None),
    ("HR", "0.25", None, None),
    ("HU", "0.27", None, None),
    ("IE", "0.23", date(2021, 3, 1), None),
    ("IT", "0.22", None, None),
    ("LT", "0.21", None, None),
    ("LU", "0.17", date(2024, 1, 1), None),
    ("LV", "0.21", None, None),
    ("MT", "0.18", None, None),
    ("NL", "0.21", None, None),
    ("PL", "0.23", None, None),
    ("PT", "0.23", None, None),
    ("RO", "0.19", None, date(2025, 7, 31)),
    ("RO", "0.21", date(2025, 8, 1), None),
    ("SE", "0.25", None, None),
    ("SI", "0.22", None, None),
    ("SK", "0.20", None, date(2024, 12, 31)),
    ("SK", "0.23", date(2025, 1, 1), None),
)


def _european_union() -> list[TaxRule]:
    standard = [
        _row(
            country,
            ClientIs.HOME,
            TaxKind.STANDARD,
            rate,
            "Directive 2006/112/EC arts. 44 and 96",
            valid=_from(since, until),
        )
        for country, rate, since, until in _EU_RATES
    ]
    across = [
        row
        for country in sorted(EU)
        for row in (
            _row(
                country,
                ClientIs.EU,
                TaxKind.REVERSE_CHARGE,
                "0",
                "Directive 2006/112/EC arts. 44 and 196; Regulation (EU) 282/2011 art. 18(1)",
                needs_tax_id=True,
            ),
            _row(
                country,
                ClientIs.ABROAD,
                TaxKind.EXPORT,
                "0",
                "Directive 2006/112/EC art. 44: the place is the client's, outside the Union",
            ),
        )
    ]
    return standard + across


def _united_kingdom() -> list[TaxRule]:
    """A client in the Union accounts for the tax there (Directive 2006/112/EC, art. 196); that it
    has a number is no condition of ours, whose side of it is out of scope either way."""
    return [
        _row("GB", ClientIs.HOME, TaxKind.STANDARD, "0.20", "VATA 1994 s. 2(1)"),
        _row("GB", ClientIs.ABROAD, TaxKind.EXPORT, "0", "VATA 1994 s. 7A(2)(a)"),
    ]


def _elsewhere() -> list[TaxRule]:
    """Countries that free a service for clients abroad, most only where it is not used at home."""
    mwstg, mval = "MWSTG (SR 641.20)", "Merverdiavgiftsloven"
    gst_sg, gst_au = "GST Act 1993 (Singapore)", "A New Tax System (GST) Act 1999 (Australia)"
    uae = "Federal Decree-Law 8/2017 (UAE)"
    japan = "Consumption Tax Act (Japan)"
    india = "IGST Act 2017 (India)"
    home, abroad = ClientIs.HOME, ClientIs.ABROAD
    standard, export = TaxKind.STANDARD, TaxKind.EXPORT
    return [
        _row(
            "CH",
            home,
            standard,
            "0.077",
            f"{mwstg} art. 25(1)",
            valid=_from(None, date(2023, 12, 31)),
        ),
        _row("CH", home, standard, "0.081", f"{mwstg} art. 25(1)", valid=_from(date(2024, 1, 1))),
        _row("CH", abroad, export, "0", f"{mwstg} art. 8(1): the place is the client's"),
        _row("NO", home, standard, "0.25", f"{mval} § 3-1", delivered=_HERE),
        _row("NO", abroad, export, "0", f"{mval} § 6-22", delivered=_THERE),
        _row(
            "SG",
            home,
            standard,
            "0.08",
            f"{gst_sg} s. 16",
            delivered=_HERE,
            valid=_from(date(2023, 1, 1), date(2023, 12, 31)),
        ),
        _row(
            "SG",
            home,
            standard,
            "0.09",
            f"{gst_sg} s. 16",
            delivered=_HERE,
            valid=_from(date(2024, 1, 1)),
        ),
        _row(
            "SG",
            abroad,
            export,
            "0",
            f"{gst_sg} s. 21(3)(j): zero-rated",
            delivered=_THERE,
            code="SG-ZERO-RATED",
        ),
        _row("AU", home, standard, "0.10", f"{gst_au} s. 9-70", delivered=_HERE),
        _row(
            "AU",
            abroad,
            export,
            "0",
            f"{gst_au} s. 38-190(1) item 2: GST-free",
            delivered=_THERE,
            code="AU-GST-FREE",
        ),
        _row(
            "JP",
            home,
            standard,
            "0.10",
            f"{japan} art. 29; Local Tax Act arts. 72-82 and 72-83",
            delivered=_HERE,
        ),
        _row(
            "JP",
            abroad,
            export,
            "0",
            f"{japan} art. 7; its Enforcement Order art. 17(2)(vii)",
            delivered=_THERE,
            code="JP-EXPORT-EXEMPT",
        ),
        _row(
            "IN",
            home,
            standard,
            "0.18",
            f"{india} s. 5; Notification 11/2017-Central Tax (Rate)",
            delivered=_HERE,
        ),
        _row(
            "IN",
            abroad,
            export,
            "0",
            f"{india} ss. 2(6) and 16: zero-rated, where paid in foreign currency",
            delivered=_THERE,
            code="IN-ZERO-RATED",
        ),
        _row("AE", home, standard, "0.05", f"{uae} art. 3", delivered=_HERE),
        _row(
            "AE",
            abroad,
            export,
            "0",
            f"{uae} art. 45; Cabinet Decision 52/2017 art. 31(1)(a): zero-rated",
            delivered=_THERE,
            code="AE-ZERO-RATED",
        ),
        _row(
            "CA",
            abroad,
            export,
            "0",
            "Excise Tax Act (Canada) Sch. VI Pt. V s. 7: zero-rated",
            delivered=_THERE,
            code="CA-ZERO-RATED",
        ),
        _row(
            "US",
            abroad,
            export,
            "0",
            "Sales tax is laid by the state in which a service is used; there is no federal one",
            delivered=_THERE,
        ),
    ]


def _canada() -> list[TaxRule]:
    return [
        _row(
            "CA",
            ClientIs.HOME,
            TaxKind.STANDARD,
            rate,
            basis,
            region=province,
            delivered=_HERE,
            code=f"CA-{province}-STANDARD",
            valid=_from(since, until),
        )
        for province, rate, since, until, basis in CANADIAN_RATES
    ]


def _united_states() -> list[TaxRule]:
    untaxed = [
        _row(
            "US",
            ClientIs.HOME,
            TaxKind.DOMESTIC_EXEMPT,
            "0",
            basis,
            region=state,
            delivered=_HERE,
            services=(ServiceKind.PROFESSIONAL,),
            code=f"US-{state}-NOT-TAXED",
        )
        for state, basis in US_UNTAXED_STATES.items()
    ]
    taxed = [
        _row(
            "US",
            ClientIs.HOME,
            TaxKind.STANDARD,
            rate,
            f"{basis}; cities and counties add theirs",
            region=state,
            delivered=_HERE,
            code=f"US-{state}-STATE",
            valid=_from(since, until),
        )
        for state, rate, since, until, basis in US_TAXED_STATES
    ]
    return untaxed + taxed


RULES: tuple[TaxRule, ...] = (
    *_european_union(),
    *_united_kingdom(),
    *_elsewhere(),
    *_canada(),
    *_united_states(),
)
