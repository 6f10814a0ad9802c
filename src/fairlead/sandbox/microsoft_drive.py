"""A SharePoint library as Graph shows it: folders, files, upload sessions, sharing, labels.

From https://learn.microsoft.com/en-us/graph/api/resources/onedrive. Where that is silent, the
dialect takes the reading that is hardest on a client: an unknown property is refused, nobody
outside the tenant can be invited, and a column that is not indexed cannot be searched.
"""

from __future__ import annotations

import base64
import mimetypes
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, cast
from urllib.parse import quote

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.dialect import Answer, Call, Route
from fairlead.sandbox.microsoft_wire import Body, Caller, denied, home, page, sent, stamp

ROOT = "root"

_NOT_IN_NAMES = re.compile(r'["*:<>?/\\|\x00-\x1f]')
_RESERVED = re.compile(r"(?i)con|prn|aux|nul|com\d|lpt\d|\.lock|desktop\.ini|~\$.*|.*_vti_.*")
_RANGE_UNIT, _LONGEST_RANGE = 320 * 1024, 60 * 1024 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_FILTER = re.compile(r"fields/(\w+) eq '((?:[^']|'')*)'")
_PAGE = 200
_DELTA_PAGE = 50
_LONGEST_TEXT = 255

_NEW = {"name", "folder", "@microsoft.graph.conflictBehavior"}
_INVITE = {"recipients", "roles", "requireSignIn", "sendInvitation", "message"}


@dataclass
class _Session:
    """An upload that goes on; it is no record, and a restart forgets it."""

    parent: str
    name: str
    behaviour: str
    made_by: Body
    received: bytearray = field(default_factory=bytearray)


