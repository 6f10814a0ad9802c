"""From the closed deal to the launched project, over real HTTP, with a worker at work.

The systems are the sandbox's, in another process: two CRMs, two ledgers, one project system, and
those of signatures, people, documents, chat and mail.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import pytest
from psycopg import sql
from pydantic import SecretStr

from fairlead.bootstrap import Fairlead
from fairlead.capabilities.handoff.cancel import cancel
from fairlead.capabilities.handoff.deals import engagement_id
from fairlead.capabilities.milestones import links
from fairlead.capabilities.milestones.submitting import Recipient
from fairlead.cli.sample_people import hire
from fairlead.cli.world import SandboxWorld, open_world
from fairlead.config import Settings
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.milestone import Milestone, MilestoneState
from fairlead.domain.rules.handover import is_accepted
from fairlead.errors import InvalidInput
from fairlead.store import engagements, milestones
from fairlead.store.database import Database
from fairlead.trust.acting import Acting
from fairlead.work.answers import answer_task
from fairlead.work.words import ExceptionAction

pytestmark = pytest.mark.takes(2.5)

T = TypeVar("T")

PATIENCE_S = 40
LEAD = {"EMEA": "ines.moreau", "APAC": "ines.moreau", "AMER": "dwayne.carter"}


@dataclass
class Story:
    """One deal in a CRM, and how to wait for what becomes of it."""

    rooms: Fairlead
    world: SandboxWorld
    crm: str
    id: str
    region: str

    @property
    def engagement(self) -> Engagement:
        return self.until(self._engagement)

    def _engagement(self) -> Engagement | None:
        id = engagement_id(self.crm, self.id)
        with self.rooms.db.transaction() as tx:
            return engagements.load(tx, [id], lock=False).get(id)

    def reaches(self, state: EngagementState) -> Engagement:
        def there() -> Engagement | None:
            now = self._engagement()
            return now if now is not None and now.state is state else None

        return self.until(there)

    def ended(self, playbook: str = "deal-to-delivery") -> str:
        """How its run ended, once it has."""

        def state() -> str | None:
            runs = [run for run in self.rows("runs") if run["playbook"].startswith(playbook)]
            return next((run["state"] for run in runs if run["ended_at"] is not None), None)

        return self.until(state)

    def until(self, look: Callable[[], T | None]) -> T:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if (found := look()) is not None:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not in {PATIENCE_S} s: {self.rows('exceptions')}")

    def rows(self, table: str) -> list[dict[str, Any]]:
        id = engagement_id(self.crm, self.id)
        with self.rooms.db.transaction() as tx:
            query = sql.SQL("SELECT * FROM {} WHERE subject_id = %s").format(sql.Identifier(table))
            return tx.execute(query, [id]).fetchall()

    def steps(self) -> dict[str, str]:
        """Step → its state."""
        with self.rooms.db.transaction() as tx:
            runs = [run for run in self.rows("runs") if run["playbook"] == "deal-to-delivery"]
            run = runs[0]["id"]
            rows = tx.execute("SELECT name, state FROM steps WHERE run_id = %s", [run]).fetchall()
        return {row["name"]: row["state"] for row in rows}

    def exception(self) -> dict[str, Any]:
        return self.until(
            lambda: next((r for r in self.rows("exceptions") if r["state"] == "open"), None)
        )

    def resolve(self, who: str, action: ExceptionAction, values: dict[str, Any]) -> None:
        found = self.exception()
        with self.rooms.db.transaction() as tx:
            self.rooms.exceptions.resolve(
                tx, found["id"], self.acting(who), action, values=values, reason="", version=None
            )

    def task(self, step: str) -> dict[str, Any]:
        """The open task of a step, once there is one."""

        def open_one() -> dict[str, Any] | None:
            tasks = [task for task in self.rows("tasks") if task["state"] == "open"]
            return next((task for task in tasks if task["step"] == step), None)

        return self.until(open_one)

    def answer(self, step: str, who: str = "", *, approved: bool = True, reason: str = "") -> None:
        task = self.task(step)
        with self.rooms.db.transaction() as tx:
            answer_task(
                tx,
                task["id"],
                self.acting(who or LEAD[self.region]),
                approved=approved,
                reason=reason,
                version=None,
            )

    def hand_over(self) -> None:
        self.answer("hand_over_packet", "pia.novak")

    def launch(self) -> Engagement:
        self.hand_over()
        self.answer("launch_approval")
        assert self.ended() == "completed"
        return self.reaches(EngagementState.LAUNCHED)

    def acting(self, who: str) -> Acting:
        people = self.rooms.people
        return Acting.of(people, people.person(who).principal())

    def record(self, name: str) -> dict[str, Any]:
        """What the other system holds of one of the engagement's records."""
        ref = self.engagement.refs[name]
        found = self.world.sandbox.records(ref.system, _KINDS[name])
        return next(record["body"] for record in found if record["id"] == ref.id)


