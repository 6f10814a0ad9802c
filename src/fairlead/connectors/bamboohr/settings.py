"""What a firm sets for its BambooHR account."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from fairlead.connectors.kit.declaration import ConnectorSettings
from fairlead.domain.values import Country, Hours

Word = Annotated[str, Field(min_length=1, max_length=200)]


class Place(BaseModel):
    """Where a location of BambooHR is, in the firm's own words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: Word | None = None  #: the firm's own: `EMEA`
    country: Country | None = None


class BambooHRSettings(ConnectorSettings):
    """`base_url` is https://<company>.bamboohr.com, without a path."""

    api_key: SecretStr = Field(min_length=1)
    """Of a user who may see every employee with the fields of `mapping.yaml`, and all time off.
    https://documentation.bamboohr.com/docs/getting-started"""
    roles: dict[Word, tuple[Word, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    """Job title → the roles in which its holder can be sold. A title that is not listed is sold
    under its own name; one with an empty list is not sold."""
    places: dict[Word, Place] = Field(default_factory=dict[str, Place])
    """Location → region and country. One that is not listed has neither."""
    hours_per_week: Hours = Field(default="40", validate_default=True)
    """For whoever has no hours in BambooHR."""
