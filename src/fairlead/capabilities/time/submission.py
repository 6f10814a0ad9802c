"""Weeks that are due: people are reminded, and what stays missing is told to their team (F070).

Each is said once: the row of the week counts what was said, in the transaction that says it. A
reminder is mail, so a run carries it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from fairlead.capabilities.handoff.firm import Calendars
from fairlead.capabilities.time.events import TIMESHEET_DUE, say
from fairlead.capabilities.time.whose import calendar_of, resource_of
from fairlead.domain.rules.timesheet_window import Window, WindowTerms, monday_of, window
from fairlead.domain.values import Money, Value
from fairlead.errors import IllegalMove, InvalidInput, Problem
from fairlead.flow.calls import Call, Done, OutwardCall
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry
from fairlead.flow.start import start_run
from fairlead.policy.tables import Policies, decide
from fairlead.ports.messages import Notice
from fairlead.store import exceptions, journal, timesheets
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.inbox import Message
from fairlead.store.journal import Event, Relation
from fairlead.store.timesheets import Place
from fairlead.trust.acting import Acting
from fairlead.work.words import CauseClass, ExceptionAction, NewException

POLICY = "timesheet-window"
SUBJECT = "timesheet"
_MOST = 500  #: told in one transaction; the next sweep goes on
_MOST_NAMED = 50
_LATE = timedelta(days=2)  #: a window that closed longer ago is not begun any more

Connected = Callable[[str, Mapping[str, str | None]], bool]


class WindowFacts(Value):
    """All that the policy `timesheet-window` may ask."""

    region: str
    country: str


@dataclass(frozen=True)
class Submission:
    """The sweep. Safe to run in every worker."""

    db: Database
    policies: Policies
    calendars: Calendars

    def sweep(self) -> None:
        with self.db.transaction() as tx:
            if not timesheets.alone(tx):
                return
            self.look(tx, database_time(tx))

    def look(self, tx: Tx, now: datetime) -> None:
        """Begin weeks, take in what was handed in, remind and escalate, as of `now` (UTC)."""
        this = monday_of(now.date())
        weeks = {this - timedelta(weeks=1), this} | timesheets.open_weeks(tx)
        found = [
            (place, terms, each)
            for place in timesheets.places(tx)
            for terms in [self._terms(place, now)]
            for each in [self._window(place, terms, week) for week in sorted(weeks)]
        ]
        rows = timesheets.as_rows([_row(*one) for one in found])
        begun = {each.week for _, _, each in found if each.due_at > now - _LATE}
        timesheets.begin(tx, rows, begun & {this - timedelta(weeks=1), this})
        settled = timesheets.end(tx, rows, now)
        for late in timesheets.remind(tx, rows, now, _MOST):
            if late["email"]:
                _remind(tx, late)
        teams = timesheets.escalate(tx, rows, now, _MOST)
        _escalate(tx, teams, now)
        settle(tx, settled - set(teams), now)

    def _terms(self, place: Place, now: datetime) -> WindowTerms:
        policy = self.policies.as_of(POLICY, now)
        facts = WindowFacts(region=place.region or "", country=place.country or "")
        answer = decide(policy, facts, now).answer
        return WindowTerms.model_validate(
            {**answer, "due_time": time.fromisoformat(str(answer["due_time"]))}
        )

    def _window(self, place: Place, terms: WindowTerms, week: date) -> Window:
        calendar = calendar_of(
            self.calendars, name=place.calendar, region=place.region, country=place.country
        )
        return window(week, terms, calendar)


class TimesheetSubjects:
    """Fulfils `flow.calls.Subjects` for one person's week: `resource/Monday`."""

    def load(self, tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, Mapping[str, Any]]:
        return timesheets.load(tx, ids)

    def save(self, tx: Tx, subjects: Sequence[Mapping[str, Any]]) -> None:
        """No run changes one."""

    def facts(self, subject: Mapping[str, Any]) -> Mapping[str, str | None]:
        return {"region": subject["region"], "country": subject["country"]}

    def title(self, subject: Mapping[str, Any]) -> str:
        return f"time of {subject['name']}, week of {subject['week']}"

    def at_stake(self, subject: Mapping[str, Any]) -> Money | None:
        return None

    def involved(self, subject: Mapping[str, Any]) -> tuple[str, ...]:
        return (subject["resource_id"],)

    def shown(self, subject: Mapping[str, Any]) -> dict[str, Any]:
        return {"resource": subject["resource_id"], "week": str(subject["week"])}

    def objects(self, subject: Mapping[str, Any]) -> Sequence[Relation]:
        resource = subject["resource_id"]
        return [(f"{resource}/{subject['week']}", SUBJECT, "of"), (resource, "resource", "of")]


