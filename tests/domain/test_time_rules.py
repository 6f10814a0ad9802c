"""What the rules of time say of an entry, one by one, and of many at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timesheets import GERMANY, MONDAY, TODAY, entry, facts, found, frame, rows, terms

from fairlead.domain.rules import time_facts as columns
from fairlead.domain.rules.time_judge import judge
from fairlead.domain.rules.time_rules import RULES

TUESDAY, THURSDAY = MONDAY + timedelta(1), MONDAY + timedelta(3)


def test_ordinary_work_is_found_in_order() -> None:
    assert found(entry()) == {}


@pytest.mark.parametrize(
    ("said", "rule", "words"),
    [
        pytest.param({"task": None}, "T-01", "No task is named.", id="no-task"),
        pytest.param({"task": "77"}, "T-01", "TH-1 has no task 77.", id="unknown-task"),
        pytest.param(
            {"task": "20", "day": TUESDAY}, "T-01", "Task 20 was closed on 2026-07-06.", id="closed"
        ),
        pytest.param(
            {"day": MONDAY - timedelta(31)}, "T-02",
            "No assignment to task 10 of TH-1 covers 2026-06-05.", id="before-the-assignment",
        ),
        pytest.param(
            {"resource": "nobody"}, "T-02",
            "No assignment to task 10 of TH-1 covers 2026-07-06.", id="unknown-person",
        ),
        pytest.param(
            {"resource": "bea", "task": "90", "billable": False}, "T-02",
            "No assignment to task 90 of TH-1 covers 2026-07-06.", id="on-another-task",
        ),
        pytest.param(
            {"day": MONDAY - timedelta(2)}, "T-04",
            "2026-07-04 is a Saturday, no working day (Munich).", id="weekend",
        ),
        pytest.param(
            {"resource": "bea"}, "T-05",
            "Booked as Consultant; the assignment is as Architect.", id="other-category",
        ),
        pytest.param(
            {"category": "golf"}, "T-06", "There is no kind of time called golf.", id="kind"
        ),
        pytest.param(
            {"minutes": 615}, "T-07", "10 h 15 m on 2026-07-06; the limit is 10 h 00 m.",
            id="a-quarter-too-long",
        ),
        pytest.param(
            {"day": THURSDAY}, "T-10", "2026-07-09 is a public holiday (Munich).", id="holiday"
        ),
        pytest.param(
            {"resource": "bea", "day": THURSDAY, "role": "Architect"}, "T-12",
            "Employment ended on 2026-07-08.", id="gone",
        ),
        pytest.param(
            {"day": date(2025, 12, 31)}, "T-12", "Employment begins on 2026-01-01.", id="not-yet"
        ),
        pytest.param(
            {"day": TODAY + timedelta(1)}, "T-13",
            "2026-07-11 is later than may be booked today.", id="tomorrow",
        ),
        pytest.param(
            {"narrative": "   "}, "T-15", "There is no narrative; 10 characters are needed.",
            id="blank",
        ),
        pytest.param(
            {"narrative": "too short"}, "T-15", "9 characters; 10 are needed.", id="nine"
        ),
        pytest.param({"minutes": 50}, "T-18", "0 h 50 m is no multiple of 15 minutes.", id="50"),
        pytest.param(
            {"minutes": 1455}, "T-19", "24 h 15 m are booked on 2026-07-06.", id="more-than-a-day"
        ),
        pytest.param(
            {"category": "training"}, "T-20",
            "training is never billed, but the entry is billable.", id="training",
        ),
        pytest.param(
            {"task": "90"}, "T-20", "Task 90 is not billed, but the entry is billable.", id="task"
        ),
    ],
)  # fmt: skip
def test_a_rule_says_what_it_found(said: dict[str, Any], rule: str, words: str) -> None:
    assert found(entry(**said))[rule] == words


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"minutes": 600}, id="exactly-ten-hours"),
        pytest.param({"narrative": "ten chars."}, id="exactly-ten-characters"),
        pytest.param({"task": "20"}, id="on-the-day-that-a-task-closes"),
        pytest.param({"resource": "bea", "role": "Architect"}, id="on-the-first-day"),
        pytest.param({"day": TODAY}, id="today"),
        pytest.param({"category": "training", "billable": False}, id="training-not-billed"),
    ],
)
def test_a_limit_is_not_yet_broken_at_the_limit(said: dict[str, Any]) -> None:
    assert found(entry(**said)) == {}


def test_a_closed_engagement_takes_nothing() -> None:
    closed = facts(deliveries=rows(columns.DELIVERIES, ("eng-1", "TH-1", "TH-GMBH", True, 1)))
    assert found(entry(), by=closed)["T-01"] == "TH-1 is closed."
    assert "not launched" in found(entry(engagement="eng-9"))["T-01"]


def test_a_closed_month_takes_nothing_of_its_company() -> None:
    july = rows(columns.CLOSED, ("TH-GMBH", date(2026, 7, 1)))
    assert found(entry(), by=facts(closed=july)) == {"T-14": "2026-07 is closed for TH-GMBH."}
    others = rows(columns.CLOSED, ("TH-LTD", date(2026, 7, 1)), ("TH-GMBH", date(2026, 6, 1)))
    assert found(entry(), by=facts(closed=others)) == {}


def test_nobody_works_while_on_leave() -> None:
    away = rows(columns.ABSENCES, ("ayo", MONDAY, "Vacation"))
    said = found(entry(), by=facts(absences=away))
    assert said == {"T-11": "The HR system shows Vacation on 2026-07-06."}


def test_a_day_counts_all_engagements_of_a_person() -> None:
    other = entry("e2", minutes=495, judged=False, task="90", billable=False)
    assert list(found(entry(), other)) == ["T-07"]
    assert found(entry(), other | {"resource": "bea"}) == {}


def test_a_week_runs_from_monday_to_sunday() -> None:
    week = [entry(f"e{n}", day=MONDAY + timedelta(n), minutes=585, judged=False) for n in range(5)]
    assert found(*week, entry(day=MONDAY - timedelta(3))) == {}
    said = found(*week[1:], entry("mon", minutes=585))
    assert said["T-08"] == "48 h 45 m in the week of 2026-07-06; the limit is 48 h 00 m."
    assert said["T-22"] == "48 h 45 m in the week of 2026-07-06; 40 h 00 m are contracted."


def test_overtime_within_what_was_agreed_is_none() -> None:
    week = [entry(f"e{n}", day=MONDAY + timedelta(n), minutes=510) for n in (0, 1, 2, 4)]
    exactly = entry("e9", day=TODAY, minutes=600)  # 44 h: a tenth more than 40
    assert "T-22" not in found(*week, exactly)
    assert "T-22" in found(*week, exactly | {"minutes": 615})


def test_rest_is_counted_between_the_hours_of_two_days() -> None:
    late = entry("e1", begins=16 * 60, ends=23 * 60 + 30, minutes=450)
    early = entry("e2", day=TUESDAY, begins=8 * 60, ends=10 * 60)
    words = "At most 8 h 30 m of rest beside the work of 2026-07-07; 11 h 00 m are due."
    assert found(late, early, of="e2") == {"T-09": words}
    assert found(late, early | {"begins": 10 * 60 + 30, "ends": 12 * 60}) == {}


def test_a_day_of_fourteen_hours_leaves_no_rest_however_they_lie() -> None:
    assert "T-09" in found(entry(minutes=840))
    assert "T-09" not in found(entry(minutes=780))


def test_two_alike_are_one_too_many() -> None:
    first, second = entry("a", rank=2), entry("b", rank=1, narrative=entry("a")["narrative"])
    assert found(first, second, of="b") == {}
    assert list(found(first, second, of="a")) == ["T-16"]
    assert list(found(first, second | {"rank": 2}, of="b")) == ["T-16"]  # entered in one go
    assert found(first, second | {"narrative": "something else, though"}) == {}
    assert found(first, second | {"settled": True}) == {}  # it was taken back


def test_words_of_yesterday_are_noticed() -> None:
    monday = entry("a", narrative="status meeting")
    tuesday = entry("b", narrative="status meeting", day=TUESDAY)
    assert found(monday, tuesday) == {"T-17": "Words and minutes are those of 2026-07-06."}
    assert found(monday, tuesday | {"minutes": 60}) == {}
    assert found(monday, tuesday | {"day": MONDAY + timedelta(2)}) == {}


def test_plans_are_used_up_from_a_day_on() -> None:
    over = rows(
        columns.OVERRUNS,
        ("eng-1", "10", None, None, MONDAY, 6000, 5940),
        ("eng-1", None, "ayo", "Consultant", TUESDAY, 100, 60),
        ("eng-1", None, None, None, TUESDAY, 9000, 8940),
    )
    by = facts(overruns=over)
    words = "100 h 00 m are booked on task 10, 99 h 00 m are planned."
    assert found(entry(), by=by) == {"T-03": words}
    said = found(entry(day=TUESDAY), by=by)["T-03"]
    assert "the engagement" in said
    assert "the assignment" in said
    assert said.count("booked") == 3
    assert found(entry(task="90", billable=False), by=by) == {}


def test_beyond_the_cap_only_billable_time_is_named() -> None:
    cap = facts(caps=rows(columns.CAPS, ("eng-1", MONDAY, "EUR 100,020.00", "EUR 100,000.00")))
    words = "EUR 100,020.00 was worked; the contract is capped at EUR 100,000.00."
    assert found(entry(), by=cap) == {"T-21": words}
    assert found(entry(billable=False), by=cap) == {}


def test_a_policy_switches_rules_but_not_those_that_are_fixed() -> None:
    off = facts(terms=terms(GERMANY, **{rule.id.replace("-", "_"): "off" for rule in RULES}))
    everything = entry(task=None, minutes=1455, category="golf", resource="bea", narrative="")
    assert set(found(everything, by=off)) == {"T-01", "T-06", "T-19"}
    warned = judge(frame([entry(narrative="")]), facts(terms=terms(T_15="warning")))
    assert warned["severity"].to_list() == ["warning"]


def test_a_figure_that_a_policy_leaves_open_is_no_limit() -> None:
    unlimited = facts(terms=terms(dict.fromkeys(GERMANY)))
    later = entry(minutes=1440, narrative="", day=TODAY + timedelta(1))
    assert list(found(later, by=unlimited)) == ["T-04"]


def test_what_takes_back_is_not_judged_but_counts() -> None:
    long, back = entry("a", minutes=615), entry("b", minutes=-615, settled=True)
    assert found(back | {"task": None}) == {}
    assert found(long | {"settled": True}, back, entry("c")) == {}


ENTRY = st.builds(
    entry,
    st.integers(0, 10**9).map(str),
    engagement=st.sampled_from(["eng-1", "eng-1", "eng-1", "eng-9"]),
    task=st.sampled_from([None, "10", "20", "90", "77"]),
    resource=st.sampled_from(["ayo", "bea", "nobody"]),
    day=st.integers(-8, 8).map(lambda n: MONDAY + timedelta(n)),
    minutes=st.integers(1, 1440),
    role=st.sampled_from(["Consultant", "Architect"]),
    category=st.sampled_from(["work", "training", "golf"]),
    billable=st.booleans(),
    narrative=st.sampled_from(["", " x ", "status meeting", "wrote the interfaces"]),
    rank=st.integers(0, 3),
    settled=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ENTRY, max_size=25, unique_by=lambda e: e["id"]))
def test_an_entry_is_judged_alike_alone_and_among_others(entries: list[dict[str, Any]]) -> None:
    """The grid judges one person's weeks, the job a whole month: the answer is the same."""
    together = judge(frame(entries), facts())
    alone: list[pl.DataFrame] = []
    for one in entries:
        near = [
            other | {"judged": other is one}
            for other in entries
            if other["resource"] == one["resource"] and abs((other["day"] - one["day"]).days) <= 8
        ]
        alone.append(judge(frame(near), facts()))
    expected = pl.concat(alone).sort("item", "rule") if alone else together
    assert together.equals(expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(ENTRY, min_size=1, max_size=12, unique_by=lambda e: e["id"]), st.randoms())
def test_the_order_of_rows_says_nothing(entries: list[dict[str, Any]], dice: Any) -> None:
    before = judge(frame(entries), facts())
    dice.shuffle(entries)
    assert judge(frame(entries), facts()).equals(before)
