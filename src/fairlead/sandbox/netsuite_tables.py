"""The tables that SuiteQL asks the NetSuite sandbox for.

A record type is a table. Transactions share one, `transaction`, and what is applied to what is in
`nexttransactionlinelink`, as people who work with SuiteQL describe them:
https://timdietrich.me/blog/netsuite-suiteql-related-transactions
Times are UTC; a date that is not put through TO_CHAR comes in the account's own format.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.netsuite_fields import Day, Flag, Lines
from fairlead.sandbox.netsuite_records import NAMES, TYPES
from fairlead.sandbox.netsuite_suiteql import BadQuery, Moment
from fairlead.sandbox.netsuite_transaction_types import TRANSACTION_TYPES

Rows = list[dict[str, str]]

_ADDRESS = {"nkey", "addr1", "addr2", "addr3", "city", "state", "zip", "country"}
_LINK = {
    "previousdoc", "previoustype", "nextdoc", "nexttype", "linktype", "foreignamount",
    "lastmodifieddate",
}  # fmt: skip
#: Field of a record → column of `transaction`. Amounts are in the transaction's currency, and
#: those of credits and payments negative.
_AMOUNTS = {
    "total": "foreigntotal", "payment": "foreigntotal", "taxTotal": "taxtotal",
    "amountRemaining": "foreignamountunpaid", "amountPaid": "foreignamountpaid",
    "applied": "foreignpaymentamountused", "unapplied": "foreignpaymentamountunused",
}  # fmt: skip
_PLAIN = (
    "tranId", "tranDate", "dueDate", "entity", "customer", "currency", "approvalStatus",
    "otherRefNum", "memo", "externalId", "custbody_fairlead_reference",
    "custbody_fairlead_complete", "custbody_fairlead_service_start",
    "custbody_fairlead_service_end",
)  # fmt: skip
_TRANSACTION = (
    {"id", "type", "voided", "lastmodifieddate", "createddate"}
    | {name.lower() for name in _PLAIN if name != "customer"}
    | set(_AMOUNTS.values())
)


class Tables:
    def __init__(self, books: Books) -> None:
        self._books = books

    def table(self, name: str) -> tuple[set[str], Rows]:
        """Its columns and rows. Raises `BadQuery` where there is no such table."""
        special: dict[str, tuple[set[str], Callable[[], Rows]]] = {
            "entityaddress": (_ADDRESS, self._addresses),
            "transaction": (_TRANSACTION, self._transactions),
            "nexttransactionlinelink": (_LINK, self._links),
        }
        if name in special:
            columns, rows = special[name]
            return columns, rows()
        if name not in NAMES or NAMES[name] in TRANSACTION_TYPES:
            raise BadQuery(f"Record '{name}' was not found.")
        kind = NAMES[name]
        fields = TYPES[kind].fields
        columns = {"id", *(field.lower() for field in fields)}
        if "addressBook" in fields:
            columns.add("defaultbillingaddress")
        days = [field.lower() for field, what in fields.items() if isinstance(what, Day)]
        rows_ = [row_of(record) for record in self._books.list(kind)]
        if kind == "timeBill":
            for row in rows_:
                row |= {day: Moment(row[day]) for day in days if day in row}
        return columns, rows_

    def paying(self, body: dict[str, Any]) -> dict[str, Any]:
        """A payment with the payer, currency and amount that its invoices say."""
        given = dict(body)
        lines: list[dict[str, Any]] = given.get("apply", {}).get("items", [])
        found = [self._books.read("invoice", str(line["doc"]["id"])) for line in lines]
        for line, invoice in zip(lines, found, strict=True):
            if invoice is None:
                raise KeyError(line["doc"]["id"])
            line.setdefault("apply", True)
            line.setdefault("amount", invoice.body["amountRemaining"])
            given.setdefault("customer", self._payer(invoice.body["entity"]))
            given.setdefault("currency", invoice.body["currency"])
            given.setdefault("subsidiary", invoice.body["subsidiary"])
        given.setdefault("payment", sum((Decimal(str(one["amount"])) for one in lines), Decimal(0)))
        return given

    def _payer(self, entity: dict[str, str]) -> dict[str, str]:
        while (job := self._books.read("job", entity["id"])) is not None:
            entity = job.body["parent"]
        return entity

    def _addresses(self) -> Rows:
        found: Rows = []
        for record in [*self._books.list("customer"), *self._books.list("vendor")]:
            for nr, line in enumerate(record.body.get("addressBook", {}).get("items", [])):
                address = line.get("addressBookAddress", {})
                told = {name: _column(value) for name, value in address.items() if value}
                found.append({"nkey": _address_key(record, nr), **told})
        return found

    def _transactions(self) -> Rows:
        return [
            _transaction(record) for kind in TRANSACTION_TYPES for record in self._books.list(kind)
        ]

    def _links(self) -> Rows:
        found: Rows = []
        for kind in ("customerPayment", "creditMemo"):
            for record in self._books.list(kind):
                lines: list[dict[str, Any]] = record.body.get("apply", {}).get("items", [])
                found += [
                    {
                        "previousdoc": line["doc"]["id"],
                        "previoustype": "CustInvc",
                        "nextdoc": record.id,
                        "nexttype": TRANSACTION_TYPES[kind],
                        "linktype": "Payment",
                        "foreignamount": _column(line["amount"]),
                        "lastmodifieddate": Moment.of(record.body["lastModifiedDate"]),
                    }
                    for line in lines
                    if line.get("apply", True)
                ]
        return found


def row_of(record: Record) -> dict[str, str]:
    """What SuiteQL tells of a record. Sublists are tables of their own, and not told here."""
    fields = TYPES[record.kind].fields
    row = {"id": record.id}
    for name, kind in fields.items():
        value = record.body.get(name, False if isinstance(kind, Flag) else None)
        if not isinstance(kind, Lines) and value is not None and value != "":
            row[name.lower()] = _column(value)
    for nr, line in enumerate(record.body.get("addressBook", {}).get("items", [])):
        if line.get("defaultBilling"):
            row["defaultbillingaddress"] = _address_key(record, nr)
    return row


def _transaction(record: Record) -> dict[str, str]:
    body, fields = record.body, TYPES[record.kind].fields
    row = {
        "id": record.id,
        "type": TRANSACTION_TYPES[record.kind],
        "voided": _column(bool(body.get("voided"))),
        "lastmodifieddate": Moment.of(body["lastModifiedDate"]),
        "createddate": Moment(record.created_at.strftime("%Y-%m-%d %H:%M:%S")),
    }
    for name in _PLAIN:
        if (value := body.get(name)) is not None:
            column = "entity" if name == "customer" else name.lower()
            row[column] = _column(value)
            if isinstance(fields[name], Day):
                row[column] = Moment(row[column])
    sign = -1 if record.kind in ("creditMemo", "customerPayment") else 1
    for name, column in _AMOUNTS.items():
        if name in body:
            of_itself = name in ("applied", "unapplied", "amountRemaining", "amountPaid")
            row[column] = _column(Decimal(body[name]) * (1 if of_itself else sign))
    return row


def _column(value: Any) -> str:
    """A value as SuiteQL answers it: always text."""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return str(cast("dict[str, Any]", value)["id"])
    return str(value)


def _address_key(record: Record, nr: int) -> str:
    return f"{record.id}{nr + 1:03d}"
