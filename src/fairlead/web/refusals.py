"""Refusals that only a browser's request can meet. All others come from `fairlead.errors`."""

from __future__ import annotations

from fairlead.errors import FairleadError, NotAllowed
from fairlead.trust.roles import Permission


class Malformed(FairleadError):
    code, status = "malformed", 400


class NotSignedIn(FairleadError):
    """Nobody, or a session that has ended: the way leads to the sign-in page and back."""

    code, status = "not_signed_in", 401


class NoPermission(NotAllowed):
    """A person without the permission that a page or a command needs."""

    def __init__(self, permission: Permission) -> None:
        super().__init__("Your role does not open this.")
        self.permission = permission


class CrossSite(NotAllowed):
    """A request to change something that none of our own pages made."""


class TooLarge(FairleadError):
    code, status = "too_large", 413


class WrongMediaType(FairleadError):
    code, status = "wrong_media_type", 415
