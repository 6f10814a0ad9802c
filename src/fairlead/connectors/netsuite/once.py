"""Records that are written once: looked for, written, read back and compared.

What is there already is never written again: somebody may have approved or changed it since.
Where two writers both find nothing, their upserts make one record, since external ids are unique.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from fairlead.connectors.netsuite.account import Account
from fairlead.connectors.netsuite.records import external_id
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, EffectConflict, SystemUnavailable


class WrittenOnce(Account):
    def _once(
        self,
        kind: str,
        key: EffectKey,
        body: Mapping[str, Any],
        *,
        of: str,
        lines: tuple[str, str] | None = None,
    ) -> tuple[str, dict[str, Any]]:
        """Internal id and record of what is under this key now.

        `of` is its object in the field map; `lines` its sublist, and the object of a line. Raises
        `EffectConflict` naming what is not as in `body`.
        """
        external = external_id(key)
        if (found := self._records.find(kind, external, whole=lines is not None)) is None:
            replace = lines[0] if lines else ""
            made = self._records.upsert(kind, external, body, replace=replace)
            found = self._read_back(kind, external, made, whole=lines is not None)
        id, record = found
        faults = self._differences(of, body, record)
        if lines is not None:
            faults += self._other_lines(*lines, body, record)
        if faults:
            why = f"{kind} {id} is not as we asked for: {', '.join(faults)}."
            raise EffectConflict(self._system, why)
        return id, record

    def _found(self, kind: str, key: EffectKey) -> ExternalRef | None:
        found = self._records.find(kind, external_id(key))
        return self._ref(kind, found[0]) if found else None

    def _read_back(
        self, kind: str, external: str, made: str, *, whole: bool
    ) -> tuple[str, dict[str, Any]]:
        try:
            found = self._records.find(kind, external, whole=whole)
        except SystemUnavailable as away:
            raise AnswerLost(self._system, away.why, retry_after=away.retry_after) from away
        if found is None or found[0] != made:
            raise AnswerLost(self._system, f"It did not keep {kind} {made} under our key.")
        return found

    def _other_lines(
        self, sublist: str, of: str, body: Mapping[str, Any], record: Mapping[str, Any]
    ) -> list[str]:
        asked, held = body[sublist]["items"], self._records.lines(record, sublist)
        faults = [f"{len(held)} lines for {len(asked)}"] if len(asked) != len(held) else []
        for nr, (ours, theirs) in enumerate(zip(asked, held, strict=False), start=1):
            faults += [f"{field} of line {nr}" for field in self._differences(of, ours, theirs)]
        return faults

    def _differences(
        self, name: str, asked: Mapping[str, Any], held: Mapping[str, Any]
    ) -> list[str]:
        """Which fields that we wrote of a record it holds otherwise, by our names."""
        wanted, found = self._read(name, asked), self._read(name, held)
        return [field for field, value in wanted.items() if not _holds(found.get(field), value)]


def _holds(found: Any, wanted: Any) -> bool:
    """Whether a value is as asked for; a table may hold more than was asked for."""
    if not isinstance(wanted, dict):
        return found == wanted
    parts = cast("dict[str, Any]", wanted)
    held = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return all(_holds(held.get(name), part) for name, part in parts.items())
