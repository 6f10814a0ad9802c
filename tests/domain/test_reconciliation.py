"""Every difference between two systems' records is found, told once, and nothing else is told."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.model.discrepancy import Discrepancy, DiscrepancyKind, Kept, Record
from fairlead.domain.rules.reconciliation import compare

K = DiscrepancyKind
DAY = date(2026, 11, 2)


def ours(key: str = "a", amount: str = "8", **changes: Any) -> Record:
    given: dict[str, Any] = {
        "key": key,
        "ref": f"there-{key}",
        "amount": Decimal(amount),
        "unit": "hour",
        "on": DAY,
        "whose": "ayo@x.example",
        "state": "posted",
    }
    return Record.model_validate({**given, **changes})


def theirs(key: str = "a", amount: str = "8", **changes: Any) -> Record:
    return ours(key, amount, **changes)


def only(found: tuple[Discrepancy, ...]) -> Discrepancy:
    (one,) = found
    return one


@pytest.mark.parametrize(
    ("mine", "there", "kind", "difference"),
    [
        pytest.param(ours(ref=""), [], K.MISSING, "-8", id="it-never-got-there"),
        pytest.param(ours(), [], K.DELETED, "-8", id="it-was-there-and-is-no-more"),
        pytest.param(ours(), [theirs(), theirs(ref="two")], K.TWICE, "8", id="twice"),
        pytest.param(ours(), [theirs(amount="7.5")], K.AMOUNT, "-0.5", id="less-hours"),
        pytest.param(
            ours(amount="100", unit="EUR"), [theirs(amount="100", unit="USD")], K.AMOUNT, "0",
            id="another-currency",
        ),
        pytest.param(ours(), [theirs(whose="li@x.example")], K.OTHER, "0", id="another-person"),
        pytest.param(ours(), [theirs(state="void")], K.STATE, "0", id="voided-there"),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_what_it_comes_to(
    mine: Record, there: list[Record], kind: DiscrepancyKind, difference: str
) -> None:
    found = only(compare(Kept.TIME, [mine], there))

    assert (found.kind, found.difference) == (kind, Decimal(difference))
    assert found.words
    assert found.remedy


def test_what_is_on_its_way_is_no_difference_until_it_is_there_otherwise() -> None:
    waiting = ours(ref="", pending=True)

    assert compare(Kept.TIME, [waiting], []) == ()
    assert compare(Kept.TIME, [waiting], [theirs()]) == ()
    assert only(compare(Kept.TIME, [waiting], [theirs(amount="9")])).kind is K.AMOUNT


def test_what_is_there_and_not_here_is_told_record_by_record() -> None:
    there = [theirs(key="", ref="by-hand-1"), theirs(key="", ref="by-hand-2"), theirs(key="b")]

    found = compare(Kept.TIME, [], there)

    assert [(one.kind, one.refs) for one in found] == [
        (K.UNKNOWN, ("by-hand-1",)),
        (K.UNKNOWN, ("by-hand-2",)),
        (K.UNKNOWN, ("there-b",)),
    ]


def test_fifty_planted_differences_among_ten_thousand_are_found_and_no_other() -> None:
    chance = random.Random(50)
    mine = [ours(f"e{n}", str(chance.randint(1, 960) / 60)[:6]) for n in range(10_000)]
    there = {record.key: [record] for record in mine}
    planted: dict[str, DiscrepancyKind] = {}
    for number, record in enumerate(chance.sample(mine, 48)):
        kind = (K.DELETED, K.TWICE, K.AMOUNT, K.OTHER, K.STATE, K.MISSING)[number % 6]
        planted[record.key] = kind
        (known,) = there[record.key]
        there[record.key] = {
            K.DELETED: [],
            K.MISSING: [],
            K.TWICE: [known, known.model_copy(update={"ref": "again"})],
            K.AMOUNT: [known.model_copy(update={"amount": known.amount + Decimal("0.25")})],
            K.OTHER: [known.model_copy(update={"whose": "somebody@x.example"})],
            K.STATE: [known.model_copy(update={"state": "void"})],
        }[kind]
        if kind is K.MISSING:
            at = mine.index(record)
            mine[at] = record.model_copy(update={"ref": ""})
    for name in ("by-hand-1", "by-hand-2"):
        there[name] = [theirs(key="", ref=name)]
        planted[name] = K.UNKNOWN
    told = [record for records in there.values() for record in records]
    chance.shuffle(told)

    found = compare(Kept.TIME, mine, told)

    assert {one.key or one.refs[0]: one.kind for one in found} == planted
    assert Counter(planted.values())[K.UNKNOWN] == 2
    assert len(found) == 50


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.decimals(-24, 24, places=2)),
        unique_by=lambda one: one[0],
    ),
    st.randoms(use_true_random=False),
)
def test_the_same_records_in_any_order_agree(
    records: list[tuple[int, Decimal]], chance: random.Random
) -> None:
    mine = [ours(str(key), str(amount)) for key, amount in records]
    there = list(mine)
    chance.shuffle(there)

    assert compare(Kept.TIME, mine, there) == ()


@given(
    st.dictionaries(st.integers(0, 12), st.decimals(-24, 24, places=2)),
    st.dictionaries(st.integers(0, 12), st.decimals(-24, 24, places=2)),
)
def test_the_differences_add_up_to_what_the_sums_are_apart(
    here: dict[int, Decimal], there: dict[int, Decimal]
) -> None:
    mine = [ours(str(key), str(amount)) for key, amount in here.items()]
    others = [theirs(str(key), str(amount)) for key, amount in there.items()]

    found = compare(Kept.TIME, mine, others)

    apart = sum(there.values(), Decimal(0)) - sum(here.values(), Decimal(0))
    assert sum((one.difference for one in found), Decimal(0)) == apart
