"""Other systems that live in memory: they keep what they are told, and answer by the promises of
`fairlead.ports`. What a test plants or looks at are plain attributes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.agreement import Agreement
from fairlead.domain.model.client import Client, ClientChanges
from fairlead.domain.model.document import FiledDocument
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.pay_sheet import HeldHours, Payee, PaySheet
from fairlead.domain.model.posting import (
    BookedRevenue,
    BookedTime,
    ExpensePosting,
    RevenuePosting,
    TimePosting,
)
from fairlead.domain.model.project import MilestoneReading, Progress
from fairlead.domain.model.recorded_expense import RecordedExpense
from fairlead.domain.model.recorded_time import KeptTime
from fairlead.domain.model.requisition import HeldRequisition
from fairlead.domain.model.resource import Absence, Resource
from fairlead.domain.model.vendor import Vendor
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused
from fairlead.ports.contracts import AgreementPage
from fairlead.ports.crm import ChangePage
from fairlead.ports.documents import (
    DocumentChanged,
    DocumentChanges,
    Folder,
    PlacedDocument,
)
from fairlead.ports.messages import Notice


class Troubled:
    """`trouble`: what the next calls raise, one each; None lets a call through."""

    def __init__(self) -> None:
        self.trouble: list[Exception | None] = []

    def ping(self) -> None:
        self.fail()

    def fail(self) -> None:
        if self.trouble and (trouble := self.trouble.pop(0)) is not None:
            raise trouble


class Books:
    """What a system was told, under our keys: `(what, key, content)`."""

    def __init__(self, system: str) -> None:
        self.system, self.entries = system, list[tuple[str, str, Any]]()

    def add(self, what: str, key: str, content: Any) -> ExternalRef:
        self.entries.append((what, key, content))
        return ExternalRef(system=self.system, kind=what, id=f"{what}-{len(self.entries)}")

    def find(self, what: str, key: str) -> ExternalRef | None:
        for number, (kind, known, _) in enumerate(self.entries, 1):
            if (kind, known) == (what, key):
                return ExternalRef(system=self.system, kind=what, id=f"{what}-{number}")
        return None

    def of(self, what: str) -> list[Any]:
        return [content for kind, _, content in self.entries if kind == what]


class MemoryLedger(Books, Troubled):
    """An ERP that does procurement, too. `master` are its clients, `suppliers` its vendors."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.trouble: list[Exception | None] = []
        self.master: list[Client] = []
        self.suppliers: list[Vendor] = []
        self.parents: dict[str, ExternalRef | None] = {}

    def candidates(self, client: Client) -> Sequence[Client]:
        return list(self.master)

    def create_client(self, client: Client, *, subsidiary: str, key: EffectKey) -> ExternalRef:
        ref = self.add("customer", key, (client.name, subsidiary))
        self.master.append(client.model_copy(update={"ref": ref}))
        return ref

    def find_client(self, key: EffectKey) -> ExternalRef | None:
        return self.find("customer", key)

    def client(self, ref: ExternalRef) -> Client | None:
        return next((client for client in self.master if client.ref == ref), None)

    def update_client(
        self, client: ExternalRef, changes: ClientChanges, *, key: EffectKey
    ) -> ExternalRef:
        given = changes.model_dump(exclude_none=True)
        self.master = [
            one.model_copy(update={name: getattr(changes, name) for name in given})
            if one.ref == client
            else one
            for one in self.master
        ]
        self.add("client_change", key, given)
        return client

    def find_client_updated(
        self, client: ExternalRef, changes: ClientChanges, *, key: EffectKey
    ) -> ExternalRef | None:
        return client if self.find("client_change", key) else None

    def create_project(
        self,
        project: Any,
        *,
        client: ExternalRef,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        self.parents[project.code] = parent
        return self.add("job", key, (project, client))

    def find_project(self, key: EffectKey) -> ExternalRef | None:
        return self.find("job", key)

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        self.add("closed", key, project.id)
        return project

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return project if project.id in self.of("closed") else None

    def create_schedule(
        self, schedule: Any, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        return self.add("schedule", key, schedule)

    def find_schedule(self, key: EffectKey) -> ExternalRef | None:
        return self.find("schedule", key)

    def vendors(self, name: str) -> Sequence[Vendor]:
        first = name.split()[0].casefold()
        return [one for one in self.suppliers if first in one.name.casefold().split()]

    def create_requisition(
        self, requisition: Any, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        return self.add("requisition", key, (requisition, project))

    def find_requisition(self, key: EffectKey) -> ExternalRef | None:
        return self.find("requisition", key)

    def requisitions(self, refs: Sequence[ExternalRef]) -> Sequence[HeldRequisition]:
        """As `booked_time`."""
        made = {
            ExternalRef(system=self.system, kind=kind, id=f"{kind}-{number}"): content
            for number, (kind, _, content) in enumerate(self.entries, 1)
        }
        return [HeldRequisition(ref=ref, cost=made[ref][0].cost) for ref in refs if ref in made]

    def book_time(
        self, posting: TimePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        self.fail()
        return self.add("time", key, (posting, project))

    def find_time(self, key: EffectKey) -> ExternalRef | None:
        return self.find("time", key)

    def booked_time(self, project: ExternalRef, start: date, end: date) -> Sequence[BookedTime]:
        """`entries` is the truth: what a test changes there is what it says."""
        self.fail()
        found: list[BookedTime] = []
        for number, (kind, _, content) in enumerate(self.entries, 1):
            if kind == "time" and content[1] == project and start <= content[0].day <= end:
                posting: TimePosting = content[0]
                found.append(
                    BookedTime(
                        ref=f"time-{number}",
                        item=posting.id,
                        resource=(posting.resource_email or posting.resource).lower(),
                        day=posting.day,
                        hours=posting.hours,
                        category=posting.category,
                    )
                )
        return found

    def book_expense(
        self, posting: ExpensePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        self.fail()
        return self.add("expense", key, (posting, project))

    def find_expense(self, key: EffectKey) -> ExternalRef | None:
        return self.find("expense", key)

    def book_revenue(
        self, posting: RevenuePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        return self.add("journal", key, (posting, project))

    def find_revenue(self, key: EffectKey) -> ExternalRef | None:
        return self.find("journal", key)

    def booked_revenue(self, journals: Sequence[ExternalRef]) -> Sequence[BookedRevenue]:
        """As `booked_time`."""
        found: list[BookedRevenue] = []
        for number, (kind, _, content) in enumerate(self.entries, 1):
            ref = ExternalRef(system=self.system, kind=kind, id=f"{kind}-{number}")
            if kind == "journal" and ref in journals:
                posting: RevenuePosting = content[0]
                last = (posting.month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
                found.append(BookedRevenue(ref=ref, revenue=posting.revenue, on=last, posted=True))
        return found


class MemoryProjects(Books):
    """A PSA."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.parents: dict[str, ExternalRef | None] = {}
        self.progress: dict[ExternalRef, Progress] = {}
        self.keys: dict[ExternalRef, str] = {}
        self.time: list[KeptTime] = []  #: on all projects
        self.expenses: list[RecordedExpense] = []

    def kept_expenses(self, project: ExternalRef) -> tuple[RecordedExpense, ...]:
        return tuple(one for one in self.expenses if one.project == project)

    def kept_time(
        self, project: ExternalRef, *, known: Collection[str] = ()
    ) -> tuple[KeptTime, ...]:
        """`time` is the truth: what a test changes there is what it says."""
        return tuple(
            one for one in self.time if one.entry.project == project or one.entry.ref.id in known
        )

    def create_project(
        self,
        project: Any,
        *,
        client_name: str,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        self.parents[project.code] = parent
        return self.add("workspace", key, (project, client_name))

    def find_project(self, key: EffectKey) -> ExternalRef | None:
        return self.find("workspace", key)

    def add_work_package(self, project: ExternalRef, package: Any, *, key: EffectKey) -> Any:
        return self.add("package", key, package)

    def find_work_package(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return self.find("package", key)

    def request_staffing(self, project: ExternalRef, request: Any, *, key: EffectKey) -> Any:
        return self.add("request", key, request)

    def find_staffing_request(self, project: ExternalRef, *, key: EffectKey) -> Any:
        return self.find("request", key)

    def add_milestone(self, project: ExternalRef, mark: Any, *, key: EffectKey) -> ExternalRef:
        ref = self.add("milestone", key, mark)
        self.progress[ref] = Progress.NOT_STARTED
        self.keys[ref] = key
        return ref

    def find_milestone(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return self.find("milestone", key)

    def set_progress(
        self, milestone: ExternalRef, progress: Progress, *, key: EffectKey
    ) -> ExternalRef:
        self.progress[milestone] = progress
        return milestone

    def find_progress(
        self, milestone: ExternalRef, progress: Progress, *, key: EffectKey
    ) -> ExternalRef | None:
        return milestone if self.progress.get(milestone) is progress else None

    def milestones(self, project: ExternalRef) -> tuple[MilestoneReading, ...]:
        return tuple(
            MilestoneReading(ref=ref, key=self.keys.get(ref), progress=progress)
            for ref, progress in self.progress.items()
        )

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        self.add("closed", key, project.id)
        return project

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return project if project.id in self.of("closed") else None


class MemoryCrm(Books, Troubled):
    """A CRM. `deals` is what it says now."""

    def __init__(self, system: str) -> None:
        Books.__init__(self, system)
        Troubled.__init__(self)
        self.deals: dict[str, Opportunity] = {}
        self.pages: list[ChangePage] = []
        self.asked: list[tuple[datetime, str | None]] = []

    def opportunity(self, id: str) -> Opportunity | None:
        self.fail()
        return self.deals.get(id)

    def changed_since(self, since: datetime, cursor: str | None = None) -> ChangePage:
        self.asked.append((since, cursor))
        self.fail()
        return self.pages[int(cursor or 0)]

    def report_engagement(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef:
        self.add("reported", key, (opportunity.id, number, state))
        return opportunity

    def find_reported(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef | None:
        return opportunity if (opportunity.id, number, state) in self.of("reported") else None


class MemoryContracts(Troubled):
    """A signature service. `agreements` is what it says now; `contents`, the documents' bytes."""

    def __init__(self, system: str) -> None:
        super().__init__()
        self.system = system
        self.agreements: dict[str, Agreement] = {}
        self.contents: dict[tuple[str, str], bytes] = {}
        self.pages: list[AgreementPage] = []

    def agreement(self, id: str) -> Agreement | None:
        self.fail()
        return self.agreements.get(id)

    def changed_since(self, since: datetime, cursor: str | None = None) -> AgreementPage:
        self.fail()
        return self.pages[int(cursor or 0)]

    def document(self, agreement: str, document: str) -> bytes:
        self.fail()
        if (agreement, document) not in self.contents:
            raise SystemRefused(self.system, f"{agreement} has no document {document}.")
        return self.contents[agreement, document]


class MemoryPeople(Troubled):
    """An HR system."""

    def __init__(self, system: str) -> None:
        super().__init__()
        self.system = system
        self.staff: list[Resource] = []
        self.away: list[Absence] = []

    def resources(self) -> Sequence[Resource]:
        self.fail()
        return list(self.staff)

    def absences(self, start: date, end: date) -> Sequence[Absence]:
        self.fail()
        return [one for one in self.away if one.period.start <= end and start <= _last(one)]


def _last(absence: Absence) -> date:
    return absence.period.end or date.max


class MemoryDocuments(Books):
    """A document repository. `put`: what people put there, by id."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.put: dict[str, PlacedDocument] = {}

    def create_folder(
        self, *, code: str, name: str, members: tuple[str, ...], key: EffectKey
    ) -> ExternalRef:
        return self.add("folder", key, (code, name, members))

    def find_folder(self, key: EffectKey) -> ExternalRef | None:
        return self.find("folder", key)

    def folder_url(self, folder: ExternalRef) -> str:
        return f"https://documents.example/{folder.id}"

    def file_document(
        self,
        folder: ExternalRef,
        *,
        name: str,
        media_type: str,
        content: bytes,
        retention: str,
        key: EffectKey,
    ) -> ExternalRef:
        return self.add("document", key, (folder, name, media_type, content, retention))

    def find_document(self, folder: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return self.find("document", key)

    def ping(self) -> None:
        """It is there."""

    def changed_since(self, since: datetime, cursor: str | None = None) -> DocumentChanges:
        told = [DocumentChanged(document=id, revision=one.revision) for id, one in self.put.items()]
        return DocumentChanges(changes=tuple(told), next_cursor=None, watermark=since)

    def placed(self, id: str) -> PlacedDocument | None:
        return self.put.get(id)

    def person_puts(
        self, name: str, *folders: tuple[str, str], revision: str = "1"
    ) -> PlacedDocument:
        """A person puts a document into folders, the innermost first: (id, name)."""
        document = PlacedDocument(
            ref=ExternalRef(system=self.system, kind="document", id=f"put-{name}"),
            revision=revision,
            name=name,
            url=f"https://documents.example/{len(self.put)}",
            folders=tuple(Folder(id=id, name=called) for id, called in folders),
        )
        self.put[document.ref.id] = document
        return document

    def document(self, ref: ExternalRef, *, kind: str) -> FiledDocument:
        _, _, (_, name, media_type, content, retention) = self.entries[int(ref.id[9:]) - 1]
        return FiledDocument(
            ref=ref,
            kind=kind,
            name=name,
            media_type=media_type,
            sha256=sha256(content).hexdigest(),
            size=len(content),
            retention=retention,
            url=f"https://documents.example/{ref.id}",
            filed_at=datetime(2026, 11, 2, 13, tzinfo=UTC),
        )


class MemoryChat(Books):
    """A chat system."""

    def create_channel(
        self, *, code: str, name: str, members: tuple[str, ...], key: EffectKey
    ) -> ExternalRef:
        return self.add("channel", key, (code, name, members))

    def find_channel(self, key: EffectKey) -> ExternalRef | None:
        return self.find("channel", key)

    def channel_url(self, channel: ExternalRef) -> str:
        return f"https://chat.example/{channel.id}"

    def post(self, channel: ExternalRef, notice: Notice, *, key: EffectKey) -> ExternalRef:
        return self.add("post", key, (channel, notice))

    def find_post(self, channel: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return self.find("post", key)


class MemoryMail(Books):
    """A mail server. It cannot be asked what it sent."""

    def send(self, to: tuple[str, ...], notice: Notice, *, key: EffectKey) -> ExternalRef:
        return self.add("mail", key, (to, notice))


class MemoryPayroll(Books, Troubled):
    """Pays whom `hire` enters. `approved` are ids of sheets; `paid` is null until it pays."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.trouble: list[Exception | None] = []
        self.staff: list[Payee] = []
        self.approved: set[str] = set()
        self.paid: dict[str, Decimal] | None = None  #: address and kind → hours

    def hire(self, email: str, *, has_period: bool = True) -> None:
        ref = ExternalRef(system=self.system, kind="employee", id=f"employee-{len(self.staff) + 1}")
        self.staff.append(
            Payee(ref=ref, name=email, email=email, calendar="monthly", has_period=has_period)
        )

    def payees(self, start: date, end: date) -> Sequence[Payee]:
        self.fail()
        return self.staff

    def send_hours(self, sheet: PaySheet, *, payee: Payee, key: EffectKey) -> ExternalRef:
        self.fail()
        ref = self.add("timesheet", key, (payee, sheet))
        self.fail()
        return ref

    def find_hours(self, sheet: PaySheet, *, payee: Payee, key: EffectKey) -> ExternalRef | None:
        return self.find("timesheet", key)

    def approve_hours(self, sheet: ExternalRef, *, key: EffectKey) -> ExternalRef:
        self.approved.add(sheet.id)
        return sheet

    def find_approval(self, sheet: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return sheet if sheet.id in self.approved else None

    def held(self, start: date, end: date) -> Sequence[HeldHours]:
        found: list[HeldHours] = []
        for number, (_, _, (payee, sheet)) in enumerate(self.entries, 1):
            if (sheet.start, sheet.end) != (start, end):
                continue
            for pay in dict.fromkeys(line.pay for line in sheet.lines):
                key = f"{payee.email}/{pay}"
                found.append(
                    HeldHours(
                        ref=f"timesheet-{number}",
                        whose=payee.email or payee.ref.id,
                        pay=pay,
                        start=start,
                        end=end,
                        hours=sum((x.hours for x in sheet.lines if x.pay == pay), Decimal(0)),
                        approved=f"timesheet-{number}" in self.approved,
                        paid=None if self.paid is None else self.paid.get(key, Decimal(0)),
                    )
                )
        return found
