"""The told deals once more, each struck once by every kind of fault: nothing is doubled or lost."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest
from playing import Played, played

from fairlead.cli.demo_deals import Book, Deal
from fairlead.cli.demo_seller import reference

pytestmark = [pytest.mark.slow, pytest.mark.takes(12)]


def at(operation: str, name: str, path: str | None = None) -> dict[str, str]:
    """A call that is about a deal: its name is in what is sent."""
    return {"operation": operation, "key": name, **({"path": path} if path else {})}


def struck(deal: Deal) -> dict[str, list[dict[str, Any]]]:
    """System → one fault of each kind, aimed at this deal. The first that fits strikes."""
    name = deal.name
    once: dict[str, Any] = {"times": 1}
    job = at("record.upsert", name, "*/job/*")
    return {
        "kantata": [{"kind": "lose_answer", "match": at("workspaces.create", name), **once}],
        deal.ledger: [
            {"kind": "lose_request", "match": job, **once},
            {"kind": "half_answer", "match": job, **once},
        ],
        "sharepoint": [{"kind": "status", "match": at("folders.create", name), **once}],
        "slack": [
            {
                "kind": "rate_limit",
                "match": at("conversations.setPurpose", name),
                "retry_after": 1,
                **once,
            },
            {"kind": "slow", "match": at("chat.postMessage", name), "delay_s": 1.5, **once},
        ],
        deal.crm: [
            {"kind": "duplicate_push", "match": {"key": reference(deal, won=True)}, "copies": 4},
            {"kind": "delay_push", "match": {"key": reference(deal, won=False)}, "delay_s": 3},
        ],
    }


def every_kind(book: Book) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {
        "docusign": [{"kind": "duplicate_push", "match": {"key": "envelope-completed"}}],
        "mail": [{"kind": "lose_answer", "match": {"operation": "mail.send"}, "times": 2}],
    }
    for deal in book.deals:
        for system, rules in struck(deal).items():
            found.setdefault(system, []).extend(rules)
    return found


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Generator[Played]:
    with played(tmp_path_factory.mktemp("troubled"), every_kind) as found:
        yield found


def test_every_fault_struck_every_story(troubled: Played) -> None:
    for system, rules in every_kind(troubled.book).items():
        fired = troubled.sandbox.fired(system)
        for rule, times in zip(rules, fired, strict=True):
            assert times >= 1, (system, rule)


def test_nothing_is_there_twice_and_nothing_is_missing(troubled: Played) -> None:
    """F012, F118: counted in the systems' own ledgers."""
    assert [row for row in troubled.proof() if not row.holds] == []


def test_nobody_was_asked_about_what_settles_itself(troubled: Played) -> None:
    """Lost answers, limits and slowness are no person's work."""
    found = troubled.people.everything("/exceptions", state="resolved")
    asked = {one["cause_class"] for one in found if one["subject_id"]}
    assert asked <= {"missing_data", "needs_decision"}, found
