"""What a firm sets for one Acme HR account."""

from pydantic import Field, SecretStr

from fairlead.connectors.kit.declaration import ConnectorSettings
from fairlead.domain.values import Hours


class AcmeSettings(ConnectorSettings):
    """`base_url` is https://api.acme.example, without a path."""

    token: SecretStr = Field(min_length=1)
    regions: dict[str, str] = Field(default_factory=dict[str, str])  #: office → region
    countries: dict[str, str] = Field(default_factory=dict[str, str])  #: office → country
    also: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    """Title → every role in which its holder can be sold; else the title itself."""
    hours_per_week: Hours = Field(default="40", validate_default=True)
