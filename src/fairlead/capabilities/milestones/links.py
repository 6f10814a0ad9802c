"""The client's link: made with each mail, looked at by whoever has it, and good for one answer.

A token is 256 random bits. It is in the mail and nowhere else: the database has its SHA-256, which
cannot be turned back, and which needs no salt, since nobody can try all tokens.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fairlead.capabilities.milestones.deciding import Answer, take
from fairlead.capabilities.milestones.telling import locked
from fairlead.domain.model.milestone import AcceptanceLink, Milestone, MilestoneState
from fairlead.domain.rules.milestones import LinkEnd, digest, link_end, typed_name
from fairlead.errors import InvalidInput, NotFound, Problem, StaleVersion
from fairlead.store import acceptance_links, blobs, milestones
from fairlead.store.database import Database, Tx, database_time

_BYTES = 32
_LONGEST_TOKEN = 100


@dataclass(frozen=True)
class Asked:
    """What whoever has a link sees: the milestone, and why it cannot be answered any more."""

    link: AcceptanceLink
    milestone: Milestone
    end: LinkEnd | None


@dataclass(frozen=True)
class Mailing:
    """Makes the link that a mail carries, in a transaction of its own, before the mail is sent."""

    db: Database
    address: str  #: of our pages, as a browser knows it, without a slash at its end

    def asks(self, input: Mapping[str, Any]) -> Milestone | None:
        """The milestone, if the submission that a run was started with still waits."""
        with self.db.transaction() as tx:
            milestone = milestones.get(tx, str(input["milestone"]))
        return milestone if milestone is not None and _waits(milestone, input) else None

    def url(self, input: Mapping[str, Any]) -> str:
        """A new link to the submission. One that is made and never mailed does no harm.

        Raises `StaleVersion` where nobody is asked any more.
        """
        token = secrets.token_urlsafe(_BYTES)
        with self.db.transaction() as tx:
            milestone = milestones.get(tx, str(input["milestone"]))
            if milestone is None or not _waits(milestone, input):
                raise StaleVersion("Nobody is asked to accept this milestone any more.")
            recipient = input["recipient"]
            assert milestone.submitted_by is not None
            link = AcceptanceLink(
                milestone=milestone.id,
                submission=milestone.submission,
                digest=str(input["digest"]),
                email=str(recipient["email"]),
                name=str(recipient["name"]),
                made_by=milestone.submitted_by,
                made_at=database_time(tx),
                expires_at=datetime.fromisoformat(str(input["link_until"])),
            )
            acceptance_links.add(tx, token, link)
        return f"{self.address}/accept/{token}"


def look(tx: Tx, token: str) -> Asked:
    """Changes nothing: a mail program that follows links decides nothing. Raises `NotFound`."""
    link = acceptance_links.find(tx, token) if len(token) <= _LONGEST_TOKEN else None
    milestone = milestones.get(tx, str(link.milestone)) if link else None
    if link is None or milestone is None:
        raise NotFound("This link is not known.")
    return Asked(link, milestone, link_end(link, milestone, database_time(tx)))


def evidence(tx: Tx, token: str, id: str) -> tuple[str, str, bytes]:
    """Name, media type and bytes of an upload of what a link asks about. Raises `NotFound`; also
    where the link is dead, except by the answer that it gave."""
    asked = look(tx, token)
    if asked.end not in (None, LinkEnd.USED):
        raise NotFound("This link is not known.")
    given = next((one for one in asked.milestone.evidence if one.id == id), None)
    if given is None or given.digest is None or given.media_type is None:
        raise NotFound("There is no such file.")
    return given.name, given.media_type, blobs.kept(tx, given.digest)


def answer(
    tx: Tx, token: str, *, accepted: bool, name: str, reason: str, digest_seen: str
) -> Asked:
    """Take the client's answer, once.

    `digest_seen`: of what the page showed. Raises `NotFound`, `InvalidInput` (no name, or no
    reason to send it back). A dead link raises nothing and changes nothing: what is given back
    says why.
    """
    if len(token) > _LONGEST_TOKEN:
        raise NotFound("This link is not known.")
    link = acceptance_links.find(tx, token)
    if link is None:
        raise NotFound("This link is not known.")
    milestone = locked(tx, str(link.milestone), None, None)
    link = acceptance_links.find(tx, token, lock=True)  # once more: another may have used it
    assert link is not None, "links are never deleted"
    now = database_time(tx)
    end = link_end(link, milestone, now)
    if end is None and digest_seen != digest(milestone):
        end = LinkEnd.CHANGED
    if end is not None:
        return Asked(link, milestone, end)
    signed_as = typed_name(name)
    if not accepted and not reason.strip():
        raise InvalidInput(
            "Say what is missing.", [Problem("/reason", "is needed to send it back")]
        )
    state = MilestoneState.ACCEPTED if accepted else MilestoneState.SENT_BACK
    acceptance_links.use(tx, token, decision=state, signed_as=signed_as, at=now)
    said = Answer(accepted, f"client:{link.email}", reason.strip(), signed_as)
    taken = take(tx, milestone, said)
    used = link.model_copy(update={"used_at": now, "decision": str(state), "signed_as": signed_as})
    return Asked(used, taken, None)


def _waits(milestone: Milestone, input: Mapping[str, Any]) -> bool:
    return (
        milestone.state is MilestoneState.SUBMITTED
        and milestone.submission == input["submission"]
        and digest(milestone) == input["digest"]
    )
