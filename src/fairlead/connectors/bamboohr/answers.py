"""BambooHR's answers as typed values. Unknown fields are let by; known ones are strict."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError


class ContractBroken(ValueError):
    """An answer is not as documented. Names the path."""


def _as_text(raw: Any) -> Any:
    """BambooHR writes an id as text in one place and as a number in another."""
    return str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw


def _as_day(raw: Any) -> Any:
    return date.fromisoformat(raw) if isinstance(raw, str) else raw


Id = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]
Day = Annotated[date, BeforeValidator(_as_day)]


class _Known(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Row(_Known):
    fields: dict[str, Any]


class Meta(_Known):
    total_items: int = Field(alias="totalItems", ge=0)
    total_pages: int = Field(alias="totalPages", ge=0)


class Page(_Known):
    """https://documentation.bamboohr.com/reference/get-data-from-dataset-v2"""

    data: list[Row]
    meta: Meta


class Said(_Known):
    status: str


class Kind(_Known):
    name: str = Field(min_length=1)


class TimeOff(_Known):
    """https://documentation.bamboohr.com/reference/list-time-off-requests"""

    id: Id
    employee: Id = Field(alias="employeeId")
    status: Said
    start: Day
    end: Day
    type: Kind


_TIME_OFF = TypeAdapter(list[TimeOff])

Known = TypeVar("Known")


def page(body: object) -> Page:
    return _read(TypeAdapter(Page), body)


def time_off(body: object) -> list[TimeOff]:
    return _read(_TIME_OFF, body)


def said(body: object) -> str:
    """What a problem document (RFC 9457) says, else its first words."""
    if isinstance(body, dict):
        problem = cast("dict[str, Any]", body)
        return " ".join(str(problem[name]) for name in ("title", "detail") if problem.get(name))
    return str(body)[:300] if body is not None else ""


def _read(shape: TypeAdapter[Known], raw: object) -> Known:
    try:
        return shape.validate_python(raw)
    except ValidationError as bad:
        first = bad.errors()[0]
        where = ".".join(["answer", *(str(part) for part in first["loc"])])
        raise ContractBroken(f"{where}: {first['msg']}") from bad
