"""A queue that ages, answers that do not come, an interface that fails: each is an alert (F116)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from fairlead.capabilities.handoff.firm import load_firm
from fairlead.config import SAMPLE
from fairlead.policy.publish import load_all
from fairlead.store import bulk, queues, systems
from fairlead.store.database import Database, database_time
from fairlead.store.queues import Queue
from fairlead.work.alerts import POLICIES, POLICY, Alerts, QueueFacts, judge
from fairlead.work.escalation import Escalation, Team

SYSTEM, OTHER = "ledger-1", "crm-1"
TEAMS = {
    "integration-operations": Team(role="integration_operator", escalates_to="pmo_lead"),
    "delivery-operations": Team(role="pmo_lead", escalates_to="controller"),
}


@pytest.fixture
def alerts(db: Database) -> Alerts:
    with db.transaction() as tx:
        systems.register(tx, [SYSTEM, OTHER], [])
        tx.execute(
            "INSERT INTO playbooks (digest, name, version, body, first_used_at) "
            "VALUES ('d', 'p', 1, '{}', now())"
        )
    return Alerts(db, load_all([POLICIES]), TEAMS, "controller")


def ago(db: Database, **by: float) -> datetime:
    with db.transaction() as tx:
        return database_time(tx) - timedelta(**by)


def put(db: Database, table: str, *rows: dict[str, Any]) -> None:
    with db.transaction() as tx:
        bulk.insert(tx, table, rows)


def a_run(db: Database, id: str, ready_at: datetime | None = None) -> None:
    put(
        db,
        "runs",
        {
            "id": id,
            "playbook": "p",
            "digest": "d",
            "subject_type": "s",
            "subject_id": "s",
            "correlation": "c",
            "input": {},
            "state": "active",
            "started_at": ago(db, days=1),
            "ready_at": ready_at,
        },
    )


def a_step(db: Database, since: datetime, name: str = "book", system: str = SYSTEM) -> None:
    a_run(db, f"run-of-{name}")
    put(
        db,
        "steps",
        {
            "run_id": f"run-of-{name}",
            "name": name,
            "occurrence": 1,
            "kind": "action",
            "state": "ready",
            "owner": "delivery-operations",
            "system": system,
            "started_at": since,
            "ready_at": since,
        },
    )


def a_message(
    db: Database, id: str, at: datetime, state: str = "ready", queue: str = SYSTEM
) -> None:
    put(
        db,
        "inbox",
        {
            "source": queue,
            "message": id,
            "kind": "webhook",
            "queue": queue,
            "correlation": "c",
            "headers": {},
            "body": b"{}",
            "state": state,
            "received_at": at,
            "ready_at": at,
        },
    )


def a_task(
    db: Database, id: str, since: datetime, role: str = "pmo_lead", assignee: str | None = None
) -> None:
    put(
        db,
        "tasks",
        {
            "id": id,
            "kind": "approval",
            "run_id": "r",
            "step": id,
            "occurrence": 1,
            "subject_id": "s",
            "title": "Launch?",
            "role": role,
            "assignee": assignee,
            "excluded": [],
            "shown": {},
            "state": "open",
            "opened_at": since,
        },
    )


def an_effect(
    db: Database, key: str, state: str, at: datetime | None = None, system: str = SYSTEM
) -> None:
    put(
        db,
        "effects",
        {
            "key": key,
            "run_id": "r",
            "step": "book",
            "occurrence": 1,
            "subject_id": "s",
            "system": system,
            "operation": "ledger.create_project",
            "digest": "x",
            "request": {},
            "state": state,
            "intended_at": at or ago(db, minutes=5),
        },
    )


def rows(db: Database, query: str) -> list[dict[str, Any]]:
    with db.transaction() as tx:
        return tx.execute(query.encode()).fetchall()


def open_causes(db: Database) -> list[str]:
    found = rows(db, "SELECT cause FROM exceptions WHERE state = 'open' ORDER BY cause")
    return [row["cause"] for row in found]


def told(db: Database) -> list[tuple[str, str]]:
    found = rows(db, "SELECT role, about FROM notifications ORDER BY id")
    return [(row["role"], row["about"]) for row in found]


def test_an_aged_queue_a_late_approver_and_a_failing_interface_are_three_alerts(
    db: Database, alerts: Alerts
) -> None:
    a_step(db, ago(db, minutes=20))
    a_task(db, "launch", ago(db, days=4))
    for n in range(3):
        an_effect(db, f"refused-{n}", "refused", system=OTHER)

    alerts.sweep()

    assert open_causes(db) == [f"queue:effects:{OTHER}", "queue:role:pmo_lead",
                               f"queue:steps:{SYSTEM}"]  # fmt: skip
    found = {row["cause"]: row for row in rows(db, "SELECT * FROM exceptions")}
    step = found[f"queue:steps:{SYSTEM}"]
    assert (step["class"], step["actions"], step["system"], step["team"]) == (
        "delay", ["assign"], SYSTEM, "integration-operations",
    )  # fmt: skip
    assert "1 step is waiting since" in step["detail"]
    assert step["due_at"] - step["opened_at"] == timedelta(hours=4)
    assert found["queue:role:pmo_lead"]["team"] == "delivery-operations"
    assert found["queue:role:pmo_lead"]["title"] == "Answers of pmo lead are late"
    assert told(db) == [
        ("integration_operator", "queue.alert"),
        ("pmo_lead", "queue.alert"),
        ("integration_operator", "queue.alert"),
    ]


def test_why_it_is_an_alert_is_a_decision_on_record(db: Database, alerts: Alerts) -> None:
    a_run(db, "r-1", ready_at=ago(db, minutes=7))

    alerts.sweep()

    (decision,) = rows(db, "SELECT * FROM decisions")
    (found,) = rows(db, "SELECT * FROM exceptions")
    (event,) = rows(db, "SELECT * FROM events")
    assert (decision["policy"], decision["row"]) == (POLICY, "runs-age")
    assert decision["facts"]["oldest_minutes"] == 7
    assert found["payload"]["decision"] == decision["id"]
    assert (event["type"], event["chain"], event["attributes"]["cause"]) == (
        "queue.alert", "queues", "queue:runs:all",
    )  # fmt: skip


def test_an_alert_is_said_once_while_it_lasts_and_ends_by_itself(
    db: Database, alerts: Alerts
) -> None:
    a_step(db, ago(db, minutes=20))

    alerts.sweep()
    alerts.sweep()
    (during,) = rows(db, "SELECT * FROM exceptions")
    with db.transaction() as tx:
        tx.execute("UPDATE steps SET state = 'done'")
    alerts.sweep()
    alerts.sweep()

    (after,) = rows(db, "SELECT * FROM exceptions")
    assert (during["state"], during["times"], during["version"]) == ("open", 1, 1)
    assert (after["state"], after["resolution"]) == ("resolved", "by itself")
    assert len(told(db)) == 1
    types = [row["type"] for row in rows(db, "SELECT type FROM events ORDER BY seq")]
    assert types == ["queue.alert", "queue.cleared"]


def test_what_comes_back_is_a_new_alert(db: Database, alerts: Alerts) -> None:
    a_step(db, ago(db, minutes=20))
    alerts.sweep()
    for state in ("done", "ready"):
        with db.transaction() as tx:
            tx.execute("UPDATE steps SET state = %s", [state])
        alerts.sweep()

    assert len(rows(db, "SELECT 1 FROM exceptions")) == 2
    assert len(told(db)) == 2


def test_sweeps_of_many_workers_at_once_say_it_once(db: Database, alerts: Alerts) -> None:
    a_step(db, ago(db, minutes=20))
    start = Barrier(6)

    def sweep(_: int) -> None:
        start.wait(10)
        alerts.sweep()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(sweep, range(6)))

    (found,) = rows(db, "SELECT * FROM exceptions")
    assert found["times"] == 1
    assert len(told(db)) == 1


def test_an_alert_that_nobody_sees_to_is_told_higher_up(db: Database, alerts: Alerts) -> None:
    a_step(db, ago(db, minutes=20))
    alerts.sweep()
    with db.transaction() as tx:
        tx.execute("UPDATE exceptions SET due_at = now() - interval '1 minute'")

    Escalation(db, TEAMS, "controller").sweep()

    assert told(db)[-1] == ("pmo_lead", "exception.overdue")


def test_a_team_that_the_firm_does_not_have_is_stood_in_for(db: Database) -> None:
    with db.transaction() as tx:
        systems.register(tx, [SYSTEM], [])
    a_message(db, "m", ago(db, minutes=20))

    Alerts(db, load_all([POLICIES]), {}, "controller").sweep()

    assert open_causes(db) == [f"queue:inbox:{SYSTEM}"]
    assert told(db) == [("controller", "queue.alert")]


def test_a_system_that_is_down_is_no_alert_because_it_is_an_exception(
    db: Database, alerts: Alerts
) -> None:
    a_step(db, ago(db, hours=3))
    a_message(db, "m", ago(db, hours=3))
    for n in range(5):
        an_effect(db, f"unknown-{n}", "unknown")
        a_message(db, f"parked-{n}", ago(db, minutes=5), "parked")
    alerts.sweep()
    assert len(open_causes(db)) == 4

    with db.transaction() as tx:
        systems.open_breaker(tx, SYSTEM, "it is away")
    alerts.sweep()

    assert open_causes(db) == []


def only(db: Database) -> Queue:
    with db.transaction() as tx:
        (found,) = queues.read(tx, database_time(tx) - timedelta(hours=1))
    return found


def test_the_age_of_a_queue_is_that_of_what_is_taken_next(db: Database, alerts: Alerts) -> None:
    for name, minutes in (("second", 5), ("first", 9), ("third", 1)):
        a_step(db, ago(db, minutes=minutes), name)

    found = only(db)

    assert (found.kind, found.name, found.waiting) == ("steps", SYSTEM, 3)
    assert timedelta(minutes=9) <= ago(db) - found.oldest_at < timedelta(minutes=10)


def test_every_queue_of_the_inbox_is_looked_at(db: Database, alerts: Alerts) -> None:
    for queue in (OTHER, "events", SYSTEM):
        for n in range(2):
            a_message(db, f"{queue}-{n}", ago(db, minutes=n), queue=queue)
    a_message(db, "read", ago(db, days=1), "done")

    with db.transaction() as tx:
        found = queues.read(tx, database_time(tx) - timedelta(hours=1))

    assert [(one.name, one.system, one.waiting) for one in found] == [
        (OTHER, OTHER, 2), ("events", None, 2), (SYSTEM, SYSTEM, 2),
    ]  # fmt: skip


def test_people_are_counted_by_role_and_by_whom_it_was_given_to(
    db: Database, alerts: Alerts
) -> None:
    a_task(db, "one", ago(db, hours=2), assignee="ana")
    a_task(db, "two", ago(db, hours=5))
    a_task(db, "three", ago(db, hours=1), role="finance")

    with db.transaction() as tx:
        found = queues.read(tx, database_time(tx))

    assert [(one.kind, one.name, one.waiting) for one in found] == [
        ("assignee", "ana", 1), ("role", "finance", 1), ("role", "pmo_lead", 2),
    ]  # fmt: skip
    assert found[2].oldest_at < found[0].oldest_at


def test_only_what_failed_within_the_hour_counts_and_as_a_part_of_what_was_tried(
    db: Database, alerts: Alerts
) -> None:
    for n, state in enumerate(("refused", "unknown", "confirmed", "confirmed", "intended")):
        an_effect(db, f"e-{n}", state)
    an_effect(db, "long-ago", "refused", ago(db, minutes=61))
    an_effect(db, "elsewhere", "confirmed", system=OTHER)

    found = only(db)

    assert (found.kind, found.name, found.waiting, found.share) == (
        "effects", SYSTEM, 2, Decimal("0.4"),
    )  # fmt: skip


def test_parked_messages_count_as_a_part_of_those_that_came(db: Database, alerts: Alerts) -> None:
    for n, state in enumerate(("parked", "done", "ignored", "done")):
        a_message(db, f"m-{n}", ago(db, minutes=5), state)
    a_message(db, "long-ago", ago(db, minutes=61), "parked")

    found = only(db)

    assert (found.kind, found.waiting, found.share) == ("messages", 1, Decimal("0.25"))


def test_work_that_is_in_time_is_no_alert(db: Database, alerts: Alerts) -> None:
    a_step(db, ago(db, minutes=14))
    a_message(db, "m", ago(db, minutes=14))
    a_run(db, "r-1", ready_at=ago(db, minutes=4))
    a_task(db, "launch", ago(db, days=2), assignee="ana")
    an_effect(db, "refused", "refused")

    alerts.sweep()

    assert open_causes(db) == []
    assert rows(db, "SELECT 1 FROM decisions") == []


def test_a_timer_that_is_not_due_is_not_late(db: Database, alerts: Alerts) -> None:
    a_run(db, "r-1", ready_at=ago(db, minutes=-90))

    alerts.sweep()

    assert open_causes(db) == []


def test_the_facts_are_those_that_the_policy_asks_for() -> None:
    (policy,) = load_all([POLICIES])

    assert set(policy.inputs) == set(QueueFacts.model_fields)


def test_every_team_that_the_policy_names_is_one_of_the_firm() -> None:
    (policy,) = load_all([POLICIES])
    named = {row.outputs["team"].strip("'") for row in policy.rows} - {""}

    assert named
    assert named <= set(load_firm(SAMPLE).teams)


@pytest.mark.parametrize(
    ("kind", "minutes", "waiting", "share", "row"),
    [
        pytest.param("effects", 1, 3, "0.5", "most-calls-fail", id="exactly-half"),
        pytest.param("effects", 1, 3, "0.4999", None, id="under-half"),
        pytest.param("effects", 1, 10, "0.1", "many-calls-fail", id="exactly-a-tenth-of-many"),
        pytest.param("messages", 1, 3, "0.2", "messages-are-parked", id="exactly-a-fifth"),
        pytest.param("steps", 15, 1, "0", "steps-age", id="exactly-a-quarter-of-an-hour"),
        pytest.param("steps", 14, 1, "0", None, id="not-yet-a-quarter-of-an-hour"),
        pytest.param("role", 4320, 1, "0", "role-is-late", id="exactly-three-days"),
        pytest.param("assignee", 1, 20, "0", "person-is-swamped", id="exactly-twenty"),
    ],
)
def test_the_thresholds_are_rows_of_the_policy(
    db: Database, kind: str, minutes: int, waiting: int, share: str, row: str | None
) -> None:
    (policy,), now = load_all([POLICIES]), ago(db)
    since = now - timedelta(minutes=minutes, seconds=59)

    found = judge(policy, [Queue(kind, "x", None, since, waiting, Decimal(share))], now)

    assert [alert.decision.row for alert in found] == ([row] if row else [])


# with many rows

_MANY = """
INSERT INTO runs (id, playbook, digest, subject_type, subject_id, correlation, input, state,
                  started_at, ready_at)
