"""What the Slack connector can do, and what repeating each of it means.

Slack offers no idempotency key. A channel's name carries our key and is unique, a message's
metadata carries it and can be read back, so both are L1: we look before we repeat. How long a
call may go on after we stopped waiting, and how soon a message is in the history, is not
documented; five minutes are caution.
"""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

from fairlead.connectors.kit.declaration import Connector, Level, Rate, Reads, SignedBy, Writes
from fairlead.connectors.kit.http import Http, Token, TokenSource
from fairlead.connectors.slack.adapter import SlackChat
from fairlead.connectors.slack.settings import SlackSettings
from fairlead.connectors.slack.webhook import reads_webhook, slack_signature
from fairlead.errors import SystemUnavailable

_SHOWN = timedelta(minutes=5)


def sign_in(system: str, settings: SlackSettings, http: Http) -> TokenSource:
    """The app's bot token, which does not end unless the firm turns token rotation on.

    So `http` is not used. A second fetch means that the token was refused; it raises
    `SystemUnavailable` with words for the person who can store another one.
    """
    given = iter([settings.bot_token.get_secret_value()])

    def fetch() -> Token:
        for value in given:
            return Token(value, expires_at=math.inf)
        raise SystemUnavailable(system, "It refused our sign-in. Store another bot token.")

    return TokenSource(fetch)


CONNECTOR = Connector(
    name="slack",
    title="Slack",
    settings=SlackSettings,
    ports={"chat": SlackChat},
    operations={
        "chat.ping": Reads(),
        "chat.create_channel": Writes(Level.L1, "chat.find_channel", _SHOWN),
        "chat.find_channel": Reads(),
        "chat.channel_url": Reads(),
        "chat.post": Writes(Level.L1, "chat.find_post", _SHOWN),
        "chat.find_post": Reads(),
    },
    # Limits are per method and minute, from 20 (`conversations.create`, `.list`) upwards, with
    # short bursts allowed (https://docs.slack.dev/apis/web-api/rate-limits).
    rate=Rate(per_second=2, at_once=4),
    mapping=Path(__file__).with_name("mapping.yaml"),
    sign_in=sign_in,
    docs="https://docs.slack.dev/reference/methods",
    reads_webhook=reads_webhook,
    signed_by=SignedBy(verify=slack_signature),
)
