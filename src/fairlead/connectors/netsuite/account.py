"""What every adapter of a NetSuite account needs: its records, its field map, its lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.connectors.netsuite.records import Records, cut
from fairlead.connectors.netsuite.settings import NetSuiteSettings
from fairlead.connectors.netsuite.suiteql import (
    among,
    columns,
    containing,
    folded,
    select,
    selected,
)
from fairlead.domain.company_names import first_significant_word
from fairlead.domain.model.client import Address
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused

_Model = TypeVar("_Model", bound=BaseModel)

# Characters that NetSuite keeps; longer names are cut there and kept whole in a custom field.
LONGEST_COMPANY_NAME = 83
LONGEST_TITLE = 99
_LONGEST_SEARCHED = 40  # a word may have been cut with the name that it is in


class Account:
    """One NetSuite account, seen through a firm's field map. Threads may share it."""

    def __init__(
        self, system: str, settings: NetSuiteSettings, http: Http, fields: FieldMap
    ) -> None:
        self._system, self._settings, self._fields = system, settings, fields
        self._records = Records(http, page_size=settings.page_size)
        self._currencies: tuple[tuple[str, str], ...] = ()  # replaced as a whole, never changed

    def ping(self) -> None:
        self._records.ping()

    # Searching

    def _rows(self, name: str, table: str, where: str) -> list[dict[str, Any]]:
        """All rows of a table that fit, in our shape; `name` is their object in the field map."""
        statement = select(self._wanted(name), table, where)
        return [self._read(name, row) for row in self._records.query(statement)]

    def _wanted(self, name: str) -> str:
        """The columns of an object of the field map. Dates and times are asked for in ISO 8601."""
        rules = self._fields.entries()[name].values()
        return ", ".join(selected(rule.path, rule.kind) for rule in rules)

    def _by_ids(self, name: str, table: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The rows with these ids, by id."""
        id = columns([self._fields.their_path(name, "id")])
        found: dict[str, dict[str, Any]] = {}
        for some in among(id, ids):
            statement = select(self._wanted(name), table, some, order=id)
            for row in self._records.query(statement):
                values = self._read(name, row)
                found[values["id"]] = values
        return found

    def _addresses(self, rows: Iterable[Mapping[str, Any]]) -> dict[str, Address]:
        """The default billing addresses that rows of customers or vendors name, by their id."""
        ids = [str(row["address"]) for row in rows if "address" in row]
        found = self._by_ids("address_row", "entityaddress", ids)
        return {
            id: self._valid(Address, {k: v for k, v in values.items() if k != "id"})
            for id, values in found.items()
        }

    def _alike(self, name: str, text: str) -> str:
        """The condition that a name shares the first significant word of `text`."""
        column = self._fields.their_path(name, "name")
        word = first_significant_word(text)
        if word:
            return containing(folded(column), word[:_LONGEST_SEARCHED])
        # No letter and no digit in it: only the very same text can be meant.
        return containing(column, text[: LONGEST_COMPANY_NAME - 1])

    # Reading

    def _read(self, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._fields.read(name, record)
        except MappingTrouble as trouble:
            raise SystemRefused(self._system, f"Its {name} cannot be read: {trouble}.") from trouble

    def _valid(self, model: type[_Model], values: Mapping[str, Any]) -> _Model:
        try:
            return model.model_validate(values)
        except ValidationError as bad:
            first = bad.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            why = f"Its {model.__name__.lower()} cannot be read: {where}: {first['msg']}."
            raise SystemRefused(self._system, why) from bad

    def _name(self, values: Mapping[str, Any]) -> str:
        """The whole name. One that a person changed since is the true one, though ours was longer.

        Records of people have no company name: their code names them.
        """
        name, full_name = values.get("name") or values.get("code", ""), values.get("full_name", "")
        return full_name if cut(full_name, LONGEST_COMPANY_NAME) == name else name

    def _ours(self, *refs: ExternalRef | None) -> None:
        """Raises `SystemRefused` for what is of another system."""
        for ref in refs:
            if ref is not None and ref.system != self._system:
                raise SystemRefused(self._system, f"It has no {ref.kind} {ref}.")

    def _ref(self, kind: str, id: str) -> ExternalRef:
        return ExternalRef(system=self._system, kind=kind, id=id)

    # Lists of the account

    def _iso(self, id: str) -> str:
        found = self._currency(lambda one: one[0] == id)
        if found is None:
            raise SystemRefused(self._system, f"It names a currency {id} that it does not have.")
        return found[1]

    def _currency_id(self, iso: str) -> str:
        found = self._currency(lambda one: one[1] == iso)
        if found is None:
            raise SystemRefused(self._system, f"It does not keep books in {iso}.")
        return found[0]

    def _currency(self, fits: Callable[[tuple[str, str]], bool]) -> tuple[str, str] | None:
        """Internal id and ISO 4217 code. Currencies are read again where one is not known yet."""
        if not any(map(fits, self._currencies)):
            rows = self._records.query(select("id, symbol", "currency", "isinactive = 'F'"))
            self._currencies = tuple((str(row["id"]), str(row["symbol"])) for row in rows)
        return next(filter(fits, self._currencies), None)

    def _terms_id(self, days: int) -> str:
        where = f"daysuntilnetdue = {days} AND isinactive = 'F'"
        rows = self._records.query(select("id", "term", where))
        if not rows:
            raise SystemRefused(self._system, f"It has no payment term of {days} days net.")
        return str(rows[0]["id"])
