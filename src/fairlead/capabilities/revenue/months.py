"""Computing a month's revenue, chunk by chunk, for every engagement whose month is open (F087).

Whoever is stopped is carried on where it was. The same month computed again changes nothing but
what has changed: drafts are written anew, and what was approved gets a later revision, which takes
it back in the ledger. A month that is closed never changes: the difference is of the next one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.revenue.reckoning import Exchange, Figures, figures
from fairlead.domain.ids import derived
from fairlead.domain.model.revenue import Recognised, Treatment
from fairlead.domain.rules.project_setup import add_months
from fairlead.domain.rules.revenue import Unmeasured, recognise
from fairlead.domain.values import Value
from fairlead.errors import InvalidInput, Problem
from fairlead.policy.tables import Policies, decide
from fairlead.store import contract_terms, exceptions, journal, revenue, revenue_jobs, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.revenue_jobs import Job
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Permission
from fairlead.work.words import CauseClass, ExceptionAction, NewException

POLICY = "contract-modification"
QUEUE = "revenue"  #: of the workers
_TEAM = "finance-operations"
_AT_A_TIME = 200  #: engagements in one transaction
_SLA = timedelta(days=2)  #: clock time in which somebody must see to one that is held
_FIGURES = ("earned", "billed", "wip", "accrued", "deferred")
_CHANGES = ("revenue", "billed_change", "wip_change", "deferred_change")


class ModificationFacts(Value):
    """All that the policy `contract-modification` may ask."""

    revenue_method: str
    contract_type: str


@dataclass(frozen=True)
class Reckons:
    """What computing needs besides the database."""

    policies: Policies
    days: CompanyDays
    exchange: Callable[[Tx], Exchange]


def ask_for_month(tx: Tx, principal: Principal, month: date, *, today: date) -> Job:
    """Have a month computed. Raises `NotAllowed`, and `InvalidInput` for one that is not over.

    month: any day of it. Asked for again while it is computed, it is the same job.
    """
    principal.must(Permission.BILLING_PROPOSE)
    first = month.replace(day=1)
    if first > today or last_day(first) >= today:
        raise InvalidInput(
            "Revenue is computed for a month that is over.",
            [Problem("/month", f"ends before {today.isoformat()}")],
        )
    now = database_time(tx)
    waiting = revenue_jobs.waiting(tx, first, principal.id)
    job = revenue_jobs.ask(
        tx,
        waiting or derived("revenue-job", str(first), principal.id, str(now)),
        month=first,
        until=last_day(first),
        by=principal.id,
        regions=None if principal.regions is None else sorted(principal.regions),
        legal_entities=None
        if principal.legal_entities is None
        else sorted(principal.legal_entities),
        at=now,
    )
    runs.notify(tx, QUEUE)
    return job


def carry_on(tx: Tx, reckons: Reckons, *, at_a_time: int = _AT_A_TIME) -> bool:
    """Compute the next chunk of the oldest job; False: there is nothing to do."""
    job = revenue_jobs.take(tx)
    if job is None:
        return False
    now, until = database_time(tx), last_day(job.month)
    if not job.reached:
        revenue.lapse(tx)
    rows = revenue_jobs.chunk(tx, job, until, at_a_time)
    changed, held = _compute(tx, reckons, job, rows, until, now) if rows else (0, 0)
    done = len(rows) < at_a_time
    revenue_jobs.advance(
        tx,
        job,
        reached=rows[-1]["engagement_id"] if rows else job.reached,
        engagements=len(rows),
        changed=changed,
        held=held,
        ended_at=now if done else None,
    )
    if done:
        _go_on(tx, job, changed_any=bool(job.changed + changed), now=now)
    return True


def _go_on(tx: Tx, job: Job, *, changed_any: bool, now: datetime) -> None:
    """A later month counts from this one's figures: where they changed, so do its changes."""
    later = revenue_jobs.later_month(tx, job.month) if changed_any else None
    if later is not None:
        revenue_jobs.ask(
            tx,
            derived("revenue-job", job.id, str(later)),
            month=later,
            until=last_day(later),
            by=job.asked_by,
            regions=job.regions,
            legal_entities=job.legal_entities,
            at=now,
        )


