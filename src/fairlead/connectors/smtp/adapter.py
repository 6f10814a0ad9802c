"""The port `mail` on SMTP. Sources are in the README."""

from __future__ import annotations

from datetime import UTC, datetime

from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.smtp.addresses import BadAddress, mailbox
from fairlead.connectors.smtp.line import Envelope, MailLine
from fairlead.connectors.smtp.message import compose, message_id, needs_utf8
from fairlead.connectors.smtp.settings import SmtpSettings
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused
from fairlead.ports.messages import Notice


class SmtpMail:
    """Implements `fairlead.ports.messages.Mail`. Threads may share it."""

    def __init__(
        self, system: str, settings: SmtpSettings, line: MailLine, fields: FieldMap
    ) -> None:
        self._system, self._settings, self._line = system, settings, line

    def ping(self) -> None:
        self._line.ping()

    def send(self, to: tuple[str, ...], notice: Notice, *, key: EffectKey) -> ExternalRef:
        given = self._settings
        try:
            recipients = list(dict.fromkeys(mailbox(one) for one in to))
        except BadAddress as bad:
            raise SystemRefused(self._system, f"Nothing was sent: {bad}.") from bad
        if not recipients:
            raise SystemRefused(self._system, "Nothing was sent: the mail names nobody.")
        mail = compose(
            notice,
            recipients,
            sender=given.sender,
            sender_name=given.sender_name,
            domain=given.own_domain,
            key=key,
            now=datetime.now(UTC),
        )
        utf8 = needs_utf8([given.sender, *recipients])
        self._line.send(Envelope(given.sender, recipients, mail.as_bytes(), utf8))
        id = message_id(key, given.own_domain).strip("<>")
        return ExternalRef(system=self._system, kind="mail", id=id)
