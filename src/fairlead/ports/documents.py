"""What we need from a document repository."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.document import FiledDocument
from fairlead.domain.values import ExternalRef, Name, Value


class DocumentChanged(Value):
    """Word that a document may be new or changed; what and where it is must be read."""

    document: str  #: its id in the repository
    revision: str  #: of its content; the same content of it always has the same


class DocumentChanges(Value):
    changes: tuple[DocumentChanged, ...]
    next_cursor: str | None  #: null: this was the last page of a complete pass
    watermark: datetime  #: UTC; once the pass is complete, the next one starts here


class Folder(Value):
    id: str
    name: Name


class PlacedDocument(Value):
    """A document, and the folders that it lies in."""

    ref: ExternalRef
    revision: str
    name: Name
    url: str | None
    folders: tuple[Folder, ...]  #: from the innermost outwards


class Documents(Protocol):
    """See `fairlead.ports` for what every port promises."""

    def ping(self) -> None: ...

    def create_folder(
        self, *, code: str, name: str, members: tuple[str, ...], key: EffectKey
    ) -> ExternalRef:
        """The engagement's folder. `members`: e-mail addresses of those who may edit in it."""
        ...

    def find_folder(self, key: EffectKey) -> ExternalRef | None: ...

    def folder_url(self, folder: ExternalRef) -> str:
        """Where a person opens it. Asks the system."""
        ...

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
        """Keep a document under a retention class that the repository knows.

        The class is set before this returns: a document without it is no success.
        """
        ...

    def find_document(self, folder: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        """The document, once it is there whole and with its retention class."""
        ...

    def changed_since(self, since: datetime, cursor: str | None = None) -> DocumentChanges:
        """Documents added or changed at or after `since`, a page at a time; no folders.

        `since` overlaps on purpose: a change is told again rather than missed.
        """
        ...

    def placed(self, id: str) -> PlacedDocument | None:
        """What a document is called now, and where it lies. None: it is gone, or no document."""
        ...

    def document(self, ref: ExternalRef, *, kind: str) -> FiledDocument:
        """What the repository holds now, its digest computed from the bytes it gives back."""
        ...
