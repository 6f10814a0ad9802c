"""What a person kept of a page's address under a name: filters, sort and tab."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from fairlead.store.database import Tx

MOST = 40  #: of one person on one page

_OF = """
SELECT name, query FROM saved_views WHERE person = %s AND page = %s ORDER BY lower(name), name
"""

# The same name again is the same view; a new one is made while there is room.
_SAVE = """
INSERT INTO saved_views (person, page, name, query, saved_at)
SELECT %(person)s, %(page)s, %(name)s, %(query)s, %(at)s
WHERE EXISTS (SELECT 1 FROM saved_views
              WHERE person = %(person)s AND page = %(page)s AND name = %(name)s)
   OR (SELECT count(*) FROM saved_views
       WHERE person = %(person)s AND page = %(page)s) < %(most)s
ON CONFLICT (person, page, name) DO UPDATE SET query = EXCLUDED.query, saved_at = EXCLUDED.saved_at
"""

# Only where no other view has the name.
_RENAME = """
UPDATE saved_views SET name = %(new)s
WHERE person = %(person)s AND page = %(page)s AND name = %(name)s
  AND NOT EXISTS (SELECT 1 FROM saved_views
                  WHERE person = %(person)s AND page = %(page)s AND name = %(new)s)
"""


@dataclass(frozen=True)
class SavedView:
    name: str
    query: str  #: of the address, without the question mark


def of(tx: Tx, person: str, page: str) -> list[SavedView]:
    """`page`: its path, such as `/exceptions`."""
    with tx.cursor(row_factory=class_row(SavedView)) as cursor:
        return cursor.execute(_OF, [person, page]).fetchall()


def save(tx: Tx, person: str, page: str, view: SavedView, at: datetime) -> bool:
    """False: there are as many as one person may have."""
    values = {"person": person, "page": page, "name": view.name, "query": view.query}
    return tx.execute(_SAVE, {**values, "at": at, "most": MOST}).rowcount == 1


def rename(tx: Tx, person: str, page: str, name: str, new: str) -> bool:
    """False: there is no such view, or another one has the new name."""
    values = {"person": person, "page": page, "name": name, "new": new}
    return tx.execute(_RENAME, values).rowcount == 1


def delete(tx: Tx, person: str, page: str, name: str) -> None:
    tx.execute(
        "DELETE FROM saved_views WHERE person = %s AND page = %s AND name = %s",
        [person, page, name],
    )
