"""The port `documents` on a SharePoint library. No business rule lives here.

A folder or file is found by a column of the library that holds our key. The column is written
after everything that must be true of the item but its label, so that whoever carries the key is
whole; names are unique within a folder, so that nothing is made twice.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import quote

from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.microsoft import changes
from fairlead.connectors.microsoft.answers import (
    Carrier,
    Columns,
    DriveItem,
    Grants,
    Label,
    Uploaded,
    UploadSession,
)
from fairlead.connectors.microsoft.graph import NAME_TAKEN, Graph, code_of
from fairlead.connectors.microsoft.names import file_name, folder_name
from fairlead.connectors.microsoft.settings import MicrosoftSettings
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.document import FiledDocument
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, EffectConflict, SystemRefused
from fairlead.ports.documents import DocumentChanges, PlacedDocument

_FAIL = {"@microsoft.graph.conflictBehavior": "fail"}
#: SharePoint writes its own properties into these, so that they come back with another size
#: (https://github.com/OneDrive/onedrive-api-docs/issues/935,
#: https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/8903).
_REWRITTEN = {
    ".jpg",
    ".jpeg",
    ".docx",
    ".docm",
    ".xlsx",
    ".xlsm",
    ".pptx",
    ".pptm",
    ".dotx",
    ".xltx",
    ".potx",
}


class SharePointDocuments:
    """Implements `fairlead.ports.documents.Documents`. Threads may share it."""

    def __init__(
        self, system: str, settings: MicrosoftSettings, graph: Graph, fields: FieldMap
    ) -> None:
        self._system, self._graph, self._http = system, graph, graph.as_application
        self._settings, self._column = settings, settings.key_column

    @property
    def _drive(self) -> str:
        if self._settings.drive_id:
            return f"/v1.0/drives/{quote(self._settings.drive_id, safe='')}"
        if self._settings.site_id:
            return f"/v1.0/sites/{quote(self._settings.site_id, safe='')}/drive"
        raise SystemRefused(self._system, "Neither site_id nor drive_id is set.")

    def _below_root(self, *names: str) -> str:
        """The address of an item by its path below the folder of all engagements."""
        path = "/".join(part for part in (self._settings.root_folder, *names) if part)
        return f"{self._drive}/root:/{quote(path)}:" if path else f"{self._drive}/root"

    def _item(self, id: str) -> str:
        return f"{self._drive}/items/{quote(id, safe='')}"

    def ping(self) -> None:
        with self._graph.reading():
            self._graph.read(DriveItem, self._http.send("GET", self._below_root()).body)

    # -- folders -----------------------------------------------------------------------------

    def create_folder(
        self, *, code: str, name: str, members: tuple[str, ...], key: EffectKey
    ) -> ExternalRef:
        """The folder, its members, then the key. A folder that an earlier attempt left behind is
        gone on with."""
        called = folder_name(code, name)
        try:
            made = self._http.send(
                "POST",
                f"{self._below_root()}/children",
                json={"name": called, "folder": {}, **_FAIL},
            )
            item = self._graph.written(DriveItem, made.body)
        except SystemRefused as refused:
            item = self._ours(refused, self._below_root(called), key)
        if item.folder is None:
            raise EffectConflict(self._system, f"“{called}” is there, but is no folder.")
        with self._graph.begun(f"Folder {called}"):
            self._let_in(item, members)
            self._sign(item, key)
        return self._folder_ref(item)

    def find_folder(self, key: EffectKey) -> ExternalRef | None:
        found = self._carrier(key, folder=True)
        return self._folder_ref(found) if found else None

    def folder_url(self, folder: ExternalRef) -> str:
        return self._shown(folder.id).web_url

    def _folder_ref(self, item: DriveItem) -> ExternalRef:
        return ExternalRef(system=self._system, kind="folder", id=item.id)

    def _let_in(self, item: DriveItem, members: tuple[str, ...]) -> None:
        """Whoever is in already stays as they are; nobody gets a mail of it."""
        people = sorted({member.strip().casefold() for member in members})
        if not people:
            return
        reply = self._http.send(
            "POST",
            f"{self._item(item.id)}/invite",
            json={
                "recipients": [{"email": person} for person in people],
                "roles": ["write"],
                "requireSignIn": True,
                "sendInvitation": False,
            },
        )
        grants = self._graph.written(Grants, reply.body)
        for grant in grants.value:
            if grant.error is not None:
                why = f"not everybody can edit in “{item.name}”: {grant.error.get('message', '')}"
                raise SystemRefused(self._system, why, payload=reply.body)

    # -- documents ---------------------------------------------------------------------------

    def file_document(
        self,
        folder: ExternalRef,
        *,
        name: str,
        media_type: str,
        content: bytes,
        retention: str,
        key: EffectKey,
    ) -> ExternalRef:
        """The bytes, the key, then the label: a label may forbid every later change."""
        called = file_name(name, media_type)
        address = f"{self._item(folder.id)}:/{quote(called, safe='')}:"
        if not content:
            raise SystemRefused(self._system, f"Nothing was sent: “{called}” is empty.")
        try:
            id, size = self._upload(address, called, content)
        except SystemRefused as refused:
            there = self._ours(refused, address, key)
            id, size = there.id, there.size
        if size != len(content) and PurePosixPath(called).suffix.lower() not in _REWRITTEN:
            why = f"“{called}” has {size} bytes there; we sent {len(content)}."
            raise EffectConflict(self._system, why)
        with self._graph.begun(f"Document {called}"):
            item = self._shown(id)
            self._sign(item, key)
            self._label(id, retention)
        return ExternalRef(system=self._system, kind="document", id=id)

    def find_document(self, folder: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        found = self._carrier(key, folder=False)
        if found is None or self._labelled(found.id) is None:
            return None
        if found.parent is None or found.parent.id != folder.id:
            raise EffectConflict(self._system, f"“{found.name}” carries {key} in another folder.")
        return ExternalRef(system=self._system, kind="document", id=found.id)

    def document(self, ref: ExternalRef, *, kind: str) -> FiledDocument:
        item = self._shown(ref.id)
        if item.file is None or item.download_url is None:
            raise SystemRefused(self._system, f"“{item.name}” is no file that can be read.")
        held = self._graph.transfer.digest(item.download_url)
        return FiledDocument(
            ref=ref,
            kind=kind,
            name=item.name,
            media_type=item.file.media_type or "application/octet-stream",
            sha256=held.sha256,
            size=held.size,
            retention=self._labelled(ref.id),
            url=item.web_url,
            filed_at=item.created_at,
        )

    def changed_since(self, since: datetime, cursor: str | None = None) -> DocumentChanges:
        return changes.changed_since(self._graph, self._http, self._drive, since, cursor)

    def placed(self, id: str) -> PlacedDocument | None:
        return changes.placed(self._graph, self._http, self._item, self._system, id)

    def _upload(self, address: str, called: str, content: bytes) -> tuple[str, int | None]:
        reply = self._http.send(
            "POST", f"{address}/createUploadSession", json={"item": {"name": called, **_FAIL}}
        )
        session = self._graph.written(UploadSession, reply.body)
        made = self._graph.written(Uploaded, self._graph.transfer.upload(session.url, content))
        return made.id, made.size

    def _label(self, id: str, name: str) -> None:
        reply = self._http.send("PATCH", f"{self._item(id)}/retentionLabel", json={"name": name})
        if self._graph.written(Label, reply.body).name != name:
            raise AnswerLost(self._system, f"It did not show the label “{name}”.")

    def _labelled(self, id: str) -> str | None:
        with self._graph.reading():
            reply = self._http.send("GET", f"{self._item(id)}/retentionLabel", may_miss=True)
            return None if reply.status == 404 else self._graph.read(Label, reply.body).name

    # -- the key -----------------------------------------------------------------------------

    def _sign(self, item: DriveItem, key: EffectKey) -> None:
        """Leave the key with an item, unless it is there: a labelled one may not be changed."""
        if self._key_of(item) == key:
            return
        reply = self._http.send(
            "PATCH", f"{self._item(item.id)}/listItem/fields", json={self._column: key}
        )
        if self._graph.written(Columns, reply.body).root.get(self._column) != key:
            raise AnswerLost(self._system, f"It did not show our key on “{item.name}”.")

    def _key_of(self, item: DriveItem) -> str | None:
        return item.list_item.fields.get(self._column) if item.list_item else None

    def _ours(self, refused: SystemRefused, address: str, key: EffectKey) -> DriveItem:
        """What an earlier attempt made under this name. Raises `refused` where it is not that."""
        if code_of(refused.payload) != NAME_TAKEN:
            raise refused
        item = self._read(address)
        by = item.created_by.application if item.created_by else None
        unfinished = not self._key_of(item) and by and by.id == self._settings.client_id
        if not unfinished and self._key_of(item) != key:
            why = f"there is another “{item.name}” already, which we did not make for this."
            raise SystemRefused(self._system, why, payload=refused.payload) from refused
        return item

    def _carrier(self, key: EffectKey, *, folder: bool) -> DriveItem | None:
        """The one item with our key. SharePoint compares without regard to case; we do not."""
        asked = {
            "$filter": f"fields/{self._column} eq '{key}'",
            "$expand": f"fields($select={self._column}),driveItem",
        }
        with self._graph.reading():
            rows = list(self._graph.listed(self._http, f"{self._drive}/list/items", asked, Carrier))
        found = [
            row.item
            for row in rows
            if row.fields.get(self._column) == key and (row.item.folder is not None) == folder
        ]
        if len(found) > 1:
            raise EffectConflict(self._system, f"{len(found)} items carry {key}.")
        return found[0] if found else None

    def _shown(self, id: str) -> DriveItem:
        return self._read(self._item(id))

    def _read(self, address: str) -> DriveItem:
        expand = {"$expand": f"listItem($expand=fields($select={self._column}))"}
        with self._graph.reading():
            return self._graph.read(DriveItem, self._http.send("GET", address, params=expand).body)
