"""Slack's answers as typed values. Unknown fields are let by; known ones are strict.

Every answer is a 200 that says `ok`, or `error` with a word for what was wrong.
https://docs.slack.dev/apis/web-api/ ("Evaluating responses")
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Known(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Verdict(Known):
    ok: bool
    error: str | None = None
    needed: str | None = None  #: the scope that the app lacks


class Ok(Known):
    """An answer of which only `ok` matters."""


class Identity(Known):
    team_id: str
    user_id: str


class _Told(Known):
    value: str = ""


class Channel(Known):
    id: str
    name: str
    previous_names: list[str] = Field(default_factory=list[str])
    purpose: _Told = _Told()


class Made(Known):
    channel: Channel


class _Cursor(Known):
    next_cursor: str = ""


class Page(Known):
    """Part of a list; an empty cursor says that it was the last.
    https://docs.slack.dev/apis/web-api/pagination"""

    response_metadata: _Cursor | None = None
    has_more: bool = False

    @property
    def next_cursor(self) -> str:
        return self.response_metadata.next_cursor if self.response_metadata else ""


class Channels(Page):
    channels: list[Channel]


class Members(Page):
    members: list[str]


class _User(Known):
    id: str
    deleted: bool = False


class Found(Known):
    user: _User


class _Metadata(Known):
    event_type: str
    event_payload: dict[str, Any] = Field(default_factory=dict[str, Any])


class Message(Known):
    ts: str
    metadata: _Metadata | None = None


class History(Page):
    messages: list[Message]


class Posted(Known):
    channel: str
    ts: str
    message: Message
