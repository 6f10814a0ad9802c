"""The system that keeps the signatures says whether a contract is signed, and for what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from office import CONTRACTS, CRM, Office

from deals import a_contract, a_deal, money
from fairlead.capabilities.handoff.polling import PollDrain, asks_contracts
from fairlead.domain.model.agreement import Agreement, AgreementDocument, AgreementStatus
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.model.opportunity import OpportunityStage
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemUnavailable
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.ports.contracts import AgreementChanged, AgreementPage
from fairlead.store.database import Database

SIGNED_AT = datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db, "contracts")


def an_agreement(status: AgreementStatus = AgreementStatus.SIGNED, **changes: Any) -> Agreement:
    given: dict[str, Any] = {
        "ref": ExternalRef(system=CONTRACTS, kind="envelope", id="E1"),
        "title": "Warehouse cloud migration",
        "status": status,
        "revision": "1",
        "number": "00001001",
        "value": money("90000"),
        "signed_at": SIGNED_AT if status is AgreementStatus.SIGNED else None,
        "documents": (AgreementDocument(id="1", name="SOW.pdf"),),
    }
    return Agreement.model_validate(given | changes)


def kept_there(**changes: Any) -> Any:
    """A contract whose signatures are kept in the signature service."""
    return a_contract(agreement="E1", status=ContractStatus.APPROVED, signed_on=None, **changes)


def win(office: Office, agreement: Agreement | None) -> None:
    """The deal is won; the service says this of its contract."""
    if agreement is not None:
        office.contracts.agreements["E1"] = agreement
    office.win(a_deal(contract=kept_there()))
    office.settle()


def problems(office: Office) -> str:
    return "; ".join(found["detail"] for found in office.open_exceptions())


def test_the_gate_waits_until_the_agreement_is_read(office: Office) -> None:
    win(office, an_agreement())
    assert office.step("contract_signed") == "blocked"
    assert "agreement E1 has not been read yet" in problems(office)

    office.read(CONTRACTS)
    office.settle()

    assert office.engagement().agreement == an_agreement()
    assert office.engagement().state is EngagementState.IN_SETUP
    assert not office.open_exceptions()


def test_what_the_signature_service_says_is_signed_is_signed(office: Office) -> None:
    """Although the CRM has not heard of it yet."""
    win(office, an_agreement())
    office.read(CONTRACTS)
    office.settle()

    contract = office.engagement().deal.contract
    assert contract
    assert contract.status is ContractStatus.APPROVED
    assert office.step("contract_signed") == "done"


@pytest.mark.parametrize(
    ("agreement", "says"),
    [
        pytest.param(an_agreement(AgreementStatus.SENT), "is sent, not signed", id="sent"),
        pytest.param(
            an_agreement(AgreementStatus.DECLINED, because="the price is too high"),
            "is declined (the price is too high), not signed",
            id="declined",
        ),
        pytest.param(an_agreement(AgreementStatus.VOIDED), "is voided, not signed", id="voided"),
        pytest.param(
            an_agreement(value=money("95000")),
            "the agreement says EUR 95,000.00, the deal EUR 90,000.00",
            id="another-value",
        ),
        pytest.param(
            an_agreement(number="00009999"),
            "the agreement is for contract 00009999, the deal for 00001001",
            id="another-contract",
        ),
    ],
)
def test_an_agreement_that_does_not_hold_stops_the_deal_and_says_why(
    office: Office, agreement: Agreement, says: str
) -> None:
    win(office, agreement)
    office.read(CONTRACTS)
    office.settle()

    assert says in problems(office)
    assert office.step("contract_signed") == "blocked"
    assert office.engagement().state is EngagementState.RECEIVED
    assert not office.rows("effects")


def test_word_of_the_signature_wakes_the_gate(office: Office) -> None:
    win(office, an_agreement(AgreementStatus.SENT))
    office.read(CONTRACTS)
    office.settle()
    assert office.step("contract_signed") == "blocked"

    assert office.sign(an_agreement(revision="2")).endswith("the agreement is signed")
    office.settle()

    assert office.engagement().state is EngagementState.IN_SETUP
    assert not office.open_exceptions()
    told = office.rows("events", type="agreement.changed")
    assert [event["attributes"]["status"] for event in told] == ["sent", "signed"]


def test_older_word_of_an_agreement_is_ignored(office: Office) -> None:
    win(office, an_agreement(revision="2"))
    office.read(CONTRACTS)

    assert "knows this already" in office.sign(an_agreement(AgreementStatus.SENT, revision="1"))
    assert "knows this already" in office.sign(an_agreement(AgreementStatus.SENT, revision="2"))

    known = office.engagement().agreement
    assert known
    assert known.status is AgreementStatus.SIGNED


def test_an_agreement_of_nobody_is_nothing_of_ours(office: Office) -> None:
    other = an_agreement(ref=ExternalRef(system=CONTRACTS, kind="envelope", id="E9"))

    assert office.sign(other) == "no engagement of ours has this agreement"


def test_a_contract_system_that_is_down_does_not_keep_the_engagement_from_opening(
    office: Office,
) -> None:
    office.contracts.trouble = [SystemUnavailable(CONTRACTS, "connection refused")]
    win(office, an_agreement())
    outcomes = office.read(CONTRACTS)

    assert office.engagement().state is EngagementState.RECEIVED
    assert office.step("commercial_data") == "done"
    assert outcomes[-1].startswith("ready: ")

    with office.db.transaction() as tx:
        tx.execute("UPDATE inbox SET ready_at = clock_timestamp() WHERE state = 'ready'")
    office.read(CONTRACTS)
    office.settle()
    assert office.engagement().state is EngagementState.IN_SETUP


def test_a_signed_agreement_that_names_its_deal_hands_it_off_although_it_is_open(
    office: Office,
) -> None:
    deal = a_deal(stage=OpportunityStage.OPEN, contract=kept_there(), probability="0.5")
    draft = deal.contract and deal.contract.model_copy(update={"status": ContractStatus.DRAFT})
    office.crm.deals["O1"] = deal.model_copy(update={"contract": draft})

    named = ExternalRef(system=CRM, kind="opportunity", id="O1")
    office.sign(an_agreement(deal=named))
    office.settle()

    known = office.engagement()
    assert known.state is EngagementState.IN_SETUP
    assert office.decided("handoff-trigger", known) == ["sow-agreed"]
    assert known.agreement == an_agreement(deal=named)


def test_a_crm_that_is_none_of_ours_does_not_keep_the_signature_from_its_contract(
    office: Office,
) -> None:
    win(office, an_agreement(AgreementStatus.SENT))
    office.read(CONTRACTS)
    nowhere = ExternalRef(system="salesfroce", kind="opportunity", id="006A")

    office.sign(an_agreement(deal=nowhere, revision="2"))
    office.settle()

    assert office.engagement().state is EngagementState.IN_SETUP


def test_an_agreement_that_is_only_sent_opens_nothing(office: Office) -> None:
    office.crm.deals["O1"] = a_deal(stage=OpportunityStage.OPEN, contract=kept_there())
    named = ExternalRef(system=CRM, kind="opportunity", id="O1")

    office.sign(an_agreement(AgreementStatus.SENT, deal=named))

    assert not office.rows("engagements")


def test_a_contract_that_only_the_crm_keeps_is_asked_about_nowhere(office: Office) -> None:
    office.win()
    office.settle()

    assert office.engagement().state is EngagementState.IN_SETUP
    assert not office.rows("inbox", source=CONTRACTS)


def test_an_agreement_that_is_voided_during_the_review_holds_the_set_up(office: Office) -> None:
    """Although everybody who was asked says yes."""
    clause = {"code": "liability", "title": "Liability", "standard": False}
    office.contracts.agreements["E1"] = an_agreement()
    office.win(a_deal(contract=kept_there(clauses=(clause,))))
    office.read(CONTRACTS)
    office.settle()
    assert office.task("legal_review")

    office.sign(an_agreement(AgreementStatus.VOIDED, revision="2", because="wrong party"))
    office.answer("grace.mbeki")

    assert office.engagement().state is EngagementState.RECEIVED
    assert "is voided (wrong party)" in problems(office)


def test_a_poll_of_the_signature_service_finds_what_it_did_not_tell(office: Office) -> None:
    win(office, an_agreement(AgreementStatus.SENT))
    office.read(CONTRACTS)
    office.contracts.agreements["E1"] = an_agreement(revision="2")
    told = AgreementChanged(agreement="E1", revision="2", at=SIGNED_AT)
    office.contracts.pages = [AgreementPage(changes=(told,), next_cursor=None, watermark=SIGNED_AT)]
    with office.db.transaction() as tx:
        tx.execute("UPDATE systems SET poll_at = clock_timestamp() WHERE id = %s", [CONTRACTS])

    drain = PollDrain(office.db, lambda: [asks_contracts(office.contracts)], timedelta(minutes=1))
    with LockSession(office.db) as session:
        drain.work(f"poll:{CONTRACTS}", Ledger(office.db, session))
    office.read(CONTRACTS)
    office.settle()

    assert office.engagement().state is EngagementState.IN_SETUP
