"""Judging stored entries: what the rules ask of them is read, they are judged, findings are kept.

One person's week and a million entries take the same way; only how many people are taken at once
differs. Whoever judges holds the rows of these people, so that two never judge one day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import polars as pl

from fairlead.capabilities.handoff.firm import Calendars
from fairlead.capabilities.time.kinds import Kinds
from fairlead.capabilities.time.terms import LimitFacts, Terms
from fairlead.capabilities.time.whose import local_day
from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.rules import time_facts as columns
from fairlead.domain.rules.time_facts import Facts
from fairlead.domain.rules.time_judge import judge
from fairlead.domain.rules.time_spending import beyond_caps, overruns
from fairlead.policy.tables import Policies
from fairlead.store import time_columns
from fairlead.store.database import Tx, database_time
from fairlead.store.time_columns import Judged

_DAY = timedelta(days=1)

#: Column → what policies call it.
_OF_ENGAGEMENT = {
    "time_policy": "time_policy",
    "contract_type": "contract_type",
    "engagement_region": "region",
    "client": "client",
}
_OF_PERSON = {"country": "country"}


@dataclass(frozen=True)
class Spending:
    """Plans and caps of some engagements that are used up, at one moment."""

    overruns: pl.DataFrame
    caps: pl.DataFrame

    @classmethod
    def of(cls, tx: Tx, engagements: Sequence[str]) -> Spending:
        return cls(
            overruns(time_columns.booked(tx, engagements)),
            beyond_caps(time_columns.worth(tx, engagements)),
        )


class Judging:
    """The rules, with the firm's policies, calendars and kinds of time. Threads may share it."""

    def __init__(self, policies: Policies, calendars: Calendars, kinds: Kinds) -> None:
        self._calendars, self._kinds = calendars, kinds
        self._terms = Terms(policies)

    def judge(
        self,
        tx: Tx,
        people: Collection[str],
        judged: Judged,
        *,
        spending: Spending | None = None,
    ) -> tuple[int, pl.DataFrame]:
        """Judge the entries of these people, and keep what is found. How many, and the findings.

        Their rows are held until the transaction ends. `spending`: what is known of the plans
        already, where many are judged in parts.
        """
        time_columns.hold(tx, people)
        names = sorted(set(people))
        entries, facts = self.read(tx, names, judged, spending=spending)
        found = judge(entries, facts)
        time_columns.keep(tx, names, judged, found)
        return int(entries["judged"].sum()), found

    def read(
        self,
        tx: Tx,
        people: Sequence[str],
        judged: Judged,
        *,
        spending: Spending | None = None,
    ) -> tuple[pl.DataFrame, Facts]:
        """What the rules are given: entries of these people, and all that is known of them."""
        # the whole week counts, and so does the day before its first
        first = judged.first - judged.first.weekday() * _DAY - _DAY
        last = judged.last + (6 - judged.last.weekday()) * _DAY
        entries = time_columns.entries(tx, people, judged, first, last)
        return entries, self._facts(tx, entries, people, first, last, spending)

    def today(self, tx: Tx, who: ResourceRecord) -> date:
        """Which day it is where a person works."""
        return local_day(database_time(tx), who, self._calendars)

    def judge_entries(
        self, tx: Tx, days: Mapping[str, Iterable[date]], ids: Sequence[UUID]
    ) -> None:
        """Judge these entries anew. `days`: person → the days that they are on."""
        on = [day for some in days.values() for day in some]
        if on:
            self.judge(tx, list(days), Judged(first=min(on), last=max(on), ids=list(ids)))

    def _facts(
        self,
        tx: Tx,
        entries: pl.DataFrame,
        people: Sequence[str],
        first: date,
        last: date,
        spending: Spending | None,
    ) -> Facts:
        now = database_time(tx)
        asked = self._terms.asked(now)
        engagements = entries["engagement"].unique().sort().to_list()
        known = time_columns.deliveries(tx, engagements)
        deliveries, groups = _grouped(known, _OF_ENGAGEMENT, asked, "group")
        resources, places = self._people(tx, people, asked, now)
        occurring = (
            entries.select("engagement", "resource")
            .unique()
            .join(deliveries.select("engagement", "group"), on="engagement")
            .join(resources.select("resource", "place"), on="resource")
            .select("group", "place")
            .unique()
        )
        pairs = [
            (group, place, LimitFacts.model_validate(groups[group] | places[place]))
            for group, place in occurring.iter_rows()
        ]
        spent = spending or Spending.of(tx, engagements)
        terms = self._terms.frame(pairs, now)
        past, leave = _before(tx, resources, terms, first + _DAY, last)
        return Facts(
            deliveries=deliveries.select(columns.DELIVERIES.names()),
            resources=resources.select(columns.RESOURCES.names()),
            terms=terms,
            kinds=self._kinds.frame(),
            packages=time_columns.packages(tx, engagements),
            assignments=time_columns.assignments(tx, people, first, last),
            days_off=self._days_off(resources["calendar"].unique().to_list(), first, last),
            absences=time_columns.absences(tx, people, first, last),
            past=past,
            leave=leave,
            closed=time_columns.closed(tx, first, last),
            overruns=spent.overruns,
            caps=spent.caps,
        )

    def _people(
        self, tx: Tx, people: Sequence[str], asked: Collection[str], now: datetime
    ) -> tuple[pl.DataFrame, list[dict[str, str]]]:
        known = time_columns.people(tx, people)
        named = known.select("own_calendar", "country", "region").unique()
        found = [self._calendar(*row) for row in named.iter_rows()]
        days = [now.astimezone(ZoneInfo(calendar.zone)).date() for calendar in found]
        calendars = named.with_columns(
            pl.Series("calendar", [calendar.name for calendar in found], dtype=pl.String),
            pl.Series("today", days, dtype=pl.Date),
        )
        joined = known.join(
            calendars, on=("own_calendar", "country", "region"), how="left", nulls_equal=True
        )
        return _grouped(joined, _OF_PERSON, asked, "place")

    def _calendar(
        self, own: str | None, country: str | None, region: str | None
    ) -> BusinessCalendar:
        chosen = self._calendars.named(own) if own else None
        return chosen or self._calendars.of(region=region, country=country)

    def _days_off(self, names: Sequence[str], first: date, last: date) -> pl.DataFrame:
        """Days on which a calendar never opens. Beyond what it knows, no day is a holiday."""
        rows: list[tuple[str, date, bool]] = []
        for name in names:
            calendar = self._calendars.named(name)
            assert calendar is not None  # it was chosen by name just now
            for n in range((last - first).days + 1):
                day = first + n * _DAY
                if not calendar.hours_on(day):
                    rows.append((name, day, day in calendar.holidays))
        return pl.DataFrame(rows, schema=columns.DAYS_OFF, orient="row")


