"""Opening the books of a launched engagement: packages, rates, and the fees that fall due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.project import Project
from fairlead.domain.model.rate_card import RateCard
from fairlead.domain.rules.opening import opening
from fairlead.errors import NotFound
from fairlead.store import deliveries, engagements, journal
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.store.journal import Event


class OpensBooks:
    """Takes in that an engagement was launched. Told again, it changes nothing."""

    def __init__(self, cards: Sequence[RateCard]) -> None:
        """`cards`: the approved prices, with the dates on which they hold."""
        self._cards = cards

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = EngagementId(data["engagement"])
        engagement = engagements.load(tx, [id], lock=False).get(id)
        if engagement is None:
            raise NotFound(f"There is no engagement {id}.")
        opened = opening(engagement, Project.model_validate(data["project"]), self._cards)
        now = database_time(tx)
        if not deliveries.open_books(tx, opened, now):
            return f"the books of {engagement.number} are open already"
        delivery = opened.delivery
        journal.append(
            tx,
            [
                Event(
                    chain=id,
                    type="delivery.opened",
                    at=now,
                    actor="fairlead",
                    attributes={
                        "project_code": delivery.code,
                        "billing_method": delivery.billing_method,
                        "revenue_method": delivery.revenue_method,
                        "milestones": len(opened.milestones),
                        "charges": len(opened.charges),
                        "rates": len(opened.rates),
                    },
                    objects=[
                        (id, "engagement", "opened"),
                        *((str(one.id), "milestone", "opened") for one in opened.milestones),
                    ],
                    correlation=message.correlation,
                    region=delivery.region or None,
                )
            ],
        )
        fees = len(opened.milestones) + len(opened.charges)
        return f"the books of {engagement.number} are open: {fees} fees, {len(opened.rates)} rates"
