"""A Salesforce org over its REST API: sign-in, records, SOQL, composites, change events.

Written from the REST API Developer Guide,
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
Unlike the original, time stamps have milliseconds, so that two changes in one second differ in a
rehearsal that is faster than people are; amounts of a deal are not summed up from its lines (those
of a quote are, as soon as it has any).

Settings: `consumer_key`, `username`, `public_key` (PEM), `audience`, `batch_size` (records per
answer to a query; 2000), `session_s` (7200), `multi_currency` (true), `default_currency` (EUR),
`daily_limit` (shown in Sforce-Limit-Info; 100000), `custom_fields` (object → name → type),
`absent` (objects that this org does not have).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.dialect import Answer, Call, Dialect, Route
from fairlead.sandbox.salesforce_answers import Usage, denied, errors
from fairlead.sandbox.salesforce_composite import Composites
from fairlead.sandbox.salesforce_events import ChangeEvents
from fairlead.sandbox.salesforce_objects import schema
from fairlead.sandbox.salesforce_queries import Cursors, Queries
from fairlead.sandbox.salesforce_reader import Reader
from fairlead.sandbox.salesforce_records import Records
from fairlead.sandbox.salesforce_rest import SObjects
from fairlead.sandbox.salesforce_schema import SObject, with_check
from fairlead.sandbox.salesforce_sign_in import Sessions, example_settings

_DATA = "/services/data/{version}"
_SPOKEN = re.compile(r"v(3[1-9]|[4-6]\d)\.0")  # API versions 21 to 30 are retired


class Salesforce(Dialect):
    vendor: ClassVar[str] = "salesforce"

    def __init__(
        self,
        system: str,
        books: Books,
        settings: Mapping[str, Any],
        push: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__(system, books, settings, push)
        self._objects = schema(
            currencies=settings.get("multi_currency", True),
            custom=settings.get("custom_fields", {}),
            absent=settings.get("absent", ()),
        )
        org = "00D" + uuid.uuid5(uuid.NAMESPACE_DNS, system).hex[:12]
        self._usage = Usage(settings.get("daily_limit", 100_000))
        self._sessions = Sessions(org, settings)
        currency = settings.get("default_currency", "EUR")
        self._records = Records(books, self._objects, currency, ChangeEvents(push))
        self._routes = self._make_routes()

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        return example_settings()

    # -- what the kernel asks -----------------------------------------------------------------

    def routes(self) -> list[Route]:
        return self._routes

    def _make_routes(self) -> list[Route]:
        kind = f"{_DATA}/sobjects/{{kind}}"
        record, external = f"{kind}/{{id}}", f"{kind}/{{field}}/{{value}}"
        cursors = Cursors(int(self.settings.get("batch_size", 2000)))
        reader = Reader(self.books, self._objects, cursors.page)
        queries = Queries(reader, cursors, self._usage)
        sobjects = SObjects(self._records, reader, self._usage)
        composites = Composites(self.routes, self._usage)
        return [
            Route("POST", "/services/oauth2/token", "oauth.token", self._sessions.token),
            Route("POST", "/services/oauth2/revoke", "oauth.revoke", self._sessions.revoke),
            Route("GET", "/services/data", "versions", _versions),
            Route("GET", _DATA, "resources", self._resources),
            Route("GET", f"{_DATA}/limits", "limits", self._limits),
            Route("GET", f"{_DATA}/query", "query", queries.query),
            Route("GET", f"{_DATA}/query/{{locator}}", "query.more", queries.more),
            Route("POST", f"{_DATA}/composite", "composite", self._whole(composites.answer)),
            Route("GET", f"{_DATA}/sobjects", "sobjects", self._sobjects),
            Route("GET", f"{kind}/describe", "sobject.describe", self._describe),
            Route("POST", kind, "sobject.create", self._whole(sobjects.create)),
            Route("GET", record, "sobject.read", sobjects.read),
            Route("PATCH", record, "sobject.update", self._whole(sobjects.update)),
            Route("DELETE", record, "sobject.delete", self._whole(sobjects.delete)),
            Route("GET", external, "sobject.read_external", sobjects.read_external),
            Route("PATCH", external, "sobject.upsert", self._whole(sobjects.upsert)),
        ]

    def _whole(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        """The handler as one transaction: a refusal takes back what it had begun."""

        def answer(call: Call) -> Answer:
            with self.books.transaction():
                return handler(call)

        return answer

    def authenticate(self, call: Call, route: Route) -> None:
        if route.operation in ("oauth.token", "oauth.revoke", "versions"):
            return
        if not self._sessions.let_in(call):
            raise denied(401, "INVALID_SESSION_ID", "Session expired or invalid")
        version = call.params.get("version", "")
        if not _SPOKEN.fullmatch(version):
            raise denied(404, "NOT_FOUND", "The requested resource does not exist")

    def too_many(self, retry_after_s: float | None) -> Answer:
        """The org's limit is a 403 here, as Salesforce says it."""
        headers = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
        words = "TotalRequests Limit exceeded."
        return Answer(403, errors("REQUEST_LIMIT_EXCEEDED", words), headers)

    def broken(self, status: int) -> Answer:
        named = {
            400: ("JSON_PARSER_ERROR", "The request could not be understood."),
            401: ("INVALID_SESSION_ID", "Session expired or invalid"),
            403: ("INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id"),
            404: ("NOT_FOUND", "The requested resource does not exist"),
            405: ("METHOD_NOT_ALLOWED", "HTTP Method not allowed."),
            503: ("SERVER_UNAVAILABLE", "The server is unavailable to handle the request."),
        }
        code, words = named.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
        return Answer(status, errors(code, words))

    def revoke_tokens(self) -> None:
        self._sessions.clear()

    # -- what people do in the org --------------------------------------------------------------

    def plant(self, kind: str, body: dict[str, Any]) -> Record:
        """A relationship may be given as {"Product2": {"Name": "Consultant"}}: the first record
        that fits is meant, or a new one. Raises `Deny` as the API does."""
        found = self._records.object(kind)
        with self.books.transaction():
            values = {**_entered_by_default(found), **self._with_parents(found, body)}
            id = values.pop("Id", None)
            self._records.check(found, values, by_a_person=True)
            return self._records.insert(found, values, id=id)

    def amend(self, kind: str, id: str, changes: dict[str, Any]) -> Record:
        found = self._records.object(kind)
        with self.books.transaction():
            values = self._with_parents(found, changes)
            self._records.check(found, values, by_a_person=True, changing=True)
            return self._records.change(found, with_check(id), values)

    def discard(self, kind: str, id: str) -> None:
        with self.books.transaction():
            self._records.remove(self._records.object(kind), with_check(id))

    def _with_parents(self, found: SObject, body: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in body.items():
            parent = found.parent(name)
            if parent is None or not isinstance(value, dict):
                values[name] = value
                continue
            wanted = cast("dict[str, Any]", value)
            same = self.books.list(
                parent[1].to, lambda r, w=wanted: all(r.body.get(n) == v for n, v in w.items())
            )
            values[parent[0]] = (same[0] if same else self.plant(parent[1].to, wanted)).id
        return values

    # -- about the org --------------------------------------------------------------------------

    def _resources(self, call: Call) -> Answer:
        names = ("composite", "limits", "query", "sobjects")
        root = f"/services/data/{call.params['version']}"
        return self._usage.ok({name: f"{root}/{name}" for name in names})

    def _limits(self, call: Call) -> Answer:
        return self._usage.ok({"DailyApiRequests": self._usage.left()})

    def _sobjects(self, call: Call) -> Answer:
        rows = [{"name": one.name, "keyPrefix": one.prefix} for one in self._objects.values()]
        return self._usage.ok({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": rows})

    def _describe(self, call: Call) -> Answer:
        found = self._records.object(call.params["kind"])
        fields = [
            {
                "name": name,
                "type": one.type,
                "length": one.length,
                "nillable": not one.required,
                "createable": not one.fixed,
                "updateable": not one.fixed,
                "externalId": one.external,
                "referenceTo": [one.to] if one.to else [],
                "relationshipName": one.via or None,
                "custom": name.endswith("__c"),
            }
            for name, one in found.fields.items()
        ]
        return self._usage.ok({"name": found.name, "keyPrefix": found.prefix, "fields": fields})


def _versions(call: Call) -> Answer:
    rows = [
        {"label": f"Version {n}", "url": f"/services/data/v{n}.0", "version": f"{n}.0"}
        for n in range(60, 65)
    ]
    return Answer(200, rows)


def _entered_by_default(found: SObject) -> dict[str, Any]:
    """What the page for a new record already holds."""
    if found.name != "Opportunity":
        return {}
    return {"StageName": "Prospecting", "CloseDate": datetime.now(UTC).date().isoformat()}