def note_terms(tx: Tx, reckons: Reckons, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Keep the terms of these engagements as they are now; changes hold from today in the company
    of each."""
    groups: dict[tuple[Treatment, date], list[str]] = {}
    policy = reckons.policies.as_of(POLICY, now)
    asked: dict[tuple[str, str], Treatment] = {}
    for row in rows:
        key = (row["revenue_method"], row["contract_type"])
        if key not in asked:
            facts = ModificationFacts(revenue_method=key[0], contract_type=key[1])
            asked[key] = Treatment(str(decide(policy, facts, now).answer["treatment"]))
        today = reckons.days.on(now, row["legal_entity"])
        groups.setdefault((asked[key], today), []).append(row["engagement_id"])
    for (treatment, today), ids in groups.items():
        contract_terms.note(tx, ids, since=today, treatment=treatment, at=now)


def last_day(month: date) -> date:
    return add_months(month.replace(day=1), 1) - timedelta(days=1)


@dataclass(frozen=True)
class _Drafted:
    """An engagement whose month has new figures."""

    row: dict[str, Any]
    delivery: Mapping[str, Any]


def _compute(
    tx: Tx,
    reckons: Reckons,
    job: Job,
    rows: Sequence[Mapping[str, Any]],
    until: date,
    now: datetime,
) -> tuple[int, int]:
    """How many engagements have new figures, and how many cannot be measured."""
    ids = [row["engagement_id"] for row in rows]
    note_terms(tx, reckons, rows, now)
    found = figures(tx, ids, until, days=reckons.days, exchange=reckons.exchange(tx))
    before = revenue.standing_before(tx, ids, job.month)
    fixed, drafts = revenue.of_month(tx, ids, job.month)
    drafted: list[_Drafted] = []
    dropped: list[str] = []
    measured: list[str] = []
    held = 0
    for row in rows:
        id = row["engagement_id"]
        figures_of = found[id]
        try:
            if isinstance(figures_of, Unmeasured):
                raise figures_of
            answer = recognise(figures_of.revenue)
        except Unmeasured as missing:
            _hold(tx, row, job.month, str(missing), now)
            held += 1
            continue
        measured.append(id)
        new = _figures(answer, before.get(id))
        if _same(new, fixed.get(id)) or (id not in fixed and _nothing(new)):
            dropped.append(id)
        elif not _same(new, drafts.get(id)):
            last = fixed.get(id) or drafts.get(id)
            revision = drafts[id]["revision"] if id in drafts else _next(last)
            drafted.append(_Drafted(_row(job, id, revision, new, answer, figures_of, now), row))
    revenue.drop_drafts(tx, dropped, job.month)
    exceptions.settle(tx, [_cause(id) for id in measured], now)
    _write(tx, job, drafted, now)
    return len(drafted), held


def _figures(answer: Recognised, before: Mapping[str, Any] | None) -> dict[str, Any]:
    at = answer.position
    now = {name: getattr(at, name).amount for name in _FIGURES}
    was = {name: before[name] if before else 0 for name in _FIGURES}
    return now | {
        "revenue": now["earned"] - was["earned"],
        "billed_change": now["billed"] - was["billed"],
        "wip_change": now["wip"] - was["wip"],
        "deferred_change": now["deferred"] - was["deferred"],
    }


def _same(new: Mapping[str, Any], row: Mapping[str, Any] | None) -> bool:
    """What is accrued is of no journal: it may change in what was approved."""
    if row is None or row["state"] == "lapsed":
        return False
    names = [*_FIGURES, *_CHANGES] if row["state"] == "draft" else list(_CHANGES)
    return all(new[name] == row[name] for name in names)


def _nothing(new: Mapping[str, Any]) -> bool:
    return not any(new[name] for name in (*_FIGURES, *_CHANGES))


def _next(last: Mapping[str, Any] | None) -> int:
    return last["last_revision"] + 1 if last else 1


def _row(
    job: Job,
    id: str,
    revision: int,
    new: Mapping[str, Any],
    answer: Recognised,
    found: Figures,
    now: datetime,
) -> dict[str, Any]:
    basis = found.revenue.model_dump(mode="json")
    amounts = {name: format(amount, "f") for name, amount in new.items()}
    text = json.dumps([id, str(job.month), revision, basis, amounts], sort_keys=True)
    return {
        "engagement_id": id,
        "month": job.month,
        "revision": revision,
        "state": "draft",
        "method": found.revenue.method,
        "currency": found.revenue.currency,
        **new,
        "basis": basis,
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "warnings": list(answer.warnings),
        "computed_at": now,
    }


def _write(tx: Tx, job: Job, drafted: Sequence[_Drafted], now: datetime) -> None:
    """Drafts go to the open batch of their company and region."""
    groups: dict[tuple[str, str], list[_Drafted]] = {}
    for one in drafted:
        groups.setdefault((one.delivery["legal_entity"], one.delivery["region"]), []).append(one)
    for (legal_entity, region), some in sorted(groups.items()):
        batch = revenue.open_batch(
            tx,
            legal_entity=legal_entity,
            region=region,
            month=job.month,
            by=job.asked_by,
            at=now,
        )
        revenue.put_drafts(tx, [{**one.row, "batch_id": batch} for one in some])
        journal.append(
            tx,
            [
                Event(
                    chain=batch,
                    type="revenue.computed",
                    at=now,
                    actor=f"person:{job.asked_by}",
                    attributes={
                        "month": f"{job.month:%Y-%m}",
                        "legal_entity": legal_entity,
                        "entries": len(some),
                        "job": job.id,
                    },
                    objects=[(batch, "revenue_batch", "computed")],
                    region=region or None,
                )
            ],
        )


def _cause(id: str) -> str:
    return f"revenue:{id}"


def _hold(tx: Tx, row: Mapping[str, Any], month: date, why: str, now: datetime) -> None:
    """It keeps its last figures (IFRS 15.44) until what is missing is there."""
    exceptions.open_one(
        tx,
        NewException(
            cause=_cause(row["engagement_id"]),
            cause_class=CauseClass.CONFIGURATION,
            team=_TEAM,
            title=f"{row['number']}: revenue of {month:%Y-%m} cannot be measured",
            detail=f"{row['number']} keeps the figures of the month before: {why}.",
            remedy="Supply what is missing; the next computation of the month takes it in.",
            opened_at=now,
            due_at=now + _SLA,
            actions=(ExceptionAction.ASSIGN,),
            subject_id=row["engagement_id"],
            region=row["region"] or None,
        ),
    )
