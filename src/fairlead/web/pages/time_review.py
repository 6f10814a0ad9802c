"""Time and expenses that wait for approval: all that is clean at once, the rest by itself, each
with its reason; whose week is missing, and what was decided (F068, F070)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.time.approving import Approving, ItemKey, Wanted
from fairlead.domain.model.time_entry import EntryState
from fairlead.errors import InvalidInput, NotFound, Problem
from fairlead.store import blobs
from fairlead.store.approvals import Kind
from fairlead.store.time_board import Board
from fairlead.trust.roles import Permission
from fairlead.web import csv_table, kept_views
from fairlead.web.formats import count
from fairlead.web.forms import Form
from fairlead.web.nav import Entry
from fairlead.web.pages import time_pane
from fairlead.web.pages.time_list import PATH, TimeList
from fairlead.web.pages.time_pane import Pane
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit
from fairlead.web.who_else import name_of

ENTRY = Entry(
    group="Run",
    label="Time and expense",
    path=PATH,
    icon="clock",
    needs=Permission.TIME_READ,
    key="t",
    counts="time",
)

_TEMPLATE = "pages/time_review.html"
_MOST_AT_ONCE = 1000
_MOST_CLEAN = 20_000
_LONGEST_REASON = 2000
#: The page of one entry.
_SHOWN = re.compile(
    rf"{PATH}/(?P<kind>time|expense)/(?P<id>[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})"
)


@dataclass(frozen=True)
class Result:
    """What became of one of several."""

    title: str
    done: bool
    words: str


@dataclass(frozen=True)
class TimePage:
    list: TimeList
    pane: Pane | None = None
    chosen: bool = False  #: the address names the entry; else the first of the list is shown
    results: Sequence[Result] = ()
    oob: bool = False  #: the blocks beside the first find their own places
    pane_oob: bool = False  #: and the pane does


def routes() -> list[Route]:
    see, decide = Permission.TIME_READ, Permission.TIME_APPROVE
    return [
        page(PATH, show, needs=see),
        page(f"{PATH}.csv", download, needs=see),
        *kept_views.routes(PATH, "time_views", _TEMPLATE, _list_page, needs=see),
        command(f"{PATH}/clean", approve_clean, needs=decide),
        command(f"{PATH}/bulk", bulk, needs=decide),
        page(f"{PATH}/{{kind}}/{{id}}", show_one, needs=see),
        page(f"{PATH}/expense/{{id}}/receipt", receipt, needs=see),
        command(f"{PATH}/{{kind}}/{{id}}/decide", decide_one, needs=decide),
    ]


def show(visit: Visit) -> Response:
    """The list, with its first entry beside it."""
    listed = TimeList(visit)
    wants_list = visit.is_htmx and visit.request.headers.get("hx-target") == "time-list"
    return visit.page(_TEMPLATE, TimePage(listed, None if wants_list else _first(visit, listed)))


def show_one(visit: Visit) -> Response:
    """The list with one entry, whether the filters let it through or not."""
    listed = TimeList(visit)
    return visit.page(_TEMPLATE, TimePage(listed, _pane(visit, listed), chosen=True))


def download(visit: Visit) -> Response:
    """The filtered table, whole."""
    listed = TimeList(visit)
    return csv_table.download(f"time-{listed.tab}", listed.heads, listed.file())


def receipt(visit: Visit) -> Response:
    """As it was uploaded; a browser keeps it and shows nothing of it."""
    id = _id(visit)
    row = TimeList(visit).board.one("expense", id)
    if row is None or row["receipt"] is None:
        raise NotFound("There is no such receipt.")
    disposition = f'attachment; filename="receipt-{row["receipt"][:12]}"'
    return Response(
        blobs.kept(visit.tx, row["receipt"]),
        media_type="application/octet-stream",
        headers={"Content-Disposition": disposition},
    )


def approve_clean(visit: Visit, form: Form) -> Response:
    """All that is clean and fits the filters; what came in since they looked still waits."""
    listed = TimeList(visit)
    until = _moment(form.text("until", longest=40))
    rows = listed.board.waiting(False, None, _MOST_CLEAN)
    rows = [row for row in rows if row["submitted_at"] <= until]
    if not rows:
        return _done(visit, "Nothing clean waits any more", tone="warn")
    items: list[ItemKey] = [(row["kind"], row["id"]) for row in rows]
    approving = Approving(visit.parts.people)
    done = approving.approve(visit.tx, visit.acting, Wanted(items=items)).done
    return _done(visit, f"Approved {count(sum(one.count for one in done), 'entry', 'entries')}")


def bulk(visit: Visit, form: Form) -> Response:
    """Approve or return what was picked, with one reason."""
    picked = _picked(form)
    reason = form.text("reason", longest=_LONGEST_REASON)
    back = form.text("do", longest=10) == "return"
    results = _decide(visit, picked, reason, back=back)
    done = sum(result.done for result in results)
    verb = "Returned" if back else "Approved"
    if not visit.is_htmx:
        return visit.done(TimeList(visit).address.here)
    toast = Toast(f"{verb}: {done} of {len(results)}", "ok" if done == len(results) else "warn")
    return _told(visit, toast, results if done < len(results) else ())


def decide_one(visit: Visit, form: Form) -> Response:
    """Approve it once, or return it; the pane says what became of it."""
    listed = TimeList(visit)
    pane = _pane(visit, listed)
    reason = form.text("reason", longest=_LONGEST_REASON)
    back = form.text("do", longest=10) == "return"
    key: ItemKey = (pane.kind, UUID(pane.id))
    (result,) = _decide(visit, {key: form.version}, reason, back=back)
    if not visit.is_htmx:
        return visit.done(TimeList(visit).address.here)
    again = TimeList(visit)
    now = TimePage(again, _pane(visit, again), chosen=True, oob=True)
    toast = Toast(result.words, "ok" if result.done else "warn")
    status = 200 if result.done else 409
    return visit.parts_of(_TEMPLATE, now, "pane", "time_list", toast=toast, status=status)


def _decide(
    visit: Visit, picked: Mapping[ItemKey, int], reason: str, *, back: bool
) -> list[Result]:
    """Each that stands as it was shown; the others say why not. Raises `InvalidInput`."""
    board = TimeList(visit).board
    before = _held(board, picked)
    fresh = [key for key, row in before.items() if _is_fresh(row, picked[key])]
    flagged = [key for key in fresh if before[key]["flagged"]]
    if not reason and (back or flagged):
        why = "says what to change" if back else "says why flagged entries are right"
        raise InvalidInput("This needs a reason.", [Problem("/reason", why)])
    approving = Approving(visit.parts.people)
    if back:
        theirs = board.sight.engagements or ()
        able = [key for key in fresh if before[key]["engagement_id"] in theirs]
        able = [key for key in able if not before[key]["barred"]]
        if able:
            approving.send_back(visit.tx, visit.acting, able, reason)
    elif fresh:
        reasons = dict.fromkeys(flagged, reason)
        approving.approve(visit.tx, visit.acting, Wanted(items=fresh, reasons=reasons))
    after = _held(board, picked)
    return [
        _result(visit, after.get(key), key in fresh, back=back, theirs=board.sight.engagements)
        for key in picked
    ]


def _held(board: Board, picked: Iterable[ItemKey]) -> dict[ItemKey, dict[str, Any]]:
    kinds: tuple[Kind, ...] = ("time", "expense")
    return {
        (kind, id): row
        for kind in kinds
        for id, row in board.held(kind, [id for of, id in picked if of == kind]).items()
    }


def _is_fresh(row: Mapping[str, Any], version: int) -> bool:
    return row["state"] == EntryState.SUBMITTED and row["version"] == version


def _result(
    visit: Visit,
    now: Mapping[str, Any] | None,
    fresh: bool,
    *,
    back: bool,
    theirs: Collection[str] | None,
) -> Result:
    if now is None:
        return Result("An entry", False, "It is not there any more")
    title = f"{now['name'] or now['resource_id']}, {visit.clock.due(now['day'])}"
    if fresh and now["state"] == (EntryState.RETURNED if back else EntryState.APPROVED):
        return Result(title, True, "Returned" if back else "Approved")
    if now["state"] in (EntryState.APPROVED, EntryState.RETURNED):
        who = name_of(visit, now["decided_by"])
        return Result(title, False, f"Decided by another: {now['state']} by {who}")
    if not fresh:
        return Result(title, False, "It was changed since you looked; look again")
    if now["barred"] or now["engagement_id"] not in (theirs or ()):
        return Result(title, False, "It is not yours to decide: somebody else does")
    return Result(title, False, "It has an error: it can only be returned")


def _done(visit: Visit, said: str, tone: str = "ok") -> Response:
    if not visit.is_htmx:
        return visit.done(TimeList(visit).address.here)
    return _told(visit, Toast(said, "warn" if tone == "warn" else "ok"))


def _told(visit: Visit, toast: Toast, results: Sequence[Result] = ()) -> Response:
    """What became of several: the list as it is now, and the pane with the entry that it showed."""
    listed = TimeList(visit)
    shown = _SHOWN.fullmatch(visit.path)
    pane = None
    if shown is not None:
        pane = time_pane.read(visit, listed, cast("Kind", shown["kind"]), UUID(shown["id"]))
    pane = pane or _first(visit, listed)
    context = TimePage(listed, pane, results=results, oob=True, pane_oob=True)
    return visit.parts_of(_TEMPLATE, context, "time_results", "time_list", "pane", toast=toast)


def _first(visit: Visit, listed: TimeList) -> Pane | None:
    """Of the list."""
    if listed.tab == "missing" or not listed.rows:
        return None
    first = listed.rows[0]
    return time_pane.read(visit, listed, first.kind, UUID(first.id))


def _list_page(visit: Visit) -> TimePage:
    return TimePage(TimeList(visit))


def _pane(visit: Visit, listed: TimeList) -> Pane:
    kind = visit.request.path_params["kind"]
    if kind not in ("time", "expense"):
        raise NotFound("There is no such entry.")
    pane = time_pane.read(visit, listed, kind, _id(visit))
    if pane is None:
        raise NotFound("There is no such entry, or it is of another region.")
    return pane


def _id(visit: Visit) -> UUID:
    try:
        return UUID(visit.request.path_params["id"])
    except ValueError:
        raise NotFound("There is no such entry.") from None


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        rule = "is when the last that was shown was handed in"
        raise InvalidInput("Say what was seen.", [Problem("/until", rule)])
    return found


def _picked(form: Form) -> dict[ItemKey, int]:
    """What was ticked: kind, id and the version that was shown."""
    found: dict[ItemKey, int] = {}
    for text in form.all("pick"):
        kind, _, rest = text.partition(":")
        id, _, version = rest.partition(":")
        fits = version.isascii() and version.isdigit() and len(version) < 10
        try:
            key = (kind, UUID(id))
        except ValueError:
            fits, key = False, None
        if not fits or key is None or kind not in ("time", "expense"):
            rule = "is kind, id and version"
            raise InvalidInput("These cannot be read.", [Problem("/pick", rule)])
        found[cast("ItemKey", key)] = int(version)
    if not 0 < len(found) <= _MOST_AT_ONCE:
        rule = f"is of 1 to {count(_MOST_AT_ONCE, 'entry', 'entries')}"
        raise InvalidInput("Select what this is about.", [Problem("/pick", rule)])
    return found
