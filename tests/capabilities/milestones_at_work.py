"""A launched engagement with milestones, and what people of both sides do with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from office import Office, firm

from deals import NOON, a_deal
from fairlead.capabilities.milestones import deciding, evidence, links
from fairlead.capabilities.milestones.submitting import Recipient, Submitting
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.milestone import Accepts, Milestone
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef, Money
from fairlead.store import engagements, milestones, runs
from fairlead.store.database import Database, Tx
from fairlead.trust.acting import Acting

PDF = b"%PDF-1.7 what was handed over"
UWE = Recipient(name="Uwe Kestrel", email="uwe@kestrel.example")


class MilestonesAtWork:
    """Milestone 1 is worth EUR 27,000, milestone 2 EUR 63,000."""

    def __init__(self, db: Database, *ports: str, **deal: Any) -> None:
        self.office = Office(db, "mail", *ports)
        self.db = db
        rooms = firm(*sorted({"mail", *ports}))
        self.submitting = Submitting(self.office.library, rooms.policies, rooms.people)
        self.engagement = _launched(a_deal(**deal))
        rows = [
            Milestone(
                id=UUID(derived("milestone", self.engagement.id, str(number))),
                engagement=self.engagement.id,
                number=number,
                name=name,
                amount=Money(amount=Decimal(amount), currency="EUR"),
                due_on=due,
                accepts=Accepts.CLIENT,
                region=self.engagement.deal.region,
            )
            for number, name, amount, due in (
                (1, "Design agreed", "27000", date(2027, 2, 1)),
                (2, "Go live", "63000", date(2027, 8, 31)),
            )
        ]
        with db.transaction() as tx:
            assert engagements.add(tx, self.engagement)
            milestones.add(tx, rows)
        self.first, self.second = (str(one.id) for one in rows)

    def do(self, act: Callable[[Tx], Any]) -> Any:
        with self.db.transaction() as tx:
            return act(tx)

    def now(self, id: str = "") -> Milestone:
        found = self.do(lambda tx: milestones.get(tx, id or self.first))
        assert found is not None
        return found

    def who(self, id: str) -> Acting:
        return self.office.person(id)

    def upload(self, who: str = "lea.fontaine", id: str = "", **more: Any) -> Milestone:
        given: dict[str, Any] = {"name": "Handover.pdf", "content": PDF, **more}
        return self.do(lambda tx: evidence.add_upload(tx, self.who(who), id or self.first, **given))

    def submit(
        self,
        who: str = "lea.fontaine",
        id: str = "",
        recipient: Recipient | None = UWE,
        version: int | None = None,
    ) -> Milestone:
        saved = self.do(
            lambda tx: self.submitting.submit(
                tx, self.who(who), id or self.first, recipient=recipient, version=version
            )
        )
        self.office.settle()
        return saved

    def take_back(self, who: str = "lea.fontaine", reason: str = "The wrong file.") -> Milestone:
        saved = self.do(
            lambda tx: self.submitting.take_back(tx, self.who(who), self.first, reason=reason)
        )
        self.office.settle()
        return saved

    def answer(
        self, who: str, *, accepted: bool = True, reason: str = "", id: str = ""
    ) -> Milestone:
        """A person of ours answers."""
        saved = self.do(
            lambda tx: deciding.answer(
                tx, self.who(who), id or self.first, accepted=accepted, reason=reason
            )
        )
        self.office.settle()
        return saved

    def tokens(self) -> list[str]:
        """Of the links that were mailed, oldest first."""
        sent = [notice.link for _, notice in self.office.mail.of("mail")]
        return [link.rpartition("/")[2] for link in sent if link]

    def click(
        self,
        token: str,
        *,
        accepted: bool = True,
        name: str = "Uwe Kestrel",
        reason: str = "",
        seen: str = "",
    ) -> links.Asked:
        """The client's person answers on the page that the link leads to."""
        seen = seen or links.digest(self.now())
        asked = self.do(
            lambda tx: links.answer(
                tx, token, accepted=accepted, name=name, reason=reason, digest_seen=seen
            )
        )
        self.office.settle()
        return asked

    def look(self, token: str) -> links.Asked:
        return self.do(lambda tx: links.look(tx, token))

    def events(self, *types: str) -> list[dict[str, Any]]:
        chain = self.office.rows("events", chain=self.engagement.id)
        return [row for row in chain if not types or row["type"] in types]

    def pass_time(self, wait: str) -> None:
        """The time of a wait has come."""
        with self.db.transaction() as tx:
            tx.execute(
                "UPDATE steps SET ready_at = clock_timestamp() WHERE name = %s AND state = "
                "'waiting'",
                [wait],
            )
            runs.finish_due_waits(tx)
        self.office.settle()


def _launched(deal: Opportunity) -> Engagement:
    return Engagement(
        id=EngagementId("e-kestrel"),
        number="ENG-2038",
        state=EngagementState.LAUNCHED,
        deal=deal,
        project_code="TH-2038",
        refs={"psa_project": ExternalRef(system="kantata", kind="workspace", id="501")},
        opened_at=NOON,
        launched_at=NOON,
    )
