"""The smallest dialect that shows all that the kernel does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from fairlead.sandbox.books import Books, DuplicateKey, Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route


class Tiny(Dialect):
    """Things with a name; a token from `/token` is wanted where the settings say `locked`."""

    vendor = "tiny"

    def __init__(
        self,
        system: str,
        books: Books,
        settings: Mapping[str, Any],
        push: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__(system, books, settings, push)
        self._tokens: set[str] = set()

    def furnish(self) -> None:
        self.books.create("setting", {"furnished": True}, id="account")

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/token", "token", self._token),
            Route("POST", "/things", "thing.create", self._create),
            Route("GET", "/things", "thing.list", self._list),
            Route("POST", "/search", "thing.search", self._search, reads=True),
            Route("POST", "/pairs", "thing.create_pair", self._create_pair),
            Route("POST", "/crash", "crash", self._crash),
            Route("GET", "/things/{id}", "thing.read", self._read),
            Route("PATCH", "/things/{id}", "thing.update", self._update),
        ]

    def authenticate(self, call: Call, route: Route) -> None:
        if route.operation == "token" or not self.settings.get("locked"):
            return
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            raise Deny(Answer(401, {"tiny": "sign in"}))

    def plant(self, kind: str, body: dict[str, Any]) -> Record:
        record = self.books.create(kind, body, key=body.get("ref"))
        self.push({"planted": record.id})
        return record

    def too_many(self, retry_after_s: float | None) -> Answer:
        wait = {} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"}
        return Answer(429, {"tiny": "too many"}, wait)

    def broken(self, status: int) -> Answer:
        return Answer(status, {"tiny": f"broken {status}"})

    def revoke_tokens(self) -> None:
        self._tokens.clear()

    def _token(self, call: Call) -> Answer:
        if call.form().get("secret") != "s3cret":
            raise Deny(Answer(400, {"error": "invalid_grant"}))
        token = uuid.uuid4().hex
        self._tokens.add(token)
        return Answer(200, {"access_token": token})

    def _create(self, call: Call) -> Answer:
        body = call.json()
        try:
            made = self.books.create("thing", body, key=body.get("ref"), unique_key=True)
        except DuplicateKey as duplicate:
            raise Deny(Answer(409, {"tiny": "duplicate"})) from duplicate
        return Answer(201, {"id": made.id, **made.body})

    def _create_pair(self, call: Call) -> Answer:
        with self.books.transaction():
            return Answer(201, [self._create_one(body) for body in call.json()])

    def _create_one(self, body: dict[str, Any]) -> str:
        if "name" not in body:
            raise Deny(Answer(422, {"tiny": "a thing has a name"}))
        return self.books.create("thing", body, key=body.get("ref")).id

    def _list(self, call: Call) -> Answer:
        found = self.books.list("thing")
        return Answer(200, {"total": len(found), "things": [_shown(one) for one in found]})

    def _search(self, call: Call) -> Answer:
        return Answer(
            200, [_shown(one) for one in self.books.find("thing", key=call.json()["ref"])]
        )

    def _read(self, call: Call) -> Answer:
        found = self.books.read("thing", call.params["id"])
        if found is None:
            raise Deny(self.broken(404))
        return Answer(200, _shown(found))

    def _update(self, call: Call) -> Answer:
        self.books.update("thing", call.params["id"], call.json())
        return Answer(204)

    def _crash(self, call: Call) -> Answer:
        raise ZeroDivisionError


def _shown(record: Record) -> dict[str, Any]:
    return {"id": record.id, **record.body}
