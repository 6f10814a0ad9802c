"""One request of a person: who they are, what they may see, and how they are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Template
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from fairlead.capabilities.time.remit import hands
from fairlead.store import accounts, counts
from fairlead.store.accounts import Preferences
from fairlead.store.counts import Bills, Books, Waiting
from fairlead.store.database import Tx
from fairlead.store.views import Scope, Views
from fairlead.store.worklist import Reader
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Person, Principal
from fairlead.trust.roles import Permission, Role
from fairlead.web import nav, templating
from fairlead.web.formats import Clock, Sla, Tone, initials, listed, words
from fairlead.web.nav import Entry, Section
from fairlead.web.parts import WebParts
from fairlead.web.refusals import NoPermission
from fairlead.web.sessions import Session
from fairlead.work.systems import is_visible

_FAR = timedelta(days=14)


@dataclass(frozen=True)
class Toast:
    """A word about what the person just did."""

    text: str
    tone: Tone = "ok"


class Shell:
    """What every page has around it; `my` in templates. Asked for when it is printed."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.firm = visit.parts.firm.name
        self.id = visit.person.id
        self.name = visit.person.name
        self.initials = initials(visit.person.name)
        self.csrf = visit.session.csrf
        self.clock = visit.clock
        self.zone = str(visit.clock.zone)
        self.path = visit.path

    @property
    def roles(self) -> str:
        """`PMO lead, EMEA`."""
        roles = listed(sorted(role_words(str(role)) for role in self._visit.person.roles))
        regions = self._visit.person.regions
        return roles if regions is None else f"{roles}, {listed(sorted(regions))}"

    @cached_property
    def preferences(self) -> Preferences:
        return accounts.preferences(self._visit.tx, self.id)

    @cached_property
    def waiting(self) -> Waiting:
        return self._visit.waiting()

    @property
    def nav(self) -> list[Section]:
        visit = self._visit
        return nav.sections(visit.entries, visit.who, self.path, self.waiting)

    def has(self, path: str) -> bool:
        """Whether the side bar leads there, for this reader."""
        return any(one.path == path for one in nav.open_to(self._visit.entries, self._visit.who))

    def may(self, permission: str) -> bool:
        """For what a page leaves out; the server checks again whatever is sent."""
        return self._visit.who.may(Permission(permission))


def role_words(role: str) -> str:
    """`pmo_lead` → `PMO lead`."""
    return words(role)


