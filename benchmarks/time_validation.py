"""Judging 1,000,000 time entries by all rules, beside the bound of the same machine.

4,000 people in three countries work on 5,000 engagements over a quarter; about one entry in ten
breaks a rule, some engagements are over plan or cap. Prints one JSON object: CPU seconds of the
rules alone (columns in, findings out) and of the whole, from the table to stored findings (this
process and PostgreSQL), peak memory of this process, and the bound: reading the same columns once
with Polars.

    python benchmarks/time_validation.py [--entries 1000000]
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import date
from typing import LiteralString

import polars as pl

from fairlead.bootstrap import Fairlead
from fairlead.capabilities.time.judging import Spending
from fairlead.capabilities.time.validation import Scope, ValidationDrain, ask
from fairlead.config import SAMPLE, Settings
from fairlead.domain.rules.time_judge import judge
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.store import time_validations
from fairlead.store.database import Database
from fairlead.trust.acting import Acting
from measure import cpu_s, database, me

FIRST, LAST = date(2026, 7, 1), date(2026, 9, 30)
PEOPLE, ENGAGEMENTS = 4000, 5000

# Everybody works on three engagements, one after the other, on each working day.
FILL: tuple[LiteralString, ...] = (
    """
    INSERT INTO deliveries (engagement_id, number, code, name, client_name, region, legal_entity,
        currency, contract_type, billing_method, revenue_method, starts_on, ends_on, body,
        opened_at, version)
    SELECT 'e-' || n, 'ENG-' || n, 'TH-' || n, 'n', 'client ' || n %% 900, 'EMEA', 'TH-GMBH', 'EUR',
        CASE WHEN n %% 2 = 0 THEN 'time_and_materials' ELSE 'fixed_fee' END, 'as_worked',
        'as_invoiced', '2026-01-01', '2026-12-31',
        jsonb_build_object('time_policy', CASE WHEN n %% 2 = 0 THEN 'DE-DAILY-DETAILED'
                ELSE 'EMEA-WEEKLY' END,
            'budget_minutes', CASE WHEN n %% 50 = 0 THEN 6000 ELSE 600000 END,
            'cap', CASE WHEN n %% 20 = 0 THEN '{"amount": "20000", "currency": "EUR"}'::jsonb END),
        now(), 1
    FROM generate_series(0, %(engagements)s - 1) n
    """,
    """
    INSERT INTO work_packages (engagement_id, code, name, minutes, starts_on, ends_on, billable,
        closed_on)
    SELECT 'e-' || n, t::text, 'task', 1000000, '2026-01-01', '2026-12-31', t < 30,
        CASE WHEN n %% 100 = 0 AND t = 10 THEN date '2026-09-15' END
    FROM generate_series(0, %(engagements)s - 1) n, unnest(ARRAY[10, 20, 30]) t
    """,
    """
    INSERT INTO bill_rates (engagement_id, role, resource_id, valid_from, per_hour, currency,
        source)
    SELECT 'e-' || n, 'Consultant', '', '2026-01-01', 140.5, 'EUR', 's'
    FROM generate_series(0, %(engagements)s - 1) n
    """,
    """
    INSERT INTO resources (id, name, region, country, minutes_per_week, roles, starts_on, source)
    SELECT 'person.' || n, 'p', 'EMEA', (ARRAY['DE', 'GB', 'US'])[n %% 3 + 1], 2400, '[]',
        '2020-01-01', 'hr'
    FROM generate_series(0, %(people)s - 1) n
    """,
    """
    INSERT INTO assignments (id, engagement_id, resource_id, role, starts_on, ends_on, minutes,
        source)
    SELECT 'a-' || n || '-' || k, 'e-' || (n * 7 + k) %% %(engagements)s, 'person.' || n,
        'Consultant', '2026-01-01', '2026-12-31',
        CASE WHEN n %% 200 = 0 THEN 3000 ELSE 100000 END, 's'
    FROM generate_series(0, %(people)s - 1) n, generate_series(0, 2) k
    """,
    """
    INSERT INTO absences (resource_id, starts_on, source, ends_on, kind)
    SELECT 'person.' || n, date '2026-08-03' + (n %% 20), 'hr', date '2026-08-04' + (n %% 20),
        'Vacation'
    FROM generate_series(0, %(people)s - 1, 10) n
    """,
    """
    INSERT INTO time_entries (id, engagement_id, task, resource_id, day, minutes, role, category,
        billable, narrative, state, source, source_id, region, legal_entity, entered_by,
        entered_at)
    SELECT md5(n::text)::uuid, 'e-' || (p * 7 + k) %% %(engagements)s,
        (ARRAY['10', '20', '30'])[k + 1], 'person.' || p,
        days[(n / %(people)s / 4) %% cardinality(days) + 1],
        CASE WHEN n %% 97 = 0 THEN 50 WHEN n %% 89 = 0 THEN 540 ELSE 60 + 15 * (n %% 6) END,
        CASE WHEN n %% 211 = 0 THEN 'Architect' ELSE 'Consultant' END,
        CASE WHEN n %% 503 = 0 THEN 'golf' ELSE 'work' END, k < 2,
        CASE WHEN n %% 61 = 0 THEN 'mapping'
             ELSE 'Mapped interface ' || n %% 9973 || ' and wrote its tests' END,
        'submitted', 'bench', n::text, 'EMEA', 'TH-GMBH', 'bench',
        now() + n * interval '1 microsecond'
    FROM generate_series(0, %(entries)s - 1) n,
        LATERAL (SELECT n %% %(people)s AS p, (n / %(people)s) %% 3 AS k) of,
        (SELECT array_agg(d::date ORDER BY d) AS days
         FROM generate_series(date '2026-07-01', date '2026-09-30', '1 day') d
         WHERE extract(isodow FROM d) < 6) calendar
    """,
)


def fill(db: Database, entries: int) -> None:
    counts = {"entries": entries, "people": PEOPLE, "engagements": ENGAGEMENTS}
    with db.transaction() as tx:
        tx.execute("SET LOCAL statement_timeout = 0")
        for statement in FILL:
            tx.execute(statement, counts)
    with db.lock_connection() as session:
        session.execute("VACUUM ANALYZE")


def rules_alone(db: Database, rooms: Fairlead, scope: Scope) -> dict[str, float]:
    """CPU seconds of the rules, and of reading the same columns once, over all parts."""
    judging, judged = rooms.timekeeping.judging, scope.judged()
    spent = read = 0.0
    with db.transaction() as tx:
        tx.execute("SET LOCAL statement_timeout = 0")
        spending = Spending.of(tx, time_validations.engagements(tx, judged))
        people = [
            person for person, _ in time_validations.people(tx, judged, after=None, limit=9999)
        ]
        for start in range(0, len(people), PEOPLE // 10):
            part = people[start : start + PEOPLE // 10]
            entries, facts = judging.read(tx, part, judged, spending=spending)
            begun = time.process_time()
            judge(entries, facts)
            spent += time.process_time() - begun
            begun = time.process_time()
            entries.select(pl.all().hash().sum())
            read += time.process_time() - begun
    return {"rules_cpu_s": round(spent, 2), "scan_cpu_s": round(read, 2)}


def whole(db: Database, postgres: int, rooms: Fairlead, scope: Scope) -> dict[str, object]:
    """From the table to stored findings, as a worker does it."""
    with db.transaction() as tx:
        acting = Acting.of(rooms.people, rooms.people.principal("hanna.lindqvist"))
        job = ask(tx, acting, scope)["id"]
    drain = ValidationDrain(db, rooms.timekeeping.judging)
    before, begun, parts = cpu_s([me()]), time.monotonic(), 0
    before_db = cpu_s([postgres])
    with LockSession(db) as session:
        while drain.work("validations", Ledger(db, session)) is not Took.NOTHING:
            parts += 1
    own, theirs = cpu_s([me()]) - before, cpu_s([postgres]) - before_db
    with db.transaction() as tx:
        row = time_validations.get(tx, job)
    assert row is not None
    return {
        "table_to_findings_cpu_s": round(own + theirs, 2),
        "of_which_postgresql": round(theirs, 2),
        "wall_s": round(time.monotonic() - begun, 1),
        "parts": parts - 1,
        "judged": row["judged"],
        "errors": row["errors"],
        "warnings": row["warnings"],
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    count = parser.parse_args().entries
    rooms, scope = Fairlead(Settings(config=SAMPLE)), Scope(first=FIRST, last=LAST)
    with database() as (db, postgres):
        fill(db, count)
        found = whole(db, postgres, rooms, scope)
        print(json.dumps({"entries": count, **found, **rules_alone(db, rooms, scope)}, indent=2))


if __name__ == "__main__":
    main()
