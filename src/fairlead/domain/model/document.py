"""A document of an engagement, and where it is kept for how long (F021)."""

from __future__ import annotations

from fairlead.domain.model import Entity
from fairlead.domain.values import ExternalRef, Name, Utc


class FiledDocument(Entity):
    """`sha256` is of its bytes, in hex: what was filed is what was signed."""

    ref: ExternalRef
    kind: str  #: `statement_of_work`, `evidence`…
    name: Name
    media_type: str
    sha256: str
    size: int  #: bytes
    retention: str | None = None  #: the class, as the repository calls it
    url: str | None = None  #: where a person opens it
    filed_at: Utc
