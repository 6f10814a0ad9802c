"""A deal as it stands: the CRM's word first, then what people supplied, and only of its kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from deals import a_client, a_contract, a_deal, money
from fairlead.domain.rules.deal_terms import complete, faults_of, in_use, is_blank, value_at

TERMS = [{"name": "Design", "share": "0.4"}, {"name": "Go live", "share": "0.6"}]


@pytest.mark.parametrize(
    ("field", "value", "blank"),
    [
        ("region", "APAC", {"region": None}),
        ("region", "APAC", {"region": "  "}),
        ("starts_on", "2027-01-11", {"starts_on": None}),
        ("value", {"amount": "12.50", "currency": "EUR"}, {"value": None}),
        ("client.tax_id", "DE129876543", {"client": a_client(tax_id=None)}),
        ("client.address.country", "AT", {"client": a_client(country=None)}),
        ("contract.payment_days", 45, {"contract": a_contract(payment_days=None)}),
        ("contract.billing_terms", TERMS, {}),
        ("roles", [{"role": "Consultant", "hours": "8"}], {}),
    ],
)
def test_a_supplied_value_fills_a_blank(field: str, value: Any, blank: dict[str, Any]) -> None:
    deal = a_deal(**blank)

    assert not faults_of(deal, {field: value})
    filled = complete(deal, {field: value})

    assert not is_blank(value_at(filled.model_dump(mode="json"), field))
    assert in_use(deal, {field: value}) == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("region", "APAC"),
        ("value", {"amount": "1", "currency": "EUR"}),
        ("client.tax_id", "DE129876543"),
        ("contract.payment_days", 90),
    ],
)
def test_what_the_crm_says_goes_before_what_was_supplied(field: str, value: Any) -> None:
    deal = a_deal()

    assert complete(deal, {field: value}) == deal
    assert not in_use(deal, {field: value})


def test_a_value_for_a_record_that_is_not_there_waits_for_it() -> None:
    supplied = {"contract.payment_days": 45}

    without = complete(a_deal(contract=None), supplied)
    attached = complete(a_deal(contract=a_contract(payment_days=None)), supplied)

    assert without.contract is None
    assert attached.contract is not None
    assert attached.contract.payment_days == 45


def test_a_zero_that_the_crm_says_is_no_blank() -> None:
    deal = a_deal(contract=a_contract(payment_days=0))

    assert complete(deal, {"contract.payment_days": 30}) == deal


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("starts_on", "soon", ("starts_on",)),
        ("starts_on", 86400, ("starts_on",)),
        ("starts_on", "2027-02-29", ("starts_on",)),
        ("region", 5, ("region",)),
        ("region", "  ", ("region",)),
        ("value", {"amount": 1.5, "currency": "EUR"}, ("value", "amount")),
        ("value", {"amount": "1.5"}, ("value", "currency")),
        ("value", {"amount": "1.5", "currency": "euro"}, ("value", "currency")),
        ("contract_type", "by the hour", ("contract_type",)),
        ("contract.payment_days", True, ("contract", "payment_days")),
        ("contract.payment_days", "30", ("contract", "payment_days")),
        ("contract.payment_days", -1, ("contract", "payment_days")),
        ("client.address.country", "Germany", ("client", "address", "country")),
        ("contract.billing_terms", [{"name": "x", "share": "1.2"}],
         ("contract", "billing_terms", 0, "share")),
        ("roles", "two consultants", ("roles",)),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_a_fault_where_it_lies(
    field: str, value: Any, at: tuple[Any, ...]
) -> None:
    deal = a_deal(
        starts_on=None,
        region=None,
        value=None,
        contract_type=None,
        client=a_client(country=None),
        contract=a_contract(payment_days=None),
    )

    faults = faults_of(deal, {field: value})

    assert [path for path, _ in faults] == [at]
    assert all(rule for _, rule in faults)


def test_every_fault_is_told_at_once() -> None:
    deal = a_deal(starts_on=None, ends_on=None)

    faults = faults_of(deal, {"starts_on": "x", "ends_on": "y"})

    assert {path for path, _ in faults} == {("starts_on",), ("ends_on",)}


def test_no_digit_of_an_amount_is_lost() -> None:
    amount = "1234567890123456.12345678"

    deal = complete(a_deal(value=None), {"value": {"amount": amount, "currency": "EUR"}})

    assert deal.value == money(Decimal(amount))
