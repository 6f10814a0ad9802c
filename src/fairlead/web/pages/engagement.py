"""One engagement: its line, packet, timeline, systems, money, decisions and documents."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.handoff.ourselves import compare_now
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem, StaleVersion
from fairlead.store.engagement_page import EngagementViews
from fairlead.trust.roles import Permission
from fairlead.web.forms import Form
from fairlead.web.pages import engagement_milestones
from fairlead.web.pages.engagement_decisions import decisions_tab
from fairlead.web.pages.engagement_documents import documents_tab
from fairlead.web.pages.engagement_head import Head, head_of, views_of
from fairlead.web.pages.engagement_line import line_tab
from fairlead.web.pages.engagement_money import money_tab
from fairlead.web.pages.engagement_packet import packet_of, packet_tab, pdf
from fairlead.web.pages.engagement_systems import systems_tab
from fairlead.web.pages.engagement_timeline import csv_of, timeline_tab
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit

_READ = Permission.ENGAGEMENTS_READ
_ACT = Permission.EXCEPTIONS_RESOLVE

Context = Callable[[Visit, EngagementViews, Head], object]


def routes() -> list[Route]:
    path = "/engagements/{number}"
    return [
        page(path, _tab("line", line_tab), needs=_READ),
        page(f"{path}/line", _tab("line", line_tab), needs=_READ),
        page(f"{path}/packet", _tab("packet", lambda v, _w, h: packet_tab(v, h)), needs=_READ),
        page(f"{path}/packet.pdf", packet_pdf, needs=_READ),
        page(f"{path}/packet.json", packet_json, needs=_READ),
        page(f"{path}/timeline", _tab("timeline", timeline_tab), needs=_READ),
        page(f"{path}/timeline.csv", timeline_csv, needs=_READ),
        page(f"{path}/systems", _tab("systems", systems_tab), needs=_READ),
        page(
            f"{path}/money",
            _tab("money", lambda v, _w, h: money_tab(v, h)),
            needs=Permission.BILLING_READ,
        ),
        page(f"{path}/decisions", _tab("decisions", decisions_tab), needs=_READ),
        page(
            f"{path}/documents", _tab("documents", lambda _v, _w, h: documents_tab(h)), needs=_READ
        ),
        *engagement_milestones.routes(),
        command(f"{path}/compare", compare, needs=_ACT),
        command(f"{path}/cancel", cancel, needs=_ACT),
    ]


def _tab(name: str, context: Context) -> Callable[[Visit], Response]:
    def show(visit: Visit) -> Response:
        views = views_of(visit)
        head = head_of(visit, views, name)
        return visit.page(f"pages/engagement_{name}.html", context(visit, views, head))

    return show


def packet_pdf(visit: Visit) -> Response:
    head = head_of(visit, views_of(visit), "packet")
    name, content = pdf(packet_of(visit, head))
    return _file(content, "application/pdf", name)


def packet_json(visit: Visit) -> Response:
    head = head_of(visit, views_of(visit), "packet")
    content = packet_of(visit, head).model_dump_json(indent=2).encode()
    return _file(content, "application/json", f"{head.number}-packet.json")


def timeline_csv(visit: Visit) -> Response:
    views = views_of(visit)
    head = head_of(visit, views, "timeline")
    content = csv_of(visit, views, head).encode("utf-8-sig")  # so that spreadsheets see UTF-8
    return _file(content, "text/csv; charset=utf-8", f"{head.number}-timeline.csv")


def compare(visit: Visit, form: Form) -> Response:
    """Have the systems of the engagement asked again; one comparison at a time."""
    head = head_of(visit, views_of(visit), "systems")
    if head.marks["comparing"]:
        raise IllegalMove("The comparison", "under way", "begun again")
    if not head.may_compare:
        raise InvalidInput(
            "There is nothing to compare yet.",
            [Problem("/", "needs a project in the project system or the ledger")],
        )
    compare_now(visit.tx, head.engagement.id)
    if not visit.is_htmx:
        return visit.done(f"{head.path}/systems")
    asked = Toast("The systems are being asked. What they say appears here.")
    return visit.parts_of("pages/engagement_compare.html", {"head": head}, "compare", toast=asked)


def cancel(visit: Visit, form: Form) -> Response:
    """End a run of the engagement and take back what it did outside."""
    views = views_of(visit)
    head = head_of(visit, views, "line")
    reason, run_id = form.text("reason", longest=2000), form.text("run", longest=200)
    if not reason:
        raise InvalidInput(
            "A run is cancelled for a reason.", [Problem("/reason", "is required to cancel")]
        )
    if form.version != head.engagement.version:
        raise StaleVersion("The engagement was changed since you read it. Read it again.")
    run = views.run(run_id)
    if run is None or run["subject_id"] != head.id:
        raise NotFound("There is no such run.")
    visit.parts.cancel_run(visit.tx, run_id, by=visit.who.id, reason=reason)
    return visit.done(head.path)


def _file(content: bytes, media_type: str, name: str) -> Response:
    """To be saved, not shown: what it holds came from outside."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in name)
    headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return Response(content, media_type=media_type, headers=headers)
