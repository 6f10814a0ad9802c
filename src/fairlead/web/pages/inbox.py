"""The inbox: one queue of what waits for the reader, decided in the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from fairlead.errors import (
    FairleadError,
    IllegalMove,
    InvalidInput,
    NotAllowed,
    NotFound,
    Problem,
    StaleVersion,
)
from fairlead.store.worklist import Due, Key, Kind
from fairlead.trust.acting import Acting
from fairlead.trust.roles import Permission
from fairlead.web import formats, gap_form, who_else, work_items
from fairlead.web.forms import Form
from fairlead.web.gap_form import GapForm
from fairlead.web.nav import Entry
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit
from fairlead.web.work_items import KIND_WORDS, Pane, Row, Upset
from fairlead.work.answers import answer_task
from fairlead.work.assignment import assign_task
from fairlead.work.words import ExceptionAction

ENTRY = Entry(
    group="Work",
    label="Inbox",
    path="/inbox",
    icon="inbox",
    needs=Permission.TASKS_READ,
    key="i",
    counts="tasks",
)

_PAGE = 50
_MOST_AT_ONCE = 200
_LONGEST_REASON = 2000

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
_DONE: Mapping[str, str] = {"approved": "Approved", "refused": "Refused", "done": "Done"}
_ACTED: Mapping[ExceptionAction, str] = {
    ExceptionAction.RETRY: "Tried again",
    ExceptionAction.SKIP: "Skipped",
    ExceptionAction.OVERRIDE: "Overridden",
    ExceptionAction.DISMISS: "Dismissed",
    ExceptionAction.CHOOSE: "Chosen",
    ExceptionAction.SUPPLY: "Values taken in",
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


def routes() -> list[Route]:
    return [
        page("/inbox", show, needs=Permission.TASKS_READ),
        page("/inbox/{item}", show, needs=Permission.TASKS_READ),
        command("/inbox/answers", answer_many, needs=Permission.TASKS_ANSWER),
        command("/inbox/{item}/answer", answer, needs=Permission.TASKS_ANSWER),
        command("/inbox/{item}/resolve", resolve, needs=Permission.EXCEPTIONS_RESOLVE),
        command("/inbox/{item}/assign", assign, needs=None),
    ]


def show(visit: Visit) -> Response:
    """The list, and in the pane the item that the address names."""
    item = visit.request.path_params.get("item") or visit.query("item")
    if visit.request.headers.get("hx-target") == "pane":
        return visit.page("pages/inbox.html", _item(visit, item))
    return visit.page("pages/inbox.html", _context(visit, item=item))


def answer(visit: Visit, form: Form) -> Response:
    """Approve, refuse, or do a task."""
    item = visit.request.path_params["item"]
    reason, decision = form.text("reason", longest=_LONGEST_REASON), form.text("decision")
    found = work_items.find(visit, work_items.worklist(visit), item)
    try:
        with visit.tx.transaction():
            if decision not in ("approve", "refuse"):
                raise InvalidInput("Choose.", [Problem("/decision", "is approve or refuse")])
            done = answer_task(
                visit.tx,
                found["id"],
                visit.acting,
                approved=decision == "approve",
                reason=reason,
                version=form.version,
            )
    except (InvalidInput, NotAllowed, IllegalMove, StaleVersion) as refused:
        return _refused(visit, item, refused, reason=reason, chosen=decision)
    return _decided(visit, item, Toast(f"{_DONE[done['state']]}: {found['title']}"))


def resolve(visit: Visit, form: Form) -> Response:
    """Retry, supply, choose, skip, override or dismiss an exception."""
    item = visit.request.path_params["item"]
    found = work_items.find(visit, work_items.worklist(visit), item)
    if form.text("more"):
        return _more_rows(visit, item, found, form)
    action = _action(form.text("action") or form.text("decision"))
    reason = form.text("reason", longest=_LONGEST_REASON)
    try:
        values = _values(visit, found, action, form)
        with visit.tx.transaction():
            visit.parts.exceptions.resolve(
                visit.tx,
                found["id"],
                visit.acting,
                action,
                values=values,
                reason=reason,
                version=form.version,
            )
    except (InvalidInput, NotAllowed, IllegalMove, StaleVersion) as refused:
        if action is ExceptionAction.SUPPLY:
            return _not_supplied(visit, item, found, form, refused)
        return _refused(visit, item, refused, reason=reason, chosen=action)
    return _decided(visit, item, Toast(f"{_ACTED[action]}: {found['title']}"))


def assign(visit: Visit, form: Form) -> Response:
    """Give it to one person. It can be taken back."""
    item, person = visit.request.path_params["item"], form.text("person", longest=63)
    is_task = item.startswith("task-")
    visit.must(Permission.TASKS_DELEGATE if is_task else Permission.EXCEPTIONS_RESOLVE)
    found = work_items.find(visit, work_items.worklist(visit), item)
    try:
        with visit.tx.transaction():
            now = _given(visit, found, person, form.version, is_task=is_task)
    except (InvalidInput, NotAllowed, IllegalMove, StaleVersion) as refused:
        return _refused(visit, item, refused, reason="", chosen="")
    name = who_else.name_of(visit, person)
    undo = None
    if person != visit.who.id and (found["assignee"] or _could_be_given(visit, found)):
        back = found["assignee"] or visit.who.id
        label = "Undo" if found["assignee"] else "Take it yourself"
        undo = Undo(f"Given to {name}", label, f"/inbox/{item}/assign", back, now["version"])
    return _decided(visit, item, Toast(f"Given to {name}"), undo=undo)


def answer_many(visit: Visit, form: Form) -> Response:
    """Approvals and tasks that were selected, with one reason. Each is taken or not by itself."""
    chosen = dict.fromkeys(form.all("pick"))
    if not 0 < len(chosen) <= _MOST_AT_ONCE:
        rule = f"is 1 to {_MOST_AT_ONCE} items"
        raise InvalidInput("Select what you decide.", [Problem("/pick", rule)])
    reason = form.text("reason", longest=_LONGEST_REASON)
    work = work_items.worklist(visit)
    done, left = 0, list[Outcome]()
    for one in chosen:
        item, _, version = one.rpartition(":")
        title = item
        try:
            found = work_items.find(visit, work, item)
            title = found["title"]
            if not (item.startswith("task-") and version.isdigit()):
                raise InvalidInput("An exception is settled by itself.")
            with visit.tx.transaction():
                answer_task(
                    visit.tx,
                    found["id"],
                    visit.acting,
                    approved=True,
                    reason=reason,
                    version=int(version[:9]),
                )
        except (InvalidInput, NotAllowed, NotFound, IllegalMove, StaleVersion) as refused:
            left.append(Outcome(title, refused.detail))
        else:
            done += 1
    bulk = Bulk(done, tuple(left))
    context = replace(_context(visit), bulk=bulk, aside=True)
    told = f"{done} answered" + (f", {len(left)} not" if left else "")
    if not visit.is_htmx:
        return visit.page("pages/inbox.html", replace(context, aside=False))
    toast = Toast(told, "warn" if left else "ok")
    blocks = ("inbox_list", "inbox_head", "pane")  # the pane may show one that is answered now
    return visit.parts_of("pages/inbox.html", context, *blocks, toast=toast)


# how a command is answered


def _decided(visit: Visit, item: str, toast: Toast, undo: Undo | None = None) -> Response:
    """The row as it is now in the place of the form, and around it what has changed."""
    if not visit.is_htmx:
        return visit.done(_view(visit).href(f"/inbox/{item}"))
    context = replace(_context(visit, item=item), undo=undo, aside=True)
    return _parts(visit, context, toast=None if undo else toast)


def _refused(
    visit: Visit, item: str, error: FairleadError, *, reason: str, chosen: str
) -> Response:
    """The row with what was typed, and why nothing was changed."""
    context = _context(visit, item=item)
    assert context.row is not None
    row = replace(context.row, reason=reason, chosen=chosen)
    needs_reason = isinstance(error, InvalidInput) and any(
        problem.pointer == "/reason" for problem in error.problems
    )
    if needs_reason:
        row = replace(row, reason_fault=error.detail)
    else:
        row = replace(row, upset=_upset(visit, context.pane, error))
    pane = replace(context.pane, row=row) if context.pane else None
    context = replace(_with_row(context, row), row=row, pane=pane)
    if not visit.is_htmx:
        return visit.page("pages/inbox.html", context, status=work_items.status_of(error))
    return _parts(visit, replace(context, aside=True), status=work_items.status_of(error))


def _upset(visit: Visit, pane: Pane | None, error: FairleadError) -> Upset:
    record = pane.record if pane else None
    if isinstance(error, IllegalMove | StaleVersion):
        if record is None:
            return Upset(
                "warn",
                "Changed by another",
                "It was changed since you read it. Look at it below, then decide again.",
            )
        when = visit.clock.moment(record.at) if record.at else "just now"
        said = f" “{record.reason}”" if record.reason else ""
        text = f"{record.words} by {record.who}, {when}.{said}"
        return Upset("warn", "Decided by another", text)
    if isinstance(error, NotAllowed):
        return Upset("bad", "Not yours to decide", error.detail)
    rules = "; ".join(problem.rule for problem in getattr(error, "problems", ()))
    return Upset("bad", "Not taken", f"{error.detail} {rules}".strip())


def _not_supplied(
    visit: Visit, item: str, found: Mapping[str, Any], form: Form, error: FairleadError
) -> Response:
    """The form of what is missing, with what was typed and each fault beside its field."""
    gaps = gap_form.read(found["gaps"], visit.parts.firm, form)
    if isinstance(error, InvalidInput):
        gaps = gaps.told(error.problems)
    elif isinstance(error, IllegalMove | StaleVersion):
        gaps = replace(gaps, fault="Changed by another since you read it. " + error.detail)
    else:
        gaps = replace(gaps, fault=error.detail)
    context = _context(visit, item=item, gaps=gaps)
    if not visit.is_htmx:
        return visit.page("pages/inbox.html", context, status=work_items.status_of(error))
    return _parts(visit, replace(context, aside=True), status=work_items.status_of(error))


def _more_rows(visit: Visit, item: str, found: Mapping[str, Any], form: Form) -> Response:
    gaps = gap_form.read(found["gaps"], visit.parts.firm, form, more=3)
    return visit.page("pages/inbox.html", _context(visit, item=item, gaps=gaps))


def _parts(
    visit: Visit, context: InboxPage, *, toast: Toast | None = None, status: int = 200
) -> Response:
    """What was asked for first: the row, or the pane. The other finds its own place."""
    blocks = ("pane", "row") if context.from_pane else ("row", "pane")
    blocks += ("inbox_head", "undo")
    # the row that asked is on the page, whatever the list would now have
    context = replace(context, bar_in_pane=context.bar_in_pane and context.from_pane)
    return visit.parts_of("pages/inbox_parts.html", context, *blocks, toast=toast, status=status)


# what a command does


def _action(text: str) -> ExceptionAction:
    try:
        return ExceptionAction(text)
    except ValueError:
        raise InvalidInput("Choose.", [Problem("/action", "is one that is offered")]) from None


def _values(
    visit: Visit, found: Mapping[str, Any], action: ExceptionAction, form: Form
) -> dict[str, Any]:
    """Raises `InvalidInput`, `NoPermission`."""
    if action is ExceptionAction.SUPPLY:
        visit.must(Permission.ENGAGEMENTS_CORRECT)
        return gap_form.values_of(found["gaps"], form)
    if action is ExceptionAction.CHOOSE:
        return {"choice": form.text("choice", longest=400)}
    return {}


def _given(
    visit: Visit, found: Mapping[str, Any], person: str, version: int, *, is_task: bool
) -> Mapping[str, Any]:
    """Raises as `work.assignment` and `work.exceptions` do."""
    if is_task:
        people = visit.parts.people
        return assign_task(visit.tx, people, found["id"], visit.acting, person, version)
    if not _resolves(visit, person, found["region"]):
        raise InvalidInput(
            "This person could not resolve it.",
            [Problem("/person", "is at work, and may see and resolve the exception")],
        )
    given = visit.parts.exceptions.assign
    return given(visit.tx, found["id"], visit.acting, person, version=version)


def _resolves(visit: Visit, person: str, region: str | None) -> bool:
    people = visit.parts.people
    whom = next((one for one in people.all() if one.id == person and one.active), None)
    return (
        whom is not None
        and whom.principal().may(Permission.EXCEPTIONS_RESOLVE)
        and Acting.of(people, whom.principal()).sees(region)
    )


def _could_be_given(visit: Visit, found: Mapping[str, Any]) -> bool:
    return visit.who.id in {one.id for one in who_else.candidates_for(visit, found)}


# what is shown


def _item(visit: Visit, item: str) -> InboxPage:
    """The pane alone: the list is not asked for."""
    row, pane = _selected(visit, item, None)
    view = _view(visit)
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


def _context(visit: Visit, *, item: str = "", gaps: GapForm | None = None) -> InboxPage:
    view, work = _view(visit), work_items.worklist(visit)
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
            ("For me", view_of(view, mine=True), None, view.mine),
            ("My teams", view_of(view, mine=False), None, not view.mine),
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


def _with_row(context: InboxPage, row: Row) -> InboxPage:
    """With this row in the list in the place of what it was."""
    groups = tuple(
        replace(group, rows=tuple(row if one.id == row.id else one for one in group.rows))
        for group in context.groups
    )
    return replace(context, groups=groups)


def _view(visit: Visit) -> View:
    kind = visit.query("kind")
    return View(
        kind=Kind(kind) if kind in set(Kind) else None,
        mine=visit.query("who") != "team",
        by_kind=visit.query("group") == "kind",
        after=_key(visit.query("after")),
    )


def view_of(view: View, *, mine: bool) -> str:
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
    drop = ("For me", view_of(view, mine=False), fitting)
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
