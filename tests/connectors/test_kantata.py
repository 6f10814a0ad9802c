"""Kantata: the port's contract, its own limits, and each trouble mapped to the right error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import simplejson
from contract_projects import (
    KEY,
    RULES,
    Bench,
    ProjectsContract,
    ShownProject,
    ShownWork,
    a_package,
    a_project,
    a_request,
    key,
)
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.kantata import amounts
from fairlead.connectors.kantata.adapter import KantataProjects
from fairlead.connectors.kantata.answers import (
    Answer,
    ContractBroken,
    RateCard,
    RateCardSet,
    Reference,
    Workspace,
)
from fairlead.connectors.kantata.declaration import CONNECTOR, sign_in
from fairlead.connectors.kantata.settings import KantataSettings
from fairlead.connectors.kit.declaration import Writes
from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.project import ProjectChanges
from fairlead.domain.values import ExternalRef, Money, minor_units
from fairlead.errors import (
    AnswerLost,
    EffectConflict,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
)
from fairlead.ports.projects import Projects
from fairlead.sandbox.process import SandboxProcess

SYSTEM = "kantata"
FIXTURES = Path(__file__).parents[2] / "src/fairlead/connectors/kantata/fixtures"


def adapter(
    settings: Mapping[str, Any], changes: Mapping[str, Any] | None = None
) -> KantataProjects:
    """`changes`: what a firm changes in the field map."""
    given = KantataSettings.model_validate(settings)
    http = Http(SYSTEM, str(given.base_url), total_timeout_s=given.total_timeout_s)
    tokens = sign_in(SYSTEM, given, http)
    signed_in = http.with_sign_in(tokens, lambda reply: str(reply.body))
    fields = FieldMap.load(CONNECTOR.mapping, changes=changes)
    return KantataProjects(SYSTEM, given, signed_in, fields)


class KantataBench(Bench):
    rate_card = "EMEA 2026"
    role = "Senior Consultant"

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.projects = adapter(sandbox.client_settings(SYSTEM))

    def project(self, ref: ExternalRef) -> ShownProject:
        body = self._body("workspaces", ref.id)
        held = self._values(ref)["Contract budget"]
        assert isinstance(held, Money)
        budget, currency = held.amount, held.currency
        assert currency == body["currency"]
        assert abs(budget - Decimal(body["price"])) <= Decimal("0.5")
        return ShownProject(
            title=body["title"],
            client_name=body["client_role_name"],
            starts_on=date.fromisoformat(body["start_date"]),
            ends_on=date.fromisoformat(body["due_date"]),
            budget=Money(amount=budget, currency=currency),
            closed=body["archived"],
        )

    def rules(self, ref: ExternalRef) -> dict[str, str | Money]:
        ours = {"Parent project": "parent_code", "Billing cap": "cap"}
        return {
            ours.get(name, name.lower().replace(" ", "_")): value
            for name, value in self._values(ref).items()
            if name != "Contract budget"
        }

    def _values(self, ref: ExternalRef) -> dict[str, str | Money]:
        """Custom field values by the names of their fields."""
        values: dict[str, str | Money] = {}
        for held in self.sandbox.records(SYSTEM, "custom_field_values", subject_id=ref.id):
            field = self._body("custom_fields", str(held["body"]["custom_field_id"]))
            value = str(held["body"]["value"])
            if field["value_type"] == "currency":
                units, currency = value.strip("[]").split(", ")
                amount = Decimal(units).scaleb(-minor_units(currency))
                values[field["name"]] = Money(amount=amount, currency=currency)
            else:
                values[field["name"]] = value
        return values

    def work(self, ref: ExternalRef) -> ShownWork:
        if ref.kind == "story":
            body = self._body("stories", ref.id)
            return ShownWork(
                title=body["title"],
                hours=Decimal(body["time_estimate_in_minutes"]) / 60,
                starts_on=date.fromisoformat(body["start_date"]),
                ends_on=date.fromisoformat(body["due_date"]),
                billable=body["billable"],
            )
        resource = self._body("workspace_resources", ref.id)
        [held] = self.sandbox.records(SYSTEM, "workspace_allocations", resource_id=ref.id)
        return ShownWork(
            title=self._body("roles", str(resource["role_id"]))["name"],
            hours=Decimal(held["body"]["minutes"]) / 60,
            starts_on=date.fromisoformat(held["body"]["start_date"]),
            ends_on=date.fromisoformat(held["body"]["end_date"]),
        )

    def record_time(
        self, project: ExternalRef, package: ExternalRef, *, minutes: int, note: str
    ) -> str:
        (role,) = self.sandbox.records(SYSTEM, "roles", name="Consultant")
        made = self.sandbox.plant(
            SYSTEM,
            "time_entries",
            {
                "workspace_id": int(project.id),
                "story_id": int(package.id),
                "role_id": int(role["id"]),
                "date_performed": "2026-07-06",
                "time_in_minutes": minutes,
                "notes": note,
            },
        )
        return made["id"]

    def correct_time(self, id: str, minutes: int) -> None:
        self.sandbox.amend(SYSTEM, "time_entries", id, {"time_in_minutes": minutes})

    def refuse_time(self, id: str) -> None:
        self.sandbox.amend(SYSTEM, "time_entries", id, {"approved": False})

    def move_time(self, id: str, project: ExternalRef) -> None:
        self.sandbox.amend(SYSTEM, "time_entries", id, {"workspace_id": int(project.id)})

    def record_expense(self, project: ExternalRef, amount: Decimal) -> str:
        body = {
            "workspace_id": int(project.id), "date": "2026-07-06", "category": "Travel",
            "amount_in_cents": int(amount * 100),
        }  # fmt: skip
        return self.sandbox.plant(SYSTEM, "expenses", body)["id"]

    def delete_time(self, id: str) -> None:
        self.sandbox.control.delete(f"/_sandbox/{SYSTEM}/records/time_entries/{id}")

    def count(self, ref: ExternalRef) -> int:
        return len(self.sandbox.records(SYSTEM, COLLECTIONS[ref.kind][0]))

    def crowd(self, count: int) -> None:
        for number in range(count):
            reference = reference_of("project", EffectKey(f"{KEY}{number}"))
            self.sandbox.plant(SYSTEM, "workspaces", a_workspace(external_reference=reference))
            self.sandbox.plant(SYSTEM, "roles", {"name": f"{self.role} {number}"})
            card = {"title": f"{self.rate_card} {number}", "currency": "GBP"}
            self.sandbox.plant(SYSTEM, "rate_cards", card)

    def carry_again(self, ref: ExternalRef, key: EffectKey) -> None:
        collection, ours = COLLECTIONS[ref.kind]
        reference = reference_of(ours, key)
        others: dict[str, dict[str, Any]] = {
            "workspaces": a_workspace(),
            "stories": {"workspace_id": 1, "title": "Another"},
        }
        body = others[collection] | {"external_reference": reference}
        self.sandbox.plant(SYSTEM, collection, body)

    def _body(self, kind: str, id: str) -> dict[str, Any]:
        reply = self.sandbox.control.get(f"/_sandbox/{SYSTEM}/records/{kind}/{id}")
        return simplejson.loads(reply.text, use_decimal=True)["body"]


COLLECTIONS = {"workspace": ("workspaces", "project"), "story": ("stories", "work_package"),
               "workspace_resource": ("workspace_resources", "staffing")}  # fmt: skip


def reference_of(ours: str, key: EffectKey) -> dict[str, str]:
    return {"service_name": "fairlead", "service_model": ours, "service_model_ref": key}


def a_workspace(**changes: Any) -> dict[str, Any]:
    return {"title": "Somebody's project", "price": 1, "currency": "GBP"} | changes


@pytest.fixture
def kantata(sandbox: SandboxProcess) -> KantataBench:
    sandbox.clear()
    return KantataBench(sandbox)


class TestKantata(ProjectsContract):
    @pytest.fixture
    def bench(self, kantata: KantataBench) -> Bench:
        return kantata


# -- what Kantata cannot hold ------------------------------------------------------------------


def test_a_budget_with_pence_needs_a_custom_field(kantata: KantataBench) -> None:
    settings = kantata.sandbox.client_settings(SYSTEM) | {"budget_field_id": None}
    budget = Money(amount=Decimal("1000.50"), currency="GBP")
    with pytest.raises(SystemRefused, match="budget_field_id"):
        adapter(settings).create_project(a_project(budget=budget), client_name="B", key=KEY)
    assert kantata.sandbox.records(SYSTEM, "workspaces") == []


def test_a_budget_in_whole_pounds_needs_none(kantata: KantataBench) -> None:
    settings = kantata.sandbox.client_settings(SYSTEM) | {"budget_field_id": None}
    ref = adapter(settings).create_project(a_project(), client_name="B", key=KEY)
    [held] = kantata.sandbox.records(SYSTEM, "workspaces")
    assert (held["id"], held["body"]["price"]) == (ref.id, 184250)
    assert kantata.sandbox.records(SYSTEM, "custom_field_values") == []


@given(st.integers(min_value=0, max_value=2**31 - 1))
def test_minutes_survive_the_way_there_and_back(count: int) -> None:
    hours = Decimal(count) / 60
    if hours * 60 == count:  # a third of an hour has no exact decimal
        assert amounts.minutes(hours) == count
    else:
        with pytest.raises(amounts.DoesNotFit):
            amounts.minutes(hours)


@pytest.mark.parametrize("hours", ["0.01", "7.333", "35791394.2"])
def test_hours_that_are_no_whole_minutes_or_too_many_are_refused(hours: str) -> None:
    with pytest.raises(amounts.DoesNotFit):
        amounts.minutes(Decimal(hours))


@given(st.integers(min_value=0, max_value=10**15), st.sampled_from(["GBP", "JPY", "KWD", "EUR"]))
def test_money_in_subunits_loses_nothing(subunits: int, currency: str) -> None:
    amount = Decimal(subunits).scaleb(-minor_units(currency))
    assert amounts.subunits(Money(amount=amount, currency=currency)) == subunits


@pytest.mark.parametrize(("amount", "currency"), [("1.001", "GBP"), ("1.5", "JPY")])
def test_money_with_more_decimals_than_its_currency_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(amounts.DoesNotFit, match="decimals"):
        amounts.subunits(Money(amount=Decimal(amount), currency=currency))


# -- rate cards and roles ----------------------------------------------------------------------


def test_a_rate_card_must_be_in_the_currency_of_the_budget(kantata: KantataBench) -> None:
    budget = Money(amount=Decimal(5), currency="JPY")
    project = a_project(budget=budget, rate_card=kantata.rate_card)
    with pytest.raises(SystemRefused, match="EMEA 2026” in JPY"):
        kantata.projects.create_project(project, client_name="B", key=KEY)


def test_a_rate_card_of_another_currency_is_not_taken_where_the_filter_lets_it_by(
    kantata: KantataBench,
) -> None:
    fault = {"kind": "drift", "match": {"operation": "rate_cards.list"}, "how": "set"}
    kantata.sandbox.faults(SYSTEM, {**fault, "at": "rate_cards.*.currency", "to": "EUR"})
    with pytest.raises(SystemRefused, match="EMEA 2026” in GBP"):
        kantata.projects.create_project(
            a_project(rate_card=kantata.rate_card), client_name="B", key=KEY
        )


def test_a_rate_card_that_is_not_published_is_none(kantata: KantataBench) -> None:
    draft = {"title": "EMEA 2027", "currency": "GBP", "active": False}
    kantata.sandbox.plant(SYSTEM, "rate_cards", draft)
    with pytest.raises(SystemRefused, match="no published rate card “EMEA 2027”"):
        kantata.projects.create_project(a_project(rate_card="EMEA 2027"), client_name="B", key=KEY)


def test_two_roles_of_one_name_are_for_a_person_to_sort_out(kantata: KantataBench) -> None:
    project = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    kantata.sandbox.plant(SYSTEM, "roles", {"name": kantata.role})
    with pytest.raises(SystemRefused, match="2 role"):
        kantata.projects.request_staffing(project, a_request(kantata.role), key=key(1))


# -- custom fields and changes -----------------------------------------------------------------


def test_a_firm_may_rename_a_field_and_its_words(kantata: KantataBench) -> None:
    kantata.sandbox.plant(SYSTEM, "custom_fields", {"name": "Abrechnung"})
    rule = {"path": "Abrechnung", "values": {"Meilenstein": "milestone"}}
    settings = kantata.sandbox.client_settings(SYSTEM)
    port = adapter(settings, {"project_fields": {"billing_method": rule}})
    project = a_project(billing_method="milestone", time_policy="weekly")
    ref = port.create_project(project, client_name="B", key=KEY)
    assert kantata.rules(ref) == {"abrechnung": "Meilenstein", "time_policy": "weekly"}


def test_a_firm_may_do_without_a_field(kantata: KantataBench) -> None:
    settings = kantata.sandbox.client_settings(SYSTEM)
    port = adapter(settings, {"project_fields": dict.fromkeys(RULES)})
    ref = port.create_project(a_project(**RULES), client_name="B", key=KEY)
    assert kantata.rules(ref) == {}


@pytest.mark.parametrize(
    ("planted", "says"),
    [
        (None, "no custom field of projects “Client code”"),
        ({"subject_type": "Story"}, "no custom field of projects “Client code”"),
        ({"value_type": "currency"}, "holds currency, not string"),
    ],
)
def test_a_field_that_does_not_fit_is_refused_by_name_before_anything_is_sent(
    kantata: KantataBench, planted: dict[str, Any] | None, says: str
) -> None:
    if planted is not None:
        kantata.sandbox.plant(SYSTEM, "custom_fields", {"name": "Client code", **planted})
    settings = kantata.sandbox.client_settings(SYSTEM)
    port = adapter(settings, {"project_fields": {"time_policy": "Client code"}})
    with pytest.raises(SystemRefused, match=says):
        port.create_project(a_project(time_policy="weekly"), client_name="B", key=KEY)
    assert kantata.sandbox.records(SYSTEM, "workspaces") == []


def test_a_price_that_a_person_changed_goes_before_our_exact_budget(
    kantata: KantataBench,
) -> None:
    ref = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    path = f"/_sandbox/{SYSTEM}/records/workspaces/{ref.id}"
    kantata.sandbox.control.patch(path, json={"price": 99})
    reading = kantata.projects.project(ref)
    assert reading is not None
    assert reading.budget == Money(amount=Decimal(99), currency="GBP")


def test_a_title_that_a_person_changed_is_the_name(kantata: KantataBench) -> None:
    ref = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    path = f"/_sandbox/{SYSTEM}/records/workspaces/{ref.id}"
    kantata.sandbox.control.patch(path, json={"title": "Claims, all of it"})
    reading = kantata.projects.project(ref)
    assert reading is not None
    assert reading.name == "Claims, all of it"
    kantata.projects.update_project(ref, ProjectChanges(name="Claims"), key=key(1))
    assert kantata.project(ref).title == "TH-2038 Claims"


def test_an_archived_project_is_not_changed(kantata: KantataBench) -> None:
    ref = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    kantata.projects.close_project(ref, key=key(1))
    with pytest.raises(SystemRefused, match="archived"):
        kantata.projects.update_project(ref, ProjectChanges(name="X"), key=key(2))


def test_a_change_that_no_field_takes_is_refused_before_anything_is_sent(
    kantata: KantataBench,
) -> None:
    settings = kantata.sandbox.client_settings(SYSTEM)
    port = adapter(settings, {"project": {"ends_on": None}})
    ref = port.create_project(a_project(), client_name="B", key=KEY)
    with pytest.raises(SystemRefused, match="no field takes ends_on"):
        port.update_project(ref, ProjectChanges(name="X", ends_on=date(2027, 1, 1)), key=key(1))
    assert kantata.projects.find_project_updated(ref, ProjectChanges(name="X"), key=key(1)) is None


def test_a_change_that_is_answered_and_not_made_is_no_success(kantata: KantataBench) -> None:
    ref = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    body = {
        "count": 1,
        "results": [{"key": "workspaces", "id": ref.id}],
        "workspaces": {ref.id: {"id": ref.id, "archived": False}},
    }
    match = {"operation": "workspaces.update"}
    fault = {"kind": "wrong_success", "after": False, "match": match, "body": body, "times": 1}
    kantata.sandbox.faults(SYSTEM, fault)
    with pytest.raises(AnswerLost, match="does not show"):
        kantata.projects.update_project(ref, ProjectChanges(name="X"), key=key(1))
    kantata.projects.update_project(ref, ProjectChanges(name="X"), key=key(1))
    assert kantata.project(ref).title == "TH-2038 X"


def test_without_a_field_for_it_a_new_budget_is_whole_too(kantata: KantataBench) -> None:
    port = adapter(kantata.sandbox.client_settings(SYSTEM) | {"budget_field_id": None})
    ref = port.create_project(a_project(), client_name="B", key=KEY)
    whole = ProjectChanges(budget=Money(amount=Decimal(7), currency="GBP"))
    port.update_project(ref, whole, key=key(1))
    assert port.find_project_updated(ref, whole, key=key(1)) == ref
    broken = ProjectChanges(budget=Money(amount=Decimal("7.5"), currency="GBP"))
    with pytest.raises(SystemRefused, match="budget_field_id"):
        port.update_project(ref, broken, key=key(1))


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "rate_limit", "retry_after": 900}, AnswerLost),
        ({"kind": "status", "status": 422}, SystemRefused),
    ],
)
def test_a_budget_that_is_half_changed_is_not_changed_and_is_finished(
    kantata: KantataBench, fault: dict[str, Any], wanted: type[SystemTrouble]
) -> None:
    ref = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    match = {"operation": "custom_field_values.update"}
    kantata.sandbox.faults(SYSTEM, {"match": match, "times": 1, **fault})
    changes = ProjectChanges(budget=Money(amount=Decimal("5000.25"), currency="GBP"))
    with pytest.raises(wanted):
        kantata.projects.update_project(ref, changes, key=key(1))
    assert kantata.projects.find_project_updated(ref, changes, key=key(1)) is None
    kantata.projects.update_project(ref, changes, key=key(1))
    assert kantata.projects.find_project_updated(ref, changes, key=key(1)) == ref
    assert len(kantata.sandbox.records(SYSTEM, "custom_field_values")) == 1


@pytest.mark.parametrize("held", ["[18425037, GBP]", [18425037, "GBP"]])
def test_a_currency_value_is_read_as_text_and_as_a_list(held: object) -> None:
    assert amounts.read(held) == Money(amount=Decimal("184250.37"), currency="GBP")


@pytest.mark.parametrize("held", [None, "", "184250.37", "[1, 2]", "[-1, GBP]", "[1.5, GBP]"])
def test_what_is_no_currency_value_is_not_read_as_one(held: object) -> None:
    assert amounts.read(held) is None


# -- our reference -----------------------------------------------------------------------------


def test_a_record_and_its_reference_are_made_in_one_request(kantata: KantataBench) -> None:
    kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    writes = [call for call in kantata.sandbox.calls(SYSTEM)["last"] if call["method"] == "POST"]
    assert [call["operation"] for call in writes] == ["workspaces.create"]
    [reference] = kantata.sandbox.records(SYSTEM, "external_references")
    assert reference["body"]["service_model_ref"] == KEY


def test_another_installation_has_references_of_its_own(kantata: KantataBench) -> None:
    kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    settings = kantata.sandbox.client_settings(SYSTEM) | {"reference_service": "fairlead-test"}
    assert adapter(settings).find_project(KEY) is None


def test_a_deleted_record_is_not_found_and_not_made_again_unseen(kantata: KantataBench) -> None:
    project = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    package = kantata.projects.add_work_package(project, a_package(), key=key(1))
    for collection, gone in (("stories", package), ("workspaces", project)):
        kantata.sandbox.control.delete(f"/_sandbox/{SYSTEM}/records/{collection}/{gone.id}")
    with pytest.raises(EffectConflict, match="deleted or is hidden"):
        kantata.projects.find_work_package(project, key=key(1))
    with pytest.raises(EffectConflict, match="deleted or is hidden"):
        kantata.projects.find_project(KEY)


def test_a_work_package_in_another_project_is_a_conflict(kantata: KantataBench) -> None:
    one = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    two = kantata.projects.create_project(a_project(), client_name="B", key=key(2))
    kantata.projects.add_work_package(two, a_package(), key=key(1))
    with pytest.raises(EffectConflict, match=f"in workspace {two.id}"):
        kantata.projects.find_work_package(one, key=key(1))


def test_another_reference_that_differs_in_case_is_not_ours(kantata: KantataBench) -> None:
    reference = reference_of("project", EffectKey(KEY.lower()))
    kantata.sandbox.plant(SYSTEM, "workspaces", a_workspace(external_reference=reference))
    assert kantata.projects.find_project(KEY) is None
    made = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    assert kantata.projects.find_project(KEY) == made


def test_references_are_read_to_the_last_page(kantata: KantataBench) -> None:
    """Many that differ in case: Kantata's filter lets them by, and ours comes last."""
    letters = [char for char in KEY if char.isalpha()]
    spellings = 2 ** min(len(letters), 8)
    for number in range(spellings):
        flips = iter(f"{number:08b}")
        spelled = "".join(
            char.swapcase() if char.isalpha() and next(flips, "0") == "1" else char for char in KEY
        )
        if spelled != KEY:
            reference = reference_of("project", EffectKey(spelled))
            kantata.sandbox.plant(SYSTEM, "workspaces", a_workspace(external_reference=reference))
    assert len(kantata.sandbox.records(SYSTEM, "workspaces")) == 255
    assert kantata.projects.find_project(KEY) is None
    made = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    assert kantata.projects.find_project(KEY) == made


