"""The systems tab: what each outside system holds, was told, and says differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.ownership import held, same
from fairlead.domain.values import ExternalRef, Money
from fairlead.store.engagement_page import EngagementViews
from fairlead.store.systems import SystemRow
from fairlead.trust.roles import Permission
from fairlead.web.facts import money_of, shown
from fairlead.web.formats import Tone, words
from fairlead.web.pages.engagement_head import Head, shown_costs
from fairlead.web.pages.engagement_words import CODES, person_words
from fairlead.web.visit import Visit, role_words

_MOST_EFFECTS = 200
_STALE = timedelta(
    hours=12
)  #: systems are compared once a day; from half of that on we say how old

_EFFECT_STATES: Mapping[str, tuple[Tone, str]] = {
    "intended": ("run", "Intended"),
    "confirmed": ("ok", "Confirmed"),
    "refused": ("bad", "Refused"),
    "unknown": ("warn", "Not known"),
}
#: What a reference is called where its own name would say no more than its system.
_RECORDS: Mapping[str, str] = {"psa_project": "project", "ledger_project": "project"}
_RULES: Mapping[str, str] = {
    "owner_wins": "The owner's value is carried over.",
    "ask": "A person decides.",
}


@dataclass(frozen=True)
class Record:
    what: str
    id: str
    href: str | None


@dataclass(frozen=True)
class SystemLine:
    code: str
    system: str
    records: tuple[Record, ...]
    owns: str  #: the fields whose value here counts at this stage
    wrote_at: datetime | None
    read_at: datetime | None
    tone: Tone
    state: str
    why: str
    differs: int


@dataclass(frozen=True)
class Saying:
    """What one holder says of one field."""

    code: str
    text: str | None  #: null: it was not asked, or holds nothing
    age: str
    stale: bool
    owns: bool
    differs: bool


@dataclass(frozen=True)
class FieldLine:
    label: str
    sayings: tuple[Saying, ...]
    differs: bool


@dataclass(frozen=True)
class ShownDifference:
    label: str
    owner: str
    owner_says: str
    holder: str
    says: str
    amount: Money | None
    rule: str
    since: datetime


@dataclass(frozen=True)
class ShownEffect:
    key: str
    operation: str
    system: str
    tone: Tone
    state: str
    attempts: int
    intended_at: datetime
    settled_at: datetime | None
    ref: str
    answer: str | None


@dataclass(frozen=True)
class Parked:
    step: str
    system: str
    tone: Tone
    state: str
    owner: str
    since: datetime
    why: str | None


@dataclass(frozen=True)
class SystemsTab:
    head: Head
    systems: tuple[SystemLine, ...]
    holders: tuple[str, ...]
    fields: tuple[FieldLine, ...]
    differences: tuple[ShownDifference, ...]
    effects: tuple[ShownEffect, ...]
    sees_effects: bool
    more_effects: bool
    parked: tuple[Parked, ...]


def systems_tab(visit: Visit, views: EngagementViews, head: Head) -> SystemsTab:
    """In four queries, with `head_of`'s two."""
    engagement = head.engagement
    sees_effects = visit.who.may(Permission.EFFECTS_READ)
    effects = views.effects_of(head.id, limit=_MOST_EFFECTS + 1)
    differences = views.differences_of(head.id)
    steps = [row for row in views.steps_of([head.id]) if row["system"] is not None]
    rows = {row.id: row for row in views.systems()}
    holders = _holders(engagement)
    return SystemsTab(
        head=head,
        systems=tuple(_systems(visit, head, effects, differences, steps, rows, holders)),
        holders=tuple(CODES.get(holder, holder.upper()) for holder in _asked(engagement)),
        fields=tuple(_fields(visit, engagement, differences)),
        differences=tuple(_difference(row) for row in differences),
        effects=tuple(_effect(visit, row) for row in effects[:_MOST_EFFECTS])
        if sees_effects
        else (),
        sees_effects=sees_effects,
        more_effects=len(effects) > _MOST_EFFECTS,
        parked=tuple(
            _parked(visit, row)
            for row in steps
            if row["state"] in ("failed", "waiting", "ready", "running")
        ),
    )


