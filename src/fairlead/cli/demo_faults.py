"""The faults of the demo: by name, set in the sandbox, and counted over every change of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fairlead.cli.demo_deals import Book
from fairlead.cli.demo_seller import reference
from fairlead.sandbox.process import SandboxProcess

Rule = dict[str, Any]
OUTAGE_S = 15.0
_COPIES = 5


def _at(operation: str, path: str | None = None) -> dict[str, str]:
    return {"operation": operation, **({"path": path} if path else {})}


def declared(book: Book) -> dict[str, dict[str, Rule]]:
    """System → name of the fault → rule. The first that fits strikes, so the order matters."""
    job, schedule = _at("record.upsert", "*/job/*"), _at("record.upsert", "*/billingSchedule/*")
    customer, task = _at("record.upsert", "*/customer/*"), _at("record.upsert", "*/projectTask/*")
    requisition = _at("record.upsert", "*/purchaseRequisition/*")
    found: dict[str, dict[str, Rule]] = {
        "kantata": {
            "answer lost: create workspace": _lost("workspaces.create", times=3, skip=2),
            "answer lost: create story": _lost("stories.create", times=2, skip=9),
            "answer lost: create resource": _lost("workspace_resources.create", times=1, skip=6),
            "answer lost: create allocation": _lost(
                "workspace_allocations.create", times=1, skip=11
            ),
            "request lost: create story": {
                "kind": "lose_request", "match": _at("stories.create"), "times": 1, "skip": 30,
            },
            "503": {"kind": "status", "match": _at("workspaces.create"), "times": 2, "skip": 14},
            "latency": {"kind": "slow", "delay_s": 0.4, "chance": 0.04, "seed": 7},
            "rate limit": {"kind": "quota", "limit": 30, "window_s": 1},
        },
        "netsuite-emea": {
            "answer lost: create job": {"kind": "lose_answer", "match": job, "times": 2, "skip": 3},
            "answer lost: create billing schedule": {
                "kind": "lose_answer", "match": schedule, "times": 2, "skip": 2,
            },
            "answer lost: create customer": {
                "kind": "lose_answer", "match": customer, "times": 2, "skip": 1,
            },
            "answer lost: create requisition": {
                "kind": "lose_answer", "match": requisition, "times": 1, "skip": 1,
            },
            "503": {"kind": "status", "match": task, "times": 1, "skip": 6},
            "latency": {"kind": "slow", "delay_s": 0.3, "chance": 0.03, "seed": 11},
        },
        "netsuite-amer": {
            "answer lost: create customer": {
                "kind": "lose_answer", "match": customer, "times": 1, "skip": 2,
            },
            "request lost: create job": {
                "kind": "lose_request", "match": job, "times": 1, "skip": 4,
            },
            "done, then 503: create billing schedule": {
                "kind": "status_after", "match": schedule, "times": 1, "skip": 3, "status": 503,
            },
            "half an answer": {"kind": "half_answer", "match": _at("suiteql"), "times": 1,
                               "skip": 8},
            "token expired": {"kind": "expire_tokens", "skip": 40},
        },
        "salesforce-emea": {
            "answer lost: write back": _lost("sobject.update", times=2, skip=4),
            "rate limit": {"kind": "rate_limit", "match": _at("composite"), "times": 2,
                           "skip": 9, "retry_after": 1},
        },
        "salesforce-amer": {
            "answer lost: write back": _lost("sobject.update", times=1, skip=2),
            "503": {"kind": "status", "match": _at("composite"), "times": 1, "skip": 6},
            "token expired": {"kind": "expire_tokens", "skip": 20},
        },
        "xero-uk": {"answer lost: create timesheet": _lost("timesheets.create", times=1, skip=1)},
        "sharepoint": {
            "answer lost: create folder": _lost("folders.create", times=2, skip=5),
            "answer lost: file document": _lost("upload_sessions.put", times=1, skip=1),
            "503": {"kind": "status", "match": _at("drive_items.invite"), "times": 1, "skip": 9},
        },
        "slack": {
            "answer lost: create channel": _lost("conversations.create", times=2, skip=6),
            "answer lost: post": _lost("chat.postMessage", times=2, skip=11),
            "rate limit": {"kind": "rate_limit", "match": _at("conversations.invite"), "times": 1,
                           "skip": 14, "retry_after": 1},
        },
        "mail": {
            "cut off after the whole mail": _lost("mail.send", times=2, skip=7),
        },
        "docusign": {
            "503": {"kind": "status", "match": _at("envelopes.get"), "times": 1, "skip": 2},
            "webhook sent 3 times": {
                "kind": "duplicate_push", "match": {"key": "envelope-completed"}, "times": 2,
                "copies": 3,
            },
        },
    }  # fmt: skip
    for deal in book.deals:
        rules = found[deal.crm]
        match deal.told:
            case "repeated":
                won = {"key": reference(deal, won=True)}
                name = f"webhook sent {_COPIES} times: {deal.id}"
                rules[name] = {"kind": "duplicate_push", "match": won, "copies": _COPIES}
            case "late":
                new = {"key": reference(deal, won=False)}
                name = f"webhooks in the wrong order: {deal.id}"
                rules[name] = {"kind": "delay_push", "match": new, "delay_s": 3}
            case "never":
                any_of_it = {"key": f"Ref {deal.id}."}
                rules[f"webhook lost: {deal.id}"] = {"kind": "drop_push", "match": any_of_it}
            case "once":
                pass
    return found


def _lost(operation: str, *, times: int, skip: int) -> Rule:
    return {"kind": "lose_answer", "match": _at(operation), "times": times, "skip": skip}


class Faults:
    """Sets rules and keeps count. A change of a system's rules begins its counts anew there, so
    what has fired is added up here first, and what was used up is not set again."""

    def __init__(self, sandbox: SandboxProcess, rules: Mapping[str, Mapping[str, Rule]]) -> None:
        self._sandbox = sandbox
        played = {system.id for system in sandbox.world.systems}
        self._set = {system: dict(named) for system, named in rules.items() if system in played}
        self._before: Counter[str] = Counter()
        self._by_hand: Counter[str] = Counter()
        for system, named in self._set.items():
            sandbox.faults(system, *named.values())

    def take_down(self, system: str) -> None:
        """Every call is reset for a while, and then no more."""
        left: dict[str, Rule] = {}
        shown = self._sandbox.control.get(f"/_sandbox/{system}/faults").json()["rules"]
        for (name, rule), now in zip(self._set[system].items(), shown, strict=True):
            self._before[f"{system}: {name}"] += now["fired"]
            skip = max(0, rule.get("skip", 0) - now["fitted"])
            left[name] = {**rule, "skip": skip}
            if rule.get("times") is not None:
                left[name]["times"] = rule["times"] - now["fired"]
        outage = {"kind": "down", "for_s": OUTAGE_S}
        self._set[system] = {f"down for {OUTAGE_S:g} s": outage, **left}
        self._sandbox.faults(system, *self._set[system].values())

    def happened(self, name: str) -> None:
        """One that no rule makes, such as a killed worker."""
        self._by_hand[name] += 1

    def fired(self) -> dict[str, int]:
        """Name → how often it struck so far."""
        found = Counter(self._by_hand)
        found.update(self._before)
        for system, named in self._set.items():
            for name, times in zip(named, self._sandbox.fired(system), strict=True):
                found[f"{system}: {name}"] += times
        return dict(sorted(found.items()))
