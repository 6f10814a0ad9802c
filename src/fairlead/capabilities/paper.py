"""How things are put on paper: A4 in PDF, its fonts in it, so that it reads the same everywhere.

The same content gives the same bytes. `handoff/fonts/README.md` says which scripts the fonts have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from fairlead.domain.rules.packet_words import day

_FONTS = Path(__file__).parent / "handoff" / "fonts"
TEXT = "noto"
#: Fonts that are laid in only where the content has a character of theirs: they are large.
_MORE: Sequence[tuple[str, str, Sequence[tuple[int, int]]]] = (
    ("arabic", "NotoSansArabic-Regular.ttf", ((0x600, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))),
    ("devanagari", "NotoSansDevanagari-Regular.ttf", ((0x0900, 0x097F), (0xA8E0, 0xA8FF))),
    ("hebrew", "NotoSansHebrew-Regular.ttf", ((0x0590, 0x05FF), (0xFB1D, 0xFB4F))),
    ("thai", "NotoSansThai-Regular.ttf", ((0x0E00, 0x0E7F),)),
    ("korean", "NotoSansKR-Regular.ttf", ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3))),
    ("han", "NotoSansSC-Regular.ttf", ((0x3000, 0x312F), (0x31F0, 0x9FFF), (0xFF00, 0xFFEF))),
)  # fmt: skip

_MARGIN = 15  # mm
_SMALL, BODY, HEAD, TITLE = 7, 8.5, 11, 16  # pt
GREY = 110
LINE = 4.4  # mm, of body text


class Paper(FPDF):
    """A4 upright, with what it is and the page at the foot of each."""

    def __init__(self, foot: str) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._foot = foot

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(TEXT, size=_SMALL)
        self.set_text_color(GREY)
        self.cell(self.epw - 24, 4, self._foot)
        self.cell(24, 4, f"Page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(0)


def paper(foot: str, title: str, content: str, made_at: datetime) -> Paper:
    """An empty first page. `content`: all that will be on it, for the fonts that it needs."""
    sheet = Paper(foot)
    sheet.set_creation_date(made_at)
    sheet.set_title(title)
    sheet.set_producer("Fairlead")
    sheet.set_lang("en-GB")
    sheet.set_margins(_MARGIN, _MARGIN)
    sheet.set_auto_page_break(True, margin=18)
    sheet.add_font(TEXT, "", _FONTS / "NotoSans-Regular.ttf")
    sheet.add_font(TEXT, "B", _FONTS / "NotoSans-Bold.ttf")
    used = {ord(sign) for sign in content}
    more = [
        (name, file)
        for name, file, ranges in _MORE
        if any(start <= sign <= end for sign in used for start, end in ranges)
    ]
    for name, file in more:
        sheet.add_font(name, "", _FONTS / file)
    sheet.set_fallback_fonts([name for name, _ in more], exact_match=False)
    # letters join, and marks are placed, by the rules of their script
    sheet.set_text_shaping(use_shaping_engine=True)
    sheet.add_page()
    return sheet


def file_words(text: str) -> str:
    """For the name of a file: ASCII letters, figures and hyphens only."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in text)


def heading(sheet: Paper, words: str, beside: str) -> None:
    if sheet.will_page_break(24):
        sheet.add_page()
    sheet.ln(4)
    sheet.set_font(TEXT, "B", HEAD)
    sheet.cell(sheet.epw * 0.6, 6, words)
    sheet.set_font(TEXT, size=BODY)
    sheet.cell(0, 6, beside, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.ln(1)


def label(sheet: Paper, words: str) -> None:
    if sheet.will_page_break(14):
        sheet.add_page()
    sheet.ln(2)
    sheet.set_font(TEXT, "B", BODY)
    text(sheet, words, LINE)
    sheet.ln(0.5)


def note(sheet: Paper, words: str) -> None:
    sheet.set_font(TEXT, size=BODY)
    sheet.set_text_color(GREY)
    text(sheet, words, LINE)
    sheet.set_text_color(0)


def text(sheet: Paper, words: str, height: float) -> None:
    sheet.multi_cell(0, height, words, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def grid(
    sheet: Paper,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    widths: Sequence[float],
    figures: Iterable[int] = (),
) -> None:
    """A table over the whole width; its heads are printed again on each page."""
    right = set(figures)
    align = tuple("RIGHT" if number in right else "LEFT" for number in range(len(widths)))
    sheet.set_font(TEXT, size=BODY)
    with sheet.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=tuple(widths),
        text_align=align,
        line_height=LINE,
        padding=0.6,
        first_row_as_headings=bool(heads),
        headings_style=FontFace(emphasis="BOLD"),
        v_align="TOP",
    ) as grid:
        for cells in [*([heads] if heads else []), *rows]:
            row = grid.row()
            for cell in cells:
                row.cell(cell)


def moment(at: datetime) -> str:
    """In UTC, since paper goes from zone to zone."""
    told = at.astimezone(UTC)
    return f"{day(told.date())} {told:%H:%M} UTC"
