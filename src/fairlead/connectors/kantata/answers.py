"""Kantata's answers as typed values. Unknown fields are let by; known ones are strict.

Each answer lists what was found in `results`, in order, and holds the records under the name of
their collection, keyed by id; associated records lie beside them in the same way.
https://developer.kantata.com/ ("Response Format")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


class ContractBroken(ValueError):
    """An answer is not as documented. Names the path."""


def _as_text(raw: Any) -> Any:
    """Kantata writes some ids as text and some as numbers (`subject_id`)."""
    return str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw


Id = Annotated[str, BeforeValidator(_as_text)]


class _Known(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Workspace(_Known):
    id: Id
    archived: bool
    currency: str | None = None  #: shown only to users with financial access
    currency_base_unit: int | None = None  #: cents in one unit: 100 for GBP, 1 for JPY
    price_in_cents: int | None = None  #: shown only to users with financial access


class Story(_Known):
    id: Id
    workspace_id: Id
    time_estimate_in_minutes: int | None = None
    story_type: str | None = None
    state: str | None = None


class Resource(_Known):
    id: Id
    workspace_id: Id
    role_id: Id | None = None


class Allocation(_Known):
    id: Id
    minutes: int


class Reference(_Known):
    """Where another system's id is kept: on which record, and under which names."""

    subject_id: Id
    service_name: str
    service_model: str
    service_model_ref: str
    external_message: str | None = None

    def says(self, names: Mapping[str, str]) -> bool:
        """Whether it is the reference of these names, letter for letter."""
        return all(getattr(self, name) == value for name, value in names.items())


class RateCard(_Known):
    id: Id
    currency: str
    rate_card_set_id: Id


class RateCardSet(_Known):
    title: str


class CustomField(_Known):
    id: Id
    name: str
    value_type: str
    custom_field_set_id: Id


class CustomFieldSet(_Known):
    subject_type: str


class FieldValue(_Known):
    id: Id
    custom_field_id: Id
    value: Any = None  #: text; of a currency field `[18425037, GBP]`


class TimeEntry(_Known):
    id: Id
    workspace_id: Id
    story_id: Id | None = None
    user_id: Id
    role_id: Id | None = None
    date_performed: str  #: `2026-07-06`
    time_in_minutes: int
    billable: bool
    notes: str | None = None
    updated_at: str  #: ISO 8601
    approved: bool | None = None


class Expense(_Known):
    id: Id
    workspace_id: Id
    user_id: Id
    date: str  #: `2026-07-06`
    category: str | None = None
    notes: str | None = None
    amount_in_cents: int
    currency: str
    currency_base_unit: int = Field(gt=0)  #: cents in one unit: 100 for GBP, 1 for JPY


class Titled(_Known):
    """A workspace or a story, as far as it is named."""

    id: Id
    title: str


class User(_Known):
    id: Id
    full_name: str
    email_address: str | None = None  #: shown to some only


class Role(_Known):
    id: Id
    name: str


class _Result(_Known):
    key: str
    id: Id


class _Envelope(_Known):
    count: int
    results: list[_Result]


Known = TypeVar("Known", bound=BaseModel)


class Answer:
    """One page of an answer. Raises `ContractBroken` where it is not of the documented shape."""

    def __init__(self, body: object) -> None:
        envelope = _read("answer", body, _Envelope)
        self.count = envelope.count  #: of all pages
        self.found = tuple((result.key, result.id) for result in envelope.results)
        self._body = cast("Mapping[str, Any]", body)

    def listed(self, collection: str, model: type[Known]) -> list[Known]:
        """What was asked for, in the answer's order."""
        held = self._records(collection)
        return [
            _read(f"{collection}.{id}", held.get(id), model)
            for key, id in self.found
            if key == collection
        ]

    def beside(self, collection: str, model: type[Known]) -> dict[str, Known]:
        """Records of a collection that came along, by id."""
        held = self._records(collection)
        return {id: _read(f"{collection}.{id}", record, model) for id, record in held.items()}

    def raw(self, collection: str, id: str) -> Mapping[str, Any]:
        """One record as it was sent, for the field map. Empty where it is not there."""
        record = self._records(collection).get(id)
        return cast("Mapping[str, Any]", record) if isinstance(record, Mapping) else {}

    def single(self, collection: str, model: type[Known]) -> Known:
        records = self.listed(collection, model)
        if len(records) != 1:
            raise ContractBroken(f"results: {len(records)} {collection}, not one")
        return records[0]

    def _records(self, collection: str) -> Mapping[str, Any]:
        held = self._body.get(collection, {})
        if not isinstance(held, Mapping):
            raise ContractBroken(f"{collection}: not an object")
        return cast("Mapping[str, Any]", held)


def _read(path: str, raw: object, model: type[Known]) -> Known:
    try:
        return model.model_validate(raw)
    except ValidationError as bad:
        first = bad.errors()[0]
        where = ".".join([path, *(str(part) for part in first["loc"])])
        raise ContractBroken(f"{where}: {first['msg']}") from bad
