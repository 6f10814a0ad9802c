"""BambooHR as far as the connector uses it: the dataset `employee` and time off, to read.

From https://documentation.bamboohr.com/reference/get-data-from-dataset-v2 and
https://documentation.bamboohr.com/reference/list-time-off-requests. Planted are `employees`, with
the dataset's field names (and `_restrictedFields`, for what the key's user may not see), and
`time_off_requests`.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, ClassVar, cast

from fairlead.sandbox.books import Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route

_LARGEST_PAGE = 1000
_STATUSES = {"approved", "denied", "superceded", "requested", "canceled"}  # spelled as documented

Body = dict[str, Any]
Fits = Callable[[Body], bool]

#: A field of the dataset → whether it is text, a day, a number or one of a list.
_FIELDS = {
    "eeid": "int", "status": "options", "firstName": "text", "lastName": "text",
    "preferredName": "text", "email": "text", "employeeNumber": "text",
    "jobInformationJobTitle": "options", "jobInformationLocation": "options",
    "jobInformationDepartment": "options", "jobInformationDivision": "options",
    "employmentStatus": "options", "standardHoursPerWeek": "int", "hireDate": "date",
    "terminationDate": "date", "country": "text", "supervisorId": "int",
}  # fmt: skip
_TERM = re.compile(r"(\w+) (?:(eq|ne|lt|le|gt|ge) '([^']*)'|in \(('[^']*'(?:, ?'[^']*')*)\))")
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda held, asked: held < asked,
    "le": lambda held, asked: held <= asked,
    "gt": lambda held, asked: held > asked,
    "ge": lambda held, asked: held >= asked,
}


class BambooHR(Dialect):
    vendor = "bamboohr"

    _titles: ClassVar = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
                         404: "Not Found", 413: "Payload Too Large", 422: "Unprocessable Entity",
                         429: "Too Many Requests", 503: "Service Unavailable"}  # fmt: skip
    _revoked = False

    @classmethod
    def example_settings(cls) -> Body:
        key = secrets.token_hex(20)
        return {"api_key": key, "client": {"api_key": key}}

    def furnish(self) -> None:
        self._revoked = False
        self.books.create("company", {"displayName": "Sandbox"}, id="0")

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/api/v1/company_information", "company.read", self._company),
            Route(
                "POST", "/api/v2/datasets/{name}/data", "dataset.read", self._dataset, reads=True
            ),
            Route("GET", "/api/v1_2/datasets/employee/fields", "dataset.fields", self._fields),
            Route("GET", "/api/v1/time_off/requests", "time_off.list", self._time_off),
        ]

    # -- signing in and refusing ---------------------------------------------------------------

    def authenticate(self, call: Call, route: Route) -> None:
        pair = base64.b64encode(f"{self.settings['api_key']}:x".encode()).decode()
        given = call.headers.get("authorization", "")
        if self._revoked or not secrets.compare_digest(given.encode(), f"Basic {pair}".encode()):
            raise Deny(self.broken(401))

    def revoke_tokens(self) -> None:
        """The key was deleted: it is gone for good (until a reset)."""
        self._revoked = True

    def too_many(self, retry_after_s: float | None) -> Answer:
        """429 since 16 September 2026, always with a wait.
        https://documentation.bamboohr.com/docs/planned-changes-to-the-api"""
        answer = self.broken(429)
        if retry_after_s is not None:
            answer.headers["retry-after"] = f"{retry_after_s:g}"
        return answer

    def broken(self, status: int) -> Answer:
        return self._problem(status, "")

    def _problem(self, status: int, detail: str, code: str = "") -> Answer:
        """Both ways in which BambooHR says what is wrong: a header and a problem document."""
        title = self._titles.get(status, "Error")
        body: Body = {"title": title, "status": status}
        body |= {"detail": detail} if detail else {}
        body |= {"code": code} if code else {}
        headers = {
            "content-type": "application/problem+json",
            "x-bamboohr-error-message": detail or title,
        }
        return Answer(status, body, headers)

    # -- records -------------------------------------------------------------------------------

    def plant(self, kind: str, body: Body) -> Record:
        if kind == "employees":
            nr = self.books.next_id("employees") + 100
            defaults: Body = dict.fromkeys(_FIELDS)
            defaults |= {"status": "Active", "hireDate": "2020-01-01", "lastName": "Employee"}
            return self.books.create("employees", {**defaults, "eeid": str(nr), **body}, id=str(nr))
        if kind == "time_off_requests":
            return self._request(body)
        return self.books.create(kind, body)

    def _request(self, body: Body) -> Record:
        """`employeeId`, `start` and `end`; `type` and `status` may be given as bare words."""
        nr = str(self.books.next_id("time_off_requests") + 1000)
        kind, status = body.get("type", "Vacation"), body.get("status", "approved")
        filled: Body = {
            "id": nr,
            "name": "",
            "created": datetime.now(UTC).date().isoformat(),
            "amount": {"unit": "days", "amount": "1"},
            "dates": {},
            "notes": {"employee": "private"},
            **body,
            "employeeId": str(body["employeeId"]),
            "type": kind if isinstance(kind, dict) else {"id": "78", "name": kind},
            "status": status if isinstance(status, dict) else {"status": status},
        }
        return self.books.create("time_off_requests", filled, id=nr)

    # -- reading -------------------------------------------------------------------------------

    def _company(self, call: Call) -> Answer:
        [company] = self.books.list("company")
        return Answer(200, company.body)

    def _fields(self, call: Call) -> Answer:
        return Answer(200, {"fields": [{"name": n, "type": t} for n, t in _FIELDS.items()]})

    def _dataset(self, call: Call) -> Answer:
        if call.params["name"] != "employee":
            raise Deny(self._problem(404, "The dataset does not exist or is not accessible."))
        asked = call.json()
        if not isinstance(asked, dict):
            raise Deny(self._problem(400, "The body is not an object."))
        asked = cast("Body", asked)
        if extra := set(asked) - {"fields", "filter", "orderBy", "page", "pageSize"}:
            raise Deny(self._problem(400, f"Unknown parameter {min(extra)}."))
        names = self._names(asked.get("fields"))
        number = self._number(asked.get("page", 1), 1, 1_000_000)
        size = self._number(asked.get("pageSize", 100), 1, _LARGEST_PAGE)
        fits = self._filter(asked.get("filter"))
        found = [one.body for one in self.books.list("employees") if fits(one.body)]
        self._order(found, asked.get("orderBy"), names)
        pages = -(-len(found) // size)
        rows = found[(number - 1) * size : number * size]
        return Answer(
            200,
            {
                "data": [{"fields": _shown(row, names)} for row in rows],
                "links": {"next": f"{call.path}?page={number + 1}"} if number < pages else {},
                "meta": {
                    "page": number, "pageSize": size,
                    "totalPages": pages, "totalItems": len(found),
                },
            },
        )  # fmt: skip

    def _names(self, raw: Any) -> list[str]:
        if not isinstance(raw, list) or not raw:
            raise Deny(self._problem(400, "fields: at least one is needed."))
        names = [str(name) for name in cast("list[Any]", raw)]
        if unknown := [name for name in names if name not in _FIELDS]:
            raise Deny(self._problem(400, f"Unknown field {unknown[0]}."))
        return names

    def _number(self, raw: Any, least: int, most: int) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
            raise Deny(self._problem(422, "A pagination value is invalid."))
        return raw

    def _filter(self, raw: Any) -> Fits:
        """`a eq 'x' and b gt 'y'`: all of one connective, as documented."""
        if raw is None:
            return lambda row: True
        words = re.split(r" (and|or) ", str(raw))
        connectives, terms = set(words[1::2]), words[::2]
        if len(connectives) > 1:
            raise Deny(self._bad_filter("Mixed logical expressions are not supported."))
        tests = [self._term(term) for term in terms]
        joined = any if connectives == {"or"} else all
        return lambda row: joined(test(row) for test in tests)

    def _term(self, text: str) -> Fits:
        parts = _TERM.fullmatch(text.strip())
        if parts is None or parts[1] not in _FIELDS:
            raise Deny(self._bad_filter(f"Cannot be read: {text}"))
        name, operator, value, listed = parts.groups()
        if listed is not None:
            values = re.findall(r"'([^']*)'", listed)
            if len(values) > 1 and _FIELDS[name] != "options":
                raise Deny(self._bad_filter(f"{name} takes one value only."))
            return lambda row: row[name] in values
        if operator in ("eq", "ne"):
            return lambda row: (str(row[name]) == value) == (operator == "eq")
        if _FIELDS[name] not in ("int", "date"):
            raise Deny(self._bad_filter(f"{name} has no order."))
        read = date.fromisoformat if _FIELDS[name] == "date" else int
        try:
            limit = read(value)
        except ValueError as bad:
            raise Deny(self._bad_filter(f"{name}: not a {_FIELDS[name]}.")) from bad
        compare = _ORDERED[operator]
        return lambda row: row[name] is not None and compare(read(str(row[name])), limit)

    def _bad_filter(self, detail: str) -> Answer:
        return self._problem(422, detail, "INVALID_FILTER")

    def _order(self, rows: list[Body], raw: Any, names: list[str]) -> None:
        """Without an order the rows come newest first, so that nobody relies on one."""
        if raw is None:
            rows.reverse()
            return
        for rule in reversed(str(raw).split(",")):
            name, _, way = rule.strip().partition(" ")
            if name not in names or way not in ("asc", "desc"):
                raise Deny(self._problem(400, "orderBy: its fields must be asked for.", "UE-1001"))
            number = _FIELDS[name] == "int"
            rows.sort(
                key=lambda row, name=name, number=number: (
                    row[name] is not None, int(row[name] or 0) if number else str(row[name])
                ),
                reverse=way == "desc",
            )  # fmt: skip

    def _time_off(self, call: Call) -> Answer:
        query = call.query
        try:
            start, end = date.fromisoformat(query["start"]), date.fromisoformat(query["end"])
        except (KeyError, ValueError) as bad:
            raise Deny(self._problem(400, "Invalid or missing start/end date.")) from bad
        wanted = set(query["status"].split(",")) if "status" in query else _STATUSES
        found: list[Body] = []
        for record in self.books.list("time_off_requests"):
            held = record.body
            touches = (
                date.fromisoformat(held["end"]) >= start
                and date.fromisoformat(held["start"]) <= end
            )
            if touches and held["status"]["status"] in wanted:
                without = ("notes",) if query.get("excludeNote") else ()
                found.append({n: value for n, value in held.items() if n not in without})
        return Answer(200, found)


def _shown(row: Body, names: list[str]) -> Body:
    """What the key's user may not see is empty, and named."""
    hidden = [name for name in row.get("_restrictedFields", []) if name in names]
    shown: Body = {name: None if name in hidden else row[name] for name in names}
    return shown | {"_restrictedFields": hidden} if hidden else shown
