"""The records of a Salesforce org: what may be written, and what follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.dialect import Call
from fairlead.sandbox.salesforce_answers import denied, gone
from fairlead.sandbox.salesforce_derived import at_first, computed
from fairlead.sandbox.salesforce_events import ChangeEvents
from fairlead.sandbox.salesforce_schema import SObject, fits, record_id, with_check


class Records:
    """`call` is the API's call behind a change; None means that a person made it."""

    def __init__(
        self, books: Books, objects: Mapping[str, SObject], currency: str, events: ChangeEvents
    ) -> None:
        """`currency`: of a record that names none, where its object has one."""
        self._books, self._objects, self._events = books, objects, events
        self._currency = currency

    def object(self, name: str) -> SObject:
        found = self._objects.get(name.lower())
        if found is None:
            raise gone()
        return found

    def record(self, found: SObject, id: str) -> Record:
        if not re.fullmatch(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", id):
            raise denied(400, "MALFORMED_ID", f"{found.name} ID: id value of incorrect type: {id}")
        record = self._books.read(found.name, with_check(id))
        if record is None:
            raise gone()
        return record

    def named_by(self, found: SObject, field: str, value: str) -> list[Record]:
        """Those whose field holds this text, in any case."""
        wanted = value.casefold()
        return self._books.list(
            found.name, lambda r: str(r.body.get(field) or "").casefold() == wanted
        )

    def check(
        self,
        found: SObject,
        values: dict[str, Any],
        *,
        changing: bool = False,
        by_a_person: bool = False,
    ) -> None:
        """Everything that Salesforce refuses before it writes. A person in the org may also set
        what the API leaves to automation, such as a contract's end."""
        for name, value in values.items():
            kind = found.fields.get(name)
            if kind is None:
                words = f"No such column '{name}' on sobject of type {found.name}"
                raise denied(400, "INVALID_FIELD", words)
            if kind.fixed and not by_a_person:
                words = f"Unable to create/update fields: {name}."
                raise denied(400, "INVALID_FIELD_FOR_INSERT_UPDATE", words, name)
            if not fits(value, kind):
                words = f"Cannot deserialize instance of {kind.type} from {value!r}"
                raise denied(400, "JSON_PARSER_ERROR", words, name)
            if isinstance(value, str) and len(value) > kind.length:
                words = f"{name}: data value too large (max length={kind.length})"
                raise denied(400, "STRING_TOO_LONG", words, name)
            if kind.to and value is not None:
                if self._books.read(kind.to, with_check(str(value))) is None:
                    words = "invalid cross reference id"
                    raise denied(400, "INVALID_CROSS_REFERENCE_KEY", words, name)
                values[name] = with_check(str(value))
        missing = [
            name
            for name, kind in found.fields.items()
            if kind.required and (name in values or not changing) and values.get(name) in (None, "")
        ]
        if missing:
            words = f"Required fields are missing: [{', '.join(missing)}]"
            raise denied(400, "REQUIRED_FIELD_MISSING", words, *missing)

    def insert(
        self,
        found: SObject,
        values: Mapping[str, Any],
        *,
        id: str | None = None,
        call: Call | None = None,
    ) -> Record:
        number = self._books.next_id(found.name)
        currency = {"CurrencyIsoCode": self._currency} if "CurrencyIsoCode" in found.fields else {}
        body = computed(found, {}, {**currency, **at_first(found, number), **values})
        new_id = with_check(id) if id else record_id(found.prefix, number)
        record = self._books.create(found.name, body, id=new_id, key=_key(found, body))
        self._events.announce("CREATE", record, list(body), call)
        self._follow(found, {}, record.body)
        return record

    def change(
        self, found: SObject, id: str, values: Mapping[str, Any], *, call: Call | None = None
    ) -> Record:
        """Raises KeyError where there is no such record."""
        before = self._books.read(found.name, id)
        if before is None:
            raise KeyError(f"{found.name} {id}")
        body = computed(found, before.body, values)
        changed = [name for name, value in body.items() if before.body.get(name) != value]
        record = self._books.update(found.name, id, body, key=_key(found, body))
        if changed:
            self._events.announce("UPDATE", record, changed, call)
        self._follow(found, before.body, record.body)
        return record

    def remove(self, found: SObject, id: str, *, call: Call | None = None) -> None:
        """Raises KeyError where there is no such record."""
        before = self._books.read(found.name, id)
        if before is None:
            raise KeyError(f"{found.name} {id}")
        self._books.remove(found.name, id)
        self._events.announce("DELETE", before, [], call)
        self._follow(found, before.body, {})

    def _follow(self, found: SObject, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """What a change does to other records: a quote's total, and which quote is synced."""
        match found.name:
            case "QuoteLineItem":
                for id in {before.get("QuoteId"), after.get("QuoteId")} - {None}:
                    self._total(str(id))
            case "Opportunity" if before.get("SyncedQuoteId") != after.get("SyncedQuoteId"):
                for id, syncs in (
                    (before.get("SyncedQuoteId"), False),
                    (after.get("SyncedQuoteId"), True),
                ):
                    if id is not None and self._books.read("Quote", str(id)) is not None:
                        self._books.update("Quote", str(id), {"IsSyncing": syncs})
            case _:
                pass

    def _total(self, id: str) -> None:
        quote = self._books.read("Quote", id)
        lines = self._books.list("QuoteLineItem", lambda r: r.body.get("QuoteId") == id)
        total = sum((Decimal(line.body["TotalPrice"]) for line in lines), Decimal(0))
        if quote is not None and quote.body.get("TotalPrice") != total:
            self.change(self.object("Quote"), id, {"TotalPrice": total})


def _key(found: SObject, values: Mapping[str, Any]) -> str | None:
    """The first external id that is given."""
    return next((values[n] for n, f in found.fields.items() if f.external and n in values), None)
