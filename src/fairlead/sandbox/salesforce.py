"""A Salesforce org over its REST API: sign-in, records, SOQL, composites, change events.

Written from the REST API Developer Guide,
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
Unlike the original, time stamps have milliseconds, so that two changes in one second differ in a
rehearsal that is faster than people are; amounts of a deal are not summed up from its lines.

Settings: `consumer_key`, `username`, `public_key` (PEM), `audience`, `batch_size` (records per
answer to a query; 2000), `session_s` (7200), `multi_currency` (true), `default_currency` (EUR),
`daily_limit` (shown in Sforce-Limit-Info; 100000), `custom_fields` (object → name → type).
"""

from __future__ import annotations

import re
import secrets
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from threading import Lock
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl, unquote

import jwt
import simplejson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fairlead.sandbox import salesforce_soql as soql
from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route
from fairlead.sandbox.salesforce_schema import (
    NUMBERS,
    Field,
    SObject,
    fits,
    record_id,
    schema,
    with_check,
)

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_ASSERTION_S = 300
_DATA = "/services/data/{version}"
_SPOKEN = re.compile(r"v(3[1-9]|[4-6]\d)\.0")  # API versions 21 to 30 are retired
_OPEN_QUERIES = 50
_IDS = ("id", "reference")  # types of field that 15 or 18 characters name alike
_REFERENCE = re.compile(r"@\{([^}]*)\}")
_MOST_PARTS, _MOST_QUERIES = 25, 5
_EVENTS = ("Account", "Contract", "Opportunity")  # objects chosen for Change Data Capture
_STAGES = {"Closed Won": (True, True, 100), "Closed Lost": (False, True, 0)}
_OPEN_STAGE = (False, False, 10)  # won, closed, probability in per cent


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
        )
        self._lock = Lock()
        self._sessions: dict[str, float] = {}  # access token → monotonic end
        self._queries: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()  # open cursors
        self._used = 0  # calls of the API
        self._replay = count(1)
        self._org = "00D" + uuid.uuid5(uuid.NAMESPACE_DNS, system).hex[:12]
        self._routes = self._make_routes()

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        secret = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        app = {
            "consumer_key": "3MVG9" + secrets.token_urlsafe(32),
            "username": "fairlead@tarn-holloway.example",
            "audience": "https://login.salesforce.com",
        }
        return {
            **app,
            "public_key": public.decode(),
            "client": {**app, "private_key": secret.decode()},
        }

    # -- what the kernel asks -----------------------------------------------------------------

    def routes(self) -> list[Route]:
        return self._routes

    def _make_routes(self) -> list[Route]:
        kind = f"{_DATA}/sobjects/{{kind}}"
        record, external = f"{kind}/{{id}}", f"{kind}/{{field}}/{{value}}"
        return [
            Route("POST", "/services/oauth2/token", "oauth.token", self._token),
            Route("POST", "/services/oauth2/revoke", "oauth.revoke", self._revoke),
            Route("GET", "/services/data", "versions", self._versions),
            Route("GET", _DATA, "resources", self._resources),
            Route("GET", f"{_DATA}/limits", "limits", self._limits),
            Route("GET", f"{_DATA}/query", "query", self._query),
            Route("GET", f"{_DATA}/query/{{locator}}", "query.more", self._query_more),
            Route("POST", f"{_DATA}/composite", "composite", self._whole(self._composite)),
            Route("GET", f"{_DATA}/sobjects", "sobjects", self._sobjects),
            Route("GET", f"{kind}/describe", "sobject.describe", self._describe),
            Route("POST", kind, "sobject.create", self._whole(self._create)),
            Route("GET", record, "sobject.read", self._read),
            Route("PATCH", record, "sobject.update", self._whole(self._update)),
            Route("DELETE", record, "sobject.delete", self._whole(self._delete)),
            Route("GET", external, "sobject.read_external", self._read_external),
            Route("PATCH", external, "sobject.upsert", self._whole(self._upsert)),
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
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        with self._lock:
            ends = self._sessions.get(token, 0)
        if scheme not in ("Bearer", "OAuth") or ends <= time.monotonic():
            raise _denied(401, "INVALID_SESSION_ID", "Session expired or invalid")
        version = call.params.get("version", "")
        if not _SPOKEN.fullmatch(version):
            raise _denied(404, "NOT_FOUND", "The requested resource does not exist")

    def too_many(self, retry_after_s: float | None) -> Answer:
        """The org's limit is a 403 here, as Salesforce says it."""
        headers = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
        words = "TotalRequests Limit exceeded."
        return Answer(403, _errors("REQUEST_LIMIT_EXCEEDED", words), headers)

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
        return Answer(status, _errors(code, words))

    def revoke_tokens(self) -> None:
        with self._lock:
            self._sessions.clear()

    # -- what people do in the org --------------------------------------------------------------

    def plant(self, kind: str, body: dict[str, Any]) -> Record:
        """A relationship may be given as {"Product2": {"Name": "Consultant"}}: the first record
        that fits is meant, or a new one. Raises `Deny` as the API does."""
        found = self._object(kind)
        with self.books.transaction():
            values = {**self._defaults(found), **self._with_parents(found, body)}
            id = values.pop("Id", None)
            self._check(found, values, by_a_person=True)
            return self._insert(found, values, id=id)

    def amend(self, kind: str, id: str, changes: dict[str, Any]) -> Record:
        found = self._object(kind)
        with self.books.transaction():
            values = self._with_parents(found, changes)
            self._check(found, values, by_a_person=True, changing=True)
            return self._change(found, with_check(id), values)

    def discard(self, kind: str, id: str) -> None:
        self._remove(self._object(kind), with_check(id))

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

    def _defaults(self, found: SObject) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if "CurrencyIsoCode" in found.fields:
            values["CurrencyIsoCode"] = self.settings.get("default_currency", "EUR")
        if found.name == "Opportunity":
            today = datetime.now(UTC).date().isoformat()
            values |= {"StageName": "Prospecting", "CloseDate": today}
        return values

    # -- sign-in --------------------------------------------------------------------------------

    def _token(self, call: Call) -> Answer:
        form = call.form()
        if form.get("grant_type") != _GRANT:
            return _oauth("unsupported_grant_type", "grant type not supported")
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                self.settings["public_key"],
                algorithms=["RS256"],
                audience=self.settings.get("audience", "https://login.salesforce.com"),
                options={"require": ["iss", "sub", "aud", "exp"]},
            )
        except jwt.InvalidAudienceError:
            return _oauth("invalid_grant", "audience is invalid")
        except jwt.ExpiredSignatureError:
            return _oauth("invalid_grant", "expired authorization code")
        except jwt.PyJWTError:
            return _oauth("invalid_grant", "invalid assertion")
        if claims["iss"] != self.settings["consumer_key"]:
            return _oauth("invalid_client_id", "client identifier invalid")
        if claims["sub"] != self.settings["username"]:
            return _oauth("invalid_grant", "user hasn't approved this consumer")
        if claims["exp"] > time.time() + _LONGEST_ASSERTION_S:
            return _oauth("invalid_grant", "invalid assertion")
        token = f"{self._org}!{secrets.token_urlsafe(48)}"
        with self._lock:
            self._sessions[token] = time.monotonic() + self.settings.get("session_s", 7200)
        host = f"http://{call.headers.get('host', 'localhost')}"
        return Answer(
            200,
            {
                "access_token": token,
                "scope": "api",
                "instance_url": host,
                "id": f"{host}/id/{self._org}/{record_id('005', 1)}",
                "token_type": "Bearer",
            },
        )

    def _revoke(self, call: Call) -> Answer:
        with self._lock:
            self._sessions.pop(call.form().get("token", ""), None)
        return Answer(200)

    # -- about the org --------------------------------------------------------------------------

    def _versions(self, call: Call) -> Answer:
        rows = [
            {"label": f"Version {n}", "url": f"/services/data/v{n}.0", "version": f"{n}.0"}
            for n in range(60, 65)
        ]
        return Answer(200, rows)

    def _resources(self, call: Call) -> Answer:
        names = ("composite", "limits", "query", "sobjects")
        root = f"/services/data/{call.params['version']}"
        return self._ok({name: f"{root}/{name}" for name in names})

    def _limits(self, call: Call) -> Answer:
        most = self.settings.get("daily_limit", 100_000)
        left = {"Max": most, "Remaining": max(0, most - self._used)}
        return self._ok({"DailyApiRequests": left})

    def _sobjects(self, call: Call) -> Answer:
        rows = [{"name": one.name, "keyPrefix": one.prefix} for one in self._objects.values()]
        return self._ok({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": rows})

    def _describe(self, call: Call) -> Answer:
        found = self._object(call.params["kind"])
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
        return self._ok({"name": found.name, "keyPrefix": found.prefix, "fields": fields})

    def _ok(self, body: Any, status: int = 200, **headers: str) -> Answer:
        most = self.settings.get("daily_limit", 100_000)
        with self._lock:
            self._used += 1
            used = self._used
        return Answer(status, body, {"sforce-limit-info": f"api-usage={used}/{most}", **headers})

    # -- records --------------------------------------------------------------------------------

    def _create(self, call: Call) -> Answer:
        found = self._object(call.params["kind"])
        values = self._body(call)
        self._check(found, values)
        record = self._insert(found, {**self._currency(found), **values}, call=call)
        where = f"/services/data/{call.params['version']}/sobjects/{found.name}/{record.id}"
        return self._ok({"id": record.id, "success": True, "errors": []}, 201, location=where)

    def _read(self, call: Call) -> Answer:
        found = self._object(call.params["kind"])
        return self._ok(self._shown(call, found, self._record(found, call.params["id"])))

    def _update(self, call: Call) -> Answer:
        found = self._object(call.params["kind"])
        record = self._record(found, call.params["id"])
        values = self._body(call)
        self._check(found, values, changing=True)
        self._change(found, record.id, values, call=call)
        return self._ok(None, 204)

    def _delete(self, call: Call) -> Answer:
        found = self._object(call.params["kind"])
        self._remove(found, self._record(found, call.params["id"]).id, call=call)
        return self._ok(None, 204)

    def _read_external(self, call: Call) -> Answer:
        found, _, same = self._by_external(call)
        if not same:
            raise _gone()
        return self._one_of(call, found, same) or self._ok(self._shown(call, found, same[0]))

    def _upsert(self, call: Call) -> Answer:
        found, name, same = self._by_external(call)
        if several := self._one_of(call, found, same):
            return several
        values = self._body(call)
        if name in values:
            words = f"The {name} field should not be specified in the sobject data."
            raise _denied(400, "INVALID_FIELD", words)
        self._check(found, values, changing=bool(same))
        if same:
            self._change(found, same[0].id, values, call=call)
            return self._ok({"id": same[0].id, "success": True, "errors": [], "created": False})
        values[name] = call.params["value"]
        record = self._insert(found, {**self._currency(found), **values}, call=call)
        return self._ok({"id": record.id, "success": True, "errors": [], "created": True}, 201)

    def _by_external(self, call: Call) -> tuple[SObject, str, list[Record]]:
        found = self._object(call.params["kind"])
        spelt = found.named(call.params["field"])
        if spelt is None or not (spelt[1].external or spelt[0] == "Id"):
            words = "Provided external ID field does not exist or is not accessible: "
            raise _denied(404, "NOT_FOUND", words + call.params["field"])
        value = call.params["value"].casefold()
        same = self.books.list(
            found.name, lambda r: str(r.body.get(spelt[0]) or "").casefold() == value
        )
        return found, spelt[0], same

    def _one_of(self, call: Call, found: SObject, same: list[Record]) -> Answer | None:
        """300 with the addresses of all, where an external id names more than one record."""
        if len(same) < 2:
            return None
        root = f"/services/data/{call.params['version']}/sobjects/{found.name}"
        return self._ok([f"{root}/{record.id}" for record in same], 300)

    def _shown(self, call: Call, found: SObject, record: Record) -> dict[str, Any]:
        asked = call.query.get("fields")
        names = asked.split(",") if asked else list(found.fields)
        version = call.params["version"]
        return self._row(version, found, record, tuple(name.strip() for name in names))

    def _object(self, name: str) -> SObject:
        found = self._objects.get(name.lower())
        if found is None:
            raise _denied(404, "NOT_FOUND", "The requested resource does not exist")
        return found

    def _record(self, found: SObject, id: str) -> Record:
        if not re.fullmatch(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", id):
            raise _denied(400, "MALFORMED_ID", f"{found.name} ID: id value of incorrect type: {id}")
        record = self.books.read(found.name, with_check(id))
        if record is None:
            raise _gone()
        return record

    def _body(self, call: Call) -> dict[str, Any]:
        body = call.json()
        if not isinstance(body, dict):
            raise _denied(400, "JSON_PARSER_ERROR", "The HTTP entity body is required.")
        values = cast("dict[str, Any]", body)
        return {name: value for name, value in values.items() if name != "attributes"}

    def _currency(self, found: SObject) -> dict[str, Any]:
        if "CurrencyIsoCode" not in found.fields:
            return {}
        return {"CurrencyIsoCode": self.settings.get("default_currency", "EUR")}

    def _check(
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
                raise _denied(400, "INVALID_FIELD", words)
            if kind.fixed and not by_a_person:
                words = f"Unable to create/update fields: {name}."
                raise _denied(400, "INVALID_FIELD_FOR_INSERT_UPDATE", words, name)
            if not fits(value, kind):
                words = f"Cannot deserialize instance of {kind.type} from {value!r}"
                raise _denied(400, "JSON_PARSER_ERROR", words, name)
            if isinstance(value, str) and len(value) > kind.length:
                words = f"{name}: data value too large (max length={kind.length})"
                raise _denied(400, "STRING_TOO_LONG", words, name)
            if kind.to and value is not None:
                if self.books.read(kind.to, with_check(str(value))) is None:
                    words = "invalid cross reference id"
                    raise _denied(400, "INVALID_CROSS_REFERENCE_KEY", words, name)
                values[name] = with_check(str(value))
        missing = [
            name
            for name, kind in found.fields.items()
            if kind.required and (name in values or not changing) and values.get(name) in (None, "")
        ]
        if missing:
            words = f"Required fields are missing: [{', '.join(missing)}]"
            raise _denied(400, "REQUIRED_FIELD_MISSING", words, *missing)

    def _insert(
        self,
        found: SObject,
        values: dict[str, Any],
        *,
        id: str | None = None,
        call: Call | None = None,
    ) -> Record:
        number = self.books.next_id(found.name)
        if found.name == "Contract":
            values = {"ContractNumber": f"{number:08d}", "Status": "Draft", **values}
        values = self._computed(found, {}, values)
        key = next((values[n] for n, f in found.fields.items() if f.external and n in values), None)
        new_id = with_check(id) if id else record_id(found.prefix, number)
        record = self.books.create(found.name, values, id=new_id, key=key)
        self._announce("CREATE", found, record, list(values), call)
        return record

    def _change(
        self, found: SObject, id: str, values: dict[str, Any], *, call: Call | None = None
    ) -> Record:
        before = self.books.read(found.name, id)
        if before is None:
            raise KeyError(f"{found.name} {id}")
        values = self._computed(found, before.body, values)
        changed = [name for name, value in values.items() if before.body.get(name) != value]
        key = next((values[n] for n, f in found.fields.items() if f.external and n in values), None)
        record = self.books.update(found.name, id, values, key=key)
        if changed:
            self._announce("UPDATE", found, record, changed, call)
        return record

    def _remove(self, found: SObject, id: str, *, call: Call | None = None) -> None:
        before = self.books.read(found.name, id)
        if before is None:
            raise KeyError(f"{found.name} {id}")
        self.books.remove(found.name, id)
        self._announce("DELETE", found, before, [], call)

    def _computed(
        self, found: SObject, before: Mapping[str, Any], values: dict[str, Any]
    ) -> dict[str, Any]:
        """What Salesforce derives: the stage's flags, a line's total, a contract's end."""
        after = {**before, **values}
        if found.name == "Opportunity" and "StageName" in values:
            won, closed, probability = _STAGES.get(str(values["StageName"]), _OPEN_STAGE)
            values = {"Probability": probability, **values, "IsWon": won, "IsClosed": closed}
        if found.name == "OpportunityLineItem" and after.get("UnitPrice") is not None:
            values = {**values, "TotalPrice": after["UnitPrice"] * after["Quantity"]}
        if found.name == "Contract" and values.get("ContractTerm") and after.get("StartDate"):
            end = _months_later(date.fromisoformat(after["StartDate"]), int(after["ContractTerm"]))
            values = {**values, "EndDate": (end - timedelta(days=1)).isoformat()}
        return values

    def _announce(
        self, change: str, found: SObject, record: Record, changed: list[str], call: Call | None
    ) -> None:
        """A Change Data Capture event; a create has every field, an update those that changed."""
        if found.name not in _EVENTS:
            return
        now = datetime.now(UTC)
        fields = {name: record.body.get(name) for name in changed}
        header = {
            "entityName": found.name,
            "recordIds": [record.id],
            "changeType": change,
            "changeOrigin": _origin(call),
            "transactionKey": str(uuid.uuid4()),
            "sequenceNumber": 1,
            "commitTimestamp": int(now.timestamp() * 1000),
            "commitNumber": time.time_ns() // 1000,
            "commitUser": record_id("005", 1),
            "nulledFields": [name for name, value in fields.items() if value is None],
            "diffFields": [],
            "changedFields": [*changed, "LastModifiedDate"] if change == "UPDATE" else [],
        }
        self.push(
            {
                "schema": "IeRuaY6cbI_HsV8Rv1Mc5g",
                "payload": {
                    "ChangeEventHeader": header,
                    **fields,
                    "LastModifiedDate": _iso(record.modified_at),
                },
                "event": {"replayId": next(self._replay)},
            }
        )

    # -- queries --------------------------------------------------------------------------------

    def _query(self, call: Call) -> Answer:
        text = call.query.get("q", "")
        try:
            query = soql.parse(text)
        except soql.Malformed as bad:
            raise _denied(400, "MALFORMED_QUERY", str(bad)) from bad
        found = self._source(query.source)
        rows = self._run(call.params["version"], query, found)
        if query.counts:
            return self._ok({"totalSize": len(rows), "done": True, "records": []})
        return self._page(call.params["version"], "", rows, 0)

    def _query_more(self, call: Call) -> Answer:
        locator, _, start = call.params["locator"].rpartition("-")
        with self._lock:
            rows = self._queries.get(locator)
        if rows is None or not start.isdigit() or not 0 < int(start) < len(rows):
            raise _denied(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call.params["version"], locator, rows, int(start))

    def _page(self, version: str, locator: str, rows: list[dict[str, Any]], start: int) -> Answer:
        end = start + int(self.settings.get("batch_size", 2000))
        body: dict[str, Any] = {"totalSize": len(rows), "done": end >= len(rows)}
        if end < len(rows):
            locator = locator or f"01g{secrets.token_hex(6)}AAA"
            with self._lock:
                self._queries[locator] = rows
                while len(self._queries) > _OPEN_QUERIES:
                    self._queries.popitem(last=False)
            body["nextRecordsUrl"] = f"/services/data/{version}/query/{locator}-{end}"
        return self._ok({**body, "records": rows[start:end]})

    def _source(self, name: str) -> SObject:
        found = self._objects.get(name.lower())
        if found is None:
            raise _denied(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found

    def _run(
        self, version: str, query: soql.Query, found: SObject, parent: tuple[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """The rows of a query; `parent` narrows a child subquery to (its field, the id)."""
        for test in soql.paths_of(query.where):
            self._check_test(found, test)
        for name in (*query.fields, *(rule.path for rule in query.order)):
            self._kind_of(found, name)
        known: dict[int, list[Any]] = {}  # what each semi-join found; it is asked once

        def inner(query: soql.Query) -> list[Any]:
            if id(query) not in known:
                known[id(query)] = self._inner(version, query)
            return known[id(query)]

        def wanted(record: Record) -> bool:
            if parent is not None and record.body.get(parent[0]) != parent[1]:
                return False
            return soql.holds(
                query.where, lambda path: self._value(found, record, path), inner, constant
            )

        def constant(path: str, literal: Any) -> Any:
            is_id = isinstance(literal, str) and self._kind_of(found, path).type in _IDS
            return with_check(literal) if is_id else literal

        ids = _ids_asked(query.where, inner)
        if ids is None:
            records = self.books.list(found.name, wanted)
        else:
            read = [self.books.read(found.name, id) for id in dict.fromkeys(ids)]
            records = [record for record in read if record and wanted(record)]
        by_id = {record.id: record for record in records}
        ordered = soql.in_order(
            [{"Id": record.id} for record in records],
            query.order,
            lambda row, path: self._value(found, by_id[row["Id"]], path),
        )
        end = None if query.limit is None else query.offset + query.limit
        chosen = [by_id[row["Id"]] for row in ordered][query.offset : end]
        return [
            self._row(version, found, record, query.fields, query.children) for record in chosen
        ]

    def _inner(self, version: str, query: soql.Query) -> list[Any]:
        """The values of a semi-join: one field, an id or a reference."""
        found = self._source(query.source)
        if len(query.fields) != 1 or self._kind_of(found, query.fields[0]).type not in _IDS:
            raise _denied(400, "MALFORMED_QUERY", "semi join sub-selects select one id field")
        name = query.fields[0]
        spelt = found.named(name)
        return [row[spelt[0] if spelt else name] for row in self._run(version, query, found)]

    def _check_test(self, found: SObject, test: soql.Asks) -> None:
        kind = self._kind_of(found, test.path)
        if isinstance(test.value, soql.Query):
            return
        values = test.value if isinstance(test.value, tuple) else (test.value,)
        for value in values:
            if value is None:
                continue
            if not _comparable(value, kind):
                words = f"value of filter criterion for field '{test.path}' must be of type "
                raise _denied(400, "INVALID_FIELD", f"{words}{kind.type}")

    def _kind_of(self, found: SObject, path: str) -> Field:
        """The type behind a path, which may climb to parents."""
        *parents, name = path.split(".")
        for via in parents:
            parent = found.parent(via)
            if parent is None:
                words = f"Didn't understand relationship '{via}' in field path."
                raise _denied(400, "INVALID_FIELD", words)
            found = self._objects[parent[1].to.lower()]
        spelt = found.named(name)
        if spelt is None:
            words = f"No such column '{name}' on entity '{found.name}'."
            raise _denied(400, "INVALID_FIELD", words)
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
            at = self.books.read(found.name, str(at.body.get(parent[0])))
        spelt = found.named(name)
        if spelt is None or at is None:
            return None
        value = self._field(spelt[0], at)
        if isinstance(value, str) and spelt[1].type == "date":
            return date.fromisoformat(value)
        if isinstance(value, str) and spelt[1].type == "datetime":
            return datetime.fromisoformat(value)
        return value

    def _row(
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
            self._kind_of(found, name)
            spelt = found.named(name)
            row[spelt[0] if spelt else name] = self._field(spelt[0] if spelt else name, record)
        for via, rest in above.items():
            self._kind_of(found, f"{via}.Id")
            parent = found.parent(via)
            if parent is None:
                continue
            higher = self._objects[parent[1].to.lower()]
            at = self.books.read(higher.name, str(record.body.get(parent[0])))
            row[parent[1].via] = self._row(version, higher, at, tuple(rest)) if at else None
        for child in children:
            row |= self._children(version, found, record, child)
        return row

    def _children(
        self, version: str, found: SObject, record: Record, child: soql.Query
    ) -> dict[str, Any]:
        named = next((n for n in found.children if n.lower() == child.source.lower()), None)
        if named is None:
            words = f"Didn't understand relationship '{child.source}' in FROM part of query call."
            raise _denied(400, "INVALID_TYPE", words)
        kind, field = found.children[named]
        rows = self._run(version, child, self._objects[kind.lower()], (field, record.id))
        return {named: {"totalSize": len(rows), "done": True, "records": rows} if rows else None}

    def _field(self, name: str, record: Record) -> Any:
        match name:
            case "Id":
                return record.id
            case "IsDeleted":
                return False
            case "CreatedDate":
                return _iso(record.created_at)
            case "LastModifiedDate" | "SystemModstamp":
                return _iso(record.modified_at)
            case _:
                return record.body.get(name)

    # -- composites -----------------------------------------------------------------------------

    def _composite(self, call: Call) -> Answer:
        """Each part sees what the parts before it did. With allOrNone, one failure takes back
        all of them."""
        body = self._body(call)
        parts = body.get("compositeRequest")
        if not isinstance(parts, list) or not parts or not all(map(_is_part, _listed(parts))):
            words = "compositeRequest: method, url and referenceId are required"
            raise _denied(400, "JSON_PARSER_ERROR", words)
        asked = cast("list[dict[str, Any]]", parts)
        names = [str(part["referenceId"]) for part in asked]
        queries = sum("/query" in str(part["url"]) for part in asked)
        if len(asked) > _MOST_PARTS or queries > _MOST_QUERIES:
            words = f"at most {_MOST_PARTS} subrequests, of which {_MOST_QUERIES} are queries"
            raise _denied(400, "LIMIT_EXCEEDED", words)
        if len(set(names)) != len(names):
            raise _denied(400, "JSON_PARSER_ERROR", "referenceId values must be unique")
        answers: dict[str, Answer] = {}
        for name, part in zip(names, asked, strict=True):
            answers[name] = self._part(call, part, answers)
        failed = [name for name, answer in answers.items() if answer.status >= 400]
        if failed and body.get("allOrNone") is True:
            halted = "The transaction was rolled back since another operation in the same "
            for name in names:
                if name != failed[0]:
                    errors = _errors("PROCESSING_HALTED", f"{halted}transaction failed.")
                    answers[name] = Answer(400, errors)
            raise Deny(self._ok(_composed(answers)))  # so that the transaction is taken back
        return self._ok(_composed(answers))

    def _part(self, call: Call, part: dict[str, Any], done: dict[str, Answer]) -> Answer:
        try:
            url = str(_filled(part["url"], done))
            body = _filled(part.get("body"), done)
        except KeyError as missing:
            words = f"Invalid reference specified. No value for {missing} found. "
            return Answer(400, _errors("PROCESSING_HALTED", words + "Provide a valid reference."))
        path, _, query = url.partition("?")
        for route in self._routes:
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)
            match = re.fullmatch(pattern, path)
            if match is None or route.method != part["method"] or route.operation == "composite":
                continue
            inside = Call(
                method=route.method,
                path=path,
                params={name: unquote(text) for name, text in match.groupdict().items()},
                query=dict(parse_qsl(query, keep_blank_values=True)),
                headers=call.headers,
                body=simplejson.dumps(body, use_decimal=True).encode(),
                malformed=call.malformed,
            )
            try:
                return route.handler(inside)
            except Deny as denied:
                return denied.answer
        return Answer(404, _errors("NOT_FOUND", "The requested resource does not exist"))


def _errors(code: str, words: str, *fields: str) -> list[dict[str, Any]]:
    error: dict[str, Any] = {"message": words, "errorCode": code}
    return [{**error, "fields": list(fields)} if fields else error]


def _denied(status: int, code: str, words: str, *fields: str) -> Deny:
    return Deny(Answer(status, _errors(code, words, *fields)))


def _gone() -> Deny:
    return _denied(404, "NOT_FOUND", "The requested resource does not exist")


def _oauth(code: str, words: str) -> Answer:
    return Answer(400, {"error": code, "error_description": words})


def _origin(call: Call | None) -> str:
    """Where a change came from; with the client's name, where its call gave one."""
    if call is None:
        return ""
    options = call.headers.get("sforce-call-options", "").replace(" ", "").split(",")
    client = next((option for option in options if option.startswith("client=")), "")
    version = call.params.get("version", "").removeprefix("v")
    return ";".join(filter(None, [f"com/salesforce/api/rest/{version}", client]))


def _iso(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


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


def _listed(value: Any) -> list[Any]:
    return cast("list[Any]", value)


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


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    given = cast("dict[str, Any]", part)
    return all(isinstance(given.get(name), str) for name in ("method", "url", "referenceId"))


def _filled(value: Any, done: Mapping[str, Answer]) -> Any:
    """`@{ref.path}` in texts, replaced by what the part named `ref` answered. Raises KeyError."""
    match value:
        case str():
            return _REFERENCE.sub(lambda match: _referred(match[1], done), value)
        case dict():
            return {n: _filled(v, done) for n, v in cast("dict[str, Any]", value).items()}
        case list():
            return [_filled(one, done) for one in cast("list[Any]", value)]
        case _:
            return value


def _referred(path: str, done: Mapping[str, Answer]) -> str:
    name, *steps = re.findall(r"[^.\[\]]+", path)
    at: Any = done[name].body if name in done else None
    for step in steps:
        if isinstance(at, list) and step.isdigit() and int(step) < len(cast("list[Any]", at)):
            at = cast("list[Any]", at)[int(step)]
        elif isinstance(at, dict):
            at = cast("dict[str, Any]", at).get(step)
        else:
            at = None
    if at is None:
        raise KeyError(path)
    return str(at)


def _composed(answers: Mapping[str, Answer]) -> dict[str, Any]:
    return {
        "compositeResponse": [
            {
                "body": answer.body,
                "httpHeaders": {n: v for n, v in answer.headers.items() if n == "location"},
                "httpStatusCode": answer.status,
                "referenceId": name,
            }
            for name, answer in answers.items()
        ]
    }
