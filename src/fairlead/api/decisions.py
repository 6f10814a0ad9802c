"""What policies decided: version, facts, the row that fired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading
from fairlead.api.router import Router
from fairlead.api.shapes import At, Filter, Id, found, without_costs
from fairlead.domain.values import Value
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Permission


class DecisionView(Value):
    id: str
    policy: str
    version: int
    row: str  #: the id of the row that fired
    facts: dict[str, Any]
    answer: dict[str, Any]
    withheld: bool  #: facts and reasons that need the permission costs.read are left out
    run_id: str | None
    step: str | None
    subject_id: str | None
    at: At


def add(router: Router) -> None:
    router.get("/decisions", list_decisions, Page[DecisionView], tag="decisions")
    router.get("/decisions/{id}", get_decision, DecisionView, tag="decisions")


def list_decisions(
    parts: Parts,
    caller: Caller,
    policy: Filter = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[DecisionView]:
    """Decisions, newest first."""
    with reading(parts, caller) as views:
        rows = views.decisions(policy=policy, subject=None, after=after(cursor), limit=limit + 1)
    return page(rows, limit, shown_to(caller), at="at")


def get_decision(parts: Parts, caller: Caller, id: Id) -> DecisionView:
    """One decision."""
    with reading(parts, caller) as views:
        return shown_to(caller)(found(views.decision(id), "decision"))


def shown_to(caller: Principal) -> Callable[[Mapping[str, Any]], DecisionView]:
    """Where a cost decided, the words of the answer may tell it: they go with it."""
    everything = caller.may(Permission.COSTS_READ)

    def shown(row: Mapping[str, Any]) -> DecisionView:
        facts = row["facts"] if everything else without_costs(row["facts"])
        withheld = len(facts) < len(row["facts"])
        answer = {
            name: value
            for name, value in row["answer"].items()
            if not (withheld and name == "because")
        }
        more = {"facts": facts, "answer": answer, "withheld": withheld}
        return DecisionView.model_validate({**row, **more})

    return shown
