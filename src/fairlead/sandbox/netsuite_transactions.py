"""What NetSuite works out of invoices, credit memos, payments and journals, and what it refuses.

Tax of each line by its tax code, totals, due dates, document numbers, what is applied to what, and
the status that follows. An approved transaction is locked, as a firm locks it by a workflow; what
is in a closed period is not posted:
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_N2394992.html
Document numbers run per subsidiary and type, and are given when a record is saved:
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/bridgehead_4340435273.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, cast

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.netsuite_fields import Invalid
from fairlead.sandbox.netsuite_transaction_types import APPROVED, TRANSACTION_TYPES, UNLOCKED

_PREFIXES = {
    "invoice": "INV", "creditMemo": "CM", "customerPayment": "PYMT", "journalEntry": "JE",
}  # fmt: skip
_APPLIES = ("creditMemo", "customerPayment")
_ZERO = Decimal(0)
#: What changes without anybody changing the record itself.
_FOLLOWS = frozenset({"status", "amountPaid", "amountRemaining", "lastModifiedDate"})


class Transactions:
    """The caller holds a transaction of the books around `finish`, the write, and `written`."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._given: dict[tuple[str, str], int] = {}  # (type, subsidiary) → last number

    def finish(self, kind: str, body: dict[str, Any], id: str) -> None:
        """Complete a record that is about to be kept. Raises `Invalid`.

        Where nothing changes, the body comes out as the record that is known.
        """
        known = self._books.read(kind, id)
        before = known.body if known else {}
        if before.get("voided"):
            raise _locked(kind)
        body.setdefault("tranDate", datetime.now(UTC).date().isoformat())
        match kind:
            case "customerPayment":
                self._payment(body)
            case "journalEntry":
                self._journal(body)
            case _:
                self._sale(kind, body)
        if kind in _APPLIES:
            self._applied(kind, body, id)
        if kind == "invoice":
            paid = before.get("amountPaid", _ZERO)
            body |= {"amountPaid": paid, "amountRemaining": body["total"] - paid}
        body["status"] = _status(kind, body)
        if before and _same(before, body):
            body.clear()
            body.update(before)
            return
        self._allowed(kind, before, body)
        body["lastModifiedDate"] = _now()
        if "tranId" not in before:
            body["tranId"] = self._number(kind, body)

    def written(self, kind: str, *bodies: Mapping[str, Any]) -> None:
        """A record was created, changed or removed: bring what it is applied to up to date."""
        if kind in _APPLIES:
            for id in {line["doc"]["id"] for body in bodies for line in _chosen(body)}:
                self._settle(id)

    def forget_numbers(self) -> None:
        """A write was taken back after its number was given: read again which is the last."""
        self._given.clear()

    def void(self, kind: str, id: str) -> Record:
        """A person voids it: its amounts become nought. Raises `Invalid`, KeyError."""
        record = self._books.read(kind, id)
        if record is None or kind not in TRANSACTION_TYPES:
            raise KeyError(id)
        if record.body.get("amountPaid") or record.body.get("applied"):
            raise Invalid("This transaction is applied and cannot be voided.", code="USER_ERROR")
        nought = {
            name: _ZERO
            for name in ("subtotal", "taxTotal", "total", "amountRemaining", "unapplied", "payment")
            if name in record.body
        }
        changes = {**nought, "voided": True, "status": {"id": "voided", "refName": "Voided"}}
        return self._books.update(kind, id, {**changes, "lastModifiedDate": _now()})

    def touch(self, bodies: Iterable[Mapping[str, Any]]) -> None:
        """What a removed payment or credit had paid has changed, too."""
        for id in {line["doc"]["id"] for body in bodies for line in _chosen(body)}:
            self._books.update("invoice", id, {"lastModifiedDate": _now()})

    def may_be_removed(self, record: Record) -> None:
        """Raises `Invalid` for an approved invoice, credit memo or journal."""
        if record.kind in TRANSACTION_TYPES and _posted(record.kind, record.body):
            raise _locked(record.kind)

    # Sales

    def _sale(self, kind: str, body: dict[str, Any]) -> None:
        owner = self._owner(body["entity"])
        subsidiary = owner.body.get("subsidiary")
        body.setdefault("subsidiary", subsidiary)
        if owner.kind == "job" and body["subsidiary"] != subsidiary:
            why = "Error while accessing a resource. Invalid subsidiary reference key"
            raise Invalid(f"{why} for entity {owner.id}.", "subsidiary", "USER_ERROR")
        body.setdefault("currency", owner.body.get("currency") or self._own_currency(body))
        unit = self._unit(body["currency"])
        for nr, line in enumerate(body["item"]["items"], start=1):
            self._line(line, nr, unit)
        lines = body["item"]["items"]
        if not lines:
            raise Invalid("You must enter at least one line item.", "item", "USER_ERROR")
        net = sum((Decimal(line["amount"]) for line in lines), _ZERO)
        tax = sum((line["tax1Amt"] for line in lines), _ZERO)
        if net + tax < 0:
            raise Invalid("The total can not be negative.", code="USER_ERROR")
        body |= {"subtotal": net, "taxTotal": tax, "total": net + tax}
        if kind == "invoice" and "dueDate" not in body:
            days = 0
            if terms := body.get("terms"):
                term = self._books.read("term", terms["id"])
                days = int(term.body.get("daysUntilNetDue", 0)) if term else 0
            due = date.fromisoformat(body["tranDate"]) + timedelta(days=days)
            body["dueDate"] = due.isoformat()

    def _line(self, line: dict[str, Any], nr: int, unit: Decimal) -> None:
        if "item" not in line:
            raise Invalid("Please enter value(s) for: item", f"item.items[{nr - 1}]", "USER_ERROR")
        line.setdefault("quantity", Decimal(1))
        if "amount" not in line:
            priced = Decimal(line["quantity"]) * Decimal(line.get("rate", 0))
            line["amount"] = priced.quantize(unit, ROUND_HALF_UP)
        amount = Decimal(line["amount"])
        if amount != amount.quantize(unit, ROUND_HALF_UP):
            why = "Error while accessing a resource. The amount has too many decimals."
            raise Invalid(why, f"item.items[{nr - 1}].amount", "USER_ERROR")
        code = line.get("taxCode")
        known = self._books.read("salesTaxItem", code["id"]) if code else None
        rate = Decimal(known.body["rate"]) if known else _ZERO
        tax = (amount * rate / 100).quantize(unit, ROUND_HALF_UP)
        line |= {"line": nr, "taxRate1": rate, "tax1Amt": tax, "grossAmt": amount + tax}

    # Payments and credits

    def _payment(self, body: dict[str, Any]) -> None:
        customer = self._books.read("customer", body["customer"]["id"])
        assert customer is not None
        body.setdefault("subsidiary", customer.body.get("subsidiary"))
        body.setdefault("currency", customer.body.get("currency") or self._own_currency(body))
        unit = self._unit(body["currency"])
        if Decimal(body["payment"]) != Decimal(body["payment"]).quantize(unit):
            raise Invalid("The payment has too many decimals.", "payment", "USER_ERROR")

    def _applied(self, kind: str, body: dict[str, Any], id: str) -> None:
        """What it pays, of its own customer, in its own currency, and of what is left."""
        total = Decimal(body["payment"] if kind == "customerPayment" else body["total"])
        payer = body["customer"] if kind == "customerPayment" else body["entity"]
        used = _ZERO
        for line in _chosen(body):
            invoice = self._books.read("invoice", line["doc"]["id"])
            assert invoice is not None
            left = invoice.body["total"] - self._paid(invoice.id, without=id)
            amount = Decimal(line.setdefault("amount", min(left, total - used)))
            at = f"apply.items[{line['doc']['id']}]"
            same_payer = self._customer(payer) == self._customer(invoice.body["entity"])
            if not same_payer or invoice.body["currency"] != body["currency"]:
                why = "is of another customer or currency."
                raise Invalid(f"Invoice {invoice.id} {why}", at, "USER_ERROR")
            if not _posted("invoice", invoice.body) or amount <= 0 or amount > left:
                why = "is not open for that amount."
                raise Invalid(f"Invoice {invoice.id} {why}", at, "USER_ERROR")
            used += amount
        if used > total:
            raise Invalid("You cannot apply more than the total.", "apply", "USER_ERROR")
        body |= {"applied": used, "unapplied": total - used}

    def _settle(self, id: str) -> None:
        """The invoice's amounts paid and left; its own time stamp stays."""
        invoice = self._books.read("invoice", id)
        if invoice is None:
            return
        paid = self._paid(id)
        after = {
            **invoice.body,
            "amountPaid": paid,
            "amountRemaining": invoice.body["total"] - paid,
        }
        after["status"] = _status("invoice", after)
        if after != invoice.body:
            self._books.update("invoice", id, after, replace=True)

    def _paid(self, id: str, *, without: str = "") -> Decimal:
        paid = _ZERO
        for kind in _APPLIES:
            for one in self._books.list(kind, lambda record: _pays(record.body, id)):
                if one.id != without:
                    lines = [line for line in _chosen(one.body) if line["doc"]["id"] == id]
                    paid += sum((Decimal(line["amount"]) for line in lines), _ZERO)
        return paid

    # Journals

    def _journal(self, body: dict[str, Any]) -> None:
        body.setdefault("currency", self._own_currency(body))
        unit = self._unit(body["currency"])
        balance, lines = _ZERO, body["line"]["items"]
        for nr, line in enumerate(lines, start=1):
            sides = [Decimal(line[side]) for side in ("debit", "credit") if side in line]
            if "account" not in line or len(sides) != 1 or sides[0] <= 0:
                why = "A line has an account, and a debit or a credit above nought."
                raise Invalid(why, f"line.items[{nr - 1}]", "USER_ERROR")
            if sides[0] != sides[0].quantize(unit):
                raise Invalid("Too many decimals.", f"line.items[{nr - 1}]", "USER_ERROR")
            balance += sides[0] if "debit" in line else -sides[0]
            line["line"] = nr
        if balance or len(lines) < 2:
            raise Invalid("The amounts in this journal entry do not balance.", code="USER_ERROR")

    # What may be done

    def _allowed(self, kind: str, before: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        posted_before = bool(before) and _posted(kind, before)
        if posted_before and not _same(before, body, but=UNLOCKED | {"applied", "unapplied"}):
            raise _locked(kind)
        if _posted(kind, body) and not posted_before:
            self._period_is_open(str(body["tranDate"]))

    def _period_is_open(self, day: str) -> None:
        def holds(record: Record) -> bool:
            closed = record.body.get("closed", False)
            return closed and record.body["startDate"] <= day <= record.body["endDate"]

        if self._books.list("accountingPeriod", holds):
            why = "Error while accessing a resource. The accounting period of this date is closed."
            raise Invalid(why, code="USER_ERROR")

    def _number(self, kind: str, body: Mapping[str, Any]) -> str:
        """The next of its type and subsidiary, without gaps: what is refused takes no number."""
        subsidiary = body["subsidiary"]["id"]
        prefix = f"{_PREFIXES[kind]}{subsidiary}-"
        if (kind, subsidiary) not in self._given:
            held = self._books.list(kind, lambda one: one.body["tranId"].startswith(prefix))
            last = max((int(one.body["tranId"].removeprefix(prefix)) for one in held), default=0)
            self._given[kind, subsidiary] = last
        self._given[kind, subsidiary] += 1
        return f"{prefix}{self._given[kind, subsidiary]:05d}"

    # What belongs to what

    def _owner(self, entity: Mapping[str, str]) -> Record:
        found = self._books.read("job", entity["id"]) or self._books.read("customer", entity["id"])
        assert found is not None
        return found

    def _customer(self, entity: Mapping[str, str]) -> str:
        """Id of the customer above a project, or of the customer itself."""
        owner = self._owner(entity)
        while owner.kind == "job" and "parent" in owner.body:
            owner = self._owner(owner.body["parent"])
        return owner.id

    def _own_currency(self, body: Mapping[str, Any]) -> dict[str, str]:
        subsidiary = self._books.read("subsidiary", body["subsidiary"]["id"])
        assert subsidiary is not None
        return cast("dict[str, str]", subsidiary.body["currency"])

    def _unit(self, currency: Mapping[str, str]) -> Decimal:
        known = self._books.read("currency", currency["id"])
        places = int(known.body.get("currencyPrecision", 2)) if known else 2
        return Decimal(1).scaleb(-places)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _locked(kind: str) -> Invalid:
    why = f"Error while accessing a resource. This {kind} is approved and cannot be changed."
    return Invalid(why, code="USER_ERROR")


def _chosen(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    lines = cast("list[dict[str, Any]]", body.get("apply", {}).get("items", []))
    return [line for line in lines if line.get("apply", True)]


def _pays(body: Mapping[str, Any], id: str) -> bool:
    return any(line["doc"]["id"] == id for line in _chosen(body))


def _posted(kind: str, body: Mapping[str, Any]) -> bool:
    """Credit memos and payments have no approval: they are posted once they are saved."""
    if kind in _APPLIES:
        return True
    return body.get("approvalStatus") == {"id": APPROVED}


def _status(kind: str, body: Mapping[str, Any]) -> dict[str, str]:
    if body.get("voided"):
        return {"id": "voided", "refName": "Voided"}
    if not _posted(kind, body):
        return {"id": "pendingApproval", "refName": "Pending Approval"}
    match kind:
        case "invoice":
            done, word = not body["amountRemaining"], "Paid In Full"
        case "creditMemo":
            done, word = not body["unapplied"], "Fully Applied"
        case "customerPayment":
            return {"id": "deposited", "refName": "Deposited"}
        case _:
            return {"id": "approved", "refName": "Approved for Posting"}
    return {"id": word[0].lower() + word[1:].replace(" ", ""), "refName": word} if done else _OPEN


_OPEN = {"id": "open", "refName": "Open"}


def _same(
    before: Mapping[str, Any], after: Mapping[str, Any], *, but: frozenset[str] = frozenset()
) -> bool:
    names = (set(before) | set(after)) - _FOLLOWS - but - {"tranId"}
    return all(before.get(name) == after.get(name) for name in names)
