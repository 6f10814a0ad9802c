"""From what is approved to invoices, for any number of engagements at once.

Works on tables of whole numbers (minor units of the currency; rates and shares in
hundred-millionths), so that each amount is exact: `billing_amounts` says how one comes about.

* Time is billed at the rate in effect on its day: the person's own in that role, else the role's.
  What has neither is held, never guessed.
* What takes an earlier item back (a reversing entry) takes back what is left of that item as it was
  billed, whatever the rate is by now. On split invoices it stands on the last one.
* A discount is a share of each item of time and expense, where those of one invoice come to the
  agreed volume before the discount.
* A cap is used up in the order of day, kind and id. The item that crosses it is billed whole, and
  a negative line takes off what is beyond; items that come after stay unbilled, with that reason.
  What takes back gives its room to the others, also where a retainer had paid for it.
* A retainer pays for time and expenses in the same order, until it is used up.
* An engagement whose items come to less than nothing is held: money is given back by a credit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from fairlead.domain.rules.billing_amounts import RATE_SCALE

_ONE = 10**RATE_SCALE
_LAST = date(9999, 12, 31)

#: Of each engagement; its number is its row.
ENGAGEMENTS: dict[str, type[pl.DataType]] = {
    "minor_units": pl.Int64,
    "group_by": pl.String,
    "split": pl.Boolean,
    "mark_up": pl.Int64,
    "discount": pl.Int64,
    "discount_from": pl.Int64,
    "room": pl.Int64,  # left under the cap; null: no cap
    "retainer": pl.Int64,  # left of what was paid beforehand
}
#: Approved time that is in no live invoice. `e` is the number of its engagement.
TIME: dict[str, type[pl.DataType]] = {
    "e": pl.Int64,
    "item": pl.String,
    "day": pl.Date,
    "minutes": pl.Int64,
    "role": pl.Categorical,
    "resource": pl.Categorical,
    "task": pl.Categorical,
}
#: Rates in the engagement's currency. An empty resource: whoever has the role.
RATES: dict[str, type[pl.DataType]] = {
    "e": pl.Int64,
    "role": pl.Categorical,
    "resource": pl.Categorical,
    "valid_from": pl.Date,
    "rate": pl.Int64,
    "source": pl.Categorical,
}
#: Expenses at cost, accepted milestones and charges that are due.
FEES: dict[str, type[pl.DataType]] = {
    "e": pl.Int64,
    "kind": pl.String,  # expense, milestone or charge
    "item": pl.String,
    "day": pl.Date,
    "amount": pl.Int64,
    "name": pl.String,  # category of an expense, name of a fee
    "clause": pl.String,
}
#: What is left of the item that an item of time or expense takes back: negative, as it is billed.
TAKEN_BACK: dict[str, type[pl.DataType]] = {
    "item": pl.String,
    "amount": pl.Int64,
    "discount": pl.Int64,
    "capped": pl.Int64,
    "drawn": pl.Int64,
    "rate": pl.Int64,
    "source": pl.String,
}
#: What a line of time is called: of an engagement's task, person, role or entry.
LABELS: dict[str, type[pl.DataType]] = {"e": pl.Int64, "group": pl.String, "label": pl.String}

#: In this order they stand on an invoice.
_KINDS = ("time", "expense", "milestone", "fee", "discount", "cap", "retainer")


@dataclass(frozen=True)
class Work:
    """All that is to be proposed; tables of the columns above."""

    engagements: pl.DataFrame
    time: pl.DataFrame
    rates: pl.DataFrame
    fees: pl.DataFrame
    taken_back: pl.DataFrame
    labels: pl.DataFrame


@dataclass(frozen=True)
class Proposal:
    """An invoice is an engagement `e` and a `period` (first of the month; null: not split)."""

    invoices: pl.DataFrame  #: e, period, starts_on, ends_on, net, work, drawn, items
    lines: pl.DataFrame
    """e, period, line, kind, description, hundredths (of the quantity), unit, price, amount,
    clause."""
    items: pl.DataFrame
    """e, period, line, kind, item, minutes, rate, source, amount, discount, capped, drawn. What
    is null is none."""
    held: pl.DataFrame  #: e, kind, item, because (no_rate, beyond_cap or less_than_nothing)


def propose(work: Work) -> Proposal:
    """Everything that can be invoiced of it, and what cannot with the reason."""
    time, unpriced = _priced(work)
    items = pl.concat([time, _fees(work)], how="diagonal")
    items = _taken_back(items, work)
    items = _discounted(items, work.engagements)
    items, beyond = _capped(items, work.engagements)
    items = _drawn(items, work.engagements)
    items, less = _more_than_nothing(items)
    lines, items = _lines(items, work)
    held = pl.concat([unpriced, beyond, less])
    return Proposal(_invoices(items, lines), lines, items, held)


def _of(engagements: pl.DataFrame, column: str) -> pl.Expr:
    """A column of the engagement, for each row."""
    return pl.lit(engagements[column]).gather(pl.col("e"))


def _half_up(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """As `billing_amounts.half_up`, for whole columns. Nothing is larger than the numerator."""
    size = numerator.abs()
    up = (2 * (size % denominator) >= denominator).cast(pl.Int64)
    return numerator.sign() * (size // denominator + up)


def _share(amount: pl.Expr, ratio: pl.Expr) -> pl.Expr:
    """An amount times a ratio in hundred-millionths, half up. The amount is taken apart, because
    columns that no longer fit 64 bits are wrong without a word."""
    whole, rest = amount.abs() // _ONE, amount.abs() % _ONE
    return amount.sign() * (whole * ratio + _half_up(rest * ratio, pl.lit(_ONE)))


def _priced(work: Work) -> tuple[pl.DataFrame, pl.DataFrame]:
    taken = work.taken_back["item"]
    time = work.time.filter(~pl.col("item").is_in(taken.implode())) if len(taken) else work.time
    rates = work.rates.sort("e", "role", "resource", "valid_from").with_columns(
        until=pl.col("valid_from")
        .shift(-1)
        .over("e", "role", "resource")
        .dt.offset_by("-1d")
        .fill_null(_LAST)
    )
    own = rates.filter(pl.col("resource") != "")
    roles = rates.filter(pl.col("resource") == "").drop("resource")
    numbered = time.with_row_index("row")
    found = [_in_effect(numbered, own, ["e", "role", "resource"])] if len(own) else []
    rest = numbered.join(found[0], on="row", how="anti") if found else numbered
    found.append(_in_effect(rest, roles, ["e", "role"]))
    priced = pl.concat(found) if len(found) > 1 else found[0]
    unpriced = numbered.clear()
    if len(priced) < len(numbered):
        unpriced = numbered.join(priced, on="row", how="anti")
    grouped = _of(work.engagements, "group_by")
    kinds = set(work.engagements["group_by"])
    columns = {"task": "task", "person": "resource", "role": "role", "entry": "item"}
    group = pl.lit(None, dtype=pl.String)
    for kind in sorted(kinds):
        group = (
            pl.when(grouped == kind).then(pl.col(columns[kind]).cast(pl.String)).otherwise(group)
            if len(kinds) > 1
            else pl.col(columns[kind])
        )
    priced = priced.with_columns(
        kind=pl.lit("time"),
        line_kind=pl.lit(0, dtype=pl.Int8),
        amount=_half_up(
            pl.col("minutes") * pl.col("rate"),
            60 * pl.lit(10).pow(RATE_SCALE - _of(work.engagements, "minor_units")).cast(pl.Int64),
        ),
        group=group.cast(pl.Categorical),
        **_period(work),
    ).drop("row", "resource", "task")
    return priced, _held(unpriced.with_columns(kind=pl.lit("time")), "no_rate")


def _in_effect(time: pl.DataFrame, rates: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    joined = time.join(rates, on=on, how="inner", maintain_order="left")
    return joined.filter(pl.col("day").is_between("valid_from", "until")).drop(
        "valid_from", "until"
    )


def _period(work: Work) -> dict[str, pl.Expr]:
    if not work.engagements["split"].any():
        return {"period": pl.lit(None, dtype=pl.Date)}
    split = _of(work.engagements, "split")
    return {"period": pl.when(split).then(pl.col("day").dt.truncate("1mo"))}


def _fees(work: Work) -> pl.DataFrame:
    """Expenses with their mark-up, and fees as they are."""
    expense = pl.col("kind") == "expense"
    mark_up = _of(work.engagements, "mark_up")
    taken = work.taken_back["item"]
    fees = work.fees.filter(~pl.col("item").is_in(taken.implode())) if len(taken) else work.fees
    return fees.with_columns(
        line_kind=pl.when(expense)
        .then(1)
        .when(pl.col("kind") == "milestone")
        .then(2)
        .otherwise(3)
        .cast(pl.Int8),
        amount=pl.when(expense)
        .then(pl.col("amount") + _share(pl.col("amount"), mark_up))
        .otherwise(pl.col("amount")),
        rate=pl.when(expense & (mark_up != 0)).then(mark_up),
        source=pl.when(expense & (mark_up != 0)).then(pl.lit("mark-up")).cast(pl.Categorical),
        group=pl.when(expense).then("name").otherwise("item").cast(pl.Categorical),
        **_period(work),
    )


def _taken_back(items: pl.DataFrame, work: Work) -> pl.DataFrame:
    """With the items that take back, on the last invoice of their engagement."""
    items = items.with_columns(
        discount=pl.lit(None, dtype=pl.Int64),
        capped=pl.lit(None, dtype=pl.Int64),
        drawn=pl.lit(None, dtype=pl.Int64),
        fixed=pl.lit(False),
    )
    if not len(work.taken_back):
        return items
    last = items.group_by("e").agg(pl.col("period").max())
    groups = {"task": "task", "person": "resource", "role": "role", "entry": "item"}
    group = pl.lit(None, dtype=pl.String)
    for kind, column in groups.items():
        group = (
            pl.when(_of(work.engagements, "group_by") == kind)
            .then(pl.col(column).cast(pl.String))
            .otherwise(group)
        )
    time = work.time.join(work.taken_back, on="item").with_columns(
        kind=pl.lit("time"),
        line_kind=pl.lit(0, dtype=pl.Int8),
        group=group.cast(pl.Categorical),
    )
    expenses = (
        work.fees.drop("amount")
        .join(work.taken_back, on="item")
        .with_columns(line_kind=pl.lit(1, dtype=pl.Int8), group=pl.col("name").cast(pl.Categorical))
    )
    both = (
        pl.concat([time, expenses], how="diagonal")
        .drop("resource", "task", strict=False)
        .join(last, on="e", how="left", maintain_order="left")
        .with_columns(
            fixed=pl.lit(True),
            source=pl.col("source").cast(pl.Categorical),
            period=pl.coalesce("period", _period(work)["period"]),
        )
    )
    return pl.concat([items, both], how="diagonal")


_WORK = pl.col("kind").is_in(["time", "expense"])
_WORTH = pl.col("amount") + pl.col("discount").fill_null(0) + pl.col("capped").fill_null(0)
_NET = _WORTH + pl.col("drawn").fill_null(0)


def _discounted(items: pl.DataFrame, engagements: pl.DataFrame) -> pl.DataFrame:
    if not (engagements["discount"] > 0).any():
        return items
    fresh = _WORK & ~pl.col("fixed")
    volume = pl.when(fresh).then("amount").sum().over("e", "period")
    given = _of(engagements, "discount")
    return items.with_columns(
        discount=pl.when(fresh & (given > 0) & (volume >= _of(engagements, "discount_from")))
        .then(-_share(pl.col("amount"), given))
        .otherwise("discount")
    )


def _in_order(items: pl.DataFrame) -> pl.DataFrame:
    return items.sort("e", "day", "kind", "item")


def _capped(items: pl.DataFrame, engagements: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    nobody = _held(items.clear(), "beyond_cap")
    if not engagements["room"].is_not_null().any():
        return items, nobody
    limited = _of(engagements, "room").is_not_null() & _WORK
    others = items.filter(~limited)
    mine = _in_order(items.filter(limited)).with_columns(  # who pays it makes no difference
        taken=pl.when(_WORTH > 0).then(_WORTH).otherwise(0),
        room=_of(engagements, "room")
        - pl.when(_WORTH < 0).then(_WORTH).otherwise(0).sum().over("e"),
    )
    mine = mine.with_columns(through=pl.col("taken").cum_sum().over("e"))
    beyond = (pl.col("taken") > 0) & (pl.col("through") - pl.col("taken") >= pl.col("room"))
    over = pl.col("through") - pl.col("room")
    kept = mine.filter(~beyond).with_columns(
        capped=pl.when((pl.col("taken") > 0) & (over > 0)).then(-over).otherwise("capped")
    )
    return (
        pl.concat([others, kept.drop("taken", "room", "through")]),
        _held(mine.filter(beyond), "beyond_cap"),
    )


def _drawn(items: pl.DataFrame, engagements: pl.DataFrame) -> pl.DataFrame:
    if not (engagements["retainer"] > 0).any():
        return items
    paid = (_of(engagements, "retainer") > 0) & _WORK & ~pl.col("fixed") & (_NET > 0)
    others = items.filter(~paid)
    mine = _in_order(items.filter(paid)).with_columns(
        left=_of(engagements, "retainer") - (_NET.cum_sum().over("e") - _NET)
    )
    mine = mine.with_columns(drawn=-pl.min_horizontal(_NET, pl.col("left").clip(0))).with_columns(
        drawn=pl.when(pl.col("drawn") != 0).then("drawn")
    )
    return pl.concat([others, mine.drop("left")])


def _more_than_nothing(items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    if not items["fixed"].any() and not (items["amount"] < 0).any():
        return items, _held(items.clear(), "less_than_nothing")
    net = _NET.sum().over("e", "period")
    return items.filter(net >= 0), _held(items.filter(net < 0), "less_than_nothing")


def _held(items: pl.DataFrame, because: str) -> pl.DataFrame:
    return items.select("e", "kind", "item", because=pl.lit(because))


def _lines(items: pl.DataFrame, work: Work) -> tuple[pl.DataFrame, pl.DataFrame]:
    keys = ["e", "period", "line_kind", "group", "rate"]
    lines = items.group_by(keys).agg(
        pl.col("amount").sum(),
        pl.col("minutes").sum(),
        pl.len().alias("count"),
        pl.col("clause").drop_nulls().first(),
        pl.col("name").drop_nulls().first(),
        pl.col("day").min(),
        # null where several roles are worth the same
        role=pl.when(pl.col("role").n_unique() == 1).then(pl.col("role").first()),
    )
    reductions = [
        items.filter(pl.col(column).is_not_null())
        .group_by("e", "period")
        .agg(pl.col(column).sum().alias("amount"), pl.len().alias("count"))
        .with_columns(line_kind=pl.lit(number, dtype=pl.Int8))
        for number, column in ((4, "discount"), (5, "capped"), (6, "drawn"))
        if items[column].null_count() < len(items)
    ]
    lines = pl.concat([lines, *reductions], how="diagonal").sort(
        "e", "period", "line_kind", "day", pl.col("group").cast(pl.String), "rate"
    )
    lines = lines.with_columns(line=pl.int_range(1, pl.len() + 1).over("e", "period"))
    numbered = items.join(
        lines.select(*keys, "line"), on=keys, how="left", nulls_equal=True
    ).select(
        "e", "period", "line", "kind", "item", "minutes", "rate", "source", "amount", "discount",
        "capped", "drawn", "day",
    )  # fmt: skip
    return _worded(lines, work), numbered


def _worded(lines: pl.DataFrame, work: Work) -> pl.DataFrame:
    """Description, quantity and price of each line. Quantity times price is its amount.

    A line of time has hours and the rate where the hours can be told in two decimals and no
    entry's rounding shows; else it is one piece, with hours and rate in its words.
    """
    minor = _of(work.engagements, "minor_units")
    hundredths = pl.col("minutes") * 100 // 60
    exact = (pl.col("minutes") * 100 % 60 == 0) & (
        _half_up(
            hundredths.cast(pl.Int128) * pl.col("rate"),
            pl.lit(10).pow(RATE_SCALE + 2 - minor).cast(pl.Int64),
        )
        == pl.col("amount")
    )
    is_time = pl.col("line_kind") == 0
    by_hour = is_time & exact & (pl.col("minutes") != 0)
    named = pl.coalesce("label", pl.col("group").cast(pl.String), pl.lit("Work"))
    role = pl.col("role").cast(pl.String)
    label = pl.when(role != named).then(pl.concat_str(named, pl.lit(", "), role)).otherwise(named)
    hours = _decimal(_half_up(pl.col("minutes") * 100, pl.lit(60)), 2)
    rate = _decimal(pl.col("rate") // 10**4, 4)
    lumped = pl.concat_str(label, pl.lit(": "), hours, pl.lit(" h at "), rate)
    mark_up = pl.concat_str(
        "name", pl.lit(" with "), _decimal(pl.col("rate") // 10**4, 2), pl.lit(" % mark-up")
    )
    words = (
        pl.when(by_hour)
        .then(label)
        .when(is_time)
        .then(lumped)
        .when((pl.col("line_kind") == 1) & pl.col("rate").is_not_null())
        .then(mark_up)
        .when(pl.col("line_kind") <= 3)
        .then("name")
        .when(pl.col("line_kind") == 4)
        .then(pl.lit("Discount"))
        .when(pl.col("line_kind") == 5)
        .then(pl.lit("Beyond the agreed cap"))
        .otherwise(pl.lit("Paid by retainer"))
    )
    one_minor = pl.lit(10).pow(RATE_SCALE - minor).cast(pl.Int128)
    return (
        lines.with_columns(pl.col("group").cast(pl.String))
        .join(work.labels, on=["e", "group"], how="left", maintain_order="left")
        .select(
            "e", "period", "line",
            kind=pl.lit(pl.Series(_KINDS)).gather(pl.col("line_kind")),
            description=words.fill_null("Work").str.slice(0, 1000),
            hundredths=pl.when(by_hour).then(hundredths).otherwise(100),
            unit=pl.when(by_hour).then(pl.lit("hour")).otherwise(pl.lit("piece")),
            price=pl.when(by_hour).then("rate").otherwise(pl.col("amount") * one_minor),
            amount="amount",
            clause="clause",
        )
    )  # fmt: skip


def _decimal(value: pl.Expr, decimals: int) -> pl.Expr:
    """A whole number of the smallest unit as text with so many decimals."""
    unit = 10**decimals
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, rest = value.abs() // unit, value.abs() % unit
    return pl.concat_str(sign, whole, pl.lit("."), rest.cast(pl.String).str.zfill(decimals))


def _invoices(items: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    by = items.group_by("e", "period").agg(
        _NET.sum().alias("net"),
        pl.when(_WORK).then(_NET - pl.col("drawn").fill_null(0)).otherwise(0).sum().alias("work"),
        pl.col("drawn").fill_null(0).sum(),
        pl.col("day").min().alias("starts_on"),
        pl.col("day").max().alias("ends_on"),
        pl.len().alias("items"),
    )
    return by.sort("e", "period")
