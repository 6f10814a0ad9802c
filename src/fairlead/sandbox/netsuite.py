"""The NetSuite dialect: SuiteTalk REST web services, as far as Fairlead uses them.

Records with external ids and upsert, collections with filters, SuiteQL, sign-in by a signed
assertion, and refusals in Oracle's form. Written from
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/book_1559132836.html
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fairlead.sandbox.books import Books, DuplicateKey, Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route
from fairlead.sandbox.netsuite_fields import Invalid, Lines, Reference, checked, merged
from fairlead.sandbox.netsuite_filters import parse_filter
from fairlead.sandbox.netsuite_furniture import CHOSEN, furnish
from fairlead.sandbox.netsuite_records import NAMES, TYPES
from fairlead.sandbox.netsuite_rules import Rules
from fairlead.sandbox.netsuite_suiteql import BadQuery, parse
from fairlead.sandbox.netsuite_tables import Tables
from fairlead.sandbox.netsuite_transaction_types import TRANSACTION_TYPES

_RECORDS = "/services/rest/record/v1"
_SIGN_IN = "/services/rest/auth/oauth2/v1/token"
_ALGORITHMS = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
_TOKEN_LIFE_S = 3600
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_RFC2616 = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
_TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 412: "Precondition Failed",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
#: Types whose internal ids are numbered as one, as NetSuite numbers its entities.
_ENTITIES = ("customer", "job", "vendor", "employee")


class NetSuite(Dialect):
    """One account. Settings: `account`, `client_id`, `certificates` (id → public key, PEM) and,
    where other internal ids of segments are wanted than 1 to 20, `segments` (record type → ids),
    where other tax codes are, `tax_codes` (name → percent).

    A person pays an invoice by planting a `customerPayment`: what it leaves out (payer, amount)
    follows from the invoices that it names. One that is removed is taken back. An amendment
    `{"voided": true}` voids a transaction.
    """

    vendor: ClassVar[str] = "netsuite"

    def __init__(
        self,
        system: str,
        books: Books,
        settings: Mapping[str, Any],
        push: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__(system, books, settings, push)
        self._rules = Rules(books)
        self._tables = Tables(books)
        self._tokens: dict[str, float] = {}  # token → when it ends, Unix seconds

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        account, client_id = "TSTDRV1234567", secrets.token_hex(32)
        certificate_id = secrets.token_urlsafe(32)
        return {
            "account": account,
            "client_id": client_id,
            "certificates": {certificate_id: public.decode()},
            "client": {
                "account": account,
                "client_id": client_id,
                "certificate_id": certificate_id,
                "private_key": private.decode(),
                **CHOSEN,
            },
        }

    def furnish(self) -> None:
        furnish(self.plant, self.settings)

    def routes(self) -> list[Route]:
        one = f"{_RECORDS}/{{kind}}/{{id}}"
        return [
            Route("POST", _SIGN_IN, "token", self._sign_in),
            Route("POST", "/services/rest/query/v1/suiteql", "suiteql", self._suiteql, reads=True),
            Route("GET", f"{_RECORDS}/{{kind}}", "record.list", self._list),
            Route("POST", f"{_RECORDS}/{{kind}}", "record.create", self._create),
            Route("GET", one, "record.read", self._read),
            Route("PUT", one, "record.upsert", self._upsert),
            Route("PATCH", one, "record.update", self._update),
            Route("DELETE", one, "record.delete", self._delete),
        ]

    def plant(self, kind: str, body: dict[str, Any]) -> Record:
        """Any record type, its body as REST takes it; an address is a line of `addressBook`."""
        kind = _kind(kind)
        given = self._tables.paying(body) if kind == "customerPayment" else dict(body)
        id = given.pop("id", None)
        if id is not None and self._entity(kind, str(id)):
            raise Deny(_taken())
        return self._added(kind, given, id=None if id is None else str(id))

    def amend(self, kind: str, id: str, changes: dict[str, Any]) -> Record:
        kind = _kind(kind)
        record = self.books.read(kind, id)
        if record is None:
            raise KeyError(id)
        if changes == {"voided": True}:
            try:
                return self._rules.transactions.void(kind, id)
            except Invalid as bad:
                raise Deny(_invalid(bad)) from bad
        return self._changed(record, changes, replace=",".join(TYPES[kind].fields))

    def discard(self, kind: str, id: str) -> None:
        kind = _kind(kind)
        if (record := self.books.read(kind, id)) is None:
            raise KeyError(id)
        self._removed(record)

    def revoke_tokens(self) -> None:
        self._tokens.clear()

    # Sign-in

    def authenticate(self, call: Call, route: Route) -> None:
        if route.operation == "token":
            return
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._tokens.get(token, 0) < time.time():
            detail = (
                "Invalid login attempt. For more details, see the Login Audit Trail in the"
                " NetSuite UI at Setup > Users/Roles > User Management > View Login Audit Trail."
            )
            raise Deny(_problem(401, detail, "INVALID_LOGIN"))

    def _sign_in(self, call: Call) -> Answer:
        form = call.form()
        if form.get("grant_type") != "client_credentials":
            raise Deny(Answer(400, {"error": "unsupported_grant_type"}))
        if form.get("client_assertion_type") != _ASSERTION or "client_assertion" not in form:
            raise Deny(Answer(400, {"error": "invalid_request"}))
        self._prove(form["client_assertion"], call.headers.get("host", ""))
        token = secrets.token_urlsafe(48)
        self._tokens[token] = time.time() + _TOKEN_LIFE_S
        granted = {"access_token": token, "expires_in": str(_TOKEN_LIFE_S), "token_type": "Bearer"}
        return Answer(200, granted)

    def _prove(self, assertion: str, host: str) -> None:
        """Raises `Deny` unless the assertion is signed with a certificate of this account."""
        refused = Deny(Answer(400, {"error": "invalid_grant"}))
        try:
            certificate = str(jwt.get_unverified_header(assertion).get("kid"))
            key = cast("Mapping[str, str]", self.settings["certificates"]).get(certificate)
            if key is None:
                raise refused
            here = f"{host}/{self.system}{_SIGN_IN}"
            claims = jwt.decode(
                assertion,
                key,
                algorithms=_ALGORITHMS,
                audience=[f"http://{here}", f"https://{here}"],
                issuer=str(self.settings["client_id"]),
                options={"require": ["iss", "aud", "exp", "iat", "scope"]},
            )
        except jwt.PyJWTError as bad:
            raise refused from bad
        scope = cast("list[str] | str", claims["scope"])
        scopes = scope.replace(",", " ").split() if isinstance(scope, str) else scope
        if "rest_webservices" not in scopes or claims["exp"] - claims["iat"] > 3600:
            raise refused

    # Records

    def _create(self, call: Call) -> Answer:
        kind = _kind(call.params["kind"])
        record = self._added(kind, _body(call))
        return self._written(call, record)

    def _upsert(self, call: Call) -> Answer:
        kind, address = _kind(call.params["kind"]), call.params["id"]
        if not address.startswith("eid:"):
            why = "The upsert operation is only allowed with an external ID."
            raise Deny(_problem(400, why, "INVALID_REQUEST", o_urlPath=kind))
        external = address.removeprefix("eid:")
        body = {**_body(call), "externalId": external}
        with self.books.transaction():  # two upserts at once must not both find nothing
            known = self.books.find(kind, key=external)
            if not known:
                return self._written(call, self._added(kind, body))
            replace = call.query.get("replace", "")
            return self._written(call, self._changed(known[0], body, replace))

    def _update(self, call: Call) -> Answer:
        with self.books.transaction():  # what was read stays so until it is changed
            record = self._found(call)
            changed = self._changed(record, _body(call), call.query.get("replace", ""))
        return self._written(call, changed)

    def _delete(self, call: Call) -> Answer:
        record = self._found(call)
        try:
            self._rules.transactions.may_be_removed(record)
        except Invalid as bad:
            raise Deny(_invalid(bad)) from bad
        self._removed(record)
        return Answer(204)

    def _read(self, call: Call) -> Answer:
        record = self._found(call)
        expand = call.query.get("expandSubResources", "") == "true"
        return Answer(200, self._shown(call, record, expand=expand))

    def _list(self, call: Call) -> Answer:
        kind = _kind(call.params["kind"])
        limit, offset = _paging(call)
        try:
            fits = parse_filter(kind, call.query["q"]) if "q" in call.query else None
        except BadQuery as bad:
            answer = _problem(400, str(bad), "INVALID_PARAMETER", o_errorQueryParam="q")
            raise Deny(answer) from bad
        found = self.books.list(kind, fits)
        items = [
            {"links": [_link("self", _address(call, self.system, record))], "id": record.id}
            for record in found[offset : offset + limit]
        ]
        return Answer(200, _page(items, offset, len(found)))

    def _found(self, call: Call) -> Record:
        kind, address = _kind(call.params["kind"]), call.params["id"]
        if address.startswith("eid:"):
            known = self.books.find(kind, key=address.removeprefix("eid:"))
            record = known[0] if known else None
        else:
            record = self.books.read(kind, address)
        if record is None:
            why = "The record instance does not exist. Provide a valid record instance ID."
            raise Deny(_problem(404, why, "NONEXISTENT_ID", o_urlPath=f"{kind}/{address}"))
        return record

    def _added(self, kind: str, body: dict[str, Any], *, id: str | None = None) -> Record:
        record_type = TYPES[kind]
        given = self._checked(kind, body)
        whole = {**record_type.defaults, **{k: v for k, v in given.items() if v is not None}}
        id = id or self._free_id(kind)
        if "entityId" in record_type.fields:
            whole.setdefault("entityId", f"{kind[0].upper()}{id}")  # numbered by the account
        whole = merged(record_type, {}, whole, "")
        with self._written_whole():
            self._finish(kind, whole, id)
            external = whole.get("externalId")
            record = self.books.create(kind, whole, id=id, key=external, unique_key=True)
            self._rules.transactions.written(kind, whole)
        return record

    def _changed(self, record: Record, changes: dict[str, Any], replace: str) -> Record:
        given = self._checked(record.kind, changes)
        try:
            whole = merged(TYPES[record.kind], record.body, given, replace)
        except Invalid as bad:
            raise Deny(_invalid(bad)) from bad
        with self._written_whole():
            self._finish(record.kind, whole, record.id)
            if record.kind in TRANSACTION_TYPES and whole == record.body:
                return record
            changed = self.books.update(
                record.kind,
                record.id,
                whole,
                replace=True,
                key=whole.get("externalId"),
                unique_key=True,
            )
            self._rules.transactions.written(record.kind, record.body, whole)
        return changed

    def _removed(self, record: Record) -> None:
        with self._written_whole():
            self.books.remove(record.kind, record.id)
            self._rules.transactions.touch([record.body])
            self._rules.transactions.written(record.kind, record.body)

    @contextmanager
    def _written_whole(self) -> Generator[None]:
        """A record and what follows from it, or neither. Raises `Deny`."""
        try:
            with self.books.transaction():
                yield
        except BaseException as failed:
            self._rules.transactions.forget_numbers()
            if isinstance(failed, DuplicateKey):
                raise Deny(_taken()) from failed
            raise

    def _checked(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return checked(TYPES[kind].fields, body, self._exists)
        except Invalid as bad:
            raise Deny(_invalid(bad)) from bad

    def _finish(self, kind: str, body: dict[str, Any], id: str) -> None:
        """Fill in what NetSuite fills in. Raises `Deny` for what it refuses of a whole record."""
        try:
            self._rules.finish(kind, body, id)
        except Invalid as bad:
            raise Deny(_invalid(bad)) from bad
        if any(self._repeats(kind, name, body.get(name), id) for name in TYPES[kind].unique):
            raise Deny(_taken())

    def _free_id(self, kind: str) -> str:
        if kind in TRANSACTION_TYPES:
            return str(self.books.next_id("transaction"))
        if kind not in _ENTITIES:
            return str(self.books.next_id(kind))
        while self._entity(kind, id := str(self.books.next_id("entity"))):
            pass  # a person has planted one under this number
        return id

    def _entity(self, kind: str, id: str) -> bool:
        """Whether an entity of any type has this internal id already."""
        return kind in _ENTITIES and any(self._exists(other, id) for other in _ENTITIES)

    def _repeats(self, kind: str, name: str, value: Any, id: str) -> bool:
        """Whether another record has this value in a field that no two may share."""
        return bool(self.books.list(kind, lambda one: one.id != id and one.body.get(name) == value))

    def _exists(self, kind: str, id: str) -> bool:
        return self.books.read(kind, id) is not None

    def _written(self, call: Call, record: Record) -> Answer:
        return Answer(204, headers={"Location": _address(call, self.system, record)})

    def _shown(self, call: Call, record: Record, *, expand: bool) -> dict[str, Any]:
        here = _address(call, self.system, record)
        shown: dict[str, Any] = {"links": [_link("self", here)], "id": record.id}
        for name, value in record.body.items():
            kind = TYPES[record.kind].fields[name]
            if isinstance(kind, Lines):
                lines = value["items"]
                page = _page(lines, 0, len(lines)) if expand else {}
                shown[name] = {**page, "links": [_link("self", f"{here}/{name}")]}
            elif isinstance(kind, Reference):
                shown[name] = self._reference(call, kind.kinds, value["id"])
            else:
                shown[name] = value
        shown["createdDate"] = record.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        shown.setdefault("lastModifiedDate", record.modified_at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return shown

    def _reference(self, call: Call, kinds: tuple[str, ...], id: str) -> dict[str, Any]:
        target = next((one for kind in kinds if (one := self.books.read(kind, id))), None)
        if target is None:
            return {"links": [], "id": id}
        name = target.body.get("companyName") or target.body.get("name") or id
        return {
            "links": [_link("self", _address(call, self.system, target))],
            "id": id,
            "refName": name,
        }

    # SuiteQL

    def _suiteql(self, call: Call) -> Answer:
        if "transient" not in call.headers.get("prefer", ""):
            why = "The required request header 'Prefer' is missing or its value is invalid."
            raise Deny(_problem(400, why, "INVALID_HEADER", o_errorHeader="Prefer"))
        limit, offset = _paging(call)
        body = _body(call)
        if set(body) != {"q"} or not isinstance(body["q"], str):
            why = "Invalid content in the request body."
            raise Deny(_problem(400, why, "INVALID_CONTENT", o_errorPath="q"))
        try:
            query = parse(body["q"])
            known, rows = self._tables.table(query.table)
            if unknown := sorted(query.used - known):
                raise BadQuery(f"Field '{unknown[0]}' for record '{query.table}' was not found.")
            found = query.run(rows)
        except BadQuery as bad:
            why = "Invalid search query. Detailed unprocessed description follows."
            detail = f"{why} Search error occurred: {bad}"
            raise Deny(_problem(400, detail, "INVALID_PARAMETER", o_errorQueryParam="q")) from bad
        no_links: list[dict[str, str]] = []
        items = [{"links": no_links, **row} for row in found[offset : offset + limit]]
        return Answer(200, _page(items, offset, len(found)))

    # Refusals of the kernel

    def too_many(self, retry_after_s: float | None) -> Answer:
        why = "Concurrent request limit exceeded. Request blocked."
        answer = _problem(429, why, "CONCURRENCY_LIMIT_EXCEEDED")
        wait = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
        return Answer(answer.status, answer.body, wait)

    def broken(self, status: int) -> Answer:
        if status < 500:
            return _problem(status, _TITLES.get(status, "Refused"), "USER_ERROR")
        why = "An unexpected error occurred. Error ID: lq1x2nh81kx4ss6vdlnlb"
        return _problem(status, why, "UNEXPECTED_ERROR")

    def malformed(self) -> Answer:
        return _problem(400, "Invalid content in the request body.", "INVALID_CONTENT")

    def unknown_path(self, call: Call) -> Answer:
        return _problem(404, "Page not found.", "INVALID_REQUEST", o_urlPath=call.path)


def _kind(name: str) -> str:
    """Raises `Deny` where there is no such record type."""
    if name.lower() not in NAMES:
        why = f"Record type '{name}' does not exist."
        raise Deny(_problem(404, why, "INVALID_REQUEST", o_urlPath=name))
    return NAMES[name.lower()]


def _body(call: Call) -> dict[str, Any]:
    body = call.json()
    if not isinstance(body, dict):
        raise Deny(_problem(400, "Invalid content in the request body.", "INVALID_CONTENT"))
    return cast("dict[str, Any]", body)


def _problem(status: int, detail: str, code: str, **where: str) -> Answer:
    """`where` is one of Oracle's ways to point at a fault, such as `o_errorPath`."""
    pointers = {name.replace("o_", "o:", 1): value for name, value in where.items() if value}
    body = {
        "type": _RFC2616,
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "o:errorDetails": [{"detail": detail, **pointers, "o:errorCode": code}],
    }
    return Answer(status, body)


