"""What billing says to other runs, through the inbox. Nobody outside can send these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fairlead.domain.ids import derived
from fairlead.flow.changes import OURSELVES
from fairlead.store import inbox
from fairlead.store.database import Tx

TO_LEDGER = "invoice.to_ledger"  #: starts the run that carries a released one
TOLD = "invoice.told"  #: something happened to an invoice; runs of its engagement hear of it

RELEASED = "invoice.released"
POSTED = "invoice.posted"
PAID = "invoice.paid"

#: What a playbook may start on or wait for, besides what outsiders may send.
EVENTS = frozenset({TO_LEDGER, POSTED, PAID})


def tell_engagement(tx: Tx, row: Mapping[str, Any], event: str) -> None:
    """Have the engagement's runs hear of it after the commit, once for each state that it is in."""
    name = f"{event}/{row['id']}/{row['version']}"
    data = {"engagement": row["engagement_id"], "happened": event, "reference": row["reference"]}
    inbox.put(
        tx,
        source=OURSELVES,
        message=name,
        kind="internal",
        queue="events",
        correlation=derived("invoice", row["id"]),
        headers={},
        body=json.dumps({"type": TOLD, "data": data}).encode(),
    )
