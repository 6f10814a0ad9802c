"""Is the client bound, and do the systems that say so agree? (F003, F006, F027, F028)"""

from __future__ import annotations

from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.agreement import Agreement, AgreementStatus
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage

_AGREED = (ContractStatus.APPROVED, ContractStatus.SIGNED)


def committed(deal: Opportunity, agreement: Agreement | None) -> Clear | Blocked:
    """Nothing is set up for a deal that is not won, unless its statement of work is agreed."""
    if deal.stage is OpportunityStage.WON:
        return Clear()
    agreed = as_signed(deal, agreement).contract
    if deal.stage is OpportunityStage.OPEN and agreed is not None and agreed.status in _AGREED:
        return Clear()
    gap = Gap(
        field="stage",
        problem=f"the deal is {deal.stage}, not won",
        owner="sales-operations",
        remedy="win it again in the CRM, and the handoff goes on by itself; or cancel the run",
        suppliable=False,
    )
    return Blocked(gaps=(gap,))


def as_signed(deal: Opportunity, agreement: Agreement | None) -> Opportunity:
    """The deal, its contract signed where the system says so that keeps the signatures."""
    contract = deal.contract
    if (
        contract is None
        or agreement is None
        or agreement.status is not AgreementStatus.SIGNED
        or contract.status is ContractStatus.CANCELLED
    ):
        return deal
    signed = contract.model_copy(
        update={
            "status": ContractStatus.SIGNED,
            "signed_on": contract.signed_on
            or (agreement.signed_at.date() if agreement.signed_at else None),
        }
    )
    return deal.model_copy(update={"contract": signed})


def agreement_gaps(deal: Opportunity, agreement: Agreement | None) -> Clear | Blocked:
    """What the system says that holds the contract, against the deal."""
    contract = deal.contract
    if contract is None or contract.agreement is None:
        return Clear()  # the CRM alone keeps the contract
    if agreement is None or agreement.ref.id != contract.agreement:
        return _blocked(
            "contract.agreement",
            f"agreement {contract.agreement} has not been read yet",
            "integration-operations",
            "see that the contract system answers; this goes on by itself",
        )
    if agreement.status is not AgreementStatus.SIGNED:
        why = f" ({agreement.because})" if agreement.because else ""
        return _blocked(
            "contract.agreement",
            f"agreement {agreement.number or agreement.ref.id} is {agreement.status}{why},"
            " not signed",
            "legal",
            "have it signed by everybody; the handoff goes on by itself",
        )
    if agreement.number and agreement.number != contract.number:
        return _blocked(
            "contract.number",
            f"the agreement is for contract {agreement.number}, the deal for {contract.number}",
            "legal",
            "link the deal to the agreement that was signed",
        )
    if agreement.value and deal.value and agreement.value.rounded() != deal.value.rounded():
        return _blocked(
            "contract.value",
            f"the agreement says {agreement.value}, the deal {deal.value}",
            "sales-operations",
            "correct the deal, or have the agreement signed anew",
        )
    return Clear()


def _blocked(field: str, problem: str, owner: str, remedy: str) -> Blocked:
    gap = Gap(field=field, problem=problem, owner=owner, remedy=remedy, suppliable=False)
    return Blocked(gaps=(gap,))
