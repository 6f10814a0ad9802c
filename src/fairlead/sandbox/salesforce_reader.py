"""Reading a Salesforce org's records as a query asks for them: rows, parents, children.

https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-relationships-query-limits.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from fairlead.sandbox import salesforce_conditions as conditions
from fairlead.sandbox import salesforce_soql as soql
from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.salesforce_answers import denied, iso
from fairlead.sandbox.salesforce_schema import NUMBERS, Field, SObject, with_check

_IDS = ("id", "reference")  # types of field that 15 or 18 characters name alike
_MOST_PARENTS = 5  # relationships that a path may climb
_MOST_CHILDREN = 20  # subqueries of one query

#: (API version, rows) → a query's answer: all rows, or the first and where the next are.
Page = Callable[[str, list[dict[str, Any]]], dict[str, Any]]


class Reader:
    def __init__(self, books: Books, objects: Mapping[str, SObject], page: Page) -> None:
        self._books, self._objects, self._page = books, objects, page

    def source(self, name: str) -> SObject:
        found = self._objects.get(name.lower())
        if found is None:
            raise denied(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found

    def rows(
        self, version: str, query: soql.Query, found: SObject, parent: tuple[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of a query; `parent` narrows a child subquery to (its field, the id)."""
        if len(query.children) > _MOST_CHILDREN or (query.children and parent is not None):
            raise denied(400, "MALFORMED_QUERY", f"at most {_MOST_CHILDREN} subqueries, one level")
        for test in soql.tests_of(query.where):
            self._check_test(found, test)
        for name in (*query.fields, *(rule.path for rule in query.order)):
            self.kind_of(found, name)
        known: dict[int, list[Any]] = {}  # what each semi-join found; it is asked once

        def inner(query: soql.Query) -> list[Any]:
            if id(query) not in known:
                known[id(query)] = self._inner(version, query)
            return known[id(query)]

        def wanted(record: Record) -> bool:
            if parent is not None and record.body.get(parent[0]) != parent[1]:
                return False
            return conditions.holds(
                query.where, lambda path: self._value(found, record, path), inner, constant
            )

        def constant(path: str, literal: Any) -> Any:
            is_id = isinstance(literal, str) and self.kind_of(found, path).type in _IDS
            return with_check(literal) if is_id else literal

        ids = _ids_asked(query.where, inner)
        if ids is None:
            records = self._books.list(found.name, wanted)
        else:
            read = [self._books.read(found.name, id) for id in dict.fromkeys(ids)]
            records = [record for record in read if record and wanted(record)]
        by_id = {record.id: record for record in records}
        ordered = conditions.in_order(
            [{"Id": record.id} for record in records],
            query.order,
            lambda row, path: self._value(found, by_id[row["Id"]], path),
        )
        end = None if query.limit is None else query.offset + query.limit
        chosen = [by_id[row["Id"]] for row in ordered][query.offset : end]
        return [self.row(version, found, record, query.fields, query.children) for record in chosen]

    def _inner(self, version: str, query: soql.Query) -> list[Any]:
        """The values of a semi-join: one field, an id or a reference."""
        found = self.source(query.source)
        if len(query.fields) != 1 or self.kind_of(found, query.fields[0]).type not in _IDS:
            raise denied(400, "MALFORMED_QUERY", "semi join sub-selects select one id field")
        name = query.fields[0]
        spelt = found.named(name)
        return [row[spelt[0] if spelt else name] for row in self.rows(version, query, found)]

    def _check_test(self, found: SObject, test: soql.Asks) -> None:
        kind = self.kind_of(found, test.path)
        if isinstance(test.value, soql.Query):
            return
        values = test.value if isinstance(test.value, tuple) else (test.value,)
        for value in values:
            if value is None:
                continue
            if not _comparable(value, kind):
                words = f"value of filter criterion for field '{test.path}' must be of type "
                raise denied(400, "INVALID_FIELD", f"{words}{kind.type}")

    def kind_of(self, found: SObject, path: str) -> Field:
        """The type behind a path, which may climb to parents."""
        *parents, name = path.split(".")
        if len(parents) > _MOST_PARENTS:
            words = f"a path climbs at most {_MOST_PARENTS} relationships: {path}"
            raise denied(400, "MALFORMED_QUERY", words)
        for via in parents:
            parent = found.parent(via)
            if parent is None:
                words = f"Didn't understand relationship '{via}' in field path."
                raise denied(400, "INVALID_FIELD", words)
            found = self._objects[parent[1].to.lower()]
        spelt = found.named(name)
        if spelt is None:
            words = f"No such column '{name}' on entity '{found.name}'."
            raise denied(400, "INVALID_FIELD", words)
        return spelt[1]

    def _value(self, found: SObject, record: Record, path: str) -> Any:
        """What a path holds, as Python compares it."""
        *parents, name = path.split(".")
        at: Record | None = record
        for via in parents:
            parent = found.parent(via)
            if parent is None or at is None:
                return None
            found = self._objects[parent[1].to.lower()]
            at = self._books.read(found.name, str(at.body.get(parent[0])))
        spelt = found.named(name)
        if spelt is None or at is None:
            return None
        value = self._field(spelt[0], at)
        if isinstance(value, str) and spelt[1].type == "date":
            return date.fromisoformat(value)
        if isinstance(value, str) and spelt[1].type == "datetime":
            return datetime.fromisoformat(value)
        return value

    def row(
        self,
        version: str,
        found: SObject,
        record: Record,
        names: tuple[str, ...],
        children: tuple[soql.Query, ...] = (),
    ) -> dict[str, Any]:
        """One record as JSON: its fields, its parents' in objects of their own, its children."""
        url = f"/services/data/{version}/sobjects/{found.name}/{record.id}"
        row: dict[str, Any] = {"attributes": {"type": found.name, "url": url}}
        above: dict[str, list[str]] = {}
        for name in names:
            via, _, rest = name.partition(".")
            if rest:
                above.setdefault(via, []).append(rest)
                continue
            self.kind_of(found, name)
            spelt = found.named(name)
            row[spelt[0] if spelt else name] = self._field(spelt[0] if spelt else name, record)
        for via, rest in above.items():
            self.kind_of(found, f"{via}.Id")
            parent = found.parent(via)
            if parent is None:
                continue
            higher = self._objects[parent[1].to.lower()]
            at = self._books.read(higher.name, str(record.body.get(parent[0])))
            row[parent[1].via] = self.row(version, higher, at, tuple(rest)) if at else None
        for child in children:
            row |= self._children(version, found, record, child)
        return row

    def _children(
        self, version: str, found: SObject, record: Record, child: soql.Query
    ) -> dict[str, Any]:
        named = next((n for n in found.children if n.lower() == child.source.lower()), None)
        if named is None:
            words = f"Didn't understand relationship '{child.source}' in FROM part of query call."
            raise denied(400, "INVALID_TYPE", words)
        kind, field = found.children[named]
        rows = self.rows(version, child, self._objects[kind.lower()], (field, record.id))
        return {named: self._page(version, rows) if rows else None}

    def _field(self, name: str, record: Record) -> Any:
        match name:
            case "Id":
                return record.id
            case "IsDeleted":
                return False
            case "CreatedDate":
                return iso(record.created_at)
            case "LastModifiedDate" | "SystemModstamp":
                return iso(record.modified_at)
            case _:
                return record.body.get(name)


def _comparable(value: Any, kind: Field) -> bool:
    """Whether SOQL compares a literal with a field of this type."""
    match value:
        case bool():
            return kind.type == "boolean"
        case str():
            return kind.type in ("id", "string", "picklist", "reference")
        case datetime():
            return kind.type == "datetime"
        case date():
            return kind.type == "date"
        case _:
            return kind.type in NUMBERS


def _ids_asked(
    where: soql.Condition | None, inner: Callable[[soql.Query], list[Any]]
) -> list[str] | None:
    """The only ids that a condition can fit, where it plainly says so."""
    match where:
        case soql.Asks(path, "=", str(id)) if path.lower() == "id":
            return [with_check(id)]
        case soql.Asks(path, "IN", soql.Query() as query) if path.lower() == "id":
            return [str(id) for id in inner(query)]
        case _:
            return None
