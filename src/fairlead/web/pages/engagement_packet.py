"""The packet tab: everything that delivery needs, whose word it is, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.capabilities.handoff.packet_pdf import file_name, pdf_of
from fairlead.domain.rules.packet import FieldState, Packet, PacketField
from fairlead.errors import NotFound
from fairlead.trust.roles import Permission
from fairlead.web.formats import Tone
from fairlead.web.pages.engagement_head import Head
from fairlead.web.pages.engagement_rules import packets_of
from fairlead.web.pages.engagement_words import CODES
from fairlead.web.visit import Visit

#: A field's state → tone and word; what is there needs none.
STATES: Mapping[FieldState, tuple[Tone, str]] = {
    FieldState.MISSING: ("warn", "Missing"),
    FieldState.CONFLICT: ("bad", "Conflict"),
}


@dataclass(frozen=True)
class PacketTab:
    head: Head
    packet: Packet
    codes: Mapping[str, str]
    open_fields: Mapping[str, tuple[PacketField, ...]]
    """Section → its fields that are missing or in conflict: on top, the others fold away."""
    all_fields: bool
    may_settle: bool


def packet_tab(visit: Visit, head: Head) -> PacketTab:
    """In six queries at most, with `head_of`'s two."""
    packet = packet_of(visit, head)
    return PacketTab(
        head=head,
        packet=packet,
        codes=CODES,
        open_fields={
            section.name: tuple(field for field in section.fields if field.state in STATES)
            for section in packet.sections
        },
        all_fields=visit.query("fields") != "open",
        may_settle=visit.who.may(Permission.EXCEPTIONS_READ),
    )


def packet_of(visit: Visit, head: Head) -> Packet:
    """As this reader may see it. Raises `NotFound`."""
    packet = packets_of(visit.parts)(visit.tx, visit.who, head.id, now=visit.now)
    if packet is None:
        raise NotFound("There is no such engagement.")
    return packet


def pdf(packet: Packet) -> tuple[str, bytes]:
    """File name and content."""
    return file_name(packet), pdf_of(packet)
