"""The reference process 'activate' on our engine, beside the bound of the same database.

Input, ten recorded local steps with a branch after the fifth, an approval that another process
answers once it has seen it asked, finish. Prints one JSON object: for each number of workers the
processes per second, the CPU time per process over the whole tree (workers, driver, approver,
PostgreSQL) and the time from input to finish in a closed loop of 16; and the bound, the same rows
written by one connection in one transaction a process, without any engine.

    python benchmarks/activate.py [--processes 600] [--workers 1 2 4]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from fairlead.domain.model.calendar import BusinessCalendar, Hours
from fairlead.domain.values import Money
from fairlead.errors import Refused
from fairlead.flow.burst import Bursts
from fairlead.flow.calls import Call, Done, Hooks
from fairlead.flow.engine import Drain, Engine, RunsDrain
from fairlead.flow.library import Library
from fairlead.flow.playbook import Playbook
from fairlead.flow.registry import Registry
from fairlead.flow.start import start_run
from fairlead.store.database import Database, Tx
from fairlead.work.answers import answer_task
from measure import cpu_s, database, me, percentile

IN_FLIGHT = 16
PLAYBOOK = Playbook.model_validate(
    {
        "playbook": "activate",
        "version": 1,
        "owner": "operations",
        "subject": "record",
        "starts_on": "record.received",
        "stages": [
            {
                "stage": f"Step {n}",
                "owner": "operations",
                "within": "PT8H",
                "steps": (
                    [
                        {"action": "record", "name": f"step_{n}", "when": "large"},
                        {"action": "record", "name": f"step_{n}_small", "unless": "large"},
                    ]
                    if n == 6
                    else [{"action": "record", "name": f"step_{n}"}]
                ),
            }
            for n in range(1, 8)
        ]
        + [
            {
                "stage": "Agree",
                "owner": "operations",
                "within": "PT8H",
                "steps": [{"approval": "agree", "by": {"role": "approver"}}],
            }
        ]
        + [
            {
                "stage": f"Step {n}",
                "owner": "operations",
                "within": "PT8H",
                "steps": [{"action": "record", "name": f"step_{n}"}],
            }
            for n in range(8, 11)
        ],
    }
)


class Records:
    """A subject that is only its id."""

    def load(self, tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, Any]:
        return {id: id for id in ids}

    def save(self, tx: Tx, subjects: Sequence[Any]) -> None:
        return None

    def facts(self, subject: Any) -> Mapping[str, str | None]:
        return {}

    def title(self, subject: Any) -> str:
        return subject

    def at_stake(self, subject: Any) -> Money | None:
        return None

    def involved(self, subject: Any) -> tuple[str, ...]:
        return ()

    def shown(self, subject: Any) -> dict[str, Any]:
        return {"record": subject}

    def objects(self, subject: Any) -> list[tuple[str, str, str]]:
        return [(subject, "record", "subject")]


class Approver:
    id = "ana"
    roles = frozenset({"approver"})

    def aliases(self) -> frozenset[str]:
        return frozenset({"ana"})

    def may_commit(self, amount: Decimal, currency: str) -> bool:
        return True

    def sees(self, region: str | None) -> bool:
        return True


def parts() -> tuple[Hooks, Registry, Library]:
    registry = Registry()

    @registry.action("record")
    def record(call: Call) -> Done:
        return Done({"input": call.input["number"], "step": call.step.name})

    @registry.condition("large")
    def large(call: Call) -> bool:
        return call.input["number"] % 2 == 0

    hours = (Hours.model_validate({"opens": "09:00", "closes": "17:30"}),)
    weekdays = ("monday", "tuesday", "wednesday", "thursday", "friday")
    calendar = BusinessCalendar(
        name="bench", zone="Europe/London", weekly=dict.fromkeys(weekdays, hours),
        known_until=date(2100, 1, 1),
    )  # fmt: skip

    def no_policy(name: str, call: Call) -> Any:
        raise Refused("this playbook asks no policy")

    def nowhere(port: str, facts: Mapping[str, str | None]) -> str:
        raise Refused("this playbook acts nowhere")

    hooks = Hooks({"record": Records()}, no_policy, nowhere, lambda facts: calendar)
    return hooks, registry, Library([PLAYBOOK])


def work(url: str, ready: Any, stop: Any) -> None:
    """A worker process."""
    db = Database(url)
    bursts = Bursts(*parts())
    drain = RunsDrain(db, bursts.advance_ready)

    def drains(queue: str) -> Drain | None:
        return drain if queue == "runs" else None

    engine = Engine(db, drains, [], lambda dead: None)
    engine.start()
    ready.release()
    stop.wait()
    engine.stop()


def approve(url: str, stop: Any) -> None:
    """Answers each approval that it has seen asked, one transaction each, as an API would."""
    db, ana = Database(url), Approver()
    while not stop.is_set():
        with db.transaction() as tx:
            tasks = tx.execute("SELECT id FROM tasks WHERE state = 'open' LIMIT 50").fetchall()
        for task in tasks:
            with db.transaction() as tx:
                answer_task(tx, task["id"], ana, approved=True, reason="", version=None)
        if not tasks:
            time.sleep(0.005)
    db.close()


def closed_loop(db: Database, count: int) -> tuple[float, list[float]]:
    """Keep 16 processes in flight until `count` are finished; wall seconds, and ms of each."""
    _, _, library = parts()
    with db.transaction() as tx:
        before = tx.execute("SELECT count(*) AS n FROM runs WHERE state = 'completed'").fetchone()
    assert before is not None
    started, finished, begun = 0, 0, time.perf_counter()
    while finished < count:
        for _ in range(min(count - started, IN_FLIGHT - (started - finished))):
            with db.transaction() as tx:
                start_run(
                    tx, library, PLAYBOOK, subject_id=str(uuid.uuid4()), facts={},
                    correlation="bench", input={"number": started},
                )  # fmt: skip
            started += 1
        time.sleep(0.005)
        with db.transaction() as tx:
            row = tx.execute("SELECT count(*) AS n FROM runs WHERE state = 'completed'").fetchone()
        assert row is not None
        finished = row["n"] - before["n"]
    wall = time.perf_counter() - begun
    with db.transaction() as tx:
        rows = tx.execute(
            "SELECT extract(epoch FROM ended_at - started_at) * 1000 AS ms FROM runs "
            "WHERE state = 'completed' ORDER BY started_at DESC LIMIT %s",
            [count],
        ).fetchall()
    return wall, [float(row["ms"]) for row in rows]


def bound(db: Database, count: int) -> dict[str, float]:
    """The rows of a process in two commits on one connection: no engine, no reading."""
    with db.transaction() as tx:
        tx.execute("CREATE TABLE IF NOT EXISTS bound (id text, step int, body jsonb)")
    cpu, begun = cpu_s([me()]), time.perf_counter()
    for n in range(count):
        for half in (range(6), range(6, 12)):
            with db.transaction() as tx:
                tx.cursor().executemany(
                    "INSERT INTO bound VALUES (%s, %s, '{}')", [(str(n), step) for step in half]
                )
    wall = time.perf_counter() - begun
    return {
        "processes_per_s": round(count / wall, 1),
        "client_cpu_ms_per_process": round((cpu_s([me()]) - cpu) * 1000 / count, 2),
    }


def measure(workers: int, count: int) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with database() as (db, postmaster):
        ready, stop = context.Semaphore(0), context.Event()
        processes = [
            context.Process(target=work, args=(db.url, ready, stop), daemon=True)
            for _ in range(workers)
        ]
        processes.append(context.Process(target=approve, args=(db.url, stop), daemon=True))
        for process in processes:
            process.start()
        for _ in range(workers):
            ready.acquire()
        closed_loop(db, 50)  # warm
        pids = [me(), postmaster]
        cpu = cpu_s(pids)
        wall, times_ms = closed_loop(db, count)
        used = cpu_s(pids) - cpu
        stop.set()
        for process in processes:
            process.join(30)
        result = {
            "workers": workers,
            "processes": count,
            "processes_per_s": round(count / wall, 1),
            "cpu_ms_per_process": round(used * 1000 / count, 2),
            "p50_ms": round(percentile(times_ms, 0.5), 1),
            "p95_ms": round(percentile(times_ms, 0.95), 1),
        }
        if workers == 1:
            result["bound"] = bound(db, count)
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=600)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    runs = [measure(workers, options.processes) for workers in options.workers]
    best = min(runs, key=lambda run: run["cpu_ms_per_process"])
    bounds = [run.pop("bound") for run in runs if "bound" in run]
    print(
        json.dumps(
            {
                "benchmark": "activate",
                **{name: best[name] for name in (
                    "cpu_ms_per_process", "processes_per_s", "p50_ms", "p95_ms", "workers")},
                "by_workers": runs,
                "bound": bounds[0] if bounds else None,
            },
            indent=2,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
