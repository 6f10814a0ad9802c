"""A month is closed, and opened again, by two people, and not while something waits in it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import Any

import httpx
import pytest

from .conftest import Office
from .test_time_approvals import approve, book, counts, name_deputy

MARCH = "2026-03-01"


def ask(office: Office, who: str = "finance", **more: Any) -> httpx.Response:
    said = {"legal_entity": "DE01", "month": MARCH, "wanted": "closed", **more}
    return office.post(who, "/api/v1/periods/ask", json=said)


def confirm(office: Office, move: httpx.Response, who: str = "controller") -> httpx.Response:
    return office.post(who, f"/api/v1/period-moves/{move.json()['id']}/confirm")


def close(office: Office, **more: Any) -> None:
    assert confirm(office, ask(office, carry=True, **more)).status_code == 200


def test_finance_asks_and_a_controller_closes(office: Office) -> None:
    asked = ask(office, carry=True)
    done = confirm(office, asked)

    assert (asked.status_code, asked.json()["state"]) == (201, "asked")
    assert (done.json()["state"], done.json()["decided_by"]) == ("done", "controller")
    (march,) = [
        one
        for one in office.get("controller", "/api/v1/periods?legal_entity=DE01").json()["items"]
        if one["month"] == MARCH
    ]
    assert (march["state"], march["closed_by"], march["move"]) == ("closed", "controller", None)
    assert office.count("events", "chain = 'period:DE01' AND type = 'period.closed'") == 1


def test_nobody_decides_on_what_they_asked_for(office: Office) -> None:
    asked = ask(office, "controller", carry=True)

    assert confirm(office, asked, "controller").status_code == 403
    assert confirm(office, asked, "finance").status_code == 403
    assert office.count("periods", "state = 'closed'") == 0


def test_a_month_in_which_something_waits_is_not_closed_unless_it_is_carried(
    office: Office,
) -> None:
    book(office, 1)

    refused = ask(office)

    assert refused.status_code == 409
    assert (
        "entries that wait for approval: 1, that are not handed in: 2" in refused.json()["detail"]
    )
    close(office)
    (group,) = approve(office).json()["approved"]
    assert (group["count"], group["late"]) == (1, 1)


def test_what_came_in_after_it_was_asked_for_keeps_it_open(office: Office) -> None:
    asked = ask(office, month="2026-02-01")
    assert asked.status_code == 201
    book(office, 1, day=date(2026, 2, 27))

    assert confirm(office, asked).status_code == 409
    assert counts(approve(office)) == 1
    assert confirm(office, asked).status_code == 200


def test_a_closed_month_is_opened_again_with_a_reason_and_takes_entries(office: Office) -> None:
    close(office)
    assert ask(office, wanted="open").status_code == 422

    asked = ask(office, "controller", wanted="open", reason="A supplier's bill is missing.")
    assert confirm(office, asked, "controller").status_code == 403
    again = office.post("controller", f"/api/v1/period-moves/{asked.json()['id']}/withdraw")
    assert again.json()["state"] == "withdrawn"
    other = ask(office, wanted="open", reason="A supplier's bill is missing.")
    assert confirm(office, other).status_code == 200

    book(office, 1)
    (group,) = approve(office).json()["approved"]
    assert group["late"] == 0


@pytest.mark.parametrize(
    ("more", "status"),
    [
        pytest.param({"month": "2026-03-02"}, 422, id="no-first-day"),
        pytest.param({"month": "2126-03-01"}, 422, id="not-over"),
        pytest.param({"legal_entity": "XX01"}, 404, id="no-company-of-ours"),
        pytest.param({"wanted": "open", "reason": "Because."}, 409, id="open-already"),
        pytest.param({"month": "2026-01-01"}, 409, id="asked-before"),
    ],
)
def test_what_makes_no_sense_is_refused(office: Office, more: dict[str, Any], status: int) -> None:
    assert ask(office, carry=True, **more).status_code == status


def test_whoever_sees_only_one_region_or_company_closes_no_other(office: Office) -> None:
    assert ask(office, "finance.amer", carry=True).status_code == 404
    assert office.get("finance.amer", "/api/v1/periods").json()["items"] == []
    gmbh = office.get("pmo-lead.gmbh", "/api/v1/periods").json()["items"]
    assert {one["legal_entity"] for one in gmbh} == {"DE01"}


def test_each_month_says_what_waits_in_it(office: Office) -> None:
    book(office, 1)
    assert ask(office, carry=True).status_code == 201

    listed = office.get("controller", "/api/v1/periods").json()["items"]

    waits = {(one["legal_entity"], one["month"]): one["submitted"] for one in listed}
    assert len(waits) > 1
    assert {month: n for month, n in waits.items() if n} == {("DE01", MARCH): 1}


def test_a_deputyship_between_the_two_makes_them_one(office: Office) -> None:
    with office.db.transaction() as tx:
        tx.execute(
            "INSERT INTO deputies (id, person, deputy, starts_on, ends_on, named_by, named_at)"
            " VALUES ('d-2', 'finance', 'controller', '2020-01-01', '2099-01-01', 'x', now())"
        )

    assert confirm(office, ask(office, carry=True)).status_code == 403
    assert name_deputy(office, "pmo-lead", "project-manager").status_code == 201


def test_twenty_who_ask_at_once_make_one_request(office: Office) -> None:
    start = Barrier(20)

    def go(n: int) -> int:
        start.wait()
        return ask(office, carry=True).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = Counter(pool.map(go, range(20)))

    assert statuses == {201: 1, 409: 19}
