"""How a milestone moves, what its acceptance binds, and when a link is dead (F078). Pure."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from fairlead.domain.model.milestone import (
    AcceptanceLink,
    Evidence,
    EvidenceKind,
    Milestone,
    MilestoneState,
)
from fairlead.errors import IllegalMove, InvalidInput, Problem

_S = MilestoneState

#: Legal moves. What is accepted stays accepted: it is billed.
MILESTONE_MOVES: frozenset[tuple[MilestoneState, MilestoneState]] = frozenset(
    {
        (_S.PLANNED, _S.SUBMITTED),
        (_S.SENT_BACK, _S.SUBMITTED),
        (_S.SUBMITTED, _S.PLANNED),  # taken back, or changed by a change of the contract
        (_S.SUBMITTED, _S.SENT_BACK),
        (_S.SUBMITTED, _S.ACCEPTED),
    }
)
#: States in which evidence may be added and withdrawn: what somebody is asked about stays as it is.
OPEN = frozenset({_S.PLANNED, _S.SENT_BACK})

#: A link that was used shows its answer for so long, to whoever has it.
ANSWER_SHOWN_FOR = timedelta(days=90)
LONGEST_NAME = 120
_LONGEST_ADDRESS = 2000
_MOST_DIGITS = 5
_JOINERS = "\u200c\u200d"  # between letters of Persian and Indic names


class LinkEnd(StrEnum):
    """Why a link decides nothing any more."""

    USED = "used"
    DECIDED = "decided"  #: by another link or a person of ours; or by it, and another since then
    WITHDRAWN = "withdrawn"
    CHANGED = "changed"  #: the milestone or its evidence is not what the link was made for
    EXPIRED = "expired"


def move(milestone: Milestone, to: MilestoneState) -> None:
    """Raises `IllegalMove`."""
    if (milestone.state, to) not in MILESTONE_MOVES:
        raise IllegalMove("The milestone", milestone.state, to)


def must_take_evidence(milestone: Milestone) -> None:
    """Raises `IllegalMove`: what is submitted or accepted is bound to its evidence."""
    if milestone.state not in OPEN:
        raise IllegalMove("The milestone", milestone.state, "given other evidence")


def must_have_evidence(milestone: Milestone) -> None:
    """Raises `InvalidInput`: nothing is accepted on a word alone."""
    if not milestone.evidence:
        raise InvalidInput(
            f"{milestone.name} has no evidence yet.",
            [Problem("/evidence", "has at least one upload, link or document")],
        )


def digest(milestone: Milestone) -> str:
    """SHA-256 in hex of what is accepted, as canonical JSON: the milestone and its evidence."""
    content = {
        "milestone": str(milestone.id),
        "engagement": milestone.engagement,
        "number": milestone.number,
        "name": milestone.name,
        "amount": format(milestone.amount.amount.normalize(), "f"),
        "currency": milestone.amount.currency,
        "due_on": milestone.due_on.isoformat(),
        "clause": milestone.clause,
        "evidence": sorted((_told(one) for one in milestone.evidence), key=lambda one: one["id"]),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def _told(evidence: Evidence) -> dict[str, Any]:
    return {
        "id": evidence.id,
        "kind": evidence.kind,
        "name": evidence.name,
        "digest": evidence.digest,
        "url": evidence.url,
        "ref": str(evidence.ref) if evidence.ref else None,
        "revision": evidence.revision,
    }


def link_end(link: AcceptanceLink, milestone: Milestone, now: datetime) -> LinkEnd | None:
    """Why this link decides nothing; null while it does. `now`: UTC, of the database."""
    if link.used_at is not None:  # it shows what it answered, and not what came after that
        if link.used_at + ANSWER_SHOWN_FOR <= now:
            return LinkEnd.EXPIRED
        return LinkEnd.USED if link.digest == digest(milestone) else LinkEnd.DECIDED
    if link.withdrawn_at is not None:
        return LinkEnd.WITHDRAWN
    same = link.submission == milestone.submission
    if same and milestone.state in (_S.ACCEPTED, _S.SENT_BACK):
        return LinkEnd.DECIDED
    if not same or milestone.state is not _S.SUBMITTED or link.digest != digest(milestone):
        return LinkEnd.CHANGED
    return LinkEnd.EXPIRED if link.expires_at <= now else None


def typed_name(text: str, *, field: str = "name", longest: int = LONGEST_NAME) -> str:
    """A person's name or a file's, as typed, in Unicode's composed form and on one line.

    Raises `InvalidInput` for what is empty, too long, has no letter or digit, or holds characters
    that do not print or that turn the direction of what stands beside them (Unicode TR 36, 2.10).
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    bad = any(
        unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Cn") and one not in _JOINERS
        for one in name
    )
    if bad or len(name) > longest or not any(one.isalnum() for one in name):
        rule = f"is one line of 1 to {longest} printable characters"
        raise InvalidInput("This cannot be taken as a name.", [Problem(f"/{field}", rule)])
    return name


def web_link(text: str) -> str:
    """An address that a browser opens. Raises `InvalidInput` for any other, and for one that
    carries a name or password."""
    address = text.strip()
    try:
        parts = urlsplit(address)
        sound = (
            parts.scheme in ("https", "http")
            and bool(parts.hostname)
            and parts.username is None
            and parts.port != 0
        )
    except ValueError:
        sound = False
    printable = address.isprintable() and not any(one.isspace() or one == "\\" for one in address)
    if not sound or not printable or len(address) > _LONGEST_ADDRESS:
        rule = f"begins with https:// or http://, and has {_LONGEST_ADDRESS} characters at most"
        raise InvalidInput("This is no link to evidence.", [Problem("/url", rule)])
    return address


def numbered(name: str, words: Sequence[str]) -> int | None:
    """The number that a folder or file begins with behind one of these words: `Milestone 2`,
    `M02_Handover.pdf`, `ms-2.pdf` → 2. Null: it begins otherwise. The case does not matter."""
    plain = unicodedata.normalize("NFC", name).strip().casefold()
    for word in sorted((one.casefold() for one in words if one), key=len, reverse=True):
        if not plain.startswith(word):
            continue
        rest = plain[len(word) :].lstrip(" _-.#")
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        after = rest[len(digits) :]
        if digits and len(digits) < _MOST_DIGITS and not after[:1].isalnum():
            return int(digits)
    return None


def shown(milestone: Milestone) -> dict[str, Any]:
    """What whoever accepts it is shown, for a task."""
    return {
        "milestone": f"{milestone.number} {milestone.name}",
        "amount": milestone.amount.model_dump(mode="json"),
        "due_on": milestone.due_on.isoformat(),
        "evidence": [_listed(one) for one in milestone.evidence],
        "digest": digest(milestone),
    }


def _listed(evidence: Evidence) -> str:
    if evidence.kind is EvidenceKind.UPLOAD:
        return f"{evidence.name} (SHA-256 {(evidence.digest or '')[:12]})"
    return f"{evidence.name} ({evidence.url or evidence.ref})"
