"""What every adapter of a Tryton database needs: its records, its field map, its lists."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap, FieldRule, MappingTrouble
from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.records import Record, Records, number
from fairlead.connectors.tryton.settings import TrytonSettings
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import EffectConflict, SystemRefused

_Model = TypeVar("_Model", bound=BaseModel)
#: A path that begins so is a line of the sheet in the record's comment.
SHEET = "comment"
_LOCKS = tuple(Lock() for _ in range(64))


class Books:
    """One Tryton database, seen through a firm's field map. Threads may share it."""

    def __init__(self, system: str, settings: TrytonSettings, http: Http, fields: FieldMap) -> None:
        self._system, self._settings, self._fields = system, settings, fields
        self._records = Records(http, database=settings.database, page_size=settings.page_size)
        self._currencies: Mapping[int, str] = {}  # replaced as a whole, never changed

    def ping(self) -> None:
        self._records.one("company.company", "1", ["id"])

    # Reading and writing through the field map

    def _read(self, name: str, record: Record) -> dict[str, Any]:
        """A record in our shape; lines of its sheet are read as the map says."""
        shown = {**record, SHEET: sheet.read(record.get(SHEET))}
        try:
            return self._fields.read(name, shown)
        except MappingTrouble as trouble:
            raise SystemRefused(self._system, f"Its {name} cannot be read: {trouble}.") from trouble

    def _wanted(self, name: str) -> list[str]:
        """The fields to ask for, so that `_read` finds what the map names."""
        return sorted({path.partition(".")[0] for path in self._fields.theirs(name)} | {SHEET})

    def _write(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        comment: str | None = None,
        lines: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """Our values in Tryton's fields, and on the sheet in `comment`, the text as it is now.

        `lines` go on the sheet beside what the map puts there.
        """
        rules = self._fields.entries()[name]
        body = self._fields.write(name, values)
        on_sheet = _flat(cast("dict[str, Any]", body.pop(SHEET, {}))) | dict(lines or {})
        for ours, rule in rules.items():
            value = _given(values, ours)
            if value is not None and rule.kind == "date" and not _is_on_sheet(rule):
                body[rule.path] = value  # a date, which the wire knows how to write
        if on_sheet:
            body[SHEET] = sheet.written(comment, on_sheet)
        return body

    def _valid(self, model: type[_Model], values: Mapping[str, Any]) -> _Model:
        try:
            return model.model_validate(values)
        except ValidationError as bad:
            first = bad.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            why = f"Its {model.__name__.lower()} cannot be read: {where}: {first['msg']}."
            raise SystemRefused(self._system, why) from bad

    # Finding

    def _by_key(
        self, model: str, field: str, key: EffectKey, fields: Iterable[str] = ()
    ) -> Record | None:
        """The one record that carries this key in a text field."""
        short = sheet.short(key)
        found = self._records.all(model, [[field, "like", f"%{short}%"]], ["id", *fields])
        if len(found) > 1:
            raise EffectConflict(self._system, f"It has {len(found)} {model} under {short}.")
        return found[0] if found else None

    @contextmanager
    def _alone(self, what: str) -> Generator[None]:
        """One thread of this process at a time looks for what a key names, and makes it.

        Between processes the effect ledger sees to it that there is one. Not to be nested: two
        names may share a lock.
        """
        with _LOCKS[hash((self._system, what)) % len(_LOCKS)]:
            yield

    def _step(
        self,
        model: str,
        id: int,
        company: int,
        button: str,
        reached: frozenset[str],
        **context: Any,
    ) -> None:
        """Press a button once; through one lane for each company, since Tryton turns away who
        wants a number while another one gets his.

        Tryton refuses a second press, so the state is read before, and after a refusal, which may
        only say that somebody was quicker.
        """

        def is_done() -> bool:
            now = self._records.one(model, str(id), ["state"], company=company)
            return now is not None and now["state"] in reached

        with self._alone(f"{button} {company}"):
            if is_done():
                return
            try:
                self._records.press(model, str(id), button, company=company, **context)
            except SystemRefused:
                if not is_done():
                    raise

    def _journal(self, kind: str) -> int:
        """The first journal of a kind, such as `revenue`."""
        wanted = [["type", "=", kind], ["active", "=", True]]
        found = self._records.all("account.journal", wanted, ["id"])
        if not found:
            raise SystemRefused(self._system, f"It has no journal of type {kind}.")
        return int(found[0]["id"])

    def _account(self, code: str, company: int) -> int:
        """The account with this code in a company."""
        wanted = [["code", "=", code], ["company", "=", company], ["closed", "!=", True]]
        found = self._records.all("account.account", wanted, ["id"], company=company)
        if not found:
            raise SystemRefused(self._system, f"Company {company} has no account {code}.")
        return int(found[0]["id"])

    def _ref(self, kind: str, id: int | str) -> ExternalRef:
        return ExternalRef(system=self._system, kind=kind, id=str(id))

    def _there(self, model: str, ref: ExternalRef, fields: Sequence[str], *, what: str) -> Record:
        """A record that must be there. Raises `SystemRefused` where it is not."""
        found = None
        if ref.system == self._system:
            found = self._records.one(model, ref.id, fields)
        if found is None:
            raise SystemRefused(self._system, f"There is no {what} {ref}.")
        return found

    # Lists of the database

    def _company(self, id: str) -> int:
        wanted = number(id)
        if wanted is None:
            raise SystemRefused(self._system, f"It has no company {id}.")
        return wanted

    def _currency_id(self, iso: str) -> int:
        return self._currency(lambda one: one[1] == iso, f"It does not keep books in {iso}.")[0]

    def _iso(self, id: int) -> str:
        return self._currency(lambda one: one[0] == id, f"It has no currency {id}.")[1]

    def _currency(self, fits: Callable[[tuple[int, str]], bool], why: str) -> tuple[int, str]:
        """Id and ISO 4217 code. Currencies are read again where one is not known yet."""
        if not any(map(fits, self._currencies.items())):
            rows = self._records.all("currency.currency", [["active", "=", True]], ["code"])
            self._currencies = {int(row["id"]): str(row["code"]) for row in rows}
        found = next(filter(fits, self._currencies.items()), None)
        if found is None:
            raise SystemRefused(self._system, why)
        return found

    def _terms(self, days: int) -> int:
        """The payment term whose whole amount is due after so many days.

        Raises `SystemRefused` where there is none: terms are for the firm to make.
        """
        single = [
            ["lines.type", "=", "remainder"],
            ["lines.relativedeltas.days", "=", days],
            ["active", "=", True],
        ]
        wanted = ["lines.type", "lines.relativedeltas.days", "lines.relativedeltas.months"]
        for term in self._records.all("account.invoice.payment_term", single, wanted):
            parts = [part for line in term["lines"] for part in line["relativedeltas"]]
            if len(term["lines"]) == len(parts) == 1 and not parts[0].get("months"):
                return int(term["id"])
        raise SystemRefused(self._system, f"It has no payment term of {days} days net.")


def _is_on_sheet(rule: FieldRule) -> bool:
    return rule.path.startswith(f"{SHEET}.")


def _given(values: Mapping[str, Any], ours: str) -> Any:
    if ours in values:
        return values[ours]
    found: Any = values
    for part in ours.split("."):
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, Any]", found).get(part)
    return found


def _flat(nested: Mapping[str, Any], before: str = "") -> dict[str, object]:
    """`{"budget": {"amount": 1}}` as `{"budget.amount": 1}`: names of lines on a sheet."""
    found: dict[str, object] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            found |= _flat(cast("Mapping[str, Any]", value), f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found
