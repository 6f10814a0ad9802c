"""Where one entry, expense, milestone or charge was billed, and why it is not (F085, N4, N17)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from fairlead.capabilities.billing.changing import sees
from fairlead.capabilities.company_days import CompanyDays
from fairlead.errors import NotFound
from fairlead.store import billing_lineage, invoice_items
from fairlead.store.database import Tx, database_time
from fairlead.trust.principals import Principal


def history(
    tx: Tx, reader: Principal, item: str, days: CompanyDays
) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """The thing itself, every document that it was in, and where it stands, in words.

    Raises `NotFound`.
    """
    limits = sees(reader)
    try:
        id = UUID(item)
    except ValueError:
        raise NotFound("There is no such item.") from None
    thing = billing_lineage.thing(tx, id, limits.values())
    if thing is None:
        raise NotFound("There is no such item.")
    documents = invoice_items.history(
        tx, thing["kind"], item, regions=limits.regions, entities=limits.entities
    )
    today = days.on(database_time(tx), thing["legal_entity"])
    return thing, documents, stands(thing, documents, today)


def stands(thing: Mapping[str, Any], documents: Sequence[Mapping[str, Any]], today: date) -> str:
    """Billed in what, or the first reason why not."""
    for document in documents:
        if document["live"]:
            what = "written off by" if document["kind"] == "write_off" else "in"
            return f"{what} {document['reference']}, which is {document['state']}"
    reasons = (
        (thing["closed_at"] is not None, "its engagement is closed"),
        (not thing["billable"], "it is not billable"),
        (thing["state"] == "cancelled", "it was cancelled"),
        (
            thing["kind"] == "time" and thing["billing_method"] != "as_worked",
            "the fee of its engagement pays for it",
        ),
        (
            thing["kind"] in ("time", "expense") and thing["state"] != "approved",
            f"it is {thing['state']}, not approved",
        ),
        (
            thing["kind"] == "milestone" and thing["state"] != "accepted",
            f"it is {thing['state'].replace('_', ' ')}, not accepted",
        ),
        (thing["hold"] is not None, f"it is held by {thing['held_by']}: {thing['hold']}"),
        (
            thing["taken_back_by"] is not None,
            f"{thing['taken_back_by']} takes it back ({thing['taking_back']})",
        ),
        (thing["reverses"] is not None, _taking_back(thing)),
        (
            thing["kind"] == "time" and thing["per_hour"] is None,
            f"{thing['role']} has no rate on {thing['day']}",
        ),
        (
            thing["kind"] == "charge" and thing["day"] > today,
            f"it is due on {thing['day']}",
        ),
    )
    for holds, words in reasons:
        if holds:
            return words
    return "it is ready: the next proposal takes it, as far as cap and purchase order allow"


def _taking_back(thing: Mapping[str, Any]) -> str:
    """Of what takes an earlier one back and is in no invoice itself."""
    billed = thing["billed_in"]
    if billed is None:
        return "what it takes back was not billed"
    if not thing["released"]:
        return f"what it takes back is in {billed}, which is not released"
    if thing["credited_by"] is not None:
        return f"what it takes back is being credited by {thing['credited_by']}"
    return (
        f"it is ready: the next proposal takes off what is left of it in {billed}, where an"
        " invoice comes to more than that"
    )
