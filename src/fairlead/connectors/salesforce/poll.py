"""Which deals changed since a moment: one pass over several queries, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.connectors.salesforce.asking import Asker
from fairlead.connectors.salesforce.dialect import Batch, is_record_id
from fairlead.connectors.salesforce.queries import Leg, Queries, stamp
from fairlead.errors import AnswerLost, InvalidInput, SystemRefused
from fairlead.ports.crm import ChangePage, OpportunityChanged

_PLACE = re.compile(r"([a-z_]+):(\d{1,9}):(/services/data/v\d+\.\d/query/[\w-]+)")
_MOMENT = re.compile(r"[0-9TZ:.+-]{24}")
_IDS_AT_ONCE = 200  # a query in an address may have some 16,000 characters


@dataclass(frozen=True)
class _Place:
    """How far a pass has come with one of its queries."""

    leg: str
    seen: int  #: records
    path: str  #: of the next batch


class Poll:
    def __init__(
        self, system: str, ask: Asker, queries: Queries, fields: FieldMap, overlap: timedelta
    ) -> None:
        self._system, self._ask, self._queries, self._fields = system, ask, queries, fields
        self._overlap = overlap

    def page(self, since: datetime, cursor: str | None) -> ChangePage:
        """The first page is the first batch of every query, each later one a further batch of
        one. The cursor is ours and holds the addresses of the batches that are left.

        On one page a deal is told once, by its newest change. The watermark is the newest time
        stamp of the pass, by Salesforce's clock, less the overlap. A batch address that has
        expired begins the pass again: told twice, not missed.
        """
        newest, left = _read_cursor(cursor) if cursor else (since, [])
        legs = self._queries.legs(since)
        batches: dict[str, tuple[int, Batch]] = {}
        if left and {place.leg for place in left} <= legs.keys():
            place, *left = left
            if (batch := self._ask.further(place.path)) is not None:
                batches = {place.leg: (place.seen, batch)}
        if not batches:
            newest, left = since, []
            first = self._ask.together({name: leg.query for name, leg in legs.items()})
            batches = {name: (0, batch) for name, batch in first.items()}
        told: list[OpportunityChanged] = []
        for name, (seen, batch) in batches.items():
            told += self._told(legs[name], batch.records)
            seen += len(batch.records)
            if batch.next is not None:
                left.append(_Place(name, seen, batch.next))
            elif seen < batch.total:
                raise AnswerLost(self._system, f"It gave {seen} of {batch.total} changes.")
        newest = max([newest, *(change.at for change in told)])
        return ChangePage(
            changes=tuple(_once_each(told)),
            next_cursor=_cursor(newest, left) if left else None,
            watermark=max(since, newest - self._overlap),
        )

    def _told(self, leg: Leg, rows: Iterable[Mapping[str, Any]]) -> list[OpportunityChanged]:
        try:
            moments = [(row, self._moment(leg, row)) for row in rows]
            if leg.deal is not None:
                return [_changed(_at(row, leg.deal), at) for row, at in moments]
            assert leg.contract is not None
            newest: dict[str, datetime] = {}
            for row, at in moments:
                contract = _at(row, leg.contract)
                newest[contract] = max(at, newest.get(contract, at))
            return [
                _changed(_at(row, "Id"), newest[_at(row, "ContractId")])
                for row in self._deals_of(list(newest))
            ]
        except (MappingTrouble, KeyError, ValueError) as bad:
            why = f"A changed {leg.name} lacks its deal's id or its time stamp. {bad}"
            raise SystemRefused(self._system, why) from bad

    def _moment(self, leg: Leg, row: Mapping[str, Any]) -> datetime:
        change = self._fields.read(leg.name, row)
        return max(change[ours] for ours in self._queries.stamps if ours in change)

    def _deals_of(self, contracts: list[str]) -> Iterable[Mapping[str, Any]]:
        for start in range(0, len(contracts), _IDS_AT_ONCE):
            some = contracts[start : start + _IDS_AT_ONCE]
            yield from self._ask.all_of(self._queries.of_contracts(some))


def _once_each(told: Iterable[OpportunityChanged]) -> list[OpportunityChanged]:
    """The newest change of each deal, the oldest first."""
    newest: dict[str, OpportunityChanged] = {}
    for change in told:
        known = newest.get(change.opportunity)
        if known is None or known.at < change.at:
            newest[change.opportunity] = change
    return sorted(newest.values(), key=lambda change: (change.at, change.opportunity))


def _changed(deal: str, at: datetime) -> OpportunityChanged:
    return OpportunityChanged(opportunity=deal, revision=stamp(at), at=at)


def _at(row: Mapping[str, Any], path: str) -> str:
    """The record id at a path. Raises KeyError where there is none."""
    found: Any = row
    for name in path.split("."):
        found = cast("Mapping[str, Any]", found if isinstance(found, dict) else {}).get(name)
    if not isinstance(found, str) or not is_record_id(found):
        raise KeyError(path)
    return found


def _cursor(newest: datetime, left: Iterable[_Place]) -> str:
    return "|".join([stamp(newest), *(f"{at.leg}:{at.seen}:{at.path}" for at in left)])


def _read_cursor(cursor: str) -> tuple[datetime, list[_Place]]:
    """The newest time stamp of the pass, and where it goes on."""
    moment, *rest = cursor.split("|")
    places = [_PLACE.fullmatch(one) for one in rest]
    try:
        if not _MOMENT.fullmatch(moment) or not places or None in places:
            raise ValueError
        newest = datetime.fromisoformat(moment).astimezone(UTC)
        return newest, [_Place(at[1], int(at[2]), at[3]) for at in places if at is not None]
    except ValueError as bad:
        raise InvalidInput("That cursor is not one that this system gave.") from bad
