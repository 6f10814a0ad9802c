"""The lines of a chart over months, as a template prints them: points, ticks and labels.

Pure. Places in a picture are no money: they are worked out as floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fairlead.domain.rules.project_setup import add_months
from fairlead.web.formats import amount

LEFT, RIGHT, TOP, BOTTOM = 44.0, 690.0, 8.0, 184.0
_MOST_LABELS = 12
_STEPS = 3
_UNITS = ((Decimal(10**6), "million"), (Decimal(10**3), "thousand"), (Decimal(1), ""))

Point = tuple[date, Decimal]


@dataclass(frozen=True)
class Series:
    """Cumulative amounts by day, and where they are expected to end."""

    name: str
    css: str
    points: Sequence[Point]
    ends: Point | None = None


@dataclass(frozen=True)
class Line:
    name: str
    css: str
    points: str  #: of a polyline
    forecast: str  #: empty: none
    at: tuple[str, str]  #: where it is today
    now: str  #: its amount today
    end: tuple[str, str]  #: where its label stands
    ends: str  #: the forecast's amount; empty: none


@dataclass(frozen=True)
class Tick:
    at: str
    label: str


@dataclass(frozen=True)
class Chart:
    unit: str  #: `EUR thousand`
    lines: tuple[Line, ...]
    months: tuple[Tick, ...]
    amounts: tuple[Tick, ...]
    today: str | None  #: where; null: outside the picture


def chart(
    series: Sequence[Series], *, start: date, end: date, today: date, currency: str
) -> Chart | None:
    """None where there is nothing to draw."""
    drawn = [one for one in series if one.points]
    if not drawn:
        return None
    first = start.replace(day=1)
    last = max(end, today, *(day for one in drawn for day, _ in one.points))
    every = [value for one in drawn for _, value in one.points]
    every += [one.ends[1] for one in drawn if one.ends]
    top, step = _scale(max(every))
    unit, word = next((u, w) for u, w in _UNITS if top >= u * 3 or u == 1)
    picture = _Picture(first, last, min(Decimal(0), *every), top)
    return Chart(
        unit=f"{currency} {word}".strip(),
        lines=tuple(_line(one, picture, unit) for one in drawn),
        months=tuple(_months(first, last, picture)),
        amounts=tuple(
            Tick(f"{picture.y(step * n):.1f}", _figure(step * n, unit)) for n in range(_STEPS + 1)
        ),
        today=f"{picture.x(today):.1f}" if first <= today <= last else None,
    )


@dataclass(frozen=True)
class _Picture:
    first: date
    last: date
    low: Decimal
    top: Decimal

    def x(self, day: date) -> float:
        whole = max((self.last - self.first).days, 1)
        return LEFT + (RIGHT - LEFT) * (day - self.first).days / whole

    def y(self, value: Decimal) -> float:
        return BOTTOM - (BOTTOM - TOP) * float((value - self.low) / (self.top - self.low))

    def point(self, at: Point) -> str:
        return f"{self.x(at[0]):.1f},{self.y(at[1]):.1f}"


def _line(one: Series, picture: _Picture, unit: Decimal) -> Line:
    points = sorted(one.points)
    last = points[-1]
    ends = one.ends if one.ends and one.ends[0] > last[0] else None
    stands = ends or last
    return Line(
        name=one.name,
        css=one.css,
        points=" ".join(picture.point(at) for at in points),
        forecast=f"{picture.point(last)} {picture.point(ends)}" if ends else "",
        at=(f"{picture.x(last[0]):.1f}", f"{picture.y(last[1]):.1f}"),
        now=_figure(last[1], unit),
        end=(f"{picture.x(stands[0]) + 6:.1f}", f"{picture.y(stands[1]) + 4:.1f}"),
        ends=_figure(ends[1], unit) if ends else "",
    )


def _months(first: date, last: date, picture: _Picture) -> list[Tick]:
    months: list[date] = []
    month = first
    while month <= last:
        months.append(month)
        month = add_months(month, 1)
    every = -(-len(months) // _MOST_LABELS)
    found: list[Tick] = []
    for number, month in enumerate(months[::every]):
        year = f" {month:%Y}" if month.month == 1 and number else ""
        found.append(Tick(f"{picture.x(month):.1f}", f"{month:%b}{year}"))
    return found


def _scale(most: Decimal) -> tuple[Decimal, Decimal]:
    """The top of the picture, and the step between its lines."""
    if most <= 0:
        return Decimal(_STEPS), Decimal(1)
    power = Decimal(10) ** ((most / _STEPS).adjusted())
    for part in (1, 2, 3, 5, 8, 10):
        if power * part * _STEPS >= most:
            return power * part * _STEPS, power * part
    return power * 10 * _STEPS, power * 10


def _figure(value: Decimal, unit: Decimal) -> str:
    part = value / unit
    return amount(part, 1 if unit == Decimal(10**6) and part % 1 else 0)
