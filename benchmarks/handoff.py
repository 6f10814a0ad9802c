"""Event to launched engagement, on systems that answer at once, beside the chain of their calls.

A sandbox plays CRM, ledger and project system without faults, delays or budgets; one worker
process carries each deal from the event to the launched engagement, the approval answered by
another process the moment it is asked. First one deal at a time (latency), then all at once
(throughput and CPU of workers, approver and PostgreSQL; the sandbox is not counted). The bound is
the same calls made one after the other by the connectors alone, without Fairlead.

    python benchmarks/handoff.py [--deals 40]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from fairlead.bootstrap import Fairlead
from fairlead.cli.world import SandboxWorld, open_world
from fairlead.config import Settings
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.project import Dimensions
from fairlead.domain.rules.project_setup import billing_schedule, project, staffing_requests
from fairlead.store import inbox
from fairlead.store.server import EmbeddedServer
from fairlead.trust.acting import Acting
from fairlead.work.answers import answer_task
from large_firm import german_vat_id
from measure import cpu_s, percentile

CRM = "salesforce-emea"


def plant(world: SandboxWorld, number: int) -> str:
    """A complete, signed deal of a new client; its id in the CRM."""

    def record(kind: str, body: dict[str, Any]) -> str:
        answer = world.sandbox.control.post(f"/_sandbox/{CRM}/records/{kind}", json=body)
        answer.raise_for_status()
        return answer.json()["id"]

    account = record(
        "Account",
        {
            "Name": f"Benchmark Client {number:05} GmbH",
            "BillingCountryCode": "DE",
            "Tax_Id__c": german_vat_id(number),
        },
    )
    contract = record(
        "Contract",
        {
            "AccountId": account,
            "Status": "Activated",
            "StartDate": "2026-11-01",
            "EndDate": "2027-12-31",
            "CustomerSignedDate": "2026-10-20",
            "Payment_Days__c": 30,
            "Contract_Value__c": 300000,
        },
    )
    for name, share in (("Design", 40), ("Go live", 60)):
        record(
            "Billing_Term__c", {"Name": name, "Contract__c": contract, "Share_Percent__c": share}
        )
    return record(
        "Opportunity",
        {
            "Name": f"Benchmark {number}",
            "AccountId": account,
            "ContractId": contract,
            "StageName": "Closed Won",
            "Amount": 300000,
            "CloseDate": "2026-11-02",
            "Project_Start__c": "2026-12-01",
            "Project_End__c": "2027-08-31",
            "Region__c": "EMEA",
            "Delivery_Country__c": "DE",
            "Service_Line__c": "Cloud engineering",
            "Contract_Type__c": "Milestone",
            "Legal_Entity__c": "TH-GMBH",
            "Owner": {"Email": "pia.novak@tarn-holloway.example"},
        },
    )


def quick(config: Path) -> None:
    """No budgets of ours and no polls: the systems are as fast as they are."""
    file = config / "systems.yaml"
    systems = yaml.safe_load(file.read_text("utf-8"))
    for system in systems["systems"]:
        system["rate"] = {"per_second": 100000, "at_once": 8}
        system.pop("poll_every_s", None)
    file.write_text(yaml.safe_dump(systems, allow_unicode=True), "utf-8")


def work(settings: Settings, ready: Any, stop: Any) -> None:
    engine = Fairlead(settings).worker()
    engine.start()
    ready.release()
    stop.wait()
    engine.stop()


def approve(settings: Settings, stop: Any) -> None:
    fairlead = Fairlead(settings)
    ines, pia = (
        Acting.of(fairlead.people, fairlead.people.principal(id))
        for id in ("ines.moreau", "pia.novak")
    )
    while not stop.is_set():
        with fairlead.db.transaction() as tx:
            query = "SELECT id, role FROM tasks WHERE state = 'open' LIMIT 50"
            tasks = tx.execute(query).fetchall()
        for task in tasks:
            with fairlead.db.transaction() as tx:
                who = pia if task["role"] == "sales_operations" else ines
                answer_task(tx, task["id"], who, approved=True, reason="", version=None)
        time.sleep(0.005)


def tell(fairlead: Fairlead, deal: str) -> None:
    """What the webhook does: store the message."""
    with fairlead.db.transaction() as tx:
        inbox.put(
            tx, source=CRM, message=f"bench:{deal}", kind="change", queue=CRM,
            correlation=deal, headers={}, body=json.dumps({"opportunity": deal}).encode(),
        )  # fmt: skip


def launched(fairlead: Fairlead, deals: list[str], within_s: float) -> list[float]:
    """Milliseconds from message to launched, per deal."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with fairlead.db.transaction() as tx:
            rows = tx.execute(
                "SELECT extract(epoch FROM e.launched_at - i.received_at) * 1000 AS ms "
                "FROM engagements e JOIN inbox i ON i.message = 'bench:' || e.source_id "
                "WHERE e.source_id = ANY(%s) AND e.launched_at IS NOT NULL",
                [deals],
            ).fetchall()
        if len(rows) == len(deals):
            return [float(row["ms"]) for row in rows]
        time.sleep(0.01)
    raise SystemExit(f"{len(deals)} deals were not launched within {within_s} s")


