"""Do we have the people that a deal needs, week by week? (F016; weighted for F002)

Weeks run from Monday to Sunday, and work is spread evenly over Mondays to Fridays that are no days
off. A person's week counts for the part of it on which they are employed and not away. Somebody who
can be sold in several roles is counted once: hours are given out so that as many as possible are
covered, first what is promised already, then what is asked now. No person is assigned here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from itertools import groupby, pairwise

from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.resource import Absence, Resource
from fairlead.domain.values import Hours, Name, Ratio, Value

_DAY = timedelta(days=1)
_CENT = Decimal("0.01")  # of an hour
_DAYS_A_WEEK = 5


class Demand(Value):
    """Hours of one role, to be worked from the first day to the last."""

    role: Name
    hours: Hours
    starts_on: date
    ends_on: date


class RoleWeek(Value):
    role: Name
    week: date  #: its Monday
    needed: Hours  #: by this demand alone
    covered: Hours  #: of what is needed, beside what is promised already

    @property
    def short(self) -> Decimal:
        return self.needed - self.covered


class RoleCapacity(Value):
    """One role over all its weeks."""

    role: Name
    needed: Hours
    short: Hours
    first_short_week: date | None = None  #: its Monday; null: none is short
    covered: Ratio  #: of the hours needed; 1 where none are. Rounded down

    def __str__(self) -> str:
        if not self.short:
            return f"{self.role}: all {_said(self.needed)} hours covered"
        return (
            f"{self.role}: {_said(self.short)} of {_said(self.needed)} hours short,"
            f" from the week of {self.first_short_week}"
        )


class CapacityAnswer(Value):
    roles: tuple[RoleCapacity, ...] = ()  #: the shortest first
    weeks: tuple[RoleWeek, ...] = ()  #: by week, then role; only those with demand
    needed: Hours = Decimal(0)
    short: Hours = Decimal(0)

    @property
    def words(self) -> tuple[str, ...]:
        """Each role that is short, in words; empty where none is."""
        return tuple(str(role) for role in self.roles if role.short)


class CapacityFacts(Value):
    """What a policy may ask."""

    shortfall: Ratio  #: of all hours needed; 0.2 means that 20 % are not covered. Rounded up
    short_hours: Hours
    short_roles: int
    weeks_until_short: int  #: from the week of the first demand; -1: never


def demand_of(
    deal: Opportunity,
    asked: Sequence[tuple[str, Decimal]] = (),
    *,
    weighted: bool = False,
) -> tuple[Demand, ...]:
    """What a deal needs: its roles or, where it names none, `asked` (role and hours).

    `weighted`: hours count as far as the deal is likely, all of them where no probability is
    known. Empty where the deal has no dates.
    """
    if deal.starts_on is None or deal.ends_on is None or deal.ends_on < deal.starts_on:
        return ()
    likely = deal.probability if weighted and deal.probability is not None else Decimal(1)
    roles = [(role.role, role.hours) for role in deal.roles if role.hours] or asked
    return tuple(
        Demand(
            role=role,
            hours=(hours * likely).quantize(_CENT, ROUND_HALF_EVEN),
            starts_on=deal.starts_on,
            ends_on=deal.ends_on,
        )
        for role, hours in roles
    )


def capacity(
    demand: Sequence[Demand],
    resources: Sequence[Resource],
    absences: Sequence[Absence] = (),
    *,
    committed: Mapping[str, Decimal] | None = None,
    region: str | None = None,
    days_off: Collection[date] = frozenset(),
) -> CapacityAnswer:
    """Compare what is needed with who is there.

    `committed`: role → hours a week that are promised to others already. `region`: only people of
    it, and all people where null. `days_off`: public holidays, on which nobody works.
    """
    there = [one for one in resources if one.active and region in (None, one.region)]
    away = _days_away(absences)
    promised = {_key(role): max(hours, Decimal(0)) for role, hours in (committed or {}).items()}
    weeks: list[RoleWeek] = []
    for week, needed in sorted(_by_week(demand, days_off).items()):
        supply = _supply(there, away, week, days_off)
        given = _give_out(
            [(key, _on_weekdays(hours, week, days_off)) for key, hours in sorted(promised.items())],
            [(_key(role), hours) for role, hours in sorted(needed.items())],
            supply,
        )
        weeks += [
            RoleWeek(role=role, week=week, needed=hours, covered=given[_key(role)])
            for role, hours in sorted(needed.items())
        ]
    return _answer(weeks)


def facts_of(answer: CapacityAnswer) -> CapacityFacts:
    share = answer.short / answer.needed if answer.needed else Decimal(0)
    short = [week.week for week in answer.weeks if week.short]
    return CapacityFacts(
        shortfall=share.quantize(Decimal("0.0001"), "ROUND_UP"),
        short_hours=answer.short,
        short_roles=sum(1 for role in answer.roles if role.short),
        weeks_until_short=(short[0] - answer.weeks[0].week).days // 7 if short else -1,
    )


def _said(hours: Decimal) -> str:
    return f"{hours:,.2f}".rstrip("0").rstrip(".")


def _key(role: str) -> str:
    return " ".join(role.split()).casefold()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _workdays(start: date, end: date, days_off: Collection[date]) -> list[date]:
    span = (start + _DAY * ahead for ahead in range((end - start).days + 1))
    return [day for day in span if day.weekday() < _DAYS_A_WEEK and day not in days_off]


def _by_week(
    demand: Sequence[Demand], days_off: Collection[date]
) -> dict[date, dict[str, Decimal]]:
    """Monday → role → hours. Work that has no working day at all falls on its first day."""
    found: dict[date, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    names = {_key(one.role): one.role for one in reversed(demand)}
    for one in demand:
        days = _workdays(one.starts_on, one.ends_on, days_off) or [one.starts_on]
        done, told = 0, Decimal(0)
        for week, group in groupby(days, key=_monday):
            done += len(list(group))
            until_now = (one.hours * done / len(days)).quantize(_CENT, ROUND_HALF_EVEN)
            until_now = one.hours if done == len(days) else until_now
            if until_now > told:
                found[week][names[_key(one.role)]] += until_now - told
            told = max(told, until_now)
    return found


def _days_away(absences: Sequence[Absence]) -> dict[str, list[Absence]]:
    found: dict[str, list[Absence]] = defaultdict(list)
    for absence in absences:
        found[str(absence.resource)].append(absence)
    return found


def _supply(
    people: Sequence[Resource],
    away: Mapping[str, Sequence[Absence]],
    week: date,
    days_off: Collection[date],
) -> dict[frozenset[str], Decimal]:
    """Hours of that week, by the roles in which they can be worked: people alike go together."""
    found: dict[frozenset[str], Decimal] = defaultdict(Decimal)
    days = _workdays(week, week + 6 * _DAY, days_off)
    for one in people:
        absences = away.get(str(one.ref), ())
        present = sum(
            1
            for day in days
            if (one.starts_on is None or one.starts_on <= day)
            and (one.ends_on is None or day <= one.ends_on)
            and not any(day in absence.period for absence in absences)
        )
        hours = (one.hours_per_week * present / _DAYS_A_WEEK).quantize(_CENT, ROUND_DOWN)
        if hours and one.roles:
            found[frozenset(_key(role) for role in one.roles)] += hours
    return found


def _on_weekdays(hours: Decimal, week: date, days_off: Collection[date]) -> Decimal:
    """What is promised for a whole week, in one with days off."""
    days = len(_workdays(week, week + 6 * _DAY, days_off))
    return (hours * days / _DAYS_A_WEEK).quantize(_CENT, ROUND_HALF_EVEN)


def _give_out(
    promised: Sequence[tuple[str, Decimal]],
    needed: Sequence[tuple[str, Decimal]],
    supply: Mapping[frozenset[str], Decimal],
) -> dict[str, Decimal]:
    """Covered hours per role of `needed`: as many in all as can be, once promises are kept.

    This is a flow from roles to people. Each augmenting path may move hours that were given to one
    role over to other people who can do it, but never takes them away; so what goes first stays.
    """
    groups = sorted(supply, key=sorted)
    free = [supply[group] for group in groups]
    given: list[dict[str, Decimal]] = [defaultdict(Decimal) for _ in groups]
    covered: dict[str, Decimal] = defaultdict(Decimal)
    for role, hours in promised:
        _route(role, hours, groups, free, given)
    for role, hours in needed:
        covered[role] += _route(role, hours, groups, free, given)
    return covered


def _route(
    role: str,
    hours: Decimal,
    groups: Sequence[frozenset[str]],
    free: list[Decimal],
    given: Sequence[dict[str, Decimal]],
) -> Decimal:
    """How many of these hours find people; moves earlier ones where that makes room."""
    routed = Decimal(0)
    while routed < hours and (path := _path(role, groups, free, given)):
        room = min(
            hours - routed,
            free[path[-1][1]],
            *(given[taken][moved] for (_, taken), (moved, _) in pairwise(path)),
        )
        for (moved, to), (after, _) in zip(path, [*path[1:], ("", 0)], strict=True):
            given[to][moved] += room
            if after:
                given[to][after] -= room
        free[path[-1][1]] -= room
        routed += room
    return routed


_Path = list[tuple[str, int]]  #: role, and the group of people that takes more of it


def _path(
    role: str,
    groups: Sequence[frozenset[str]],
    free: Sequence[Decimal],
    given: Sequence[Mapping[str, Decimal]],
) -> _Path:
    """The shortest chain of moves that ends with somebody free; empty where there is none."""
    seen: set[int] = set()
    paths: list[_Path] = [[(role, number)] for number, group in enumerate(groups) if role in group]
    while paths:
        longer: list[_Path] = []
        for path in paths:
            _, at = path[-1]
            if at in seen:
                continue
            seen.add(at)
            if free[at] > 0:
                return path
            longer += [
                [*path, (other, number)]
                for other, hours in sorted(given[at].items())
                if hours > 0
                for number, group in enumerate(groups)
                if number not in seen and other in group
            ]
        paths = longer
    return []


def _answer(weeks: Sequence[RoleWeek]) -> CapacityAnswer:
    by_role: dict[str, list[RoleWeek]] = defaultdict(list)
    for week in weeks:
        by_role[week.role].append(week)
    roles = [_of_role(role, its) for role, its in by_role.items()]
    return CapacityAnswer(
        roles=tuple(sorted(roles, key=lambda one: (-one.short, one.role))),
        weeks=tuple(weeks),
        needed=sum((role.needed for role in roles), Decimal(0)),
        short=sum((role.short for role in roles), Decimal(0)),
    )


def _of_role(role: str, weeks: Sequence[RoleWeek]) -> RoleCapacity:
    needed = sum((week.needed for week in weeks), Decimal(0))
    short = sum((week.short for week in weeks), Decimal(0))
    share = (needed - short) / needed if needed else Decimal(1)
    return RoleCapacity(
        role=role,
        needed=needed,
        short=short,
        first_short_week=next((week.week for week in weeks if week.short), None),
        covered=share.quantize(Decimal("0.0001"), ROUND_DOWN),
    )
