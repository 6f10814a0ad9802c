"""Files of expenses through the API: shown first, taken in once, by programs only."""

from __future__ import annotations

from .conftest import Office

PATH = "/api/v1/expense-imports"
FILE = (
    b"Person,Engagement,Date,Category,Amount,Currency,Merchant\n"
    b"consultant,TH-2001,2026-03-04,taxi,9.50,EUR,Taxi Nord\n"
)


def test_a_file_is_shown_before_it_is_taken_in(office: Office) -> None:
    before = office.count("expenses")
    shown = office.post("relay", PATH, content=FILE).json()
    assert (shown["committed"], shown["added"], shown["faults"]) == (False, 1, [])
    assert office.count("expenses") == before
    taken = office.post("relay", f"{PATH}?commit=true", content=FILE).json()
    assert (taken["committed"], taken["added"]) == (True, 1)
    again = office.post("relay", f"{PATH}?commit=true", content=FILE).json()
    assert (again["added"], again["same"]) == (0, 1)
    assert office.count("expenses") == before + 1


def test_one_fault_keeps_the_whole_file_out(office: Office) -> None:
    bad = FILE + b"consultant,TH-2001,2026-03-04,taxi,none,EUR,\n"
    answer = office.post("relay", f"{PATH}?commit=true", content=bad).json()
    assert (answer["committed"], answer["added"], answer["faults_in_all"]) == (False, 0, 1)
    fault = answer["faults"][0]
    assert (fault["row"], fault["column"], fault["value"]) == (3, "Amount", "none")


def test_what_is_no_file_is_refused(shared_office: Office) -> None:
    answer = shared_office.post("relay", PATH, content=b"a,b\n1,2\n")
    assert answer.status_code == 422
    assert "our own: Person, Engagement" in answer.json()["errors"][0]["rule"]


def test_people_import_nothing_for_others(shared_office: Office) -> None:
    for who in ("consultant", "pmo-lead", "finance", "administrator"):
        assert shared_office.post(who, PATH, content=FILE).status_code == 403
