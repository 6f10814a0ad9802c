"""How each country taxes a service; what cannot be told is asked, never guessed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.domain.rules.tax import TaxFacts, TaxTrouble, determine
from fairlead.domain.rules.tax_ids import (
    EU,
    InvalidTaxId,
    ValidTaxId,
    company_number,
    validate_tax_id,
)
from fairlead.domain.rules.tax_regions import (
    ASK_A_PERSON,
    CANADIAN_RATES,
    REGIONS,
    US_TAXED_STATES,
    US_UNTAXED_STATES,
)
from fairlead.domain.rules.tax_table import RULES, ServiceKind


def facts(ours: str, client: str | None, tax_id: str | None = None, **changes: Any) -> TaxFacts:
    given_: dict[str, Any] = {
        "our_country": ours,
        "client_country": client,
        "client_tax_id": tax_id,
        "client_region": None,
        "delivery_country": None,
        "delivery_region": None,
        "service": ServiceKind.PROFESSIONAL,
        "on": date(2027, 1, 11),
    }
    return TaxFacts.model_validate(given_ | changes)


def treatment(*args: Any, **changes: Any) -> TaxTreatment:
    found = determine(facts(*args, **changes))
    assert isinstance(found, TaxTreatment), found
    assert found.basis
    return found


def trouble(*args: Any, **changes: Any) -> tuple[str, str]:
    found = determine(facts(*args, **changes))
    assert isinstance(found, TaxTrouble), found
    (gap,) = found.gaps
    assert gap.owner
    assert gap.remedy
    return gap.field, gap.problem


@pytest.mark.parametrize(
    ("ours", "client", "tax_id", "kind", "rate"),
    [
        pytest.param("DE", "DE", None, TaxKind.STANDARD, "0.19", id="germany-at-home"),
        pytest.param("DE", "FR", "FR40303265045", TaxKind.REVERSE_CHARGE, "0", id="to-france"),
        pytest.param("DE", "GR", "EL094259216", TaxKind.REVERSE_CHARGE, "0", id="to-greece"),
        pytest.param("DE", "CH", "CHE-116.281.710", TaxKind.EXPORT, "0", id="to-switzerland"),
        pytest.param("DE", "GB", None, TaxKind.EXPORT, "0", id="to-britain"),
        pytest.param("DE", "US", None, TaxKind.EXPORT, "0", id="to-america"),
        pytest.param("GB", "GB", None, TaxKind.STANDARD, "0.20", id="britain-at-home"),
        pytest.param("GB", "ES", None, TaxKind.EXPORT, "0", id="britain-to-spain"),
        pytest.param("SG", "SG", None, TaxKind.STANDARD, "0.09", id="singapore-at-home"),
        pytest.param("SG", "JP", None, TaxKind.EXPORT, "0", id="singapore-to-japan"),
        pytest.param("CH", "CH", None, TaxKind.STANDARD, "0.081", id="switzerland-at-home"),
        pytest.param("NO", "SE", None, TaxKind.EXPORT, "0", id="norway-to-sweden"),
        pytest.param("AU", "AU", "51824753556", TaxKind.STANDARD, "0.10", id="australia-at-home"),
        pytest.param("JP", "JP", None, TaxKind.STANDARD, "0.10", id="japan-at-home"),
        pytest.param("IN", "IN", None, TaxKind.STANDARD, "0.18", id="india-at-home"),
        pytest.param("AE", "AE", None, TaxKind.STANDARD, "0.05", id="emirates-at-home"),
        pytest.param("US", "MX", "CAE980312QX4", TaxKind.EXPORT, "0", id="america-to-mexico"),
        pytest.param("CA", "US", None, TaxKind.EXPORT, "0", id="canada-to-america"),
    ],
)
def test_each_country_taxes_by_its_own_law(
    ours: str, client: str, tax_id: str | None, kind: TaxKind, rate: str
) -> None:
    found = treatment(ours, client, tax_id)

    assert (found.kind, found.rate, found.country) == (kind, Decimal(rate), ours)


def test_the_tax_id_is_kept_as_it_was_validated() -> None:
    assert treatment("DE", "FR", "fr 40 303 265 045").client_tax_id == "FR40303265045"


@pytest.mark.parametrize("tax_id", [None, "", "  "])
def test_without_a_tax_id_the_client_does_not_account_for_the_tax(tax_id: str | None) -> None:
    field, problem = trouble("DE", "FR", tax_id)

    assert field == "client.tax_id"
    assert "missing" in problem


@pytest.mark.parametrize(
    ("ours", "client", "tax_id"),
    [
        ("DE", "FR", "FR40303265046"),
        ("DE", "DE", "DE811234567"),
        ("GB", "ES", "n/a"),
        ("DE", "FR", "DE136695976"),
    ],
)
def test_a_wrong_tax_id_goes_to_a_person_wherever_it_is(
    ours: str, client: str, tax_id: str
) -> None:
    field, problem = trouble(ours, client, tax_id)

    assert field == "client.tax_id"
    assert tax_id in problem


@pytest.mark.parametrize(
    ("country", "before", "after", "day"),
    [
        ("EE", "0.22", "0.24", date(2025, 7, 1)),
        ("SK", "0.20", "0.23", date(2025, 1, 1)),
        ("RO", "0.19", "0.21", date(2025, 8, 1)),
        ("FI", "0.24", "0.255", date(2024, 9, 1)),
        ("CH", "0.077", "0.081", date(2024, 1, 1)),
        ("SG", "0.08", "0.09", date(2024, 1, 1)),
    ],
)
def test_a_rate_changes_on_its_day(country: str, before: str, after: str, day: date) -> None:
    eve = date.fromordinal(day.toordinal() - 1)

    assert treatment(country, country, on=eve).rate == Decimal(before)
    assert treatment(country, country, on=day).rate == Decimal(after)


@pytest.mark.parametrize("region", ["NE", "Nebraska", "nebraska ", "N.E."])
def test_an_american_state_is_known_by_code_or_name(region: str) -> None:
    found = treatment("US", "US", client_region=region)

    assert (found.kind, found.code) == (TaxKind.DOMESTIC_EXEMPT, "US-NE-NOT-TAXED")


def test_the_state_of_delivery_goes_before_that_of_the_client() -> None:
    found = treatment("US", "US", client_region="NE", delivery_region="SD", delivery_country="US")

    assert (found.kind, found.rate) == (TaxKind.STANDARD, Decimal("0.042"))
    assert "cities" in found.basis


def test_south_dakota_goes_back_to_its_old_rate() -> None:
    assert treatment("US", "US", client_region="SD", on=date(2027, 6, 30)).rate == Decimal("0.042")
    assert treatment("US", "US", client_region="SD", on=date(2027, 7, 1)).rate == Decimal("0.045")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        pytest.param({}, "client.address.region", "no state or province is given", id="no-state"),
        pytest.param(
            {"client_region": "Narnia"}, "client.address.region", "Narnia is no state", id="no-such"
        ),
        pytest.param({"client_region": "TX"}, "tax", "taxes some services", id="depends"),
        pytest.param(
            {"client_region": "NE", "service": ServiceKind.HOSTED}, "tax", "hosted", id="hosted"
        ),
        pytest.param(
            {"client_region": "NE", "delivery_country": "CA"}, "tax", "delivered in CA", id="abroad"
        ),
    ],
)
def test_what_a_state_lays_is_never_guessed(
    changes: dict[str, Any], field: str, words: str
) -> None:
    told = trouble("US", "US", **changes)

    assert told[0] == field
    assert words in told[1]


@pytest.mark.parametrize(("province", "rate"), [("Ontario", "0.13"), ("QC", "0.14975")])
def test_a_canadian_province_has_its_own_rate(province: str, rate: str) -> None:
    assert treatment("CA", "CA", client_region=province).rate == Decimal(rate)


def test_a_country_without_rules_and_a_client_without_country_are_asked() -> None:
    assert trouble("BR", "BR")[0] == "tax"
    assert trouble("DE", None)[0] == "client.address.country"


def test_a_client_abroad_served_at_home_is_asked_where_that_matters() -> None:
    assert "delivered in SG" in trouble("SG", "GB", delivery_country="SG")[1]
    assert treatment("DE", "GB", delivery_country="DE").kind is TaxKind.EXPORT


def test_two_rows_that_fit_are_told_and_neither_is_taken() -> None:
    rule = next(rule for rule in RULES if rule.code == "GB-STANDARD")
    doubled = (*RULES, rule.model_copy(update={"code": "GB-REDUCED"}))

    found = determine(facts("GB", "GB"), doubled)

    assert isinstance(found, TaxTrouble)
    assert "GB-REDUCED and GB-STANDARD" in found.gaps[0].problem


def test_every_state_and_province_has_a_row_or_a_question() -> None:
    rows = {("US", state) for state in US_UNTAXED_STATES}
    rows |= {("US", row[0]) for row in US_TAXED_STATES} | {("CA", row[0]) for row in CANADIAN_RATES}
    known = {(country, code) for country, codes in REGIONS.items() for code in codes.values()}

    assert rows | set(ASK_A_PERSON) == known
    assert not rows & set(ASK_A_PERSON)


@given(
    st.sampled_from(sorted({rule.country for rule in RULES})),
    st.sampled_from(sorted(EU | {"GB", "US", "SG", "BR", "CA"})),
    st.sampled_from([None, "NE", "SD", "Ontario", "TX"]),
    st.dates(date(2024, 1, 1), date(2030, 1, 1)),
)
def test_the_table_never_fits_twice(ours: str, client: str, region: str | None, on: date) -> None:
    found = determine(facts(ours, client, client_region=region, on=on))

    if isinstance(found, TaxTrouble):
        assert "both fit" not in found.gaps[0].problem
    else:
        assert (found.rate > 0) == (found.kind is TaxKind.STANDARD)


@pytest.mark.parametrize(
    ("country", "written", "kept"),
    [
        ("DE", "DE 136.695.976", "DE136695976"),
        ("AT", "U13585627", "ATU13585627"),
        ("GR", "GR094259216", "EL094259216"),
        ("BE", "428.759.497", "BE0428759497"),
        ("GB", "980 7806 84", "GB980780684"),
        ("GB", "XI980780684", "XI980780684"),
        ("CH", "CHE-116.281.710 MWST", "CHE116281710"),
        ("NO", "923 609 016", "NO923609016MVA"),
        ("AU", "51 824 753 556", "51824753556"),
        ("SG", "M90312345A", "M90312345A"),
        ("JP", "T7000012050002", "T7000012050002"),
        ("IN", "27AAPFU0939F1ZV", "27AAPFU0939F1ZV"),
        ("CA", "12302 6635 RC 0001", "123026635RC0001"),
        ("US", "91-1144442", "911144442"),
        ("BR", "12.345.678/0001-95", "12345678000195"),
        ("KR", "120-81-47521", "1208147521"),
        ("TH", "0105551234567", "0105551234567"),
        ("AE", "100354971200003", "100354971200003"),
        ("MX", "CAE980312QX4", "CAE980312QX4"),
    ],
)
def test_a_tax_id_in_its_own_form_is_valid(country: str, written: str, kept: str) -> None:
    found = validate_tax_id(country, written)

    assert isinstance(found, ValidTaxId), found
    assert (found.text, found.checked) == (kept, True)
    assert validate_tax_id(country, found.text) == found


def test_a_country_whose_form_is_not_known_takes_what_is_written_and_says_so() -> None:
    found = validate_tax_id("NG", "12-3456/b")

    assert found == ValidTaxId(country="NG", text="123456B", checked=False)


@pytest.mark.parametrize(
    ("country", "written", "words"),
    [
        ("DE", "DE811234567", "a digit is wrong"),
        ("DE", "DE12", "too few or too many"),
        ("DE", "ATU13585627", "a tax id of AT"),
        ("AE", "200354971200003", "form"),
        ("DE", "", "only fills"),
        ("NG", "000000", "only fills"),
        ("US", "tbd", "only fills"),
    ],
)
def test_what_is_no_tax_id_is_told_in_words(country: str, written: str, words: str) -> None:
    found = validate_tax_id(country, written)

    assert isinstance(found, InvalidTaxId)
    assert words in found.because


@pytest.mark.parametrize(
    ("country", "one", "other"),
    [
        ("FR", "FR40303265045", "303 265 045"),
        ("SE", "SE556188840401", "556188-8404"),
        ("JP", "T7000012050002", "7000012050002"),
        ("NO", "NO923609016MVA", "923609016"),
        ("CA", "123026635RC0001", "123026635"),
        ("HU", "HU12892312", "12892312-2-43"),
    ],
)
def test_ways_to_write_one_company_number_meet(country: str, one: str, other: str) -> None:
    here, there = company_number(country, one), company_number(country, other)

    assert (here.country, here.number) == (there.country, there.number)


@given(st.sampled_from(["DE", "FR", "JP", "NO", "BR", "NG"]), st.text(max_size=20))
def test_any_text_is_valid_or_told_why_not(country: str, text: str) -> None:
    found = validate_tax_id(country, text)

    if isinstance(found, ValidTaxId):
        assert validate_tax_id(country, found.text) == found
