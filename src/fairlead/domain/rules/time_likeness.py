"""Rules of time that compare entries with each other: T-16 and T-17."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from fairlead.domain.rules.time_words import day, found, hours

_SAME = ("resource", "engagement", "task", "minutes", "narrative", "category")


def likeness(entries: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Findings of each rule; `entries` are all that count. What is taken back, or takes back, is
    like nothing. Rows are found by a hash of what is compared, and only those that share one are
    compared in full."""
    live = entries.filter(~pl.col("settled")).with_columns(
        pl.struct(pl.col(_SAME)).hash().alias("hash")
    )
    twice = live.filter(pl.struct("hash", "day").is_duplicated())
    yield _booked_once(twice)
    yield _copied(live)


def _booked_once(twice: pl.DataFrame) -> pl.DataFrame:
    """T-16: all but the first that was entered."""
    place = pl.int_range(pl.len()).over(*_SAME, "day")
    later = twice.sort("rank", "id").filter(place > 0)
    return found(
        later,
        "T-16",
        pl.col("judged"),
        pl.format(
            "{} on {} with the same words are booked already.",
            hours(pl.col("minutes")),
            day(pl.col("day")),
        ),
    )


def _copied(live: pl.DataFrame) -> pl.DataFrame:
    """T-17: words and minutes of the day before."""
    worded = live.filter(pl.col("narrative_length") > 0)
    before = worded.select("hash", pl.col("day").dt.offset_by("1d")).unique()
    likely = worded.filter("judged").join(before, on=("hash", "day"), how="semi")
    yesterday = worded.join(likely, on="hash", how="semi").select(
        *_SAME, pl.col("day").dt.offset_by("1d")
    )
    return found(
        likely.join(yesterday.unique(), on=(*_SAME, "day"), how="semi", nulls_equal=True),
        "T-17",
        pl.lit(True),
        pl.format("Words and minutes are those of {}.", day(pl.col("day").dt.offset_by("-1d"))),
    )
