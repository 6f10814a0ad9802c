"""The list of engagements: what the address asks for, and its rows, line, figures and choices.

A cursor that does not fit its sort is not ours: the list begins at its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from fairlead.capabilities.handoff.line import (
    LineFacts,
    LineStage,
    StageName,
    StepFact,
    Waits,
    line_of,
    stage_of,
)
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.values import Money
from fairlead.store.database import Tx
from fairlead.store.engagement_list import (
    HOWS,
    SORTS,
    EngagementList,
    Filters,
    Place,
    Reader,
    Sort,
    Sum,
    Summary,
    key_length,
    key_of,
)
from fairlead.store.engagement_page import EngagementViews
from fairlead.store.views import Scope
from fairlead.trust.roles import Permission
from fairlead.web import addresses, csv_table
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.csv_table import Cell
from fairlead.web.formats import Sla, Tone, amount, listed, words
from fairlead.web.listing import Listing, cursor_of
from fairlead.web.pages.engagement_line import mini_words, step_facts, wait_facts
from fairlead.web.pages.engagement_words import STATES, calendar_of, money_of, person_words
from fairlead.web.visit import Visit, role_words

PATH = "/engagements"
#: The playbooks that begin when a deal is won.
SET_UP = ("deal-to-delivery", "part-set-up")
REVIEW = "delivery-review"  #: the one that may come before
STAGES = tuple(StageName)
_OVER = (EngagementState.DECLINED, EngagementState.CANCELLED)
_OPEN = tuple(str(state) for state in EngagementState if state not in _OVER)
_SWITCHES = {"mine": "Mine", "blocked": "Blocked only", "late": "Past SLA"}
#: Filters whose values the firm chooses → their words.
_FREE = {"region": "Region", "entity": "Entity", "line": "Service line", "tier": "Client tier"}
_NAMES = ("state", "stage", *_FREE, "type", *_SWITCHES, "q", "sort")
_DEFAULT: Sort = "-opened"


@dataclass(frozen=True)
class Wait:
    """The most urgent of what an engagement waits for."""

    title: str
    owner: str
    since: datetime
    tone: Tone
    others: int


@dataclass(frozen=True)
class Part:
    number: str
    name: str
    state: str
    tone: Tone
    place: str
    value: Money | None
    line: tuple[str, ...]
    line_words: str


@dataclass(frozen=True)
class Row:
    id: str
    number: str
    client: str
    name: str
    whole: str | None  #: number of the engagement that it is a part of
    line: tuple[str, ...]
    line_words: str
    state: str
    place: str  #: region
    entity: str
    kind: str  #: of contract
    service_line: str
    value: Money | None
    starts: str
    ends: str
    opened_at: datetime
    wait: Wait | None
    sla: Sla | None
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Stage:
    """One stage of the line above the list."""

    name: str
    href: str
    current: bool
    count: int
    totals: tuple[Money, ...]
    tone: Tone
    worst: str


class ShownList(Listing[tuple[str, ...]]):
    """The whole page asks six queries, whatever the number of rows."""

    def __init__(self, visit: Visit) -> None:
        given = {name: visit.query(name, longest=100) for name in _NAMES}
        found = _known({name: value for name, value in given.items() if value})
        sorts: Mapping[str, Sort] = {sort: sort for sort in SORTS}
        self.sort: Sort = sorts.get(found.get("sort", ""), _DEFAULT)
        self.filters = _filters(found)
        super().__init__(visit, Address(PATH, found), _after(cursor_of(visit), self.sort))
        self._scope = Scope(regions=visit.who.regions, legal_entities=visit.who.legal_entities)
        self._reader = Reader(visit.who.id, visit.person.email, visit.now)
        self._list = EngagementList(visit.tx, self._scope, self._reader)

    @cached_property
    def _places(self) -> list[Place]:
        return _places(self._list, self._visit.now)

    def _read(self, limit: int) -> list[dict[str, Any]]:
        return self._list.page(
            self.filters,
            self.sort,
            self._places,
            after=self._after,
            limit=limit,
            placed=False,  # of those that are shown the line itself says so
        )

    def _ends(self, row: Mapping[str, Any]) -> str:
        return addresses.cursor(key_of(row, self.sort))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        ids = [row["id"] for row in self._rows]
        ids += [part["id"] for row in self._rows for part in row["parts"] or ()]
        if not ids:
            return ()
        views = EngagementViews(self._visit.tx, self._scope)
        steps = _by_subject(views.steps_of(ids))
        waits = _by_subject(views.waits_of(ids))
        return tuple(_row(self._visit, row, steps, waits) for row in self._rows)

    @property
    def regions(self) -> str:
        """Whose engagements the reader sees; nothing where it is all."""
        return listed(sorted(self._visit.who.regions or ()))

    @cached_property
    def summary(self) -> Summary:
        return self._list.summary(self.filters, self._places, set_up=SET_UP, review=REVIEW)

    @property
    def stages(self) -> tuple[Stage, ...]:
        chosen = self.filters.stage
        return tuple(
            Stage(
                name=name,
                href=self.address.but(stage=None if chosen == at else name.lower()),
                current=chosen == at,
                count=self.summary.stages[at].count,
                totals=self._familiar(self.summary.stages[at]),
                tone=_worst(self.summary.stages[at])[0],
                worst=_worst(self.summary.stages[at])[1],
            )
            for at, name in enumerate(STAGES, start=1)
        )

    def _familiar(self, found: Sum) -> tuple[Money, ...]:
        """The currencies of our own companies first."""
        ours = {one.currency for one in self._visit.parts.firm.legal_entities}
        return tuple(sorted(_totals(found), key=lambda total: total.currency not in ours))

    @property
    def totals(self) -> tuple[Money, ...]:
        return _totals(self.summary.listed)

    @property
    def waiting(self) -> tuple[Money, ...]:
        return _totals(self.summary.waiting)

    @property
    def took(self) -> tuple[str, str] | None:
        """Days from the deal that was won to the launch: median and p90."""
        median, p90 = self.summary.median, self.summary.p90
        return None if median is None or p90 is None else (_days(median), _days(p90))

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(
            Chip(name, _chip_words(self._visit, name, value), self.address.but(**{name: None}))
            for name, value in self.address.set.items()
            if name != "sort"
        )

    @property
    def pickers(self) -> tuple[Picker, ...]:
        taken = self.address.set
        found = [self._states()] if "state" not in taken else []
        if "stage" not in taken:
            found.append(Picker("Stage", tuple(self._stage(at) for at in range(1, 9))))
        for name, label in (*_FREE.items(), ("type", "Contract type")):
            choices = self.summary.choices[name]
            if name not in taken and choices:
                options = (
                    Option(
                        _value_words(self._visit, name, one.name),
                        self.address.but(**{name: one.name}),
                        one.known,
                    )
                    for one in choices
                )
                found.append(Picker(label, tuple(options)))
        return tuple(found)

    @property
    def switches(self) -> tuple[Option, ...]:
        """Filters that are either on or off, and are off."""
        return tuple(
            Option(label, self.address.but(**{name: "yes"}))
            for name, label in _SWITCHES.items()
            if name not in self.address.set
        )

    @property
    def drop(self) -> tuple[str, str, int] | None:
        """The filter without which most would fit: for a list that is empty."""
        counts = self._list.without(self.filters, self._places)
        best = max(counts.items(), key=lambda item: item[1], default=None)
        if best is None or best[1] == 0:
            return None
        name = best[0]
        value = self.address.set.get(name, "")
        label = value if name == "q" else _chip_words(self._visit, name, value)
        return label, self.address.but(**{name: None}), best[1]

    def sorted(self, sort: str) -> str:
        return self.address.but(sort=None if sort == _DEFAULT else sort)

    def file(self) -> Iterator[Sequence[Cell]]:
        """Every row that fits, for a CSV file; places as they were when it was asked for."""
        filters, sort, places = self.filters, self.sort, self._places
        scope, reader = self._scope, self._reader

        def read(tx: Tx, last: dict[str, Any] | None) -> list[dict[str, Any]]:
            after = None if last is None else key_of(last, sort)
            found = EngagementList(tx, scope, reader)
            return found.page(filters, sort, places, after=after, limit=csv_table.page_size())

        for row in csv_table.pages(self._visit, read):
            yield (*(_plain(row[name]) for name, _ in COLUMNS), *_stands(row))

    def _states(self) -> Picker:
        known = {one.name: one.known for one in self.summary.choices["state"]}
        options = [
            Option(STATES[state][0], self.address.but(state=state), known.get(state))
            for state in (*_OPEN, *map(str, _OVER))
        ]
        return Picker("State", (*options, Option("All", self.address.but(state="all"))))

    def _stage(self, at: int) -> Option:
        name = STAGES[at - 1]
        known = self.summary.stages[at].count
        return Option(name, self.address.but(stage=name.lower()), known)


#: Column of the query → its head in the file. Then come `STANDS`.
COLUMNS: Sequence[tuple[str, str]] = (
    ("number", "Engagement"),
    ("client_name", "Client"),
    ("name", "Name"),
    ("whole", "Part of"),
    ("state", "State"),
    ("region", "Region"),
    ("legal_entity", "Entity"),
    ("service_line", "Service line"),
    ("contract_type", "Contract type"),
    ("client_tier", "Client tier"),
    ("seller", "Seller"),
    ("currency", "Currency"),
    ("value", "Value"),
    ("starts_on", "Starts"),
    ("ends_on", "Ends"),
    ("opened_at", "Opened (UTC)"),
    ("launched_at", "Launched (UTC)"),
    ("due_at", "Due (UTC)"),
)
STANDS = ("Stage", "Stands", "Parts")
_HOW_WORDS = {"bad": "blocked", "warn": "waiting", "run": "under way"}


def _stands(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    parts: list[Any] = row["parts"] or []
    if row["state"] in _OVER:
        return "", "over", len(parts)
    how, at = divmod(int(row["rank"]), 10)
    return str(STAGES[at - 1]), _HOW_WORDS[HOWS[how]], len(parts)


def _places(found: EngagementList, now: datetime) -> list[Place]:
    """Where each step belongs, as `line.stage_of` says. Of a step that is only planned, no more
    than its name, its stage and its playbook counts."""
    at = {name: number for number, name in enumerate(STAGES, start=1)}
    return [
        Place(
            row["digest"],
            row["step"],
            at[
                stage_of(
                    StepFact(
                        run_id="",
                        playbook=row["playbook"],
                        stage=row["stage"] or "",
                        name=row["step"],
                        kind="",
                        state="",
                        owner="",
                        started_at=now,
                    )
                )
            ],
        )
        for row in found.planned()
    ]


def _row(
    visit: Visit,
    row: Mapping[str, Any],
    steps: Mapping[str, Sequence[Mapping[str, Any]]],
    waits: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Row:
    stages = _line(visit, row, steps, waits)
    pending = [wait for stage in stages for wait in stage.waits]
    pending.sort(key=lambda one: (one.due_at or datetime.max.replace(tzinfo=UTC), one.opened_at))
    first = pending[0] if pending else None
    sla = None
    if first is not None:
        calendar = calendar_of(visit, row["region"], row["country"])
        sla = visit.clock.sla(first.opened_at, first.due_at, calendar)
    return Row(
        id=row["id"],
        number=row["number"],
        client=row["client_name"] or row["name"],
        name=row["name"] if row["client_name"] else "no client yet",
        whole=row["whole"],
        line=tuple(stage.state for stage in stages),
        line_words=_line_words(row["state"], stages),
        state=STATES[row["state"]][0],
        place=row["region"] or "no region",
        entity=_entity(visit, row["legal_entity"]) if row["legal_entity"] else "no entity yet",
        kind=words(row["contract_type"]) if row["contract_type"] else "none yet",
        service_line=row["service_line"] or "no service line",
        value=money_of(row, "value"),
        starts=_day(visit, row["starts_on"]) or "no start yet",
        ends=_day(visit, row["ends_on"]) or "no end yet",
        opened_at=row["opened_at"],
        wait=_wait(visit, row, first, len(pending) - 1) if first else None,
        sla=sla,
        parts=tuple(_part(visit, part, steps, waits) for part in row["parts"] or ()),
    )


def _line(
    visit: Visit,
    row: Mapping[str, Any],
    steps: Mapping[str, Sequence[Mapping[str, Any]]],
    waits: Mapping[str, Sequence[Mapping[str, Any]]],
) -> tuple[LineStage, ...]:
    """Its states only: how long each took is told where one engagement is shown."""
    facts = LineFacts(
        state=row["state"],
        opened_at=row["opened_at"],
        launched_at=row["launched_at"],
        steps=step_facts(steps.get(row["id"], ())),
        waits=wait_facts(waits.get(row["id"], ())),
    )
    return line_of(facts, now=visit.now)


def _line_words(state: str, stages: Sequence[LineStage]) -> str:
    return STATES[state][0] if state in _OVER else mini_words(stages)


def _wait(visit: Visit, row: Mapping[str, Any], first: Waits, others: int) -> Wait:
    exception = first.kind == "exception"
    needs = Permission.EXCEPTIONS_READ if exception else Permission.TASKS_READ
    owner = first.role or first.team or ""
    return Wait(
        title=_short(first.title, row) if visit.who.may(needs) else words(first.kind),
        owner=person_words(visit.parts.people, first.assignee)
        if first.assignee
        else role_words(owner),
        since=first.opened_at,
        tone="bad" if exception else "warn",
        others=others,
    )


def _part(
    visit: Visit,
    part: Mapping[str, Any],
    steps: Mapping[str, Sequence[Mapping[str, Any]]],
    waits: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Part:
    """Times come as text here: they were put together as JSON."""
    launched = part["launched_at"]
    row: dict[str, Any] = {
        **part,
        "opened_at": datetime.fromisoformat(part["opened_at"]),
        "launched_at": datetime.fromisoformat(launched) if launched else None,
        "value": Decimal(part["value"]) if part["value"] is not None else None,
    }
    stages = _line(visit, row, steps, waits)
    text, tone = STATES[row["state"]]
    return Part(
        number=row["number"],
        name=row["name"],
        state=text,
        tone=tone,
        place=row["region"] or "no region",
        value=money_of(row, "value"),
        line=tuple(stage.state for stage in stages),
        line_words=_line_words(row["state"], stages),
    )


def _by_subject(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["subject_id"], []).append(row)
    return found


def _day(visit: Visit, text: str | None) -> str | None:
    """A date comes as text; what is none is not shown."""
    try:
        return visit.clock.date(date.fromisoformat(text)) if text else None
    except ValueError:
        return None


def _short(title: str, row: Mapping[str, Any]) -> str:
    """Without the engagement's own number and name, which stand beside it."""
    own = f"{row['number']} {row['name']}"
    rest = title.removesuffix(f": {own}").removeprefix(f"{own} ").removeprefix("is ")
    return rest[:1].upper() + rest[1:] if rest else title


