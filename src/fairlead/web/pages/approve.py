"""One decision on a page of its own: where links in chat and mail lead, on a phone or a desk."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.responses import Response
from starlette.routing import Route

from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, Problem, StaleVersion
from fairlead.store.worklist import Kind
from fairlead.trust.roles import Permission
from fairlead.web import work_items
from fairlead.web.forms import Form
from fairlead.web.routing import command, page
from fairlead.web.visit import Visit
from fairlead.web.work_items import Pane, Upset
from fairlead.work.answers import answer_task

_LONGEST_REASON = 2000
_MOST_COUNTED = 200


@dataclass(frozen=True)
class ApprovePage:
    id: str
    pane: Pane
    place: str  #: `4 of 12`
    next: str | None  #: address of the next one
    next_title: str | None
    just_now: bool  #: the reader decided it with this request


def routes() -> list[Route]:
    return [
        page("/approve/{id}", show, needs=Permission.TASKS_READ),
        command("/approve/{id}/answer", answer, needs=Permission.TASKS_ANSWER),
    ]


def show(visit: Visit) -> Response:
    """What it is about, why it came, and the decision; a decided one shows its record."""
    return visit.page("pages/approve.html", _context(visit, visit.request.path_params["id"]))


def answer(visit: Visit, form: Form) -> Response:
    """Approve, refuse, or do a task."""
    id = visit.request.path_params["id"]
    work_items.find(visit, work_items.worklist(visit), f"task-{id}")
    reason, decision = form.text("reason", longest=_LONGEST_REASON), form.text("decision")
    try:
        with visit.tx.transaction():
            if decision not in ("approve", "refuse"):
                raise InvalidInput("Choose.", [Problem("/decision", "is approve or refuse")])
            answer_task(
                visit.tx,
                id,
                visit.acting,
                approved=decision == "approve",
                reason=reason,
                version=form.version,
            )
    except InvalidInput as refused:
        return _again(visit, id, reason, refused.status, fault=refused.detail)
    except NotAllowed as refused:
        upset = Upset("bad", "Not yours to decide", refused.detail)
        return _again(visit, id, reason, refused.status, upset=upset)
    except (IllegalMove, StaleVersion) as refused:
        return _again(visit, id, reason, work_items.status_of(refused), upset=_overtaken())
    if not visit.is_htmx:
        return visit.done(f"/approve/{id}")
    return visit.page("pages/approve.html", replace(_context(visit, id), just_now=True))


def _again(
    visit: Visit,
    id: str,
    reason: str,
    status: int,
    *,
    fault: str | None = None,
    upset: Upset | None = None,
) -> Response:
    """The page with what was typed, and why nothing was changed."""
    context = _context(visit, id)
    row = replace(context.pane.row, reason=reason, reason_fault=fault, upset=upset)
    pane = replace(context.pane, row=row)
    return visit.page("pages/approve.html", replace(context, pane=pane), status=status)


def _overtaken() -> Upset:
    text = "Your decision was not taken, and what you wrote is kept below."
    return Upset("warn", "Decided or changed by another", text)


def _context(visit: Visit, id: str) -> ApprovePage:
    """Raises `NotFound`."""
    work = work_items.worklist(visit)
    found = work_items.find(visit, work, f"task-{id}")
    pane = work_items.pane_of(visit, work, found, work_items.row_of(visit, found))
    waiting = [
        row
        for row in work.rows(mine=True, kind=None, by_kind=False, after=None, limit=_MOST_COUNTED)
        if row["kind"] in (Kind.APPROVAL, Kind.TASK)
    ]
    ids = [row["id"] for row in waiting]
    at = ids.index(id) if id in ids else None
    left = [row for row in waiting if row["id"] != id]
    behind = waiting[at + 1 :] if at is not None else left
    following = next(iter(behind or left), None)
    return ApprovePage(
        id=id,
        pane=pane,
        place=f"{at + 1} of {len(ids)}" if at is not None else f"{len(left)} left",
        next=f"/approve/{following['id']}" if following else None,
        next_title=following["title"] if following else None,
        just_now=False,
    )
