"""A file of rows, as a spreadsheet or another system wrote it: bytes in, cells out."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass

from fairlead.errors import InvalidInput, Problem

MOST_ROWS = 50_000
_MOST_COLUMNS = 200
_LONGEST_CELL = 20_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Sheet:
    """`rows` are as long as the header; row 1 of the file is the header, row 2 the first here."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str


def read_sheet(raw: bytes) -> Sheet:
    """Raises `InvalidInput` where it is no such file, or larger than is taken."""
    text = _decoded(raw)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    csv.field_size_limit(_LONGEST_CELL)
    rows: list[tuple[str, ...]] = []
    try:
        for cells in reader:
            if len(cells) > _MOST_COLUMNS:
                raise _no_sheet(f"has at most {_MOST_COLUMNS} columns")
            if any(cell.strip() for cell in cells):
                rows.append(tuple(cell.strip() for cell in cells))
            elif rows:
                rows.append(())  # keeps its number, and is passed over
            if len(rows) > MOST_ROWS + 1:
                raise _no_sheet(f"has at most {MOST_ROWS} rows")
    except csv.Error as bad:
        raise _no_sheet(f"is CSV; row {len(rows) + 1} is not: {bad}") from None
    if not rows:
        raise _no_sheet("has a header and rows")
    header, *rest = rows
    wide = len(header)
    return Sheet(
        header,
        tuple((*cells, *[""] * (wide - len(cells)))[:wide] if cells else () for cells in rest),
        delimiter,
    )


def _decoded(raw: bytes) -> str:
    """By its mark; else UTF-8; else UTF-16, where every second byte is nothing; else as Windows
    writes it in western Europe, which holds all of Latin-1."""
    for mark, encoding in _BOMS:
        if raw.startswith(mark):
            return _strictly(raw, encoding)
    if b"\0" in raw[:200]:
        first = raw[:200]
        encoding = "utf-16-le" if first[1::2].count(0) > first[::2].count(0) else "utf-16-be"
        return _strictly(raw, encoding)
    try:
        return _without_nul(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return _without_nul(raw.decode("cp1252", errors="replace"))


def _strictly(raw: bytes, encoding: str) -> str:
    try:
        return _without_nul(raw.decode(encoding))
    except UnicodeDecodeError:
        raise _no_sheet("is text in UTF-8, UTF-16 or Latin-1") from None


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise _no_sheet("is text; there is a NUL in it")
    return text


def _delimiter(text: str) -> str:
    """What parts the first line that says anything into most cells."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max((",", ";", "\t"), key=first.count)


def _no_sheet(rule: str) -> InvalidInput:
    return InvalidInput("The file cannot be read.", [Problem("", rule)])
