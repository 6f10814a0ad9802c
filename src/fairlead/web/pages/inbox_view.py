"""The inbox as it is shown: what the address asks for, the groups of the list, the pane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from fairlead.store.worklist import Due, Key, Kind
from fairlead.trust.roles import Permission
from fairlead.web import formats, work_items
from fairlead.web.gap_form import GapForm
from fairlead.web.visit import Visit
from fairlead.web.work_items import KIND_WORDS, Pane, Row

_PAGE = 50
_TITLES: Mapping[Due, str] = {
    Due.PAST: "Past SLA",
    Due.TODAY: "Due today",
    Due.WEEK: "This week",
    Due.LATER: "Later",
}
_MANY: Mapping[Kind, str] = {
    Kind.APPROVAL: "Approvals",
    Kind.TASK: "Tasks",
    Kind.DATA: "Missing data",
    Kind.EXCEPTION: "Exceptions",
}


@dataclass(frozen=True)
class View:
    """What the address asks for."""

    kind: Kind | None
    mine: bool
    by_kind: bool
    after: Key | None = None

    def href(self, path: str = "/inbox", **changes: str | None) -> str:
        """An address with these parameters. Another filter begins at its first page."""
        asked: dict[str, str | None] = {
            "kind": self.kind,
            "who": None if self.mine else "team",
            "group": "kind" if self.by_kind else None,
            **changes,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        return f"{path}?{urlencode(given)}" if given else path


@dataclass(frozen=True)
class Group:
    id: str
    title: str
    tone: Literal["", "bad"]
    count: int
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class NoMatch:
    title: str
    clear: str
    drop: tuple[str, str, int] | None


@dataclass(frozen=True)
class Undo:
    """A way back, in the toast."""

    text: str
    label: str
    path: str
    person: str
    version: int


@dataclass(frozen=True)
class Outcome:
    """Of one of several that were answered together."""

    title: str
    why: str


@dataclass(frozen=True)
class Bulk:
    done: int
    left: tuple[Outcome, ...]


@dataclass(frozen=True)
class InboxPage:
    groups: tuple[Group, ...]
    kinds: tuple[tuple[str, str, int, bool], ...]
    whose: tuple[tuple[str, str, None, bool], ...]
    regroup: tuple[str, str]  #: words and address of the other grouping
    sub: str
    here: str  #: the address of the list, without the item
    view: View
    next: str | None
    shown: int
    no_match: NoMatch | None
    read_only: bool
    pane: Pane | None
    row: Row | None
    bulk: Bulk | None
    undo: Undo | None
    bar_in_pane: bool  #: the item is not in the list as it is shown
    from_pane: bool  #: the pane asked, and is replaced
    aside: bool  #: parts are sent beside something else, and find their own places
    given: bool = False  #: values were just supplied: the gate has not looked at them yet


def pane_alone(visit: Visit, item: str) -> InboxPage:
    """The pane alone: the list is not asked for."""
    row, pane = _selected(visit, item, None)
    view = view_of_address(visit)
    return InboxPage(
        groups=(),
        kinds=(),
        whose=(),
        regroup=("", ""),
        sub="",
        here=view.href(),
        view=view,
        next=None,
        shown=0,
        no_match=None,
        read_only=_read_only(visit),
        pane=pane,
        row=row,
        bulk=None,
        undo=None,
        bar_in_pane=False,
        from_pane=visit.request.headers.get("hx-target") == "pane",
        aside=False,
    )


def whole(visit: Visit, *, item: str = "", gaps: GapForm | None = None) -> InboxPage:
    """The list and, where an item is named, its pane. Raises `NotFound`."""
    view, work = view_of_address(visit), work_items.worklist(visit)
    found = work.rows(
        mine=view.mine,
        kind=view.kind,
        by_kind=view.by_kind,
        after=view.after,
        limit=_PAGE + 1,
    )
    counts = work.counts(mine=view.mine, ends=work_items.ends(visit.clock))
    rows = [work_items.row_of(visit, row) for row in found[:_PAGE]]
    more = len(found) > _PAGE
    total = sum(counts.values())
    fitting = sum(n for (kind, _), n in counts.items() if view.kind in (None, kind))
    row, pane = _selected(visit, item, gaps) if item else (None, None)
    past = sum(n for (_, due), n in counts.items() if due is Due.PAST)
    return InboxPage(
        groups=_groups(visit, view, rows, counts),
        kinds=_kinds(view, counts),
        whose=(
            ("For me", _for_whom(view, mine=True), None, view.mine),
            ("My teams", _for_whom(view, mine=False), None, not view.mine),
        ),
        regroup=("Group: kind", view.href(group=None))
        if view.by_kind
        else ("Group: due", view.href(group="kind")),
        sub=_sub(total, past, read_only=_read_only(visit)),
        here=view.href(after=visit.query("after") or None),
        view=view,
        next=view.href(after=_cursor(found[_PAGE - 1])) if more else None,
        shown=len(rows),
        no_match=_no_match(visit, view, total) if not fitting and not rows else None,
        read_only=_read_only(visit),
        pane=pane,
        row=row,
        bulk=None,
        undo=None,
        bar_in_pane=row is not None and all(one.id != row.id for one in rows),
        from_pane=visit.request.headers.get("hx-target") == "pane",
        aside=False,
    )


def _selected(visit: Visit, item: str, gaps: GapForm | None) -> tuple[Row, Pane]:
    """Raises `NotFound`."""
    work = work_items.worklist(visit)
    found = work_items.find(visit, work, item)
    row = work_items.row_of(visit, found)
    return row, work_items.pane_of(visit, work, found, row, gaps)


def with_row(context: InboxPage, row: Row) -> InboxPage:
    """With this row in the list in the place of what it was."""
    groups = tuple(
        replace(group, rows=tuple(row if one.id == row.id else one for one in group.rows))
        for group in context.groups
    )
    return replace(context, groups=groups)


def view_of_address(visit: Visit) -> View:
    """What is none of ours in it counts as not said."""
    kind = visit.query("kind")
    return View(
        kind=Kind(kind) if kind in set(Kind) else None,
        mine=visit.query("who") != "team",
        by_kind=visit.query("group") == "kind",
        after=_key(visit.query("after")),
    )


def _for_whom(view: View, *, mine: bool) -> str:
    return replace(view, mine=mine, after=None).href()


def _read_only(visit: Visit) -> bool:
    return not visit.who.may(Permission.TASKS_ANSWER)


def _groups(
    visit: Visit, view: View, rows: Sequence[Row], counts: Mapping[tuple[Kind, Due], int]
) -> tuple[Group, ...]:
    """Those that have a row on this page; each counts all that it has."""
    if view.by_kind:
        return tuple(
            Group(
                f"g-{kind}",
                _MANY[kind],
                "",
                sum(n for (one, _), n in counts.items() if one is kind),
                tuple(row for row in rows if row.kind is kind),
            )
            for kind in Kind
            if any(row.kind is kind for row in rows)
        )
    ends = work_items.ends(visit.clock)

    def due(row: Row) -> Due:
        if row.due_at is None or row.due_at >= ends.week:
            return Due.LATER
        if row.due_at <= ends.now:
            return Due.PAST
        return Due.TODAY if row.due_at < ends.day else Due.WEEK

    today = visit.clock.local(visit.now)
    titles = {**_TITLES, Due.TODAY: f"Due today, {formats.DAYS[today.weekday()]} {today.day}"}
    titles[Due.TODAY] += f" {formats.MONTHS[today.month - 1]}"
    return tuple(
        Group(
            f"g-{when}",
            titles[when],
            "bad" if when is Due.PAST else "",
            sum(n for (k, d), n in counts.items() if d is when and view.kind in (None, k)),
            tuple(row for row in rows if due(row) is when),
        )
        for when in Due
        if any(due(row) is when for row in rows)
    )


def _kinds(
    view: View, counts: Mapping[tuple[Kind, Due], int]
) -> tuple[tuple[str, str, int, bool], ...]:
    whole = ("All", view.href(kind=None), sum(counts.values()), view.kind is None)
    each = (
        (
            _MANY[kind],
            view.href(kind=kind),
            sum(n for (one, _), n in counts.items() if one is kind),
            view.kind is kind,
        )
        for kind in Kind
    )
    return (whole, *each)


def _sub(total: int, past: int, *, read_only: bool) -> str:
    text = f"{total:,} open" + (f", {past:,} past their SLA" if past else "")
    return text + (", read only" if read_only else "")


def _no_match(visit: Visit, view: View, total: int) -> NoMatch | None:
    """Null: nothing waits at all, with or without a filter."""
    if view.kind is not None and total:
        words = KIND_WORDS[view.kind]
        drop = (words, view.href(kind=None), total)
        return NoMatch(f"Nothing of the kind “{words}” waits", "/inbox", drop)
    if not view.mine:
        return None
    others = work_items.worklist(visit).counts(mine=False, ends=work_items.ends(visit.clock))
    fitting = sum(n for (kind, _), n in others.items() if view.kind in (None, kind))
    if not fitting:
        return None
    drop = ("For me", _for_whom(view, mine=False), fitting)
    return NoMatch("Nothing waits for you", "/inbox?who=team", drop)


def _cursor(row: Mapping[str, Any]) -> str:
    return f"{row['rank']}~{row['sort_at'].isoformat()}~{row['id']}"


def _key(text: str) -> Key | None:
    """Null for one that is none of ours: the list begins at its start."""
    rank, _, rest = text.partition("~")
    at, _, id = rest.partition("~")
    try:
        due_at = datetime.fromisoformat(at)
    except ValueError:
        return None
    if rank not in ("0", "1", "2", "3") or not id or due_at.tzinfo is None:
        return None
    return Key(int(rank), due_at, id)
