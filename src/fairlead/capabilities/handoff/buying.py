"""Buying the work of other firms: requisitions tied to project and budget (F045, F047)."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.domain.company_names import same_name
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.requisition import Requisition, SubcontractNeed
from fairlead.domain.model.vendor import Vendor
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.values import ExternalRef
from fairlead.flow.calls import Done, NeedsPerson, OutwardCall
from fairlead.flow.registry import Registry


def register(registry: Registry) -> None:
    @registry.action(
        "create_requisitions",
        on="procurement",
        safe="Each requisition is an effect of its own, with its own key.",
    )
    def create_requisitions(call: OutwardCall) -> Done:
        """One requisition for each piece of work that the deal leaves to another firm."""
        engagement: Engagement = call.subject
        deal = terms(engagement)
        assert deal.starts_on is not None
        project: ExternalRef = engagement.refs["ledger_project"]
        code = call.results["plan_setup"]["code"]
        choice: str | None = call.answer.get("choice")
        made: list[str] = []
        for number, need in enumerate(deal.subcontracting, 1):
            key = EffectKey(f"{call.run.id}/{call.step.name}/{number}")
            # what was made after an earlier answer is not decided again by this one
            if not call.unsettled(key) and (known := call.port.find_requisition(key)):
                made.append(str(known))
                continue
            vendor, choice = _vendor(call, need, choice)
            wanted = Requisition(
                code=f"{code}-P{number}",
                project_code=code,
                description=f"{need.role} for {code}: {deal.name}"[:1000],
                vendor=vendor,
                role=need.role,
                hours=need.hours,
                cost=need.cost,
                needed_on=deal.starts_on,
            )
            ref = call.once(
                "procurement.create_requisition",
                key=key,
                request={**wanted.model_dump(mode="json"), "project": str(project)},
                call=lambda key, wanted=wanted: call.port.create_requisition(
                    wanted, project=project, key=key
                ),
                find=call.port.find_requisition,
            )
            made.append(str(ref))
        return Done({"requisitions": made})


def _vendor(
    call: OutwardCall, need: SubcontractNeed, choice: str | None
) -> tuple[ExternalRef | None, str | None]:
    """The approved vendor of that name, and the choice as far as it is not used up.

    A vendor is chosen for one piece of work; `none` leaves all that is not plain to procurement.
    Raises `NeedsPerson` where there is no approved vendor, or several.
    """
    if need.vendor is None:
        return None, choice
    found: Sequence[Vendor] = call.port.vendors(need.vendor)
    approved = [
        vendor for vendor in found if vendor.approved and same_name(vendor.name, need.vendor)
    ]
    if len(approved) == 1:
        return approved[0].ref, choice
    if choice == "none":
        return None, choice
    chosen = [vendor for vendor in found if vendor.approved and vendor.ref.id == choice]
    if chosen:
        return chosen[0].ref, None
    state = "more than one approved vendor" if approved else "no approved vendor"
    raise NeedsPerson(
        title=f"Which vendor is {need.vendor}?",
        detail=f"There is {state} of this name in {call.system}, for the role {need.role}.",
        remedy="Choose the vendor, or none to let procurement find one.",
        difference={
            "wanted": need.model_dump(mode="json"),
            "candidates": [
                {
                    "id": vendor.ref.id,
                    "name": vendor.name,
                    "country": vendor.country,
                    "because": "approved" if vendor.approved else "not approved yet",
                }
                for vendor in found
            ],
        },
    )
