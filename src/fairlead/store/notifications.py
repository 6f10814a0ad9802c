"""Messages to the people with a role, in their queue."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.store.database import Tx
from fairlead.work.words import Message

_ADD = """
INSERT INTO notifications (once, role, region, about, text, subject_id, at)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (once) DO NOTHING
"""


def add(tx: Tx, messages: Sequence[Message]) -> None:
    """A message with a `once` that was said before is not said again."""
    for message in messages:
        tx.execute(
            _ADD,
            [
                message.once,
                message.role,
                message.region,
                message.about,
                message.text[:4000],
                message.subject_id,
                message.at,
            ],
        )