def _invalid(bad: Invalid) -> Answer:
    return _problem(400, bad.detail, bad.code, o_errorPath=bad.path)


def _taken() -> Answer:
    why = "Error while accessing a resource. This entity already exists."
    return _problem(400, why, "USER_ERROR")


def _link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href}


def _address(call: Call, system: str, record: Record) -> str:
    host = call.headers.get("host", "localhost")
    return f"http://{host}/{system}{_RECORDS}/{record.kind}/{record.id}"


def _paging(call: Call) -> tuple[int, int]:
    """Limit and offset. https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545222128.html"""
    try:
        limit = int(call.query.get("limit", "1000"))
        offset = int(call.query.get("offset", "0"))
    except ValueError as bad:
        why = "Invalid value for a query parameter. Provide a valid integer."
        raise Deny(_problem(400, why, "INVALID_PARAMETER", o_errorQueryParam="limit")) from bad
    if not 1 <= limit <= 1000 or offset < 0 or offset % limit:
        why = "The limit is from 1 to 1000, and the offset must be divisible by it."
        raise Deny(_problem(400, why, "INVALID_PARAMETER", o_errorQueryParam="offset"))
    return limit, offset


def _page(items: list[Any], offset: int, total: int) -> dict[str, Any]:
    return {
        "links": [],
        "count": len(items),
        "hasMore": offset + len(items) < total,
        "items": items,
        "offset": offset,
        "totalResults": total,
    }
