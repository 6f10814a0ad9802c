"""Which systems a sandbox hosts, and the dialect that each one speaks."""

from __future__ import annotations

import importlib
from inspect import isclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fairlead.errors import InvalidDefinition
from fairlead.sandbox.dialect import Dialect


class SystemSpec(BaseModel):
    """One sandbox system, mounted at `/{id}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")
    dialect: str  #: `salesforce` and the like, or `package.module:Class` for one of your own
    settings: dict[str, Any] = Field(default_factory=dict[str, Any])
    """The dialect's own; `webhook_url` with `webhook_secret`; and `port` for the door of a system
    that does not speak HTTP (else it takes a free one)."""


class World(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    systems: tuple[SystemSpec, ...]


def dialect_named(name: str) -> type[Dialect]:
    """The class of a dialect. Raises `InvalidDefinition` where there is none."""
    module_name, _, class_name = name.partition(":")
    if not class_name:
        module_name = f"fairlead.sandbox.{name}"
    try:
        module = importlib.import_module(module_name)
    except ImportError as missing:
        raise InvalidDefinition(f"There is no sandbox dialect {name}: {missing}.") from missing
    for found in vars(module).values():
        if isclass(found) and issubclass(found, Dialect) and found is not Dialect:
            if class_name and found.__name__ == class_name:
                return found
            if not class_name and getattr(found, "vendor", None) == name:
                return found
    raise InvalidDefinition(f"{module_name} has no dialect for {name}.")
