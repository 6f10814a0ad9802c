"""Change Data Capture events, as an event relay posts them.

https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_event_fields_header.htm

Salesforce itself posts to nobody. A relay (Amazon EventBridge with an API destination, or a
subscriber of the Pub/Sub API) does, as one event or a list, each bare, in EventBridge's `detail`
or in the streaming API's `data`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

import simplejson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairlead.connectors.salesforce.adapter import CLIENT
from fairlead.connectors.salesforce.dialect import is_record_id
from fairlead.connectors.salesforce.queries import stamp
from fairlead.errors import InvalidInput, Problem
from fairlead.ports.crm import OpportunityChanged

_WRAPPINGS = ("detail", "data", "payload")  # in the order in which they enclose one another
_NOTHING_LEFT = frozenset({"DELETE", "GAP_DELETE"})
_EMPTY_ID = "000000000000000AAA"  # of an overflow event, which names no record
#: Fields by which a change of another object names its deal, where the payload has them.
_DEAL_FIELDS = ("OpportunityId", "Opportunity__c")
_MOST_EVENTS = 10_000
_LAST_MOMENT_MS = 253_402_300_799_000  # the end of the year 9999


class _Header(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    entity: str = Field(alias="entityName", min_length=1)
    ids: list[str] = Field(alias="recordIds", min_length=1)
    change: str = Field(alias="changeType", min_length=1)
    origin: str = Field(default="", alias="changeOrigin")
    committed_ms: int = Field(alias="commitTimestamp", ge=0, le=_LAST_MOMENT_MS)
    commit: int = Field(alias="commitNumber", ge=0)


def reads_webhook(body: bytes) -> Sequence[OpportunityChanged]:
    """The deals that a delivery is about, each change once.

    Deletions, our own writes, other objects that do not name their deal, and events that name no
    record (overflows, and wildcards after a field's type was changed) give nothing: where they
    matter, the poll finds them. Raises `InvalidInput`, naming every event of a wrong shape.
    """
    try:
        said = simplejson.loads(body, use_decimal=True)
    except (ValueError, RecursionError) as bad:
        raise InvalidInput("The body is not JSON.", [Problem("", "is JSON")]) from bad
    events = cast("list[Any]", said) if isinstance(said, list) else [said]
    if len(events) > _MOST_EVENTS:
        raise InvalidInput("Too many events.", [Problem("", f"has at most {_MOST_EVENTS} events")])
    changes: dict[tuple[str, str], OpportunityChanged] = {}
    problems: list[Problem] = []
    for index, event in enumerate(events):
        at = f"/{index}" if isinstance(said, list) else ""
        try:
            for change in _changes(event, at):
                changes.setdefault((change.opportunity, change.revision), change)
        except InvalidInput as bad:
            problems += bad.problems
    if problems:
        raise InvalidInput("The body is not of Change Data Capture's shape.", problems)
    return list(changes.values())


def _changes(event: Any, at: str) -> list[OpportunityChanged]:
    payload, where = _payload(event, at)
    header = _header(payload, f"{where}/ChangeEventHeader")
    ours = f"client={CLIENT}" in header.origin.split(";")
    if ours or header.change in _NOTHING_LEFT:
        return []
    when = datetime.fromtimestamp(header.committed_ms // 1000, UTC).replace(
        microsecond=header.committed_ms % 1000 * 1000
    )
    return [
        OpportunityChanged(opportunity=id, revision=f"{stamp(when)}/{header.commit}", at=when)
        for id in _deals(header, payload, where)
    ]


def _deals(header: _Header, payload: dict[str, Any], where: str) -> list[str]:
    if header.entity == "Opportunity":
        named = [id for id in header.ids if id != _EMPTY_ID and not id.endswith("*")]
        pointer = f"{where}/ChangeEventHeader/recordIds"
    else:
        given = [payload[name] for name in _DEAL_FIELDS if payload.get(name)]
        named = [id for id in given if isinstance(id, str)]
        pointer = where
    if not all(map(is_record_id, named)):
        _wrong(pointer, "names records by their ids of 15 or 18 characters")
    return named


def _payload(event: Any, at: str) -> tuple[dict[str, Any], str]:
    """The innermost object, which has the header, and the pointer to it."""
    for name in _WRAPPINGS:
        if isinstance(event, dict) and "ChangeEventHeader" not in event and name in event:
            event, at = cast("dict[str, Any]", event)[name], f"{at}/{name}"
    if not isinstance(event, dict) or "ChangeEventHeader" not in event:
        _wrong(at, "is an object with a ChangeEventHeader")
    return cast("dict[str, Any]", event), at


def _header(payload: dict[str, Any], at: str) -> _Header:
    try:
        return _Header.model_validate(payload["ChangeEventHeader"])
    except ValidationError as bad:
        faults = bad.errors(include_input=False, include_url=False)
        problems = [
            Problem("/".join([at, *map(str, fault["loc"])]), fault["msg"]) for fault in faults
        ]
        raise InvalidInput("The header is not of its shape.", problems) from bad


def _wrong(at: str, rule: str) -> NoReturn:
    raise InvalidInput("The event is not of its shape.", [Problem(at, rule)])
