"""What we need to reach people where they are: chat and mail."""

from __future__ import annotations

from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef, Name, Text, Value


class Notice(Value):
    """A message to people. It informs: nothing is decided by answering it (F217)."""

    title: Name
    text: Text  #: plain text, paragraphs apart by an empty line
    link: str | None = None  #: to the page on which a signed-in person acts
    link_text: str = "Open in Fairlead"


class Chat(Protocol):
    """See `fairlead.ports` for what every port promises."""

    def ping(self) -> None: ...

    def create_channel(
        self, *, code: str, name: str, members: tuple[str, ...], key: EffectKey
    ) -> ExternalRef:
        """The engagement's channel, with its members (e-mail addresses) in it. An address that
        the system does not know is left out; everybody who is known is a member at return."""
        ...

    def find_channel(self, key: EffectKey) -> ExternalRef | None:
        """The channel, once all its members are in it."""
        ...

    def channel_url(self, channel: ExternalRef) -> str:
        """Where a person opens it. Asks the system only if it must."""
        ...

    def post(self, channel: ExternalRef, notice: Notice, *, key: EffectKey) -> ExternalRef: ...

    def find_post(self, channel: ExternalRef, *, key: EffectKey) -> ExternalRef | None: ...


class Mail(Protocol):
    """See `fairlead.ports` for what every port promises."""

    def ping(self) -> None: ...

    def send(self, to: tuple[str, ...], notice: Notice, *, key: EffectKey) -> ExternalRef:
        """One message to all of them. Its Message-ID is a function of `key`, so that a mail
        system that sees it twice can tell."""
        ...
