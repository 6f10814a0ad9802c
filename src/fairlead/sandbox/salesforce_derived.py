"""What Salesforce works out by itself: a stage's flags, totals, a contract's end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fairlead.sandbox.salesforce_schema import SObject

_STAGES = {"Closed Won": (True, True, 100), "Closed Lost": (False, True, 0)}
_OPEN_STAGE = (False, False, 10)  # won, closed, probability in per cent
_PERCENT = Decimal(100)


def at_first(found: SObject, number: int) -> dict[str, Any]:
    """What a new record has before anybody says otherwise; `number` counts its object's."""
    values: dict[str, Any] = {
        name: False
        for name, kind in found.fields.items()
        if kind.type == "boolean" and name.endswith("__c")
    }
    match found.name:
        case "Contract":
            values |= {"ContractNumber": f"{number:08d}", "Status": "Draft"}
        case "Quote":
            values |= {"QuoteNumber": f"{number:08d}", "Status": "Draft", "IsSyncing": False}
            values |= {"TotalPrice": 0}
        case _:
            pass
    return values


def computed(
    found: SObject, before: Mapping[str, Any], values: Mapping[str, Any]
) -> dict[str, Any]:
    """`values` and what follows from them; `before` is what the record held."""
    after, result = {**before, **values}, dict(values)
    match found.name:
        case "Opportunity" if "StageName" in values:
            won, closed, probability = _STAGES.get(str(values["StageName"]), _OPEN_STAGE)
            result = {"Probability": probability, **values, "IsWon": won, "IsClosed": closed}
        case "OpportunityLineItem" | "QuoteLineItem" if after.get("UnitPrice") is not None:
            full = Decimal(after["UnitPrice"]) * Decimal(after["Quantity"])
            result["TotalPrice"] = full * (1 - Decimal(after.get("Discount") or 0) / _PERCENT)
        case "Quote":
            extra = Decimal(after.get("Tax") or 0) + Decimal(after.get("ShippingHandling") or 0)
            result["GrandTotal"] = Decimal(after.get("TotalPrice") or 0) + extra
        case "Contract" if values.get("ContractTerm") and after.get("StartDate"):
            end = _months_later(date.fromisoformat(after["StartDate"]), int(after["ContractTerm"]))
            result["EndDate"] = (end - timedelta(days=1)).isoformat()
        case _:
            pass
    return result


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))
