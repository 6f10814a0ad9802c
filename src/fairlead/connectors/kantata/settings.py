"""What a firm sets for its Kantata account."""

from __future__ import annotations

from pydantic import Field, SecretStr

from fairlead.connectors.kit.declaration import ConnectorSettings


class KantataSettings(ConnectorSettings):
    """`base_url` is https://api.mavenlink.com, without `/api/v1`."""

    token: SecretStr = Field(min_length=1)
    """Of a registered application; it lasts until the application is deleted.
    https://knowledge.kantata.com/hc/en-us/articles/360057953073"""
    reference_service: str = Field(default="fairlead", min_length=1, max_length=80)
    """`service_name` of our external references. Two Fairlead installations that write to one
    account need two names."""
    budget_field_id: int | None = Field(default=None, gt=0)
    """A currency custom field of projects that takes the exact budget; null: only budgets in
    whole base units of the currency are accepted."""
