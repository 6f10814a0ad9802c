"""Taking in time that other systems recorded: all of a file or nothing, and each entry once.

An entry is known by its source and its id there. Where a format has no ids, the id follows from
what the row says and which of several equal rows it is, so that the same file again adds nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace

from fairlead.capabilities.time.csv_cells import DayOrder, Fault
from fairlead.capabilities.time.csv_file import read_sheet
from fairlead.capabilities.time.csv_formats import RawTime, Read, read_rows
from fairlead.capabilities.time.entering import OPEN, OWN, note
from fairlead.capabilities.time.judging import Judging
from fairlead.capabilities.time.kinds import Kinds
from fairlead.capabilities.time.matching import Matcher, NoMatch
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.finding import Severity
from fairlead.domain.model.time_entry import EntryState, TimeEntry
from fairlead.store import deliveries, findings, time_columns, time_entries
from fairlead.store.database import Tx, database_time
from fairlead.store.time_columns import Judged
from fairlead.trust.acting import Acting

_SAID = (
    "engagement", "task", "resource", "day", "minutes", "role", "category", "billable",
    "narrative", "begins", "ends",
)  # fmt: skip


@dataclass(frozen=True)
class Landed:
    """What became of entries. `locked`: they differ from what was approved, which stays."""

    added: int = 0
    changed: int = 0
    same: int = 0
    locked: int = 0
    errors: int = 0  #: entries that the rules keep back as drafts
    warnings: int = 0  #: entries of which something is to be looked at


@dataclass(frozen=True)
class Report:
    format: str
    rows: int
    minutes: int
    landed: Landed  #: nothing, where there are faults
    faults: Sequence[Fault]


class Imports:
    """Takes in files, and what connectors read. Each works in the caller's transaction."""

    def __init__(self, judging: Judging, kinds: Kinds) -> None:
        self._judging, self._kinds = judging, kinds

    def file(self, tx: Tx, acting: Acting, raw: bytes, order: DayOrder | None) -> Report:
        """All rows of a file, or with one fault none of them.

        Raises `InvalidInput` where it is no file of a known format.
        """
        read = read_rows(read_sheet(raw), order)
        entries = self._entries(tx, acting, read)
        read.faults += _taken(tx, acting, read, entries)
        landed = Landed()
        if not read.faults:
            actor = f"{acting.principal.kind}:{acting.id}"
            landed = self.land(tx, entries, by=actor)
        return Report(
            format=read.format.name,
            rows=len(read.rows),
            minutes=sum(row.minutes for row in read.rows),
            landed=landed,
            faults=sorted(read.faults, key=lambda fault: (fault.row, fault.column)),
        )

    def land(
        self,
        tx: Tx,
        entries: Sequence[TimeEntry],
        *,
        by: str,
        correlation: str | None = None,
    ) -> Landed:
        """Add entries, and change those that are here already and not yet approved. Those of which
        the rules find no error wait for approval; the others are drafts of who worked.

        Where they come from keeps them under an id, so a change there counts. A row without an id
        is never changed by its file: who worked may have corrected it here, and that stays.
        """
        if not entries:
            return Landed()
        people = sorted({entry.resource for entry in entries})
        time_columns.hold(tx, people)
        known = time_entries.load(tx, [entry.id for entry in entries], lock=True)
        new = [entry for entry in entries if entry.id not in known]
        differing = [
            e for e in entries if e.id in known and _kept(e) and _said(e) != _said(known[e.id])
        ]
        open = [entry for entry in differing if known[entry.id].state in OPEN]
        time_entries.add(tx, new, by=by, at=database_time(tx))
        changes = [entry.model_copy(update={"version": known[entry.id].version}) for entry in open]
        time_entries.change(tx, changes, states=OPEN)
        touched = [*new, *open]
        errors, warnings = self._settled(tx, touched, by=by)
        note(tx, by, "imported", touched, correlation=correlation)
        return Landed(
            added=len(new),
            changed=len(open),
            same=len(entries) - len(new) - len(differing),
            locked=len(differing) - len(open),
            errors=errors,
            warnings=warnings,
        )

    def _settled(self, tx: Tx, entries: Sequence[TimeEntry], *, by: str) -> tuple[int, int]:
        """Judge the days that were touched, and hand in what has no error."""
        if not entries:
            return 0, 0
        days = [entry.day for entry in entries]
        span = Judged(first=min(days), last=max(days), states=sorted(OPEN))
        self._judging.judge(tx, sorted({entry.resource for entry in entries}), span)
        said = findings.of(tx, "time", [entry.id for entry in entries])
        bad = {id for id, some in said.items() if any(f.severity is Severity.ERROR for f in some)}
        now = database_time(tx)
        good = [entry.id for entry in entries if entry.id not in bad]
        draft, submitted = EntryState.DRAFT, EntryState.SUBMITTED
        time_entries.move(tx, good, submitted, froms=OWN, by=by, at=now)
        time_entries.move(tx, bad, draft, froms=[submitted], by=by, at=now)
        return len(bad), len(said.keys() - bad)

    def _entries(self, tx: Tx, acting: Acting, read: Read) -> list[TimeEntry]:
        matcher = Matcher(
            tx,
            self._kinds,
            read.format.name,
            people={name for row in read.rows for name in (row.person, row.email) if name},
            engagements={n for row in read.rows for n in (row.engagement, row.code) if n},
            days={row.day for row in read.rows},
            reader=acting.principal,
        )
        entries: list[TimeEntry] = []
        alike: Counter[str] = Counter()
        for row in read.rows:
            try:
                entries.append(_matched(row, matcher, f"import:{read.format.name}", alike))
            except NoMatch as no:
                read.faults.append(_fault(row, no, read.names))
        twice = [id for id, n in Counter(entry.source_id for entry in entries).items() if n > 1]
        for row in read.rows:
            if row.id is not None and f"id:{row.id}" in twice:
                read.faults.append(Fault(row.row, read.names["id"], row.id[:80], "comes once"))
        return entries


