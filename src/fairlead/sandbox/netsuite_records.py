"""The record types of the NetSuite sandbox: their fields, and what NetSuite refuses in them.

Field names are those of the REST API browser and of the record pages, such as
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_89160926072.html (billing
schedule), …/article_83090456314.html (job), …/article_68093010260.html (project task) and
…/section_0809105436.html (requisition).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.sandbox.netsuite_fields import (
    Choice,
    Day,
    Flag,
    Invalid,
    Lines,
    Number,
    Part,
    RecordType,
    Reference,
    Text,
)
from fairlead.sandbox.netsuite_transaction_types import TRANSACTIONS

_ADDRESS = Part(
    {
        "addressee": Text(83), "attention": Text(83), "addr1": Text(150), "addr2": Text(150),
        "addr3": Text(150), "city": Text(50), "state": Text(50), "zip": Text(36),
        "country": Choice(),
    }
)  # fmt: skip
_ADDRESS_BOOK = Lines(
    {
        "internalId": Number(), "label": Text(150), "defaultBilling": Flag(),
        "defaultShipping": Flag(), "isResidential": Flag(), "addressBookAddress": _ADDRESS,
    },
    key="internalId",
)  # fmt: skip
_CUSTOMER_OR_JOB = Reference("customer", "job")
_BILLING = Choice(frozenset({"CB", "FBI", "FBM", "TM"}))
_SCHEDULES = Choice(frozenset({"STD", "CB", "FBI", "FBM", "TM"}))

TYPES: dict[str, RecordType] = {
    "customer": RecordType(
        fields={
            "externalId": Text(255), "entityId": Text(80), "companyName": Text(83),
            "isPerson": Flag(), "firstName": Text(32), "lastName": Text(32), "email": Text(254),
            "phone": Text(21), "parent": Reference("customer"), "url": Text(100),
            "comments": Text(), "vatRegNumber": Text(50),
            "subsidiary": Reference("subsidiary"), "currency": Reference("currency"),
            "terms": Reference("term"), "isInactive": Flag(),
            "addressBook": _ADDRESS_BOOK,
            "custentity_fairlead_full_name": Text(), "custentity_fairlead_tier": Text(300),
            "custentity_fairlead_group": Text(),
        },
        required=("subsidiary",),
        defaults={"isPerson": False, "isInactive": False},
        unique=("entityId",),
    ),
    "job": RecordType(
        fields={
            "externalId": Text(255), "entityId": Text(80), "companyName": Text(83),
            "parent": _CUSTOMER_OR_JOB, "subsidiary": Reference("subsidiary"),
            "currency": Reference("currency"), "startDate": Day(), "projectedEndDate": Day(),
            "jobBillingType": _BILLING, "jobType": Choice(), "projectExpenseType": Choice(),
            "billingSchedule": Reference("billingSchedule"), "comments": Text(),
            "allowTime": Flag(), "allowExpenses": Flag(), "isInactive": Flag(),
            "custentity_fairlead_full_name": Text(), "custentity_fairlead_complete": Flag(),
            "custentity_fairlead_contract_type": Text(300),
            "custentity_fairlead_billing_method": Text(300),
            "custentity_fairlead_revenue_method": Text(300),
            "custentity_fairlead_budget": Number(), "custentity_fairlead_budget_hours": Number(),
            "custentity_fairlead_cap": Number(),
            "custentity_fairlead_tax_kind": Text(300), "custentity_fairlead_tax_code": Text(300),
            "custentity_fairlead_tax_rate": Number(), "custentity_fairlead_tax_country": Text(300),
            "custentity_fairlead_client_tax_id": Text(300),
            "custentity_fairlead_tax_basis": Text(),
            "custentity_fairlead_time_policy": Text(300),
            "custentity_fairlead_expense_policy": Text(300),
            "custentity_fairlead_practice": Reference("classification"),
            "custentity_fairlead_region": Reference("location"),
            "custentity_fairlead_cost_centre": Reference("department"),
        },
        required=("companyName", "subsidiary"),
        defaults={"isInactive": False, "custentity_fairlead_complete": False},
        unique=("entityId",),
    ),
    "projectTask": RecordType(
        fields={
            "externalId": Text(255), "title": Text(255), "project": Reference("job"),
            "parent": Reference("projectTask"), "estimatedWork": Number(),
            "constraintType": Choice(frozenset({"ASAP", "FIXEDSTART"})), "startDate": Day(),
            "finishByDate": Day(), "status": Choice(), "priority": Choice(), "message": Text(),
            "nonBillableTask": Flag(), "isInactive": Flag(),
        },
        required=("title", "project"),
        defaults={"nonBillableTask": False},
    ),
    "billingSchedule": RecordType(
        fields={
            "externalId": Text(255), "name": Text(255), "scheduleType": _SCHEDULES,
            "project": Reference("job"), "initialAmount": Number(),
            "initialTerms": Reference("term"), "frequency": Choice(), "repeatEvery": Choice(),
            "numberRemaining": Number(), "inArrears": Flag(), "isPublic": Flag(),
            "isInactive": Flag(), "recurrenceTerms": Reference("term"),
            "milestone": Lines(
                {
                    "comments": Text(), "milestoneAmount": Number(), "milestoneDate": Day(),
                    "milestoneActualCompletionDate": Day(), "milestoneCompleted": Flag(),
                    "milestoneTerms": Reference("term"), "projectTask": Reference("projectTask"),
                }
            ),
            "recurrence": Lines(
                {
                    "recurrenceDate": Day(), "amount": Number(), "count": Number(),
                    "units": Choice(), "relativeToPrevious": Flag(),
                    "paymentTerms": Reference("term"),
                }
            ),
        },
        required=("name", "scheduleType", "initialAmount"),
        defaults={"isInactive": False},
    ),
    "vendor": RecordType(
        fields={
            "externalId": Text(255), "entityId": Text(80), "companyName": Text(83),
            "legalName": Text(83), "isPerson": Flag(), "firstName": Text(32),
            "lastName": Text(32), "email": Text(254), "phone": Text(21), "url": Text(100),
            "comments": Text(), "vatRegNumber": Text(50), "subsidiary": Reference("subsidiary"),
            "currency": Reference("currency"), "category": Reference("vendorCategory"),
            "terms": Reference("term"), "isInactive": Flag(), "addressBook": _ADDRESS_BOOK,
            "custentity_fairlead_vendor_approved": Flag(),
        },
        required=("subsidiary",),
        defaults={
            "isPerson": False, "isInactive": False, "custentity_fairlead_vendor_approved": False
        },
        unique=("entityId",),
    ),
    "vendorCategory": RecordType(
        fields={"externalId": Text(255), "name": Text(60), "isInactive": Flag()},
        required=("name",),
        defaults={"isInactive": False},
        unique=("name",),
    ),
    "employee": RecordType(
        fields={
            "externalId": Text(255), "entityId": Text(80), "firstName": Text(32),
            "lastName": Text(32), "email": Text(254), "subsidiary": Reference("subsidiary"),
            "currency": Reference("currency"), "isInactive": Flag(),
        },
        required=("lastName", "subsidiary"),
        defaults={"isInactive": False},
        unique=("entityId",),
    ),
    "purchaseRequisition": RecordType(
        fields={
            "externalId": Text(255), "entity": Reference("employee"),
            "subsidiary": Reference("subsidiary"), "currency": Reference("currency"),
            "tranDate": Day(), "dueDate": Day(), "memo": Text(999),
            "approvalStatus": Choice(frozenset({"1", "2", "3", "11"})),
            "class": Reference("classification"), "department": Reference("department"),
            "location": Reference("location"), "estimatedTotal": Number(),
            "expense": Lines(
                {
                    "account": Reference("account"), "amount": Number(),
                    "estimatedAmount": Number(), "customer": _CUSTOMER_OR_JOB,
                    "poVendor": Reference("vendor"), "memo": Text(4000), "isBillable": Flag(),
                    "isClosed": Flag(), "projecttask": Reference("projectTask"),
                    "class": Reference("classification"), "department": Reference("department"),
                    "location": Reference("location"),
                }
            ),
            "item": Lines(
                {
                    "item": Reference("serviceItem"), "quantity": Number(), "rate": Number(),
                    "amount": Number(), "estimatedRate": Number(), "estimatedAmount": Number(),
                    "customer": _CUSTOMER_OR_JOB, "poVendor": Reference("vendor"),
                    "description": Text(4000), "expectedReceiptDate": Day(),
                    "isBillable": Flag(), "isClosed": Flag(),
                    "class": Reference("classification"), "department": Reference("department"),
                    "location": Reference("location"),
                }
            ),
        },
        required=("entity", "subsidiary", "currency"),
        defaults={"approvalStatus": {"id": "1"}},
    ),
    "account": RecordType(
        fields={
            "externalId": Text(255), "acctName": Text(60), "acctNumber": Text(60),
            "acctType": Choice(), "isInactive": Flag(),
        },
        required=("acctName", "acctType"),
        defaults={"isInactive": False},
    ),
    "serviceItem": RecordType(
        fields={
            "externalId": Text(255), "itemId": Text(60), "displayName": Text(60),
            "isInactive": Flag(),
        },
        required=("itemId",),
        defaults={"isInactive": False},
        unique=("itemId",),
    ),
    "subsidiary": RecordType(
        fields={
            "externalId": Text(255), "name": Text(83), "legalName": Text(83),
            "country": Choice(), "currency": Reference("currency"),
            "parent": Reference("subsidiary"), "isInactive": Flag(),
        },
        required=("name",),
        defaults={"isInactive": False},
        unique=("name",),
    ),
    "currency": RecordType(
        fields={
            "externalId": Text(255), "name": Text(50), "symbol": Text(4),
            "currencyPrecision": Number(), "isInactive": Flag(),
        },
        required=("name", "symbol"),
        defaults={"isInactive": False},
        unique=("symbol",),
    ),
    "term": RecordType(
        fields={
            "externalId": Text(255), "name": Text(50), "daysUntilNetDue": Number(),
            "isInactive": Flag(),
        },
        required=("name",),
        defaults={"isInactive": False},
    ),
    **{
        segment: RecordType(
            fields={"externalId": Text(255), "name": Text(60), "isInactive": Flag()},
            required=("name",),
            defaults={"isInactive": False},
        )
        for segment in ("classification", "department", "location")
    },
    **TRANSACTIONS,
}  # fmt: skip

#: Record types are found whatever their capitals: the documentation itself writes several.
NAMES = {name.lower(): name for name in TYPES}


def complete(kind: str, body: Mapping[str, Any]) -> None:
    """What must hold of a whole record. Raises `Invalid`."""
    missing = [name for name in TYPES[kind].required if name not in body]
    if kind in ("customer", "vendor") and not body.get("isPerson") and not body.get("companyName"):
        missing.append("companyName")
    if kind == "billingSchedule" and body.get("scheduleType") == {"id": "FBM"}:
        missing += [name for name in ("project", "milestone") if name not in body]
    if missing:
        names = ", ".join(missing)
        raise Invalid(
            f"Error while accessing a resource. Please enter value(s) for: {names}",
            code="USER_ERROR",
        )
    if kind == "purchaseRequisition":
        _complete_requisition(body)
    start, end = body.get("startDate"), body.get("projectedEndDate") or body.get("finishByDate")
    if start and end and end < start:
        why = "Error while accessing a resource. The end date is before the start date."
        raise Invalid(why, code="USER_ERROR")
    if "url" in body and not body["url"].startswith(("http://", "https://")):
        why = "Error while accessing a resource. Invalid URL."
        raise Invalid(why, "url", "USER_ERROR")


def _complete_requisition(body: Mapping[str, Any]) -> None:
    """It buys something, and each line says what and at which estimate. Raises `Invalid`."""
    lines = [
        (name, wanted, line)
        for name, wanted in (("expense", "account"), ("item", "item"))
        for line in body.get(name, {}).get("items", [])
    ]
    if not lines:
        why = "You must enter at least one line item for this transaction."
        raise Invalid(f"Error while accessing a resource. {why}", code="USER_ERROR")
    for name, wanted, line in lines:
        for field_name in (wanted, "estimatedAmount"):
            if line.get(field_name) is None:
                why = f"Error while accessing a resource. Please enter value(s) for: {field_name}"
                raise Invalid(why, name, "USER_ERROR")