SELECT 'r' || n, 'p', 'd', 's', 's', 'c', '{}', 'active', now(),
       CASE WHEN n % 10 = 0 THEN now() - n * interval '1 s' END
FROM generate_series(1, 100000) AS n;
INSERT INTO steps (run_id, name, kind, state, owner, system, started_at, ready_at)
SELECT 'r' || n, 'book', 'action', CASE WHEN n % 10 = 0 THEN 'ready' ELSE 'done' END, 'o',
       'ledger-1', now() - n * interval '1 s', now() FROM generate_series(1, 100000) AS n;
INSERT INTO inbox (source, message, kind, queue, correlation, headers, body, state, received_at,
                   ready_at)
SELECT 'crm-1', n::text, 'webhook', 'crm-1', 'c', '{}', '', CASE WHEN n % 10 = 0 THEN 'ready'
       ELSE 'done' END, now() - n * interval '1 s', now() FROM generate_series(1, 100000) AS n;
INSERT INTO tasks (id, kind, run_id, step, occurrence, subject_id, title, role, excluded, shown,
                   state, opened_at)
SELECT n::text, 'approval', 'r', 's', 1, 's', 't', 'pmo_lead', '[]', '{}',
       CASE WHEN n % 50 = 0 THEN 'open' ELSE 'approved' END, now()
