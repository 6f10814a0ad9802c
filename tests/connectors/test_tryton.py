"""Tryton as a ledger: the contract, and what is Tryton's own, against a real Tryton 8.2."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from contract_ledger import HOME, LedgerContract, a_client, a_key, money
from tryton_office import GMBH, LTD, day
from tryton_over_http import AtTryton, parts

from fairlead.connectors.tryton.adapter import TrytonLedger
from fairlead.domain.model.client import Address, ClientChanges
from fairlead.domain.model.project import Project, ProjectChanges
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, EffectConflict, SystemRefused, SystemUnavailable
from fairlead.sandbox.tryton.person import Refusal

pytestmark = [pytest.mark.slow, pytest.mark.takes(1)]


class TestTrytonLedger(AtTryton, LedgerContract):
    """The contract, all of it."""


class TestWhatTrytonHolds(AtTryton):
    """How our things look there."""

    def project_of(self, company: str, **changes: Any) -> Project:
        project = self.a_project(**changes)
        dimensions = project.dimensions.model_copy(update={"subsidiary": company})
        return project.model_copy(update={"dimensions": dimensions})

    def below(self, project: ExternalRef) -> list[dict[str, Any]]:
        wanted = ["parent", "=", int(project.id)]
        fields = ("name", "type", "effort_duration", "timesheet_works", "status.progress")
        return self.desk.person.find("project.work", wanted, fields=fields)

    def test_a_project_is_a_work_with_tasks_and_an_analytic_account(self) -> None:
        ledger, project = self.ledger(), self.project_of(LTD)

        made = ledger.create_project(project, client=self.a_client_there(ledger), key=a_key())

        work = self.desk.record("project.work", made.id, "name", "company", "comment")
        assert (work["name"], work["company"]) == (f"{project.code} {project.name}", int(LTD))
        told = [(one["name"], one["effort_duration"].total_seconds()) for one in self.below(made)]
        assert told == [
            (name, 80.5 * 3600) for name in ("10 Design", "20 Build – Köln 100%", "30 Travel")
        ]
        account = self.desk.person.find(
            "analytic_account.account", ["code", "=", project.code], fields=["company", "root.code"]
        )
        assert [(one["company"], one["root."]["code"]) for one in account] == [
            (int(LTD), "PROJECTS")
        ]

    def test_what_a_person_wrote_above_the_sheet_stays(self) -> None:
        ledger, key = self.ledger(), a_key()
        made = ledger.create_project(self.a_project(), client=self.a_client_there(ledger), key=key)
        sheet = self.desk.record("project.work", made.id, "comment")["comment"]
        self.desk.person.write("project.work", int(made.id), comment=f"Call Ada first.\n\n{sheet}")

        ledger.update_project(made, ProjectChanges(budget=money("7")), key=a_key())

        now = self.desk.record("project.work", made.id, "comment")["comment"]
        assert now.startswith("Call Ada first.\n\n---")
        assert made == ledger.find_project(key)

    def test_a_part_in_another_company_stands_beside_the_whole(self) -> None:
        ledger = self.ledger()
        client = self.a_client_there(ledger)
        whole = ledger.create_project(self.project_of(GMBH), client=client, key=a_key())
        part = self.project_of(LTD, parent_code="TH-2038")

        made = ledger.create_project(part, client=client, key=a_key(), parent=whole)

        told = self.desk.record("project.work", made.id, "parent", "comment")
        assert told["parent"] is None
        assert "part_of: TH-2038" in told["comment"]

    def test_no_time_can_be_booked_on_what_is_closed(self) -> None:
        ledger = self.ledger()
        made = self.a_project_there(ledger)
        task = self.below(made)[0]
        line = {
            "company": int(GMBH), "employee": self.desk.buyer(GMBH),
            "work": task["timesheet_works"][0], "date": day("2026-03-09"),
            "duration": task["effort_duration"],
        }  # fmt: skip
        self.desk.person.create("timesheet.line", **line)

        ledger.close_project(made, key=a_key())

        with pytest.raises(Refusal, match="Work"):
            self.desk.person.create("timesheet.line", **line)
        assert {one["status."]["progress"] for one in self.below(made)} == {1.0}

    def test_a_whole_is_closed_while_a_part_of_it_goes_on(self) -> None:
        ledger = self.ledger()
        client = self.a_client_there(ledger)
        whole = ledger.create_project(self.a_project(), client=client, key=a_key())
        part = ledger.create_project(self.a_project(), client=client, key=a_key(), parent=whole)

        ledger.close_project(whole, key=a_key())

        assert ledger.find_closed(whole, key=a_key()) == whole
        assert ledger.find_closed(part, key=a_key()) is None
        work = self.desk.record("project.work", whole.id, "status.progress")
        assert work["status."]["progress"] is None

    def test_a_project_that_a_person_called_done_is_closed(self) -> None:
        ledger = self.ledger()
        made, person = self.a_project_there(ledger), self.desk.person
        done = {"progress": 1.0, "status": person.one("project.work.status", ["progress", "=", 1])}
        for one in [*self.below(made), {"id": int(made.id)}]:
            person.write("project.work", one["id"], **done)

        assert ledger.find_closed(made, key=a_key()) == made

    @pytest.mark.parametrize("written", ["NW", "DE-NW", "Nordrhein-Westfalen"])
    def test_a_region_that_tryton_knows_is_its_subdivision(self, written: str) -> None:
        person, ledger = self.desk.person, self.ledger()
        germany = person.one("country.country", ["code", "=", "DE"])
        person.create("country.subdivision", country=germany, code="DE-NW", type="state",
                      name="Nordrhein-Westfalen")  # fmt: skip
        address = HOME.model_copy(update={"region": written})

        made = ledger.create_client(a_client(), subsidiary=GMBH, key=a_key())
        ledger.update_client(made, ClientChanges(address=address), key=a_key())

        told = ledger.client(made)
        assert told is not None
        assert told.address == HOME.model_copy(update={"region": "NW"})
        assert ledger.find_client_updated(made, ClientChanges(address=address), key=a_key())

    def test_a_country_that_tryton_does_not_have_is_refused(self) -> None:
        with pytest.raises(SystemRefused, match="no country AQ"):
            self.ledger().create_client(
                a_client(address=Address(country="AQ")), subsidiary=GMBH, key=a_key()
            )

    def test_a_firm_may_leave_a_fact_of_clients_alone(self) -> None:
        ledger = TrytonLedger(*parts(self.desk, mapping={"client_categories": {"tier": None}}))

        made = ledger.create_client(a_client(tier="strategic"), subsidiary=GMBH, key=a_key())

        told = ledger.client(made)
        assert told is not None
        assert told.tier is None

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param({"subsidiary": "77"}, "Company 77 has no root", id="unknown-company"),
            pytest.param({"client": "77777"}, '"Party"', id="unknown-client"),
            pytest.param({"terms": 41}, "41 days", id="no-such-payment-term"),
            pytest.param({"currency": "GBP"}, "is not in GBP", id="another-currency"),
        ],
    )
    def test_what_is_not_there_is_refused(self, change: dict[str, Any], said: str) -> None:
        ledger = self.ledger()
        client = self.a_client_there(ledger)
        client = client.model_copy(update={"id": change.get("client", client.id)})

        def set_up() -> None:
            project = ledger.create_project(
                self.project_of(change.get("subsidiary", GMBH)), client=client, key=a_key()
            )
            schedule = self.a_schedule(money("5", change.get("currency", "EUR")))
            terms = {"payment_days": change.get("terms", 30)}
            ledger.create_schedule(schedule.model_copy(update=terms), project=project, key=a_key())

        with pytest.raises(SystemRefused, match=said):
            set_up()

        assert self.held("schedule") == 0


class TestRepeating(AtTryton):
    def test_workers_with_one_key_leave_one_client(self) -> None:
        """What level L2 claims, though the engine never lets two write at once."""
        ledger, key = self.ledger(), a_key()

        def create(_: int) -> ExternalRef:
            return ledger.create_client(a_client(), subsidiary=GMBH, key=key)

        with ThreadPoolExecutor(4) as workers:
            made = set(map(str, workers.map(create, range(8))))

        assert (len(made), self.held("client")) == (1, 1)

    def test_two_projects_under_one_key_are_told(self) -> None:
        ledger, key = self.ledger(), a_key()
        made = ledger.create_project(self.a_project(), client=self.a_client_there(ledger), key=key)
        sheet = self.desk.record("project.work", made.id, "comment")["comment"]
        other = self.a_project_there(ledger)
        self.desk.person.write("project.work", int(other.id), comment=sheet)

        with pytest.raises(EffectConflict, match=r"2 project\.work"):
            ledger.find_project(key)


class TestTrouble(AtTryton):
    def test_a_caller_that_does_not_wait_finds_later_what_was_done(self) -> None:
        ledger, key = self.ledger(), a_key()
        client, project = self.a_client_there(ledger), self.a_project()
        impatient = TrytonLedger(*parts(self.desk, total_timeout_s=0.5))
        blocked = self.desk.blocking("project_work")

        with blocked, pytest.raises(AnswerLost):
            impatient.create_project(project, client=client, key=key)
        made = self.desk.until(lambda: ledger.find_project(key))

        assert made == ledger.create_project(project, client=client, key=key)
        assert (self.held("project"), self.held("work_package")) == (1, 3)

    def test_a_key_that_was_cancelled_is_told(self) -> None:
        ledger = TrytonLedger(*parts(self.desk, key="0" * 128))

        with pytest.raises(SystemUnavailable, match="user application"):
            ledger.ping()

    def test_a_server_that_was_killed_is_away_and_then_back(self) -> None:
        ledger, key = self.ledger(), a_key()
        made = ledger.create_client(a_client(), subsidiary=GMBH, key=key)

        self.desk.server.kill()
        with pytest.raises(SystemUnavailable):
            ledger.find_client(key)
        self.desk.server.start()

        assert made == ledger.find_client(key)
