"""What is new in a library, and where it lies (driveItem: delta).

Only the root of a library tells its changes, so all engagements are asked about at once. We start
each pass at a time and not at the link that the last one ended with, which SharePoint documents as
a way to begin where no link is known: a pass that broke off is then simply begun again, and no link
can grow too old (410). Changes do not tell the path of an item; its folders are looked up by id.
https://learn.microsoft.com/en-us/graph/api/driveitem-delta
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fairlead.connectors.kit.http import Http
from fairlead.connectors.microsoft.answers import Changed, DriveItem, Page
from fairlead.connectors.microsoft.graph import Graph
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused
from fairlead.ports.documents import DocumentChanged, DocumentChanges, Folder, PlacedDocument

#: How far back a pass reaches behind the one before: clocks differ, and a library takes its time.
_OVERLAP = timedelta(minutes=5)
_DEEPEST = 12  #: folders above a document that are looked at
_FIELDS = "id,file,deleted,cTag,eTag"
#: Only what changed, and not the folders above it.
_ALONE = {"deltaExcludeParent": "true"}


def changed_since(
    graph: Graph, http: Http, drive: str, since: datetime, cursor: str | None
) -> DocumentChanges:
    """The cursor is ours: when the pass began, and Graph's next page."""
    if cursor is None:
        began = datetime.now(UTC) - _OVERLAP
        asked = {"token": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "$select": _FIELDS}
        with graph.reading():
            reply = http.send("GET", f"{drive}/root/delta", params=asked, headers=_ALONE)
    else:
        told, _, following = cursor.partition(" ")
        began = datetime.fromisoformat(told)
        with graph.reading():
            reply = http.send("GET", following, headers=_ALONE)
    page = graph.read(Page, reply.body)
    items = [graph.read(Changed, one) for one in page.value]
    return DocumentChanges(
        changes=tuple(
            DocumentChanged(document=item.id, revision=item.revision)
            for item in items
            if item.file is not None and item.deleted is None and item.revision
        ),
        next_cursor=f"{began.isoformat()} {page.next}" if page.next else None,
        watermark=max(since, began),
    )


def placed(
    graph: Graph, http: Http, address: Callable[[str], str], system: str, id: str
) -> PlacedDocument | None:
    """`address`: of an item by its id."""
    item = _item(graph, http, address(id))
    if item is None or item.file is None:
        return None
    revision = item.content_tag or item.tag
    if revision is None:
        raise SystemRefused(system, f"“{item.name}” does not say in which state it is.")
    folders: list[Folder] = []
    above = item
    while above.parent and above.parent.id and len(folders) < _DEEPEST:
        found = _item(graph, http, address(above.parent.id))
        if found is None:
            break  # moved meanwhile: there will be word of it
        folders.append(Folder(id=found.id, name=found.name))
        above = found
    return PlacedDocument(
        ref=ExternalRef(system=system, kind="document", id=item.id),
        revision=revision,
        name=item.name,
        url=item.web_url,
        folders=tuple(folders),
    )


def _item(graph: Graph, http: Http, address: str) -> DriveItem | None:
    with graph.reading():
        reply = http.send("GET", address, may_miss=True)
        return None if reply.status == 404 else graph.read(DriveItem, reply.body)