FROM generate_series(1, 100000) AS n;
INSERT INTO effects (key, run_id, step, occurrence, subject_id, system, operation, digest, request,
                     state, intended_at)
SELECT n::text, 'r', 's', 1, 's', 'ledger-1', 'o', 'x', '{}', 'confirmed',
       now() - n * interval '1 s' FROM generate_series(1, 100000) AS n;
ANALYZE
"""


@pytest.fixture(scope="module")
def many(module_db: Database) -> Database:
    with module_db.transaction() as tx:
        systems.register(tx, [SYSTEM, OTHER], [])
        tx.execute(
            "INSERT INTO playbooks (digest, name, version, body, first_used_at) "
            "VALUES ('d', 'p', 1, '{}', now())"
        )
        for statement in _MANY.split(";"):
            tx.execute(statement.encode())
    return module_db


def _read_whole(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for inner in plan.get("Plans", []):
        yield from _read_whole(inner)


@pytest.mark.slow
@pytest.mark.takes(2)
@pytest.mark.parametrize("number", range(len(queues.QUERIES)))
def test_no_query_reads_a_whole_table_of_a_hundred_thousand_rows(
    many: Database, number: int
) -> None:
    with many.transaction() as tx:
        values = {"most": 10_000, "since": database_time(tx) - timedelta(hours=1)}
        query = "EXPLAIN (FORMAT JSON) " + queues.QUERIES[number]
        row = tx.execute(query, values).fetchone()
    assert row is not None
    (plan,) = row["QUERY PLAN"]

    assert set(_read_whole(plan["Plan"])) <= {"systems"}
