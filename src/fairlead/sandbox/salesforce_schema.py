"""The objects and fields of a Salesforce org that sells services, and their types.

Standard fields as in
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_opportunity.htm
and its neighbours; custom ones (`__c`) are those that the connector's set-up asks a firm to add.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Type = Literal[
    "id", "string", "picklist", "reference", "double", "currency", "percent", "int", "boolean",
    "date", "datetime",
]  # fmt: skip

NUMBERS = ("double", "currency", "percent", "int")


@dataclass(frozen=True)
class Field:
    type: Type = "string"
    required: bool = False
    fixed: bool = False  #: Salesforce fills it; nobody can write it through the API
    external: bool = False  #: an external id: records can be named by it
    to: str = ""  #: the object that a reference names
    via: str = ""  #: the name of the relationship, in paths
    length: int = 255  #: of text


@dataclass(frozen=True)
class SObject:
    name: str
    prefix: str  #: the first three characters of its ids
    fields: Mapping[str, Field]
    children: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Name of a child relationship → (object, its field that names the parent)."""

    def named(self, name: str) -> tuple[str, Field] | None:
        """A field by its name in any case, as it is spelt."""
        return next(((n, f) for n, f in self.fields.items() if n.lower() == name.lower()), None)

    def parent(self, via: str) -> tuple[str, Field] | None:
        """The reference field behind a relationship's name."""
        return next(
            ((n, f) for n, f in self.fields.items() if f.via and f.via.lower() == via.lower()), None
        )


_SYSTEM = {
    "Id": Field("id", fixed=True),
    "IsDeleted": Field("boolean", fixed=True),
    "CreatedDate": Field("datetime", fixed=True),
    "LastModifiedDate": Field("datetime", fixed=True),
    "SystemModstamp": Field("datetime", fixed=True),
}
_CURRENCY = {"CurrencyIsoCode": Field("picklist", length=3)}


def _ref(to: str, via: str, *, required: bool = False) -> Field:
    return Field("reference", required=required, to=to, via=via, length=18)


def _billing() -> dict[str, Field]:
    parts = ("Street", "City", "State", "PostalCode", "CountryCode")
    return {f"Billing{part}": Field() for part in parts}


