"""A packet in print: A4 in PDF, for whoever signs on paper or files it (F017).

The same packet gives the same bytes: the file's dates are the packet's. Its fonts are in it, so it
reads the same everywhere; `fonts/README.md` says which scripts they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

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
from fairlead.domain.rules.packet_words import day, plain

_FONTS = Path(__file__).parent / "fonts"
_TEXT = "noto"
#: Fonts that are laid in only where a packet has a character of theirs: they are large.
_MORE: Sequence[tuple[str, str, Sequence[tuple[int, int]]]] = (
    ("arabic", "NotoSansArabic-Regular.ttf", ((0x600, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))),
    ("devanagari", "NotoSansDevanagari-Regular.ttf", ((0x0900, 0x097F), (0xA8E0, 0xA8FF))),
    ("hebrew", "NotoSansHebrew-Regular.ttf", ((0x0590, 0x05FF), (0xFB1D, 0xFB4F))),
    ("thai", "NotoSansThai-Regular.ttf", ((0x0E00, 0x0E7F),)),
    ("korean", "NotoSansKR-Regular.ttf", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3))),
    ("han", "NotoSansSC-Regular.ttf", ((0x3000, 0x312F), (0x31F0, 0x9FFF), (0xFF00, 0xFFEF))),
)  # fmt: skip

_MARGIN = 15  # mm
_SMALL, _BODY, _HEAD, _TITLE = 7, 8.5, 11, 16  # pt
_GREY = 110
_LINE = 4.4  # mm, of body text


class _Paper(FPDF):
    """A4 upright, with what tells the packet and the page at the foot of each."""

    def __init__(self, foot: str) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._foot = foot

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(_TEXT, size=_SMALL)
        self.set_text_color(_GREY)
        self.cell(self.epw - 24, 4, self._foot)
        self.cell(24, 4, f"Page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(0)


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
    number = "".join(c if c.isascii() and c.isalnum() else "-" for c in packet.head.number)
    return f"{number}-packet.pdf"


def _paper(packet: Packet) -> _Paper:
    made = _moment(packet.made_at)
    paper = _Paper(f"{packet.head.number}, version {packet.version}, {packet.digest}, {made}")
    paper.set_creation_date(packet.made_at)
    paper.set_title(f"{packet.head.number} {packet.head.name}: packet")
    paper.set_producer("Fairlead")
    paper.set_lang("en-GB")
    paper.set_margins(_MARGIN, _MARGIN)
    paper.set_auto_page_break(True, margin=18)
    paper.add_font(_TEXT, "", _FONTS / "NotoSans-Regular.ttf")
    paper.add_font(_TEXT, "B", _FONTS / "NotoSans-Bold.ttf")
    used = {ord(sign) for sign in packet.model_dump_json()}
    more = [
        (name, file)
        for name, file, ranges in _MORE
        if any(start <= sign <= end for sign in used for start, end in ranges)
    ]
    for name, file in more:
        paper.add_font(name, "", _FONTS / file)
    paper.set_fallback_fonts([name for name, _ in more], exact_match=False)
    # letters join, and marks are placed, by the rules of their script
    paper.set_text_shaping(use_shaping_engine=True)
    paper.add_page()
    return paper


def _head(paper: _Paper, packet: Packet) -> None:
    head = packet.head
    paper.set_font(_TEXT, "B", _TITLE)
    _text(paper, f"{head.number}  {head.name}", 8)
    paper.set_font(_TEXT, size=_HEAD)
    _text(paper, head.client, 6)
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
        ("Made", _moment(packet.made_at)),
        ("Digest", packet.digest),
    ]
    _grid(paper, (), [(label, said) for label, said in lines], (1, 4))


def _acceptance(paper: _Paper, packet: Packet) -> None:
    _heading(paper, "Acceptance", packet.acceptance.words)
    rows = [(plain(given.side), _given(given)) for given in packet.acceptance.sides]
    _grid(paper, (), rows, (1, 4))
    for given in packet.acceptance.sides:
        if given.changes:
            _label(paper, f"Changed since {given.side} accepted it")
            changes = [(one.label, one.before, one.now) for one in given.changes]
            _grid(paper, ("What", "Accepted", "Now"), changes, (1, 2, 2))


def _given(given: Given) -> str:
    lost = "" if given.changes_known else ". What it said then was not kept"
    proof = f". Digest {given.digest}" if given.digest else ""
    return f"{given.words}{lost}{proof}"


def _open_items(paper: _Paper, items: Sequence[OpenItem]) -> None:
    _heading(paper, "Open items", str(len(items)))
    if not items:
        _note(paper, "Nothing is open.")
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
    _grid(paper, ("Of", "What", "Owner", "Due", "Amount"), rows, (1, 4, 1.6, 1.6, 1.6), {4})


def _gaps(item: OpenItem) -> list[str]:
    return [f"{gap.problem}: {gap.remedy} ({gap.owner})" for gap in item.gaps]


def _due(item: OpenItem) -> str:
    if item.due_at is None:
        return "no limit"
    return f"{'late since' if item.late else 'by'} {_moment(item.due_at)}"


def _section(paper: _Paper, section: Section) -> None:
    _heading(paper, section.label, section.score.words)
    if section.fields:
        rows = [
            (field.label, _value(field), field.owner_system, field.supplied_by or "")
            for field in section.fields
        ]
        _grid(paper, ("Field", "Value", "Owner", "Given by"), rows, (1.4, 3.4, 1.3, 1.3))
    if section.objects:
        paper.ln(2)
        objects = [(one.label, one.shown, _holder(one)) for one in section.objects]
        _grid(paper, ("Record", "Is", "In"), objects, (2, 3, 1.6))
    if section.note:
        _note(paper, section.note)
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


def _table(paper: _Paper, table: Table) -> None:
    _label(paper, table.label)
    if not table.rows:
        _note(paper, table.empty)
        return
    figures = {number for number, column in enumerate(table.columns) if column.figures}
    rows = [tuple(cell.text for cell in row) for row in table.rows]
    heads = tuple(column.label for column in table.columns)
    widths = tuple(1 if column.figures else 1.6 for column in table.columns)
    _grid(paper, heads, rows, widths, figures)


# how things are put on paper


def _heading(paper: _Paper, text: str, beside: str) -> None:
    if paper.will_page_break(24):
        paper.add_page()
    paper.ln(4)
    paper.set_font(_TEXT, "B", _HEAD)
    paper.cell(paper.epw * 0.6, 6, text)
    paper.set_font(_TEXT, size=_BODY)
    paper.cell(0, 6, beside, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.ln(1)


def _label(paper: _Paper, text: str) -> None:
    if paper.will_page_break(14):
        paper.add_page()
    paper.ln(2)
    paper.set_font(_TEXT, "B", _BODY)
    _text(paper, text, _LINE)
    paper.ln(0.5)


def _note(paper: _Paper, text: str) -> None:
    paper.set_font(_TEXT, size=_BODY)
    paper.set_text_color(_GREY)
    _text(paper, text, _LINE)
    paper.set_text_color(0)


def _text(paper: _Paper, text: str, height: float) -> None:
    paper.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _grid(
    paper: _Paper,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    widths: Sequence[float],
    figures: Iterable[int] = (),
) -> None:
    """A table over the whole width; its heads are printed again on each page."""
    right = set(figures)
    align = tuple("RIGHT" if number in right else "LEFT" for number in range(len(widths)))
    paper.set_font(_TEXT, size=_BODY)
    with paper.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=tuple(widths),
        text_align=align,
        line_height=_LINE,
        padding=0.6,
        first_row_as_headings=bool(heads),
        headings_style=FontFace(emphasis="BOLD"),
        v_align="TOP",
    ) as grid:
        for cells in [*([heads] if heads else []), *rows]:
            row = grid.row()
            for cell in cells:
                row.cell(cell)


def _moment(at: datetime) -> str:
    """In UTC, since paper goes from zone to zone."""
    told = at.astimezone(UTC)
    return f"{day(told.date())} {told:%H:%M} UTC"
