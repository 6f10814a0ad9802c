"""Reading one deal as it was at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.salesforce.asking import Asker
from fairlead.connectors.salesforce.queries import AGAIN, Child, Queries
from fairlead.errors import SystemRefused, SystemUnavailable

_TRIES = 3
Found = dict[str, list[dict[str, Any]]]


class WholeDeal:
    def __init__(self, system: str, ask: Asker, queries: Queries, fields: FieldMap) -> None:
        self._system, self._ask, self._queries, self._fields = system, ask, queries, fields

    def read(self, id: str) -> Found | None:
        """Name in mapping.yaml → its records; None where there is no such deal.

        One call, and a further one for each list that does not fit into an answer. Raises
        `SystemUnavailable` where the deal kept being changed meanwhile: a later try will do.
        Raises `MappingTrouble` for a field that is not of its kind.
        """
        for _ in range(_TRIES):
            found, again = self._once(id)
            if not found["opportunity"]:
                return None
            if all(
                self._marks(name, found[name]) == self._marks(name, again[name]) for name in again
            ):
                return found
        raise SystemUnavailable(self._system, "The deal kept changing while we read it.")

    def _once(self, id: str) -> tuple[Found, Found]:
        """Everything, and what was asked for a second time."""
        found: Found = {}
        again: Found = {}
        for name, batch in self._ask.together(self._queries.deal(id)).items():
            of = name.removesuffix(AGAIN)
            part = self._unfolded(of, self._ask.rest_of(batch))
            (found if name == of else again).update(part)
        return found, again

    def _unfolded(self, name: str, rows: list[dict[str, Any]]) -> Found:
        """The records themselves, and those that they hold."""
        found = {name: rows}
        if name == "opportunity":
            found["account"] = [row["Account"] for row in rows if row.get("Account") is not None]
        for child in self._queries.children[name]:
            found[child.name] = [record for row in rows for record in self._list(row, child)]
        return found

    def _list(self, row: Mapping[str, Any], child: Child) -> list[dict[str, Any]]:
        if child.relationship not in row:
            raise SystemRefused(self._system, f"It left out the list {child.relationship}.")
        inside = row[child.relationship]
        return [] if inside is None else self._ask.rest_of(self._ask.batch(inside))

    def _marks(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
        """Which records there are, and when each was changed last."""
        return sorted(
            (str(row.get("Id")), str(self._fields.read(name, row).get("modified_at")))
            for row in rows
        )
