"""What a firm sets for one NetSuite account."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from fairlead.connectors.kit.declaration import ConnectorSettings

AccountFor = Literal["revenue", "billed", "wip", "deferred", "expense", "payable"]

_HOST = ".suitetalk.api.netsuite.com"


class NetSuiteSettings(ConnectorSettings):
    """Sign-in is OAuth 2.0, client credentials with a certificate.

    `account` must fit `base_url` where that is an Oracle host, so that the settings of a test
    account never write into the firm's real books.
    """

    account: str = Field(min_length=1)  #: as NetSuite shows it, such as `1234567` or `1234567_SB1`
    client_id: str = Field(min_length=1)  #: of the integration record
    certificate_id: str = Field(min_length=1)  #: that the account gave the uploaded certificate
    private_key: SecretStr  #: PEM; the private half of the uploaded certificate
    algorithm: Literal["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"] = "PS256"
    schedule_type: str = "FBM"  #: internal id of the type of billing schedule; FBM: milestones
    billing_types: dict[str, str] = Field(default={"time_and_materials": "TM"})
    """Billing method (policy `revenue-method`) → internal id of the project's billing type; a
    method that is not here has that of `schedule_type`."""
    requesters: dict[str, str] = Field(default_factory=dict[str, str])
    """Internal id of a subsidiary → that of the employee in whose name its requisitions are."""
    purchase_account: str | None = None  #: internal id of the account that bought work is booked on
    purchase_item: str | None = None  #: or of the service item for it: lines then carry hours
    vendor_categories: frozenset[str] = frozenset()
    """Internal ids of the vendor categories that are approved; none: the custom field says it."""
    items: dict[str, str] = Field(default_factory=dict[str, str])
    """Kind of an invoice's line (`time`, `expense`, `milestone`, `fee`…) → internal id of the item
    that it is sold as; the item says which account it is booked on."""
    price_level: str = "-1"  #: of lines with a price of their own; -1 is NetSuite's Custom
    tax_codes: dict[str, str] = Field(default_factory=dict[str, str])
    """Tax code of a line → internal id; a code that is not here is looked up by its name."""
    time_item: str | None = None  #: internal id of the service item that time is booked as
    time_items: dict[str, str] = Field(default_factory=dict[str, str])
    """Category of time → another item for it."""
    accounts: dict[AccountFor, str] = Field(default_factory=dict[AccountFor, str])
    """Internal ids of the accounts that journals go to: `revenue`, `billed` (where items of
    invoices are booked), `wip`, `deferred`; `expense` and `payable` for expenses."""
    expense_accounts: dict[str, str] = Field(default_factory=dict[str, str])
    """Category of expense → another account for it than `expense`."""
    page_size: int = Field(default=1000, ge=1, le=1000)  #: rows in one page of a query

    @model_validator(mode="after")
    def _one_way_to_buy(self) -> Self:
        if self.purchase_account and self.purchase_item:
            raise ValueError("set purchase_account or purchase_item, not both")
        return self

    @model_validator(mode="after")
    def _account_fits_address(self) -> Self:
        host = self.base_url.host or ""
        expected = self.account.lower().replace("_", "-") + _HOST
        if host.endswith(_HOST) and host != expected:
            raise ValueError(f"base_url is not that of account {self.account}; expected {expected}")
        return self
