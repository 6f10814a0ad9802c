"""Puts a packet together from what is stored: head, sections, open items, acceptance (F017)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.domain.model.agreement import AgreementStatus
from fairlead.domain.model.engagement import Acceptance as GivenAcceptance
from fairlead.domain.model.engagement import EngagementState, Side
from fairlead.domain.rules import handover
from fairlead.domain.rules import packet_words as words
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.packet import (
    NONE_YET,
    Acceptance,
    Difference,
    Given,
    Head,
    Packet,
    PacketField,
    Section,
    SetUpObject,
    Table,
    in_order,
    points,
    score,
)
from fairlead.domain.rules.packet_fields import STATES, PartOf, Sources, fields, in_words, label_of
from fairlead.domain.rules.packet_tables import tables
from fairlead.domain.values import ExternalRef

#: Name and heading of each section, in the order in which they are shown.
SECTIONS = (
    ("scope", "Scope"),
    ("client", "Client"),
    ("contract", "Contract"),
    ("rates", "Rates"),
    ("billing", "Milestones and billing"),
    ("revenue", "Revenue"),
    ("staffing", "Staffing"),
    ("documents", "Documents"),
    ("workspace", "Workspace"),
    ("parts", "Parts"),
    ("systems", "Systems"),
    ("dependencies", "Dependencies"),
)

#: Of sections that may have nothing at all.
_NOTES = {"workspace": "No folder and no channel: there is no system for them here."}
#: A part is there for its whole once it waits for nothing but the launch.
_SET_UP = (EngagementState.AWAITING_LAUNCH, EngagementState.LAUNCHED)

_LABELS = {
    "psa_project": "Project in the project system",
    "ledger_project": "Project in the ledger",
    "client": "Client in the ledger",
    "billing_schedule": "Billing schedule",
    "folder": "Folder",
    "channel": "Channel",
}
#: Refs that have a section of their own; all others are listed under systems.
_PLACES = {
    "client": "client",
    "billing_schedule": "billing",
    "folder": "workspace",
    "channel": "workspace",
    "psa_project": "systems",
    "ledger_project": "systems",
}


def packet(sources: Sources) -> Packet:
    """The packet as everybody with all rights sees it."""
    of_section, made = fields(sources), _objects(sources)
    of_tables = tables(sources)
    sections = tuple(
        _section(name, label, of_section.get(name, ()), made.get(name, ()), of_tables.get(name, ()))
        for name, label in SECTIONS
    )
    everything = [
        point for section in sections for point in points(section.fields, section.objects)
    ]
    return Packet(
        head=_head(sources),
        digest=handover.digest(sources.engagement),
        version=sources.engagement.version,
        made_at=sources.at,
        score=score(everything),
        sections=sections,
        open_items=in_order(sources.items),
        acceptance=_acceptance(sources),
    )


def _section(
    name: str,
    label: str,
    found: Sequence[PacketField],
    objects: Sequence[SetUpObject],
    tables: Sequence[Table],
) -> Section:
    return Section(
        name=name,
        label=label,
        score=score(points(found, objects)),
        fields=tuple(found),
        objects=tuple(objects),
        tables=tuple(tables),
        note="" if found or objects or tables else _NOTES[name],
    )


def _head(sources: Sources) -> Head:
    engagement, deal = sources.engagement, terms(sources.engagement)
    start = words.day(deal.starts_on) if deal.starts_on else "no first day"
    end = words.day(deal.ends_on) if deal.ends_on else "no last day"
    return Head(
        id=engagement.id,
        number=engagement.number,
        name=deal.name,
        client=deal.client.name if deal.client else "no client yet",
        state=engagement.state,
        state_shown=STATES[engagement.state],
        value=deal.value,
        value_shown=str(deal.value) if deal.value else "no amount",
        dates=f"{start} to {end}" if deal.starts_on or deal.ends_on else NONE_YET,
        region=deal.region or NONE_YET,
        entity=sources.entity or deal.legal_entity or NONE_YET,
        project_code=engagement.project_code or NONE_YET,
        people=tuple(sources.people),
    )


# what the set-up makes


def _objects(sources: Sources) -> dict[str, tuple[SetUpObject, ...]]:
    """Section → what the set-up makes there, whether it exists or not."""
    found: dict[str, list[SetUpObject]] = {}
    refs = sources.engagement.refs
    for name, port in _needed(sources).items():
        found.setdefault(_PLACES[name], []).append(
            _object(name, _LABELS[name], refs.get(name), sources.systems.get(port), sources)
        )
    deal = sources.engagement.deal.ref
    listed = {"deal": deal, **refs}
    found.setdefault("systems", []).extend(
        _object(name, _LABELS.get(name) or words.plain(name), ref, ref.system, sources, False)
        for name, ref in listed.items()
        if name not in _needed(sources)
    )
    found["documents"] = _documents(sources)
    found["parts"] = [_part(number, part, sources) for number, part in _phases(sources)]
    found["dependencies"] = _requisitions(sources)
    return {section: tuple(objects) for section, objects in found.items()}


def _needed(sources: Sources) -> dict[str, str]:
    """Record that this engagement needs → the port that makes it."""
    engagement = sources.engagement
    needed = {"client": "ledger", "psa_project": "projects", "ledger_project": "ledger"}
    if not terms(engagement).phases:
        needed["billing_schedule"] = "ledger"
    if engagement.parent is None:  # people work on a whole in one place
        needed |= {
            name: port
            for name, port in (("folder", "documents"), ("channel", "chat"))
            if port in sources.systems
        }
    return needed


def _object(
    name: str,
    label: str,
    ref: ExternalRef | None,
    system: str | None,
    sources: Sources,
    needed: bool = True,
) -> SetUpObject:
    links = {"folder": ("create_folder", "url"), "channel": ("create_channel", "url")}
    step, key = links.get(name, ("", ""))
    return SetUpObject(
        name=name,
        label=label,
        system=ref.system if ref else system,
        id=ref.id if ref else None,
        link=sources.results.get(step, {}).get(key) if ref else None,
        needed=needed,
        shown=f"{words.record_kind(ref.kind)} {ref.id}" if ref else NONE_YET,
    )


def _documents(sources: Sources) -> list[SetUpObject]:
    """The statement of work, where one is signed and there is a place to file it."""
    engagement = sources.engagement
    agreement = engagement.agreement
    filed = [one for one in engagement.documents if one.kind == "statement_of_work"]
    to_file = (
        engagement.parent is None
        and agreement is not None
        and agreement.status is AgreementStatus.SIGNED
        and bool(agreement.documents)
        and "documents" in sources.systems
    )
    if not filed and not to_file:
        return []
    document = filed[0] if filed else None
    return [
        SetUpObject(
            name="statement_of_work",
            label="Statement of work",
            system=document.ref.system if document else sources.systems.get("documents"),
            id=document.ref.id if document else None,
            link=document.url if document else None,
            needed=to_file,
            shown=document.name if document else NONE_YET,
        )
    ]


def _phases(sources: Sources) -> list[tuple[int, PartOf | None]]:
    """Each phase by its number, with the part that it has become."""
    there = {part.position: part for part in sources.parts}
    count = max([len(terms(sources.engagement).phases), *there])
    return [(number, there.get(number)) for number in range(1, count + 1)]


def _part(number: int, part: PartOf | None, sources: Sources) -> SetUpObject:
    phases = terms(sources.engagement).phases
    name = phases[number - 1].name if number <= len(phases) else f"Part {number}"
    set_up = part is not None and part.state in _SET_UP
    return SetUpObject(
        name=f"part_{number}",
        label=name,
        system="fairlead",
        id=part.id if part is not None and set_up else None,
        link=f"/engagements/{part.number}" if part and part.number else None,
        shown=STATES[part.state] if part else NONE_YET,
    )


def _requisitions(sources: Sources) -> list[SetUpObject]:
    made: Sequence[str] = sources.results.get("create_requisitions", {}).get("requisitions", [])
    found: list[SetUpObject] = []
    for number, need in enumerate(terms(sources.engagement).subcontracting, 1):
        ref = made[number - 1] if number <= len(made) else None
        system, _, id = (ref or "").partition("/")
        found.append(
            SetUpObject(
                name=f"requisition_{number}",
                label=f"Requisition of {need.role}",
                system=system or sources.systems.get("procurement"),
                id=id or None,
                shown=id.replace("/", " ", 1) or NONE_YET,
            )
        )
    return found


# who accepted what


def _acceptance(sources: Sources) -> Acceptance:
    given = handover.accepted_by(sources.engagement)
    sides = tuple(_given(side, given.get(side), sources) for side in Side)
    whole = handover.is_accepted(sources.engagement)
    still_open = [one.side.value for one in sides if one.state != "accepted"]
    return Acceptance(
        accepted=whole,
        words="Accepted by both sides" if whole else f"Open: {' and '.join(still_open)}",
        sides=sides,
    )


def _given(side: Side, given: GivenAcceptance | None, sources: Sources) -> Given:
    if given is None:
        return Given(side=side, state="open", words=f"{words.plain(side)} has not accepted it")
    now = handover.agreed(sources.engagement)
    by = sources.names.get(given.by, given.by)
    on = f"on {words.day(given.at.date())}"
    same = given.digest == handover.digest(sources.engagement)
    before = now if same else sources.contents.get(given.digest)
    return Given(
        side=side,
        state="accepted" if same else "reopened",
        words=f"Accepted by {by} {on}" if same else f"Changed since {by} accepted it {on}",
        by=by,
        at=given.at,
        digest=given.digest,
        changes=_changes(before, now) if before is not None else (),
        changes_known=before is not None,
    )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Difference, ...]:
    return tuple(
        Difference(
            name=name,
            label=label_of(name),
            before=in_words(name, before.get(name)),
            now=in_words(name, now.get(name)),
        )
        for name in dict.fromkeys([*before, *now])
        if before.get(name) != now.get(name)
    )
