"""What the SMTP connector can do, and what repeating it means.

A mail server cannot be asked what it has sent: L0. The README says why a notice is
nevertheless repeated a few times, with the Message-ID that it had.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fairlead.connectors.kit.declaration import Connector, Level, Rate, Reads, Writes
from fairlead.connectors.smtp.adapter import SmtpMail
from fairlead.connectors.smtp.line import MailLine
from fairlead.connectors.smtp.settings import SmtpSettings

CONNECTOR = Connector(
    name="smtp",
    title="Mail (SMTP)",
    settings=SmtpSettings,
    ports={"mail": SmtpMail},
    operations={
        "mail.ping": Reads(),
        "mail.send": Writes(Level.L0, None, timedelta(minutes=2), repeats=3),
    },
    # Relays limit what one mailbox sends; Microsoft 365 takes 30 mails a minute.
    # https://learn.microsoft.com/en-us/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits
    rate=Rate(per_second=0.5, at_once=2),
    mapping=Path(__file__).with_name("mapping.yaml"),
    connect=MailLine,
    docs="https://www.rfc-editor.org/rfc/rfc5321",
)