_KINDS = {
    "client": "customer",
    "ledger_project": "job",
    "billing_schedule": "billingSchedule",
    "psa_project": "workspaces",
}


def _vat_number(client: str) -> str:
    """A German one of the client's own: ISO 7064 MOD 11, 10."""
    digits, product = f"{crc32(client.encode()) % 90_000_000 + 10_000_000}", 10
    for digit in digits:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    return f"DE{digits}{(11 - product) % 10}"


#: Region → what tax follows from on an account there.
_TAXED: dict[str, Callable[[str], dict[str, str]]] = {
    "EMEA": lambda client: {"Tax_Id__c": _vat_number(client)},
    "AMER": lambda client: {"BillingState": "NE"},
    "APAC": lambda client: {},
}


@dataclass
class Firm:
    """The sample firm at work."""

    rooms: Fairlead
    world: SandboxWorld

    def win(
        self,
        client: str,
        *,
        region: str = "EMEA",
        terms: tuple[dict[str, Any], ...] = (),
        roles: tuple[tuple[str, int, int], ...] = (),
        account: dict[str, Any] | None = None,
        contract: dict[str, Any] | None = None,
        **deal: Any,
    ) -> Story:
        """A seller closes a deal, and the CRM is asked what is new."""
        crm = "salesforce-amer" if region == "AMER" else "salesforce-emea"
        place = {
            "EMEA": {"currency": "EUR", "country": "DE", "entity": "TH-GMBH"},
            "AMER": {"currency": "USD", "country": "US", "entity": "TH-INC"},
            "APAC": {"currency": "SGD", "country": "SG", "entity": "TH-PTE"},
        }[region]
        money = {"CurrencyIsoCode": place["currency"]}
        plant = self.world.sandbox.plant
        account_id = plant(
            crm,
            "Account",
            {"Name": client, "BillingCountryCode": place["country"], **money,
             **_TAXED[region](client), **(account or {})},
        )["id"]  # fmt: skip
        contract_id = plant(
            crm,
            "Contract",
            {"AccountId": account_id, "Status": "Activated", "StartDate": "2026-11-01",
             "CustomerSignedDate": "2026-10-20", "EndDate": "2028-12-31", "Payment_Days__c": 30,
             "Contract_Value__c": 90000, **money, **(contract or {})},
        )["id"]  # fmt: skip
        for term in terms:
            plant(crm, "Billing_Term__c", {"Contract__c": contract_id, **money, **term})
        body = {
            "Name": f"Migration of {client}", "AccountId": account_id, "ContractId": contract_id,
            "StageName": "Closed Won", "Amount": 90000, "CloseDate": "2026-11-02",
            "Project_Start__c": "2026-12-01", "Project_End__c": "2027-08-31", "Region__c": region,
            "Delivery_Country__c": place["country"], "Service_Line__c": "Cloud engineering",
            "Contract_Type__c": "Fixed Fee", "Legal_Entity__c": place["entity"],
            "Owner": {"Email": "pia.novak@tarn-holloway.example"}, **money, **deal,
        }  # fmt: skip
        told = {name: value for name, value in body.items() if value is not None}
        id = plant(crm, "Opportunity", told)["id"]
        for role, hours, rate in roles:
            line = {"Product2": {"Name": role}, "Quantity": hours, "UnitPrice": rate, **money}
            plant(crm, "OpportunityLineItem", {"OpportunityId": id, **line})
        self.look(crm)
        return Story(self.rooms, self.world, crm, id, region)

    def look(self, crm: str) -> None:
        """Have a CRM polled now."""
        with self.rooms.db.transaction() as tx:
            tx.execute("UPDATE systems SET poll_at = clock_timestamp() WHERE id = %s", [crm])
            tx.execute("SELECT pg_notify('fairlead', %s)", [f"poll:{crm}"])


