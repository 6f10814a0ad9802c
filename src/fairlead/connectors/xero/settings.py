"""What a firm sets for the payroll of one Xero organisation."""

from __future__ import annotations

from typing import Self

from pydantic import Field, HttpUrl, SecretStr, model_validator

from fairlead.connectors.kit.declaration import ConnectorSettings
from fairlead.domain.model.pay_sheet import PayKind

_GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class XeroSettings(ConnectorSettings):
    """`base_url` is https://api.xero.com, without a path."""

    client_id: str = Field(min_length=1)  #: of the custom connection
    client_secret: SecretStr = Field(min_length=1)
    tenant_id: str = Field(pattern=_GUID)  #: of the organisation, as GET /connections tells it
    identity_url: HttpUrl | None = None
    """Where tokens are fetched, if not at https://identity.xero.com, or, for a `base_url` outside
    xero.com (a rehearsal), at `base_url`."""
    earnings_rates: dict[PayKind, str] = Field(min_length=1)
    """How time is paid, in our word → `earningsRateID`; `regular` for the usual one."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        """Else nobody could say what kind the hours are that come back."""
        rates = [rate.lower() for rate in self.earnings_rates.values()]
        if twice := sorted({rate for rate in rates if rates.count(rate) > 1}):
            raise ValueError(f"earnings_rates: two kinds have the earnings rate {twice[0]}")
        return self

    @property
    def identity(self) -> str:
        if self.identity_url is not None:
            return str(self.identity_url).rstrip("/")
        host = self.base_url.host or ""
        if host == "xero.com" or host.endswith(".xero.com"):
            return "https://identity.xero.com"
        return str(self.base_url).rstrip("/")