def _entity(visit: Visit, code: str) -> str:
    named = (one.name for one in visit.parts.firm.legal_entities if one.code == code)
    return next(named, code)


def _days(span: timedelta) -> str:
    """Of statistics: one decimal."""
    return amount(Decimal(span / timedelta(days=1)), 1)


def _totals(found: Sum) -> tuple[Money, ...]:
    return tuple(Money(amount=one.amount, currency=one.currency) for one in found.totals)


def _worst(found: Sum) -> tuple[Tone, str]:
    if found.late:
        return "bad", f"{found.late} past SLA"
    if found.bad:
        return "bad", f"{found.bad} blocked"
    if found.warn:
        return "warn", f"{found.warn} waiting"
    return "", "on time" if found.count else "none"


def _known(given: Mapping[str, str]) -> dict[str, str]:
    """What stands for nothing is left out, so that the address tells what is shown."""
    allowed: Mapping[str, Sequence[str]] = {
        "state": (*map(str, EngagementState), "all"),
        "stage": tuple(name.lower() for name in STAGES),
        "type": tuple(map(str, ContractType)),
        "sort": SORTS,
        **dict.fromkeys(_SWITCHES, ("yes",)),
    }
    return {n: v for n, v in given.items() if n not in allowed or v in allowed[n]}