def _holders(engagement: Engagement) -> Mapping[str, str]:
    """Holder as ownership names it → the system that holds this engagement there."""
    refs = engagement.refs
    found = {"crm": engagement.deal.ref.system}
    for holder, names in (
        ("projects", ("psa_project",)),
        ("ledger", ("ledger_project", "client", "billing_schedule")),
    ):
        for name in names:
            if name in refs:
                found.setdefault(holder, refs[name].system)
    return found


def _asked(engagement: Engagement) -> Sequence[str]:
    """Every holder that says anything, the CRM first and Fairlead last."""
    said = {holder for holders in held(engagement).values() for holder in holders}
    order = ["crm", "projects", "ledger", *sorted(said - {"crm", "projects", "ledger"})]
    last = [holder for holder in order if holder != "fairlead"]
    return [holder for holder in (*last, "fairlead") if holder in said]


def _systems(
    visit: Visit,
    head: Head,
    effects: Sequence[Mapping[str, Any]],
    differences: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]],
    rows: Mapping[str, SystemRow],
    holders: Mapping[str, str],
) -> Iterable[SystemLine]:
    engagement = head.engagement
    records, owned = _records(head), _owned(visit, engagement)
    named = dict.fromkeys(
        [
            *holders.values(),
            *records,
            *(effect["system"] for effect in effects),
            *(step["system"] for step in steps),
        ]
    )
    for system in named:
        mine = [holder for holder, name in holders.items() if name == system]
        read = [
            reading.at
            for said in engagement.readings.values()
            for holder, reading in said.items()
            if holder in mine
        ]
        if "crm" in mine:
            read.append(engagement.deal.modified_at)
        wrote = [
            effect["settled_at"]
            for effect in effects
            if effect["system"] == system and effect["state"] == "confirmed"
        ]
        differs = sum(row["system"] in mine for row in differences)
        read_at = max(read, default=None)
        tone, state, why = _state(
            visit,
            rows.get(system),
            differs,
            read_at,
            [effect for effect in effects if effect["system"] == system],
            [step for step in steps if step["system"] == system],
            tells_us="crm" in mine,
        )
        yield SystemLine(
            code=_code(visit, system),
            system=system,
            records=tuple(records.get(system, ())),
            owns=", ".join(label for holder, label in owned if holder in mine),
            wrote_at=max((at for at in wrote if at is not None), default=None),
            read_at=read_at,
            tone=tone,
            state=state,
            why=why,
            differs=differs,
        )


def _owned(visit: Visit, engagement: Engagement) -> Sequence[tuple[str, str]]:
    """Holder and field, as ownership has it at this stage."""
    rules = visit.parts.ownership.fields
    return [(rule.owner_at(engagement.state), _label(rule.field).lower()) for rule in rules]


def _records(head: Head) -> dict[str, list[Record]]:
    engagement = head.engagement
    found: dict[str, list[Record]] = {}

    def add(what: str, ref: ExternalRef, href: str | None = None) -> None:
        found.setdefault(ref.system, []).append(Record(what, ref.id, href))

    add("opportunity", engagement.deal.ref)
    links = {"channel": head.channel, "folder": head.folder}
    for name, ref in engagement.refs.items():
        add(_RECORDS.get(name, words(name).lower()), ref, links.get(name))
    if engagement.agreement is not None:
        add("agreement", engagement.agreement.ref)
    return found


def _code(visit: Visit, system: str) -> str:
    """By what it serves: the first of its ports."""
    for config in visit.parts.systems.all():
        if config.id == system:
            return CODES.get(config.serves[0].port, config.serves[0].port.upper())
    return "SYS"  # it was taken out of the configuration since


