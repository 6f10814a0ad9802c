"""Acme HR, to rehearse against."""

import secrets
from typing import Any, ClassVar

from fairlead.sandbox.books import Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route

_PAGE = 200


class AcmeHr(Dialect):
    vendor: ClassVar[str] = "acme"

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        return {"client": {"token": secrets.token_hex(16)}}

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/v1/account", "account.read", lambda call: Answer(200, {"name": "Acme"})),
            Route("GET", "/v1/people", "people.list", lambda call: self._page(call, "people")),
            Route("GET", "/v1/leave", "leave.list", lambda call: self._page(call, "leave")),
        ]

    def authenticate(self, call: Call, route: Route) -> None:
        if call.headers.get("authorization") != f"Token {self.settings['client']['token']}":
            raise Deny(self.broken(401))

    def plant(self, kind: str, body: dict[str, Any]) -> Record:
        return self.books.create(kind, body, id=str(self.books.next_id(kind)))

    def too_many(self, retry_after_s: float | None) -> Answer:
        headers = {} if retry_after_s is None else {"retry-after": str(int(retry_after_s))}
        return Answer(429, {"error": "slow down"}, headers)

    def broken(self, status: int) -> Answer:
        return Answer(status, {"error": f"status {status}"})

    def _page(self, call: Call, kind: str) -> Answer:
        first, last = call.query.get("from", ""), call.query.get("to", "9999")
        rows = [
            {"id": record.id, **record.body}
            for record in self.books.list(kind)
            if kind == "people"
            or (record.body["first_day"] <= last and record.body["last_day"] >= first)
        ]
        start = (int(call.query.get("page", "1")) - 1) * _PAGE
        more = start + _PAGE < len(rows)
        shown = {"items": rows[start : start + _PAGE]}
        return Answer(200, {**shown, "next": start // _PAGE + 2 if more else None})
