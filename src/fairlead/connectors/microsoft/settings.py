"""What a firm sets for one Microsoft 365 tenant."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, HttpUrl, SecretStr, model_validator

from fairlead.connectors.kit.declaration import ConnectorSettings

#: Graph's address in each cloud, and where that cloud signs in
#: (https://learn.microsoft.com/en-us/graph/deployments).
_CLOUDS = {
    "graph.microsoft.com": "https://login.microsoftonline.com",
    "graph.microsoft.us": "https://login.microsoftonline.us",
    "dod-graph.microsoft.us": "https://login.microsoftonline.us",
    "microsoftgraph.chinacloudapi.cn": "https://login.chinacloudapi.cn",
}


class MicrosoftSettings(ConnectorSettings):
    """`base_url` is https://graph.microsoft.com, or a national cloud's, without a path.

    A firm that wants only documents gives no `team_id`; one that wants only chat gives neither
    `site_id` nor `drive_id`.
    """

    tenant_id: str = Field(pattern=r"^[A-Za-z0-9.-]{1,100}$")  #: its GUID or a domain of it
    client_id: str = Field(min_length=1)  #: of the app registration
    client_secret: SecretStr = Field(min_length=1)
    login_url: HttpUrl | None = None  #: null: the one of `base_url`'s cloud

    site_id: str | None = Field(default=None, min_length=1)  #: its default library
    drive_id: str | None = Field(default=None, min_length=1)  #: or this very library
    root_folder: str = Field(default="", pattern=r"^[^/].*[^/]$|^[^/]?$")
    """The folder below which engagements get theirs, such as `Clients/Engagements`."""
    key_column: str = Field(default="FairleadKey", pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")
    """The internal name of the indexed text column that holds our key."""

    team_id: str | None = Field(default=None, min_length=1)
    channel_type: Literal["standard", "private"] = "standard"
    sender_id: str | None = Field(default=None, min_length=1)
    """The id of the account in whose name notices are posted. It is in the team, and owns every
    private channel."""
    sender_refresh_token: SecretStr | None = None  #: of that account, for this app registration

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.site_id and self.drive_id:
            raise ValueError("give site_id or drive_id, not both")
        if not (self.site_id or self.drive_id or self.team_id):
            raise ValueError("give site_id or drive_id for documents, team_id for chat")
        if self.team_id and not (self.sender_id and self.sender_refresh_token):
            raise ValueError(
                "team_id needs sender_id and sender_refresh_token: Graph lets no application post "
                "in a channel in its own name"
            )
        return self

    @property
    def login(self) -> str:
        """Where tokens are fetched, without a slash at the end. A rehearsal's Graph has it too."""
        known = _CLOUDS.get(self.base_url.host or "", str(self.base_url))
        return str(self.login_url or known).rstrip("/")

    @property
    def resource(self) -> str:
        """Graph as permissions and users are named after it; a rehearsal plays the global one."""
        host = self.base_url.host or ""
        return f"https://{host if host in _CLOUDS else 'graph.microsoft.com'}"
