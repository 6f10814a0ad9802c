"""The demo's Tryton: what the proof reads there, and its outage. A real Tryton 8.2."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fairlead.bootstrap import CONNECTORS
from fairlead.capabilities.handoff.firm import load_firm
from fairlead.cli.demo_deals import load_deals
from fairlead.cli.demo_ledger import Reading, Things
from fairlead.cli.demo_proof import prove
from fairlead.cli.demo_tryton import DemoTryton
from fairlead.cli.main import app
from fairlead.config import SAMPLE, SystemConfig
from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.tryton.adapter import TrytonLedger
from fairlead.connectors.tryton.procurement import TrytonProcurement
from fairlead.connectors.tryton.settings import TrytonSettings
from fairlead.connectors.tryton.sign_in import sign_in
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.billing_schedule import BillingLine, BillingSchedule
from fairlead.domain.model.client import Client
from fairlead.domain.model.project import Dimensions, Project, WorkPackage
from fairlead.domain.model.requisition import Requisition
from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.domain.rules.project_setup import ProjectTemplate
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import SystemUnavailable
from fairlead.sandbox.tryton.installing import CannotInstall

HOME = Path(__file__).parents[2] / ".data" / "tryton"
DAY = date(2027, 1, 11)


def key(number: int) -> EffectKey:
    return EffectKey(f"th/engagement:1/~setup.{number}/create")


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


@pytest.fixture(scope="module")
def tryton() -> Iterator[DemoTryton]:
    name = f"demo_{os.getpid()}"
    try:
        server = DemoTryton(HOME, lambda _words: None, name=name)
    except CannotInstall as away:
        pytest.skip(f"There is no Tryton here, and the package index did not give one. {away}")
    yield server
    server.stop()
    (HOME / f"{name}.log").unlink()


@pytest.fixture(scope="module")
def parts(tryton: DemoTryton) -> tuple[str, TrytonSettings, Http, FieldMap]:
    """What Fairlead makes its adapters of, from the entry in `systems.yaml`."""
    erp = tryton.entry()
    entry = SystemConfig.model_validate(erp.entry)
    settings = TrytonSettings.model_validate({**entry.settings, **erp.secrets})
    plain = Http(entry.id, str(settings.base_url))
    http = plain.with_sign_in(sign_in(entry.id, settings, plain))
    return entry.id, settings, http, FieldMap.load(CONNECTORS[entry.connector].mapping)


@pytest.mark.slow
def test_what_is_made_there_is_read_for_the_proof(
    tryton: DemoTryton, parts: tuple[str, TrytonSettings, Http, FieldMap]
) -> None:
    tryton.prepare(load_deals().before)
    nothing = Things()
    assert tryton.reading() == Reading(*[nothing for _ in fields(Reading)])
    ledger, buyer = TrytonLedger(*parts), TrytonProcurement(*parts)
    elsewhere = ExternalRef(system="crm", kind="account", id="1")
    client = ledger.create_client(
        Client(ref=elsewhere, name="Kestrel GmbH"), subsidiary="2", key=key(1)
    )
    tax = TaxTreatment(
        kind=TaxKind.STANDARD, code="DE-STANDARD", rate=Decimal("0.19"), country="DE", basis="UStG"
    )
    package = WorkPackage(code="10", name="Design", hours=Decimal(10), starts_on=DAY, ends_on=DAY)
    whole = Project(
        code="TH-1", name="Whole", template="x", contract_type="phased", budget=euros("5"),
        dimensions=Dimensions(
            legal_entity="TH-GMBH", subsidiary="2", practice="1", region="1", cost_centre="1"
        ),
        hours=Decimal(10), starts_on=DAY, ends_on=DAY, work_packages=(package,), tax=tax,
    )  # fmt: skip
    made = ledger.create_project(whole, client=client, key=key(2))
    part = whole.model_copy(update={"code": "TH-2", "name": "Part"})
    below = ledger.create_project(part, client=client, key=key(3), parent=made)
    ledger.close_project(below, key=key(4))
    lines = tuple(
        BillingLine(number=nr, name=f"Part {nr}", amount=euros(amount), due_on=DAY)
        for nr, amount in enumerate(("2.50", "2.51"), start=1)
    )
    schedule = BillingSchedule(
        code="TH-1", name="Whole", currency="EUR", lines=lines, payment_days=30
    )
    ledger.create_schedule(schedule, project=made, key=key(5))
    (vendor,) = buyer.vendors("Halden Testing")
    needed = Requisition(
        code="TH-1/1", project_code="TH-1", description="Tests", vendor=vendor.ref, role="Tester",
        hours=Decimal(5), cost=euros("900"), needed_on=DAY,
    )  # fmt: skip
    buyer.create_requisition(needed, project=made, key=key(6))

    assert tryton.reading() == Reading(
        clients=Things([("Kestrel GmbH",)]),
        projects=Things([("Whole",), ("Part",)]),
        parents=Things([("Whole", "Kestrel GmbH"), ("Part", "Whole")]),
        taxes=Things([("Whole", "DE-STANDARD"), ("Part", "DE-STANDARD")]),
        closed=Things([("Part",)]),
        packages=Things([("Whole", "10 Design"), ("Part", "10 Design")]),
        schedules=Things([("Whole",)]),
        lines=Things([("Whole",), ("Whole",)]),
        sums=Things([("Whole", "5.01")]),
        requisitions=Things([("Whole", "Tester", "Halden Testing GmbH", "900")]),
    )


@pytest.mark.slow
def test_a_killed_tryton_is_away_and_comes_back(
    tryton: DemoTryton, parts: tuple[str, TrytonSettings, Http, FieldMap]
) -> None:
    ledger, before = TrytonLedger(*parts), tryton.reading()

    tryton.go_down()
    with pytest.raises(SystemUnavailable):
        ledger.ping()
    tryton.come_back()

    ledger.ping()
    assert before == tryton.reading()


def test_the_proof_sees_what_tryton_holds_twice_and_what_is_missing() -> None:
    book = load_deals()
    nothing = Reading(*[Things() for _ in fields(Reading)])
    twice = Things({("Nobody asked for this",): 2})

    rows = prove(book, _templates(), [], replace(nothing, clients=twice))

    found = {row.object: row for row in rows if row.system == "tryton"}
    assert (found["party"].duplicates, found["party"].missing) == (2, found["party"].expected)
    assert found["project"].missing == found["project"].expected > 50
    assert not [row for row in rows if row.system.startswith("netsuite")]


@pytest.mark.slow
def test_where_tryton_cannot_be_installed_the_demo_says_what_to_do_and_ends(tmp_path: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull}
    given = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(
        [sys.executable, "-m", "fairlead.cli.main", "demo", "--erp", "tryton"],
        env={**given, **nowhere, "FAIRLEAD_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "Tryton could not be installed" in done.stderr
    assert "pip must reach a package index" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("postmaster.pid"))


def test_an_erp_that_there_is_not_is_refused() -> None:
    asked = CliRunner().invoke(app, ["demo", "--erp", "sap"])

    assert asked.exit_code == 2
    assert "sap: it is one of netsuite, tryton" in asked.output


def _templates() -> dict[str, ProjectTemplate]:
    return {one.id: one for one in load_firm(SAMPLE).templates}
