"""Change Data Capture: an event for each change of the objects that were chosen for it.

https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_event_fields_header.htm
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from fairlead.sandbox.books import Record
from fairlead.sandbox.dialect import Call
from fairlead.sandbox.salesforce_answers import iso
from fairlead.sandbox.salesforce_schema import record_id

_CHOSEN = ("Account", "Contract", "Opportunity")


class ChangeEvents:
    def __init__(self, push: Callable[[dict[str, Any]], None]) -> None:
        self._push = push
        self._replay = count(1)

    def announce(
        self, change: str, record: Record, changed: Sequence[str], call: Call | None
    ) -> None:
        """`changed`: of a create every field, of an update those that changed."""
        if record.kind not in _CHOSEN:
            return
        now = datetime.now(UTC)
        fields = {name: record.body.get(name) for name in changed}
        header = {
            "entityName": record.kind,
            "recordIds": [record.id],
            "changeType": change,
            "changeOrigin": _origin(call),
            "transactionKey": str(uuid.uuid4()),
            "sequenceNumber": 1,
            "commitTimestamp": int(now.timestamp() * 1000),
            "commitNumber": time.time_ns() // 1000,
            "commitUser": record_id("005", 1),
            "nulledFields": [name for name, value in fields.items() if value is None],
            "diffFields": [],
            "changedFields": [*changed, "LastModifiedDate"] if change == "UPDATE" else [],
        }
        self._push(
            {
                "schema": "IeRuaY6cbI_HsV8Rv1Mc5g",
                "payload": {
                    "ChangeEventHeader": header,
                    **fields,
                    "LastModifiedDate": iso(record.modified_at),
                },
                "event": {"replayId": next(self._replay)},
            }
        )


def _origin(call: Call | None) -> str:
    """Where a change came from; with the client's name, where its call gave one."""
    if call is None:
        return ""
    options = call.headers.get("sforce-call-options", "").replace(" ", "").split(",")
    client = next((option for option in options if option.startswith("client=")), "")
    version = call.params.get("version", "").removeprefix("v")
    return ";".join(filter(None, [f"com/salesforce/api/rest/{version}", client]))
