"""Whose what a run, task, decision or exception is about is: its region and its legal entity."""

from __future__ import annotations

from typing import LiteralString

#: Everything that can be a subject and belongs to a legal entity, as one table. Ids are unique
#: over all of them. It is joined by `id`, so that each arm is one look-up in a primary key.
SUBJECTS: LiteralString = """(
    SELECT id, region, legal_entity FROM engagements
    UNION ALL SELECT id, region, legal_entity FROM invoices
    UNION ALL SELECT id, region, legal_entity FROM revenue_batches
    UNION ALL SELECT id, region, legal_entity FROM payroll_months)"""

#: What has a region of its own, and the legal entity of what it is about (`x.subject_id`).
BY_SUBJECT: LiteralString = """
    (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR EXISTS (SELECT 1 FROM {subjects} e
         WHERE e.id = x.subject_id AND e.legal_entity = ANY(%(entities)s)))
""".replace("{subjects}", SUBJECTS)
