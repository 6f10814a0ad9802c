"""What we need from a document repository."""

from __future__ import annotations

from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.document import FiledDocument
from fairlead.domain.values import ExternalRef


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

    def document(self, ref: ExternalRef, *, kind: str) -> FiledDocument:
        """What the repository holds now, its digest computed from the bytes it gives back."""
        ...
