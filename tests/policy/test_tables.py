"""A policy answers with the row that fired, exactly, as of any day."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest

from fairlead.domain.values import Exact, Money, Value
from fairlead.errors import InvalidDefinition, NotFound
from fairlead.policy.publish import check
from fairlead.policy.tables import Policies, Policy, decide, decide_all, parse

NOW = datetime(2026, 7, 2, 9, 30, tzinfo=UTC)
EDGE = Decimal("1234567890123456.78")


class Kind(StrEnum):
    FIXED = "fixed"
    TIME = "time"


class Facts(Value):
    margin: Exact
    fee: Exact


ROWS = [
    {"_id": "thin", "margin": "< 0.3", "role": "'executive'", "because": "`only ${margin}`"},
    {"_id": "large", "fee": f"> {EDGE}", "role": "'controller'", "because": "'large'"},
    {"_id": "routine", "role": "'finance'", "because": "'within limits'"},
]
CASES = [
    {"facts": {"margin": 0.2, "fee": 1}, "row": "thin"},
    {"facts": {"margin": 0.3, "fee": 2e15}, "row": "large"},
    {"facts": {"margin": 0.3, "fee": 1}, "row": "routine", "answer": None},
]


def document(
    rows: list[dict[str, str]] | None = None,
    *,
    hit: str = "first",
    inputs: tuple[str, ...] = ("margin", "fee"),
    outputs: tuple[str, ...] = ("role", "because"),
    **header: Any,
) -> str:
    table = {
        "hitPolicy": hit,
        "inputs": [{"id": name, "name": name, "field": name} for name in inputs],
        "outputs": [{"id": name, "name": name, "field": name} for name in outputs],
        "rules": ROWS if rows is None else rows,
    }
    nodes = [
        {"id": "1", "type": "inputNode", "name": "in"},
        {"id": "2", "type": "decisionTableNode", "name": "table", "content": table},
        {"id": "3", "type": "outputNode", "name": "out"},
    ]
    edges = [
        {"id": "4", "sourceId": "1", "targetId": "2"},
        {"id": "5", "sourceId": "2", "targetId": "3"},
    ]
    facts: dict[str, Any] = {
        "name": "change-approval",
        "version": 3,
        "owner": "finance-operations",
        "effective_from": "2026-07-01",
        "cases": CASES,
    }
    return json.dumps({"nodes": nodes, "edges": edges, "fairlead": facts | header}, indent=1)


def a_policy(rows: list[dict[str, str]] | None = None, **parts: Any) -> Policy:
    return parse(document(rows, **parts), "change-approval.json")


@pytest.mark.parametrize(
    ("margin", "fee", "row"),
    [
        pytest.param("0.2999", "1", "thin", id="under-the-floor"),
        pytest.param("0.3", "1", "routine", id="exactly-on-the-floor"),
        pytest.param("0.3", EDGE, "routine", id="exactly-on-a-limit-of-eighteen-digits"),
        pytest.param("0.3", EDGE + Decimal("0.01"), "large", id="a-cent-over-that-limit"),
        pytest.param("0.2", EDGE * 2, "thin", id="first-row-wins"),
    ],
)
def test_the_row_that_fires(margin: str, fee: str | Decimal, row: str) -> None:
    facts = Facts(margin=Decimal(margin), fee=Decimal(fee))

    assert decide(a_policy(), facts, NOW).row == row


def test_a_decision_carries_its_words_its_facts_and_its_version() -> None:
    decision = decide(a_policy(), Facts(margin=Decimal("0.20"), fee=Decimal(900)), NOW)

    assert decision.model_dump(mode="json") == {
        "policy": "change-approval",
        "version": 3,
        "row": "thin",
        "facts": {"margin": "0.20", "fee": "900"},
        "answer": {"role": "executive", "because": "only 0.20"},
        "at": "2026-07-02T09:30:00Z",
    }


def test_facts_of_every_kind_reach_the_table() -> None:
    class Many(Value):
        kind: Kind
        fee: Money
        signed: date | None
        countries: frozenset[str]
        urgent: bool

    rows = [
        {"_id": "open", "signed": "== null", "to": "1.50"},
        {
            "_id": "all",
            "kind": "'fixed'",
            "fee": "$.amount > 10 and $.currency == 'EUR'",
            "signed": "'2026-01-31'",
            "countries": "contains($, 'DE')",
            "urgent": "true",
            "to": "[1, 2]",
        },
    ]
    columns = ("kind", "fee", "signed", "countries", "urgent")
    policy = a_policy(rows, inputs=columns, outputs=("to",))
    facts = Many(
        kind=Kind.FIXED,
        fee=Money(amount=Decimal("10.01"), currency="EUR"),
        signed=date(2026, 1, 31),
        countries=frozenset({"DE", "AT"}),
        urgent=True,
    )

    assert decide(policy, facts, NOW).answer == {"to": [1, 2]}
    undated = facts.model_copy(update={"signed": None})
    assert decide(policy, undated, NOW).answer == {"to": "1.5"}


def test_a_collecting_table_gives_every_row_in_order_or_none() -> None:
    policy = a_policy(ROWS[:2], hit="collect")

    def fired(margin: str, fee: Decimal) -> list[str]:
        facts = Facts(margin=Decimal(margin), fee=fee)
        return [decision.row for decision in decide_all(policy, facts, NOW)]

    assert fired("0.1", EDGE * 2) == ["thin", "large"]
    assert fired("0.3", Decimal(1)) == []


def test_facts_that_the_table_does_not_fit_are_refused() -> None:
    class Half(Value):
        margin: Exact = Decimal(1)

    with pytest.raises(InvalidDefinition) as caught:
        decide(a_policy(), Half(), NOW)

    assert len(caught.value.faults) == 2  # fee is missing, and margin has a default


def test_a_number_that_would_lose_digits_is_refused() -> None:
    class Long(Value):
        margin: Decimal
        fee: Decimal

    with pytest.raises(ValueError, match="more digits"):
        decide(a_policy(), Long(margin=Decimal(1), fee=Decimal("0." + "1" * 29)), NOW)


def test_no_row_that_fits_is_an_error_and_never_silence() -> None:
    policy = a_policy(ROWS[:2], otherwise="refuse")

    with pytest.raises(InvalidDefinition, match="0 answers"):
        decide(policy, Facts(margin=Decimal(1), fee=Decimal(1)), NOW)


def test_the_version_in_effect_is_the_newest_that_has_begun() -> None:
    policies = Policies(
        [
            a_policy(version=4, effective_from="2026-08-01"),
            a_policy(),
            a_policy(version=5, effective_from="2026-08-01"),
        ]
    )

    def on(month: int, day: int) -> int:
        at = datetime(2026, month, day, tzinfo=UTC)
        return policies.as_of("change-approval", at).version

    assert [on(7, 1), on(7, 31), on(8, 1)] == [3, 3, 5]
    with pytest.raises(NotFound):
        on(6, 30)
    with pytest.raises(NotFound):
        policies.as_of("no-such", NOW)


@pytest.mark.parametrize(
    "other", [{"version": 3}, {"version": 4, "effective_from": "2026-06-01"}], ids=str
)
def test_versions_that_contradict_each_other_are_refused(other: dict[str, Any]) -> None:
    with pytest.raises(InvalidDefinition, match=r"change-approval\.json"):
        Policies([a_policy(), a_policy(**other)])


def test_a_good_policy_has_no_fault() -> None:
    assert check(a_policy()) == ()


def cell(row: int, **cells: str) -> list[dict[str, str]]:
    return [ROWS[i] | cells if i == row else ROWS[i] for i in range(len(ROWS))]


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        pytest.param({"rows": cell(0, margin="<< 0.3")}, "row thin: margin", id="broken-condition"),
        pytest.param({"rows": cell(0, role="'executive")}, "row thin: role", id="broken-output"),
        pytest.param({"rows": cell(1, fee="> limit")}, "no column is called limit", id="unknown"),
        pytest.param({"rows": cell(0, because="`${x}`")}, "no column is called x", id="in-text"),
        pytest.param({"rows": cell(1, _id="thin")}, "2 rows have the id thin", id="same-id"),
        pytest.param({"rows": cell(1, fee="")}, "no row after it", id="hides-what-follows"),
        pytest.param({"rows": ROWS[:2]}, "the last row has conditions", id="no-otherwise"),
        pytest.param({"rows": cell(2, role="")}, "role is empty", id="no-answer"),
        pytest.param({"cases": CASES[:2]}, "no case reaches the row routine", id="untried-row"),
        pytest.param(
            {"cases": [*CASES, {"facts": {"margin": 1, "fee": 1}, "row": "thin"}]},
            "case 4 expects the row thin; routine fires",
            id="wrong-case",
        ),
        pytest.param(
            {"cases": [*CASES, {"facts": {"margin": 1}, "row": "routine"}]},
            "case 4 does not say fee",
            id="case-with-a-gap",
        ),
        pytest.param(
            {"cases": [*CASES, CASES[2] | {"answer": {"role": "x", "because": "y"}}]},
            "case 4 expects the answer",
            id="wrong-answer",
        ),
    ],
)
def test_publication_refuses(policy: dict[str, Any], fault: str) -> None:
    faults = check(a_policy(**policy))

    assert any(fault in line and line.startswith("change-approval.json") for line in faults), faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("{\n\n nonsense", "p.json:3:", id="not-json"),
        pytest.param("[]", "p.json:", id="not-an-object"),
        pytest.param(document(owner=""), "fairlead.owner", id="no-owner"),
        pytest.param(document(colour="red"), "fairlead.colour", id="unknown-key"),
        pytest.param(document(hit="last"), "first or collect", id="unknown-hit-policy"),
        pytest.param(document(cell(0, marign="< 1")), "called marign", id="misspelt-column"),
        pytest.param(document([{"margin": "< 1"}]), "_id", id="row-without-id"),
    ],
)
def test_a_file_of_the_wrong_form_is_refused(text: str, fault: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        parse(text, "p.json")

    assert any(fault in line for line in caught.value.faults), caught.value.faults
