"""Time of a large firm, written straight into the tables: people, what they work on, and entries of
the weeks up to the last one, which waits for approval; one in twelve of these breaks a rule.

Entries are on the launched engagements of `large_firm`. Two people of the sample firm are among
them, so that their pages show something.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import LiteralString

from fairlead.bootstrap import Fairlead

#: People of the sample: a consultant with a week of drafts.
CONSULTANT = "ayo.brandt"
PEOPLE = 500

_FILL: tuple[LiteralString, ...] = (
    """
    INSERT INTO deliveries (engagement_id, number, code, name, client_name, region, legal_entity,
        currency, contract_type, billing_method, revenue_method, starts_on, ends_on, body,
        opened_at, version)
    SELECT id, number, 'TH-' || number, name, coalesce(client_name, 'client'), region,
        coalesce(legal_entity, 'TH-GMBH'), 'EUR', 'time_and_materials', 'as_worked', 'as_invoiced',
        %(first)s, %(last)s::date + 365, '{}', now(), 1
    FROM engagements WHERE state = 'launched' ORDER BY id LIMIT 2000 ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO work_packages (engagement_id, code, name, minutes, starts_on, ends_on, billable)
    SELECT engagement_id, t::text, 'Task ' || t, 1000000, starts_on, ends_on, true
    FROM deliveries, unnest(ARRAY[10, 20, 30]) t
    """,
    """
    INSERT INTO resources (id, name, email, region, country, minutes_per_week, roles, starts_on,
        source)
    SELECT CASE WHEN n = 0 THEN %(consultant)s ELSE 'person.' || n END, 'Person ' || n,
        'person.' || n || '@tarn-holloway.example', 'EMEA', 'DE', 2400, '[]', '2020-01-01', 'hr'
    FROM generate_series(0, %(people)s - 1) n
    """,
    """
    INSERT INTO assignments (id, engagement_id, resource_id, role, starts_on, ends_on, source)
    SELECT 'a-' || r.n || '-' || k, d.engagement_id, r.id, 'Consultant', d.starts_on, d.ends_on, 's'
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM resources) r
    CROSS JOIN generate_series(0, 3) k
    JOIN (SELECT *, row_number() OVER (ORDER BY engagement_id) AS n, count(*) OVER () AS all_of
          FROM deliveries WHERE region = 'EMEA') d ON d.n = (r.n * 7 + k) %% d.all_of + 1
    """,
    """
    INSERT INTO time_entries (id, engagement_id, task, resource_id, day, minutes, role, category,
        billable, narrative, state, source, source_id, region, legal_entity, entered_by, entered_at,
        submitted_at, decided_by, decided_at, period)
    SELECT gen_random_uuid(), a.engagement_id, '10', a.resource_id, day::date, 120, 'Consultant',
        'work', true, 'Mapped the interfaces of the carrier',
        CASE WHEN a.resource_id = %(consultant)s AND day > %(last)s::date - 7 THEN 'draft'
             WHEN day > %(last)s::date - 7 THEN 'submitted' ELSE 'approved' END,
        'b', a.id || day, d.region, d.legal_entity, 'person:' || a.resource_id, day, day,
        CASE WHEN day <= %(last)s::date - 7 THEN 'person:ines.moreau' END,
        CASE WHEN day <= %(last)s::date - 7 THEN day END,
        CASE WHEN day <= %(last)s::date - 7 THEN date_trunc('month', day)::date END
    FROM generate_series(%(first)s::date, %(last)s::date, '1 day') day
    JOIN assignments a ON true JOIN deliveries d USING (engagement_id)
    WHERE extract(isodow FROM day) < 6
    """,
    """
    INSERT INTO findings (kind, item_id, rule, severity, value, remedy)
    SELECT 'time', id, 'T-17', 'warning', 'Words and minutes are those of the day before.',
        'Say what was done on this day.'
    FROM time_entries WHERE state IN ('submitted', 'draft') AND hashtext(id::text) %% 12 = 0
    """,
    """
    INSERT INTO timesheets (resource_id, week, state, due_at)
    SELECT id, %(last)s::date - 6,
        CASE WHEN hashtext(id) %% 10 = 0 THEN 'open' ELSE 'submitted' END, now() FROM resources
    """,
)


def fill(fairlead: Fairlead, entries: int) -> dict[str, int]:
    """About so many entries, in whole weeks. What was written, by state."""
    today = datetime.now(UTC).date()
    last = today - timedelta(days=today.weekday() + 1)  # a Sunday
    weeks = max(1, round(entries / (PEOPLE * 4 * 5)))
    first = last - timedelta(days=7 * weeks - 1)
    values = {"first": first, "last": last, "people": PEOPLE, "consultant": CONSULTANT}
    with fairlead.db.transaction() as tx:
        for statement in _FILL:
            tx.execute(statement, values)
    with fairlead.db.transaction() as tx:
        tx.execute("ANALYZE")
        rows = tx.execute("SELECT state, count(*) AS n FROM time_entries GROUP BY state").fetchall()
    return {row["state"]: row["n"] for row in rows}
