"""A table as a CSV file: every row that the filters leave, sent while it is read.

A program that opens it runs a cell which begins like a formula, so such a cell gets an apostrophe
before it (https://owasp.org/www-community/attacks/CSV_Injection). Figures that we made are left.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from starlette.responses import Response, StreamingResponse

from fairlead.store.database import Tx
from fairlead.web.visit import Visit

Cell = str | int | Decimal | datetime | None
R = TypeVar("R")

_BEGINS_A_FORMULA = (
    *("=", "+", "-", "@", "\t", "\r", "\n", "|", "%"),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20"),  # the same in full width
)
_PAGE = 1000
#: Excel reads a file without it as the code page of the country.
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


def pages(visit: Visit, read: Callable[[Tx, R | None], Sequence[R]]) -> Iterator[R]:
    """All rows, a page at a time, each in a transaction of its own: whoever loads the file slowly
    keeps no connection. `read` gives what is behind a row, at most `page_size()` of them."""
    last: R | None = None
    while True:
        with visit.parts.db.transaction() as tx:
            tx.execute("SET LOCAL transaction_read_only = on")
            rows = read(tx, last)
        yield from rows
        if len(rows) < _PAGE:
            return
        last = rows[-1]


def page_size() -> int:
    return _PAGE


def download(name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """`name`: of the file, without its ending."""
    return StreamingResponse(
        _lines(head, rows),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        },
    )


def _lines(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    yield _BOM + _line(head)
    for row in rows:
        yield _line(row)


def _line(row: Sequence[Cell]) -> str:
    made = io.StringIO()
    csv.writer(made).writerow([_cell(cell) for cell in row])
    return made.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int):
        return str(value)
    return harmless(value.replace("\0", ""))


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_BEGINS_A_FORMULA) else text
