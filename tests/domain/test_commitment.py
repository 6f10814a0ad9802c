"""Is the client bound, and do the systems that say so agree?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from deals import CRM, a_contract, a_deal, money
from fairlead.domain.gates import Blocked, Clear
from fairlead.domain.model.agreement import Agreement, AgreementStatus
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.opportunity import OpportunityStage
from fairlead.domain.rules.commitment import agreement_gaps, as_signed, committed
from fairlead.domain.values import ExternalRef

OPEN, WON, LOST = OpportunityStage.OPEN, OpportunityStage.WON, OpportunityStage.LOST


def an_agreement(status: AgreementStatus = AgreementStatus.SIGNED, **changes: Any) -> Agreement:
    given: dict[str, Any] = {
        "ref": ExternalRef(system="docusign", kind="envelope", id="E1"),
        "title": "Warehouse cloud migration",
        "status": status,
        "revision": "1",
        "signed_at": datetime(2026, 10, 22, 23, 30, tzinfo=UTC),
    }
    return Agreement.model_validate(given | changes)


def with_contract(status: ContractStatus, **changes: Any) -> Any:
    stage = changes.pop("stage", OPEN)
    return a_deal(stage=stage, contract=a_contract(status=status, **changes))


def problem(answer: Clear | Blocked) -> tuple[str, str, str]:
    """Field, owner and words of its one gap, which nobody can supply."""
    assert isinstance(answer, Blocked)
    (gap,) = answer.gaps
    assert gap.remedy
    assert not gap.suppliable
    return gap.field, gap.owner, gap.problem


@pytest.mark.parametrize("status", list(ContractStatus))
def test_a_won_deal_is_committed_whatever_its_contract_says(status: ContractStatus) -> None:
    assert committed(with_contract(status, stage=WON), None) == Clear()


@pytest.mark.parametrize("status", [ContractStatus.APPROVED, ContractStatus.SIGNED])
def test_an_open_deal_is_committed_once_its_statement_of_work_is_agreed(
    status: ContractStatus,
) -> None:
    assert committed(with_contract(status), None) == Clear()


@pytest.mark.parametrize(
    "deal",
    [
        pytest.param(with_contract(ContractStatus.DRAFT), id="draft"),
        pytest.param(with_contract(ContractStatus.IN_APPROVAL), id="in-approval"),
        pytest.param(with_contract(ContractStatus.CANCELLED), id="cancelled"),
        pytest.param(with_contract(ContractStatus.SIGNED, stage=LOST), id="lost"),
        pytest.param(a_deal(stage=OPEN, contract=None), id="no-contract"),
    ],
)
def test_any_other_deal_is_not_committed_and_says_what_it_is(deal: Any) -> None:
    field, owner, words = problem(committed(deal, None))

    assert (field, owner) == ("stage", "sales-operations")
    assert words == f"the deal is {deal.stage}, not won"


def test_the_signature_service_can_commit_an_open_deal() -> None:
    deal = with_contract(ContractStatus.DRAFT)

    assert committed(deal, an_agreement()) == Clear()
    assert isinstance(committed(deal, an_agreement(AgreementStatus.SENT)), Blocked)


def test_a_lost_deal_is_not_committed_by_a_signature() -> None:
    lost = with_contract(ContractStatus.SIGNED, stage=LOST)

    assert isinstance(committed(lost, an_agreement()), Blocked)


# what the signature makes of the contract


def test_a_signed_agreement_signs_the_contract_on_its_day_in_utc() -> None:
    signed = as_signed(with_contract(ContractStatus.APPROVED, signed_on=None), an_agreement())

    assert signed.contract
    assert signed.contract.status is ContractStatus.SIGNED
    assert signed.contract.signed_on == date(2026, 10, 22)


def test_the_day_that_the_crm_gives_is_kept() -> None:
    signed = as_signed(with_contract(ContractStatus.APPROVED), an_agreement())

    assert signed.contract
    assert signed.contract.signed_on == date(2026, 10, 20)


@pytest.mark.parametrize(
    ("deal", "agreement"),
    [
        pytest.param(with_contract(ContractStatus.DRAFT), None, id="no-agreement"),
        pytest.param(a_deal(contract=None), an_agreement(), id="no-contract"),
        pytest.param(with_contract(ContractStatus.CANCELLED), an_agreement(), id="cancelled"),
        *(
            pytest.param(with_contract(ContractStatus.DRAFT), an_agreement(status), id=status)
            for status in AgreementStatus
            if status is not AgreementStatus.SIGNED
        ),
    ],
)
def test_nothing_else_signs_a_contract(deal: Any, agreement: Agreement | None) -> None:
    assert as_signed(deal, agreement) == deal


# the agreement against the deal


def kept_there(**changes: Any) -> Any:
    return a_deal(contract=a_contract(agreement="E1"), **changes)


@pytest.mark.parametrize("agreement", [None, an_agreement(AgreementStatus.DECLINED)])
def test_a_contract_that_the_crm_alone_keeps_has_no_agreement_to_lack(
    agreement: Agreement | None,
) -> None:
    assert agreement_gaps(a_deal(), agreement) == Clear()
    assert agreement_gaps(a_deal(contract=None), agreement) == Clear()


@pytest.mark.parametrize(
    "agreement",
    [
        pytest.param(an_agreement(), id="says-nothing-more"),
        pytest.param(an_agreement(number="00001001", value=money("90000")), id="says-the-same"),
        pytest.param(an_agreement(value=money("90000.001")), id="the-same-to-the-cent"),
    ],
)
def test_a_signed_agreement_that_says_the_same_is_clear(agreement: Agreement) -> None:
    assert agreement_gaps(kept_there(), agreement) == Clear()


@pytest.mark.parametrize(
    ("agreement", "field", "owner", "words"),
    [
        pytest.param(
            None,
            "contract.agreement",
            "integration-operations",
            "agreement E1 has not been read yet",
            id="not-read",
        ),
        pytest.param(
            an_agreement(ref=ExternalRef(system="docusign", kind="envelope", id="E2")),
            "contract.agreement",
            "integration-operations",
            "agreement E1 has not been read yet",
            id="another-one-was",
        ),
        pytest.param(
            an_agreement(AgreementStatus.DRAFT),
            "contract.agreement",
            "legal",
            "agreement E1 is draft, not signed",
            id="draft",
        ),
        pytest.param(
            an_agreement(AgreementStatus.DECLINED, number="00001001", because="too dear"),
            "contract.agreement",
            "legal",
            "agreement 00001001 is declined (too dear), not signed",
            id="declined",
        ),
        pytest.param(
            an_agreement(number="00009999"),
            "contract.number",
            "legal",
            "the agreement is for contract 00009999, the deal for 00001001",
            id="another-number",
        ),
        pytest.param(
            an_agreement(value=money("90000.01")),
            "contract.value",
            "sales-operations",
            "the agreement says EUR 90,000.01, the deal EUR 90,000.00",
            id="a-cent-more",
        ),
        pytest.param(
            an_agreement(value=money("90000", "USD")),
            "contract.value",
            "sales-operations",
            "the agreement says USD 90,000.00, the deal EUR 90,000.00",
            id="another-currency",
        ),
    ],
)
def test_an_agreement_that_does_not_hold_names_what_and_whose_it_is(
    agreement: Agreement | None, field: str, owner: str, words: str
) -> None:
    assert problem(agreement_gaps(kept_there(), agreement)) == (field, owner, words)


def test_a_deal_without_a_value_cannot_contradict_the_agreement() -> None:
    assert agreement_gaps(kept_there(value=None), an_agreement(value=money("1"))) == Clear()


def test_the_deals_own_reference_is_no_agreement() -> None:
    named = an_agreement(deal=ExternalRef(system=CRM, kind="opportunity", id="O9"))

    assert agreement_gaps(kept_there(), named) == Clear()