@pytest.fixture(scope="module")
def firm(module_db: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    data: Path = tmp_path_factory.mktemp("firm")
    world = open_world(data, "http://127.0.0.1:1")
    hire(world.sandbox)
    rooms = Fairlead(
        Settings(data=data, config=world.config, database_url=SecretStr(module_db.url))
    )
    assert rooms.db
    engine = rooms.worker()
    engine.start()
    try:
        yield Firm(rooms, world)
    finally:
        engine.stop()
        rooms.db.close()
        world.stop()


def test_a_blank_field_stops_the_deal_and_once_supplied_it_launches_by_itself(firm: Firm) -> None:
    """F005, F113: named with its owner, supplied in one place, with no other tool."""
    story = firm.win("Nordlys Sjømat AS", Project_Start__c=None)

    found = story.exception()
    assert [(gap["field"], gap["owner"]) for gap in found["gaps"]] == [
        ("starts_on", "sales-operations")
    ]
    assert not story.rows("effects")
    story.resolve("pia.novak", ExceptionAction.SUPPLY, {"starts_on": "2026-12-01"})

    assert story.launch().launched_at is not None
    assert story.record("ledger_project")["startDate"] == "2026-12-01"


def test_regions_go_to_their_own_ledgers_by_configuration_alone(firm: Firm) -> None:
    """F137, F153, F010: two CRMs, two ledgers, and dimensions that differ."""
    here, there = firm.win("Helvia AG"), firm.win("Prairie Lantern Inc.", region="AMER")

    emea, amer = here.launch(), there.launch()

    assert emea.refs["ledger_project"].system == "netsuite-emea"
    assert amer.refs["ledger_project"].system == "netsuite-amer"
    ours, theirs = here.record("ledger_project"), there.record("ledger_project")
    assert (ours["subsidiary"]["id"], theirs["subsidiary"]["id"]) == ("2", "3")
    region = "custentity_fairlead_region"
    assert (ours[region]["id"], theirs[region]["id"]) == ("1", "2")


def test_what_the_deal_says_is_what_stands_in_every_system(firm: Firm) -> None:
    """F004, F014: nothing is keyed in again, and the schedule is the contract's, to the cent."""
    story = firm.win(
        "Øresund Vandkraft A/S",
        Amount=Decimal("90000.01"),
        contract={"Contract_Value__c": Decimal("90000.01")},
        Contract_Type__c="Milestone",
        terms=(
            {"Name": "Design", "Share_Percent__c": 30, "Due_Date__c": "2027-03-01"},
            {"Name": "Go live", "Share_Percent__c": 70, "Due_Date__c": "2027-08-31"},
        ),
        roles=(("Solution Architect", 400, 220),),
    )
    now = story.launch()
    deal = firm.world.sandbox.records(story.crm, "Opportunity", Name=now.deal.name)[0]["body"]

    job, schedule = story.record("ledger_project"), story.record("billing_schedule")
    assert job["companyName"] == deal["Name"]
    assert (job["startDate"], str(job["projectedEndDate"])) == (
        deal["Project_Start__c"],
        deal["Project_End__c"],
    )
    assert Decimal(str(job["custentity_fairlead_budget"])) == Decimal("90000.01")
    shell = story.record("psa_project")
    assert shell["title"] == f"{now.project_code} {deal['Name']}"
    assert story.record("client")["companyName"] == "Øresund Vandkraft A/S"
    lines = schedule["milestone"]["items"]
    assert [Decimal(str(line["milestoneAmount"])) for line in lines] == [
        Decimal("27000.00"),
        Decimal("63000.01"),
    ]
    assert deal["Fairlead_Engagement__c"] == now.number
    assert deal["Fairlead_State__c"] == "launched"


def test_two_service_lines_are_built_from_two_templates(firm: Firm) -> None:
    """F008."""
    cloud = firm.win("Tulpenhof Zorg B.V.")
    data = firm.win("Harrow & Pell LLP", Service_Line__c="Data and analytics")

    built = [_packages(firm, story) for story in (cloud, data)]

    assert built[0] == {
        "10 Discover and design",
        "20 Build and migrate",
        "30 Cut over and hand over",
    }
    assert built[1] == {"10 Model and source", "20 Build pipelines", "30 Prove and hand over"}


def _packages(firm: Firm, story: Story) -> set[str]:
    job = story.launch().refs["ledger_project"]
    tasks = firm.world.sandbox.records(job.system, "projectTask")
    return {t["body"]["title"] for t in tasks if str(t["body"]["project"]["id"]) == job.id}


def test_a_refused_launch_closes_the_projects_again(firm: Firm) -> None:
    story = firm.win("Dunav Agro OOD")

    story.hand_over()
    story.answer("launch_approval", approved=False, reason="The budget was withdrawn.")

    assert story.ended() == "declined"
    assert story.engagement.state is EngagementState.DECLINED
    assert story.record("ledger_project")["isInactive"] is True
    assert story.record("psa_project")["archived"] is True


def test_a_cancelled_run_takes_back_what_it_made(firm: Firm) -> None:
    story = firm.win("Kalevala Vakuutus Oyj")
    story.task("hand_over_packet")

    with firm.rooms.db.transaction() as tx:
        cancel(tx, story.rows("runs")[0]["id"], by="ines.moreau", reason="Withdrawn.")
        tx.execute("SELECT pg_notify('fairlead', 'runs')")

    assert story.ended() == "cancelled"
    assert story.engagement.state is EngagementState.CANCELLED
    assert story.record("ledger_project")["isInactive"] is True


@pytest.mark.parametrize(("choice", "made"), [("first", 0), ("none", 1)])
def test_a_client_that_may_be_two_is_asked_about(firm: Firm, choice: str, made: int) -> None:
    """F012: and one that is there under another spelling is taken without a question."""
    sandbox, name = firm.world.sandbox, f"Müller Söhne {choice}"
    ids = [_customer(firm, f"{name} {form}") for form in ("AG", "KG")]
    story = firm.win(f"Mueller Soehne {choice}")

    shown = [c["id"] for c in story.exception()["difference"]["candidates"]]
    assert sorted(shown) == sorted(ids)
    story.resolve(
        "tomasz.wojcik",
        ExceptionAction.CHOOSE,
        {"choice": shown[0] if choice == "first" else "none"},
    )
    client = story.launch().refs["client"]

    assert (client.id not in ids) == bool(made)
    assert len(sandbox.records("netsuite-emea", "customer", companyName=name)) == 0


def test_a_known_client_under_another_spelling_is_taken(firm: Firm) -> None:
    """F012."""
    id = _customer(firm, "Bäcker & Großmann Maschinenbau AG")

    story = firm.win("BAECKER UND GROSSMANN MASCHINENBAU")

    assert story.launch().refs["client"].id == id


def _customer(firm: Firm, name: str) -> str:
    address = {"defaultBilling": True, "addressBookAddress": {"country": {"id": "DE"}}}
    body = {"companyName": name, "subsidiary": {"id": "2"}, "addressBook": {"items": [address]}}
    return str(firm.world.sandbox.plant("netsuite-emea", "customer", body)["id"])


def test_a_strategic_client_is_looked_at_by_finance_first_and_no_control_is_lost(
    firm: Firm,
) -> None:
    """F101, F102."""
    story = firm.win(
        "Ardnamara plc",
        account={"Client_Tier__c": "strategic"},
        contract={"Purchase_Order__c": "ARD-1"},
    )

    assert story.task("schedule_review")["role"] == "finance"
    story.answer("schedule_review", "tomasz.wojcik")
    story.launch()

    done = {name for name, state in story.steps().items() if state == "done"}
    assert {"commercial_data", "contract_signed", "match_client", "launch_approval"} <= done
    assert "schedule_review" in done


def test_a_contract_that_changes_after_the_set_up_is_approved_and_accepted_again(
    firm: Firm,
) -> None:
    """F017, F115: nothing is changed behind anybody's back."""
    story = firm.win("Isarwerk Systeme AG")
    story.launch()

    firm.world.sandbox.amend(story.crm, "Opportunity", story.id, {"Project_End__c": "2027-10-29"})
    firm.look(story.crm)
    asked = story.task("accept_change")
    assert asked["shown"]["difference"]["ends_on"] == {"ours": "2027-08-31", "theirs": "2027-10-29"}
    assert str(story.engagement.deal.ends_on) == "2027-08-31"

    story.answer("accept_change")
    story.hand_over()
    story.answer("accept_packet")
    assert story.ended("contract-change") == "completed"
    now = story.engagement
    assert str(now.deal.ends_on) == "2027-10-29"
    assert is_accepted(now)
    assert now.state is EngagementState.LAUNCHED


def test_a_milestone_is_proven_by_a_document_and_accepted_by_the_client(firm: Firm) -> None:
    """F059, F078 to F080, F273: from the launch to the word that lets finance bill."""
    story = firm.win(
        "Sønderby Havn A/S",
        Contract_Type__c="Milestone",
        terms=(
            {"Name": "Design", "Share_Percent__c": 30, "Due_Date__c": "2027-03-01"},
            {"Name": "Go live", "Share_Percent__c": 70, "Due_Date__c": "2027-08-31"},
        ),
    )
    now, sandbox = story.launch(), firm.world.sandbox
    rooms, pm = firm.rooms, story.acting("lea.fontaine")

    def of(number: int) -> Milestone | None:
        with rooms.db.transaction() as tx:
            found = milestones.of_engagement(tx, now.id)
        return next((one for one in found if one.number == number), None)

    def there() -> dict[str, str] | None:
        held = [one["body"] for one in sandbox.records("kantata", "stories")]
        project = int(now.refs["psa_project"].id)
        found = {
            one["title"]: one["state"]
            for one in held
            if one["story_type"] == "milestone" and int(one["workspace_id"]) == project
        }
        return found if len(found) == 2 else None

    design = story.until(lambda: of(1))
    assert story.until(there) == {"1 Design": "not started", "2 Go live": "not started"}
    with rooms.db.transaction() as tx, pytest.raises(InvalidInput, match="no evidence"):
        rooms.milestones.submit(tx, pm, str(design.id), recipient=None)

    folder = sandbox.records("sharepoint", "drive_items")
    home = next(one["body"]["name"] for one in folder if one["id"] == now.refs["folder"].id)
    path = f"Engagements/{home}/Milestone 1"
    body = {"name": "Design handed over.txt", "path": path, "content": "agreed"}
    sandbox.plant("sharepoint", "drive_items", body)
    firm.look("sharepoint")
    proof = story.until(lambda: next(iter((of(1) or design).evidence), None))
    assert (proof.name, proof.added_by) == ("Design handed over.txt", "system:sharepoint")

    asked = Recipient(name="Mette Søndergaard", email="mette@sonderby.example")
    with rooms.db.transaction() as tx:
        rooms.milestones.submit(tx, pm, str(design.id), recipient=asked)

    def link() -> str | None:
        mails = [one["body"] for one in sandbox.records("mail", "messages")]
        to_her = [mail for mail in mails if "mette@sonderby.example" in mail["to"]]
        return next((one for mail in to_her for one in mail["links"] if "/accept/" in one), None)

    token = story.until(link).rpartition("/")[2]
    with rooms.db.transaction() as tx:
        seen = links.look(tx, token)
        said = links.answer(
            tx,
            token,
            accepted=True,
            name="Mette Søndergaard",
            reason="",
            digest_seen=seen.link.digest,
        )
    assert (said.end, said.milestone.state) == (None, MilestoneState.ACCEPTED)
    assert story.ended("milestone-accepted") == "completed"
    assert story.ended("milestone-acceptance") == "completed"
    assert (there() or {})["1 Design"] == "completed"
    told = [row for row in story.rows("notifications") if row["about"] == "milestone_accepted"]
    assert [row["role"] for row in told] == ["finance"]
