"""Record types of the NetSuite sandbox that move money or time, and the lists they choose from.

Field names are those of the REST API browser and of the record pages: invoice
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_161488248489.html with an
answer in …/section_0210111448.html, credit memo …/article_164460021767.html, customer payment
…/article_0224093711.html, time bill …/section_164439865832.html, journal entry
…/section_159886587653.html, tax code …/article_0814121722.html. Fields of lines are those of
https://system.netsuite.com/help/helpcenter/en_US/srbrowser/Browser2026_1/script/record/invoice.html
"""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.sandbox.netsuite_fields import (
    Choice,
    Day,
    Duration,
    Field,
    Flag,
    Lines,
    Number,
    RecordType,
    Reference,
    Text,
    Told,
)

#: Record type → its name in the table `transaction`.
TRANSACTION_TYPES = {
    "invoice": "CustInvc",
    "creditMemo": "CustCred",
    "customerPayment": "CustPymt",
    "journalEntry": "Journal",
}
PENDING, APPROVED, REJECTED = "1", "2", "3"
#: What stays open to change once a transaction is approved: what it is applied to, and our marks.
UNLOCKED = frozenset({"apply", "custbody_fairlead_complete"})

_APPROVAL = Choice(frozenset({PENDING, APPROVED, REJECTED}))
_SEGMENTS: Mapping[str, Field] = {
    "class": Reference("classification"), "department": Reference("department"),
    "location": Reference("location"),
}  # fmt: skip
_TOLD: Mapping[str, Field] = {
    "tranId": Told(), "status": Told(), "lastModifiedDate": Told(), "voided": Told(),
}  # fmt: skip
_OURS: Mapping[str, Field] = {
    "custbody_fairlead_reference": Text(300), "custbody_fairlead_complete": Flag(),
    "custbody_fairlead_service_start": Day(), "custbody_fairlead_service_end": Day(),
}  # fmt: skip
_SOLD = Lines(
    {
        "item": Reference("serviceItem"), "quantity": Number(), "rate": Number(),
        "amount": Number(), "price": Choice(), "description": Text(4000),
        "taxCode": Reference("salesTaxItem"), "custcol_fairlead_unit": Text(300), **_SEGMENTS,
        "line": Told(), "taxRate1": Told(), "tax1Amt": Told(), "grossAmt": Told(),
    }
)  # fmt: skip
_SALE: Mapping[str, Field] = {
    "externalId": Text(255), "entity": Reference("customer", "job"),
    "subsidiary": Reference("subsidiary"), "currency": Reference("currency"), "tranDate": Day(),
    "otherRefNum": Text(45), "memo": Text(999), "item": _SOLD, **_SEGMENTS, **_OURS, **_TOLD,
    "subtotal": Told(), "taxTotal": Told(), "total": Told(), "amountPaid": Told(),
    "amountRemaining": Told(),
}  # fmt: skip
_APPLY = Lines(
    {"doc": Reference("invoice"), "apply": Flag(), "amount": Number(), "line": Number()},
    key="doc",
    offered=True,
)

TRANSACTIONS: dict[str, RecordType] = {
    "invoice": RecordType(
        fields={
            **_SALE, "approvalStatus": _APPROVAL, "terms": Reference("term"), "dueDate": Day(),
        },
        required=("entity", "item"),
        defaults={"approvalStatus": {"id": PENDING}, "custbody_fairlead_complete": False},
    ),
    "creditMemo": RecordType(
        fields={
            **_SALE, "autoApply": Flag(), "apply": _APPLY, "applied": Told(), "unapplied": Told(),
        },
        required=("entity", "item"),
        defaults={"custbody_fairlead_complete": False},
    ),
    "customerPayment": RecordType(
        fields={
            "externalId": Text(255), "customer": Reference("customer"), "payment": Number(),
            "account": Reference("account"), "subsidiary": Reference("subsidiary"),
            "currency": Reference("currency"), "tranDate": Day(), "memo": Text(999),
            "autoApply": Flag(), "apply": _APPLY, **_TOLD, "applied": Told(), "unapplied": Told(),
        },
        required=("customer", "payment"),
    ),
    "journalEntry": RecordType(
        fields={
            "externalId": Text(255), "subsidiary": Reference("subsidiary"),
            "currency": Reference("currency"), "tranDate": Day(), "memo": Text(999),
            "approvalStatus": _APPROVAL, "reversalDate": Day(), **_OURS, **_TOLD,
            "line": Lines(
                {
                    "account": Reference("account"), "debit": Number(), "credit": Number(),
                    "memo": Text(4000),
                    "entity": Reference("customer", "job", "employee", "vendor"), **_SEGMENTS,
                    "line": Told(),
                }
            ),
        },
        required=("subsidiary", "line"),
        defaults={"approvalStatus": {"id": PENDING}},
    ),
    "timeBill": RecordType(
        fields={
            "externalId": Text(255), "employee": Reference("employee"), "tranDate": Day(),
            "hours": Duration(), "customer": Reference("customer", "job"),
            "caseTaskEvent": Reference("projectTask"), "item": Reference("serviceItem"),
            "isBillable": Flag(), "memo": Text(4000), "price": Choice(), "rate": Number(),
            "approvalStatus": Choice(frozenset({"1", "2", "3", "4"})), **_SEGMENTS,
            "custcol_fairlead_entry": Text(300), "custcol_fairlead_category": Text(300),
        },
        required=("employee", "hours"),
        defaults={"isBillable": False, "approvalStatus": {"id": "1"}},
    ),
    "salesTaxItem": RecordType(
        fields={
            "externalId": Text(255), "itemId": Text(60), "description": Text(999),
            "rate": Number(), "isInactive": Flag(),
        },
        required=("itemId", "rate"),
        defaults={"isInactive": False},
        unique=("itemId",),
    ),
    "accountingPeriod": RecordType(
        fields={
            "externalId": Text(255), "periodName": Text(60), "startDate": Day(), "endDate": Day(),
            "closed": Flag(),
        },
        required=("periodName", "startDate", "endDate"),
        defaults={"closed": False},
        unique=("periodName",),
    ),
}  # fmt: skip
