"""The query resource of Salesforce's REST API, and the cursors of answers in batches."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from threading import Lock
from typing import Any

from fairlead.sandbox import salesforce_soql as soql
from fairlead.sandbox.dialect import Answer, Call
from fairlead.sandbox.salesforce_answers import Usage, denied
from fairlead.sandbox.salesforce_reader import Reader

_OPEN_QUERIES = 50


class Cursors:
    """Rows that wait to be asked for. Only the newest queries are kept open."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._lock = Lock()
        self._open: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()

    def page(self, version: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """A query's answer: all rows, or the first and where the next are."""
        return self._page(version, "", rows, 0)

    def further(self, version: str, address: str) -> dict[str, Any]:
        """Raises `Deny` for an address that is not, or no longer, one of a query."""
        locator, _, start = address.rpartition("-")
        with self._lock:
            rows = self._open.get(locator)
        if rows is None or not start.isdigit() or not 0 < int(start) < len(rows):
            raise denied(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(version, locator, rows, int(start))

    def _page(
        self, version: str, locator: str, rows: list[dict[str, Any]], start: int
    ) -> dict[str, Any]:
        end = start + self._batch_size
        body: dict[str, Any] = {"totalSize": len(rows), "done": end >= len(rows)}
        if end < len(rows):
            locator = locator or f"01g{secrets.token_hex(6)}AAA"
            with self._lock:
                self._open[locator] = rows
                while len(self._open) > _OPEN_QUERIES:
                    self._open.popitem(last=False)
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{locator}-{end}"
        return {**body, "records": rows[start:end]}


class Queries:
    def __init__(self, reader: Reader, cursors: Cursors, usage: Usage) -> None:
        self._reader, self._cursors, self._usage = reader, cursors, usage

    def query(self, call: Call) -> Answer:
        version = call.params["version"]
        try:
            query = soql.parse(call.query.get("q", ""))
        except soql.Malformed as bad:
            raise denied(400, "MALFORMED_QUERY", str(bad)) from bad
        rows = self._reader.rows(version, query, self._reader.source(query.source))
        if query.counts:
            return self._usage.ok({"totalSize": len(rows), "done": True, "records": []})
        return self._usage.ok(self._cursors.page(version, rows))

    def more(self, call: Call) -> Answer:
        return self._usage.ok(self._cursors.further(call.params["version"], call.params["locator"]))
