"""Buying the work of other firms: requisitions tied to project and budget (F045, F047)."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.domain.company_names import same_name
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
        vendors = [
            _vendor(call, need) for need in deal.subcontracting
        ]  # all asked before one is made
        made: list[str] = []
        for number, (need, vendor) in enumerate(zip(deal.subcontracting, vendors, strict=True), 1):
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
                part=wanted.code,
                request={**wanted.model_dump(mode="json"), "project": str(project)},
                call=lambda key, wanted=wanted: call.port.create_requisition(
                    wanted, project=project, key=key
                ),
                find=call.port.find_requisition,
            )
            made.append(str(ref))
        return Done({"requisitions": made})


def _vendor(call: OutwardCall, need: SubcontractNeed) -> ExternalRef | None:
    """The approved vendor of that name. Raises `NeedsPerson` where there is none, or several."""
    if need.vendor is None or call.answer.get("choice") == "none":
        return None
    found: Sequence[Vendor] = call.port.vendors(need.vendor)
    chosen = [vendor for vendor in found if vendor.ref.id == call.answer.get("choice")]
    named = chosen or [vendor for vendor in found if same_name(vendor.name, need.vendor)]
    approved = [vendor for vendor in named if vendor.approved]
    if len(approved) == 1:
        return approved[0].ref
    state = "more than one approved vendor" if approved else "no approved vendor"
    raise NeedsPerson(
        title=f"Which vendor is {need.vendor}?",
        detail=f"{call.system} has {state} of this name for the role {need.role}.",
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
