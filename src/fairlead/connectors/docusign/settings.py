"""What a firm sets for one DocuSign account."""

from __future__ import annotations

from pydantic import Field, HttpUrl, SecretStr

from fairlead.connectors.kit.declaration import ConnectorSettings

_GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class DocusignSettings(ConnectorSettings):
    """`base_url` is the account's `base_uri`, such as https://eu.docusign.net, without `/restapi`.

    https://developers.docusign.com/platform/auth/reference/user-info
    """

    account_id: str = Field(pattern=_GUID)  #: “API Account ID” under Apps and Keys
    integration_key: str = Field(pattern=_GUID)  #: of the app
    user_id: str = Field(pattern=_GUID)  #: of the user whom the app impersonates
    private_key: SecretStr  #: RSA, PEM, of the app's key pair
    audience: str = Field(default="account.docusign.com", pattern=r"^[a-z0-9.-]+$")
    """The sign-in service's name; `account-d.docusign.com` for a developer account."""
    sign_in_url: HttpUrl | None = None
    """Where the sign-in service is, if not at `https://<audience>`, or, for a `base_url` outside
    docusign.net (a rehearsal), at `base_url`."""
    page_size: int = Field(default=100, ge=1, le=1000)  #: envelopes a page of a poll
    poll_overlap_s: float = Field(default=120, ge=0, le=3600)
    """How far each poll looks back behind the newest change seen: how soon a change is listed is
    not documented."""

    @property
    def sign_in_root(self) -> str:
        if self.sign_in_url is not None:
            return str(self.sign_in_url).rstrip("/")
        host = self.base_url.host or ""
        if host == "docusign.net" or host.endswith(".docusign.net"):
            return f"https://{self.audience}"
        return str(self.base_url).rstrip("/")
