"""Kantata's filters for recorded work, and what entries say beyond what may be written.

https://developer.kantata.com/kantata/specification/time-entries/get-time-entries and
https://developer.kantata.com/kantata/specification/expenses/get-expenses. What is on an archived
project is hidden unless it is asked for; time that needs no approval counts as approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.sandbox.books import Books, Record

KINDS = frozenset({"time_entries", "expenses"})
#: Of an entry on a project that needs no approval; on others `approved` is true or false.
UNASKED: Mapping[str, Any] = {"approved": None}


def narrowed(books: Books, found: Sequence[Record], query: Mapping[str, str]) -> list[Record]:
    """The filter `approved` is true whatever its value; it lets by what needs no approval."""
    left = list(found)
    if "only" in query:
        wanted = set(query["only"].split(","))
        left = [held for held in left if held.id in wanted]
    if "approved" in query:
        left = [held for held in left if held.body.get("approved") is not False]
    if query.get("from_archived_workspaces") != "true":
        archived = {held.id for held in books.list("workspaces") if held.body["archived"]}
        left = [held for held in left if str(held.body["workspace_id"]) not in archived]
    return left
