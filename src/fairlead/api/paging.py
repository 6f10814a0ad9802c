"""Cursors: where a page ended, written so that any text of the form can be read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import Field

from fairlead.api.refusals import InvalidParameters
from fairlead.domain.values import Value
from fairlead.errors import Problem
from fairlead.store.views import After

T = TypeVar("T")

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: What sorts last among tasks; as in `store.views`.
_NO_LIMIT = datetime(5000, 1, 1, tzinfo=UTC)

Limit = Annotated[int, Query(ge=1, le=200, description="At most so many items.")]
TimeCursor = Annotated[
    str | None,
    Query(pattern=r"^[0-9]{1,17}\.[A-Za-z0-9:/._~-]{1,250}$", description="`next` of a page."),
]
IdCursor = Annotated[
    str | None, Query(pattern=r"^[1-9][0-9]{0,17}$", description="`next` of a page.")
]
KeyCursor = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}$", description="`next` of a page."),
]
FeedCursor = Annotated[
    str, Query(pattern=r"^[0-9]{1,18}-[0-9]{1,18}$", description="`next` of a page.")
]


class Page(Value, Generic[T]):
    """A part of a list. Ask again with `cursor` = `next`; null: this was the last."""

    items: tuple[T, ...]
    next: str | None = Field(default=None)


def after(cursor: str | None) -> After | None:
    if cursor is None:
        return None
    at, _, id = cursor.partition(".")
    return _BEGINNING + int(at) * _MICROSECOND, id


def after_uuid(cursor: str | None) -> After | None:
    """As `after`, of rows whose id is a UUID. Raises `InvalidParameters`."""
    found = after(cursor)
    if found is not None:
        try:
            UUID(found[1])
        except ValueError:
            problem = Problem("query:/cursor", "is `next` of a page")
            raise InvalidParameters("The query cannot be accepted.", [problem]) from None
    return found


def page(
    rows: Sequence[Mapping[str, Any]],
    limit: int,
    shape: Callable[[Mapping[str, Any]], T],
    *,
    at: str,
    id: str = "id",
) -> Page[T]:
    """`rows` are one more than the page where there is another. `at`: the column that sorts."""
    shown = rows[:limit]
    end = None
    if len(rows) > limit:
        moment: datetime = shown[-1][at] or _NO_LIMIT
        end = f"{(moment - _BEGINNING) // _MICROSECOND}.{shown[-1][id]}"
    return Page(items=tuple(shape(row) for row in shown), next=end)


def page_by_id(
    rows: Sequence[Mapping[str, Any]], limit: int, shape: Callable[[Mapping[str, Any]], T]
) -> Page[T]:
    shown = rows[:limit]
    end = str(shown[-1]["id"]) if len(rows) > limit else None
    return Page(items=tuple(shape(row) for row in shown), next=end)


def page_of_all(
    rows: Sequence[Mapping[str, Any]],
    cursor: str | None,
    limit: int,
    shape: Callable[[Mapping[str, Any]], T],
) -> Page[T]:
    """Of a list of one thing, which is short enough to be read whole; nothing is ever taken from
    it, so the row of the cursor is there."""
    ids = [str(row["id"]) for row in rows]
    first = ids.index(cursor) + 1 if cursor in ids else 0
    end = ids[first + limit - 1] if first + limit < len(rows) else None
    return Page(items=tuple(shape(row) for row in rows[first : first + limit]), next=end)
