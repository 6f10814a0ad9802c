"""The port `chat` on the channels of one team. No business rule lives here.

A channel is found by a line of its description, a message by the id of its card.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import simplejson

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.microsoft.answers import Channel, Member, Message, User
from fairlead.connectors.microsoft.graph import Graph
from fairlead.connectors.microsoft.names import channel_name
from fairlead.connectors.microsoft.settings import MicrosoftSettings
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, EffectConflict, SystemRefused
from fairlead.ports.messages import Notice

_CARD = "application/vnd.microsoft.card.adaptive"
_MARK = "Fairlead: "  # begins the last line of a description, which holds our key
_LONGEST_NAME = 700  # characters: with the key, a description has at most 1024
_LONGEST_TEXT = 20_000  # bytes on the wire, escapes and all: a message has about 28 KB
_LONGEST_SUBJECT = 250  # characters


class TeamsChat:
    """Implements `fairlead.ports.messages.Chat`. Threads may share it."""

    def __init__(
        self, system: str, settings: MicrosoftSettings, graph: Graph, fields: FieldMap
    ) -> None:
        self._system, self._settings, self._graph = system, settings, graph
        self._http = graph.as_application

    @property
    def _team(self) -> str:
        if not self._settings.team_id:
            raise SystemRefused(self._system, "team_id is not set.")
        return f"/v1.0/teams/{quote(self._settings.team_id, safe='')}"

    @property
    def _sender(self) -> Http:
        if self._graph.as_sender is None:
            raise SystemRefused(self._system, "sender_refresh_token is not set.")
        return self._graph.as_sender

    def _channel(self, ref: ExternalRef) -> str:
        return f"{self._team}/channels/{quote(ref.id, safe='')}"

    def ping(self) -> None:
        """Both sign-ins: the application's and the sender's."""
        with self._graph.reading():
            for line in (self._http, self._sender):
                asked = {"$select": "id,displayName"}
                page = self._graph.listed(line, f"{self._team}/channels", asked, Channel)
                next(page, None)

    # -- channels ----------------------------------------------------------------------------

    def create_channel(
        self, *, code: str, name: str, members: tuple[str, ...], key: EffectKey
    ) -> ExternalRef:
        """First everybody into the team, then the channel: nothing is left to do behind it."""
        people = self._known(members)
        self._join(people)
        description = f"{' '.join(name.split())[:_LONGEST_NAME]}\n{_MARK}{key}"
        sent: dict[str, Any] = {
            "displayName": channel_name(code, name),
            "description": description,
            "membershipType": self._settings.channel_type,
        }
        if self._settings.channel_type == "private":
            owner = self._settings.sender_id or ""
            sent["members"] = [self._member(owner, "owner")]
            sent["members"] += [self._member(id) for id in people if id != owner]
        try:
            reply = self._http.send("POST", f"{self._team}/channels", json=sent)
        except SystemRefused as refused:
            if "already exist" not in refused.why.casefold():
                raise
            earlier = self.find_channel(key)
            if earlier is None:
                raise
            return earlier
        made = self._graph.written(Channel, reply.body)
        if not _carries(made, key):
            raise AnswerLost(self._system, f"It did not show our key on channel {made.id}.")
        return self._ref("channel", made.id)

    def find_channel(self, key: EffectKey) -> ExternalRef | None:
        asked = {"$select": "id,displayName,description"}
        with self._graph.reading():
            channels = self._graph.listed(self._http, f"{self._team}/channels", asked, Channel)
            found = [channel.id for channel in channels if _carries(channel, key)]
        return self._the_one("channel", found, key)

    def channel_url(self, channel: ExternalRef) -> str:
        with self._graph.reading():
            shown = self._graph.read(Channel, self._http.send("GET", self._channel(channel)).body)
        if shown.web_url is None:
            raise SystemRefused(self._system, f"Channel {channel.id} has no webUrl.")
        return shown.web_url

    def _known(self, members: tuple[str, ...]) -> list[str]:
        """The ids of those whom the directory knows, each once."""
        ids: dict[str, None] = {}
        for member in sorted({member.strip().casefold() for member in members}):
            quoted = member.replace("'", "''")
            asked = {
                "$filter": f"mail eq '{quoted}' or userPrincipalName eq '{quoted}'",
                "$select": "id",
            }
            with self._graph.reading():
                found = self._graph.listed(self._http, "/v1.0/users", asked, User)
                ids |= {user.id: None for user in found}
        return list(ids)

    def _join(self, people: Iterable[str]) -> None:
        """Whoever is not in the team yet. Being in it twice is nothing that Teams knows."""
        with self._graph.reading():
            members = self._graph.listed(self._http, f"{self._team}/members", {}, Member)
            there = {member.user_id for member in members}
            for id in people:
                if id not in there:
                    sent = self._member(id)
                    self._http.send("POST", f"{self._team}/members", json=sent)

    def _member(self, id: str, *roles: str) -> dict[str, Any]:
        return {
            "@odata.type": "#microsoft.graph.aadUserConversationMember",
            "roles": list(roles),
            "user@odata.bind": f"{self._settings.resource}/v1.0/users('{id}')",
        }

    # -- messages ----------------------------------------------------------------------------

    def post(self, channel: ExternalRef, notice: Notice, *, key: EffectKey) -> ExternalRef:
        """In the sender's name: Graph lets applications write only while a team is migrated
        (https://learn.microsoft.com/en-us/graph/api/channel-post-messages)."""
        card = card_id(key)
        sent = {
            "subject": notice.title[:_LONGEST_SUBJECT],
            "body": {"contentType": "html", "content": f'<attachment id="{card}"></attachment>'},
            "attachments": [
                {
                    "id": card,
                    "contentType": _CARD,
                    "contentUrl": None,
                    "content": simplejson.dumps(adaptive_card(notice)),
                    "name": None,
                    "thumbnailUrl": None,
                }
            ],
        }
        reply = self._sender.send("POST", f"{self._channel(channel)}/messages", json=sent)
        made = self._graph.written(Message, reply.body)
        if card not in {attachment.id for attachment in made.attachments}:
            raise AnswerLost(self._system, f"It did not show our card on message {made.id}.")
        return self._ref("message", made.id)

    def find_post(self, channel: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        card = card_id(key)
        with self._graph.reading():
            messages = self._graph.listed(
                self._sender, f"{self._channel(channel)}/messages", {"$top": "50"}, Message
            )
            found = [
                message.id
                for message in messages
                if message.deleted_at is None
                and card in {attachment.id for attachment in message.attachments}
            ]
        return self._the_one("message", found, key)

    def _the_one(self, kind: str, ids: list[str], key: EffectKey) -> ExternalRef | None:
        if len(ids) > 1:
            raise EffectConflict(self._system, f"{len(ids)} {kind}s carry {key}.")
        return self._ref(kind, ids[0]) if ids else None

    def _ref(self, kind: str, id: str) -> ExternalRef:
        return ExternalRef(system=self._system, kind=kind, id=id)


def card_id(key: EffectKey) -> str:
    """The id of a card, which Teams keeps as it was given: a short form of the key."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def adaptive_card(notice: Notice) -> dict[str, Any]:
    """The notice as runs of text, in which nothing is markup
    (https://adaptivecards.io/explorer/RichTextBlock.html)."""
    kept = notice.text
    while len(simplejson.dumps(simplejson.dumps(kept))) > _LONGEST_TEXT:
        kept = kept[: len(kept) * 9 // 10]
    if kept != notice.text:
        kept += " …"
    paragraphs = [part.strip() for part in kept.split("\n\n") if part.strip()] or [notice.title]
    card: dict[str, Any] = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "body": [
            {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": part}]}
            for part in paragraphs
        ],
    }
    if notice.link is not None:
        action = {"type": "Action.OpenUrl", "title": notice.link_text, "url": notice.link}
        card["actions"] = [action]
    return card


def _carries(channel: Channel, key: EffectKey) -> bool:
    """Only the last line counts: the one before is a name that somebody chose."""
    return (channel.description or "").rstrip().splitlines()[-1:] == [f"{_MARK}{key}"]
