"""What time and expenses say to other runs, through the inbox. Nobody outside can send these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fairlead.domain.ids import derived
from fairlead.flow.changes import OURSELVES
from fairlead.store import inbox
from fairlead.store.database import Tx

#: Time or expenses of one engagement and week were approved: `engagement`, `week` (its Monday).
WORK_APPROVED = "work.approved"
#: Something of an engagement is ready to be billed: `engagement`. No playbook starts on it.
BILLING_WEIGH = "billing.weigh"
#: What is ready of an engagement is to be billed: `engagement`, `because`, what is to be done
#: `then`, and whether it is `seen` already by whoever looks at what is ready.
BILLING_DUE = "billing.due"

#: Somebody's week is due and not handed in: `timesheet` (resource and Monday), `late`.
TIMESHEET_DUE = "timesheet.due"

#: A month of a company is closed: `legal_entity`, `month` (its first day).
MONTH_CLOSED = "month.closed"

INTERNAL = frozenset({WORK_APPROVED, BILLING_DUE, TIMESHEET_DUE, MONTH_CLOSED})


def say(tx: Tx, type: str, name: str, data: Mapping[str, Any]) -> None:
    """Once under this name, after the commit."""
    inbox.put(
        tx,
        source=OURSELVES,
        message=f"{type}/{name}",
        kind="internal",
        queue="events",
        correlation=derived(type, name),
        headers={},
        body=json.dumps({"type": type, "data": data}).encode(),
    )