_OBJECTS = (
    SObject(
        "Account",
        "001",
        _SYSTEM
        | _CURRENCY
        | _billing()
        | {
            "Name": Field(required=True),
            "Website": Field(),
            "Industry": Field("picklist"),
            "OwnerId": _ref("User", "Owner"),
            "ParentId": _ref("Account", "Parent"),
            "Tax_Id__c": Field(),
            "Client_Tier__c": Field("picklist"),
        },
        {"Opportunities": ("Opportunity", "AccountId"), "Contracts": ("Contract", "AccountId")},
    ),
    SObject(
        "Opportunity",
        "006",
        _SYSTEM
        | _CURRENCY
        | {
            "Name": Field(required=True, length=120),
            "StageName": Field("picklist", required=True),
            "CloseDate": Field("date", required=True),
            "IsWon": Field("boolean", fixed=True),
            "IsClosed": Field("boolean", fixed=True),
            "Probability": Field("percent"),
            "Amount": Field("currency"),
            "Description": Field(length=32_000),
            "AccountId": _ref("Account", "Account"),
            "ContractId": _ref("Contract", "Contract"),
            "OwnerId": _ref("User", "Owner"),
            "Project_Start__c": Field("date"),
            "Project_End__c": Field("date"),
            "Region__c": Field("picklist"),
            "Delivery_Country__c": Field(length=2),
            "Service_Line__c": Field("picklist"),
            "Contract_Type__c": Field("picklist"),
            "Legal_Entity__c": Field("picklist"),
            "Fairlead_Engagement__c": Field(external=True, length=80),
            "Fairlead_State__c": Field(length=80),
        },
        {"OpportunityLineItems": ("OpportunityLineItem", "OpportunityId")},
    ),
    SObject(
        "Contract",
        "800",
        _SYSTEM
        | _CURRENCY
        | {
            "AccountId": _ref("Account", "Account", required=True),
            "ContractNumber": Field(fixed=True),
            "Status": Field("picklist"),
            "StartDate": Field("date"),
            "EndDate": Field("date", fixed=True),
            "ContractTerm": Field("int"),  # months
            "CustomerSignedDate": Field("date"),
            "Contract_Value__c": Field("currency"),
            "Payment_Days__c": Field("double"),
            "Purchase_Order__c": Field(),
            "Opportunity__c": _ref("Opportunity", "Opportunity__r"),
        },
        {"Billing_Terms__r": ("Billing_Term__c", "Contract__c")},
    ),
    SObject(
        "OpportunityLineItem",
        "00k",
        _SYSTEM
        | _CURRENCY
        | {
            "OpportunityId": _ref("Opportunity", "Opportunity", required=True),
            "Product2Id": _ref("Product2", "Product2"),
            "PricebookEntryId": _ref("PricebookEntry", "PricebookEntry"),
            "Quantity": Field("double", required=True),
            "UnitPrice": Field("currency"),
            "TotalPrice": Field("currency", fixed=True),
            "SortOrder": Field("int"),
            "ServiceDate": Field("date"),
            "Description": Field(),
            "Delivery_Location__c": Field(),
        },
    ),
    SObject(
        "Billing_Term__c",
        "a01",
        _SYSTEM
        | _CURRENCY
        | {
            "Name": Field(length=80),
            "Contract__c": _ref("Contract", "Contract__r", required=True),
            "Share_Percent__c": Field("percent"),
            "Amount__c": Field("currency"),
            "Due_Date__c": Field("date"),
            "Every_Months__c": Field("double"),
        },
    ),
    SObject(
        "Product2",
        "01t",
        _SYSTEM
        | _CURRENCY
        | {
            "Name": Field(required=True),
            "ProductCode": Field(external=True),
            "Family": Field("picklist"),
            "IsActive": Field("boolean"),
        },
    ),
    SObject(
        "PricebookEntry",
        "01u",
        _SYSTEM
        | _CURRENCY
        | {
            "Product2Id": _ref("Product2", "Product2", required=True),
            "UnitPrice": Field("currency", required=True),
            "IsActive": Field("boolean"),
        },
    ),
    SObject(
        "User",
        "005",
        _SYSTEM
        | {
            "Name": Field(),
            "Username": Field(),
            "Email": Field(),
            "IsActive": Field("boolean"),
        },
    ),
)


def schema(*, currencies: bool, custom: Mapping[str, Mapping[str, Type]]) -> dict[str, SObject]:
    """Every object of an org, by its name in lower case.

    Without `currencies` no object has CurrencyIsoCode. `custom` adds fields: object → name → type.
    """
    found: dict[str, SObject] = {}
    for one in _OBJECTS:
        fields = {n: f for n, f in one.fields.items() if currencies or n != "CurrencyIsoCode"}
        fields |= {name: Field(type) for name, type in custom.get(one.name, {}).items()}
        found[one.name.lower()] = replace(one, fields=fields)
    return found


def fits(value: Any, kind: Field) -> bool:
    """Whether a JSON value is of a field's type. Null fits everywhere."""
    match kind.type:
        case _ if value is None:
            return True
        case "boolean":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "double" | "currency" | "percent":
            return isinstance(value, int | Decimal) and not isinstance(value, bool)
        case "date":
            return _is_date(value)
        case "datetime":
            return isinstance(value, str) and _parses(value)
        case _:
            return isinstance(value, str)


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _parses(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def record_id(prefix: str, number: int) -> str:
    """An id of 18 characters: 15, and a check of which of them are capitals, five at a time.

    https://help.salesforce.com/s/articleView?id=000385585&type=1
    """
    return with_check(f"{prefix}FL{number:010d}")


def with_check(id: str) -> str:
    """The 18 characters of an id of 15; longer ones as they are."""
    if len(id) != 15:
        return id
    groups = [id[start : start + 5] for start in (0, 5, 10)]
    bits = [sum(1 << place for place, c in enumerate(group) if c.isupper()) for group in groups]
    return id + "".join(_CHECK[bit] for bit in bits)
