"""What a firm sets for its Slack workspace."""

from __future__ import annotations

from pydantic import Field, SecretStr

from fairlead.connectors.kit.declaration import ConnectorSettings


class SlackSettings(ConnectorSettings):
    """`base_url` is https://slack.com/api."""

    bot_token: SecretStr = Field(min_length=1)
    """Of the installed app, `xoxb-…`. https://docs.slack.dev/authentication/tokens"""
    private_channels: bool = True
    """Whether new channels are private: only members see that they are there."""