class StartsReminder:
    """Takes in that somebody is to hear of a week that is due."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = data["timesheet"]
        found = timesheets.load(tx, [id]).get(id)
        if found is None or found["state"] != "open":
            return f"{id} is handed in"
        subjects = TimesheetSubjects()
        started = [
            start_run(
                tx,
                self._library,
                playbook,
                subject_id=id,
                facts=subjects.facts(found),
                correlation=message.correlation,
                input={"late": data["late"]},
                occurrence=message.message,
                objects=tuple(subjects.objects(found)),
            )
            for playbook in self._library.started_by(TIMESHEET_DUE)
        ]
        return f"{id}: {sum(run is not None for run in started)} reminders"


def register(registry: Registry, connected: Connected) -> None:
    subjects = TimesheetSubjects()

    @registry.condition("mail_reaches_them")
    def mail_reaches_them(call: Call) -> bool:
        """Has the firm a mail system where they work? Else the step is left out."""
        return connected("mail", subjects.facts(call.subject))

    @registry.action("mail_reminder", on="mail", safe="A repeat has the same Message-ID.")
    def mail_reminder(call: OutwardCall) -> Done:
        """A word to the person whose week is due, or late."""
        notice = _notice(call.subject, late=call.run.input["late"])
        to = (call.subject["email"],)
        ref = call.once(
            "mail.send",
            request={"to": list(to), "title": notice.title},
            call=lambda key: call.port.send(to, notice, key=key),
            find=None,
        )
        return Done({"mail": str(ref)})


def declare(tx: Tx, acting: Acting, week: date, reason: str) -> None:
    """One's own week is complete although less was booked than is contracted.

    Raises `NotAllowed`, `InvalidInput`, `IllegalMove` (it is not open).
    """
    if week.weekday() != 0 or not reason.strip():
        problems = [Problem("", "week is a Monday, and reason says why less was worked")]
        raise InvalidInput("This week cannot be declared complete.", problems)
    who, now = resource_of(tx, acting), database_time(tx)
    cause = timesheets.declare(tx, who.id, week, reason.strip(), now)
    if cause is False:
        raise IllegalMove("The week", "not open", "complete")
    event = Event(
        chain=f"{who.id}/{week}",
        type="timesheet.declared",
        at=now,
        actor=f"person:{acting.id}",
        attributes={"reason": reason.strip()},
        objects=[(f"{who.id}/{week}", SUBJECT, "of"), (who.id, "resource", "of")],
        region=who.region,
    )
    journal.append(tx, [event])
    if isinstance(cause, str):
        settle(tx, {cause}, now)


def settle(tx: Tx, causes: Collection[str], now: datetime) -> None:
    """End the exceptions of which nothing is missing any more; the rest say what still is."""
    left = {row["cause"] for row in timesheets.missing(tx, causes)}
    exceptions.settle(tx, sorted(set(causes) - left), now)


def _remind(tx: Tx, late: Mapping[str, Any]) -> None:
    id = f"{late['resource_id']}/{late['week']}"
    data = {"timesheet": id, "late": late["reminders"] > 1}
    say(tx, TIMESHEET_DUE, f"{id}/{late['reminders']}", data)


def _escalate(tx: Tx, teams: Mapping[str, str], now: datetime) -> None:
    for cause, rows in groupby(timesheets.missing(tx, teams), key=lambda row: row["cause"]):
        some = list(rows)
        first = some[0]
        manager = first["manager_name"] or "nobody is their manager"
        names = ", ".join(row["name"] for row in some[:_MOST_NAMED])
        exceptions.open_one(
            tx,
            NewException(
                cause=cause,
                cause_class=CauseClass.DELAY,
                team=teams[cause],
                title=f"Time of the week of {first['week']} is missing from {len(some)}",
                detail=f"Manager: {manager}. Missing: {names}.",
                remedy="Have them hand their week in, or declare it complete.",
                opened_at=now,
                actions=(ExceptionAction.ASSIGN,),
                payload={
                    "week": str(first["week"]),
                    "manager": first["manager"],
                    "resources": [row["id"] for row in some[:_MOST_NAMED]],
                },
                region=first["region"],
            ),
        )


def _notice(subject: Mapping[str, Any], *, late: bool) -> Notice:
    week, due = subject["week"], subject["due_at"].astimezone(UTC)
    what = "is late" if late else "is due soon"
    return Notice(
        title=f"Your time for the week of {week} {what}"[:1000],
        text=f"Hello {subject['name']},\n\nyour time for the week of {week} is not complete. It "
        f"{'was' if late else 'is'} due on {due:%Y-%m-%d at %H:%M} UTC.\n\nHand in your week, or "
        "declare it complete with a reason if you worked less.",
    )


def _row(place: Place, terms: WindowTerms, each: Window) -> dict[str, Any]:
    return {
        **vars(place),
        "week": each.week,
        "due_at": each.due_at,
        "remind_at": each.remind_at,
        "escalate_at": each.escalate_at,
        "days": "{" + ",".join(day.isoformat() for day in each.days) + "}",
        "usual": max(each.usual, 1),
        "share": terms.least_share,
        "team": terms.team,
    }
