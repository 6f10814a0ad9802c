"""What is not ready is named: every gap, its owner, and what to do about it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from deals import a_client, a_contract, a_deal, a_term, billed, money
from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.agreement import Agreement, AgreementStatus, Signer
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.requisition import SubcontractNeed
from fairlead.domain.rules.readiness import (
    Required,
    agreement_gaps,
    contract_gaps,
    missing,
    subcontract_gaps,
    together,
    unknown,
)
from fairlead.domain.values import ExternalRef


def gaps(answer: Clear | Blocked) -> tuple[Gap, ...]:
    found = answer.gaps if isinstance(answer, Blocked) else ()
    assert all(gap.field and gap.problem and gap.owner and gap.remedy for gap in found)
    return found


def needs(*fields: str) -> list[Required]:
    return [
        Required(field=field, label=f"label of {field}", owner="sales-operations", remedy="fill it")
        for field in fields
    ]


def test_a_complete_deal_is_ready() -> None:
    assert isinstance(missing(a_deal(), needs("client", "value", "contract")), Clear)
    assert isinstance(contract_gaps(a_deal()), Clear)


def test_every_blank_is_told_not_only_the_first() -> None:
    deal = a_deal(starts_on=None, region=" ", contract=a_contract(purchase_order=""))

    found = gaps(missing(deal, needs("starts_on", "region", "contract.purchase_order", "value")))

    assert [gap.field for gap in found] == ["starts_on", "region", "contract.purchase_order"]


@pytest.mark.parametrize(
    ("field", "changes", "kind", "suppliable"),
    [
        ("starts_on", {"starts_on": None}, "date", True),
        ("value", {"value": None}, "money", True),
        ("region", {"region": None}, "text", True),
        ("roles", {}, "list", True),
        ("contract.billing_terms", {}, "list", True),
        ("contract.payment_days", {"contract": a_contract(payment_days=None)}, "integer", True),
        ("contract.payment_days", {"contract": None}, "integer", False),
        ("client.address.country", {"client": a_client(country=None)}, "country", True),
        ("client.tax_id", {"client": None}, "text", False),
        ("client", {"client": None}, "text", False),
        ("contract", {"contract": None}, "text", False),
    ],
)
def test_a_gap_says_of_which_kind_it_is_and_whether_we_can_take_it(
    field: str, changes: dict[str, Any], kind: str, suppliable: bool
) -> None:
    (gap,) = gaps(missing(a_deal(**changes), needs(field)))

    assert (gap.kind, gap.suppliable) == (kind, suppliable)


@pytest.mark.parametrize(
    ("deal", "field", "words"),
    [
        pytest.param(a_deal(contract=None), "contract", "no contract", id="no-contract"),
        *(
            pytest.param(
                a_deal(contract=a_contract(status=status)), "contract.status", words, id=status
            )
            for status, words in (
                (ContractStatus.DRAFT, "is draft, not signed"),
                (ContractStatus.IN_APPROVAL, "is in approval, not signed"),
                (ContractStatus.APPROVED, "is approved, not signed"),
                (ContractStatus.CANCELLED, "is cancelled, not signed"),
            )
        ),
        pytest.param(
            a_deal(contract=a_contract(value=money("80000"))),
            "contract.value",
            "EUR 80,000.00, the deal EUR 90,000.00",
            id="another-value",
        ),
        pytest.param(
            a_deal(contract=a_contract(value=money("90000", "USD"))),
            "contract.value",
            "in USD, the deal in EUR",
            id="another-currency",
        ),
        pytest.param(
            a_deal(contract=a_contract(cap=money("89999.99"))),
            "contract.cap",
            "EUR 90,000.00, more than the cap of EUR 89,999.99",
            id="over-the-cap",
        ),
        pytest.param(
            a_deal(contract=a_contract(cap=money("99999", "USD"))),
            "contract.cap",
            "the cap is in USD, the deal in EUR",
            id="a-cap-in-another-currency",
        ),
        pytest.param(
            a_deal(contract=a_contract(cap=money("0"))), "contract.cap", "nothing", id="no-cap-left"
        ),
        pytest.param(a_deal(value=money("0")), "value", "nothing to bill", id="worth-nothing"),
        pytest.param(a_deal(value=money("-5")), "value", "nothing to bill", id="negative"),
        pytest.param(
            a_deal(starts_on=date(2027, 9, 1)), "ends_on", "before it starts", id="ends-first"
        ),
        pytest.param(
            a_deal(starts_on=date(2026, 10, 31)), "starts_on", "outside", id="starts-too-soon"
        ),
        pytest.param(
            a_deal(ends_on=date(2030, 1, 1)), "ends_on", "after the contract", id="ends-too-late"
        ),
    ],
)
def test_a_contract_that_does_not_say_what_the_deal_says(
    deal: Opportunity, field: str, words: str
) -> None:
    (gap,) = gaps(contract_gaps(deal))

    assert gap.field == field
    assert words in gap.problem
    assert not gap.suppliable


def test_half_a_cent_is_no_difference() -> None:
    deal = a_deal(value=money("90000.004"), contract=a_contract(value=money("90000")))

    assert isinstance(contract_gaps(deal), Clear)


@pytest.mark.parametrize(
    ("deal", "words"),
    [
        pytest.param(billed(a_term(share="0.9")), "add up to EUR 81,000.00", id="too-little"),
        pytest.param(
            billed(a_term(share="0.6"), a_term(share="0.5")), "add up to EUR 99,000.00", id="over"
        ),
        pytest.param(billed(a_term(amount="89999.99")), "EUR 89,999.99", id="a-cent-short"),
        pytest.param(
            billed(a_term(share="1"), a_term(amount="1")), "EUR 90,001.00", id="shares-and-amounts"
        ),
        pytest.param(billed(a_term()), "either a share or an amount", id="neither"),
        pytest.param(
            billed(a_term(share="1", amount="90000")), "either a share or an amount", id="both"
        ),
        pytest.param(
            billed(a_term(amount=money("90000", "USD"))), "not in EUR", id="another-currency"
        ),
        pytest.param(
            billed(a_term(amount="-10"), a_term(amount="90010")), "more than zero", id="negative"
        ),
        pytest.param(
            billed(a_term(amount="89999.995"), a_term(amount="0.005")), "decimals", id="half-cents"
        ),
        pytest.param(
            billed(a_term(amount="90000"), a_term("Fee", every_months=1)), "nothing", id="no-rest"
        ),
        pytest.param(
            billed(a_term(share="0.5", every_months=1)), "no share", id="a-share-of-each-month"
        ),
        pytest.param(
            billed(a_term("A", every_months=1), a_term("B", every_months=3)),
            "only one",
            id="two-take-the-rest",
        ),
        pytest.param(
            billed(a_term(amount="9999", every_months=1)), "EUR 89,991.00", id="instalments"
        ),
        pytest.param(
            billed(
                a_term(every_months=1),
                ends_on=date(9999, 12, 31),
            ).model_copy(update={"contract": a_contract(
                period=None, billing_terms=(a_term(every_months=1),))}),
            "more than 600",
            id="without-end",
        ),
    ],
)  # fmt: skip
def test_billing_terms_that_make_no_schedule(deal: Opportunity, words: str) -> None:
    (gap,) = gaps(contract_gaps(deal))

    assert (gap.field, gap.owner) == ("contract.billing_terms", "finance-operations")
    assert words in gap.problem


@pytest.mark.parametrize(
    ("deal", "field"),
    [
        (billed(a_term(share="0.9")), "contract.billing_terms"),
        (a_deal(starts_on=date(2027, 9, 1)), "starts_on"),
        (a_deal(starts_on=date(2026, 10, 1)), "starts_on"),
        (a_deal(ends_on=date(2030, 1, 1)), "ends_on"),
        (a_deal(contract=a_contract(value=money("80000"))), "value"),
    ],
)
def test_what_a_person_supplied_wrong_can_be_supplied_again(deal: Opportunity, field: str) -> None:
    (gap,) = gaps(contract_gaps(deal, supplied={field}))

    assert gap.field == field
    assert gap.suppliable
    assert not any(gap.suppliable for gap in gaps(contract_gaps(deal)))


KNOWN = {"legal_entity": ("TH-LTD", "TH-GMBH"), "region": ("EMEA", "AMER")}


def test_a_value_that_the_firm_has_no_set_up_for_is_a_gap_with_its_choices() -> None:
    (gap,) = gaps(unknown(a_deal(legal_entity="TH-SARL", region="EMEA"), KNOWN))

    assert (gap.field, gap.choices) == ("legal_entity", ("TH-LTD", "TH-GMBH"))
    assert "TH-SARL" in gap.problem
    assert not gap.suppliable


def test_a_blank_is_not_unknown_and_a_supplied_value_can_be_given_again() -> None:
    deal = a_deal(legal_entity=None, region="Europe")

    (gap,) = gaps(unknown(deal, KNOWN, supplied={"region"}))

    assert gap.field == "region"
    assert gap.suppliable


def test_gaps_of_several_rules_are_told_together() -> None:
    deal = a_deal(starts_on=None, ends_on=None)

    found = gaps(
        together(missing(deal, needs("ends_on")), missing(deal, needs("starts_on")), Clear())
    )

    assert [gap.field for gap in found] == ["ends_on", "starts_on"]
    assert isinstance(together(Clear(), Clear()), Clear)


def test_a_cap_of_just_the_value_is_kept_to() -> None:
    assert isinstance(contract_gaps(a_deal(contract=a_contract(cap=money("90000")))), Clear)


def an_agreement(**changes: Any) -> Agreement:
    given: dict[str, Any] = {
        "ref": ExternalRef(system="docusign", kind="envelope", id="E1"),
        "title": "Statement of work",
        "status": AgreementStatus.SIGNED,
        "revision": "1",
    }
    return Agreement.model_validate(given | changes)


AGREED = a_deal(contract=a_contract(agreement="E1"))


def test_a_signed_agreement_that_says_the_same_is_ready() -> None:
    agreement = an_agreement(number="00001001", value=money("90000"))

    assert isinstance(agreement_gaps(AGREED, agreement), Clear)


@pytest.mark.parametrize("deal", [a_deal(), a_deal(contract=None)])
def test_a_contract_that_names_no_agreement_is_not_asked_about(deal: Opportunity) -> None:
    assert isinstance(agreement_gaps(deal, None), Clear)


@pytest.mark.parametrize(
    ("agreement", "words"),
    [
        pytest.param(None, "there is no agreement E1", id="not-there"),
        pytest.param(
            an_agreement(
                status=AgreementStatus.SENT, signers=(Signer(name="Ana"), Signer(name="Bo"))
            ),
            "is sent; Ana, Bo did not sign",
            id="sent",
        ),
        pytest.param(
            an_agreement(status=AgreementStatus.DECLINED, because="too dear"),
            "is declined: too dear",
            id="declined",
        ),
        pytest.param(an_agreement(status=AgreementStatus.VOIDED), "is voided", id="voided"),
        pytest.param(an_agreement(status=AgreementStatus.DRAFT), "is draft", id="draft"),
        pytest.param(
            an_agreement(number="00009"), "of contract 00009, the deal's is 00001001", id="another"
        ),
        pytest.param(
            an_agreement(value=money("90000.01")),
            "says EUR 90,000.01, the deal EUR 90,000.00",
            id="another-value",
        ),
    ],
)
def test_an_agreement_that_is_not_signed_or_says_otherwise(
    agreement: Agreement | None, words: str
) -> None:
    (gap,) = gaps(agreement_gaps(AGREED, agreement))

    assert (gap.field, gap.owner, gap.suppliable) == ("contract.agreement", "legal", False)
    assert words in gap.problem


def needed(cost: str, currency: str = "EUR", hours: str = "10") -> SubcontractNeed:
    return SubcontractNeed(role="Tester", hours=Decimal(hours), cost=money(cost, currency))


def test_work_of_others_that_costs_less_than_the_deal_is_ready() -> None:
    assert isinstance(subcontract_gaps(a_deal()), Clear)
    assert isinstance(subcontract_gaps(a_deal(subcontracting=(needed("90000"),))), Clear)


@pytest.mark.parametrize(
    ("needs_", "words"),
    [
        pytest.param((needed("45000"), needed("45000.01")), "more than the deal's", id="too-much"),
        pytest.param((needed("0"),), "must be more than zero", id="for-nothing"),
        pytest.param((needed("5", hours="0"),), "no hours of Tester", id="no-hours"),
        pytest.param((needed("5", "USD"),), "in USD, the deal is in EUR", id="currency"),
    ],
)
def test_work_of_others_that_cannot_be_right_is_told(
    needs_: tuple[SubcontractNeed, ...], words: str
) -> None:
    (gap,) = gaps(subcontract_gaps(a_deal(subcontracting=needs_)))

    assert words in gap.problem
