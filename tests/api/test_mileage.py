"""A distance is paid by what its person has claimed in the tax year already (ITEPA 2003 s 230)."""

from __future__ import annotations

from typing import Any

from .conftest import Office
from .test_expenses import PATH, bring_rates, enter, rules


def drive(office: Office, miles: str, day: str, **more: Any) -> dict[str, Any]:
    said = {"category": "mileage", "amount": None, "country": "GB"}
    return enter(office, quantity=miles, day=day, **said, **more)


def approve_by_hand(office: Office, id: str) -> None:
    with office.db.transaction() as tx:
        tx.execute(
            "UPDATE expenses SET state = 'approved', claimed = 1, decided_at = now() WHERE id = %s",
            [id],
        )


def test_beyond_ten_thousand_miles_of_a_tax_year_less_is_paid(office: Office) -> None:
    """55 p and 25 p from 6 April 2026 on; 45 p and 25 p in the year before."""
    last_year = drive(office, "12000", "2026-04-05")
    first = drive(office, "9000", "2026-04-06")
    second = drive(office, "1500", "2026-05-02")
    third = drive(office, "10", "2026-05-03")

    assert last_year["amount"] == {"amount": "5000.00", "currency": "GBP"}
    assert first["amount"] == {"amount": "4950.00", "currency": "GBP"}
    assert second["amount"] == {"amount": "675.00", "currency": "GBP"}
    assert third["amount"] == {"amount": "2.50", "currency": "GBP"}


def test_a_finding_says_how_a_distance_was_reckoned(office: Office) -> None:
    drive(office, "9000", "2026-04-06")
    more = {"amount": "825.00", "currency": "GBP"}
    claimed = enter(
        office, category="mileage", quantity="1500", day="2026-05-02", country="GB", amount=more
    )

    (found,) = [one for one in claimed["findings"] if one["rule"] == "E-04"]
    assert found["value"] == (
        "GBP 825.00 for a distance of 1500, which is paid with GBP 675.00 (1,000 at 0.55 and 500 "
        "at 0.25 a mile, 9,000 being claimed before since 2026-04-06: HMRC approved mileage "
        "allowance of cars and vans, from 6 April 2026)"
    )


def test_miles_in_another_country_have_its_own_rate(office: Office) -> None:
    drive(office, "12000", "2026-04-06")
    there = enter(office, category="mileage", amount=None, quantity="100", country="US")
    again = drive(office, "100", "2026-05-02")

    assert there["amount"] == {"amount": "72.50", "currency": "USD"}
    assert again["amount"] == {"amount": "25.00", "currency": "GBP"}


def test_what_is_late_counts_what_was_approved_before_it(office: Office) -> None:
    """What was approved stays as it was reckoned, so the rest of the year is what is left."""
    bring_rates(office, ("2026-05-02", "GBP", "EUR", "1.2"), ("2026-04-10", "GBP", "EUR", "1.2"))
    later = drive(office, "9500", "2026-05-02")
    approve_by_hand(office, later["id"])
    late = drive(office, "1000", "2026-04-10")

    assert late["amount"] == {"amount": "400.00", "currency": "GBP"}
    assert "E-04" not in rules(late)


def test_a_file_of_journeys_counts_them_among_each_other(office: Office) -> None:
    rows = "".join(
        f"consultant,TH-2001,2026-05-0{n},mileage,6000,GB,drive {n}\n" for n in (3, 2, 1)
    )
    text = f"Person,Engagement,Date,Category,Quantity,Country,Note\n{rows}"
    path = "/api/v1/expense-imports?commit=true"
    assert office.post("relay", path, content=text.encode()).json()["added"] == 3
    listed = office.get("consultant", f"{PATH}?since=2026-05-01").json()["items"]
    amounts = {one["day"]: one["amount"]["amount"] for one in listed}
    assert amounts == {"2026-05-01": "3300.00", "2026-05-02": "2700.00", "2026-05-03": "1500.00"}
    assert not [one for one in listed if "E-04" in rules(one)]
    assert office.post("relay", path, content=text.encode()).json()["same"] == 3


def test_an_amount_that_is_given_counts_beside_one_that_is_computed(office: Office) -> None:
    text = (
        "Person,Engagement,Date,Category,Quantity,Country,Amount,Currency\n"
        "consultant,TH-2001,2026-05-01,mileage,10000,GB,5000,GBP\n"
        "consultant,TH-2001,2026-05-02,mileage,10,GB,,\n"
    )
    path = "/api/v1/expense-imports?commit=true"
    assert office.post("relay", path, content=text.encode()).json()["added"] == 2
    listed = office.get("consultant", f"{PATH}?since=2026-05-02").json()["items"]
    assert [one["amount"]["amount"] for one in listed] == ["2.50"]
