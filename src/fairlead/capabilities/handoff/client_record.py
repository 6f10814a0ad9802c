"""One client in two systems: where CRM and ledger disagree, one task settles it (F164)."""

from __future__ import annotations

from fairlead.domain.model.client import Client, ClientChanges
from fairlead.domain.rules.client_match import conflicts
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.values import ExternalRef
from fairlead.flow.calls import Done, NeedsPerson, OutwardCall
from fairlead.flow.registry import Registry

KEEP, TAKE = "ledger", "crm"  #: the two ways to settle it


def register(registry: Registry) -> None:
    @registry.action(
        "agree_client_record",
        on="ledger",
        safe="It says the same of the client however often it is said.",
    )
    def agree_client_record(call: OutwardCall) -> Done:
        """The ledger's record of the client says what the CRM says, or a person settles it."""
        ours = terms(call.subject).client
        ref: ExternalRef = call.subject.refs["client"]
        theirs: Client | None = call.port.client(ref)
        if ours is None or theirs is None:
            return Done({"conflicts": []})
        found = conflicts(ours, theirs)
        fields = [conflict.field for conflict in found]
        if not found or call.answer.get("choice") in (KEEP, "none"):
            return Done({"conflicts": fields, "kept": KEEP})
        if call.answer.get("choice") != TAKE:
            raise NeedsPerson(
                title=f"{ours.name}: the CRM and {call.system} disagree",
                detail="; ".join(str(conflict) for conflict in found),
                remedy=f"Take the CRM's values over into {call.system}, or keep what stands there.",
                difference={
                    "fields": [conflict.model_dump(mode="json") for conflict in found],
                    "ours": ours.model_dump(mode="json"),
                    "theirs": theirs.model_dump(mode="json"),
                    "candidates": [
                        {"id": TAKE, "name": "Take the CRM's values", "because": "CRM"},
                        {"id": KEEP, "name": f"Keep what {call.system} says", "because": "ledger"},
                    ],
                },
            )
        changes = ClientChanges(
            name=ours.name if "name" in fields else None,
            tax_id=ours.tax_id if "tax_id" in fields else None,
            domain=ours.domain if "domain" in fields else None,
            address=ours.address if any(f.startswith("address") for f in fields) else None,
        )
        call.once(
            "ledger.update_client",
            request={"client": str(ref), **changes.model_dump(mode="json")},
            call=lambda key: call.port.update_client(ref, changes, key=key),
            find=lambda key: call.port.find_client_updated(ref, changes, key=key),
        )
        return Done({"conflicts": fields, "kept": TAKE})
