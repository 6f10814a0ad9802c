"""The durable wake-ups, as DBOS keeps them: who asks for a drain, and what a worker left behind.

Everything here goes through a client of its own rather than through the running DBOS. What a
workflow enqueues there is its child, under an id that a repeat of the workflow takes for done; and
there a call waits for a database that is away for up to minutes, while we would rather hear of it
and ask again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from dbos import DBOSClient, DBOSPortableJSONSerializer
from dbos import error as dbos_error

from fairlead.store.database import Database, translated

#: Every release takes over what any other left, because drains hold no state of their own.
APPLICATION_VERSION = "drains-1"
APPLICATION = "fairlead"
SCHEMA = "dbos"
QUEUE = "drains"
WORKFLOW = "drain"

_ENDED = ["SUCCESS", "ERROR", "CANCELLED"]


class WakeUps:
    """Raises `DatabaseAway` where the database does not answer; nothing is repeated here."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def ask(self, queue: str, slot: int) -> bool:
        """Have a drain started by some worker. False: one of this slot waits or runs already."""
        try:
            with translated():
                self._client.enqueue(
                    {
                        "queue_name": QUEUE,
                        "workflow_name": WORKFLOW,
                        "app_version": APPLICATION_VERSION,
                        "deduplication_id": f"{queue}#{slot}",
                    },
                    queue,
                    slot,
                )
        except dbos_error.DBOSQueueDeduplicatedError:
            return False
        return True

    def claimed_by(self, workers: Sequence[str]) -> list[str]:
        """The wake-ups that these workers took and have not ended."""
        with translated():
            claimed = self._client.list_workflows(
                status="PENDING", executor_id=list(workers), load_input=False, load_output=False
            )
        return [workflow.workflow_id for workflow in claimed]

    def offer_again(self, wakeups: Sequence[str]) -> None:
        """Any worker may take them. Whoever still has one in hand does nothing wrong: what a drain
        does is safe to do twice."""
        if wakeups:
            with translated():
                self._client.resume_workflows(list(wakeups), queue_name=QUEUE)

    def forget(self, ended_before: datetime, most: int = 2000) -> None:
        """Drains that have ended say nothing that the rows do not."""
        with translated():
            ended = self._client.list_workflows(
                status=_ENDED,
                completed_before=ended_before.isoformat(),
                limit=most,
                load_input=False,
                load_output=False,
            )
            if ended:
                self._client.delete_workflows([workflow.workflow_id for workflow in ended])

    @cached_property
    def _client(self) -> DBOSClient:
        return DBOSClient(
            system_database_engine=self._db.engine,
            dbos_system_schema=SCHEMA,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )
