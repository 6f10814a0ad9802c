"""Custom fields of projects, found by the names that a firm's field map gives them.

https://developer.kantata.com/tag/Custom-Fields/ (a field lies in a set, and the set says what it
is for), https://developer.kantata.com/tag/Custom-Field-Values/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.connectors.kantata import amounts
from fairlead.connectors.kantata.answers import CustomField, CustomFieldSet
from fairlead.connectors.kantata.records import PROJECT, Records
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.domain.values import Money
from fairlead.errors import SystemRefused

_OBJECT = "project_fields"  # in `mapping.yaml`


class CustomFields:
    """Threads may share it."""

    def __init__(self, system: str, records: Records, fields: FieldMap) -> None:
        self._system, self._records, self._fields = system, records, fields

    def written(self, values: Mapping[str, str | Money | None]) -> list[dict[str, Any]]:
        """`values` by our names, as entries of `custom_fields` in a request.

        What is null, and what the firm has dropped from its map, is left out. Raises
        `SystemRefused` for a field that the account does not have exactly once, and
        `amounts.DoesNotFit`.
        """
        wanted = {
            name: value
            for name, value in values.items()
            if value is not None and self._fields.has(_OBJECT, name)
        }
        if not wanted:
            return []
        known = self._known()
        return [self._entry(known, name, value) for name, value in wanted.items()]

    def _entry(self, known: list[CustomField], name: str, value: str | Money) -> dict[str, Any]:
        theirs = self._fields.their_path(_OBJECT, name)
        named = [field for field in known if field.name == theirs]
        if len(named) != 1:
            many = len(named) or "no"
            why = f"It has {many} custom field of projects “{theirs}”, for {name}."
            raise SystemRefused(self._system, why)
        if isinstance(value, Money):
            kind, said = "currency", amounts.written(value)
        else:
            kind, said = "string", self._translated(name, value)
        if named[0].value_type != kind:
            why = f"Its custom field “{theirs}” holds {named[0].value_type}, not {kind}."
            raise SystemRefused(self._system, why)
        return {"custom_field_id": int(named[0].id), "value": said}

    def _translated(self, name: str, value: str) -> str:
        """The firm's own word, where its map has one."""
        found: Any = self._fields.write(_OBJECT, {name: value})
        for part in self._fields.their_path(_OBJECT, name).split("."):
            found = found[part]
        return str(found)

    def _known(self) -> list[CustomField]:
        found: list[CustomField] = []
        with self._records.reading():
            for page in self._records.pages("custom_fields", {"include": "custom_field_set"}):
                sets = page.beside("custom_field_sets", CustomFieldSet)
                for field in page.listed("custom_fields", CustomField):
                    there = sets.get(field.custom_field_set_id)
                    if there is not None and there.subject_type == PROJECT.subject:
                        found.append(field)
        return found
