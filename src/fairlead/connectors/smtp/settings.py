"""What a firm sets for its mail server."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from fairlead.connectors.kit.declaration import SystemSettings
from fairlead.connectors.smtp.addresses import BadAddress, mailbox

_PORTS = {"starttls": 587, "implicit": 465, "none": 25}  # RFC 6409, RFC 8314, RFC 5321


class SmtpSettings(SystemSettings):
    """`total_timeout_s` bounds each wait of a session but the last one."""

    host: str = Field(pattern=r"^[A-Za-z0-9.:_-]+$", max_length=253)
    port: int = Field(default=0, ge=0, le=65535)  #: 0: the one that `tls` usually has
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`none` sends notices, and the password where there is one, so that others can read them."""
    trusted_certificates: str | None = None
    """PEM, for a server whose certificate is of the firm's own authority; null: the machine's."""
    user: str | None = None  #: null: the server wants no sign-in
    password: SecretStr | None = None
    sender: str  #: the address that mails come from
    sender_name: str = Field(default="Fairlead", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    domain: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")
    """Of our Message-IDs and our greeting; null: that of `sender`. It never changes, else a
    repeated mail is not recognised."""
    last_timeout_s: float = Field(default=120, gt=0, le=600)
    """For the answer after the whole mail was sent. RFC 5321 4.5.3.2.6 wants 10 minutes: who
    gives up earlier does not know whether it was sent."""

    @field_validator("sender")
    @classmethod
    def _is_an_address(cls, sender: str) -> str:
        try:
            return mailbox(sender)
        except BadAddress as bad:
            raise ValueError(str(bad)) from bad

    @model_validator(mode="after")
    def _signs_in_whole(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        return self

    @property
    def port_in_use(self) -> int:
        return self.port or _PORTS[self.tls]

    @property
    def own_domain(self) -> str:
        return self.domain or self.sender.rpartition("@")[2]
