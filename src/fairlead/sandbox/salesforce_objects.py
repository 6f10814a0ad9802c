"""The objects and fields of a Salesforce org that sells services.

Standard fields as in
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_opportunity.htm
and its neighbours; custom ones (`__c`) are those that the connector's set-up asks a firm to add.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from fairlead.sandbox.salesforce_schema import Field, SObject, Type

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
        {
            "Opportunities": ("Opportunity", "AccountId"),
            "Contracts": ("Contract", "AccountId"),
            "ChildAccounts": ("Account", "ParentId"),
        },
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
            "SyncedQuoteId": _ref("Quote", "SyncedQuote"),
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
        {
            "OpportunityLineItems": ("OpportunityLineItem", "OpportunityId"),
            "Quotes": ("Quote", "OpportunityId"),
            "Engagement_Phases__r": ("Engagement_Phase__c", "Opportunity__c"),
            "Subcontract_Needs__r": ("Subcontract_Need__c", "Opportunity__c"),
        },
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
            "Billing_Cap__c": Field("currency"),
            "Agreement_Id__c": Field(),
        },
        {
            "Billing_Terms__r": ("Billing_Term__c", "Contract__c"),
            "Contract_Clauses__r": ("Contract_Clause__c", "Contract__c"),
        },
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
            "Phase__c": _ref("Engagement_Phase__c", "Phase__r"),
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
            "Phase__c": _ref("Engagement_Phase__c", "Phase__r"),
        },
    ),
    SObject(
        "Engagement_Phase__c",
        "a02",
        _SYSTEM
        | _CURRENCY
        | {
            "Name": Field(length=80),
            "Opportunity__c": _ref("Opportunity", "Opportunity__r", required=True),
            "Region__c": Field("picklist"),
            "Delivery_Country__c": Field(length=2),
            "Legal_Entity__c": Field("picklist"),
            "Contract_Type__c": Field("picklist"),
            "Value__c": Field("currency"),
            "Phase_Start__c": Field("date"),
            "Phase_End__c": Field("date"),
        },
    ),
    SObject(
        "Subcontract_Need__c",
        "a03",
        _SYSTEM
        | _CURRENCY
        | {
            "Name": Field(length=80),
            "Opportunity__c": _ref("Opportunity", "Opportunity__r", required=True),
            "Role__c": Field(),
            "Hours__c": Field("double"),
            "Cost__c": Field("currency"),
            "Vendor__c": Field(),
            "Delivery_Location__c": Field(),
        },
    ),
    SObject(
        "Contract_Clause__c",
        "a04",
        _SYSTEM
        | _CURRENCY
        | {
            "Name": Field(length=80),
            "Contract__c": _ref("Contract", "Contract__r", required=True),
            "Code__c": Field(length=80),
            "Clause_Text__c": Field(length=131_072),
            "Standard__c": Field("boolean"),
        },
    ),
    SObject(
        "Quote",
        "0Q0",
        _SYSTEM
        | _CURRENCY
        | {
            "Name": Field(required=True),
            "OpportunityId": _ref("Opportunity", "Opportunity", required=True),
            "QuoteNumber": Field(fixed=True),
            "Status": Field("picklist"),
            "IsSyncing": Field("boolean", fixed=True),
            "ExpirationDate": Field("date"),
            "Tax": Field("currency"),
            "ShippingHandling": Field("currency"),
            "TotalPrice": Field("currency", fixed=True),
            "GrandTotal": Field("currency", fixed=True),
        },
        {"QuoteLineItems": ("QuoteLineItem", "QuoteId")},
    ),
    SObject(
        "QuoteLineItem",
        "0QL",
        _SYSTEM
        | _CURRENCY
        | {
            "QuoteId": _ref("Quote", "Quote", required=True),
            "Product2Id": _ref("Product2", "Product2"),
            "PricebookEntryId": _ref("PricebookEntry", "PricebookEntry"),
            "OpportunityLineItemId": _ref("OpportunityLineItem", "OpportunityLineItem"),
            "Quantity": Field("double", required=True),
            "UnitPrice": Field("currency", required=True),
            "Discount": Field("percent"),
            "TotalPrice": Field("currency", fixed=True),
            "SortOrder": Field("int"),
            "Description": Field(),
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


def schema(
    *,
    currencies: bool,
    custom: Mapping[str, Mapping[str, Type]],
    absent: Collection[str] = (),
) -> dict[str, SObject]:
    """Every object of an org, by its name in lower case.

    Without `currencies` no object has CurrencyIsoCode. `custom` adds fields: object → name → type.
    `absent` leaves out objects, and with them the fields and relationships that lead to them.
    """
    found: dict[str, SObject] = {}
    for one in _OBJECTS:
        if one.name in absent:
            continue
        fields = {
            name: kind
            for name, kind in one.fields.items()
            if (currencies or name != "CurrencyIsoCode") and kind.to not in absent
        }
        fields |= {name: Field(type) for name, type in custom.get(one.name, {}).items()}
        children = {via: to for via, to in one.children.items() if to[0] not in absent}
        found[one.name.lower()] = replace(one, fields=fields, children=children)
    return found
