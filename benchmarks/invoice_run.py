"""An invoice run: 1,000,000 approved entries of 5,000 engagements into an invoice each.

Prints one JSON object. `computing`: CPU seconds from tables in memory to invoices, lines and items
(rates by day, amounts, grouping). `stored`: CPU seconds of this process and PostgreSQL for the
whole job as a worker does it, in parts of so many engagements: reading, computing, writing every
item under the constraint that keeps it in one live invoice, digests and events. `bound`: reading
the same entries once by COPY into columns, and summing minutes times one rate. At the end what is
billed is held against the same sum worked out by PostgreSQL.

    python benchmarks/invoice_run.py [--entries 1000000] [--engagements 5000]
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, LiteralString

import polars as pl

from fairlead.bootstrap import Fairlead
from fairlead.capabilities.billing.running import AT_A_TIME, ProposesRuns, start_run_of
from fairlead.config import SAMPLE, Settings
from fairlead.domain.rules import billing_proposal as rules
from fairlead.store import billing_work
from fairlead.store.billing_work import Asked
from fairlead.store.database import Database
from fairlead.trust.acting import Acting
from measure import cpu_s, database, me

DAY = date(2026, 9, 30)

FILL: tuple[LiteralString, ...] = (
    """
    INSERT INTO deliveries (engagement_id, number, code, name, client_name, region, legal_entity,
        currency, contract_type, billing_method, revenue_method, starts_on, ends_on, body,
        opened_at, version)
    SELECT id, number, code, 'Work', client, 'EMEA', 'TH-LTD', 'EUR', 'time_and_materials',
        'as_worked', 'as_invoiced', '2026-01-01', '2026-12-31',
        jsonb_build_object('engagement', id, 'number', number, 'code', code, 'name', 'Work',
            'client_name', client, 'region', 'EMEA', 'country', 'GB', 'legal_entity', 'TH-LTD',
            'subsidiary', '1', 'contract_type', 'time_and_materials',
            'billing_method', 'as_worked', 'revenue_method', 'as_invoiced', 'currency', 'EUR',
            'value', '{"amount": "1000000", "currency": "EUR"}'::jsonb, 'budget_minutes', 600000,
            'payment_days', 30, 'starts_on', '2026-01-01', 'ends_on', '2026-12-31',
            'packages', '[]'::jsonb, 'refs', jsonb_build_object(
                'client', jsonb_build_object('system', 's', 'kind', 'customer', 'id', id),
                'ledger_project', jsonb_build_object('system', 's', 'kind', 'job', 'id', id))),
        now(), 1
    FROM (SELECT 'e-' || n AS id, 'ENG-' || n AS number, 'TH-' || n AS code,
                 'client ' || n %% 900 AS client
          FROM generate_series(0, %(engagements)s - 1) n) x
    """,
    """
    INSERT INTO work_packages (engagement_id, code, name, minutes, starts_on, ends_on, billable)
    SELECT 'e-' || n, t::text, 'Package ' || t, 100000, '2026-01-01', '2026-12-31', true
    FROM generate_series(0, %(engagements)s - 1) n, unnest(ARRAY[10, 20, 30]) t
    """,
    """
    INSERT INTO bill_rates (engagement_id, role, resource_id, valid_from, per_hour, currency,
        source)
    SELECT 'e-' || n, r, '', d::date, 100 + n %% 80 + 10.5 * k, 'EUR', 'contract C-' || n
    FROM generate_series(0, %(engagements)s - 1) n, unnest(ARRAY['Consultant', 'Lead']) r,
         (VALUES ('2026-01-01', 0), ('2026-08-15', 1)) v(d, k)
    """,
    """
    INSERT INTO time_entries (id, engagement_id, task, resource_id, day, minutes, role, category,
        billable, narrative, state, source, source_id, region, legal_entity, entered_by,
        entered_at, submitted_at, decided_by, decided_at)
    SELECT gen_random_uuid(), 'e-' || n %% %(engagements)s, (ARRAY['10', '20', '30'])[n %% 3 + 1],
        'person.' || n %% 4000, date '2026-07-01' + n %% 92, (n %% 32 + 1) * 15,
        (ARRAY['Consultant', 'Lead'])[n %% 2 + 1], 'work', true, 'Worked on it', 'approved',
        'bench', n::text, 'EMEA', 'TH-LTD', 'person:x', now(), now(), 'lea.fontaine', now()
    FROM generate_series(0, %(entries)s - 1) n
    """,
    "ANALYZE",
)

# What the invoices must come to, said by PostgreSQL.
_EXPECTED: LiteralString = """
SELECT sum(round(x.minutes * (SELECT r.per_hour FROM bill_rates r
    WHERE r.engagement_id = x.engagement_id AND r.role = x.role AND r.valid_from <= x.day
    ORDER BY r.valid_from DESC LIMIT 1) / 60, 2)) AS net, count(*) AS items FROM time_entries x
