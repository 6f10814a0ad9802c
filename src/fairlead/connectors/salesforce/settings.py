"""What a firm sets for one Salesforce org."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from fairlead.connectors.kit.declaration import ConnectorSettings
from fairlead.domain.values import Currency


class Settings(ConnectorSettings):
    """`base_url` is the org's My Domain address, `https://<name>.my.salesforce.com`."""

    consumer_key: str = Field(min_length=1)  #: of the connected app or external client app
    username: str = Field(min_length=1)  #: of the integration user
    private_key: SecretStr  #: RSA, PEM; its certificate is uploaded to the app
    audience: str = "https://login.salesforce.com"  #: `https://test.salesforce.com` for a sandbox
    sign_in_path: str = Field(default="/services/oauth2/token", pattern=r"^/")
    api_version: str = Field(default="v62.0", pattern=r"^v\d{2}\.0$")
    default_currency: Currency | None = None
    """Set it for an org without multiple currencies: there every amount is in this one, and
    CurrencyIsoCode does not exist and is not asked for."""
    billing_term_object: Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")] = "Billing_Term__c"
    poll_overlap_s: float = Field(default=120, ge=0, le=3600)
    """How far each poll looks back behind the newest change seen: a transaction that commits
    late carries a time stamp of before its commit."""
