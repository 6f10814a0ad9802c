"""The packet of an engagement: all that delivery needs, as JSON and in print (F017)."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from fairlead.api.guard import Caller, Parts
from fairlead.api.parts import AppParts
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import Id, found
from fairlead.capabilities.handoff.packet_pdf import file_name, pdf_of
from fairlead.domain.rules.packet import Packet
from fairlead.trust.principals import Principal


class Pdf(Response):
    media_type = "application/pdf"


def add(router: Router) -> None:
    router.get("/engagements/{id}/packet", get_packet, Packet, tag="engagements")
    router.get(
        "/engagements/{id}/packet.pdf",
        get_packet_pdf,
        None,
        tag="engagements",
        response_class=Pdf,
    )


def get_packet(parts: Parts, caller: Caller, id: Id) -> Packet:
    """All that delivery needs of an engagement, by its id or its number."""
    return _packet(parts, caller, id)


def get_packet_pdf(parts: Parts, caller: Caller, id: Id) -> Pdf:
    """The same in print: A4 in PDF."""
    packet = _packet(parts, caller, id)
    disposition = f'attachment; filename="{file_name(packet)}"'
    return Pdf(pdf_of(packet), headers={"Content-Disposition": disposition})


def _packet(parts: AppParts, caller: Principal, id: str) -> Packet:
    """Raises `NotFound`."""
    with reading_tx(parts) as tx:
        packet = parts.packets(tx, caller, id, now=datetime.now(UTC))
    return found(packet, "engagement")
