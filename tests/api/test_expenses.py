"""Expenses over the API: entered, judged, handed in, with receipt and rate."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from .conftest import Office

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
HEIC = b"\0\0\0\x18ftypheic" + b"\0" * 20
PATH = "/api/v1/expenses"


def enter(office: Office, who: str = "consultant", **more: Any) -> dict[str, Any]:
    """Lodging of two nights in Munich, unless said otherwise."""
    said = {
        "engagement": "ENG-2001",
        "day": "2026-03-04",
        "category": "lodging",
        "quantity": "2",
        "amount": {"amount": "300.00", "currency": "EUR"},
        "merchant": "Hotel Adler",
        **more,
    }
    answer = office.post(who, PATH, json=said)
    assert answer.status_code == 201, answer.text
    return answer.json()


def rules(expense: dict[str, Any]) -> list[str]:
    return [one["rule"] for one in expense["findings"]]


def attach(office: Office, id: str, content: bytes = PNG) -> httpx.Response:
    return office.post("consultant", f"{PATH}/{id}/receipt", content=content)


def submit(office: Office, *ids: str, who: str = "consultant") -> dict[str, Any]:
    answer = office.post(who, f"{PATH}/submit", json={"ids": list(ids)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def bring_rates(office: Office, *rates: tuple[str, str, str, str]) -> httpx.Response:
    return office.post(
        "finance",
        "/api/v1/exchange-rates",
        json={
            "rates": [
                {
                    "day": day,
                    "from_currency": source,
                    "to_currency": target,
                    "rate": rate,
                    "source": "ECB",
                }
                for day, source, target, rate in rates
            ]
        },
    )


def test_what_is_entered_is_a_draft_that_says_what_is_missing(office: Office) -> None:
    entered = enter(office)

    assert (entered["state"], entered["resource"]) == ("draft", "consultant")
    assert entered["claimed"] == {"amount": "300.00", "currency": "EUR"}
    assert rules(entered) == ["E-05"]
    assert entered["findings"][0]["severity"] == "error"


def test_an_engagement_that_one_neither_works_on_nor_sees_is_as_one_that_is_not_there(
    office: Office,
) -> None:
    said = {"day": "2026-03-04", "category": "taxi", "amount": {"amount": "9", "currency": "EUR"}}

    answers = [
        office.post("consultant.amer", PATH, json={**said, "engagement": name, "task": "none"})
        for name in ("ENG-2001", "e-2001", "ENG-9999")
    ]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert len({(answer.json()["detail"], str(answer.json()["errors"])) for answer in answers}) == 1
    enter(office, "pmo-lead.gmbh")  # sees it, and is assigned to it


def test_with_its_receipt_it_is_handed_in_and_waits(office: Office) -> None:
    entered = enter(office)

    kept = attach(office, entered["id"]).json()
    done = submit(office, entered["id"])

    assert (rules(kept), kept["version"]) == ([], 2)
    assert done == {"submitted": [entered["id"]], "refused": []}
    (shown,) = [
        one for one in office.get("consultant", PATH).json()["items"] if one["id"] == entered["id"]
    ]
    assert shown["state"] == "submitted"
    assert office.count("events", "type = 'expenses.submitted'") == 1


def test_what_has_an_error_stays_and_the_rest_is_handed_in(office: Office) -> None:
    good, bad = enter(office), enter(office, category="meals", merchant="Adler Stube")
    attach(office, good["id"])

    done = submit(office, good["id"], bad["id"])

    assert done["submitted"] == [good["id"]]
    (refused,) = done["refused"]
    assert [one["rule"] for one in refused["findings"]] == ["E-01", "E-05"]
    assert "per diem" in refused["findings"][0]["value"]


def test_a_receipt_comes_back_as_it_was_sent(office: Office) -> None:
    entered = enter(office)
    attach(office, entered["id"], HEIC)

    for who, path in (("consultant", "receipt"), ("auditor", "receipt")):
        file = office.get(who, f"{PATH}/{entered['id']}/{path}")
        assert (file.status_code, file.content) == (200, HEIC)
        assert file.headers["content-disposition"].startswith("attachment; ")
    assert office.get("auditor.amer", f"{PATH}/{entered['id']}/receipt").status_code == 404


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(b"", 422, id="nothing"),
        pytest.param(b"MZ\x90\0", 422, id="a-program"),
        pytest.param(b"<html>receipt</html>", 422, id="a-page"),
        pytest.param(PNG + b"\0" * 10 * 1024 * 1024, 413, id="too-large"),
    ],
)
def test_what_is_no_receipt_is_refused(office: Office, content: bytes, status: int) -> None:
    entered = enter(office)

    assert attach(office, entered["id"], content).status_code == status
    assert office.get("consultant", f"{PATH}/{entered['id']}").json()["receipt"] is None


def test_a_receipt_larger_than_a_body_may_otherwise_be_is_taken(office: Office) -> None:
    entered = enter(office)

    assert attach(office, entered["id"], b"%PDF-1.7" + b" " * 3_000_000).status_code == 200


def test_the_same_receipt_again_is_told_to_the_approver(office: Office) -> None:
    first, second = enter(office), enter(office, merchant="Hotel Post", day="2026-03-05")
    attach(office, first["id"])

    kept = attach(office, second["id"]).json()

    assert rules(kept) == ["E-10"]
    assert first["id"][:8] in kept["findings"][0]["value"]


def test_a_per_diem_is_computed_from_the_hours_away_and_the_meals_of_others(
    office: Office,
) -> None:
    entered = enter(
        office, category="per_diem", amount=None, quantity=None, hours_away=24,
        provided=["breakfast", "dinner"],
    )  # fmt: skip

    assert entered["amount"] == {"amount": "11.20", "currency": "EUR"}
    assert rules(entered) == []


def test_mileage_follows_the_rate_of_its_day_and_country(office: Office) -> None:
    bring_rates(office, ("2026-03-04", "USD", "EUR", "0.92"))
    there = enter(office, category="mileage", amount=None, quantity="40", country="US")
    here = enter(office, category="mileage", amount=None, quantity="40.5")

    assert there["amount"] == {"amount": "29.00", "currency": "USD"}
    assert there["claimed"] == {"amount": "26.68", "currency": "EUR"}
    assert here["amount"] == {"amount": "12.15", "currency": "EUR"}


def test_an_amount_is_needed_where_none_can_be_computed(office: Office) -> None:
    for category, more in (("lodging", {}), ("per_diem", {"hours_away": 9, "country": "FR"})):
        answer = office.post(
            "consultant",
            PATH,
            json={"engagement": "e-2001", "day": "2026-03-04", "category": category, **more},
        )
        assert answer.status_code == 422
        assert "amount" in answer.json()["errors"][0]["rule"]


def test_another_currency_is_converted_by_the_last_rate_before_its_day(office: Office) -> None:
    bring_rates(office, ("2026-03-06", "CHF", "EUR", "1.05"), ("2026-03-09", "CHF", "EUR", "1.06"))

    sunday = enter(
        office, day="2026-03-08", country="CH", amount={"amount": "100.10", "currency": "CHF"}
    )

    assert sunday["claimed"] == {"amount": "105.11", "currency": "EUR"}
    assert sunday["rate"] == "1.05000000"


def test_without_a_rate_it_waits_as_a_draft_until_finance_brings_one(office: Office) -> None:
    entered = enter(office, country="CH", amount={"amount": "100", "currency": "CHF"})
    attach(office, entered["id"])
    assert entered["claimed"] is None
    assert "E-11" in rules(entered)
    assert submit(office, entered["id"])["submitted"] == []

    bring_rates(office, ("2026-03-04", "EUR", "CHF", "0.95"))

    assert submit(office, entered["id"])["submitted"] == [entered["id"]]
    kept = office.get("consultant", f"{PATH}/{entered['id']}").json()
    assert kept["claimed"] == {"amount": "105.26", "currency": "EUR"}


def test_a_rate_that_is_kept_is_not_contradicted(office: Office) -> None:
    first = bring_rates(office, ("2026-03-04", "CHF", "EUR", "1.05"))
    again = bring_rates(office, ("2026-03-04", "CHF", "EUR", "1.05"))
    other = bring_rates(
        office, ("2026-03-05", "CHF", "EUR", "1.05"), ("2026-03-04", "CHF", "EUR", "1.06")
    )

    assert (first.json(), again.json()) == ({"new": 1}, {"new": 0})
    assert other.status_code == 422
    assert other.json()["errors"][0]["pointer"] == "/rates/1"
    listed = office.get("consultant", "/api/v1/exchange-rates?currency=CHF").json()["items"]
    assert [(one["day"], one["rate"]) for one in listed] == [("2026-03-04", "1.05")]


def test_only_its_owner_changes_a_draft_and_only_as_they_read_it(office: Office) -> None:
    entered = enter(office)
    said = {
        "engagement": "TH-2001", "day": "2026-03-04", "category": "rail",
        "amount": {"amount": "99.90", "currency": "EUR"},
    }  # fmt: skip

    def change(who: str, version: str | None) -> httpx.Response:
        headers = {} if version is None else {"if-match": version}
        return office.post(who, f"{PATH}/{entered['id']}/change", json=said, headers=headers)

    assert change("project-manager", '"1"').status_code == 404
    assert change("consultant", None).status_code == 428
    assert change("consultant", '"7"').status_code == 412
    changed = change("consultant", '"1"')
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["category"] == "rail"


def test_what_is_handed_in_is_taken_back_before_it_is_changed_or_deleted(office: Office) -> None:
    entered = enter(office)
    attach(office, entered["id"])
    submit(office, entered["id"])

    def delete(version: int) -> int:
        return office.call(
            "consultant", "DELETE", f"{PATH}/{entered['id']}",
            headers={"if-match": f'"{version}"'},
        ).status_code  # fmt: skip

    assert delete(3) == 409
    back = office.post("consultant", f"{PATH}/{entered['id']}/recall").json()
    assert back["state"] == "draft"
    assert delete(back["version"]) == 200
    assert office.get("consultant", f"{PATH}/{entered['id']}").status_code == 404


def test_lists_and_sums_show_ones_own_and_with_the_permission_those_of_others(
    office: Office,
) -> None:
    entered = enter(office)

    assert office.get("auditor", f"{PATH}?mine=false").json()["items"][0]["id"] == entered["id"]
    assert office.get("sales-operations", f"{PATH}?mine=false").status_code == 403
    assert office.get("sales-operations", PATH).json()["items"] == []
    assert office.get("relay", PATH).status_code == 403
    sums = office.get("finance", "/api/v1/expense-sums?mine=false&engagement=ENG-2001").json()
    assert {one["category"]: one["claimed"]["amount"] for one in sums["items"]} == {
        "lodging": "300.00",
        "taxi": "18.40",
    }
    assert office.get("finance.amer", "/api/v1/expense-sums?mine=false").json()["items"] == []


def test_one_command_under_one_key_is_one_expense(office: Office) -> None:
    said = {
        "engagement": "ENG-2001", "day": "2026-03-04", "category": "rail",
        "amount": {"amount": "10", "currency": "EUR"},
    }  # fmt: skip
    key = {"idempotency-key": "one"}

    first, second = (office.post("consultant", PATH, json=said, headers=key) for _ in range(2))

    assert first.json()["id"] == second.json()["id"]
    assert office.count("expenses", "category = 'rail'") == 1


def test_the_database_refuses_to_change_or_delete_what_was_approved(office: Office) -> None:
    entered = enter(office)
    with office.db.transaction() as tx:
        tx.execute("UPDATE expenses SET state = 'approved' WHERE id = %s", [entered["id"]])

    for statement in (
        "UPDATE expenses SET amount = 1 WHERE id = %s",
        "UPDATE expenses SET state = 'draft' WHERE id = %s",
        "DELETE FROM expenses WHERE id = %s",
    ):
        with (
            pytest.raises(psycopg.errors.IntegrityConstraintViolation),
            office.db.transaction() as tx,
        ):
            tx.execute(statement, [entered["id"]])


def test_an_amount_that_nobody_can_pay_is_refused(office: Office) -> None:
    said = {
        "engagement": "ENG-2001", "day": "2026-03-04", "category": "rail", "merchant": "DB",
        "amount": {"amount": "10.005", "currency": "EUR"},
    }  # fmt: skip
    answer = office.post("consultant", PATH, json=said)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/amount/amount"
