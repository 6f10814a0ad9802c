"""Xero's answers as typed values. Unknown fields are let by; known ones are strict.

https://github.com/XeroAPI/Xero-OpenAPI/blob/master/xero-payroll-uk.yaml
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


class ContractBroken(ValueError):
    """An answer is not as documented. Names the path."""


def _as_day(raw: Any) -> Any:
    """`2020-04-13T00:00:00`: a day, written as an instant without a zone."""
    return date.fromisoformat(raw[:10]) if isinstance(raw, str) else raw


def _as_decimal(raw: Any) -> Any:
    return Decimal(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw


def _or_none_at_all(raw: Any) -> Any:
    return () if raw is None else tuple(cast("list[Any]", raw)) if isinstance(raw, list) else raw


Day = Annotated[date, BeforeValidator(_as_day)]
Units = Annotated[Decimal, BeforeValidator(_as_decimal), Field(ge=0)]
Id = Annotated[str, Field(min_length=1)]


class Known(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Pagination(Known):
    page_count: int = Field(alias="pageCount", ge=0)
    item_count: int = Field(alias="itemCount", ge=0)


class Page(Known):
    """One page of any list: `name` says under which key its rows stand."""

    pagination: Pagination


class Employee(Known):
    id: Id = Field(alias="employeeID")
    calendar: Id | None = Field(default=None, alias="payrollCalendarID")


class Calendar(Known):
    id: Id = Field(alias="payrollCalendarID")
    type: str = Field(alias="calendarType")
    start: Day = Field(alias="periodStartDate")


class Line(Known):
    day: Day = Field(alias="date")
    rate: Id = Field(alias="earningsRateID")
    units: Units = Field(alias="numberOfUnits")


class Timesheet(Known):
    """A list tells them without their lines."""

    id: Id = Field(alias="timesheetID")
    calendar: Id = Field(alias="payrollCalendarID")
    employee: Id = Field(alias="employeeID")
    start: Day = Field(alias="startDate")
    end: Day = Field(alias="endDate")
    status: Id
    lines: Annotated[tuple[Line, ...], BeforeValidator(_or_none_at_all)] = Field(
        default=(), alias="timesheetLines"
    )


class PayRun(Known):
    id: Id = Field(alias="payRunID")
    calendar: Id = Field(alias="payrollCalendarID")
    start: Day = Field(alias="periodStartDate")
    end: Day = Field(alias="periodEndDate")
    status: Id = Field(alias="payRunStatus")


class Earned(Known):
    rate: Id = Field(alias="earningsRateID")
    units: Units = Field(alias="numberOfUnits")


class Payslip(Known):
    id: Id = Field(alias="paySlipID")
    employee: Id = Field(alias="employeeID")
    earned: Annotated[tuple[Earned, ...], BeforeValidator(_or_none_at_all)] = Field(
        default=(), alias="timesheetEarningsLines"
    )


K = TypeVar("K", bound=Known)


def read(shape: type[K], raw: object, where: str = "answer") -> K:
    """Raises `ContractBroken` with the path of the first fault below `where`."""
    try:
        return shape.model_validate(raw)
    except ValidationError as bad:
        first = bad.errors()[0]
        path = ".".join([where, *(str(part) for part in first["loc"])])
        raise ContractBroken(f"{path}: {first['msg']}") from bad


def part(body: object, name: str) -> object:
    """One value of an answer. Raises `ContractBroken` where it is not there."""
    if not isinstance(body, dict) or name not in body:
        raise ContractBroken(f"answer.{name}: is not there")
    return cast("dict[str, object]", body)[name]


def rows(body: object, name: str) -> list[dict[str, Any]]:
    found = part(body, name)
    if not isinstance(found, list) or not all(
        isinstance(row, dict) for row in cast("list[Any]", found)
    ):
        raise ContractBroken(f"answer.{name}: is not a list of objects")
    return cast("list[dict[str, Any]]", found)


def said(body: object) -> str:
    """What a problem says, with each field that it names; else its first words."""
    if not isinstance(body, dict):
        return str(body)[:300] if body is not None else ""
    answer = cast("dict[str, Any]", body)
    problem = answer.get("problem") or answer
    words = [str(problem[name]) for name in ("title", "detail") if problem.get(name)]
    words += [
        f"{one.get('name')}: {one.get('reason')}" for one in problem.get("invalidFields") or ()
    ]
    return " ".join(words)
