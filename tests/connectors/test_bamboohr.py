"""BambooHR: the port's contract, its own limits, and each trouble mapped to the right error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import simplejson
from contract_people import Bench, PeopleContract, Person, today

from fairlead.connectors.bamboohr import answers
from fairlead.connectors.bamboohr.adapter import BambooHRPeople
from fairlead.connectors.bamboohr.declaration import CONNECTOR
from fairlead.connectors.bamboohr.settings import BambooHRSettings
from fairlead.connectors.kit.declaration import Reads, over_http
from fairlead.connectors.kit.http import Http, OpenGate
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.errors import SystemRefused, SystemTrouble, SystemUnavailable, Throttled
from fairlead.ports.people import People
from fairlead.sandbox.process import SandboxProcess

SYSTEM = "bamboohr"
FIXTURES = Path(__file__).parents[2] / "src/fairlead/connectors/bamboohr/fixtures"
SET_UP: dict[str, Any] = {
    "roles": {"Senior Consultant": ["Senior Consultant", "Consultant"], "Office Manager": []},
    "places": {"Munich": {"region": "EMEA", "country": "DE"}},
}


def adapter(
    settings: Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> BambooHRPeople:
    given = BambooHRSettings.model_validate(settings)
    http = over_http(SYSTEM, given, OpenGate())
    return BambooHRPeople(SYSTEM, given, http, FieldMap.load(CONNECTOR.mapping, changes=changes))


class BambooHRBench(Bench):
    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.settings = sandbox.client_settings(SYSTEM) | SET_UP
        self.people = adapter(self.settings)

    def add(self, person: Person) -> str:
        gone = person.ends_on is not None and person.ends_on < today()
        here = person.starts_on <= today() and not gone
        body = {
            "firstName": person.first_name,
            "lastName": person.last_name,
            "email": person.email,
            "jobInformationJobTitle": person.title,
            "jobInformationLocation": person.location,
            "standardHoursPerWeek": None if person.hours is None else f"{person.hours:f}",
            "hireDate": person.starts_on.isoformat(),
            "terminationDate": person.ends_on.isoformat() if person.ends_on else None,
            "status": "Active" if here else "Inactive",
        }
        return self.sandbox.plant(SYSTEM, "employees", body)["id"]

    def add_many(self, count: int) -> None:
        for number in range(count):
            self.sandbox.plant(SYSTEM, "employees", {"firstName": f"No. {number}"})

    def take_leave(
        self, person: str, start: date, end: date, kind: str, *, approved: bool = True
    ) -> None:
        body = {
            "employeeId": person,
            "start": start.isoformat(),
            "end": end.isoformat(),
            "type": kind,
            "status": "approved" if approved else "requested",
        }
        self.sandbox.plant(SYSTEM, "time_off_requests", body)


@pytest.fixture
def bamboo(sandbox: SandboxProcess) -> BambooHRBench:
    sandbox.clear()
    return BambooHRBench(sandbox)


class TestBambooHRPeople(PeopleContract):
    @pytest.fixture
    def bench(self, bamboo: BambooHRBench) -> Bench:
        return bamboo


# -- what is its own ---------------------------------------------------------------------------


def test_a_preferred_name_goes_before_the_given_one(bamboo: BambooHRBench) -> None:
    body = {"firstName": "Robert", "preferredName": "Bob", "lastName": "Quill"}
    bamboo.sandbox.plant(SYSTEM, "employees", body)
    [found] = bamboo.people.resources()
    assert found.name == "Bob Quill"


def test_a_title_with_no_roles_is_not_sold(bamboo: BambooHRBench) -> None:
    bamboo.add(Person(title="Office Manager"))
    [found] = bamboo.people.resources()
    assert found.roles == ()


def test_a_firm_moves_a_field(bamboo: BambooHRBench) -> None:
    bamboo.sandbox.plant(SYSTEM, "employees", {"employmentStatus": "Delivery Lead"})
    moved = {"resource": {"job_title": "employmentStatus"}}
    [found] = adapter(bamboo.settings, moved).resources()
    assert found.job_title == "Delivery Lead"


def test_a_field_that_the_keys_user_may_not_see_is_said_aloud(bamboo: BambooHRBench) -> None:
    body = {"_restrictedFields": ["standardHoursPerWeek"], "standardHoursPerWeek": "20"}
    bamboo.sandbox.plant(SYSTEM, "employees", body)
    with pytest.raises(SystemRefused, match="may not see standardHoursPerWeek"):
        bamboo.people.resources()


def test_a_field_that_is_not_there_is_refused_with_its_name(bamboo: BambooHRBench) -> None:
    moved = {"resource": {"location": "customOffice"}}
    with pytest.raises(SystemRefused, match="Unknown field customOffice"):
        adapter(bamboo.settings, moved).resources()


def test_why_somebody_is_away_is_never_asked_for(bamboo: BambooHRBench) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=[])

    over_the_wire(answer).absences(date(2026, 1, 1), date(2026, 1, 31))
    assert seen[0].url.params["excludeNote"] == "true"


# -- trouble -----------------------------------------------------------------------------------


def over_the_wire(answer: Callable[[httpx.Request], httpx.Response]) -> BambooHRPeople:
    http = Http(SYSTEM, "https://th.bamboohr.example", transport=httpx.MockTransport(answer))
    given = BambooHRSettings.model_validate(
        {"base_url": "https://th.bamboohr.example", "api_key": "k", **SET_UP}
    )
    return BambooHRPeople(SYSTEM, given, http, FieldMap.load(CONNECTOR.mapping))


def test_a_refused_key_needs_a_person(bamboo: BambooHRBench) -> None:
    people = adapter(bamboo.settings | {"api_key": "of-somebody-who-left"})
    with pytest.raises(SystemUnavailable, match="refused our sign-in"):
        people.ping()


CALLS: dict[str, Callable[[People], object]] = {
    "dataset.read": lambda people: people.resources(),
    "time_off.list": lambda people: people.absences(date(2026, 3, 1), date(2026, 3, 31)),
    "company.read": lambda people: people.ping(),
}
TROUBLES: dict[str, tuple[dict[str, Any], type[SystemTrouble]]] = {
    "429 with seconds": ({"kind": "rate_limit", "retry_after": 7}, Throttled),
    "429 with a date": ({"kind": "rate_limit", "retry_after": "date"}, Throttled),
    "429 with nothing": ({"kind": "rate_limit", "retry_after": "none"}, Throttled),
    "503": ({"kind": "status", "status": 503}, SystemUnavailable),
    "500": ({"kind": "status", "status": 500}, SystemUnavailable),
    "request lost": ({"kind": "lose_request"}, SystemUnavailable),
    "answer lost": ({"kind": "lose_answer"}, SystemUnavailable),
    "answer cut": ({"kind": "half_answer"}, SystemUnavailable),
    "HTML in a 200": ({"kind": "html"}, SystemUnavailable),
    "no JSON in a 200": ({"kind": "bad_json"}, SystemUnavailable),
    "403": ({"kind": "status", "status": 403}, SystemRefused),
    "404": ({"kind": "status", "status": 404}, SystemRefused),
}


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("name", TROUBLES)
def test_a_read_that_fails_may_be_repeated_or_needs_a_person(
    bamboo: BambooHRBench, name: str, operation: str
) -> None:
    fault, wanted = TROUBLES[name]
    bamboo.sandbox.faults(SYSTEM, {"match": {"operation": operation}, "times": 1, **fault})
    with pytest.raises(wanted):
        CALLS[operation](bamboo.people)
    assert bamboo.sandbox.fired(SYSTEM) == [1]
    CALLS[operation](bamboo.people)


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_is_asked_for_is_passed_on(status: int) -> None:
    people = over_the_wire(lambda request: httpx.Response(status, headers={"retry-after": "9"}))
    with pytest.raises(SystemUnavailable) as caught:
        people.ping()
    assert caught.value.retry_after == timedelta(seconds=9)
    assert isinstance(caught.value, Throttled) == (status == 429)


def test_a_cut_page_is_not_taken_for_a_complete_one(bamboo: BambooHRBench) -> None:
    for _ in range(4):
        bamboo.add(Person())
    bamboo.sandbox.faults(SYSTEM, {"kind": "partial_page", "at": "data", "keep": 3})
    with pytest.raises(SystemUnavailable, match="told 3 of 4"):
        bamboo.people.resources()


DRIFTS = {
    "fields.eeid": ({"at": "data.*.fields.eeid", "how": "remove"}, "dataset.read"),
    "totalItems": ({"at": "meta.totalItems", "how": "remove"}, "dataset.read"),
    "totalPages": ({"at": "meta.totalPages", "how": "retype"}, "dataset.read"),
    "standardHoursPerWeek": (
        {"at": "data.*.fields.standardHoursPerWeek", "how": "set", "to": "full"}, "dataset.read"
    ),
    "hours_per_week": (
        {"at": "data.*.fields.standardHoursPerWeek", "how": "set", "to": "-1"}, "dataset.read"
    ),
    "hireDate": (
        {"at": "data.*.fields.hireDate", "how": "set", "to": "01/04/2021"}, "dataset.read"
    ),
    "employeeId": ({"at": "*.employeeId", "how": "remove"}, "time_off.list"),
    "0.start": ({"at": "*.start", "how": "set", "to": "next week"}, "time_off.list"),
    "ends before it starts": ({"at": "*.end", "how": "set", "to": "2026-03-01"}, "time_off.list"),
}  # fmt: skip


@pytest.mark.parametrize("path", DRIFTS)
def test_an_answer_of_another_shape_is_refused_by_path(bamboo: BambooHRBench, path: str) -> None:
    person = bamboo.add(Person())
    bamboo.take_leave(person, date(2026, 3, 10), date(2026, 3, 10), "Sick")
    fault, operation = DRIFTS[path]
    bamboo.sandbox.faults(SYSTEM, {"kind": "drift", **fault})
    with pytest.raises(SystemRefused, match=f"(?s)not as documented.*{path}"):
        CALLS[operation](bamboo.people)


# -- the declaration and recorded answers ------------------------------------------------------


def test_every_method_of_the_port_is_declared_as_reading() -> None:
    methods = {name for name in vars(People) if not name.startswith("_")}
    assert set(CONNECTOR.operations) == {f"people.{name}" for name in methods}
    assert all(isinstance(meaning, Reads) for meaning in CONNECTOR.operations.values())


def test_the_key_is_never_shown() -> None:
    settings = BambooHRSettings.model_validate(
        {"base_url": "https://th.bamboohr.com", "api_key": "se-cret"}
    )
    assert "se-cret" not in f"{settings!r} {settings}"


def recorded(name: str) -> Any:
    return simplejson.loads((FIXTURES / name).read_text("utf-8"), use_decimal=True)


def test_recorded_employees_are_read() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = simplejson.loads(request.content)
        name = "employees_page.json" if "'Active'" in asked["filter"] else None
        nobody: dict[str, Any] = {
            "data": [],
            "links": {},
            "meta": {"totalPages": 0, "totalItems": 0},
        }
        return httpx.Response(200, content=simplejson.dumps(recorded(name) if name else nobody),
                              headers={"content-type": "application/json"})  # fmt: skip

    sofia, bob = over_the_wire(answer).resources()
    assert (sofia.ref.id, sofia.name, sofia.country) == ("104", "Sofía Öberg-Núñez", "DE")
    assert (bob.ref.id, bob.name, bob.email, bob.ends_on) == ("112", "Bob Quill", None, None)
    assert (bob.roles, bob.hours_per_week) == ((), 40)


def test_recorded_time_off_is_read() -> None:
    [request] = answers.time_off(recorded("time_off_requests.json"))
    assert (request.employee, request.type.name) == ("104", "Vacation")
    assert (request.start, request.end) == (date(2026, 3, 30), date(2026, 4, 3))


def test_a_recorded_refusal_reaches_the_person_who_looks() -> None:
    people = over_the_wire(
        lambda request: httpx.Response(422, json=recorded("invalid_filter.json"))
    )
    with pytest.raises(SystemRefused, match="Mixed logical expressions are not supported"):
        people.resources()
