"""The sObject resources of Salesforce's REST API: one record made, read, changed or deleted."""

from __future__ import annotations

from typing import Any, cast

from fairlead.sandbox.books import Record
from fairlead.sandbox.dialect import Answer, Call
from fairlead.sandbox.salesforce_answers import Usage, denied, gone
from fairlead.sandbox.salesforce_reader import Reader
from fairlead.sandbox.salesforce_records import Records
from fairlead.sandbox.salesforce_schema import SObject


class SObjects:
    def __init__(self, records: Records, reader: Reader, usage: Usage) -> None:
        self._records, self._reader, self._usage = records, reader, usage

    def create(self, call: Call) -> Answer:
        found = self._records.object(call.params["kind"])
        values = _body(call)
        self._records.check(found, values)
        record = self._records.insert(found, values, call=call)
        where = f"/services/data/{call.params['version']}/sobjects/{found.name}/{record.id}"
        made: dict[str, Any] = {"id": record.id, "success": True, "errors": []}
        return self._usage.ok(made, 201, location=where)

    def read(self, call: Call) -> Answer:
        found, record = self._named(call)
        return self._usage.ok(self._shown(call, found, record))

    def update(self, call: Call) -> Answer:
        found, record = self._named(call)
        values = _body(call)
        self._records.check(found, values, changing=True)
        self._records.change(found, record.id, values, call=call)
        return self._usage.ok(None, 204)

    def delete(self, call: Call) -> Answer:
        found, record = self._named(call)
        self._records.remove(found, record.id, call=call)
        return self._usage.ok(None, 204)

    def read_external(self, call: Call) -> Answer:
        found, _, same = self._by_external(call)
        if not same:
            raise gone()
        return self._one_of(call, found, same) or self._usage.ok(self._shown(call, found, same[0]))

    def upsert(self, call: Call) -> Answer:
        found, name, same = self._by_external(call)
        if several := self._one_of(call, found, same):
            return several
        values = _body(call)
        if name in values:
            words = f"The {name} field should not be specified in the sobject data."
            raise denied(400, "INVALID_FIELD", words)
        self._records.check(found, values, changing=bool(same))
        done: dict[str, Any] = {"success": True, "errors": [], "created": not same}
        if same:
            self._records.change(found, same[0].id, values, call=call)
            return self._usage.ok({"id": same[0].id, **done})
        values[name] = call.params["value"]
        record = self._records.insert(found, values, call=call)
        return self._usage.ok({"id": record.id, **done}, 201)

    def _named(self, call: Call) -> tuple[SObject, Record]:
        found = self._records.object(call.params["kind"])
        return found, self._records.record(found, call.params["id"])

    def _by_external(self, call: Call) -> tuple[SObject, str, list[Record]]:
        found = self._records.object(call.params["kind"])
        spelt = found.named(call.params["field"])
        if spelt is None or not (spelt[1].external or spelt[0] == "Id"):
            words = "Provided external ID field does not exist or is not accessible: "
            raise denied(404, "NOT_FOUND", words + call.params["field"])
        return found, spelt[0], self._records.named_by(found, spelt[0], call.params["value"])

    def _one_of(self, call: Call, found: SObject, same: list[Record]) -> Answer | None:
        """300 with the addresses of all, where an external id names more than one record."""
        if len(same) < 2:
            return None
        root = f"/services/data/{call.params['version']}/sobjects/{found.name}"
        return self._usage.ok([f"{root}/{record.id}" for record in same], 300)

    def _shown(self, call: Call, found: SObject, record: Record) -> dict[str, Any]:
        asked = call.query.get("fields")
        names = asked.split(",") if asked else list(found.fields)
        version = call.params["version"]
        return self._reader.row(version, found, record, tuple(name.strip() for name in names))


def _body(call: Call) -> dict[str, Any]:
    body = call.json()
    if not isinstance(body, dict):
        raise denied(400, "JSON_PARSER_ERROR", "The HTTP entity body is required.")
    values = cast("dict[str, Any]", body)
    return {name: value for name, value in values.items() if name != "attributes"}
