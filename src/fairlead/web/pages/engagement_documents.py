"""The documents tab: the agreement with its signatures, and what was filed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fairlead.domain.model.agreement import Agreement, AgreementStatus
from fairlead.domain.model.document import FiledDocument
from fairlead.web.formats import NBSP, Tone, words
from fairlead.web.pages.engagement_head import Head, web_address

_STATUSES: dict[AgreementStatus, tuple[Tone, str]] = {
    AgreementStatus.DRAFT: ("idle", "Draft"),
    AgreementStatus.SENT: ("warn", "Waits for signatures"),
    AgreementStatus.SIGNED: ("ok", "Signed"),
    AgreementStatus.DECLINED: ("bad", "Declined"),
    AgreementStatus.VOIDED: ("idle", "Voided"),
}


@dataclass(frozen=True)
class ShownDocument:
    name: str
    kind: str
    system: str
    href: str | None
    retention: str
    size: str
    digest: str
    filed_at: datetime


@dataclass(frozen=True)
class DocumentsTab:
    head: Head
    agreement: Agreement | None
    tone: Tone
    status: str
    documents: tuple[ShownDocument, ...]


def documents_tab(head: Head) -> DocumentsTab:
    """In no query of its own."""
    agreement = head.engagement.agreement
    tone, status = _STATUSES[agreement.status] if agreement else ("idle", "None yet")
    return DocumentsTab(
        head=head,
        agreement=agreement,
        tone=tone,
        status=status,
        documents=tuple(
            _shown(one)
            for one in sorted(head.engagement.documents, key=lambda d: d.filed_at, reverse=True)
        ),
    )


def _shown(document: FiledDocument) -> ShownDocument:
    return ShownDocument(
        name=document.name,
        kind=words(document.kind),
        system=document.ref.system,
        href=web_address(document.url),
        retention=words(document.retention) if document.retention else "none set",
        size=size_words(document.size),
        digest=document.sha256,
        filed_at=document.filed_at,
    )


def size_words(size: int) -> str:
    """`212 KB`, `1.4 MB`; of 1,000 bytes each, as file managers of the web tell it."""
    if size < 1000:
        return f"{size}{NBSP}B"
    if size < 1_000_000:
        return f"{round(size / 1000)}{NBSP}KB"
    return f"{size / 1_000_000:,.1f}{NBSP}MB"
