"""Kantata OX (formerly Mavenlink) as far as the connector uses it: API v1.

From https://developer.kantata.com/kantata/specification. Where that is silent, the dialect takes
the reading that is hardest on a client: an unknown attribute is refused, an unknown filter is
ignored, a reference may be used twice, and a deleted record leaves its reference behind.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, cast

from fairlead.sandbox import kantata_work
from fairlead.sandbox.books import Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route

_ROOT = "/api/v1"
_LARGEST_PAGE = 200
_INT32 = 2**31

_ROLES = (
    "Engagement Lead", "Solution Architect", "Consultant", "Senior Consultant", "Data Engineer",
    "Security Engineer", "Project Manager", "Test Lead", "Service Manager",
)  # fmt: skip
_RATE_CARDS = ("EMEA 2026", "AMER 2026", "APAC 2026")
_CURRENCIES = ("GBP", "EUR", "USD", "SGD")
#: Custom fields of projects; the first one, id 1, holds the exact budget.
_CUSTOM_FIELDS = {
    "Contract budget": "currency", "Parent project": "string", "Billing method": "string",
    "Revenue method": "string", "Billing cap": "currency", "Time policy": "string",
    "Expense policy": "string",
}  # fmt: skip
_DECIMALS = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3}  # ISO 4217, where it is not two

Check = Callable[[Any], bool]
Body = dict[str, Any]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INT32


def _day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _custom_fields(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return all(
        isinstance(entry, dict) and set(cast(Body, entry)) == {"custom_field_id", "value"}
        for entry in cast("list[Any]", value)
    )


_REFERENCE: dict[str, Check] = {
    "service_name": _text, "service_model": _text, "service_model_ref": _text,
    "status": _one_of("successful", "pending", "failed"), "external_message": _text,
    "external_link": _text, "external_status": _text, "locked": _flag,
}  # fmt: skip

_VALUE: dict[str, Check] = {
    "subject_type": _one_of("Workspace"), "subject_id": _whole, "custom_field_id": _whole,
    "value": _text,
}  # fmt: skip


@dataclass(frozen=True)
class _Kind:
    """One kind of record: its names, what may be written to it, and what a new one has."""

    single: str
    plural: str
    subject: str  #: its name as the subject of an external reference
    create: dict[str, Check]
    required: tuple[str, ...]
    defaults: Body = field(default_factory=dict[str, Any])


_WORKSPACE: dict[str, Check] = {
    "title": _text, "description": _text, "start_date": _day, "due_date": _day,
    "budgeted": _flag, "currency": _text, "price": _whole, "rate_card_id": _whole,
    "client_role_name": _text, "consultant_role_name": _text, "change_orders_enabled": _flag,
    "access_level": _one_of("invitation", "open", "admins"),
}  # fmt: skip

_KINDS = {
    kind.plural: kind
    for kind in (
        _Kind(
            "workspace", "workspaces", "Workspace",
            {
                **_WORKSPACE, "custom_fields": _custom_fields,
                "creator_role": _one_of("maven", "consultant", "buyer", "client"),
            },
            ("title",),
            {
                "archived": False, "description": None, "start_date": None, "due_date": None,
                "budgeted": True, "currency": "USD", "rate_card_id": None,
                "client_role_name": "Clients", "consultant_role_name": "Consultants",
                "access_level": "invitation", "change_orders_enabled": True,
            },
        ),
        _Kind(
            "story", "stories", "Story",
            {
                "workspace_id": _whole, "title": _text, "description": _text,
                "story_type": _one_of("task", "deliverable", "milestone", "issue"),
                "start_date": _day, "due_date": _day, "time_estimate_in_minutes": _whole,
                "billable": _flag, "fixed_fee": _flag, "parent_id": _whole,
            },
            ("workspace_id", "title"),
            {
                "story_type": "task", "state": "not started", "archived": False,
                "billable": True, "start_date": None, "due_date": None,
                "time_estimate_in_minutes": None,
            },
        ),
        _Kind(
            "workspace_resource", "workspace_resources", "WorkspaceResource",
            {"workspace_id": _whole, "role_id": _whole},
            ("workspace_id", "role_id"),
            {"user_id": None},
        ),
        _Kind(
            "workspace_allocation", "workspace_allocations", "WorkspaceAllocation",
            {
                "resource_id": _whole, "start_date": _day, "end_date": _day, "minutes": _whole,
                "hard": _flag, "notes": _text,
            },
            ("resource_id", "start_date", "end_date", "minutes"),
            {"hard": False, "notes": None},
        ),
        _Kind(
            "time_entry", "time_entries", "TimeEntry",
            {
                "workspace_id": _whole, "story_id": _whole, "user_id": _whole, "role_id": _whole,
                "date_performed": _day, "time_in_minutes": _whole, "billable": _flag,
                "notes": _text,
            },
            ("workspace_id", "date_performed", "time_in_minutes"),
            {"story_id": None, "user_id": 1, "role_id": None, "billable": True, "notes": None,
             **kantata_work.UNASKED},
        ),
        _Kind(
            "expense", "expenses", "Expense",
            {
                "workspace_id": _whole, "story_id": _whole, "user_id": _whole, "date": _day,
                "category": _text, "amount_in_cents": _whole, "notes": _text,
            },
            ("workspace_id", "date", "category", "amount_in_cents"),
            {"story_id": None, "user_id": 1, "notes": None},
        ),
    )
}  # fmt: skip
_BY_SUBJECT = {kind.subject: kind for kind in _KINDS.values()}


def _errors(status: int, kind: str, *messages: tuple[str, str | None]) -> Answer:
    said: list[Body] = []
    for message, about in messages:
        said.append({"type": kind, "message": message} | ({"field": about} if about else {}))
    return Answer(status, {"errors": said})


def _invalid(about: str, message: str) -> Deny:
    return Deny(_errors(422, "validation", (message, about)))


class Kantata(Dialect):
    vendor = "kantata"

    #: Which attributes of our references a list of records can be narrowed by.
    _filters: ClassVar = {
        "external_reference_service_name": "service_name",
        "external_reference_service_model": "service_model",
    }

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        token = secrets.token_hex(32)
        return {
            "token": token,
            "roles": list(_ROLES),
            "rate_cards": list(_RATE_CARDS),
            "currencies": list(_CURRENCIES),
            "client": {"token": token, "budget_field_id": 1},
        }

    def furnish(self) -> None:
        self._revoked = False
        self.plant("users", {"full_name": "Integration User"})
        for name, value_type in _CUSTOM_FIELDS.items():
            self.plant("custom_fields", {"name": name, "value_type": value_type})
        for name in self.settings.get("roles", _ROLES):
            self.plant("roles", {"name": name})
        for title in self.settings.get("rate_cards", _RATE_CARDS):
            for currency in self.settings.get("currencies", _CURRENCIES):
                self.plant("rate_cards", {"title": title, "currency": currency})

    def routes(self) -> list[Route]:
        values = f"{_ROOT}/custom_field_values"
        routes = [
            Route("GET", f"{_ROOT}/users/me.json", "users.me", self._me),
            Route("GET", f"{_ROOT}/roles", "roles.list", self._roles),
            Route("GET", f"{_ROOT}/rate_cards", "rate_cards.list", self._rate_cards),
            Route("GET", f"{_ROOT}/external_references", "external_references.list", self._refs),
            Route("PUT", f"{_ROOT}/workspaces/{{id}}", "workspaces.update", self._change),
            Route("PUT", f"{_ROOT}/stories/{{id}}", "stories.update", self._change_story),
            Route("GET", f"{_ROOT}/custom_fields", "custom_fields.list", self._fields),
            Route("POST", values, "custom_field_values.create", self._new_value),
            Route("PUT", f"{values}/{{id}}", "custom_field_values.update", self._change_value),
        ]
        for kind in _KINDS.values():
            path = f"{_ROOT}/{kind.plural}"
            routes += [
                Route("GET", path, f"{kind.plural}.list", self._listing(kind)),
                Route("GET", f"{path}/{{id}}", f"{kind.plural}.read", self._showing(kind)),
                Route("POST", path, f"{kind.plural}.create", self._creating(kind)),
            ]
        return routes

    # -- signing in and refusing ---------------------------------------------------------------

    _revoked = False

    def authenticate(self, call: Call, route: Route) -> None:
        given = call.headers.get("authorization", "")
        wanted = f"Bearer {self.settings['token']}"
        if self._revoked or not secrets.compare_digest(given.encode(), wanted.encode()):
            raise Deny(_errors(401, "oauth", ("Invalid OAuth 2 Request", None)))

    def revoke_tokens(self) -> None:
        """The application was deleted: its token is gone for good (until a reset)."""
        self._revoked = True

    def too_many(self, retry_after_s: float | None) -> Answer:
        """The vendor documents no header; one is given where the fault asks for it."""
        answer = self.broken(429)
        if retry_after_s is not None:
            answer.headers["retry-after"] = f"{retry_after_s:g}"
        return answer

    def broken(self, status: int) -> Answer:
        words = {
            400: "Bad Request", 401: "Invalid OAuth 2 Request", 403: "Forbidden",
            404: "Page Not Found", 422: "Unprocessable Entity", 429: "Too Many Requests",
            503: "Service is unavailable",
        }  # fmt: skip
        kind = "oauth" if status == 401 else "system"
        return _errors(status, kind, (words.get(status, "Something went wrong"), None))

    # -- writing -------------------------------------------------------------------------------

    def plant(self, kind: str, body: Body) -> Record:
        if kind in _KINDS:
            return self._add(_KINDS[kind], body)
        if kind == "external_references":
            return self._refer(body)
        if kind == "custom_fields":
            return self._custom_field(body)
        if kind != "rate_cards":
            return self.books.create(kind, body)
        given = dict(body)
        title = given.pop("title")
        with self.books.transaction():
            sets = self.books.list("rate_card_sets", lambda held: held.body["title"] == title)
            held = sets[0] if sets else self.books.create("rate_card_sets", {"title": title})
            return self.books.create(
                "rate_cards", {"active": True, **given, "rate_card_set_id": held.id}
            )

    def _custom_field(self, body: Body) -> Record:
        """In the set of its subject: `subject_type`, of projects where none is given."""
        given = {"value_type": "string", "subject_type": "Workspace", **body}
        subject = given.pop("subject_type")
        with self.books.transaction():
            sets = self.books.list(
                "custom_field_sets", lambda held: held.body["subject_type"] == subject
            )
            about = {"name": f"{subject} fields", "subject_type": subject}
            held = sets[0] if sets else self.books.create("custom_field_sets", about)
            return self.books.create("custom_fields", {**given, "custom_field_set_id": held.id})

    def _creating(self, kind: _Kind) -> Callable[[Call], Answer]:
        def create(call: Call) -> Answer:
            sent = self._wrapped(call, kind)
            given = {name: value for name, value in sent.items() if name != "external_reference"}
            _check(given, kind.create, kind.required)
            if "external_reference" in sent:
                reference = sent["external_reference"]
                if not isinstance(reference, dict):
                    raise _invalid("external_reference", "is invalid")
                _check(cast(Body, reference), _REFERENCE, tuple(_REFERENCE)[:3])
            return self._answer(call, kind.plural, [self._add(kind, sent)])

        return create

    def _change(self, call: Call) -> Answer:
        kind, id = _KINDS["workspaces"], call.params["id"]
        sent = self._wrapped(call, kind)
        _check(sent, {**_WORKSPACE, "archived": _flag}, ())
        with self.books.transaction():
            held = self.books.read("workspaces", id)
            if held is None or not _visible(kind, held, call.query):
                raise Deny(self.broken(404))
            self._consistent(kind, {**held.body, **sent}, sent)
            return self._answer(call, "workspaces", [self.books.update("workspaces", id, sent)])

    def _change_story(self, call: Call) -> Answer:
        """Only how far it is: what else may be changed is not rehearsed."""
        kind, id = _KINDS["stories"], call.params["id"]
        sent = self._wrapped(call, kind)
        _check(sent, {"state": _one_of("not started", "started", "completed")}, ("state",))
        with self.books.transaction():
            held = self.books.read("stories", id)
            if held is None or not _visible(kind, held, call.query):
                raise Deny(self.broken(404))
            return self._answer(call, "stories", [self.books.update("stories", id, sent)])

    def _new_value(self, call: Call) -> Answer:
        sent = self._named(call, "custom_field_value")
        _check(sent, _VALUE, tuple(_VALUE))
        with self.books.transaction():
            kind = _BY_SUBJECT[sent["subject_type"]]
            subject = self._there(kind.plural, "subject_id", sent)
            about = (sent["custom_field_id"], sent["subject_type"], sent["subject_id"])
            for held in self.books.list("custom_field_values"):
                names = ("custom_field_id", "subject_type", "subject_id")
                if tuple(held.body[name] for name in names) == about:
                    raise _invalid("custom_field_id", "has already been taken")
            given = {name: sent[name] for name in ("custom_field_id", "value")}
            made = self._custom_value(kind, subject, given)
            return self._answer(call, "custom_field_values", [made])

    def _change_value(self, call: Call) -> Answer:
        sent = self._named(call, "custom_field_value")
        _check(sent, {"value": _text}, ("value",))
        with self.books.transaction():
            held = self.books.read("custom_field_values", call.params["id"])
            if held is None:
                raise Deny(self.broken(404))
            self._fits({**held.body, **sent})
            changed = self.books.update("custom_field_values", held.id, sent)
            return self._answer(call, "custom_field_values", [changed])

    def _wrapped(self, call: Call, kind: _Kind) -> Body:
        return self._named(call, kind.single)

    def _named(self, call: Call, single: str) -> Body:
        body = call.json()
        if not isinstance(body, dict) or not isinstance(cast(Body, body).get(single), dict):
            raise Deny(_errors(400, "system", (f"Missing parameter: {single}", None)))
        return cast(Body, body)[single]

    def _add(self, kind: _Kind, sent: Body) -> Record:
        """The record and, in the same transaction, its external reference and custom fields."""
        body = {**kind.defaults, **sent}
        reference = cast("Body | None", body.pop("external_reference", None))
        values = cast("list[Body]", body.pop("custom_fields", []))
        body.pop("creator_role", None)
        key = str(reference["service_model_ref"]) if reference else None
        with self.books.transaction():
            self._consistent(kind, body, sent)
            record = self.books.create(kind.plural, body, key=key)
            if reference:
                about = {"subject_type": kind.subject, "subject_id": int(record.id)}
                self._refer({"status": "successful", "locked": False, **reference, **about})
            for value in values:
                self._custom_value(kind, record, value)
            return record

    def _refer(self, body: Body) -> Record:
        """An external reference, kept so that it is found in either case."""
        key = str(body["service_model_ref"]).casefold()
        return self.books.create("external_references", body, key=key)

    def _consistent(self, kind: _Kind, body: Body, sent: Mapping[str, Any]) -> None:
        """What one attribute demands of another. Raises `Deny`."""
        last = body.get("due_date") or body.get("end_date")
        if last and body.get("start_date") and last < body["start_date"]:
            raise _invalid("due_date", "must be on or after the start date")
        match kind.single:
            case "workspace":
                self._priced(body)
            case "story":
                workspace = self._there("workspaces", "workspace_id", body)
                if sent.get("time_estimate_in_minutes") and not workspace.body["budgeted"]:
                    raise _invalid("time_estimate_in_minutes", "needs a budgeted project")
            case "workspace_resource":
                self._there("workspaces", "workspace_id", body)
                self._there("roles", "role_id", body)
            case "time_entry" | "expense":
                self._there("workspaces", "workspace_id", body)
                self._there("users", "user_id", body)
                if body["story_id"] is not None:
                    self._there("stories", "story_id", body)
            case _:
                resource = self._there("workspace_resources", "resource_id", body)
                if body["hard"] and resource.body["user_id"] is None:
                    raise _invalid("hard", "must be soft for an unnamed resource")

    def _priced(self, body: Body) -> None:
        """The rate card decides the currency; a budgeted project has a price."""
        if body["rate_card_id"] is not None:
            body["currency"] = self._there("rate_cards", "rate_card_id", body).body["currency"]
        if not re.fullmatch("[A-Z]{3}", body["currency"]):
            raise _invalid("currency", "is not a currency code")
        if body["budgeted"] and "price" not in body:
            raise _invalid("price", "Please give your project a budget")

    def _there(self, collection: str, name: str, body: Body) -> Record:
        record = self.books.read(collection, str(body[name]))
        if record is None:
            raise _invalid(name, "does not exist")
        return record

    def _custom_value(self, kind: _Kind, subject: Record, given: Body) -> Record:
        self._fits(given)
        about = {"subject_type": kind.subject, "subject_id": int(subject.id)}
        return self.books.create("custom_field_values", {**about, **given})

    def _fits(self, given: Body) -> None:
        """A value must be of its field's type. Raises `Deny`."""
        there = self.books.read("custom_fields", str(given["custom_field_id"]))
        if there is None:
            raise _invalid("custom_fields", "does not exist")
        value = given["value"]
        if there.body["value_type"] != "currency":
            if not isinstance(value, str):
                raise _invalid("custom_fields", "is not a text")
        elif not re.fullmatch(r"\[\d+, [A-Z]{3}\]", str(value)):
            raise _invalid("custom_fields", "is not a currency value such as [998, USD]")

    # -- reading -------------------------------------------------------------------------------

    def _me(self, call: Call) -> Answer:
        return self._answer(call, "users", self.books.list("users")[:1])

    def _roles(self, call: Call) -> Answer:
        roles = self.books.list("roles")
        return self._answer(call, "roles", sorted(roles, key=lambda role: role.body["name"]))

    def _fields(self, call: Call) -> Answer:
        fields = self.books.list("custom_fields")
        return self._answer(call, "custom_fields", sorted(fields, key=lambda f: f.body["name"]))

    def _rate_cards(self, call: Call) -> Answer:
        currencies = call.query.get("currencies")
        wanted = currencies.split(",") if currencies else None
        published = call.query.get("active") == "true"
        found = self.books.list(
            "rate_cards",
            lambda card: (
                (wanted is None or card.body["currency"] in wanted)
                and (card.body["active"] or not published)
            ),
        )
        return self._answer(call, "rate_cards", found[::-1])

    def _refs(self, call: Call) -> Answer:
        if call.query.get("subject_type") not in _BY_SUBJECT:
            raise Deny(_errors(400, "system", ("subject_type is required", None)))
        names = ("subject_type", "service_name", "service_model", "service_model_ref", "status")
        asked = {name: call.query[name].casefold() for name in names if name in call.query}
        if key := asked.get("service_model_ref"):
            found = self.books.find("external_references", key=key)
        else:
            found = self.books.list("external_references")
        found = [
            held
            for held in found
            if all(str(held.body[name]).casefold() == value for name, value in asked.items())
        ]
        if call.query.get("order") != "created_at:asc":
            found.reverse()
        return self._answer(call, "external_references", found)

    def _listing(self, kind: _Kind) -> Callable[[Call], Answer]:
        def find(call: Call) -> Answer:
            query = call.query
            found = self.books.list(kind.plural, lambda held: _visible(kind, held, query))
            for name in ("workspace_id", "role_id"):
                if name in query:
                    found = [held for held in found if str(held.body.get(name)) == query[name]]
            asked = {ours: query[name] for name, ours in self._filters.items() if name in query}
            if refs := query.get("external_reference_service_model_refs"):
                asked["service_model_ref"] = refs
            if kind.plural in kantata_work.KINDS:
                found = kantata_work.narrowed(self.books, found, query)
            if asked:
                carrying = self._carrying(kind, asked)
                found = [held for held in found if held.id in carrying]
            if since := query.get("updated_after"):
                found = [held for held in found if held.modified_at > _moment(since)]
            if query.get("order") == "updated_at:desc":
                found.sort(key=lambda held: held.modified_at)
            if query.get("order") == "created_at:asc":
                found.reverse()
            return self._answer(call, kind.plural, found[::-1])

        return find

    def _carrying(self, kind: _Kind, asked: Mapping[str, str]) -> set[str]:
        """Ids of records with a reference of these names; several refs are one comma list."""
        found = self.books.list(
            "external_references",
            lambda held: (
                held.body["subject_type"] == kind.subject
                and all(held.body[name] in value.split(",") for name, value in asked.items())
            ),
        )
        return {str(held.body["subject_id"]) for held in found}

    def _showing(self, kind: _Kind) -> Callable[[Call], Answer]:
        def show(call: Call) -> Answer:
            record = self.books.read(kind.plural, call.params["id"])
            shown = {"include_unnamed": "true", **call.query}
            if record is None or not _visible(kind, record, shown):
                raise Deny(self.broken(404))
            return self._answer(call, kind.plural, [record])

        return show

    # -- answering -----------------------------------------------------------------------------

    def _answer(self, call: Call, collection: str, found: list[Record]) -> Answer:
        """One page: the ids in order, the records by id, and what `include` asks for beside."""
        size = min(_number(call, "per_page", 20), _LARGEST_PAGE)
        number = _number(call, "page", 1)
        page = found[(number - 1) * size : number * size]
        body: Body = {
            "count": len(found),
            "meta": {
                "count": len(found),
                "page_count": -(-len(found) // size),
                "page_number": number,
                "page_size": size,
            },
            "results": [{"key": collection, "id": record.id} for record in page],
            collection: {record.id: self._shown(collection, record) for record in page},
        }
        for wanted in call.query.get("include", "").split(","):
            for record in page:
                self._beside(body, collection, record, wanted)
        return Answer(200, body)

    def _shown(self, collection: str, record: Record) -> Body:
        """A record as answers have it: ids are text, times ISO 8601, money in cents and words."""
        times = {"created_at": record.created_at, "updated_at": record.modified_at}
        body = {name: when.isoformat(timespec="seconds") for name, when in times.items()}
        body |= {"id": record.id, **record.body}
        for name in ("workspace_id", "role_id", "resource_id", "story_id", "user_id",
                     "parent_id", "rate_card_set_id",
                     "custom_field_id", "custom_field_set_id"):  # fmt: skip
            if body.get(name) is not None:
                body[name] = str(body[name])
        if collection == "workspaces" and body.get("price") is not None:
            unit = 10 ** _DECIMALS.get(body["currency"], 2)
            body |= {"currency_base_unit": unit, "price_in_cents": body["price"] * unit}
            body["price"] = f"{body['currency']} {body['price']:,}"
        if collection == "expenses":
            workspace = self.books.read("workspaces", body["workspace_id"])
            body["currency"] = workspace.body["currency"] if workspace else "USD"
            body["currency_base_unit"] = 10 ** _DECIMALS.get(body["currency"], 2)
        if collection == "workspace_resources":
            body["label"] = "Unnamed Resource"
        return body

    def _beside(self, body: Body, collection: str, record: Record, wanted: str) -> None:
        """One association; one that the collection does not have is ignored."""
        match collection, wanted:
            case _, "external_references" if collection in _KINDS:
                about = (_KINDS[collection].subject, record.id)
                held = [
                    other
                    for other in self.books.find(wanted, key=(record.key or "").casefold())
                    if (other.body["subject_type"], str(other.body["subject_id"])) == about
                ]
                body[collection][record.id]["external_reference_ids"] = [o.id for o in held]
            case "external_references", "subject":
                kind = _BY_SUBJECT[record.body["subject_type"]]
                wanted, id = kind.plural, str(record.body["subject_id"])
                subject_record = self.books.read(wanted, id)
                held = [subject_record] if subject_record else []
                body[collection][record.id]["subject_ref"] = {"key": wanted, "id": id}
            case "workspaces", "custom_field_values":
                about = ("Workspace", record.id)
                held = self.books.list(
                    wanted,
                    lambda value: (
                        (value.body["subject_type"], str(value.body["subject_id"])) == about
                    ),
                )
                body[collection][record.id]["custom_field_value_ids"] = [o.id for o in held]
            case "time_entries" | "expenses", "user" | "workspace" | "story" | "role":
                id = record.body[f"{wanted}_id"]
                wanted = "stories" if wanted == "story" else f"{wanted}s"
                other = None if id is None else self.books.read(wanted, str(id))
                held = [other] if other else []
            case "custom_fields", "custom_field_set":
                wanted = "custom_field_sets"
                field_set = self.books.read(wanted, str(record.body["custom_field_set_id"]))
                held = [field_set] if field_set else []
            case "rate_cards", "rate_card_set":
                wanted = "rate_card_sets"
                card_set = self.books.read(wanted, str(record.body["rate_card_set_id"]))
                held = [card_set] if card_set else []
            case _:
                return
        body.setdefault(wanted, {}).update({other.id: self._shown(wanted, other) for other in held})


def _check(given: Mapping[str, Any], known: Mapping[str, Check], required: tuple[str, ...]) -> None:
    """Every fault at once. Raises `Deny` with 422."""
    faults: list[tuple[str, str | None]] = []
    for name in required:
        if given.get(name) in (None, ""):
            faults.append(("can't be blank", name))
    for name, value in given.items():
        if name not in known:
            faults.append(("is not an attribute", name))
        elif value is not None and not known[name](value):
            faults.append(("is invalid", name))
    if faults:
        raise Deny(_errors(422, "validation", *faults))


def _visible(kind: _Kind, record: Record, query: Mapping[str, str]) -> bool:
    """The filters that hide by default: archived projects, unnamed resources."""
    match kind.single:
        case "workspace":
            with_archived = query.get("archived") == "include"
            with_archived = with_archived or query.get("include_archived") == "true"
            return with_archived or not record.body["archived"]
        case "workspace_resource":
            asked = query.get("include_unnamed") == "true" or query.get("only_unnamed") == "true"
            return asked or record.body["user_id"] is not None
        case _:
            return True


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Deny(_errors(400, "system", ("must be ISO 8601", None))) from None


def _number(call: Call, name: str, default: int) -> int:
    raw = call.query.get(name, str(default))
    if not raw.isdecimal() or int(raw) < 1:
        raise Deny(_errors(400, "system", (f"{name} must be a positive number", None)))
    return int(raw)