def test_closing_a_project_that_is_not_there_is_refused(kantata: KantataBench) -> None:
    nowhere = ExternalRef(system=SYSTEM, kind="workspace", id="404")
    with pytest.raises(SystemRefused, match="no workspace 404"):
        kantata.projects.close_project(nowhere, key=KEY)


# -- staffing takes two requests ---------------------------------------------------------------


ALLOCATED = {"operation": "workspace_allocations.create"}


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "rate_limit", "retry_after": 900}, AnswerLost),
        ({"kind": "status", "status": 422}, SystemRefused),
    ],
)
def test_a_resource_without_hours_is_no_staffing_request_and_is_used_again(
    kantata: KantataBench, fault: dict[str, Any], wanted: type[SystemTrouble]
) -> None:
    project = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    request = a_request(kantata.role)
    kantata.sandbox.faults(SYSTEM, {"match": ALLOCATED, "times": 1, **fault})
    with pytest.raises(wanted, match="is there"):
        kantata.projects.request_staffing(project, request, key=key(1))
    assert kantata.projects.find_staffing_request(project, key=key(1)) is None
    ref = kantata.projects.request_staffing(project, request, key=key(1))
    assert kantata.projects.find_staffing_request(project, key=key(1)) == ref
    assert len(kantata.sandbox.records(SYSTEM, "workspace_resources")) == 1
    assert kantata.work(ref).hours == request.hours


