"""The inbox: one queue of what waits for the reader, decided in the row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

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
from fairlead.trust.roles import Permission
from fairlead.web import deeds, gap_form, who_else, work_items
from fairlead.web.forms import Form
from fairlead.web.nav import Entry
from fairlead.web.pages.inbox_view import (
    Bulk,
    InboxPage,
    Outcome,
    Undo,
    pane_alone,
    view_of_address,
    whole,
    with_row,
)
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit
from fairlead.web.work_items import Pane, Upset
from fairlead.work import owners
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
    counts="inbox",
)

_MOST_AT_ONCE = 200
_LONGEST_REASON = 2000


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
        return visit.page("pages/inbox.html", pane_alone(visit, item))
    return visit.page("pages/inbox.html", whole(visit, item=item))


def answer(visit: Visit, form: Form) -> Response:
    """Approve, refuse, or do a task."""
    item = visit.request.path_params["item"]
    reason, decision = form.text("reason", longest=_LONGEST_REASON), form.text("decision")
    found = work_items.find(visit, work_items.worklist(visit), item)
    try:
        with visit.tx.transaction():
            if decision not in ("approve", "refuse"):
                raise InvalidInput("Choose.", [Problem("/decision", "is approve or refuse")])
            answered = answer_task(
                visit.tx,
                found["id"],
                visit.acting,
                approved=decision == "approve",
                reason=reason,
                version=form.version,
            )
    except (InvalidInput, NotAllowed, IllegalMove, StaleVersion) as refused:
        return _refused(visit, item, refused, reason=reason, chosen=decision)
    return _decided(visit, item, Toast(f"{deeds.done(answered['state'])}: “{found['title']}”"))


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
    given = action is ExceptionAction.SUPPLY
    return _decided(visit, item, Toast(f"{deeds.done(action)}: “{found['title']}”"), given=given)


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
    context = replace(whole(visit), bulk=bulk, aside=True)
    told = f"{done} answered" + (f", {len(left)} not" if left else "")
    if not visit.is_htmx:
        return visit.page("pages/inbox.html", replace(context, aside=False))
    toast = Toast(told, "warn" if left else "ok")
    blocks = ("inbox_list", "inbox_head", "pane")  # the pane may show one that is answered now
    return visit.parts_of("pages/inbox.html", context, *blocks, toast=toast)


# how a command is answered


def _decided(
    visit: Visit, item: str, toast: Toast, undo: Undo | None = None, *, given: bool = False
) -> Response:
    """The row as it is now in the place of the form, and around it what has changed. `given`:
    what was supplied is still to be looked at by its gate, and the pane follows."""
    if not visit.is_htmx:
        return visit.done(view_of_address(visit).href(f"/inbox/{item}"))
    context = replace(whole(visit, item=item), undo=undo, aside=True, given=given)
    return _parts(visit, context, toast=None if undo else toast)


def _refused(
    visit: Visit, item: str, error: FairleadError, *, reason: str, chosen: str
) -> Response:
    """The row with what was typed, and why nothing was changed."""
    context = whole(visit, item=item)
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
    context = replace(with_row(context, row), row=row, pane=pane)
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
    context = whole(visit, item=item, gaps=gaps)
    if not visit.is_htmx:
        return visit.page("pages/inbox.html", context, status=work_items.status_of(error))
    return _parts(visit, replace(context, aside=True), status=work_items.status_of(error))


def _more_rows(visit: Visit, item: str, found: Mapping[str, Any], form: Form) -> Response:
    gaps = gap_form.read(found["gaps"], visit.parts.firm, form, more=3)
    return visit.page("pages/inbox.html", whole(visit, item=item, gaps=gaps))


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
    owners.must_be_possible(
        visit.parts.people, person, region=found["region"], legal_entity=found["legal_entity"]
    )
    given = visit.parts.exceptions.assign
    return given(visit.tx, found["id"], visit.acting, person, version=version)


def _could_be_given(visit: Visit, found: Mapping[str, Any]) -> bool:
    return visit.who.id in {one.id for one in who_else.candidates_for(visit, found)}
