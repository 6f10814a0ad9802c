"""Readiness of many engagements at once, from a fixed number of statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fairlead.capabilities.billing.terms import Terms
from fairlead.capabilities.company_days import CompanyDays
from fairlead.domain.rules import billing_readiness as rules
from fairlead.domain.rules.billing_blockers import BlockerCode, stops
from fairlead.domain.rules.billing_readiness import Owner
from fairlead.domain.rules.billing_terms import Demand
from fairlead.domain.values import Value, minor_units
from fairlead.policy.tables import Policies, decide
from fairlead.store import billing_board, billing_standing, billing_work
from fairlead.store.database import Tx, database_time
from fairlead.trust.principals import Principal


class BlockerFacts(Value):
    """What `billing-blockers` may ask."""

    code: str  #: of the blocker
    region: str


@dataclass(frozen=True)
class Readiness:
    policies: Policies
    days: CompanyDays

    def of(
        self,
        tx: Tx,
        reader: Principal,
        engagements: Sequence[str] | None = None,
        *,
        on: date | None = None,
    ) -> list[rules.Readiness]:
        """Of these engagements, or of all that are open, as far as the reader sees them.

        `on`: null is today, in the company of each. At most six statements, however many there are.
        """
        now = database_time(tx)
        limits: dict[str, Any] = {
            "regions": None if reader.regions is None else list(reader.regions),
            "entities": None if reader.legal_entities is None else list(reader.legal_entities),
        }
        todays = {} if on else {name: self.days.on(now, name) for name in self.days.zones}
        standing = billing_standing.standing(tx, engagements, on or now.date(), todays, **limits)
        ids = [row["engagement_id"] for row in standing]
        days = [on or self.days.on(now, row["legal_entity"]) for row in standing]
        zones = [self.days.zone(row["legal_entity"]) for row in standing]
        terms = Terms(self.policies, now)
        of_client = {row["engagement_id"]: terms.of(row) for row in standing}
        currencies = sorted({row["currency"] for row in standing})
        sums = billing_board.sums(
            tx,
            ids,
            days,
            zones,
            minor={currency: minor_units(currency) for currency in currencies},
            receipts=[id for id in ids if of_client[id].receipts is Demand.REQUIRED],
        )
        by: dict[str, list[dict[str, Any]]] = {id: [] for id in ids}
        for row in sums:
            by[row["engagement_id"]].append(row)
        so_far = billing_work.so_far(tx, ids)
        waits = any(row["code"] in rules.APPROVALS for row in sums)
        latency = billing_board.approval_days(tx, on or now.date()) if waits else None
        owners = self._owners(now)
        return [
            rules.readiness(
                row,
                by[id],
                so_far[id],
                stops(row, of_client[id], day),
                owners(row["region"] or ""),
                today=day,
                zone=zone,
                approval_days=latency,
            )
            for id, row, day, zone in zip(ids, standing, days, zones, strict=True)
        ]

    def _owners(self, now: Any) -> Callable[[str], Callable[[BlockerCode], Owner]]:
        policy = self.policies.as_of("billing-blockers", now)
        known: dict[tuple[str, str], Owner] = {}

        def of_region(region: str) -> Callable[[BlockerCode], Owner]:
            def owner(code: BlockerCode) -> Owner:
                if (code, region) not in known:
                    facts = BlockerFacts(code=code, region=region)
                    answer = decide(policy, facts, now).answer
                    known[code, region] = Owner.model_validate(
                        {name: answer[name] for name in ("team", "days", "remedy")}
                    )
                return known[code, region]

            return owner

        return of_region
