"""Files as other time-tracking products write them, with their quirks, through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Office

PATH = "/api/v1/time-imports"

EXPORTS = Path(__file__).parent / "exports"
TOGGL, TOGGL_OF_2026, HARVEST, CLOCKIFY, KANTATA = (
    (EXPORTS / f"{name}.csv").read_text("utf-8")
    for name in ("toggl", "toggl-2026", "harvest", "clockify", "kantata")
)
CLOCKIFY_OF_GERMANY = CLOCKIFY.replace("06/22/2026", "22.06.2026").replace(
    "06/23/2026", "23.06.2026"
)


def shown(office: Office, text: str | bytes, query: str = "") -> dict[str, Any]:
    raw = text.encode() if isinstance(text, str) else text
    answer = office.post("relay", PATH + query, content=raw)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("text", "format", "minutes"),
    [
        pytest.param(TOGGL, "toggl", 150, id="toggl"),
        pytest.param(TOGGL_OF_2026, "toggl", 90, id="toggl-since-2024"),
        pytest.param(HARVEST, "harvest", 465, id="harvest-semicolons-commas-and-a-total"),
        pytest.param(CLOCKIFY, "clockify", 88, id="clockify-american-with-a-break"),
        pytest.param(CLOCKIFY_OF_GERMANY, "clockify", 88, id="clockify-dotted-days"),
        pytest.param(KANTATA, "kantata", 120, id="kantata-names-of-fields"),
    ],
)
@pytest.mark.parametrize("as_bytes", ["utf-8", "utf-8-sig", "utf-16", "windows"])
def test_a_file_of_another_product_is_taken_as_it_is(
    shared_office: Office, text: str, format: str, minutes: int, as_bytes: str
) -> None:
    raw = (
        text.replace("\n", "\r\n").encode("cp1252")
        if as_bytes == "windows"
        else text.encode(as_bytes)
    )
    answer = shown(shared_office, raw)
    assert (answer["format"], answer["faults"]) == (format, [])
    assert (answer["added"], answer["minutes"]) == (2, minutes)


def test_what_came_of_a_file_is_what_it_says(office: Office) -> None:
    for text in (TOGGL_OF_2026, CLOCKIFY):
        assert shown(office, text, "?commit=true")["committed"]
    listed = office.get("consultant", "/api/v1/time-entries?since=2026-06-01").json()["items"]
    found = {
        (one["day"], one["minutes"], one["task"], one["billable"], one["narrative"])
        for one in listed
    }
    assert found >= {
        ("2026-06-22", 75, None, True, "Mapped it"),
        ("2026-07-14", 60, None, True, "Mapped it"),
    }
    assert "Lunch" not in {one["narrative"] for one in listed}


@pytest.mark.parametrize(
    ("text", "row", "column", "value", "rule"),
    [
        pytest.param(
            TOGGL.replace("01:00:00,,", "25:00:00,,"), 3, "Duration", "25:00:00",
            "is between a minute and a day, as 7.5, 7,5 or 7:30", id="toggl-longer-than-a-day",
        ),
        pytest.param(
            TOGGL_OF_2026.replace('"0:30:00"', '"-"'), 3, "Duration", "", "is not empty",
            id="toggl-still-running",
        ),
        pytest.param(
            HARVEST.replace("25.06.2026", "31.06.2026"), 3, "Date", "31.06.2026",
            "is a day such as 2026-03-02", id="harvest-no-such-day",
        ),
        pytest.param(
            CLOCKIFY.replace('"Deliver"', '"Cook"'), 4, "Task", "Cook",
            "is a task of TH-2001, by code or name", id="clockify-unknown-task",
        ),
        pytest.param(
            KANTATA.replace("false", "perhaps"), 3, "billable", "perhaps", "is yes or no",
            id="kantata-neither-yes-nor-no",
        ),
        pytest.param(
            HARVEST.replace("Total;;;;;;7,75", "Rest;;;;;;7,75"), 4, "Date", "Rest",
            "is a day such as 2026-03-02",
            id="a-row-that-is-no-sum",
        ),
    ],
)  # fmt: skip
def test_a_fault_names_row_column_value_and_rule(
    shared_office: Office, text: str, row: int, column: str, value: str, rule: str
) -> None:
    answer = shown(shared_office, text, "?commit=true")
    assert (answer["committed"], answer["added"]) == (False, 0)
    fault = {"row": row, "column": column, "value": value, "rule": rule}
    assert fault in answer["faults"]


def test_days_that_could_be_read_both_ways_are_asked_about(shared_office: Office) -> None:
    both = CLOCKIFY.replace("06/22/2026", "06/05/2026").replace("06/23/2026", "06/07/2026")
    assert "say which" in shown(shared_office, both)["faults"][0]["rule"]
    assert shown(shared_office, both, "?dates=mdy")["faults"] == []
