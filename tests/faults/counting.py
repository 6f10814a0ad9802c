"""What stands in the outside systems, told per deal. The sandbox's own ledger is the only witness.

A business reference names a record as a person there would: by what it is for, never by a key or
an id of ours, so that a repeat under another key is seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Reference = tuple[str, ...]  #: (kind, deal or client, …)
Made = dict[tuple[str, str, str], Row]  #: (system, kind, id) → the record as it was made

#: Records of one engagement: kind → how many, for the template `cloud-engineering` and one role.
WANTED = {
    "job": 1,
    "projectTask": 3,
    "billingSchedule": 1,
    "workspaces": 1,
    "stories": 3,
    "workspace_resources": 1,
    "workspace_allocations": 1,
}


@dataclass
class Verdict:
    deals: int
    doubled: dict[Reference, int] = field(default_factory=dict[Reference, int])
    missing: list[Reference] = field(default_factory=list[Reference])

    @property
    def clean(self) -> bool:
        return not self.doubled and not self.missing

    def __str__(self) -> str:
        doubled = sum(times - 1 for times in self.doubled.values())
        text = f"{self.deals} deals: {doubled} duplicates, {len(self.missing)} missing"
        shown = [*self.doubled.items(), *self.missing][:8]
        return text if self.clean else f"{text}: {shown}"


def count(ledger: Iterable[Row], deals: Sequence[str], clients: Sequence[str]) -> Verdict:
    """Judge the ledger of the systems of one firm. `deals`, `clients`: their unique names."""
    rows = list(ledger)
    creates = [row for row in rows if row["operation"] == "create"]
    made = {(row["system"], row["object"], str(row["id"])): row["body"] for row in creates}
    times = Counter(ref for row in creates if (ref := _told(row, made)))
    verdict = Verdict(len(deals), {ref: n for ref, n in times.items() if n > 1})
    of_deal: dict[tuple[str, str], int] = defaultdict(int)
    for ref in times:
        of_deal[ref[0], ref[1]] += 1
    for deal in deals:
        verdict.missing += [
            (kind, deal, f"{of_deal[kind, deal]} of {wanted}")
            for kind, wanted in WANTED.items()
            if of_deal[kind, deal] < wanted
        ]
    verdict.missing += [("customer", name) for name in clients if not of_deal["customer", name]]
    launched = {
        row["body"]["Name"]
        for row in rows
        if row["object"] == "Opportunity" and row["body"].get("Fairlead_State__c") == "launched"
    }
    verdict.missing += [("report", deal) for deal in deals if deal not in launched]
    return verdict


def _told(row: Row, made: Made) -> Reference | None:
    body, kind = row["body"], row["object"]
    match kind:
        case "customer":
            return (kind, body["companyName"])
        case "job":
            return (kind, body["companyName"])
        case "projectTask":
            return (kind, _job(made, row["system"], body["project"]["id"]), body["title"])
        case "billingSchedule":
            return (kind, _job(made, row["system"], body["project"]["id"]))
        case "workspaces":
            return (kind, _named(body["title"]))
        case "stories":
            return (kind, _workspace(made, row["system"], body["workspace_id"]), body["title"])
        case "workspace_resources":
            workspace = _workspace(made, row["system"], body["workspace_id"])
            return (kind, workspace, str(body["role_id"]))
        case "workspace_allocations":
            resource = made[row["system"], "workspace_resources", str(body["resource_id"])]
            workspace = _workspace(made, row["system"], resource["workspace_id"])
            return (kind, workspace, str(resource["role_id"]))
        case _:
            return None


def _job(made: Made, system: str, id: str) -> str:
    return str(made[system, "job", str(id)]["companyName"])


def _workspace(made: Made, system: str, id: int) -> str:
    return _named(made[system, "workspaces", str(id)]["title"])


def _named(title: str) -> str:
    """`TH-2001 Deal 0001` → `Deal 0001`."""
    return title.partition(" ")[2]
