"""A month of a company is given to its payroll, once, when it is closed (F076, F127).

Approved time of the company's people becomes a sheet a person. Each entry is on one sheet at most.
What is approved later, and what takes back time that was given, goes with the next month: as the
difference that it makes. A company that no payroll system serves keeps its hours as a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from fairlead.capabilities.time.events import MONTH_CLOSED
from fairlead.capabilities.time.kinds import Kinds
from fairlead.config import Systems
from fairlead.domain.ids import derived
from fairlead.domain.model.pay_sheet import PaySheet
from fairlead.domain.model.payroll_month import PayrollMonth
from fairlead.domain.rules.payroll import Worked, lines
from fairlead.domain.values import Money
from fairlead.flow.library import Library
from fairlead.flow.start import start_run
from fairlead.store import blobs, payroll
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.store.journal import Relation

PORT = "payroll"
SUBJECT = "payroll_month"
_MOST = 50  #: sheets that one run carries

Pay = Callable[[str], str]  #: a kind of time → how it is paid


def facts_of(legal_entity: str) -> Mapping[str, str | None]:
    """By which a company's payroll system is chosen."""
    return {"legal_entity": legal_entity, "region": None, "country": None}


class PayrollSubjects:
    """Fulfils `flow.calls.Subjects` for a company's month at its payroll."""

    def load(self, tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, PayrollMonth]:
        return payroll.months(tx, ids)

    def save(self, tx: Tx, subjects: Sequence[PayrollMonth]) -> None:
        """No run changes one."""

    def facts(self, subject: PayrollMonth) -> Mapping[str, str | None]:
        return facts_of(subject.legal_entity)

    def title(self, subject: PayrollMonth) -> str:
        return f"payroll of {subject.legal_entity} {subject.month:%Y-%m}"

    def at_stake(self, subject: PayrollMonth) -> Money | None:
        return None

    def involved(self, subject: PayrollMonth) -> tuple[str, ...]:
        return ()

    def shown(self, subject: PayrollMonth) -> dict[str, Any]:
        return {"legal_entity": subject.legal_entity, "month": f"{subject.month:%Y-%m}"}

    def objects(self, subject: PayrollMonth) -> Sequence[Relation]:
        return [(subject.id, SUBJECT, "of")]


class GivesMonth:
    """Takes in that a company has closed a month."""

    def __init__(self, library: Library, kinds: Kinds, systems: Systems) -> None:
        self._library, self._kinds, self._systems = library, kinds, systems

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        entity, month = str(data["legal_entity"]), date.fromisoformat(data["month"])
        if not self._systems.connected(PORT, facts_of(entity)):
            return f"no payroll system serves {entity}: its hours stay a file"
        system = self._systems.route(PORT, facts_of(entity))
        of = payroll.form(tx, entity, month, system, database_time(tx))
        if of is None:
            return f"{entity} {month:%Y-%m} was given to payroll before"
        made = sheets_of(of, payroll.unpaid(tx, of), self._pay)
        payroll.keep(tx, of, made)
        for number in range(0, len(made), _MOST):
            part = [sheet.model_dump(mode="json") for sheet, _ in made[number : number + _MOST]]
            batch = blobs.keep(tx, json.dumps(part).encode(), "application/json")
            start(
                tx,
                self._library,
                MONTH_CLOSED,
                of,
                message,
                {"sheets": len(part), "batch": batch},
                number // _MOST,
            )
        return f"{entity} {month:%Y-%m}: hours of {len(made)} people go to {system}"

    def _pay(self, category: str) -> str:
        kind = self._kinds.get(category) or self._kinds.usual
        return kind.pay


def sheets_of(
    of: PayrollMonth, rows: Sequence[Mapping[str, Any]], pay: Pay
) -> list[tuple[PaySheet, list[Any]]]:
    """A sheet for each person who has hours to be paid, with the ids of its entries; `rows` are
    sorted by person. Entries of a kind that comes to nothing, or less, stay for a later month."""
    made: list[tuple[PaySheet, list[Any]]] = []
    for resource, group in groupby(rows, key=lambda row: row["resource"]):
        own = list(group)
        worked = [
            Worked(day=row["day"], pay=pay(row["category"]), minutes=row["minutes"]) for row in own
        ]
        found = lines(worked, of.month, of.end)
        paid = {line.pay for line in found}
        if found:
            sheet = PaySheet(
                id=derived("pay-sheet", of.id, resource),
                resource=resource,
                start=of.month,
                end=of.end,
                lines=found,
            )
            entries = [row["id"] for row, one in zip(own, worked, strict=True) if one.pay in paid]
            made.append((sheet, entries))
    return made


def start(
    tx: Tx,
    library: Library,
    event: str,
    of: PayrollMonth,
    message: Message,
    input: dict[str, Any],
    number: int = 0,
) -> int:
    """Start what begins with this event, once for a message and number; how many runs."""
    subjects = PayrollSubjects()
    started = [
        start_run(
            tx,
            library,
            playbook,
            subject_id=of.id,
            facts=subjects.facts(of),
            correlation=message.correlation,
            input=input,
            occurrence=f"{message.message}/{number}",
            objects=tuple(subjects.objects(of)),
        )
        for playbook in library.started_by(event)
    ]
    return sum(run is not None for run in started)
