"""Drafting what is due without being asked, so that nobody carries work to billing (F077, F083).

Who may not bill their own work is no question here: Fairlead has done none. People review and
release what it drafted, as they do with any draft.
"""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.capabilities.billing.proposing import Proposing
from fairlead.store.database import Tx
from fairlead.trust.acting import ITSELF, Acting


class DraftsWhatIsReady:
    """Of one engagement, up to today in its company. What is in a draft is in no second one."""

    def __init__(self, proposing: Proposing) -> None:
        self._proposing = proposing

    def __call__(self, tx: Tx, engagement: str, /) -> tuple[Sequence[str], str]:
        """References of what was drafted, and in words what came of it and what is left."""
        made = self._proposing.propose(
            tx, [engagement], Acting(ITSELF, None), dated_on=None, until=None
        )
        if engagement not in made:
            return (), "it is not launched"
        outcome = made[engagement]
        return [reference for _, reference, _ in outcome.invoices], outcome.words
