"""A project of Kantata as it is now, read with what we keep beside it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from fairlead.connectors.kantata import amounts
from fairlead.connectors.kantata.answers import Answer, ContractBroken, FieldValue, Workspace
from fairlead.connectors.kantata.records import PROJECT, Records
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.domain.model.project import ProjectChanges, ProjectReading
from fairlead.domain.values import Money

_LONGEST_NAME = 1000  # letters of a `Name`


@dataclass(frozen=True)
class ProjectView:
    reading: ProjectReading
    code: str | None  #: ours, as the reference says that we left there
    currency: str | None
    budget_value: str | None  #: id of the custom field value that holds the exact budget

    def title(self, name: str) -> str:
        """The title of a project of this name: with the code in front, where it is known."""
        return f"{self.code} {name}" if self.code else name

    def shows(self, changes: ProjectChanges) -> bool:
        wanted = changes.model_dump(exclude_none=True)
        return all(getattr(self.reading, name) == getattr(changes, name) for name in wanted)


def view(
    records: Records, fields: FieldMap, id: str, *, budget_field: int | None
) -> ProjectView | None:
    """None: there is no such project. To be read inside `Records.reading`."""
    asked = {"include_archived": "true", "include": "external_references,custom_field_values"}
    answer = records.look(PROJECT, id, asked=asked)
    if answer is None:
        return None
    workspace = answer.single(PROJECT.collection, Workspace)
    codes = records.messages(PROJECT, answer)
    code = codes[0] if codes else None
    # A price is a whole number on the way there and words on the way back (“£184,250.00”).
    raw = dict(answer.raw(PROJECT.collection, workspace.id))
    if fields.has("project", "price"):
        raw.pop(fields.their_path("project", "price"), None)
    said = fields.read("project", raw)
    title = str(said.get("title", ""))
    if not 0 < len(title) <= _LONGEST_NAME:
        raise ContractBroken(f"{PROJECT.collection}.{workspace.id}: no usable title")
    in_front = f"{code} "
    named = code is not None and title.startswith(in_front) and len(title) > len(in_front)
    exact = _exact(answer, budget_field)
    reading = ProjectReading(
        ref=records.ref(PROJECT, workspace.id),
        name=title.removeprefix(in_front) if named else title,
        starts_on=said.get("starts_on"),
        ends_on=said.get("ends_on"),
        budget=_budget(workspace, amounts.read(exact.value) if exact else None),
        closed=workspace.archived,
    )
    return ProjectView(reading, code, workspace.currency, exact.id if exact else None)


def _exact(answer: Answer, budget_field: int | None) -> FieldValue | None:
    held = answer.beside("custom_field_values", FieldValue).values()
    return next((value for value in held if value.custom_field_id == str(budget_field)), None)


def _budget(workspace: Workspace, exact: Money | None) -> Money | None:
    """The exact amount, as long as it is that of the price: a person may have changed the price
    and not the custom field, and the price is what Kantata reckons with."""
    if workspace.price_in_cents is None or workspace.currency is None:
        return exact
    shown = Decimal(workspace.price_in_cents) / (workspace.currency_base_unit or 100)
    currency = workspace.currency
    if exact is not None and exact.currency == currency and amounts.rounded(exact) == shown:
        return exact
    return Money(amount=shown, currency=currency)
