"""Judges time entries, one or a million, by the same rules: entries and facts in, findings out.

Pure functions over columns (F067, F068). What the rules ask is in `time_rules`; how a finding is
said stands beside the rule.
"""

from __future__ import annotations

import polars as pl

from fairlead.domain.rules.time_checks import checks
from fairlead.domain.rules.time_facts import FINDINGS, Facts
from fairlead.domain.rules.time_hours import hours_worked
from fairlead.domain.rules.time_likeness import likeness
from fairlead.domain.rules.time_rules import RULES


def judge(entries: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """What the rules say of the entries that are judged, one row a finding, by entry and rule.

    `entries` are as `time_facts.ENTRIES` says. One that takes another back, or is taken back, is
    not judged: it counts in the sums.
    """
    known = prepared(entries, facts)
    judged = known.filter(pl.col("judged") & ~pl.col("settled"))
    found = [
        *checks(judged, facts),
        *hours_worked(known, judged, facts),
        *likeness(known),
    ]
    return pl.concat(found).cast(FINDINGS).sort("item", "rule")


def prepared(entries: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Entries with what their engagement, task, person and kind of time say, and the terms that a
    policy sets for them. What is not known is null."""
    return (
        entries.with_row_index("row")
        .join(facts.deliveries, on="engagement", how="left")
        .join(facts.packages, on=("engagement", "task"), how="left")
        .join(facts.resources, on="resource", how="left")
        .join(facts.kinds, on="category", how="left")
        .join(facts.terms, on=("group", "place"), how="left")
        .with_columns(
            pl.col("narrative")
            .str.strip_chars()
            .str.len_chars()
            .cast(pl.Int32)
            .alias("narrative_length"),
            # of an unknown engagement or person no policy says anything: every rule holds
            *(pl.col(rule.id).fill_null("error") for rule in RULES if not rule.fixed),
        )
    )
