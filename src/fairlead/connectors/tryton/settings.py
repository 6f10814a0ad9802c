"""What a firm sets for one Tryton database."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from fairlead.connectors.kit.declaration import ConnectorSettings

AccountFor = Literal["revenue", "billed", "wip", "deferred", "expense", "payable"]
_Id = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,9}$")]


class TrytonSettings(ConnectorSettings):
    """`base_url` is https://tryton.example.com, without the database's name.

    Subsidiaries are Tryton's companies: their ids are those of `company.company`.
    """

    database: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,63}$")
    key: SecretStr = Field(min_length=1)
    """Of the user application *REST API* of a user of Fairlead's own."""
    requesters: dict[_Id, _Id] = Field(default_factory=dict[str, str])
    """Company → employee in whose name its purchase requisitions are."""
    analytic_root: str = Field(default="PROJECTS", min_length=1)
    """Code of the root of analytic accounts under which each company has its projects."""
    revenue_accounts: dict[str, str] = Field(default_factory=dict[str, str])
    """Kind of an invoice's line → code of its account; a kind that is not here goes to the
    company's default account of revenue."""
    accounts: dict[AccountFor, str] = Field(default_factory=dict[AccountFor, str])
    """Codes of the accounts that moves go to, the same in every company: `revenue`, `billed` (where
    lines of invoices are booked), `wip`, `deferred`; `expense` and `payable` for expenses."""
    expense_accounts: dict[str, str] = Field(default_factory=dict[str, str])
    """Category of expense → code of another account for it than `expense`."""
    units: dict[str, str] = Field(default={"hour": "h", "day": "d", "piece": "u"})
    """Our word for a unit → symbol of the unit of measure."""
    page_size: int = Field(default=1000, ge=1, le=1000)  #: records in one answer of a search
