"""The packet tab: everything that delivery needs, whose word it is, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.capabilities.handoff.packet_pdf import file_name, pdf_of
from fairlead.domain.rules.packet import WITHHELD, FieldState, Packet, Section
from fairlead.errors import NotFound
from fairlead.web.pages.engagement_head import Head, web_address
from fairlead.web.pages.engagement_words import CODES
from fairlead.web.visit import Visit


@dataclass(frozen=True)
class PacketTab:
    head: Head
    packet: Packet
    codes: Mapping[str, str]
    shown_sections: frozenset[str]  #: those that say anything
    all_fields: bool  #: also those that nobody filled and nobody needs
    links: Mapping[str, str]  #: records that a person can open: name → address
    settle: str  #: where a difference is settled
    withheld: str


def packet_tab(visit: Visit, head: Head) -> PacketTab:
    """In the packet's own queries, with `head_of`'s two."""
    packet = packet_of(visit, head)
    links = {
        one.name: address
        for section in packet.sections
        for one in section.objects
        if (address := web_address(one.link)) is not None
    }
    return PacketTab(
        head=head,
        packet=packet,
        codes=CODES,
        shown_sections=frozenset(s.name for s in packet.sections if _says(s)),
        all_fields=visit.query("fields") == "all",
        links=links,
        settle=_settle(packet),
        withheld=WITHHELD,
    )


def packet_of(visit: Visit, head: Head) -> Packet:
    """As this reader may see it. Raises `NotFound`."""
    packet = visit.parts.packets(visit.tx, visit.who, head.id, now=visit.now)
    if packet is None:
        raise NotFound("There is no such engagement.")
    return packet


def pdf(packet: Packet) -> tuple[str, bytes]:
    """File name and content."""
    return file_name(packet), pdf_of(packet)


def _says(section: Section) -> bool:
    return (
        bool(section.objects)
        or any(field.state is not FieldState.BLANK for field in section.fields)
        or any(table.rows for table in section.tables)
    )


def _settle(packet: Packet) -> str:
    """The exception that asks for a decision where there is one, else the report of differences."""
    asking = [item for item in packet.open_items if item.kind == "exception" and not item.gaps]
    return asking[0].link if asking else "/exceptions/differences"