def test_hours_that_are_put_off_for_a_moment_are_allocated_after_it(kantata: KantataBench) -> None:
    project = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    put_off = {"kind": "rate_limit", "retry_after": 0.05, "match": ALLOCATED, "times": 2}
    kantata.sandbox.faults(SYSTEM, put_off)
    ref = kantata.projects.request_staffing(project, a_request(kantata.role), key=key(1))
    assert kantata.sandbox.fired(SYSTEM) == [2]
    assert kantata.projects.find_staffing_request(project, key=key(1)) == ref


# -- trouble -----------------------------------------------------------------------------------


def test_a_refused_token_is_said_once_and_needs_a_person(kantata: KantataBench) -> None:
    settings = kantata.sandbox.client_settings(SYSTEM) | {"token": "of-a-deleted-application"}
    projects = adapter(settings)
    for _ in range(2):
        with pytest.raises(SystemUnavailable, match="refused our sign-in"):
            projects.ping()


def test_a_token_that_dies_is_reported_before_anything_is_done(kantata: KantataBench) -> None:
    kantata.sandbox.faults(SYSTEM, {"kind": "expire_tokens"})
    with pytest.raises(SystemUnavailable, match="refused our sign-in"):
        kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    assert kantata.sandbox.records(SYSTEM, "workspaces") == []


