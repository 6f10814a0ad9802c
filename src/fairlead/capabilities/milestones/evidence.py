"""What proves a milestone: files, links, and documents that another system told us of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath

from fairlead.capabilities.milestones.telling import locked, tell
from fairlead.domain.ids import derived
from fairlead.domain.model.milestone import Evidence, EvidenceKind, Milestone
from fairlead.domain.rules.evidence_files import ENDINGS, media_type
from fairlead.domain.rules.milestones import must_take_evidence, typed_name, web_link
from fairlead.domain.values import ExternalRef
from fairlead.errors import InvalidInput, NotFound, Problem
from fairlead.store import blobs, milestones
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting

#: The most that one milestone has: what a person can look through.
MOST = 100
_LONGEST = 200


def add_upload(
    tx: Tx, who: Acting, id: str, *, name: str, content: bytes, version: int | None = None
) -> Milestone:
    """A file, kept under its digest. The same bytes twice are one.

    Raises `NotFound`, `StaleVersion`, `IllegalMove` (it is submitted or accepted), `InvalidInput`
    (the name, the size or the kind of file).
    """
    kind = media_type(content)
    plain = _file_name(name, kind)
    milestone = locked(tx, id, who, version)
    must_take_evidence(milestone)
    digest = blobs.keep(tx, content, kind)
    now = database_time(tx)
    given = Evidence(
        id=derived("evidence", id, EvidenceKind.UPLOAD, digest),
        kind=EvidenceKind.UPLOAD,
        name=plain,
        digest=digest,
        media_type=kind,
        size=len(content),
        added_by=who.id,
        added_at=now,
    )
    return _add(tx, milestone, given, actor=f"person:{who.id}", now=now)


def add_link(
    tx: Tx, who: Acting, id: str, *, name: str, url: str, version: int | None = None
) -> Milestone:
    """An address where the evidence is. It is shown, never opened by us.

    Raises as `add_upload`; `InvalidInput` for what is no https or http address.
    """
    address = web_link(url)
    plain = typed_name(name, longest=_LONGEST) if name.strip() else address[:_LONGEST]
    milestone = locked(tx, id, who, version)
    must_take_evidence(milestone)
    now = database_time(tx)
    given = Evidence(
        id=derived("evidence", id, EvidenceKind.LINK, address),
        kind=EvidenceKind.LINK,
        name=plain,
        url=address,
        added_by=who.id,
        added_at=now,
    )
    return _add(tx, milestone, given, actor=f"person:{who.id}", now=now)


def add_document(
    tx: Tx,
    milestone: Milestone,
    *,
    ref: ExternalRef,
    revision: str,
    name: str,
    url: str | None,
    system: str,
    now: datetime,
) -> bool:
    """A document that a document system says is there (F079). `milestone` is locked and open.

    False: it was known in this state, or a person has withdrawn it. A newer state of a document
    stands beside an older one until somebody withdraws that.
    """
    given = Evidence(
        id=derived("evidence", str(milestone.id), EvidenceKind.EVENT, str(ref), revision),
        kind=EvidenceKind.EVENT,
        name=name,
        url=url,
        ref=ref,
        revision=revision,
        added_by=f"system:{system}",
        added_at=now,
    )
    before = milestone.version
    return _add(tx, milestone, given, actor=f"system:{system}", now=now).version > before


def withdraw(
    tx: Tx, who: Acting, id: str, evidence: str, *, version: int | None = None
) -> Milestone:
    """Take evidence away, before the milestone is submitted. It stays in the log.

    Raises `NotFound`, `StaleVersion`, `IllegalMove`.
    """
    milestone = locked(tx, id, who, version)
    given = next((one for one in milestone.evidence if one.id == evidence), None)
    if given is None:
        raise NotFound("The milestone has no such evidence.")
    must_take_evidence(milestone)
    now = database_time(tx)
    milestones.withdraw_evidence(tx, id, evidence, now)
    left = tuple(one for one in milestone.evidence if one.id != evidence)
    saved = milestones.save(tx, milestone.model_copy(update={"evidence": left}))
    actor = f"person:{who.id}"
    tell(tx, saved, "evidence.withdrawn", at=now, actor=actor, words=_words(given))
    return saved


def _add(tx: Tx, milestone: Milestone, given: Evidence, *, actor: str, now: datetime) -> Milestone:
    if len(milestone.evidence) >= MOST:
        rule = f"has {MOST} pieces at most"
        raise InvalidInput("The milestone has too much evidence.", [Problem("/evidence", rule)])
    by_person = given.kind is not EvidenceKind.EVENT
    if not milestones.add_evidence(tx, str(milestone.id), given, again=by_person):
        return milestone
    more = milestone.model_copy(update={"evidence": (*milestone.evidence, given)})
    saved = milestones.save(tx, more)
    tell(tx, saved, "evidence.added", at=now, actor=actor, words=_words(given))
    return saved


def _words(given: Evidence) -> Mapping[str, str]:
    return {
        "evidence": given.id,
        "kind": given.kind,
        "what": given.name,
        "digest": given.digest or given.revision or "",
    }


def _file_name(name: str, kind: str) -> str:
    """The last part of a path, ending as its content does, so that no name lies about it."""
    plain = typed_name(name.replace("\\", "/").rpartition("/")[2], field="file", longest=_LONGEST)
    ending = ENDINGS[kind]
    same = {ending, ".jpeg"} if ending == ".jpg" else {ending}
    if ending == ".txt":
        same |= {".csv", ".md", ".log", ".json", ".yaml", ".yml"}
    if PurePosixPath(plain).suffix.casefold() in same:
        return plain
    return f"{plain[: _LONGEST - len(ending)]}{ending}"
