"""The BambooHR dialect is as strict as the vendor's documents say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.sandbox.bamboohr import BambooHR
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import SystemSpec, World

DATA = "/api/v2/datasets/employee/data"
TIME_OFF = "/api/v1/time_off/requests"


@pytest.fixture(scope="module")
def account() -> Iterator[SandboxProcess]:
    spec = SystemSpec(id="hr", dialect="bamboohr", settings=BambooHR.example_settings())
    with SandboxProcess(World(systems=(spec,))) as running:
        running.plant("hr", "employees", {"firstName": "Ada", "hireDate": "2020-02-03"})
        running.plant("hr", "employees", {"firstName": "Ben", "hireDate": "2022-02-03"})
        gone = {"firstName": "Cyd", "status": "Inactive", "hireDate": "2018-01-01"}
        running.plant("hr", "employees", gone)
        yield running


@pytest.fixture
def http(account: SandboxProcess) -> Iterator[httpx.Client]:
    known = account.client_settings("hr")
    with httpx.Client(
        base_url=known["base_url"], auth=(known["api_key"], "x"), verify=trusted()
    ) as client:
        yield client


def asked(http: httpx.Client, **changes: Any) -> httpx.Response:
    return http.post(DATA, json={"fields": ["eeid", "firstName"], **changes})


def names(reply: httpx.Response) -> list[str]:
    return [row["fields"]["firstName"] for row in reply.json()["data"]]


@pytest.mark.parametrize("auth", [None, ("wrong", "x")])
def test_a_call_without_the_key_is_refused_in_the_vendors_words(
    http: httpx.Client, auth: tuple[str, str] | None
) -> None:
    reply = httpx.get(f"{http.base_url}{TIME_OFF[1:]}", auth=auth, verify=trusted())
    assert (reply.status_code, reply.headers["x-bamboohr-error-message"]) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("status eq 'Active'", ["Ada", "Ben"]),
        ("status ne 'Active'", ["Cyd"]),
        ("status in ('Active', 'Inactive')", ["Ada", "Ben", "Cyd"]),
        ("status eq 'Active' and hireDate gt '2020-02-03'", ["Ben"]),
        ("hireDate ge '2022-02-03' or firstName eq 'Cyd'", ["Ben", "Cyd"]),
    ],
)
def test_a_filter_chooses(http: httpx.Client, wanted: str, found: list[str]) -> None:
    assert names(asked(http, filter=wanted, orderBy="eeid asc")) == found


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"filter": "status eq 'A' and firstName eq 'B' or eeid eq '1'"}, 422),
        ({"filter": "firstName gt 'B'"}, 422),
        ({"filter": "firstName in ('A', 'B')"}, 422),
        ({"filter": "shoeSize eq '44'"}, 422),
        ({"pageSize": 1001}, 422),
        ({"fields": ["jobTitle"]}, 400),
        ({"fields": []}, 400),
        ({"orderBy": "hireDate asc"}, 400),
        ({"limit": 5}, 400),
    ],
)
def test_what_the_documents_do_not_allow_is_refused(
    http: httpx.Client, change: dict[str, Any], status: int
) -> None:
    reply = asked(http, **change)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


def test_pages_follow_the_order(http: httpx.Client) -> None:
    pages = [asked(http, orderBy="eeid desc", pageSize=2, page=page) for page in (1, 2)]
    assert [names(page) for page in pages] == [["Cyd", "Ben"], ["Ada"]]
    assert pages[0].json()["meta"] == {"page": 1, "pageSize": 2, "totalPages": 2, "totalItems": 3}
    assert ["next" in page.json()["links"] for page in pages] == [True, False]


def test_time_off_needs_both_days(http: httpx.Client) -> None:
    assert http.get(TIME_OFF, params={"start": "2026-01-01"}).status_code == 400


def test_a_note_is_left_out_where_that_is_asked_for(
    account: SandboxProcess, http: httpx.Client
) -> None:
    body = {"employeeId": "101", "start": "2026-01-05", "end": "2026-01-06"}
    account.plant("hr", "time_off_requests", body)
    days = {"start": "2026-01-01", "end": "2026-01-31"}
    told = [http.get(TIME_OFF, params=days | more).json() for more in ({}, {"excludeNote": "true"})]
    assert ["notes" in one for [one] in told] == [True, False]
