"""What a firm sets for one Salesforce org."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, SecretStr

from fairlead.connectors.kit.declaration import ConnectorSettings
from fairlead.domain.values import Currency

ApiName = Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")]


class Settings(ConnectorSettings):
    """`base_url` is the org's My Domain address, `https://<name>.my.salesforce.com`.

    Of each custom object there are two names: its own, by which the poll asks for what changed,
    and that of the list of it that its parent shows, by which a deal is read. An object that is
    null is one that the org does not have; it and the fields that lead to it are not asked for.
    """

    consumer_key: str = Field(min_length=1)  #: of the connected app or external client app
    username: str = Field(min_length=1)  #: of the integration user
    private_key: SecretStr  #: RSA, PEM; its certificate is uploaded to the app
    audience: str = "https://login.salesforce.com"  #: `https://test.salesforce.com` for a sandbox
    sign_in_path: str = Field(default="/services/oauth2/token", pattern=r"^/")
    api_version: str = Field(default="v62.0", pattern=r"^v\d{2}\.0$")
    default_currency: Currency | None = None
    """Set it for an org without multiple currencies: there every amount is in this one, and
    CurrencyIsoCode does not exist and is not asked for."""
    billing_term_object: ApiName | None = "Billing_Term__c"  #: of a contract
    billing_term_relationship: ApiName = "Billing_Terms__r"
    clause_object: ApiName | None = "Contract_Clause__c"  #: of a contract
    clause_relationship: ApiName = "Contract_Clauses__r"
    phase_object: ApiName | None = "Engagement_Phase__c"  #: of an opportunity
    phase_relationship: ApiName = "Engagement_Phases__r"
    subcontract_object: ApiName | None = "Subcontract_Need__c"  #: of an opportunity
    subcontract_relationship: ApiName = "Subcontract_Needs__r"
    quotes: bool = True  #: false: Salesforce's quotes are not enabled in the org
    review_probability: Decimal | None = Field(default=None, ge=0, le=100)
    """Per cent: the poll tells open deals that are at least this probable, beside the won."""
    review_stages: tuple[str, ...] = ()  #: the poll tells open deals in these stages, by name
    review_contract_statuses: tuple[str, ...] = ()
    """The poll tells open deals whose contract has one of these statuses, as Salesforce calls
    them: those that `mapping.yaml` gives as approved or signed, such as `SOW Approved`."""
    poll_overlap_s: float = Field(default=120, ge=0, le=3600)
    """How far each poll looks back behind the newest change seen: a transaction that commits
    late carries a time stamp of before its commit."""
