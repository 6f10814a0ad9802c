"""How a service is taxed: by our country, the client's, and where it is delivered (F011).

The rules are rows (`tax_table.RULES`, or a firm's own), each with the law that it rests on and the
days on which it holds. Exactly one row must fit. Where none does, or a fact is missing or wrong, a
person is asked: no treatment is ever guessed. What is determined is the treatment by the law of
the country of our company that invoices; what the client owes in its own country is its own.

Not told apart: territories of a country outside its VAT (such as the Canaries; Directive
2006/112/EC, art. 6), services tied to land, events or transport (arts. 47 to 57), and consumers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fairlead.domain.gates import Gap
from fairlead.domain.model.tax import TaxTreatment
from fairlead.domain.rules.tax_ids import EU, InvalidTaxId, validate_tax_id
from fairlead.domain.rules.tax_regions import ASK_A_PERSON, REGIONS
from fairlead.domain.rules.tax_table import RULES, ClientIs, DeliveredIn, ServiceKind, TaxRule
from fairlead.domain.values import Country, Value


class TaxFacts(Value):
    """No defaults: what is not known is null, and said to be so."""

    our_country: Country  #: of the company of ours that invoices
    client_country: Country | None
    client_tax_id: str | None
    client_region: str | None  #: state or province, by code or name
    delivery_country: Country | None  #: null: the client's
    delivery_region: str | None  #: null: the client's, where that is in the same country
    service: ServiceKind
    on: date  #: the day whose rules hold


class TaxTrouble(Value):
    """No treatment can be told. Each gap is for a person."""

    gaps: tuple[Gap, ...]


def determine(facts: TaxFacts, rules: Sequence[TaxRule] = RULES) -> TaxTreatment | TaxTrouble:
    """The one treatment that the rules give."""
    if facts.client_country is None:
        return _trouble(
            "client.address.country", "the client's country is missing", "supply it", "country"
        )
    tax_id, wrong = _tax_id(facts.client_country, facts.client_tax_id)
    if wrong:
        return _trouble("client.tax_id", wrong, _MEND_TAX_ID)
    fitting = _fitting(facts, rules)
    if len(fitting) != 1:
        return _not_one(facts, fitting)
    (rule,) = fitting
    if rule.needs_tax_id and tax_id is None:
        problem = (
            f"the client's tax id is missing: without one, {rule.country} does not take it for a"
            f" business in {facts.client_country} ({rule.basis})"
        )
        return _trouble("client.tax_id", problem, _MEND_TAX_ID)
    return TaxTreatment(
        kind=rule.kind,
        code=rule.code,
        rate=rule.rate,
        country=rule.country,
        client_tax_id=tax_id,
        basis=rule.basis,
    )


_MEND_TAX_ID = "ask the client for its tax id, and supply it or correct it in the CRM"


def _tax_id(country: str, text: str | None) -> tuple[str | None, str]:
    """The valid tax id, or why it is none. A blank is neither."""
    if text is None or not text.strip():
        return None, ""
    found = validate_tax_id(country, text)
    return (None, found.because) if isinstance(found, InvalidTaxId) else (found.text, "")


def _fitting(facts: TaxFacts, rules: Sequence[TaxRule]) -> list[TaxRule]:
    client, delivered, region = client_is(facts), _delivered(facts), region_of(facts)
    return [
        rule
        for rule in rules
        if rule.country == facts.our_country
        and rule.client is client
        and rule.delivered in (None, delivered)
        and rule.region in (None, region)
        and facts.service in rule.services
        and facts.on in rule.valid
    ]


def client_is(facts: TaxFacts) -> ClientIs:
    if facts.client_country == facts.our_country:
        return ClientIs.HOME
    return ClientIs.EU if {facts.client_country, facts.our_country} <= EU else ClientIs.ABROAD


def _delivered(facts: TaxFacts) -> DeliveredIn:
    where = facts.delivery_country or facts.client_country
    return DeliveredIn.HOME if where == facts.our_country else DeliveredIn.ELSEWHERE


def region_of(facts: TaxFacts) -> str | None:
    """Code of the state or province of delivery in our country; null where it is not known."""
    written = facts.delivery_region
    if written is None and facts.delivery_country in (None, facts.client_country):
        written = facts.client_region
    if written is None:
        return None
    text = " ".join(written.replace(".", "").split()).casefold()
    return REGIONS.get(facts.our_country, {}).get(text)


def _not_one(facts: TaxFacts, fitting: Sequence[TaxRule]) -> TaxTrouble:
    """Why it is not one row, as exactly as the rows let us say."""
    where = f"{facts.our_country} on {facts.on}"
    if len(fitting) > 1:
        codes = " and ".join(sorted(rule.code for rule in fitting))
        return _tell(f"{codes} both fit a service of our company in {where}", _MEND_TABLE)
    at_home = client_is(facts) is ClientIs.HOME and _delivered(facts) is DeliveredIn.HOME
    if facts.our_country in REGIONS and at_home:
        region = region_of(facts)
        if region is None:
            field, known = "client.address.region", facts.delivery_region or facts.client_region
            said = f"{known} is no state or province" if known else "no state or province is given"
            return _trouble(field, f"{said}, and the tax in {facts.our_country} follows it", _STATE)
        if why := ASK_A_PERSON.get((facts.our_country, region)):
            return _tell(f"{region} taxes some services and not others: {why}", _SAY)
    delivered = facts.delivery_country or facts.client_country
    return _tell(
        f"no tax rule of {where} fits a {facts.service} service for a client in"
        f" {facts.client_country}, delivered in {delivered}",
        _SAY,
    )


_MEND_TABLE = "correct the tax rules, so that only one fits"
_SAY = "say how it is taxed, or add a rule"
_STATE = "supply the state or province"


def _tell(problem: str, remedy: str) -> TaxTrouble:
    gap = Gap(
        field="tax", problem=problem, owner="finance-operations", remedy=remedy, suppliable=False
    )
    return TaxTrouble(gaps=(gap,))


def _trouble(field: str, problem: str, remedy: str, kind: str = "text") -> TaxTrouble:
    gap = Gap(field=field, problem=problem, owner="finance-operations", remedy=remedy, kind=kind)
    return TaxTrouble(gaps=(gap,))
