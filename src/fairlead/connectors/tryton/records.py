"""Records of one database, as Tryton's REST interface offers them. Repeats nothing by itself.

https://code.tryton.org/tryton/commit/44edc21632c6. What it does not say was read from
`trytond/protocols/rest.py` of 8.2.1 and seen on a running server:

* A refusal is 400 with `message` and `description` in JSON: the transaction was rolled back.
* A conflict of locks is 503 with PostgreSQL's words in HTML: after five tries it was rolled back.
* A create or an update answers with the record, read after it was written.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import simplejson
from pydantic import BaseModel, Field, StrictInt, TypeAdapter, ValidationError

from fairlead.connectors.kit.http import Http, Reply
from fairlead.connectors.tryton.wire import inward, outward
from fairlead.errors import (
    AnswerLost,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
)

_Model = TypeVar("_Model", bound=BaseModel)
Record = dict[str, Any]

#: PostgreSQL's words for work that it took back because somebody else was at the same rows.
_TAKEN_BACK = (
    "could not obtain lock",
    "could not serialize access",
    "deadlock detected",
)


class _Refusal(BaseModel):
    message: str = ""
    description: str = ""


class _Head(BaseModel):
    """What every record says of itself."""

    id: StrictInt = Field(ge=0)


_Heads = TypeAdapter(list[_Head])


class Records:
    def __init__(self, http: Http, *, database: str, page_size: int) -> None:
        self._http = http.with_dialect(_words, _meaning)
        self._root, self._page_size = f"/{database}/rest/model", page_size
        self.system = http.system

    def all(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Iterable[str],
        *,
        company: int | None = None,
    ) -> list[Record]:
        """Every record that fits, archived ones too, by id; page by page.

        A page begins after the last id of the one before, so that what comes or goes meanwhile
        moves nothing.
        """
        found: list[Record] = []
        last = 0
        while True:
            page = self._page(model, [["id", ">", last], *domain], fields, company)
            found += page
            if len(page) < self._page_size:
                return found
            last = int(page[-1]["id"])

    def one(
        self,
        model: str,
        id: str,
        fields: Iterable[str],
        *,
        company: int | None = None,
        **context: Any,
    ) -> Record | None:
        """None: there is no such record. `context`: such as the `date` of a rate."""
        wanted = number(id)
        if wanted is None:
            return None
        found = self._page(model, [["id", "=", wanted]], fields, company, **context)
        return next(iter(found), None)

    def first(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Iterable[str],
        *,
        order: tuple[str, str] = ("id", "ASC"),
        limit: int | None = None,
    ) -> list[Record]:
        """The first page of what fits."""
        return self._page(model, domain, fields, None, order=order, limit=limit)

    def create(
        self, model: str, values: Mapping[str, Any], echo: Sequence[str], *, company: int | None
    ) -> Record:
        """The new record, with the fields of `echo`."""
        reply = self._send("POST", self._asking(model, echo), company, values)
        return self._written(model, reply)

    def update(
        self,
        model: str,
        id: str,
        values: Mapping[str, Any],
        echo: Sequence[str] = (),
        *,
        company: int | None = None,
    ) -> Record:
        path = self._asking(f"{model}/{self._known(model, id)}", echo)
        record = self._written(model, self._send("PUT", path, company, values))
        if str(record["id"]) != id:
            raise AnswerLost(self.system, f"It answered for another {model} than {id}.")
        return record

    def press(
        self, model: str, id: str, button: str, *, company: int | None = None, **context: Any
    ) -> None:
        """A button of one record, such as `post`."""
        path = f"{self._root}/{model}/{self._known(model, id)}/{button}"
        self._send("POST", path, company, {}, **context)

    def _page(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Iterable[str],
        company: int | None,
        *,
        order: tuple[str, str] = ("id", "ASC"),
        limit: int | None = None,
        **context: Any,
    ) -> list[Record]:
        asked = {
            "domain": domain,
            "fields_names": [*fields],
            "offset": 0,
            "limit": limit or self._page_size,
            "order": [[*order]],
        }
        path = f"{self._root}/{model}/search_read"
        try:
            reply = self._send("POST", path, company, asked, **context)
        except AnswerLost as lost:  # nothing was asked to change
            raise SystemUnavailable(
                self.system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost
        try:
            _Heads.validate_python(reply.body)
            return cast("list[Record]", _named(inward(reply.body)))
        except ValueError as bad:
            why = f"Its list of {model} is not of the documented shape."
            raise SystemRefused(self.system, why) from bad

    def _send(self, method: str, path: str, company: int | None, values: Any, **more: Any) -> Reply:
        context: dict[str, Any] = {"language": "en", "active_test": False, **more}
        if company is not None:
            context["company"] = company
        headers = {"X-Tryton-Context": _base64(context)}
        return self._http.send(method, path, json=outward(values), headers=headers)

    def _asking(self, path: str, echo: Sequence[str]) -> str:
        return f"{self._root}/{path}?" + "&".join(f"f={field}" for field in ("id", *echo))

    def _written(self, model: str, reply: Reply) -> Record:
        """The record that a write answers with. One that is not readable is perhaps written."""
        try:
            _Head.model_validate(reply.body)
            return cast("Record", _named(inward(reply.body)))
        except ValueError as bad:
            raise AnswerLost(self.system, f"It did not say which {model} it wrote.") from bad

    def _known(self, model: str, id: str) -> int:
        wanted = number(id)
        if wanted is None:
            raise SystemRefused(self.system, f"There is no {model} {id}.")
        return wanted


def _named(value: Any) -> Any:
    """Records in a record, by the name of their field: a search adds a dot, a write does not."""
    if isinstance(value, list):
        return [_named(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        known = cast("dict[str, Any]", value)
        return {name.removesuffix("."): _named(one) for name, one in known.items()}
    return value


def number(id: str) -> int | None:
    """An id as Tryton has them; None for a text that is none."""
    return int(id) if id.isascii() and id.isdigit() and 0 < int(id) < 2**31 else None


def _base64(value: Any) -> str:
    return base64.urlsafe_b64encode(simplejson.dumps(outward(value)).encode()).decode()


def _words(reply: Reply) -> str:
    try:
        said = _Refusal.model_validate(reply.body)
    except ValidationError:
        return "There is no such record." if reply.status == 404 else str(reply.body)[:300]
    return f"{said.message} {said.description}".strip()


def _meaning(reply: Reply) -> type[SystemTrouble] | None:
    if reply.status == 503 and any(words in str(reply.body) for words in _TAKEN_BACK):
        return SystemUnavailable
    return None
