"""The record types of the NetSuite sandbox: their fields, and what NetSuite refuses in them.

Field names are those of the REST API browser and of the record pages, such as
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_89160926072.html (billing
schedule), …/article_83090456314.html (job), …/article_68093010260.html (project task) and
…/section_0809105436.html (requisition).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, cast


class Invalid(Exception):
    """A body that NetSuite refuses: what it says, its code, and where in the body."""

    def __init__(self, detail: str, path: str = "", code: str = "INVALID_CONTENT") -> None:
        super().__init__(detail)
        self.detail, self.path, self.code = detail, path, code


@dataclass(frozen=True)
class Text:
    longest: int = 4000


@dataclass(frozen=True)
class Number:
    pass


@dataclass(frozen=True)
class Flag:
    pass


@dataclass(frozen=True)
class Day:
    pass


@dataclass(frozen=True)
class Reference:
    """To a record of one of these types: internal ids of customers, jobs, vendors and employees
    are numbered as one, so that an id says which it is."""

    kinds: tuple[str, ...]

    def __init__(self, *kinds: str) -> None:
        object.__setattr__(self, "kinds", kinds)


@dataclass(frozen=True)
class Choice:
    """A value of a fixed list; null in `ids` where NetSuite's own list is too long to repeat."""

    ids: frozenset[str] | None = None


@dataclass(frozen=True)
class Part:
    """A subrecord."""

    fields: Mapping[str, Field]


@dataclass(frozen=True)
class Lines:
    """A sublist. Lines of a keyed one have a number in the field `key`, by which they are changed:
    https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545295601.html
    """

    fields: Mapping[str, Field]
    key: str | None = None


Field = Text | Number | Flag | Day | Reference | Choice | Part | Lines


@dataclass(frozen=True)
class RecordType:
    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    unique: tuple[str, ...] = ()  #: fields of which no two records have the same value


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
            "externalId": Text(255), "name": Text(50), "symbol": Text(4), "isInactive": Flag(),
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
}  # fmt: skip

#: Record types are found whatever their capitals: the documentation itself writes several.
NAMES = {name.lower(): name for name in TYPES}

Exists = Callable[[str, str], bool]


def checked(fields: Mapping[str, Field], body: Any, exists: Exists, at: str = "") -> dict[str, Any]:
    """The body with references as `{"id": …}`. Raises `Invalid` at the first fault.

    `exists` says whether there is a record of a type with an internal id. A null empties a field.
    """
    if not isinstance(body, dict):
        raise Invalid("Invalid content in the request body. An object was expected.", at)
    found: dict[str, Any] = {}
    for name, value in cast("dict[str, Any]", body).items():
        path = f"{at}.{name}" if at else name
        if name not in fields:
            raise Invalid(f"Invalid content in the request body. Unknown property: {name}.", path)
        found[name] = None if value is None else _value(fields[name], value, exists, path)
    return found


def _value(kind: Field, value: Any, exists: Exists, path: str) -> Any:
    wrong = Invalid(
        f"Error while accessing a resource. You have entered an Invalid Field Value for the"
        f" following field: {path}",
        path,
    )
    match kind:
        case Text(longest):
            if not isinstance(value, str):
                raise wrong
            if len(value) > longest:
                why = f"The field {path} contained more than the maximum number ( {longest} )"
                raise Invalid(f"{why} of characters allowed.", path, "USER_ERROR")
        case Number():
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                raise wrong
        case Flag():
            if not isinstance(value, bool):
                raise wrong
        case Day():
            try:
                return date.fromisoformat(value).isoformat()
            except (TypeError, ValueError) as bad:
                raise wrong from bad
        case Reference():
            id = _id(value)
            if id is None or not any(exists(target, id) for target in kind.kinds):
                raise wrong
            return {"id": id}
        case Choice(ids):
            id = _id(value)
            if id is None or (ids is not None and id not in ids):
                raise wrong
            return {"id": id}
        case Part(fields):
            return checked(fields, value, exists, path)
        case Lines(fields=fields):
            lines = cast("dict[str, Any]", value).get("items") if isinstance(value, dict) else None
            if not isinstance(lines, list):
                raise wrong
            return {
                "items": [
                    checked(fields, line, exists, f"{path}.items[{nr}]")
                    for nr, line in enumerate(cast("list[Any]", lines))
                ]
            }
    return value


def _id(value: Any) -> str | None:
    """References come as `{"id": "1"}`, `{"id": 1}`, `"1"` or `1`."""
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value).get("id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return str(value)


def merged(
    record_type: RecordType, before: Mapping[str, Any], changes: Mapping[str, Any], replace: str
) -> dict[str, Any]:
    """`changes` over `before`. Lines are added to a sublist, unless `replace` names it.

    https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_1545142407.html
    """
    replaced = {name.strip().lower() for name in replace.split(",")}
    after = dict(before)
    for name, value in changes.items():
        kind = record_type.fields[name]
        if isinstance(kind, Lines) and value is not None:
            known: list[dict[str, Any]] = before.get(name, {}).get("items", [])
            known = [] if name.lower() in replaced else known
            value = {"items": _merged_lines(kind, known, value["items"])}
        after[name] = value
    return {name: value for name, value in after.items() if value is not None}


def _merged_lines(
    kind: Lines, before: list[dict[str, Any]], changes: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Lines of a keyed sublist are changed by their key, all others added. Raises `Invalid`."""
    after = [dict(line) for line in before]
    for change in changes:
        key = kind.key if kind.key and change.get(kind.key) is not None and before else None
        line: dict[str, Any] | None = {}
        if key is None:
            after.append(line)
        else:
            line = next((line for line in after if line.get(key) == change[key]), None)
        if line is None:
            raise Invalid(f"There is no line {change[key or '']}.", key or "", "USER_ERROR")
        for name, value in change.items():
            line[name] = _set(line.get(name), value)
    return after


def _set(before: Any, value: Any) -> Any:
    """A subrecord keeps the parts that are not named, and loses those that are emptied."""
    if not isinstance(value, dict):
        return value
    parts = {**cast("dict[str, Any]", before or {}), **cast("dict[str, Any]", value)}
    return {name: part for name, part in parts.items() if part is not None}


def numbered(lines: list[dict[str, Any]], key: str, fresh: Callable[[], int]) -> None:
    """Give each new line its number; of several default addresses, the last one set stays."""
    for line in lines:
        if line.get(key) is None:
            line[key] = fresh()
    for flag in ("defaultBilling", "defaultShipping"):
        for line in [line for line in lines if line.get(flag)][:-1]:
            line[flag] = False


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
