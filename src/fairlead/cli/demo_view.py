"""What the API says of the sample's deals at one moment, and what is not yet as it must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from fairlead.cli.demo_deals import Book, Deal
from fairlead.cli.demo_people import People

#: Where a deal's engagement stands when the demo is over.
_STATE = {
    "launched": "launched",
    "declined": "declined",
    "awaiting_launch": "awaiting_launch",
    "waiting": "received",
}
_SET_UP = ("deal-to-delivery", "part-set-up")
_REVIEW = "delivery-review"


@dataclass(frozen=True)
class View:
    engagements: Mapping[str, Mapping[str, Any]]  #: its name → engagement
    deals: Mapping[str, Deal]  #: engagement id → its deal; a part's is that of the whole
    runs: Mapping[str, Mapping[str, Any]]  #: engagement id → the newest run that sets it up
    reviews: Mapping[str, Mapping[str, Any]]  #: engagement id → its run of delivery's look
    waiting: Mapping[str, Sequence[Mapping[str, str]]]  #: engagement id → step, owner, reason

    @classmethod
    def of(cls, people: People, book: Book) -> Self:
        found = {row["name"]: row for row in people.everything("/engagements")}
        deals = {
            row["id"]: deal for name, row in found.items() if (deal := _deal_of(book, str(name)))
        }
        waiting: dict[str, list[dict[str, str]]] = {id: [] for id in deals}
        for task in people.everything("/tasks", mine="false"):
            said = {"step": task["step"], "owner": task["role"]}
            reason = task["because"] or "its answer"
            waiting.setdefault(task["subject_id"], []).append({**said, "reason": reason})
        for exception in people.everything("/exceptions", state="open"):
            if exception["subject_id"]:
                waiting.setdefault(exception["subject_id"], []).extend(_who(exception))
        # the newest come first, and the last of one subject is kept
        runs = people.everything("/runs")[::-1]
        return cls(
            found,
            deals,
            {row["subject_id"]: row for row in runs if row["playbook"].startswith(_SET_UP)},
            {row["subject_id"]: row for row in runs if row["playbook"] == _REVIEW},
            waiting,
        )


def ready_to_win(deal: Deal, view: View) -> bool:
    """Has delivery looked at it, so that the seller may go on?"""
    row = view.engagements.get(deal.name)
    review = view.reviews.get(row["id"]) if row else None
    return review is not None and review["ended_at"] is not None


def not_yet(deal: Deal, view: View) -> str | None:
    """Why a deal is not where it must be in the end; null where it is."""
    names = [deal.name]
    if deal.is_set_up:
        names += [f"{deal.name}: {phase.name}" for phase in deal.phases]
    return next((words for name in names if (words := _open(name, deal, view))), None)


def told(deal: Deal, view: View) -> dict[str, Any]:
    """One engagement of the result. `seconds`: from its opening to its end, or until now."""
    row = view.engagements.get(deal.name)
    if row is None:
        return {"deal": deal.name, "state": "unknown", "waiting_on": [], "seconds": 0.0}
    ended = view.runs[row["id"]]["ended_at"] if row["id"] in view.runs else None
    end = datetime.fromisoformat(ended) if ended else datetime.now(UTC)
    taken = end - datetime.fromisoformat(row["opened_at"])
    return {
        "deal": deal.name,
        "state": row["state"],
        "waiting_on": list(view.waiting[row["id"]]),
        "seconds": round(taken.total_seconds(), 1),
    }


def _deal_of(book: Book, name: str) -> Deal | None:
    if name in book.by_name:
        return book.by_name[name]
    whole, _, phase = name.rpartition(": ")
    deal = book.by_name.get(whole)
    return deal if deal and any(phase == part.name for part in deal.phases) else None


def _open(name: str, deal: Deal, view: View) -> str | None:
    row = view.engagements.get(name)
    if row is None:
        return f"{name}: no engagement yet"
    waiting = [(one["step"], one["owner"]) for one in view.waiting[row["id"]]]
    wanted = [(deal.waits.step, deal.waits.owner)] if deal.waits else []
    if row["state"] != _STATE[deal.ends_as]:
        return f"{name}: {row['state']}, not {_STATE[deal.ends_as]}" + _because(view, row)
    if waiting != wanted:
        return f"{name}: it waits for {waiting or 'nothing'}, not for {wanted or 'nothing'}"
    run = view.runs[row["id"]]
    if not deal.waits and run["ended_at"] is None:
        return f"{name}: its run is {run['state']}"
    return None


def _because(view: View, row: Mapping[str, Any]) -> str:
    reasons = "; ".join(one["reason"] for one in view.waiting[row["id"]])
    return f" ({reasons})" if reasons else ""


def _who(exception: Mapping[str, Any]) -> list[dict[str, str]]:
    """Who owns an exception: the owners of its gaps, or its team."""
    step = exception["step"] or exception["cause_class"]
    if not exception["gaps"]:
        reason = exception["title"]
        return [{"step": step, "owner": exception["team"], "reason": reason}]
    return [
        {"step": step, "owner": gap["owner"], "reason": gap["problem"]} for gap in exception["gaps"]
    ]
