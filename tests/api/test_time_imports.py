"""Files of time through the API: shown first, taken in once, by programs only."""

from __future__ import annotations

from .conftest import Office

PATH = "/api/v1/time-imports"
FILE = (
    b"Person,Engagement,Task,Date,Hours,Narrative\n"
    b"consultant,TH-2001,10,2026-07-06,7.5,Mapped it\n"
    b"finance,TH-2001,10,2026-07-06,7:30,Mapped it\n"
)


def test_a_file_is_shown_before_it_is_taken_in(office: Office) -> None:
    before = office.count("time_entries")
    shown = office.post("relay", PATH, content=FILE).json()
    assert (shown["committed"], shown["added"], shown["minutes"]) == (False, 2, 900)
    assert office.count("time_entries") == before
    taken = office.post("relay", f"{PATH}?commit=true", content=FILE).json()
    assert (taken["committed"], taken["added"], taken["faults"]) == (True, 2, [])
    again = office.post("relay", f"{PATH}?commit=true", content=FILE).json()
    assert (again["added"], again["same"]) == (0, 2)
    assert office.count("time_entries") == before + 2


def test_to_take_it_in_is_another_request_than_to_show_it(office: Office) -> None:
    key, before = {"idempotency-key": "march"}, office.count("time_entries")
    shown = office.post("relay", PATH, content=FILE, headers=key)
    again = office.post("relay", PATH, content=FILE, headers=key)
    assert shown.json() == again.json()

    taken = office.post("relay", f"{PATH}?commit=true", content=FILE, headers=key)
    assert (taken.status_code, taken.json()["code"]) == (422, "key_reused")
    assert office.count("time_entries") == before


def test_one_fault_keeps_the_whole_file_out(office: Office) -> None:
    bad = FILE + b"nobody,TH-2001,10,2026-07-06,1,\n"
    answer = office.post("relay", f"{PATH}?commit=true", content=bad).json()
    assert (answer["committed"], answer["added"], answer["faults_in_all"]) == (False, 0, 1)
    fault = answer["faults"][0]
    assert (fault["row"], fault["column"], fault["value"]) == (4, "Person", "nobody")


def test_what_is_no_file_is_refused(shared_office: Office) -> None:
    answer = shared_office.post("relay", PATH, content=b"a,b\n1,2\n")
    assert answer.status_code == 422
    assert "the header is that of" in answer.json()["errors"][0]["rule"]
    large = shared_office.post("relay", PATH, content=b"x" * (10 * 1024 * 1024 + 1))
    assert large.status_code == 413


def test_people_import_nothing_for_others(shared_office: Office) -> None:
    for who in ("consultant", "pmo-lead", "finance", "administrator"):
        assert shared_office.post(who, PATH, content=FILE).status_code == 403