def _matched(row: RawTime, matcher: Matcher, source: str, alike: Counter[str]) -> TimeEntry:
    """Raises `NoMatch`."""
    person = matcher.person(row.person, row.email)
    delivery = matcher.engagement(row.engagement, row.code)
    package = matcher.task(delivery, row.task)
    task = package.code if package else None
    kind = matcher.kind(row.kind, row.tags)
    role = row.role or matcher.role(person, delivery, task, row.day)
    billable = row.billable
    if billable is None:
        billable = kind.billable and (package is None or package.billable)
    if row.id is not None:
        source_id = f"id:{row.id}"
    else:
        digest = derived("row", *map(repr, astuple(replace(row, row=0))))
        alike[digest] += 1
        source_id = f"{digest}:{alike[digest]}"
    return TimeEntry(
        id=time_entries.entry_id(source, source_id),
        engagement=EngagementId(delivery.engagement),
        task=task,
        resource=person.id,
        day=row.day,
        minutes=row.minutes,
        role=role,
        category=kind.code,
        billable=billable,
        narrative=row.narrative,
        begins=row.begins,
        ends=row.ends,
        source=source,
        source_id=source_id,
    )


def _taken(tx: Tx, acting: Acting, read: Read, entries: Sequence[TimeEntry]) -> Iterator[Fault]:
    """Rows whose id is that of an entry which whoever sends the file may not see, nor change."""
    known = time_entries.load(tx, [entry.id for entry in entries], lock=False)
    booked = deliveries.load(tx, sorted({entry.engagement for entry in known.values()}))
    hidden = {
        entry.source_id
        for entry in known.values()
        if not acting.principal.sees(
            region=booked[entry.engagement].region,
            legal_entity=booked[entry.engagement].legal_entity,
        )
    }
    for row in read.rows:
        if row.id is not None and f"id:{row.id}" in hidden:
            yield Fault(row.row, read.names["id"], row.id[:80], "is not taken yet")


def _fault(row: RawTime, no: NoMatch, names: Mapping[str, str]) -> Fault:
    values = {
        "person": row.person,
        "engagement": row.engagement,
        "task": row.task or "",
        "kind": row.kind or "",
        "role": row.role or "",
    }
    places = {"person": ("person", "first"), "role": ("role", "person", "first")}
    column = next((names[at] for at in places.get(no.what, (no.what,)) if at in names), no.what)
    return Fault(row.row, column, values[no.what][:80], no.rule)


def _kept(entry: TimeEntry) -> bool:
    """Whether it has an id where it comes from."""
    return not entry.source.startswith("import:") or entry.source_id.startswith("id:")


def _said(entry: TimeEntry) -> tuple[object, ...]:
    return tuple(getattr(entry, name) for name in _SAID)
