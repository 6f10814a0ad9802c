"""What we need from a contract repository or a signature service."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from fairlead.domain.model.agreement import Agreement
from fairlead.domain.values import Value


class AgreementChanged(Value):
    """Word that an agreement may have changed; what it now says must be read."""

    agreement: str  #: its id there
    revision: str  #: of the change; the same change always has the same
    at: datetime  #: UTC


class AgreementPage(Value):
    changes: tuple[AgreementChanged, ...]
    next_cursor: str | None  #: null: this was the last page of a complete pass
    watermark: datetime  #: UTC; once the pass is complete, the next one starts here


class Contracts(Protocol):
    """See `fairlead.ports` for what every port promises. It only reads: signing is people's."""

    def ping(self) -> None: ...

    def agreement(self, id: str) -> Agreement | None:
        """What it says now, with its signers and documents. None: there is no such agreement."""
        ...

    def changed_since(self, since: datetime, cursor: str | None = None) -> AgreementPage:
        """Agreements changed at or after `since`, a page at a time; told again, never missed."""
        ...

    def document(self, agreement: str, document: str) -> bytes:
        """One document as it stands, signatures included. Raises `SystemRefused` for none."""
        ...
