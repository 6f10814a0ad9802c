"""Records and queries of one account, as its REST web services offer them.

Errors: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156570709583.html
Upsert: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156335203191.html
External ids: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156334828635.html
SuiteQL: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157909186990.html
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr, ValidationError

from fairlead.connectors.kit.http import Http, Reply
from fairlead.errors import (
    AnswerLost,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)

_Model = TypeVar("_Model", bound=BaseModel)

_RECORDS = "/services/rest/record/v1"
_SUITEQL = "/services/rest/query/v1/suiteql"
#: A misspelt field must be refused, never dropped.
_STRICT = {
    "X-NetSuite-PropertyNameValidation": "Error",
    "X-NetSuite-PropertyValueValidation": "Error",
}
#: Say "too many at once"; older endpoints answer them with a 400.
_SLOW_DOWN = frozenset(
    {"CONCURRENCY_LIMIT_EXCEEDED", "REQUEST_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED"}
)


class _ErrorDetail(BaseModel):
    detail: str = ""
    code: str = Field(default="", alias="o:errorCode")
    path: str = Field(default="", alias="o:errorPath")


class _ErrorBody(BaseModel):
    title: str = ""
    details: list[_ErrorDetail] = Field(default_factory=list[_ErrorDetail], alias="o:errorDetails")


class _Head(BaseModel):
    """What every record says of itself."""

    id: StrictStr = Field(min_length=1)
    external_id: StrictStr | None = Field(default=None, alias="externalId")


class _Page(BaseModel):
    items: list[dict[str, Any]]
    count: StrictInt
    offset: StrictInt
    has_more: StrictBool = Field(alias="hasMore")
    total: StrictInt = Field(alias="totalResults")


class _Sublist(BaseModel):
    items: list[dict[str, Any]]
    has_more: StrictBool = Field(default=False, alias="hasMore")


def external_id(*parts: str) -> str:
    """The external id of what a key (and a part of it) names: 55 characters, always the same.

    NetSuite takes letters, digits, `_` and `-`; our keys have more, and may be longer. Small
    letters only, because upper and lower case are not surely told apart.
    """
    told = "".join(f"{len(part)}:{part}" for part in parts)
    digest = hashlib.sha256(told.encode()).digest()
    return "fl-" + base64.b32encode(digest).decode().rstrip("=").lower()


def cut(name: str, longest: int) -> str:
    """At most `longest` characters; a name that was cut ends with an ellipsis, so that it shows."""
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"


class Records:
    """Reads and writes single records, and asks queries. Repeats nothing by itself."""

    def __init__(self, http: Http, *, page_size: int) -> None:
        self._http, self._page_size = http.with_dialect(_words, _slow_down), page_size
        self.system = http.system

    def ping(self) -> None:
        self._read(f"{_RECORDS}/subsidiary", {"limit": "1"})

    def read(self, kind: str, id: str, *, whole: bool = False) -> dict[str, Any] | None:
        """One record by its internal id, or `eid:` and its external one. None: there is none.

        `whole`: with the lines of its sublists, for `lines`.
        """
        params = {"expandSubResources": "true"} if whole else None
        reply = self._answer("GET", f"{_RECORDS}/{kind}/{id}", params=params, may_miss=True)
        if reply.status == 404:
            if "NONEXISTENT_ID" in _codes(reply.body):
                return None
            # Some other 404, such as a wrong address, does not prove that the record is absent.
            raise SystemRefused(self.system, _words(reply), payload=reply.body)
        self._parsed(_Head, reply.body, kind)
        return cast("dict[str, Any]", reply.body)

    def lines(self, record: Mapping[str, Any], sublist: str) -> list[dict[str, Any]]:
        """All lines of a sublist; none where the record does not speak of it."""
        if sublist not in record:
            return []
        told = self._parsed(_Sublist, record[sublist], sublist)
        if told.has_more:
            raise SystemRefused(self.system, f"It told a part of the lines of {sublist} only.")
        return told.items

    def find(
        self, kind: str, external: str, *, whole: bool = False
    ) -> tuple[str, dict[str, Any]] | None:
        """The record with this external id, and its internal id. An inactive one still counts."""
        record = self.read(kind, f"eid:{external}", whole=whole)
        if record is None:
            return None
        head = _Head.model_validate(record)
        if head.external_id != external:
            raise SystemRefused(self.system, f"{kind}.externalId is not the one we asked for.")
        return head.id, record

    def upsert(
        self, kind: str, external: str, body: Mapping[str, Any], *, replace: str = ""
    ) -> str:
        """Create the record with this external id, or bring it to `body`. Its internal id.

        Without `replace` a repeat would add the lines of that sublist once more:
        https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_1545142407.html
        """
        params = {"replace": replace} if replace else None
        reply = self._send("PUT", f"{_RECORDS}/{kind}/eid:{external}", json=body, params=params)
        return self._made(kind, reply)

    def change(self, kind: str, id: str, body: Mapping[str, Any]) -> None:
        reply = self._send("PATCH", f"{_RECORDS}/{kind}/{id}", json=body)
        if self._made(kind, reply) != id:
            raise AnswerLost(self.system, f"It answered for another {kind} than {id}.")

    def query(self, statement: str) -> list[dict[str, Any]]:
        """All rows, page by page. The statement must have an unambiguous order.

        Raises `SystemUnavailable` where rows came or went meanwhile: a partial list would hide
        a client that is there.
        """
        rows: list[dict[str, Any]] = []
        while True:
            page = self._page(statement, len(rows))
            rows += page.items
            if not page.has_more:
                break
        if len(rows) != page.total:
            raise SystemUnavailable(self.system, "Its records changed while we were reading.")
        return rows

    def first(self, statement: str) -> tuple[list[dict[str, Any]], bool]:
        """The first page of a query, and whether there is more."""
        page = self._page(statement, 0)
        return page.items, page.has_more

    def _page(self, statement: str, offset: int) -> _Page:
        params = {"limit": str(self._page_size), "offset": str(offset)}
        body = self._read(_SUITEQL, params, statement=statement)
        page = self._parsed(_Page, body, "the page of a query")
        if page.offset != offset:  # else a page that repeats would be read for ever
            raise SystemRefused(self.system, "It answered another page than we asked for.")
        if page.count != len(page.items) or (page.has_more and not page.items):
            raise SystemRefused(self.system, "A page of a query is not what it says it is.")
        if page.has_more and len(page.items) != self._page_size:
            raise SystemRefused(self.system, "A page in the middle of a query is short.")
        return page

    def _read(self, path: str, params: Mapping[str, str], *, statement: str = "") -> Any:
        if statement:
            prefer = {"Prefer": "transient"}
            reply = self._answer("POST", path, params=params, json={"q": statement}, headers=prefer)
        else:
            reply = self._answer("GET", path, params=params)
        return reply.body

    def _answer(self, method: str, path: str, **call: Any) -> Reply:
        """A call that changes nothing: a lost answer means that nothing was done."""
        try:
            return self._send(method, path, **call)
        except AnswerLost as lost:
            raise SystemUnavailable(
                self.system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost

    def _send(self, method: str, path: str, **call: Any) -> Reply:
        headers = {**_STRICT, **call.pop("headers", {})}
        return self._http.send(method, path, headers=headers, **call)

    def _made(self, kind: str, reply: Reply) -> str:
        """The internal id that a write answers with: no content, and a Location that ends in it."""
        location = reply.headers.get("location", "")
        found = re.search(rf"/record/v1/{re.escape(kind)}/(\d+)$", location, re.IGNORECASE)
        if found is None:
            raise AnswerLost(self.system, f"It did not say which {kind} it wrote.")
        return found[1]

    def _parsed(self, model: type[_Model], body: Any, what: str) -> _Model:
        try:
            return model.model_validate(body)
        except ValidationError as bad:
            where = ".".join(str(part) for part in bad.errors()[0]["loc"])
            why = f"{what} is not of the documented shape at {where or 'its root'}."
            raise SystemRefused(self.system, why) from bad


def _error(body: Any) -> _ErrorBody:
    try:
        return _ErrorBody.model_validate(body)
    except ValidationError:
        return _ErrorBody()


def _codes(body: Any) -> frozenset[str]:
    return frozenset(one.code for one in _error(body).details)


def _words(reply: Reply) -> str:
    """What NetSuite says, with the path in our request that it complains of."""
    said = _error(reply.body)
    told = [f"{one.detail} ({one.path})" if one.path else one.detail for one in said.details]
    return " ".join(told) or said.title or str(reply.body)[:300]


def _slow_down(reply: Reply) -> type[SystemTrouble] | None:
    return Throttled if _SLOW_DOWN & _codes(reply.body) else None