class Drive:
    """The library of one site."""

    def __init__(self, system: str, books: Books, settings: Mapping[str, Any]) -> None:
        self._system, self._books, self._settings = system, books, settings
        self._lock = Lock()
        self._sessions: dict[str, _Session] = {}
        self._downloads: dict[str, str] = {}  # what Graph handed out → item

    def furnish(self) -> None:
        self._sessions.clear()
        self._downloads.clear()
        self._books.create(
            "drive_items", {"name": ROOT, "folder": True, "parent": None, "fields": {}}, id=ROOT
        )
        for path in self._settings.get("folders", ()):
            self._at(str(path).split("/"), make=True)
        for name in self._settings.get("retention_labels", ()):
            self._books.create("retention_labels", {"name": name, "is_record": False})

    def routes(self, caller: Callable[[Call], Caller]) -> list[Route]:
        self._caller = caller
        found: list[Route] = []
        for drive in ("/v1.0/drives/{drive}", "/v1.0/sites/{site}/drive"):
            item, below = f"{drive}/items/{{id}}", f"{drive}/root:/{{path:path}}:"
            found += [
                Route("GET", f"{drive}/list/items", "list_items.list", self._on(self._list)),
                Route("GET", f"{drive}/root/delta", "drive_items.delta", self._on(self._delta)),
                Route("GET", f"{drive}/root", "drive_items.read", self._on(self._read)),
                Route("POST", f"{drive}/root/children", "folders.create", self._on(self._folder)),
                Route("POST", f"{below}/children", "folders.create", self._on(self._folder)),
                Route("GET", below, "drive_items.read", self._on(self._read)),
                Route(
                    "POST",
                    f"{item}:/{{name}}:/createUploadSession",
                    "upload_sessions.create",
                    self._on(self._session),
                ),
                Route("GET", f"{item}:/{{name}}:", "drive_items.read", self._on(self._read)),
                Route("POST", f"{item}/invite", "drive_items.invite", self._on(self._invite)),
                Route(
                    "PATCH",
                    f"{item}/listItem/fields",
                    "list_items.update",
                    self._on(self._columns),
                ),
                Route(
                    "GET",
                    f"{item}/retentionLabel",
                    "retention_labels.read",
                    self._on(self._label_of),
                ),
                Route(
                    "PATCH", f"{item}/retentionLabel", "retention_labels.set", self._on(self._label)
                ),
                Route("GET", item, "drive_items.read", self._on(self._read)),
            ]
        return [
            *found,
            Route("PUT", "/_upload/{session}", "upload_sessions.put", self._put),
            Route("GET", "/_download/{ticket}", "drive_items.download", self._download),
        ]

    def plant(self, kind: str, body: Body) -> Record:
        """`drive_items`: {name, path of the folder it lies in (""), content (text; none: a
        folder), fields, retention}; `retention_labels`: {name, is_record}."""
        if kind == "retention_labels":
            return self._books.create(kind, {"is_record": False, **body})
        given = dict(body)
        path = str(given.get("path", ""))
        parent = self._at(path.split("/") if path else [], make=True)
        content = given.get("content")
        fields = cast(Body, given.get("fields", {}))
        people = {"user": {"displayName": "A person"}}
        made = self._add(
            parent.id,
            str(given["name"]),
            None if content is None else str(content).encode(),
            people,
        )
        label = given.get("retention")
        changes = {"fields": fields, "retention": label}
        return self._books.update("drive_items", made.id, changes, key=self._key(fields))

    # -- reading -------------------------------------------------------------------------------

    def _on(self, handler: Callable[[Call, Caller], Answer]) -> Callable[[Call], Answer]:
        """The handler, if the caller may use this library; as one transaction."""

        def answer(call: Call) -> Answer:
            caller = self._caller(call)
            caller.need("Sites.ReadWrite.All", "Files.ReadWrite.All")
            drive, site = call.params.get("drive"), call.params.get("site")
            if drive not in (None, self._settings["drive_id"]):
                raise denied(404, "itemNotFound", "The resource could not be found.")
            if site not in (None, self._settings["site_id"]):
                raise denied(404, "itemNotFound", "Requested site could not be found")
            with self._books.transaction():
                return handler(call, caller)

        return answer

    def _at(self, parts: list[str], *, make: bool = False) -> Record:
        found = self._books.read("drive_items", ROOT)
        for name in parts:
            if found is None:
                break
            inside = self._named(found.id, name)
            if inside is None and make:
                inside = self._add(found.id, name, None, {"user": {"displayName": "A person"}})
            found = inside
        if found is None:
            raise denied(404, "itemNotFound", "The resource could not be found.")
        return found

    def _there(self, call: Call) -> Record:
        """The item that a call is about: by id, by path, or by id and name."""
        if path := call.params.get("path"):
            return self._at(path.split("/"))
        id = call.params.get("id", ROOT)
        found = self._books.read("drive_items", id)
        if found is not None and (name := call.params.get("name")):
            found = self._named(found.id, name)
        if found is None:
            raise denied(404, "itemNotFound", "The resource could not be found.")
        return found

    def _named(self, parent: str, name: str) -> Record | None:
        """Names differ by more than case."""
        wanted = name.casefold()
        found = self._books.list(
            "drive_items",
            lambda held: held.body["parent"] == parent and held.body["name"].casefold() == wanted,
        )
        return found[0] if found else None

    def _read(self, call: Call, caller: Caller) -> Answer:
        held = self._there(call)
        expand = "listItem" in call.query.get("$expand", "")
        return Answer(200, self._shown(call, held, with_columns=expand))

    def _shown(self, call: Call, held: Record, *, with_columns: bool = False) -> Body:
        body = held.body
        shown: Body = {
            "id": held.id,
            "name": body["name"],
            "createdDateTime": stamp(held.created_at),
            "lastModifiedDateTime": stamp(held.modified_at),
            "createdBy": body.get("createdBy", {}),
            "eTag": f'"{{{held.id}}},{held.version}"',
            "webUrl": f"https://tarnholloway.sharepoint.com/{quote(self._path(held))}",
            "size": body.get("size", 0),
            "parentReference": {"driveId": self._settings["drive_id"], "id": body["parent"]},
        }
        if body["folder"]:
            inside = self._books.list("drive_items", lambda one: one.body["parent"] == held.id)
            shown["folder"] = {"childCount": len(inside)}
        else:
            guessed = mimetypes.guess_type(body["name"])[0] or "application/octet-stream"
            shown["file"] = {"mimeType": guessed}
            shown["cTag"] = f'"c:{{{held.id}}},1"'  # of the content, which is never replaced here
            ticket = secrets.token_urlsafe(24)
            with self._lock:
                self._downloads[ticket] = held.id
            shown["@microsoft.graph.downloadUrl"] = f"{home(call, self._system)}/_download/{ticket}"
        if with_columns:
            shown["listItem"] = {"id": held.id, "fields": body["fields"]}
        return shown

    def _path(self, held: Record) -> str:
        parent = self._books.read("drive_items", held.body["parent"] or "")
        above = self._path(parent) if parent else "sites/delivery"
        return f"{above}/{'Shared Documents' if held.id == ROOT else held.body['name']}"

    def _delta(self, call: Call, caller: Caller) -> Answer:
        """What changed since a time, which is the only token that is rehearsed. A page tells its
        items in the order of their last change, and none of their paths."""
        try:
            since = datetime.fromisoformat(call.query.get("token", "").replace("Z", "+00:00"))
        except ValueError:
            raise denied(400, "invalidRequest", "The token is no time.") from None
        found = self._books.list("drive_items", lambda held: held.modified_at >= since)
        rows: list[Body] = []
        for held in sorted(found, key=lambda one: one.modified_at):
            shown = self._shown(call, held)
            wanted = call.query.get("$select", ",".join(shown)).split(",")
            rows.append({name: value for name, value in shown.items() if name in wanted})
        answer = page(call, self._system, rows, _DELTA_PAGE)
        body = cast(Body, answer.body)
        if "@odata.nextLink" not in body:
            address = f"{home(call, self._system)}{call.path}"
            body["@odata.deltaLink"] = f"{address}?token={quote(stamp(datetime.now(UTC)))}"
        return Answer(200, body)

    def _list(self, call: Call, caller: Caller) -> Answer:
        asked = _FILTER.fullmatch(call.query.get("$filter", ""))
        if asked is None:
            raise denied(400, "invalidRequest", "Invalid filter clause")
        column, wanted = asked[1], asked[2].replace("''", "'").casefold()
        if column not in self._columns_known():
            raise denied(400, "invalidRequest", f"Field '{column}' cannot be referenced in filter")
        found = self._books.list(
            "drive_items",
            lambda held: str(held.body["fields"].get(column, "")).casefold() == wanted,
        )
        rows: list[Body] = []
        for held in found:
            row: Body = {"id": held.id, "fields": held.body["fields"]}
            if "driveItem" in call.query.get("$expand", ""):
                row["driveItem"] = self._shown(call, held)
            rows.append(row)
        return page(call, self._system, rows, _PAGE)

    # -- writing -------------------------------------------------------------------------------

    def _folder(self, call: Call, caller: Caller) -> Answer:
        body = sent(call, _NEW, required=("name", "folder"))
        parent = self._there(call)
        made = self._new(
            parent.id,
            str(body["name"]),
            None,
            str(body.get("@microsoft.graph.conflictBehavior", "fail")),
            caller.identities(),
        )
        return Answer(201, self._shown(call, made))

    def _session(self, call: Call, caller: Caller) -> Answer:
        body = sent(call, {"item", "deferCommit"})
        item = cast(Body, body.get("item", {}))
        known = {"@microsoft.graph.conflictBehavior", "name", "description", "fileSize"}
        if set(item) - known or item.get("name", call.params["name"]) != call.params["name"]:
            raise denied(400, "invalidRequest", "The request is malformed or incorrect.")
        parent = self._books.read("drive_items", call.params["id"])
        if parent is None or not parent.body["folder"]:
            raise denied(404, "itemNotFound", "The resource could not be found.")
        behaviour = str(item.get("@microsoft.graph.conflictBehavior", "fail"))
        self._fitting(parent.id, call.params["name"], behaviour)
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            self._sessions[ticket] = _Session(
                parent.id, call.params["name"], behaviour, caller.identities()
            )
        return Answer(
            200,
            {
                "uploadUrl": f"{home(call, self._system)}/_upload/{ticket}",
                "expirationDateTime": _end(),
            },
        )

    def _put(self, call: Call) -> Answer:
        with self._lock:
            session = self._sessions.get(call.params["session"])
        asked = _RANGE.fullmatch(call.headers.get("content-range", ""))
        if session is None:
            raise denied(404, "itemNotFound", "The upload session was not found")
        if "authorization" in call.headers:
            raise denied(401, "unauthenticated", "No token is wanted here.")
        if asked is None:
            raise denied(400, "invalidRequest", "Missing or invalid Content-Range header")
        first, last, total = (int(part) for part in asked.groups())
        final = last + 1 == total
        wrong = len(call.body) != last - first + 1 or len(call.body) >= _LONGEST_RANGE
        if wrong or not (final or len(call.body) % _RANGE_UNIT == 0):
            raise denied(400, "invalidRequest", "The range is not of an allowed length.")
        if first != len(session.received):
            raise denied(416, "invalidRange", "The uploaded fragment has already been received")
        if not final:
            session.received += call.body
            expected = {"expirationDateTime": _end(), "nextExpectedRanges": [f"{last + 1}-"]}
            return Answer(202, expected)
        content = bytes(session.received) + call.body
        with self._books.transaction():
            made = self._new(
                session.parent, session.name, content, session.behaviour, session.made_by
            )
            with self._lock:
                self._sessions.pop(call.params["session"], None)
            return Answer(201, self._shown(call, made))

    def _download(self, call: Call) -> Answer:
        with self._lock:
            id = self._downloads.get(call.params["ticket"], "")
        held = self._books.read("contents", id)
        if held is None:
            raise denied(404, "itemNotFound", "The link has expired.")
        return Answer(200, base64.b64decode(held.body["base64"]))

    def _invite(self, call: Call, caller: Caller) -> Answer:
        body = sent(call, _INVITE, required=("recipients", "roles"))
        held, roles = self._there(call), cast("list[str]", body["roles"])
        if not roles or set(roles) - {"read", "write"}:
            raise denied(400, "invalidRequest", "roles must be read or write")
        given: list[Body] = []
        for recipient in cast("list[Body]", body["recipients"]):
            email = str(recipient.get("email", "")).casefold()
            user = self._books.find("users", key=email)
            if not user:
                words = "One or more users could not be resolved: sharing outside is disabled."
                raise denied(400, "invalidRequest", words)
            id = f"{held.id}.{user[0].id}"
            grant = {"item": held.id, "email": email, "roles": roles}
            if self._books.read("permissions", id) is None:
                self._books.create("permissions", grant, id=id)
            else:
                self._books.update("permissions", id, grant)
            shown = {"user": {"id": user[0].id, "displayName": user[0].body["displayName"]}}
            given.append({"id": id, "roles": roles, "grantedToV2": shown})
        return Answer(200, {"value": given})

    def _columns(self, call: Call, caller: Caller) -> Answer:
        held = self._there(call)
        body = sent(call, self._columns_known())
        for name, value in body.items():
            if value is not None and (not isinstance(value, str) or len(value) > _LONGEST_TEXT):
                raise denied(400, "invalidRequest", f"{name} is not text of 255 characters")
        label = self._named_label(held.body.get("retention"))
        if label is not None and label.body["is_record"]:
            raise denied(403, "accessDenied", "The item is a locked record.")
        fields = {**held.body["fields"], **body}
        self._books.update("drive_items", held.id, {"fields": fields}, key=self._key(fields))
        return Answer(200, fields)

    def _label_of(self, call: Call, caller: Caller) -> Answer:
        return Answer(200, _label_shown(self._there(call)))

    def _label(self, call: Call, caller: Caller) -> Answer:
        body = sent(call, {"name"}, required=("name",))
        held, label = self._there(call), self._named_label(body["name"])
        if label is None:
            raise denied(400, "invalidRequest", f"The retention label {body['name']} was not found")
        if label.body["is_record"]:
            caller.need("Sites.FullControl.All")
        first = not held.body.get("retention")
        held = self._books.update("drive_items", held.id, {"retention": label.body["name"]})
        return Answer(201 if first else 200, _label_shown(held))

    def _named_label(self, name: object) -> Record | None:
        found = self._books.list("retention_labels", lambda held: held.body["name"] == name)
        return found[0] if found else None

    def _columns_known(self) -> set[str]:
        return set(cast("list[str]", self._settings.get("columns", ["FairleadKey"])))

    def _key(self, fields: Mapping[str, Any]) -> str | None:
        """The column of the client, for the ledger."""
        return next((str(value) for value in fields.values() if value), None)

    def _new(
        self, parent: str, name: str, content: bytes | None, behaviour: str, made_by: Body
    ) -> Record:
        self._fitting(parent, name, behaviour)
        return self._add(parent, name, content, made_by)

    def _fitting(self, parent: str, name: str, behaviour: str) -> None:
        if behaviour != "fail":
            raise denied(501, "notSupported", "Only conflictBehavior fail is rehearsed here.")
        bad = _NOT_IN_NAMES.search(name) or name != name.strip(" ") or name.endswith(".")
        if not name or bad or _RESERVED.fullmatch(name) or len(name) > _LONGEST_TEXT:
            raise denied(
                400, "invalidRequest", 'The provided name cannot contain any of "*:<>?/\\|'
            )
        if self._named(parent, name) is not None:
            words = "An item with the same name already exists under the parent"
            raise denied(409, "nameAlreadyExists", words)

    def _add(self, parent: str, name: str, content: bytes | None, made_by: Body) -> Record:
        body = {
            "name": name,
            "folder": content is None,
            "parent": parent,
            "size": len(content or b""),
            "createdBy": made_by,
            "fields": {},
            "retention": None,
        }
        made = self._books.create("drive_items", body, id="01" + secrets.token_hex(16).upper())
        if content is not None:
            held = {"base64": base64.b64encode(content).decode()}
            self._books.create("contents", held, id=made.id)
        return made


def _label_shown(held: Record) -> Body:
    name = held.body.get("retention")
    return {"name": name, "isLabelAppliedExplicitly": True} if name else {"name": None}


def _end() -> str:
    return stamp(datetime.now(UTC) + timedelta(minutes=15))