def _before(
    tx: Tx, resources: pl.DataFrame, terms: pl.DataFrame, monday: date, last: date
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Weeks before this Monday and leave, of those whose weeks are held to an average."""
    held = terms.filter(pl.col("average_weeks").is_not_null())
    if not held.height:
        return columns.nothing(columns.PAST), columns.nothing(columns.LEAVE)
    people = resources.join(held, on="place", how="semi")["resource"].to_list()
    first = monday - 7 * _DAY * (max(held["average_weeks"]) - 1)
    past = time_columns.past(tx, people, first, monday - _DAY)
    return past, time_columns.leave(tx, people, first, last)


def _grouped(
    frame: pl.DataFrame, facts: Mapping[str, str], asked: Collection[str], name: str
) -> tuple[pl.DataFrame, list[dict[str, str]]]:
    """The frame with the number of a group in column `name`, and what is the same in each group:
    `facts` (column → fact), empty where no policy asks for it."""
    columns = [column for column, fact in facts.items() if fact in asked]
    if not columns:
        return frame.with_columns(pl.lit(0, pl.Int32).alias(name)), [
            dict.fromkeys(facts.values(), "")
        ]
    groups = frame.select(columns).unique().sort(columns).with_row_index(name)
    numbered = groups.cast({name: pl.Int32})
    said = [
        dict.fromkeys(facts.values(), "") | {facts[column]: row[column] or "" for column in columns}
        for row in groups.to_dicts()
    ]
    return frame.join(numbered, on=columns, how="left", nulls_equal=True), said