def _filters(found: Mapping[str, str]) -> Filters:
    state = found.get("state")
    stages = {name.lower(): at for at, name in enumerate(STAGES, start=1)}
    return Filters(
        states=_OPEN if state is None else (*_OPEN, *_OVER) if state == "all" else (state,),
        stage=stages.get(found.get("stage", "")),
        region=found.get("region"),
        entity=found.get("entity"),
        line=found.get("line"),
        type=found.get("type"),
        tier=found.get("tier"),
        mine="mine" in found,
        blocked="blocked" in found,
        late="late" in found,
        q=found.get("q"),
    )


def _after(text: str, sort: Sort) -> tuple[str, ...] | None:
    """Null also where the cursor is of another sort: the list begins anew."""
    found = addresses.read_cursor(text, key_length(sort))
    if found is None:
        return None
    try:
        match sort:
            case "value" | "-value":
                fits = Decimal(found[1]).is_finite() and len(found[1]) < 40
            case "client" | "-client":
                fits = True
            case "state" | "-state":
                fits = found[0].isascii() and found[0].isdigit() and len(found[0]) < 4
            case _:
                fits = datetime.fromisoformat(found[0]).astimezone(UTC).year > 1
    except (ValueError, InvalidOperation, OverflowError):
        return None
    return found if fits else None


def _chip_words(visit: Visit, name: str, value: str) -> str:
    if name == "q":
        return f"“{value}”"
    return _SWITCHES.get(name) or _value_words(visit, name, value)


def _value_words(visit: Visit, name: str, value: str) -> str:
    match name:
        case "state":
            return "All states" if value == "all" else STATES[value][0]
        case "entity":
            return _entity(visit, value)
        case "stage" | "type":
            return words(value)
        case _:
            return value


def _plain(value: Any) -> Cell:
    return value if isinstance(value, str | int | Decimal | datetime) else None
