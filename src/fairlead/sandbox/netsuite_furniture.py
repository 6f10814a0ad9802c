"""What every account of the NetSuite sandbox has at first: companies, currencies, accounts, items.

Ids are fixed, so that a firm's settings may name them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

#: Symbol, name, decimals.
_CURRENCIES = (
    ("GBP", "British Pound", 2), ("EUR", "Euro", 2), ("USD", "US Dollar", 2),
    ("SGD", "Singapore Dollar", 2), ("AUD", "Australian Dollar", 2), ("JPY", "Japanese Yen", 0),
    ("BHD", "Bahraini Dinar", 3),
)  # fmt: skip
_SUBSIDIARIES = (
    ("T&H Ltd", "GB", "1"), ("T&H GmbH", "DE", "2"), ("T&H Inc.", "US", "3"), ("T&H Pte", "SG", "4")
)  # fmt: skip
_TERMS = (0, 7, 10, 14, 15, 20, 21, 28, 30, 40, 45, 60, 75, 90, 120)
#: What `furnish` makes for requisitions: per subsidiary an employee in whose name they are, and
#: what they are booked on. Ids of the employees: 9001 and so on.
_FIRST_REQUESTER = 9001
_ACCOUNT, _ITEM = "5010", "1"
#: And for invoices, time and journals: accounts, items and, by default, tax codes with their rates
#: in percent. Ids are fixed, so that a firm's settings may name them.
_ACCOUNTS = (
    (_ACCOUNT, "Subcontractors", "Expense"), ("1200", "Accounts receivable", "AcctRec"),
    ("1300", "Work in progress", "OthCurrAsset"), ("2100", "Expenses payable", "OthCurrLiab"),
    ("2200", "Deferred revenue", "DeferRevenue"), ("4000", "Revenue", "Income"),
    ("4010", "Billings", "Income"), ("6100", "Project expenses", "Expense"),
)  # fmt: skip
_ITEMS = (
    (_ITEM, "Subcontracted services"), ("2", "Services by time"), ("3", "Expenses recharged"),
    ("4", "Milestones"), ("5", "Fees"), ("6", "Discounts"), ("7", "Retainers"), ("8", "Rounding"),
)  # fmt: skip
_TAX_CODES = {
    "GB-STANDARD": "20", "DE-STANDARD": "19", "DE-REDUCED": "7", "DE-REVERSE-CHARGE": "0",
    "SG-STANDARD": "9", "US-NOT-TAXED": "0",
}  # fmt: skip


def _requesters() -> dict[str, str]:
    """Subsidiary → the employee in whose name its requisitions are."""
    return {str(nr + 1): str(_FIRST_REQUESTER + nr) for nr in range(len(_SUBSIDIARIES))}


#: What a connector must be told of this account.
CHOSEN: dict[str, Any] = {
    "requesters": _requesters(),
    "purchase_account": _ACCOUNT,
    "items": {
        "time": "2", "expense": "3", "milestone": "4", "fee": "5", "discount": "6",
        "retainer": "7", "rounding": "8",
    },
    "time_item": "2",
    "accounts": {
        "revenue": "4000", "billed": "4010", "wip": "1300", "deferred": "2200",
        "expense": "6100", "payable": "2100",
    },
}  # fmt: skip
_SEGMENTS = ("classification", "department", "location")
_SEGMENT_IDS = tuple(str(nr) for nr in range(1, 21))


def furnish(plant: Callable[[str, dict[str, Any]], object], settings: Mapping[str, Any]) -> None:
    """`plant` adds a record of a type, as a person would."""
    for symbol, name, places in _CURRENCIES:
        plant("currency", {"name": name, "symbol": symbol, "currencyPrecision": places})
    for name, country, currency in _SUBSIDIARIES:
        plant(
            "subsidiary",
            {"name": name, "country": {"id": country}, "currency": {"id": currency}},
        )
    for subsidiary, requester in _requesters().items():
        person = {"lastName": f"Purchasing {subsidiary}", "subsidiary": {"id": subsidiary}}
        plant("employee", {"id": requester, **person})
    for id, name, kind in _ACCOUNTS:
        plant("account", {"id": id, "acctName": name, "acctType": {"id": kind}})
    for id, name in _ITEMS:
        plant("serviceItem", {"id": id, "itemId": name})
    codes = cast("Mapping[str, str]", settings.get("tax_codes", _TAX_CODES))
    for name, rate in codes.items():
        plant("salesTaxItem", {"itemId": name, "rate": Decimal(rate)})
    for days in _TERMS:
        plant("term", {"name": f"Net {days}", "daysUntilNetDue": days})
    chosen = cast("Mapping[str, list[str]]", settings.get("segments", {}))
    for segment in _SEGMENTS:
        for id in chosen.get(segment, _SEGMENT_IDS):
            plant(segment, {"id": str(id), "name": f"{segment.capitalize()} {id}"})
