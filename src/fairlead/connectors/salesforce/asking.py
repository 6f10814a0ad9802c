"""Queries and composites over Salesforce's REST API: all of an answer, or an error.

https://developer.salesforce.com/docs/platform/api-rest/guide/resources-query.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from fairlead.connectors.kit.http import Http, Reply
from fairlead.connectors.salesforce.dialect import (
    HALTED,
    LOCATOR_EXPIRED,
    Batch,
    Composite,
    Part,
    codes,
    where,
)
from fairlead.errors import AnswerLost, SystemRefused

_AT_ONCE = 5  # queries that a composite may hold


class Asker:
    """Threads may share it."""

    def __init__(self, system: str, http: Http, data: str) -> None:
        """`data`: the path of the API's version."""
        self._system, self._http, self._data = system, http, data

    def together(self, queries: Mapping[str, str]) -> dict[str, Batch]:
        """The first batch of each. Five of them are one call, done in their order, and count once
        toward the org's limit. All are answered, or it raises."""
        found: dict[str, Batch] = {}
        for some in _fives(queries):
            parts = self._composite(
                [
                    {
                        "method": "GET",
                        "url": f"{self._data}/query?q={quote(q)}",
                        "referenceId": name,
                    }
                    for name, q in some.items()
                ]
            )
            if [part.id for part in parts] != list(some):
                raise AnswerLost(self._system, "It left out a part of a composite.")
            found |= {part.id: self.batch(part.body) for part in parts}
        return found

    def all_of(self, query: str) -> list[dict[str, Any]]:
        reply = self._http.send("GET", f"{self._data}/query", params={"q": query})
        return self.rest_of(self.batch(reply.body))

    def further(self, path: str) -> Batch | None:
        """A further batch of a query; None where Salesforce has forgotten the query."""
        try:
            return self.batch(self._http.send("GET", path).body)
        except SystemRefused as refused:
            if LOCATOR_EXPIRED in codes(refused.payload):
                return None
            raise

    def batch(self, body: Any) -> Batch:
        """A query's answer, also one inside another's: the list that a record has."""
        try:
            batch = Batch.model_validate(body)
        except ValidationError as bad:
            raise SystemRefused(self._system, f"It changed a query's shape: {where(bad)}") from bad
        if batch.done != (batch.next is None):
            raise AnswerLost(self._system, "A query says neither that it ended nor how it goes on.")
        return batch

    def rest_of(self, first: Batch) -> list[dict[str, Any]]:
        """All records of a query, from its first batch on."""
        records, batch = list(first.records), first
        while batch.next is not None:
            further = self.further(batch.next)
            if further is None or not further.records:
                raise AnswerLost(self._system, "A query broke off.")
            batch = further
            records += batch.records
        if len(records) != first.total:
            raise AnswerLost(self._system, f"It gave {len(records)} of {first.total} records.")
        return records

    def _composite(self, requests: list[dict[str, str]]) -> list[Part]:
        # collated, parts may be done in another order than theirs
        how = {"allOrNone": True, "collateSubrequests": False}
        reply = self._http.send(
            "POST", f"{self._data}/composite", json={**how, "compositeRequest": requests}
        )
        try:
            parts = Composite.model_validate(reply.body).parts
        except ValidationError as bad:
            raise SystemRefused(
                self._system, f"It changed a composite's shape: {where(bad)}"
            ) from bad
        troubles = [
            (trouble, part)
            for part in parts
            if (trouble := self._http.trouble_in(_reply_of(part))) is not None
        ]
        # the part that failed explains more than those that were halted because of it
        troubles.sort(key=lambda pair: HALTED in codes(pair[1].body))
        if troubles:
            raise troubles[0][0]
        return parts


def _fives(queries: Mapping[str, str]) -> list[dict[str, str]]:
    rows = list(queries.items())
    return [dict(rows[at : at + _AT_ONCE]) for at in range(0, len(rows), _AT_ONCE)]


def _reply_of(part: Part) -> Reply:
    headers = {name.lower(): value for name, value in part.headers.items()}
    return Reply(part.status, headers, part.body)
