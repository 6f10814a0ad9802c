"""The rules that time is held to: their stable ids, what each asks, and what to do about it (F067).

Findings name these ids, policies switch them; an id never gets another meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field, model_validator

from fairlead.domain.values import Value


@dataclass(frozen=True)
class Rule:
    id: str
    name: str  #: as a heading
    remedy: str  #: what whoever entered it can do
    fixed: bool = False  #: always an error: no policy may let it pass


class Check(StrEnum):
    """What a policy makes of a rule."""

    ERROR = "error"
    WARNING = "warning"
    OFF = "off"


class Limits(Value):
    """The figures that entries are held to, as the policy `time-limits` says. Null: no limit; a
    table that answers null says nothing of it."""

    minutes_per_day: int | None = Field(default=None, ge=1, le=1440)
    minutes_per_week: int | None = Field(default=None, ge=1, le=10_080)
    average_minutes_per_week: int | None = Field(
        default=None, ge=1, le=10_080
    )  #: a week's, on average over `average_weeks`
    average_weeks: int | None = Field(default=None, ge=1, le=53)  #: that end with the week
    rest_minutes: int | None = Field(default=None, ge=1, le=1439)  #: between two days of work
    overtime_percent: int | None = Field(
        default=None, ge=0, le=400
    )  #: of the contracted week, agreed beforehand
    increment_minutes: int | None = Field(default=None, ge=1, le=480)
    narrative_characters: int | None = Field(
        default=None, ge=1, le=10_000
    )  #: at least; null: none is needed
    days_ahead: int | None = Field(
        default=None, ge=0, le=366
    )  #: how far into the future may be booked

    @model_validator(mode="after")
    def _average_of_weeks(self) -> Limits:
        if (self.average_minutes_per_week is None) != (self.average_weeks is None):
            raise ValueError("average_minutes_per_week and average_weeks are set together")
        return self


RULES: tuple[Rule, ...] = (
    Rule(
        "T-01",
        "Task open",
        "Choose an open task of this engagement, or ask its project manager to open it.",
        fixed=True,
    ),
    Rule(
        "T-02",
        "Assigned",
        "Ask resource management for an assignment, or book on one that you have.",
    ),
    Rule(
        "T-03",
        "Within plan",
        "Ask the project manager to raise the plan, or book on another task.",
    ),
    Rule(
        "T-04",
        "Working day",
        "Check the day; agree on work outside working days with the project manager.",
    ),
    Rule("T-05", "Labour category", "Book in the labour category of the assignment."),
    Rule("T-06", "Kind of time known", "Choose a kind of time that the firm lists.", fixed=True),
    Rule("T-07", "Within the daily limit", "Check the minutes of this day."),
    Rule("T-08", "Within the weekly limit", "Check the minutes of this week."),
    Rule("T-09", "Rested", "Check day and hours; speak to your manager where they are right."),
    Rule("T-10", "No public holiday", "Check the day; agree on work on it with your manager."),
    Rule("T-11", "Not on leave", "Check the day, or have the leave corrected in the HR system."),
    Rule("T-12", "Employed", "Check the day; else the HR system must be corrected."),
    Rule("T-13", "Not in the future", "Book it when it has been worked."),
    Rule("T-14", "Period open", "Nothing: it is booked in the next open month. Or ask finance."),
    Rule("T-15", "Narrative", "Say what was done, so that the client can follow it."),
    Rule("T-16", "Booked once", "Delete one of the two, or say in the narrative how they differ."),
    Rule("T-17", "Not copied", "Say what was done on this day."),
    Rule("T-18", "Full increments", "Round it as the firm's rules say."),
    Rule("T-19", "No more than a day", "Correct the minutes: a day has 24 hours.", fixed=True),
    Rule("T-20", "Billable", "Mark it as not billable, or choose another kind of time or task."),
    Rule("T-21", "Within the cap", "Ask the project manager: beyond the cap nothing is billed."),
    Rule("T-22", "Overtime agreed", "Have the overtime agreed by your manager."),
)

BY_ID = {rule.id: rule for rule in RULES}
