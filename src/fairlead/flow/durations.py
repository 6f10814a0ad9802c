"""Durations as a playbook writes them: ISO 8601, counted in business time."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from fairlead.domain.model.calendar import Duration

#: A business day has at least this and at most a whole day of open minutes. Needed only to say
#: which of a duration in days and one in hours is surely the shorter.
_SHORTEST_DAY, _LONGEST_DAY = 4 * 60, 24 * 60

#: Bounded digits, so that no text makes a number that nobody can count with.
_PATTERN = r"^P(?=.)(?:(\d{1,4})D)?(?:T(?=.)(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?$"
_HELP = "write it as P2D (business days), PT8H or PT90M (business hours, minutes)"


def parse(text: str) -> Duration:
    """`P2D`, `PT8H`, `PT30M`, `P1DT4H` → `Duration`.

    ISO 8601 without weeks, months, years (which are no business time) and seconds. Raises
    ValueError, whose words say how to write it.
    """
    found = re.fullmatch(_PATTERN, text, re.ASCII)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no duration: {_HELP}")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    if not days and not hours and not minutes:
        raise ValueError("a duration is longer than nothing")
    return Duration(days=days, minutes=hours * 60 + minutes)


def _read(raw: Any) -> Any:
    if isinstance(raw, str):
        return parse(raw)
    if isinstance(raw, Duration):
        return raw
    raise ValueError(f"this is no duration: {_HELP}")


#: A `Duration` that is text in YAML and JSON.
DurationText = Annotated[
    Duration,
    BeforeValidator(_read),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _PATTERN, "examples": ["P2D", "PT8H"]}),
]


def surely_within(shorter: Duration, longer: Duration) -> bool:
    """Is `shorter` no longer than `longer`, whatever calendar counts them?

    Both grow in a straight line with the length of a day, so the two ends decide.
    """
    return all(
        shorter.days * day + shorter.minutes <= longer.days * day + longer.minutes
        for day in (_SHORTEST_DAY, _LONGEST_DAY)
    )
