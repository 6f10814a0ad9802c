"""The port `contracts` on DocuSign. No business rule lives here.

https://developers.docusign.com/docs/esign-rest-api/reference/envelopes
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta

from pydantic import ValidationError

from fairlead.connectors.docusign.answers import (
    NO_ENVELOPE,
    Envelope,
    Listing,
    classify,
    code,
    explain,
    where,
)
from fairlead.connectors.docusign.download import Downloads
from fairlead.connectors.docusign.reading import (
    Unreadable,
    instant,
    read_agreement,
    read_change,
    stamp,
)
from fairlead.connectors.docusign.settings import DocusignSettings
from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.domain.model.agreement import Agreement
from fairlead.errors import AnswerLost, SystemRefused, SystemUnavailable
from fairlead.ports.contracts import AgreementPage

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DOCUMENT = re.compile(r"[A-Za-z0-9-]{1,64}")
_CURSOR = re.compile(r"(\d+)\|(\d+)\|(.+)")


class DocusignContracts:
    """Implements `fairlead.ports.contracts.Contracts`. Threads may share it."""

    def __init__(
        self, system: str, settings: DocusignSettings, http: Http, fields: FieldMap
    ) -> None:
        self._system, self._fields = system, fields
        self._http = http.with_dialect(explain, classify)
        self._files = Downloads.of(self._http)
        self._account = f"/restapi/v2.1/accounts/{settings.account_id}"
        self._page_size = settings.page_size
        self._overlap = timedelta(seconds=settings.poll_overlap_s)

    def ping(self) -> None:
        with self._reading():
            self._http.send("GET", self._account)

    def agreement(self, id: str) -> Agreement | None:
        """One call: the envelope with its recipients, documents and custom fields."""
        if not _GUID.fullmatch(id):
            return None
        try:
            with self._reading():
                reply = self._http.send(
                    "GET",
                    f"{self._account}/envelopes/{id}",
                    params={"include": "custom_fields,documents,recipients"},
                )
                envelope = Envelope.model_validate(reply.body)
                found = read_agreement(self._system, self._fields, envelope)
        except SystemRefused as refused:
            if code(refused.payload) == NO_ENVELOPE:
                return None
            raise
        if found.ref.id != id.lower():
            raise SystemUnavailable(self._system, "It answered with another envelope.")
        return found

    def changed_since(self, since: datetime, cursor: str | None = None) -> AgreementPage:
        """A page of envelopes whose status changed, the newest first. The cursor is ours.

        Newest first, because what changes meanwhile moves to the front: the rest moves back, and
        is told again at worst. For the same reason the watermark is the newest change that the
        first page had (less the overlap): whatever moved is newer, and the next pass has it. If
        the list got shorter, the rest moved forward, and the pass begins again.
        """
        start, before, newest = self._where_we_are(since, cursor)
        page = self._page(since, start)
        if cursor and page.total < before:
            start, newest, page = 0, since, self._page(since, 0)
        with self._reading():
            changes = tuple(read_change(change) for change in page.envelopes)
        if start == 0:
            newest = max([since, *(change.at for change in changes)])
        seen = start + len(changes)
        more = seen < page.total
        return AgreementPage(
            changes=changes,
            next_cursor=f"{seen}|{page.total}|{stamp(newest)}" if more else None,
            watermark=max(since, newest - self._overlap),
        )

    def document(self, agreement: str, document: str) -> bytes:
        """A document's PDF; `combined` is all of them in one, `certificate` the one of completion.

        https://developers.docusign.com/docs/esign-rest-api/reference/envelopes/envelopedocuments/get
        """
        if not _GUID.fullmatch(agreement) or not _DOCUMENT.fullmatch(document):
            raise SystemRefused(self._system, "It has no such document.")
        path = f"{self._account}/envelopes/{agreement}/documents/{document}"
        with self._reading():
            reply = self._files.send("GET", path, headers={"accept": "application/pdf"})
            if not isinstance(reply.body, bytes):
                raise SystemUnavailable(self._system, "It answered without a document.")
            return reply.body

    # -- inside ----------------------------------------------------------------------------

    def _where_we_are(self, since: datetime, cursor: str | None) -> tuple[int, int, datetime]:
        """How many were told, of how many, and the newest. A cursor not of ours begins anew."""
        found = _CURSOR.fullmatch(cursor or "")
        if found is None:
            return 0, 0, since
        try:
            return int(found[1]), int(found[2]), instant(found[3], "cursor")
        except Unreadable:
            return 0, 0, since

    def _page(self, since: datetime, start: int) -> Listing:
        """Raises `SystemUnavailable` where it is not whole: a list that ends early is not taken
        for a complete one."""
        with self._reading():
            reply = self._http.send(
                "GET",
                f"{self._account}/envelopes",
                params={
                    "from_date": stamp(since),
                    "from_to_status": "changed",
                    "order_by": "status_changed",
                    "order": "desc",
                    "start_position": str(start),
                    "count": str(self._page_size),
                },
            )
            page = Listing.model_validate(reply.body)
        told = len(page.envelopes)
        if told != page.here or (told == 0 and start < page.total):
            why = f"It told {told} envelopes from {start} on, of {page.total}."
            raise SystemUnavailable(self._system, why)
        return page

    @contextmanager
    def _reading(self) -> Generator[None]:
        """A read without a usable answer changed nothing, so it may simply be repeated."""
        try:
            yield
        except AnswerLost as lost:
            raise SystemUnavailable(
                self._system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost
        except ValidationError as bad:
            why = f"An answer is not as documented: {where(bad)}"
            raise SystemRefused(self._system, why) from bad
        except (MappingTrouble, Unreadable) as bad:
            raise SystemRefused(self._system, f"It holds what we cannot read. {bad}") from bad
