"""Whom a key acts for, and the schemas of what we exchange."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from fairlead.api.guard import Caller
from fairlead.api.router import Router
from fairlead.domain.model.billing_schedule import BillingSchedule
from fairlead.domain.model.client import Client
from fairlead.domain.model.contract import Contract
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.legal_entity import LegalEntity
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.project import Project
from fairlead.domain.model.rate_card import RateCard
from fairlead.domain.model.staffing_request import StaffingRequest
from fairlead.domain.values import Value
from fairlead.trust.roles import Permission, Role

_MODELS: tuple[type[BaseModel], ...] = (
    BillingSchedule,
    Client,
    Contract,
    Engagement,
    LegalEntity,
    Opportunity,
    Project,
    RateCard,
    StaffingRequest,
)


class Me(Value):
    id: str
    name: str
    kind: Literal["person", "service"]
    roles: tuple[Role, ...]
    permissions: tuple[Permission, ...]  #: of this key
    regions: tuple[str, ...] | None  #: null: all
    legal_entities: tuple[str, ...] | None  #: null: all


class ModelSchema(Value):
    name: str
    about: str
    json_schema: dict[str, Any]  #: JSON Schema, draft 2020-12


class Models(Value):
    items: tuple[ModelSchema, ...]


def add(router: Router) -> None:
    router.get("/me", get_me, Me, tag="me")
    router.get("/models", list_models, Models, tag="models")


def get_me(caller: Caller) -> Me:
    """Whom the key acts for, and what it permits."""
    return Me(
        id=caller.id,
        name=caller.name,
        kind=caller.kind,
        roles=tuple(sorted(caller.roles)),
        permissions=tuple(sorted(caller.permissions)),
        regions=None if caller.regions is None else tuple(sorted(caller.regions)),
        legal_entities=None
        if caller.legal_entities is None
        else tuple(sorted(caller.legal_entities)),
    )


def list_models() -> Models:
    """The canonical models that every connector is mapped to, as JSON Schemas."""
    return Models(
        items=tuple(
            ModelSchema(
                name=model.__name__,
                about=(model.__doc__ or "").strip().partition("\n")[0],
                json_schema=model.model_json_schema(),
            )
            for model in _MODELS
        )
    )