def chain_ms(fairlead: Fairlead, deal_id: str) -> float:
    """The calls of one handoff one after the other, by the connectors alone."""
    crm = fairlead.reaches[CRM].port("crm")
    ledger = fairlead.reaches["netsuite-emea"].port("ledger")
    projects = fairlead.reaches["kantata"].port("projects")
    begun = time.perf_counter()
    deal = crm.opportunity(deal_id)
    ledger.candidates(deal.client)
    key = f"bench/{deal_id}"
    client = ledger.create_client(deal.client, subsidiary="2", key=EffectKey(f"{key}/client"))
    template = fairlead.firm.template("cloud-engineering")
    dimensions = Dimensions(
        legal_entity="TH-GMBH", subsidiary="2", practice="1", region="1", cost_centre="11"
    )
    wanted = project(
        deal, code=f"B-{deal_id[-6:]}", template=template, dimensions=dimensions,
        rate_card="EMEA 2026",
    )  # fmt: skip
    booked = ledger.create_project(wanted, client=client, key=EffectKey(f"{key}/job"))
    ledger.create_schedule(
        billing_schedule(deal, code=wanted.code), project=booked, key=EffectKey(f"{key}/schedule")
    )
    shell = projects.create_project(
        wanted, client_name=deal.client.name, key=EffectKey(f"{key}/project")
    )
    for package in wanted.work_packages:
        projects.add_work_package(shell, package, key=EffectKey(f"{key}/wp/{package.code}"))
    for request in staffing_requests(deal, code=wanted.code, template=template):
        projects.request_staffing(shell, request, key=EffectKey(f"{key}/staff/{request.code}"))
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=40)
    count = parser.parse_args().deals
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        data = Path(folder)
        world = open_world(data, "http://127.0.0.1:9")
        quick(world.config)
        settings = Settings(data=data, config=world.config)
        fairlead = Fairlead(settings)
        server = EmbeddedServer(data)
        try:
            Fairlead(settings).db.close()  # started and migrated
            pid = server.pid()
            assert pid is not None
            ready, stop = context.Semaphore(0), context.Event()
            children = [
                context.Process(target=work, args=(settings, ready, stop), daemon=True),
                context.Process(target=approve, args=(settings, stop), daemon=True),
            ]
            for child in children:
                child.start()
            ready.acquire()
            print(json.dumps(measured(fairlead, world, children, pid, count), indent=2))
            stop.set()
            for child in children:
                child.join(30)
        finally:
            fairlead.db.close()
            world.stop()
            server.stop()


def measured(
    fairlead: Fairlead, world: SandboxWorld, children: list[Any], postmaster: int, count: int
) -> dict[str, Any]:
    deals = [plant(world, number) for number in range(2 * count + 5)]
    pids = [child.pid for child in children] + [postmaster]
    for deal in deals[:3]:  # warm
        tell(fairlead, deal)
        launched(fairlead, [deal], 60)
    one_by_one: list[float] = []
    for deal in deals[5 : 5 + count]:
        tell(fairlead, deal)
        one_by_one += launched(fairlead, [deal], 60)
    many = deals[5 + count :]
    cpu, begun = cpu_s(pids), time.perf_counter()
    for deal in many:
        tell(fairlead, deal)
    launched(fairlead, many, 300)
    wall = time.perf_counter() - begun
    used = cpu_s(pids) - cpu
    return {
        "benchmark": "handoff",
        "deals": count,
        "p50_ms": round(percentile(one_by_one, 0.5), 1),
        "p95_ms": round(percentile(one_by_one, 0.95), 1),
        "processes_per_s": round(count / wall, 2),
        "cpu_ms_per_process": round(used * 1000 / count, 1),
        "bound": {"chain_ms": round(chain_ms(fairlead, deals[3]), 1)},
    }


if __name__ == "__main__":
    main()
