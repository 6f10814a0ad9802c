"""Acme HR: the port's contract, and each trouble mapped to the right error."""

from datetime import date

import pytest
from acme.adapter import AcmePeople
from acme.declaration import CONNECTOR
from acme.dialect import AcmeHr
from acme.settings import AcmeSettings
from contract_people import Bench, PeopleContract, Person

from fairlead.connectors.kit.declaration import over_http
from fairlead.connectors.kit.http import OpenGate
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.errors import AnswerLost, SystemRefused, SystemTrouble, SystemUnavailable, Throttled
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import SystemSpec, World

SET_UP = {
    "regions": {"Munich": "EMEA"},
    "countries": {"Munich": "DE"},
    "also": {"Senior Consultant": ["Senior Consultant", "Consultant"]},
}


class AcmeBench(Bench):
    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        given = AcmeSettings.model_validate(sandbox.client_settings("acme") | SET_UP)
        http = over_http("acme", given, OpenGate())
        self.people = AcmePeople("acme", given, http, FieldMap.load(CONNECTOR.mapping))

    def add(self, person: Person) -> str:
        body = {
            "display_name": f"{person.first_name} {person.last_name}",
            "work_email": person.email,
            "title": person.title,
            "office": person.location,
            "weekly_hours": None if person.hours is None else f"{person.hours:f}",
            "first_day": person.starts_on.isoformat(),
            "last_day": person.ends_on.isoformat() if person.ends_on else None,
        }
        return self.sandbox.plant("acme", "people", body)["id"]

    def add_many(self, count: int) -> None:
        for number in range(count):
            self.sandbox.plant("acme", "people", {"display_name": f"No. {number}"})

    def take_leave(
        self, person: str, start: date, end: date, kind: str, *, approved: bool = True
    ) -> None:
        days = {"first_day": start.isoformat(), "last_day": end.isoformat()}
        state = "approved" if approved else "asked"
        self.sandbox.plant(
            "acme", "leave", {"person": person, **days, "kind": kind, "state": state}
        )


@pytest.fixture(scope="session")
def sandbox():
    spec = SystemSpec(id="acme", dialect="acme.dialect:AcmeHr", settings=AcmeHr.example_settings())
    with SandboxProcess(World(systems=(spec,))) as running:
        yield running


@pytest.fixture
def acme(sandbox: SandboxProcess) -> AcmeBench:
    sandbox.clear()
    return AcmeBench(sandbox)


class TestAcmePeople(PeopleContract):
    @pytest.fixture
    def bench(self, acme: AcmeBench) -> Bench:
        return acme


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "rate_limit", "retry_after": 7}, Throttled),
        ({"kind": "rate_limit", "retry_after": "date"}, Throttled),
        ({"kind": "rate_limit", "retry_after": "none"}, Throttled),
        ({"kind": "status", "status": 503}, SystemTrouble),
        ({"kind": "lose_answer"}, AnswerLost),
        ({"kind": "html"}, AnswerLost),
        ({"kind": "half_answer", "how": "cut"}, AnswerLost),
        ({"kind": "down"}, SystemTrouble),
        ({"kind": "drift", "at": "items.*.first_day", "how": "set", "to": "soon"}, SystemRefused),
        ({"kind": "status", "status": 401}, SystemUnavailable),
    ],
)
def test_each_trouble_has_its_class(
    acme: AcmeBench, fault: dict[str, object], error: type[SystemTrouble]
) -> None:
    acme.add(Person())
    acme.sandbox.faults("acme", {**fault, "match": {"operation": "people.list"}})
    with pytest.raises(error):
        acme.people.resources()
