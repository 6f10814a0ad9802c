"""A packet in print: A4 in PDF, for whoever signs on paper or files it (F017).

The same packet gives the same bytes: the file's dates are the packet's.
"""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.capabilities import paper as on_paper
from fairlead.capabilities.paper import (
    HEAD,
    TEXT,
    TITLE,
    Paper,
    file_words,
    grid,
    heading,
    label,
    moment,
    note,
    text,
)
from fairlead.domain.rules.packet import (
    FieldState,
    Given,
    OpenItem,
    Packet,
    PacketField,
    Section,
    SetUpObject,
    Table,
)
from fairlead.domain.rules.packet_words import plain


def pdf_of(packet: Packet) -> bytes:
    """The packet as it is given: whoever asks has seen to what its reader may see."""
    paper = _paper(packet)
    _head(paper, packet)
    _acceptance(paper, packet)
    _open_items(paper, packet.open_items)
    for section in packet.sections:
        _section(paper, section)
    return bytes(paper.output())


def file_name(packet: Packet) -> str:
    """`ENG-2038-packet.pdf`; of ASCII letters, figures and hyphens only."""
    return f"{file_words(packet.head.number)}-packet.pdf"


def _paper(packet: Packet) -> Paper:
    made = moment(packet.made_at)
    return on_paper.paper(
        f"{packet.head.number}, version {packet.version}, {packet.digest}, {made}",
        f"{packet.head.number} {packet.head.name}: packet",
        packet.model_dump_json(),
        packet.made_at,
    )


def _head(paper: Paper, packet: Packet) -> None:
    head = packet.head
    paper.set_font(TEXT, "B", TITLE)
    text(paper, f"{head.number}  {head.name}", 8)
    paper.set_font(TEXT, size=HEAD)
    text(paper, head.client, 6)
    paper.ln(2)
    lines = [
        ("State", head.state_shown),
        ("Value", head.value_shown),
        ("Dates", head.dates),
        ("Region", head.region),
        ("Our company", head.entity),
        ("Project code", head.project_code),
        *((person.part, person.name) for person in head.people),
        ("Complete", f"{packet.score.words} ({packet.score.percent} %)"),
        ("Made", moment(packet.made_at)),
        ("Digest", packet.digest),
    ]
    grid(paper, (), [(label, said) for label, said in lines], (1, 4))


def _acceptance(paper: Paper, packet: Packet) -> None:
    heading(paper, "Acceptance", packet.acceptance.words)
    rows = [(plain(given.side), _given(given)) for given in packet.acceptance.sides]
    grid(paper, (), rows, (1, 4))
    for given in packet.acceptance.sides:
        if given.changes:
            label(paper, f"Changed since {given.side} accepted it")
            changes = [(one.label, one.before, one.now) for one in given.changes]
            grid(paper, ("What", "Accepted", "Now"), changes, (1, 2, 2))


def _given(given: Given) -> str:
    lost = "" if given.changes_known else ". What it said then was not kept"
    proof = f". Digest {given.digest}" if given.digest else ""
    return f"{given.words}{lost}{proof}"


def _open_items(paper: Paper, items: Sequence[OpenItem]) -> None:
    heading(paper, "Open items", str(len(items)))
    if not items:
        note(paper, "Nothing is open.")
        return
    rows = [
        (
            item.engagement,
            "\n".join(filter(None, [item.title, item.why, *_gaps(item)])),
            "\n".join(filter(None, [item.owner, item.assignee])),
            f"{item.age} old\n{_due(item)}",
            item.money_shown,
        )
        for item in items
    ]
    grid(paper, ("Of", "What", "Owner", "Due", "Amount"), rows, (1, 4, 1.6, 1.6, 1.6), {4})


def _gaps(item: OpenItem) -> list[str]:
    return [f"{gap.problem}: {gap.remedy} ({gap.owner})" for gap in item.gaps]


def _due(item: OpenItem) -> str:
    if item.due_at is None:
        return "no limit"
    return f"{'late since' if item.late else 'by'} {moment(item.due_at)}"


def _section(paper: Paper, section: Section) -> None:
    heading(paper, section.label, section.score.words)
    if section.fields:
        rows = [
            (field.label, _value(field), field.owner_system, field.supplied_by or "")
            for field in section.fields
        ]
        grid(paper, ("Field", "Value", "Owner", "Given by"), rows, (1.4, 3.4, 1.3, 1.3))
    if section.objects:
        paper.ln(2)
        objects = [(one.label, one.shown, _holder(one)) for one in section.objects]
        grid(paper, ("Record", "Is", "In"), objects, (2, 3, 1.6))
    if section.note:
        note(paper, section.note)
    for table in section.tables:
        _table(paper, table)


def _value(field: PacketField) -> str:
    lines = [field.shown]
    if field.state is FieldState.MISSING:
        lines = [f"Missing: {field.remedy} ({field.remedy_owner})"]
    for conflict in field.conflicts:
        lines += [f"Conflict: {conflict.words}.", *(f"Or: {way.words}." for way in conflict.ways)]
    lines += [f"{one.system} was last asked {one.age} ago." for one in field.said if one.stale]
    return "\n".join(lines)


def _holder(one: SetUpObject) -> str:
    return one.system or "no system"


def _table(paper: Paper, table: Table) -> None:
    label(paper, table.label)
    if not table.rows:
        note(paper, table.empty)
        return
    figures = {number for number, column in enumerate(table.columns) if column.figures}
    rows = [tuple(cell.text for cell in row) for row in table.rows]
    heads = tuple(column.label for column in table.columns)
    widths = tuple(1 if column.figures else 1.6 for column in table.columns)
    grid(paper, heads, rows, widths, figures)