class Visit:
    """`tx` is one transaction; of a page it may not write."""

    def __init__(
        self,
        request: Request,
        parts: WebParts,
        session: Session,
        tx: Tx,
        now: datetime,
    ) -> None:
        self.request, self.parts, self.session, self.tx, self.now = (
            request,
            parts,
            session,
            tx,
            now,
        )
        self.who: Principal = session.principal
        self.person: Person = session.person
        self.clock = Clock(now, parts.zone_of(session.person))
        self.entries: Sequence[Entry] = request.app.state.entries

    @property
    def is_htmx(self) -> bool:
        """A part of a page is asked for. Going back in the history asks for the whole."""
        headers = self.request.headers
        return "hx-request" in headers and "hx-history-restore-request" not in headers

    @property
    def path(self) -> str:
        """Of the page that the person looks at, also where a part of it is asked for."""
        if self.is_htmx:
            return urlsplit(self.request.headers.get("hx-current-url", "")).path
        return self.request.url.path

    @property
    def scope(self) -> Scope:
        """Whose things the person sees: for every read of `store` that lists or finds."""
        return Scope(regions=self.who.regions, legal_entities=self.who.legal_entities)

    @property
    def reader(self) -> Reader:
        """For whom the inbox is. Who answers nothing, as an auditor, reads what waits for
        everybody."""
        return Reader(
            names=self.acting.aliases() | {self.who.id},
            roles=self.acting.roles,
            teams=self.person.teams,
            exceptions=self.who.may(Permission.EXCEPTIONS_READ),
            everything=not self.who.may(Permission.TASKS_ANSWER),
        )

    @cached_property
    def views(self) -> Views:
        """The reads, as this person sees things."""
        return Views(self.tx, self.scope)

    @cached_property
    def acting(self) -> Acting:
        """For `work.answers` and `work.exceptions`."""
        return Acting.of(self.parts.people, self.who)

    def sla(
        self, opened: datetime, due: datetime | None, region: str | None, country: str | None
    ) -> Sla | None:
        """In working time of the country, else of the region; far from its end, where hours of
        opening tell nothing any more and are dear to count, in time that passes."""
        far = due is not None and max(abs(due - self.now), due - opened) > _FAR
        calendar = None if far else self.parts.calendars.of(region=region, country=country)
        return self.clock.sla(opened, due, calendar)

    def must(self, permission: Permission) -> None:
        """Raises `NoPermission`."""
        if not self.who.may(permission):
            raise NoPermission(permission)

    def query(self, name: str, *, longest: int = 200) -> str:
        """A parameter of the address, or nothing where it is missing or beyond reason."""
        value = self.request.query_params.get(name, "").strip()
        return value if len(value) <= longest and value.isprintable() else ""

    def waiting(self) -> Waiting:
        systems = [
            system.id
            for system in self.parts.systems.all()
            if system.enabled and is_visible(system, self.who)
        ]
        person = self.person
        books = Books(
            person.id,
            person.email,
            leads=Role.PMO_LEAD in person.roles,
            manages=Role.PROJECT_MANAGER in person.roles,
            day=self.now.date(),
            hands=hands(self.parts.people),
        )
        bills = Bills(
            self.who.may(Permission.BILLING_PROPOSE), self.who.may(Permission.BILLING_RELEASE)
        )
        return counts.waiting(self.tx, self.scope, self.reader, systems, books, bills)

    def page(self, template: str, context: object, *, status: int = 200) -> Response:
        """The page; for htmx the block that is named as its target, where there is one, and
        that of its name with `_beside`, which finds its own place."""
        made, names = templating.TEMPLATES.get_template(template), self._names(context)
        target = self.request.headers.get("hx-target", "").replace("-", "_")
        if self.is_htmx and target in made.blocks:
            return HTMLResponse(_part(made, target, names), status_code=status)
        return whole(self.request, made.render(names), status)

    def parts_of(
        self,
        template: str,
        context: object,
        *blocks: str,
        toast: Toast | None = None,
        nav: bool = True,
        status: int = 200,
    ) -> Response:
        """Blocks of a page, the first of which replaces the target of the request; the others,
        the counts of the side bar (`nav`) and the toast find their own places."""
        made, names = templating.TEMPLATES.get_template(template), self._names(context)
        shown = [_part(made, name, names) for name in blocks]
        around = templating.TEMPLATES.get_template("beside.html")
        shown.append(around.render({**names, "toast": toast, "nav": nav}))
        return HTMLResponse("\n".join(shown), status_code=status)

    def done(self, to: str) -> Response:
        """After a command: on to a page. `to` is a path of ours, made by us."""
        if self.is_htmx:
            return Response(headers={"HX-Redirect": to})
        return RedirectResponse(to, status_code=303)

    def _names(self, context: object) -> dict[str, Any]:
        return {"is_part": False, **templating.names_of(context), "my": Shell(self)}


def _part(made: Template, name: str, names: dict[str, Any]) -> str:
    """A block, and what stands elsewhere on the page and changes with it."""
    names = {**names, "is_part": True}
    beside = f"{name}_beside"
    shown = templating.block(made, name, names)
    return shown + templating.block(made, beside, names) if beside in made.blocks else shown


def whole(request: Request, text: str, status: int) -> Response:
    """A whole page. One that htmx asked for as a part replaces everything."""
    headers = {}
    if "hx-request" in request.headers and "hx-history-restore-request" not in request.headers:
        headers = {"HX-Retarget": "body", "HX-Reswap": "innerHTML"}
    return HTMLResponse(text, status_code=status, headers=headers)
