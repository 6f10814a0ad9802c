"""The head of an engagement: what every tab shows of it, in two queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules.deal_terms import terms
from fairlead.errors import NotFound
from fairlead.store.engagement_page import EngagementViews
from fairlead.trust.roles import Permission
from fairlead.web.formats import Tone, listed, words
from fairlead.web.pages.engagement_words import STATES, tells_costs
from fairlead.web.visit import Visit

TABS = (
    "line", "packet", "timeline", "milestones", "systems", "money", "decisions", "documents",
)  # fmt: skip
#: Tabs that need more than seeing engagements.
NEEDS = {"money": Permission.BILLING_READ}


@dataclass(frozen=True)
class Tab:
    label: str
    href: str
    count: int | None
    current: bool
    tone: str = ""  #: `warn` where the count is of what is open


@dataclass(frozen=True)
class Fig:
    """One word or figure of the head. `low`: left out where there is little room."""

    label: str
    text: str
    figures: bool = False
    low: bool = False


@dataclass(frozen=True)
class Head:
    """`engagement`: as stored. `deal`: with what people supplied."""

    engagement: Engagement
    deal: Opportunity
    marks: Mapping[str, Any]
    title: str
    path: str  #: of its pages
    here: str  #: of this tab, with its filters: what a refresh asks for
    tab: str
    tone: Tone
    state: str
    figs: tuple[Fig, ...]
    tabs: tuple[Tab, ...]
    part: bool  #: a refresh asks: what stands outside the block comes along
    may_compare: bool
    may_cancel: bool
    channel: str | None
    folder: str | None

    @property
    def id(self) -> str:
        return self.engagement.id

    @property
    def number(self) -> str:
        return self.engagement.number


def views_of(visit: Visit) -> EngagementViews:
    return EngagementViews(visit.tx, visit.scope)


def head_of(visit: Visit, views: EngagementViews, tab: str) -> Head:
    """Raises `NotFound`: the same for one that this reader may not see as for none at all."""
    row = views.engagement(str(visit.request.path_params["number"]))
    if row is None:
        raise NotFound("There is no such engagement.")
    engagement = Engagement.model_validate(row["body"])
    marks = views.marks(engagement.id)
    deal = terms(engagement)
    path = f"/engagements/{engagement.number}"
    query = visit.request.url.query
    may_act = visit.who.may(Permission.EXCEPTIONS_RESOLVE)
    state, tone = _state(engagement, marks)
    return Head(
        engagement=engagement,
        deal=deal,
        marks=marks,
        title=f"{deal.client.name}, {deal.name}" if deal.client else deal.name,
        path=path,
        here=f"{path}/{tab}" + (f"?{query}" if query else ""),
        tab=tab,
        tone=tone,
        state=state,
        figs=_figs(visit, engagement, deal),
        tabs=_tabs(visit, engagement, marks, path, tab),
        part=visit.is_htmx,
        may_compare=may_act and _has_projects(engagement),
        may_cancel=may_act and marks["set_up_run"] is not None,
        channel=web_address(marks["channel"]),
        folder=web_address(marks["folder"]),
    )


def web_address(url: str | None) -> str | None:
    """What another system gave as an address, where a browser may be sent there."""
    if url is None:
        return None
    try:
        found = urlsplit(url)
    except ValueError:
        return None
    return url if found.scheme in ("https", "http") and found.hostname else None


def shown_costs(visit: Visit, text: str) -> str | None:
    """The text, or null where it tells costs to somebody who may not see them."""
    hidden = tells_costs(text) and not visit.who.may(Permission.COSTS_READ)
    return None if hidden else text


def _has_projects(engagement: Engagement) -> bool:
    over = engagement.state in (EngagementState.DECLINED, EngagementState.CANCELLED)
    return not over and bool({"psa_project", "ledger_project"} & engagement.refs.keys())


def _state(engagement: Engagement, marks: Mapping[str, Any]) -> tuple[str, Tone]:
    text, tone = STATES[engagement.state]
    if engagement.state in (EngagementState.DECLINED, EngagementState.CANCELLED):
        return text, tone
    if marks["open_exceptions"]:
        return f"{text}, blocked", "bad"
    if marks["open_tasks"]:
        return text if tone == "warn" else f"{text}, waiting", "warn"
    return text, tone


def _figs(visit: Visit, engagement: Engagement, deal: Opportunity) -> tuple[Fig, ...]:
    clock = visit.clock
    kind = words(str(deal.contract_type)).lower() if deal.contract_type else ""
    entity = next(
        (e.name for e in visit.parts.firm.legal_entities if e.code == deal.legal_entity),
        deal.legal_entity,
    )
    place = ", ".join(one for one in (deal.region, entity) if one)
    starts = clock.date(deal.starts_on) if deal.starts_on else "no start"
    ends = clock.date(deal.ends_on) if deal.ends_on else "no end"
    dated = deal.starts_on is not None or deal.ends_on is not None
    launched = engagement.launched_at
    return (
        Fig("Region and entity", place or "none yet"),
        Fig("Dates", f"{starts} to {ends}" if dated else "none yet"),
        Fig("Project code", engagement.project_code or "none yet", figures=True),
        Fig("Seller", _seller(visit, deal.owner)),
        Fig("Delivery lead", _lead(visit, deal.region)),
        Fig(
            "Launched" if launched else "Opened",
            clock.date(launched or engagement.opened_at),
            low=True,
        ),
        Fig("Pricing", kind.capitalize() or "none yet", low=True),
    )


def _seller(visit: Visit, owner: str | None) -> str:
    if not owner:
        return "none yet"
    for person in visit.parts.people.all():
        if person.email and person.email.casefold() == owner.casefold():
            return person.name
    return owner


def _lead(visit: Visit, region: str | None) -> str:
    """Who answers for the delivery in its region: the first two, where there are more."""
    parts = visit.parts
    names = dict.fromkeys(
        person.name
        for role in parts.firm.workspace.roles
        for person in parts.people.holding(role, region=region)
    )
    return listed(list(names)[:2]) or "none yet"


def _tabs(
    visit: Visit, engagement: Engagement, marks: Mapping[str, Any], path: str, current: str
) -> tuple[Tab, ...]:
    open_ = int(marks["open_tasks"]) + int(marks["open_exceptions"])
    counts: Mapping[str, tuple[int | None, str]] = {
        "line": (open_ or None, "warn"),
        "systems": (marks["differences"] or None, "warn"),
        "milestones": (marks["milestones"] or None, ""),
        "decisions": ((marks["decisions"] + marks["answers"]) or None, ""),
        "documents": (len(engagement.documents) or None, ""),
    }
    open_to = [name for name in TABS if name not in NEEDS or visit.who.may(NEEDS[name])]
    return tuple(_tab(name, path, counts, current) for name in open_to)


def _tab(name: str, path: str, counts: Mapping[str, tuple[int | None, str]], current: str) -> Tab:
    count, tone = counts.get(name, (None, ""))
    href = path if name == "line" else f"{path}/{name}"
    return Tab(words(name), href, count, name == current, tone)
