"""The port `crm` on Salesforce's REST API.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
No business rule lives here.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote

from pydantic import ValidationError

from fairlead.connectors.kit.http import Http, Reply
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.connectors.salesforce.dialect import (
    GONE,
    HALTED,
    LOCATOR_EXPIRED,
    Batch,
    Composite,
    Part,
    classify,
    codes,
    explain,
    is_record_id,
    where,
)
from fairlead.connectors.salesforce.queries import STAMPS, Queries, stamp
from fairlead.connectors.salesforce.reading import Unreadable, read_opportunity
from fairlead.connectors.salesforce.settings import Settings
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, InvalidInput, SystemRefused
from fairlead.ports.crm import ChangePage, OpportunityChanged

#: Change events carry it as their origin, so that we do not listen to ourselves.
CLIENT = "Fairlead"
_CURSOR = re.compile(r"(\d{1,9})\|([0-9TZ:.+-]{24})\|(/services/data/v\d+\.\d/query/[\w-]+)")


class SalesforceCrm:
    """See `fairlead.ports.crm.Crm`. Threads may share it."""

    def __init__(self, system: str, settings: Settings, http: Http, fields: FieldMap) -> None:
        """Raises `InvalidDefinition` for a field map that cannot be asked for."""
        self._system, self._fields = system, fields
        self._http = http.with_dialect(explain, classify)
        self._data = f"/services/data/{settings.api_version}"
        self._currency = settings.default_currency
        self._overlap = timedelta(seconds=settings.poll_overlap_s)
        self._queries = Queries(
            fields,
            billing_term=settings.billing_term_object,
            one_currency=settings.default_currency is not None,
        )

    def ping(self) -> None:
        """Asks what the API offers: it needs a sign-in, no permission, and touches no record."""
        self._http.send("GET", self._data)

    def opportunity(self, id: str) -> Opportunity | None:
        """One composite call, which counts once toward the org's limit."""
        if not is_record_id(id):
            return None
        found = self._ask_together(self._queries.deal(id))
        if not found["opportunity"]:
            return None
        try:
            return read_opportunity(self._system, self._fields, found, self._currency)
        except (MappingTrouble, Unreadable) as bad:
            raise SystemRefused(self._system, f"It holds what we cannot read. {bad}") from bad

    def changed_since(self, since: datetime, cursor: str | None = None) -> ChangePage:
        """A page is one batch of Salesforce's query; the cursor is ours and holds its address.

        The watermark is the newest time stamp of the pass, by Salesforce's clock, less the
        overlap. A batch address that has expired begins the pass again: told twice, not missed.
        """
        seen, newest, path = _read_cursor(cursor) if cursor else (0, since, None)
        batch = self._batch(path) if path else None
        if batch is None:
            seen, newest = 0, since
            batch = self._first(self._queries.changed(since))
        changes = [self._change(record) for record in batch.records]
        seen += len(changes)
        newest = max([newest, *(change.at for change in changes)])
        if batch.next is None and seen < batch.total:
            raise AnswerLost(self._system, f"It gave {seen} of {batch.total} changed deals.")
        return ChangePage(
            changes=tuple(changes),
            next_cursor=f"{seen}|{stamp(newest)}|{batch.next}" if batch.next else None,
            watermark=max(since, newest - self._overlap),
        )

    def report_engagement(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef:
        """Sets two fields of the deal: done twice, it says the same."""
        reply = self._http.send(
            "PATCH",
            self._record(opportunity),
            json=self._fields.write("engagement", {"number": number, "state": state}),
            headers={"sforce-call-options": f"client={CLIENT}"},
        )
        if reply.status != 204:  # the one documented answer to an update by id; it has no body
            raise AnswerLost(self._system, f"It answered an update with HTTP {reply.status}.")
        return opportunity

    def find_reported(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef | None:
        asked = ",".join(["Id", *self._fields.theirs("engagement")])
        path = self._record(opportunity)
        reply = self._http.send("GET", path, params={"fields": asked}, may_miss=True)
        if reply.status == 404:
            if GONE.isdisjoint(codes(reply.body)):
                raise AnswerLost(self._system, "Its 404 is not in Salesforce's words.")
            return None
        record = cast("dict[str, Any]", reply.body if isinstance(reply.body, dict) else {})
        if str(record.get("Id", ""))[:15] != opportunity.id[:15]:
            raise AnswerLost(self._system, "It answered with another record.")
        told = self._fields.read("engagement", record)
        return opportunity if told == {"number": number, "state": state} else None

    # -- inside ----------------------------------------------------------------------------

    def _record(self, opportunity: ExternalRef) -> str:
        if not is_record_id(opportunity.id):
            raise SystemRefused(self._system, "An opportunity's id is 15 or 18 characters.")
        return f"{self._data}/sobjects/Opportunity/{opportunity.id}"

    def _ask_together(self, queries: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
        """All records of several queries. All are answered, or it raises."""
        parts = self._composite(
            [
                {"method": "GET", "url": f"{self._data}/query?q={quote(q)}", "referenceId": name}
                for name, q in queries.items()
            ]
        )
        if [part.id for part in parts] != list(queries):
            raise AnswerLost(self._system, "It left out a part of a composite.")
        return {part.id: self._all_records(self._as_batch(part.body)) for part in parts}

    def _composite(self, requests: list[dict[str, str]]) -> list[Part]:
        sent = {"allOrNone": True, "compositeRequest": requests}
        reply = self._http.send("POST", f"{self._data}/composite", json=sent)
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

    def _first(self, query: str) -> Batch:
        return self._as_batch(
            self._http.send("GET", f"{self._data}/query", params={"q": query}).body
        )

    def _batch(self, path: str) -> Batch | None:
        """A further batch of a query; None where Salesforce has forgotten the query."""
        try:
            return self._as_batch(self._http.send("GET", path).body)
        except SystemRefused as refused:
            if LOCATOR_EXPIRED in codes(refused.payload):
                return None
            raise

    def _as_batch(self, body: Any) -> Batch:
        try:
            batch = Batch.model_validate(body)
        except ValidationError as bad:
            raise SystemRefused(self._system, f"It changed a query's shape: {where(bad)}") from bad
        if batch.done != (batch.next is None):
            raise AnswerLost(self._system, "A query says neither that it ended nor how it goes on.")
        return batch

    def _all_records(self, first: Batch) -> list[dict[str, Any]]:
        records, batch = list(first.records), first
        while batch.next is not None:
            further = self._batch(batch.next)
            if further is None or not further.records:
                raise AnswerLost(self._system, "A query broke off.")
            batch = further
            records += batch.records
        if len(records) != first.total:
            raise AnswerLost(self._system, f"It gave {len(records)} of {first.total} records.")
        return records

    def _change(self, record: dict[str, Any]) -> OpportunityChanged:
        try:
            change = self._fields.read("change", record)
            at = max(change[ours] for ours in STAMPS if ours in change)
            return OpportunityChanged(opportunity=change["id"], revision=stamp(at), at=at)
        except (MappingTrouble, KeyError, ValueError) as bad:
            why = f"A changed deal lacks its id or time stamp. {bad}"
            raise SystemRefused(self._system, why) from bad


def _reply_of(part: Part) -> Reply:
    headers = {name.lower(): value for name, value in part.headers.items()}
    return Reply(part.status, headers, part.body)


def _read_cursor(cursor: str) -> tuple[int, datetime, str]:
    """How many changes the pass has told, its newest time stamp, and where it goes on."""
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        raise InvalidInput("That cursor is not one that this system gave.")
    return int(parts[1]), datetime.fromisoformat(parts[2]).astimezone(UTC), parts[3]
