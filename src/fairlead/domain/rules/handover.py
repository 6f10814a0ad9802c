"""What both sides accept when a deal changes hands, and the digest that tells it (F017).

The content is what was agreed with the client and what follows from it; it leaves out what moves
by itself, such as the revision of the CRM's record or a probability.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast

from fairlead.domain.model.engagement import Acceptance, Engagement, Side
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules.deal_terms import terms

#: Fields of the deal that are no part of what was agreed.
NOT_TERMS = frozenset({"revision", "modified_at", "probability", "stage", "stage_name", "owner"})


def told(deal: Opportunity) -> dict[str, Any]:
    """Every field by its dotted path; client and contract are taken apart."""
    found: dict[str, Any] = {}
    for name, value in deal.model_dump(mode="json").items():
        if name in ("client", "contract") and value is not None:
            parts = cast("dict[str, Any]", value)
            found.update({f"{name}.{part}": inner for part, inner in parts.items()})
        else:
            found[name] = value
    return found


def difference(ours: Opportunity, theirs: Opportunity) -> dict[str, Any]:
    """Field → what we hold and what is now said, where they differ in what was agreed."""
    before, after = told(ours), told(theirs)
    return {
        name: {"ours": before.get(name), "theirs": after.get(name)}
        for name in dict.fromkeys([*before, *after])
        if name not in NOT_TERMS and before.get(name) != after.get(name)
    }


def agreed(engagement: Engagement) -> dict[str, Any]:
    """What is accepted: field → value."""
    content = {
        name: value for name, value in told(terms(engagement)).items() if name not in NOT_TERMS
    }
    agreement = engagement.agreement
    content["project_code"] = engagement.project_code
    content["agreement"] = (
        {"ref": str(agreement.ref), "status": agreement.status} if agreement else None
    )
    return content


def digest(engagement: Engagement) -> str:
    """SHA-256 in hex of what is accepted, as canonical JSON."""
    text = json.dumps(agreed(engagement), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def accepted_by(engagement: Engagement) -> Mapping[Side, Acceptance]:
    """The last acceptance of each side, whatever it was of."""
    return {one.side: one for one in engagement.acceptances}


def is_accepted(engagement: Engagement) -> bool:
    """Do both sides hold what it now says? False: never accepted, or reopened since."""
    now, given = digest(engagement), accepted_by(engagement)
    return all(side in given and given[side].digest == now for side in Side)
