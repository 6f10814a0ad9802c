"""NetSuite as the firm's ledger.

Every record that we make carries an external id that follows from the effect's key
(`records.external_id`). External ids are unique for each record type, and an upsert by external
id creates at most one record, so every create here may be repeated (level L2).

Two operations make several records. They are found only once all of them are there: a project
is marked complete by its last write, and a schedule counts once its project points to it. A
call that ends half-way leaves what it made; the next call with the same key carries it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.connectors.netsuite.records import Records, cut, external_id
from fairlead.connectors.netsuite.settings import NetSuiteSettings
from fairlead.connectors.netsuite.suiteql import (
    bare,
    bare_text,
    columns,
    containing,
    folded,
    quoted,
    select,
)
from fairlead.domain.company_names import first_significant_word, has_word
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.billing_schedule import BillingLine, BillingSchedule
from fairlead.domain.model.client import Address, Client
from fairlead.domain.model.project import Project, WorkPackage
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused

_Model = TypeVar("_Model", bound=BaseModel)

_CUSTOMER, _JOB, _TASK, _SCHEDULE = "customer", "job", "projectTask", "billingSchedule"

# Characters that NetSuite keeps; longer names are cut there and kept whole in a custom field.
_LONGEST_COMPANY_NAME = 83
_LONGEST_TITLE = 99
_LONGEST_SEARCHED = 40  # a word may have been cut with the name that it is in
_IDS_IN_ONE_QUERY = 500  # Oracle takes at most 1,000 in one IN list


class NetSuiteLedger:
    """The port `ledger`. Threads may share it."""

    def __init__(
        self, system: str, settings: NetSuiteSettings, http: Http, fields: FieldMap
    ) -> None:
        self._system, self._settings, self._fields = system, settings, fields
        self._records = Records(http, page_size=settings.page_size)
        self._currencies: tuple[tuple[str, str], ...] = ()  # replaced as a whole, never changed

    def ping(self) -> None:
        self._records.ping()

    # Clients

    def candidates(self, client: Client) -> Sequence[Client]:
        """Customers with the same tax id, or a name in which our first significant word occurs.

        Accents, umlauts written as two letters, capitals and legal forms make no difference.
        Inactive ones are told too. Which one it is, is not decided here.
        """
        name = self._fields.their_path("client_row", "name")
        tax_id = self._fields.their_path("client_row", "tax_id")
        word = first_significant_word(client.name)
        if word:
            conditions = [containing(folded(name), word[:_LONGEST_SEARCHED])]
        else:  # no letter and no digit in it: only the very same text can be meant
            conditions = [containing(name, client.name[: _LONGEST_COMPANY_NAME - 1])]
        tax_ids = _tax_ids(client)
        if tax_ids:
            conditions.append(f"{bare(tax_id)} IN ({', '.join(map(quoted, tax_ids))})")
        wanted = columns(self._fields.theirs("client_row"))
        rows = [
            self._read("client_row", row)
            for row in self._records.query(select(wanted, "customer", " OR ".join(conditions)))
        ]
        addresses = self._addresses(row["address"] for row in rows if "address" in row)
        found = [
            self._client(row, addresses.get(str(row.get("address")), Address())) for row in rows
        ]
        return [
            one
            for one in found
            # The word may have been found inside another: `Arco` in `Marconi`.
            if not word or has_word(one.name, word) or bare_text(one.tax_id or "") in tax_ids
        ]

    def create_client(self, client: Client, *, subsidiary: str, key: EffectKey) -> ExternalRef:
        values = {
            "name": cut(client.name, _LONGEST_COMPANY_NAME),
            "full_name": client.name,
            "is_person": False,
            "subsidiary": subsidiary,
            "currency": self._currency_id(client.currency) if client.currency else None,
            "tax_id": client.tax_id,
            "web": f"https://{client.domain}" if client.domain else None,
            "tier": client.tier,
        }
        body = self._fields.write("client", values)
        replace = ""
        if address := self._fields.write("address", client.address.model_dump()):
            line = {"defaultBilling": True, "addressBookAddress": address}
            body["addressBook"], replace = {"items": [line]}, "addressBook"
        made = self._records.upsert(_CUSTOMER, external_id(key), body, replace=replace)
        return self._ref(_CUSTOMER, made)

    def find_client(self, key: EffectKey) -> ExternalRef | None:
        found = self._records.find(_CUSTOMER, external_id(key))
        return self._ref(_CUSTOMER, found[0]) if found else None

    # Projects

    def create_project(
        self, project: Project, *, client: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """The job, then a task for each work package, then the mark that all are there.

        The mark is not part of the first write, so that a repeat never takes it away.
        """
        values: dict[str, Any] = {
            "code": project.code,
            "name": cut(project.name, _LONGEST_COMPANY_NAME),
            "full_name": project.name,
            "client": client.id,
            "subsidiary": project.dimensions.subsidiary,
            "currency": self._currency_id(project.budget.currency),
            "starts_on": project.starts_on,
            "ends_on": project.ends_on,
            "billing_type": self._settings.schedule_type,
            "contract_type": project.contract_type,
            "budget": project.budget.amount,
            "hours": project.hours,
            "dimensions": project.dimensions.model_dump(),
        }
        job = self._records.upsert(_JOB, external_id(key), self._fields.write("project", values))
        for package in project.work_packages:
            task = external_id(key, "work_package", package.code)
            self._records.upsert(_TASK, task, self._task(package, job))
        mark = self._fields.write("project_state", {"complete": True})
        self._records.change(_JOB, job, mark)
        return self._ref(_JOB, job)

    def find_project(self, key: EffectKey) -> ExternalRef | None:
        """None also where the job is there, but not yet its whole work breakdown structure."""
        found = self._records.find(_JOB, external_id(key))
        if found is None or not self._read("project_state", found[1]).get("complete"):
            return None
        return self._ref(_JOB, found[0])

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Made inactive: NetSuite offers it for no new time, expense or invoice any more."""
        closing = self._fields.write("project_state", {"closed": True})
        self._records.change(_JOB, project.id, closing)
        return project

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        job = self._records.read(_JOB, project.id)
        closed = job is not None and self._read("project_state", job).get("closed")
        return project if closed else None

    # Billing schedules

    def create_schedule(
        self, schedule: BillingSchedule, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """Dated amounts in the project's currency; then the project is pointed to them.

        A billing schedule has no currency of its own, so a project in another one is refused
        here, before anything is written.
        """
        job = self._records.read(_JOB, project.id)
        if job is None:
            raise SystemRefused(self._system, f"There is no project {project.id}.")
        if self._read("project_state", job).get("currency") != self._currency_id(schedule.currency):
            why = f"Project {project.id} is not in {schedule.currency}, as its schedule is."
            raise SystemRefused(self._system, why)
        sublist = self._fields.their_path("schedule", "lines")
        values = {
            "name": cut(f"{schedule.code} {schedule.name}", _LONGEST_TITLE),
            "type": self._settings.schedule_type,
            "initial_amount": Decimal(0),
            "project": project.id,
        }
        body = self._fields.write("schedule", values)
        terms = self._terms_id(schedule.payment_days)
        body[sublist] = {"items": [self._line(line, terms) for line in schedule.lines]}
        made = self._records.upsert(_SCHEDULE, external_id(key), body, replace=sublist)
        pointer = self._fields.write("project_state", {"schedule": made})
        self._records.change(_JOB, project.id, pointer)
        return self._ref(_SCHEDULE, made)

    def find_schedule(self, key: EffectKey) -> ExternalRef | None:
        """None also where the schedule is there, but its project does not use it yet."""
        found = self._records.find(_SCHEDULE, external_id(key))
        if found is None:
            return None
        id, record = found
        project = self._read("schedule_state", record).get("project")
        job = self._records.read(_JOB, project) if project else None
        used = job is not None and self._read("project_state", job).get("schedule") == id
        return self._ref(_SCHEDULE, id) if used else None

    # What is read and written, in their words

    def _task(self, package: WorkPackage, job: str) -> dict[str, Any]:
        values = {
            "project": job,
            "title": cut(f"{package.code} {package.name}", _LONGEST_TITLE),
            "hours": package.hours,
            "constraint": "FIXEDSTART",  # otherwise NetSuite moves the start by itself
            "starts_on": package.starts_on,
            "ends_on": package.ends_on,
            "not_billable": not package.billable,
        }
        return self._fields.write("work_package", values)

    def _line(self, line: BillingLine, terms: str) -> dict[str, Any]:
        values = {
            "name": cut(line.name, _LONGEST_TITLE),
            "amount": line.amount.amount,
            "due_on": line.due_on,
            "terms": terms,
        }
        return self._fields.write("schedule_line", values)

    def _client(self, row: Mapping[str, Any], address: Address) -> Client:
        name, full_name = row.get("name") or row.get("code", ""), row.get("full_name", "")
        values = {
            "ref": self._ref(_CUSTOMER, row["id"]),
            # A name that a person changed since is the true one, though ours was longer.
            "name": full_name if cut(full_name, _LONGEST_COMPANY_NAME) == name else name,
            "tax_id": row.get("tax_id"),
            "domain": _domain(row.get("web", "")),
            "address": address,
            "currency": self._iso(row["currency"]) if "currency" in row else None,
            "tier": row.get("tier"),
            "inactive": row.get("inactive") == "T",
        }
        return self._valid(Client, values)

    def _addresses(self, ids: Iterable[str]) -> dict[str, Address]:
        wanted, id = columns(self._fields.theirs("address_row")), self._key_of_address()
        every = sorted(set(ids))
        found: dict[str, Address] = {}
        for start in range(0, len(every), _IDS_IN_ONE_QUERY):
            some = ", ".join(quoted(one) for one in every[start : start + _IDS_IN_ONE_QUERY])
            statement = select(wanted, "entityaddress", f"{id} IN ({some})", order=id)
            rows = self._records.query(statement)
            for row in rows:
                values = self._read("address_row", row)
                key = values.pop("id")
                found[key] = self._valid(Address, values)
        return found

    def _key_of_address(self) -> str:
        return columns([self._fields.their_path("address_row", "id")])

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

    def _ref(self, kind: str, id: str) -> ExternalRef:
        return ExternalRef(system=self._system, kind=kind, id=id)


def _tax_ids(client: Client) -> tuple[str, ...]:
    """Its tax id without spaces and signs; also with, or without, the prefix of its country."""
    bare_id = bare_text(client.tax_id or "")
    if not bare_id:
        return ()
    country, prefix = client.address.country, bare_id[:2]
    if prefix.isalpha() and bare_id[2:].isdigit():
        return (bare_id, bare_id[2:])
    return (bare_id, country + bare_id) if country and bare_id.isdigit() else (bare_id,)


def _domain(web: str) -> str | None:
    host = urlsplit(web if "//" in web else f"//{web}").hostname or ""
    return host.removeprefix("www.") or None