"""
_BILLED: LiteralString = """
SELECT (SELECT sum(net) FROM invoices) AS net, (SELECT count(*) FROM invoices) AS invoices,
       count(*) AS items, count(DISTINCT item_id) AS once FROM invoice_items WHERE live
"""


def measured(pids: list[int], work: Callable[[], Any]) -> tuple[float, float, Any]:
    """CPU seconds of these processes, wall seconds, and what came of it."""
    before, begun = cpu_s(pids), time.perf_counter()
    result = work()
    return round(cpu_s(pids) - before, 3), round(time.perf_counter() - begun, 3), result


def tables(db: Database, engagements: int) -> rules.Work:
    ids = [f"e-{n}" for n in range(engagements)]
    asked = [Asked(engagement=id, minor_units=2, group_by="task") for id in ids]
    rows = [(2, "task", False, 0, 0, 0, None, 0)] * engagements
    of = pl.DataFrame(rows, schema=rules.ENGAGEMENTS, orient="row")
    with db.transaction() as tx:
        zones = ["UTC"] * engagements
        return billing_work.read(tx, asked, of, zones=zones, dated_on=DAY, until=DAY)


def run(db: Database) -> None:
    rooms = Fairlead(Settings(config=SAMPLE))
    acting = Acting.of(rooms.people, rooms.people.person("tomasz.wojcik").principal())
    with db.transaction() as tx:
        start_run_of(tx, acting, dated_on=DAY, until=DAY, region=None, entity=None)
    ProposesRuns(db, rooms.people, rooms.billing.proposing).sweep()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--engagements", type=int, default=5000)
    given = parser.parse_args()
    with database() as (db, postmaster):
        sized = {"entries": given.entries, "engagements": given.engagements}
        for statement in FILL:
            with db.transaction() as tx:
                tx.execute("SET LOCAL statement_timeout = 0")
                tx.execute(statement, sized if "%(" in statement else None)
        both = [me(), postmaster]
        bound_cpu, bound_wall, work = measured(both, lambda: tables(db, given.engagements))
        sums = measured([me()], (work.time["minutes"] * 10).sum)
        rules.propose(work)  # what is made ready once for all later runs is not the run's
        computing = [measured([me()], partial(rules.propose, work)) for _ in range(3)]
        stored_cpu, stored_wall, _ = measured(both, lambda: run(db))
        with db.transaction() as tx:
            tx.execute("SET LOCAL statement_timeout = 0")
            expected = tx.execute(_EXPECTED).fetchone()
            billed = tx.execute(_BILLED).fetchone()
    assert expected is not None
    assert billed is not None
    assert expected["net"] == billed["net"]
    assert expected["items"] == billed["items"] == billed["once"]
    best = min(computing, key=lambda one: one[0])
    print(
        json.dumps(
            {
                "entries": given.entries,
                "invoices": billed["invoices"],
                "net": str(billed["net"]),
                "computing": {"cpu_s": best[0], "wall_s": best[1]},
                "stored": {
                    "cpu_s": stored_cpu,
                    "wall_s": stored_wall,
                    "engagements_at_a_time": AT_A_TIME,
                },
                "bound": {
                    "read_cpu_s": bound_cpu,
                    "read_wall_s": bound_wall,
                    "sum_cpu_s": sums[0],
                },
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