def _state(
    visit: Visit,
    row: SystemRow | None,
    differs: int,
    read_at: datetime | None,
    effects: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]],
    *,
    tells_us: bool,
) -> tuple[Tone, str, str]:
    """The worst first: tone, word, reason. `tells_us`: what changes there comes by itself, so
    that what was read long ago holds still."""
    clock = visit.clock
    if row is not None and row.breaker == "open":
        since = f" since {clock.moment(row.opened_at)}" if row.opened_at else ""
        return "bad", "Down", f"{row.reason or 'It does not answer'}{since}"
    if row is not None and row.paused_by is not None:
        return "warn", "Paused", f"by {person_words(visit.parts.people, row.paused_by)}"
    if any(step["state"] == "failed" for step in steps):
        return "bad", "Step parked", ""
    if any(effect["state"] == "unknown" for effect in effects):
        return "warn", "Outcome not known", ""
    if differs:
        return "bad", "Differs", ""
    if any(step["state"] in ("ready", "running") for step in steps):
        return "run", "Working", ""
    if read_at is None:
        return ("ok", "Written", "not read since") if effects else ("idle", "Linked", "")
    if not tells_us and visit.now - read_at > _STALE:
        return "warn", clock.ago(read_at), ""
    return "ok", "In sync", ""


def _fields(
    visit: Visit, engagement: Engagement, differences: Sequence[Mapping[str, Any]]
) -> Iterable[FieldLine]:
    known, clock = held(engagement), visit.clock
    holders = _asked(engagement)
    apart = {(row["field"], row["system"]) for row in differences}
    rules = visit.parts.ownership.fields
    owner_of = {rule.field: rule.owner_at(engagement.state) for rule in rules}
    lines: list[FieldLine] = []
    for field, said in known.items():
        sayings: list[Saying] = []
        for holder in holders:
            reading = said.get(holder)
            stale = reading is not None and visit.now - reading.at > _STALE
            sayings.append(
                Saying(
                    code=CODES.get(holder, holder.upper()),
                    text=None if reading is None else shown(reading.value),
                    age="" if reading is None else clock.ago(reading.at),
                    stale=stale and holder not in ("crm", "fairlead"),
                    owns=owner_of.get(field) == holder,
                    differs=(field, holder) in apart,
                )
            )
        values = [reading.value for reading in said.values()]
        agree = all(same(values[0], other) for other in values[1:])
        differs = not agree or any(name == field for name, _ in apart)
        lines.append(FieldLine(_label(field), tuple(sayings), differs))
    return sorted(lines, key=lambda line: not line.differs)


def _label(field: str) -> str:
    """`project.ends_on` → `Project ends on`."""
    return words(field.replace(".", "_"))


def _difference(row: Mapping[str, Any]) -> ShownDifference:
    return ShownDifference(
        label=_label(row["field"]),
        owner=CODES.get(row["owner"], row["owner"]),
        owner_says=shown(row["owner_value"]),
        holder=CODES.get(row["system"], row["system"]),
        says=shown(row["system_value"]),
        amount=money_of(row),
        rule=_RULES.get(row["rule"], row["rule"]),
        since=row["first_seen_at"],
    )


def _effect(visit: Visit, row: Mapping[str, Any]) -> ShownEffect:
    tone, state = _EFFECT_STATES[row["state"]]
    ref: Mapping[str, Any] = row["ref"] or {}
    return ShownEffect(
        key=row["key"],
        operation=words(row["operation"].rpartition(".")[2]),
        system=row["system"],
        tone=tone,
        state=state,
        attempts=row["attempts"],
        intended_at=row["intended_at"],
        settled_at=row["settled_at"],
        ref=f"{words(ref['kind']).lower()} {ref['id']}" if ref else "",
        answer=shown_costs(visit, row["answer"] or ""),
    )


def _parked(visit: Visit, row: Mapping[str, Any]) -> Parked:
    tones: Mapping[str, tuple[Tone, str]] = {
        "failed": ("bad", "Parked"),
        "waiting": ("warn", "Waiting"),
        "ready": ("run", "Ready"),
        "running": ("run", "Running"),
    }
    tone, state = tones[row["state"]]
    return Parked(
        step=words(row["name"]),
        system=row["system"],
        tone=tone,
        state=state,
        owner=role_words(row["owner"]),
        since=row["started_at"],
        why=shown_costs(visit, row["because"] or ""),
    )
