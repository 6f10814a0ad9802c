"""One's own week: entered cell by cell, judged at once, handed in; and what was spent in it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from fairlead.web.hours import minutes_of, shown

from .conftest import Browser, Desk

WEEK = "2026-03-02"
WHO = "consultant"


def cell(day: str = "2026-03-03", task: str = "10", kind: str = "work", nth: int = 0) -> str:
    return f"e-2001:{task}:{kind}:{nth}:{day}"


def save(
    b: Browser,
    hours: str,
    day: str = "2026-03-03",
    seen: tuple[str, int] | None = None,
    **more: str,
) -> httpx.Response:
    saw = {"entry": seen[0], "version": str(seen[1])} if seen else {}
    fields = {"cell": cell(day), "hours": hours, **saw, **more}
    return b.post("/my-time/cells", fields, part="v-x")


def entries(desk: Desk, day: str = "2026-03-03", who: str = WHO) -> list[dict[str, Any]]:
    with desk.db.transaction() as tx:
        return tx.execute(
            "SELECT * FROM time_entries WHERE resource_id = %s AND day = %s ORDER BY entered_at",
            [who, day],
        ).fetchall()


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [
        ("7:30", 450), ("7.5", 450), ("7,5", 450), ("7", 420), (",5", 30), ("0:15", 15),
        ("24", 1440), ("", None), ("0", None), (" 8 : 00 ", 480), ("7.33", 440),
    ],
)  # fmt: skip
def test_hours_are_read_as_people_write_them(typed: str, minutes: int | None) -> None:
    assert minutes_of(typed) == minutes


def test_hours_are_shown_with_minutes() -> None:
    assert (shown(450), shown(0), shown(-90)) == ("7:30", "0:00", "−1:30")


def test_a_cell_is_entered_changed_and_emptied(desk: Desk) -> None:
    b = desk.signed_in(WHO)

    entered = save(b, "7,5")
    (row,) = entries(desk)
    changed = save(b, "8:00", seen=(str(row["id"]), row["version"]))
    (now,) = entries(desk)
    emptied = save(b, "", seen=(str(now["id"]), now["version"]))

    assert (entered.status_code, changed.status_code, emptied.status_code) == (200, 200, 200)
    assert (row["minutes"], row["source"], now["minutes"]) == (450, "web", 480)
    assert 'data-shown="7:30"' in entered.text
    assert 'id="wt" hx-swap-oob="true">9:30<' in entered.text  # two hours of Monday were there
    assert entries(desk) == []


def test_a_cell_sent_twice_is_one_entry(desk: Desk) -> None:
    b = desk.signed_in(WHO)

    first, again = save(b, "7:30"), save(b, "7:30")
    (row,) = entries(desk)
    change = [save(b, "6", seen=(str(row["id"]), row["version"])) for _ in range(2)]

    assert first.status_code == again.status_code == 200
    assert [one.status_code for one in change] == [200, 200]
    assert [one["minutes"] for one in entries(desk)] == [360]


def test_what_another_tab_saved_meanwhile_is_shown_and_not_overwritten(desk: Desk) -> None:
    b, other = desk.signed_in(WHO), desk.signed_in(WHO)
    save(b, "7:30")
    (row,) = entries(desk)
    save(other, "6:00", seen=(str(row["id"]), row["version"]))

    told = save(b, "8:00", seen=(str(row["id"]), row["version"]))

    assert told.status_code == 409
    assert "6:00 was saved elsewhere meanwhile" in told.text
    assert "Keep 6:00" in told.text
    assert "Save 8:00" in told.text
    assert [one["minutes"] for one in entries(desk)] == [360]
    assert save(b, "5:00").status_code == 409  # as from a page on which the cell was empty


def test_what_a_rule_finds_comes_back_at_once_with_value_and_remedy(desk: Desk) -> None:
    b = desk.signed_in(WHO)

    answer = save(b, "13:00", more="yes", note="Built the interface")

    assert re.search(r"T-07.*13", answer.text)
    assert "Check the minutes of this day." in answer.text


def test_hours_that_are_none_are_refused_beside_the_cell(desk: Desk) -> None:
    answer = save(desk.signed_in(WHO), "half a day")

    assert answer.status_code == 422
    assert "7:30, 7.5 or 7,5" in answer.text
    assert "half a day" not in answer.text
    assert entries(desk) == []


def test_a_note_with_hours_of_the_day_is_kept_when_only_the_hours_change(desk: Desk) -> None:
    b = desk.signed_in(WHO)
    save(b, "2:00", more="yes", note="Cutover", begins="22:00", ends="1:00")
    (row,) = entries(desk)

    fits = save(b, "3:00", seen=(str(row["id"]), row["version"]))
    (row,) = entries(desk)
    too_long = save(b, "4:00", seen=(str(row["id"]), row["version"]))

    assert fits.status_code == 200
    assert (row["narrative"], row["begins"], row["ends"], row["minutes"]) == (
        "Cutover", 1320, 1500, 180,
    )  # fmt: skip
    assert too_long.status_code == 422


def test_a_week_with_errors_is_not_handed_in_and_each_error_leads_to_its_cell(desk: Desk) -> None:
    b = desk.signed_in(WHO)
    with desk.db.transaction() as tx:
        tx.execute("UPDATE time_entries SET task = '77' WHERE resource_id = %s", [WHO])

    answer = b.post("/my-time/submit", {"week": WEEK}, part="my-week")

    assert answer.status_code == 422
    assert "The week was not handed in" in answer.text
    href = re.search(r'href="#(i-[^"]+)">Vantor', answer.text)
    assert href is not None
    assert f'id="{href[1]}"' in answer.text
    assert [one["state"] for one in entries(desk, WEEK)] == ["draft"]


def test_a_week_is_handed_in_and_taken_back(desk: Desk) -> None:
    b = desk.signed_in(WHO)

    handed = b.post("/my-time/submit", {"week": WEEK}, part="my-week")
    assert "Handed in" in handed.text
    assert "Take back" in handed.text
    assert [one["state"] for one in entries(desk, WEEK)] == ["submitted"]

    back = b.post("/my-time/take-back", {"week": WEEK}, part="my-week")
    assert "Hand in week 10" in back.text
    assert [one["state"] for one in entries(desk, WEEK)] == ["draft"]


def test_what_is_approved_cannot_be_typed_over(desk: Desk) -> None:
    b = desk.signed_in(WHO)
    (row,) = entries(desk, WEEK)
    with desk.db.transaction() as tx:
        tx.execute("UPDATE time_entries SET state = 'approved' WHERE id = %s", [row["id"]])

    page = b.get(f"/my-time?week={WEEK}").text
    told = save(b, "1:00", WEEK, seen=(str(row["id"]), row["version"]))

    assert told.status_code == 409
    assert "It is approved by now, with 2:00" in told.text
    assert "Approved" in page


def test_lines_are_in_the_address_and_those_of_last_week_can_be_copied(desk: Desk) -> None:
    b = desk.signed_in(WHO)

    empty = b.get("/my-time?week=2026-03-09").text
    copied = re.search(r'href="(/my-time\?week=2026-03-09&amp;rows=[^"]+)">', empty)
    assert copied is not None
    filled = b.get(copied[1].replace("&amp;", "&")).text

    assert 'class="wk-r"' not in empty
    assert filled.count('class="wk-r"') == 1
    assert entries(desk, "2026-03-09") == []
    added = b.get("/my-time?week=2026-03-09&row=e-2001%3A10%3Awork%3A0&kind=travel").text
    assert "Travel" in added.split('class="wk-r"')[1]


def test_a_line_of_an_engagement_that_is_not_ones_own_is_not_added(desk: Desk) -> None:
    b = desk.signed_in(WHO)

    page = b.get(f"/my-time?week={WEEK}&rows=e-2002:10:work:0,<script>,a:b,e-2001:10:travel:0").text
    refused = b.post(
        "/my-time/cells", {"cell": "e-2002:10:work:0:2026-03-03", "hours": "8"}, part="v-x"
    )

    assert page.count('class="wk-r"') == 2
    assert "ENG-2002" not in page
    assert refused.status_code == 422
    assert entries(desk) == []


def test_leave_and_holidays_are_marked_and_are_not_owed(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute(
            "INSERT INTO absences (resource_id, starts_on, source, ends_on, kind)"
            " VALUES (%s, '2026-04-02', 'hr', '2026-04-02', 'Vacation')",
            [WHO],
        )

    page = desk.signed_in(WHO).get("/my-time?week=2026-03-30").text

    assert "leave: vacation" in page
    assert page.count("public holiday") == 1  # Good Friday
    assert "of 24:00" in page  # of five days, two are off


def test_a_week_in_which_less_was_worked_is_declared_complete(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute(
            "INSERT INTO timesheets (resource_id, week, state, due_at)"
            " VALUES (%s, %s, 'open', '2026-03-09T12:00:00Z')",
            [WHO, WEEK],
        )
    b = desk.signed_in(WHO)

    page = b.get(f"/my-time?week={WEEK}").text
    refused = b.post("/my-time/declare", {"week": WEEK, "reason": " "}, part="my-week")
    done = b.post("/my-time/declare", {"week": WEEK, "reason": "On the bench."}, part="my-week")
    again = b.post("/my-time/declare", {"week": WEEK, "reason": "On the bench."}, part="my-week")

    assert "To be handed in by" in page
    assert (refused.status_code, done.status_code, again.status_code) == (422, 200, 409)
    assert "On the bench." in done.text
    assert "The week is complete</button>" not in done.text


def test_who_books_no_time_is_told_whom_to_ask(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("DELETE FROM resources WHERE id = %s", [WHO])
    b = desk.signed_in(WHO)

    page = b.get("/my-time")

    assert page.status_code == 200
    assert "You are not among the people who book time" in page.text
    assert save(b, "8").status_code == 403


def test_who_may_not_enter_time_has_no_such_page(shared_desk: Desk) -> None:
    assert shared_desk.signed_in("auditor").get("/my-time").status_code == 403
    assert "/my-time" not in shared_desk.signed_in("auditor").get("/account").text


def multipart(fields: dict[str, str], file: bytes | None = None) -> tuple[bytes, str]:
    lines = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if file is not None:
        head = b'--b\r\nContent-Disposition: form-data; name="receipt"; filename="a.png"\r\n'
        lines.append(head + b"Content-Type: image/png\r\n\r\n" + file + b"\r\n")
    return b"".join(lines) + b"--b--\r\n", "multipart/form-data; boundary=b"


def spend(b: Browser, file: bytes | None = None, **fields: str) -> httpx.Response:
    given = {
        "csrf": b.token, "week": WEEK, "key": "k1", "place": "e-2001:10", "day": "2026-03-04",
        "category": "taxi", "amount": "31,50", "currency": "EUR", "merchant": "Taxi", **fields,
    }  # fmt: skip
    content, media_type = multipart(given, file)
    headers = {
        "origin": b.url, "sec-fetch-site": "same-origin", "content-type": media_type,
        "hx-request": "true", "hx-target": "my-expense", "hx-current-url": f"{b.url}/my-time",
    }  # fmt: skip
    return b.send("POST", "/my-time/expenses", content=content, headers=headers)


def spent(desk: Desk) -> list[dict[str, Any]]:
    with desk.db.transaction() as tx:
        return tx.execute(
            "SELECT * FROM expenses WHERE resource_id = %s AND day > %s ORDER BY entered_at",
            [WHO, WEEK],
        ).fetchall()


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\r\n--c\r\n\r"


def test_an_expense_is_entered_once_with_its_receipt_byte_for_byte(desk: Desk) -> None:
    b = desk.signed_in(WHO)

    first, again = spend(b, PNG), spend(b, PNG)
    (row,) = spent(desk)
    kept = b.get(f"/my-time/expenses/{row['id']}/receipt")

    assert (first.status_code, again.status_code) == (200, 200)
    assert str(row["amount"]).startswith("31.50")
    assert kept.content == PNG
    assert "attachment" in kept.headers["content-disposition"]
    assert "31.50" in first.text


def test_an_expense_is_refused_beside_its_field_and_what_was_typed_stays(desk: Desk) -> None:
    answer = spend(desk.signed_in(WHO), amount="1,234", merchant="Taxi <b>München</b>")

    assert answer.status_code == 422
    assert "Is a number such as 1234.50." in answer.text
    assert "Taxi &lt;b&gt;München&lt;/b&gt;" in answer.text
    assert spent(desk) == []


def test_a_daily_allowance_is_computed(desk: Desk) -> None:
    answer = spend(
        desk.signed_in(WHO), category="per_diem", amount="", hours_away="24", breakfast="yes"
    )

    (row,) = spent(desk)
    assert answer.status_code == 200
    assert (row["hours_away"], row["provided"]) == (24, ["breakfast"])
    assert row["amount"] > 0


def test_an_expense_is_changed_handed_in_taken_back_and_deleted(desk: Desk) -> None:
    b = desk.signed_in(WHO)
    spend(b)
    (row,) = spent(desk)
    id = str(row["id"])

    stale = spend(b, id=id, version="7", amount="32")
    changed = spend(b, id=id, version=str(row["version"]), amount="20")
    handed = b.post("/my-time/expenses/submit", {"week": WEEK, "pick": id}, part="my-expense")
    assert (stale.status_code, changed.status_code, handed.status_code) == (412, 200, 200) or (
        stale.status_code == 409
    )
    assert spent(desk)[0]["state"] == "submitted"
    b.post(f"/my-time/expenses/{id}/take-back", {"week": WEEK}, part="my-expense")
    (row,) = spent(desk)
    assert row["state"] == "draft"
    gone = {"week": WEEK, "version": str(row["version"])}
    b.post(f"/my-time/expenses/{id}/delete", gone, part="my-expense")
    assert spent(desk) == []


def test_nobody_sees_or_changes_the_expense_of_another(desk: Desk) -> None:
    spend(desk.signed_in(WHO), PNG)
    (row,) = spent(desk)
    other = desk.signed_in("project-manager")

    assert other.get(f"/my-time/expenses/{row['id']}/receipt").status_code == 404
    assert other.get(f"/my-time/expense?id={row['id']}").status_code == 404
    fields = {"week": WEEK, "version": "1"}
    assert other.post(f"/my-time/expenses/{row['id']}/delete", fields).status_code == 404