CREATED = {"operation": "workspaces.create"}
TROUBLES: dict[str, tuple[dict[str, Any], type[SystemTrouble], bool]] = {
    "429 with seconds": ({"kind": "rate_limit", "retry_after": 7}, SystemUnavailable, False),
    "429 with a date": ({"kind": "rate_limit", "retry_after": "date"}, SystemUnavailable, False),
    "429 with nothing": ({"kind": "rate_limit", "retry_after": "none"}, SystemUnavailable, False),
    "503": ({"kind": "status", "status": 503}, AnswerLost, False),
    "500 after the work": ({"kind": "status_after", "status": 500}, AnswerLost, True),
    "request lost": ({"kind": "lose_request"}, AnswerLost, False),
    "answer lost": ({"kind": "lose_answer"}, AnswerLost, True),
    "answer cut": ({"kind": "half_answer"}, AnswerLost, True),
    "HTML in a 200": ({"kind": "html", "after": True}, AnswerLost, True),
    "no JSON in a 200": ({"kind": "bad_json", "after": True}, AnswerLost, True),
    "403": ({"kind": "status", "status": 403}, SystemRefused, False),
    "422": ({"kind": "status", "status": 422}, SystemRefused, False),
    "no reference": (
        {"kind": "drift", "at": "external_references", "how": "remove"}, AnswerLost, True
    ),
    "archived is text": (
        {"kind": "drift", "at": "workspaces.*.archived", "how": "retype"}, AnswerLost, True
    ),
    "another currency": (
        {"kind": "drift", "at": "workspaces.*.currency", "how": "set", "to": "EUR"},
        EffectConflict, True,
    ),
    "another budget": (
        {"kind": "drift", "at": "workspaces.*.price_in_cents", "how": "set", "to": 184250},
        EffectConflict, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_with_a_write_says_whether_it_was_perhaps_done(
    kantata: KantataBench, name: str
) -> None:
    fault, wanted, done = TROUBLES[name]
    kantata.sandbox.faults(SYSTEM, {"match": CREATED, "times": 1, **fault})
    with pytest.raises(SystemTrouble) as caught:
        kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    assert isinstance(caught.value, wanted)
    assert kantata.sandbox.fired(SYSTEM) == [1]
    found = kantata.projects.find_project(KEY)
    assert [held["id"] for held in kantata.sandbox.records(SYSTEM, "workspaces")] == (
        [found.id] if found else []
    )
    assert (found is not None) == done


def test_the_wait_that_a_429_asks_for_is_passed_on(kantata: KantataBench) -> None:
    kantata.sandbox.faults(SYSTEM, {"kind": "rate_limit", "retry_after": 7, "times": 1})
    with pytest.raises(SystemUnavailable) as caught:
        kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    assert caught.value.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize("kind", ["lose_answer", "half_answer", "html", "bad_json"])
def test_a_read_without_an_answer_may_be_repeated(kantata: KantataBench, kind: str) -> None:
    made = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    found = {"operation": "external_references.list"}
    kantata.sandbox.faults(SYSTEM, {"kind": kind, "match": found, "times": 1})
    with pytest.raises(SystemUnavailable):
        kantata.projects.find_project(KEY)
    assert kantata.projects.find_project(KEY) == made


def test_a_cut_list_of_time_is_not_taken_for_a_complete_one(kantata: KantataBench) -> None:
    project = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    package = kantata.projects.add_work_package(project, a_package(), key=key(1))
    for number in range(3):
        kantata.record_time(project, package, minutes=15, note=f"n{number}")
    fault = {"kind": "partial_page", "match": {"operation": "time_entries.list"}, "at": "results"}
    kantata.sandbox.faults(SYSTEM, {**fault, "keep": 1})
    with pytest.raises(SystemUnavailable, match="nothing new"):
        kantata.projects.kept_time(project)


def test_a_cut_list_is_not_taken_for_a_complete_one(kantata: KantataBench) -> None:
    project = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    fault = {"kind": "partial_page", "match": {"operation": "roles.list"}, "at": "results"}
    kantata.sandbox.faults(SYSTEM, {**fault, "keep": 0})
    with pytest.raises(SystemUnavailable, match="nothing new"):
        kantata.projects.request_staffing(project, a_request(kantata.role), key=key(1))


def test_a_read_of_another_shape_is_refused_by_path(kantata: KantataBench) -> None:
    made = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    fault = {"kind": "drift", "match": {"operation": "workspaces.read"}, "how": "remove"}
    kantata.sandbox.faults(SYSTEM, {**fault, "at": f"workspaces.{made.id}.archived"})
    with pytest.raises(SystemRefused, match=rf"workspaces\.{made.id}\.archived: Field required"):
        kantata.projects.find_project(KEY)


CHANGES = ProjectChanges(
    name="Another name", budget=Money(amount=Decimal("5000.25"), currency="GBP")
)
WRITES: dict[str, Callable[[Projects, ExternalRef], object]] = {
    "stories.create": lambda port, project: port.add_work_package(project, a_package(), key=key(1)),
    "workspace_resources.create": lambda port, project: port.request_staffing(
        project, a_request("Consultant"), key=key(1)
    ),
    "workspace_allocations.create": lambda port, project: port.request_staffing(
        project, a_request("Consultant"), key=key(1)
    ),
    "workspaces.update": lambda port, project: port.close_project(project, key=key(1)),
    "custom_field_values.update": lambda port, project: port.update_project(
        project, CHANGES, key=key(1)
    ),
}
FINDS: dict[str, Callable[[Projects, ExternalRef], ExternalRef | None]] = {
    "stories.create": lambda port, project: port.find_work_package(project, key=key(1)),
    "workspace_resources.create": lambda port, project: port.find_staffing_request(
        project, key=key(1)
    ),
    "workspace_allocations.create": lambda port, project: port.find_staffing_request(
        project, key=key(1)
    ),
    "workspaces.update": lambda port, project: port.find_closed(project, key=key(1)),
    "custom_field_values.update": lambda port, project: port.find_project_updated(
        project, CHANGES, key=key(1)
    ),
}


@pytest.mark.parametrize("operation", WRITES)
def test_a_lost_answer_is_found_or_finished_and_nothing_is_there_twice(
    kantata: KantataBench, operation: str
) -> None:
    project = kantata.projects.create_project(a_project(), client_name="B", key=KEY)
    fault = {"kind": "lose_answer", "match": {"operation": operation}, "times": 1}
    kantata.sandbox.faults(SYSTEM, fault)
    with pytest.raises(AnswerLost):
        WRITES[operation](kantata.projects, project)
    if FINDS[operation](kantata.projects, project) is None:
        WRITES[operation](kantata.projects, project)
    assert FINDS[operation](kantata.projects, project) is not None
    assert kantata.sandbox.fired(SYSTEM) == [1]
    made = [row for row in kantata.sandbox.ledger(SYSTEM) if row["key"] == key(1)]
    kinds = [row["object"] for row in made if row["object"] != "external_references"]
    assert len(kinds) == len(set(kinds))


# -- the declaration ---------------------------------------------------------------------------


def test_every_method_of_the_port_is_declared() -> None:
    methods = {name for name in vars(Projects) if not name.startswith("_")}
    assert set(CONNECTOR.operations) == {f"projects.{name}" for name in methods}
    for meaning in CONNECTOR.operations.values():
        if isinstance(meaning, Writes) and meaning.find is not None:
            assert meaning.find in CONNECTOR.operations


def test_the_token_is_never_shown() -> None:
    settings = KantataSettings.model_validate(
        {"base_url": "https://api.mavenlink.com", "token": "se-cret"}
    )
    assert "se-cret" not in f"{settings!r} {settings}"


# -- recorded answers --------------------------------------------------------------------------


def recorded(name: str) -> Any:
    return simplejson.loads((FIXTURES / name).read_text("utf-8"), use_decimal=True)


def test_a_recorded_project_is_read() -> None:
    workspace = Answer(recorded("workspace_created.json")).single("workspaces", Workspace)
    assert (workspace.id, workspace.archived) == ("41200017", False)
    assert (workspace.price_in_cents, workspace.currency_base_unit) == (18425000, 100)


def test_recorded_references_are_read_in_order() -> None:
    answer = Answer(recorded("external_references_found.json"))
    references = answer.listed("external_references", Reference)
    assert [reference.subject_id for reference in references] == ["41200017", "41200018"]


def test_a_recorded_rate_card_is_named_by_its_set() -> None:
    answer = Answer(recorded("rate_cards.json"))
    [card] = answer.listed("rate_cards", RateCard)
    assert card.currency == "GBP"
    assert answer.beside("rate_card_sets", RateCardSet)[card.rate_card_set_id].title == "EMEA 2026"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (None, "answer"),
        ([], "answer"),
        ({"results": []}, "answer.count"),
        ({"count": 1, "results": [{"key": "workspaces"}]}, "answer.results.0.id"),
        ({"count": 1, "results": [{"key": "workspaces", "id": "1"}]}, "workspaces.1"),
        (
            {
                "count": 1,
                "results": [{"key": "workspaces", "id": "1"}],
                "workspaces": {"1": {"id": "1", "archived": "no"}},
            },
            "workspaces.1.archived",
        ),
    ],
)
def test_an_answer_of_another_shape_names_the_path(body: object, path: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        Answer(body).single("workspaces", Workspace)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_recorded_refusal_reaches_the_person_who_looks() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(422, json=recorded("validation_error.json"))

    http = Http(SYSTEM, "https://api.example", transport=httpx.MockTransport(refuse))
    settings = KantataSettings.model_validate({"base_url": "https://api.example", "token": "t"})
    port = KantataProjects(SYSTEM, settings, http, FieldMap.load(CONNECTOR.mapping))
    with pytest.raises(SystemRefused, match="Please give your project a title"):
        port.create_project(a_project(), client_name="B", key=KEY)
