"""Slack's Web API as far as the connector uses it.

From https://docs.slack.dev/reference/methods. Where that is silent, the dialect takes the reading
that is hardest on a client: an unknown argument is refused, a method that reads takes no JSON,
one invited member who is in already has the whole call refused, and texts come back escaped.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar, cast

from fairlead.errors import InvalidDefinition
from fairlead.sandbox import slack_blocks
from fairlead.sandbox.books import Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route

_LONGEST_NAME = 80
_LONGEST_TOPIC = 250
_MOST_INVITED = 100
_MOST_LISTED = 999
_TEAM = "T0SANDBOX1"
_BOT = "U0FAIRLEAD"

Body = dict[str, Any]
Item = TypeVar("Item")


class Slack(Dialect):
    vendor = "slack"

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        token = f"xoxb-{secrets.token_hex(24)}"
        return {"bot_token": token, "client": {"bot_token": token}}

    def furnish(self) -> None:
        self._revoked = False
        bot = {"email": "", "real_name": "Fairlead", "deleted": False, "is_bot": True}
        self.books.create("users", bot, id=_BOT)

    def routes(self) -> list[Route]:
        def reads(method: str, handler: Callable[[Body], Answer], *known: str) -> Route:
            taken = self._taking(handler, known, json=False)
            return Route("GET", f"/{method}", method, taken)

        def writes(method: str, handler: Callable[[Body], Answer], *known: str) -> Route:
            return Route("POST", f"/{method}", method, self._taking(handler, known, json=True))

        page = ("cursor", "limit")
        about = ("channel", "blocks", "text", "metadata", "mrkdwn", "parse", "link_names")
        return [
            reads("auth.test", self._identity),
            reads("users.lookupByEmail", self._lookup, "email"),
            reads("conversations.list", self._list, "types", "exclude_archived", *page),
            reads("conversations.members", self._members, "channel", *page),
            reads("conversations.history", self._history, "channel", "include_all_metadata", *page),
            writes("conversations.create", self._create, "name", "is_private"),
            writes("conversations.setTopic", self._telling("topic"), "channel", "topic"),
            writes("conversations.setPurpose", self._telling("purpose"), "channel", "purpose"),
            writes("conversations.invite", self._invite, "channel", "users"),
            writes("chat.postMessage", self._post, *about, "unfurl_links", "unfurl_media"),
        ]

    # -- signing in and refusing ---------------------------------------------------------------

    _revoked = False

    def authenticate(self, call: Call, route: Route) -> None:
        given = call.headers.get("authorization", "")
        if not given:
            raise _no("not_authed")
        wanted = f"Bearer {self.settings['bot_token']}"
        if not secrets.compare_digest(given.encode(), wanted.encode()):
            raise _no("invalid_auth")
        if self._revoked:
            raise _no("token_revoked")

    def revoke_tokens(self) -> None:
        """Somebody removed the app: its token is gone for good (until a reset)."""
        self._revoked = True

    def too_many(self, retry_after_s: float | None) -> Answer:
        answer = self.broken(429)
        if retry_after_s is not None:
            answer.headers["retry-after"] = f"{retry_after_s:g}"
        return answer

    def broken(self, status: int) -> Answer:
        words = {429: "ratelimited", 404: "unknown_method", 503: "service_unavailable"}
        usual = "internal_error" if status >= 500 else "invalid_arguments"
        return Answer(status, {"ok": False, "error": words.get(status, usual)})

    def malformed(self) -> Answer:
        return Answer(200, {"ok": False, "error": "invalid_json"})

    def unknown_path(self, call: Call) -> Answer:
        return Answer(200, {"ok": False, "error": "unknown_method"})

    # -- what goes out -------------------------------------------------------------------------

    def sign_push(self, body: bytes, message_id: str, now: float) -> dict[str, str]:
        """Slack's version 0, with the app's signing secret; an interaction has no id.
        https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        if not self.webhook_secret:
            raise InvalidDefinition("A signing secret is not empty.")
        stamp = str(int(now))
        signed = f"v0:{stamp}:".encode() + body
        digest = hmac.new(self.webhook_secret.encode(), signed, hashlib.sha256).hexdigest()
        return {
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={digest}",
        }

    # -- planting ------------------------------------------------------------------------------

    def plant(self, kind: str, body: Body) -> Record:
        match kind:
            case "users":
                return self._plant_user(body)
            case "channels":
                return self._plant_channel(body)
            case "messages":
                return self._keep(body["channel"], {"user": "U0SOMEBODY", **body})
            case _:
                return self.books.create(kind, body)

    def _plant_user(self, body: Body) -> Record:
        """`email`; and, where given, `real_name`, `deleted`."""
        given = {"real_name": body["email"], "deleted": False, "is_bot": False, **body}
        return self.books.create("users", given, id=self._id("U"))

    def _plant_channel(self, body: Body) -> Record:
        """`name`; and, where given, `purpose` and `topic` (texts), `is_private`, `members`
        (ids), `is_archived`, `previous_names`. Our app is no member unless it is named."""
        texts = {name: _told(str(body.get(name, ""))) for name in ("topic", "purpose")}
        given: Body = {"members": [], **body, **texts}
        return self._new_channel(given)

    # -- users ---------------------------------------------------------------------------------

    def _identity(self, asked: Body) -> Answer:
        return _ok(
            url="https://sandbox.slack.com/", team="Sandbox", team_id=_TEAM, user="fairlead",
            user_id=_BOT, bot_id="B0FAIRLEAD",
        )  # fmt: skip

    def _lookup(self, asked: Body) -> Answer:
        wanted = _text(asked, "email").casefold()
        found = [
            user
            for user in self.books.list("users")
            if wanted and user.body["email"].casefold() == wanted and not user.body["deleted"]
        ]
        if not found:
            raise _no("users_not_found")
        user = found[0]
        about = {name: user.body[name] for name in ("real_name", "deleted", "is_bot")}
        profile = {"email": user.body["email"]}
        return _ok(user={"id": user.id, "team_id": _TEAM, **about, "profile": profile})

    # -- channels ------------------------------------------------------------------------------

    def _create(self, sent: Body) -> Answer:
        name, private = _text(sent, "name"), sent.get("is_private", False)
        if not isinstance(private, bool):
            raise _no("invalid_arguments")
        if not name:
            raise _no("invalid_name_required")
        if len(name) > _LONGEST_NAME:
            raise _no("invalid_name_maxlength")
        if not all(char in "-_" or (char.isalnum() and char == char.lower()) for char in name):
            raise _no("invalid_name_specials")
        if not any(char.isalnum() for char in name):
            raise _no("invalid_name_punctuation")
        given = {
            "name": name, "is_private": private, "members": [_BOT], "topic": _told(""),
            "purpose": _told(""),
        }  # fmt: skip
        return _ok(channel=_shown(self._new_channel(given)))

    def _new_channel(self, body: Body) -> Record:
        """Names are unique among all channels, archived and hidden ones included."""
        usual: Body = {"is_private": False, "is_archived": False, "previous_names": []}
        given = {**usual, **body, "creator": _BOT, "created": int(time.time())}
        with self.books.transaction():
            if any(held.body["name"] == given["name"] for held in self.books.list("channels")):
                raise _no("name_taken")
            return self.books.create("channels", given, id=self._id("C"))

    def _list(self, asked: Body) -> Answer:
        types = str(asked.get("types", "public_channel")).split(",")
        if not set(types) <= {"public_channel", "private_channel", "mpim", "im"}:
            raise _no("invalid_types")
        found = [
            channel
            for channel in self.books.list("channels")
            if ("private_channel" if channel.body["is_private"] else "public_channel") in types
            and (not channel.body["is_private"] or _BOT in channel.body["members"])
            and not (asked.get("exclude_archived") == "true" and channel.body["is_archived"])
        ]
        some, cursor = _page(asked, found)
        shown = [_shown(channel) for channel in some]
        return _ok(channels=shown, response_metadata={"next_cursor": cursor})

    def _members(self, asked: Body) -> Answer:
        channel = self._channel(asked, joined=False)
        some, cursor = _page(asked, cast("list[str]", channel.body["members"]))
        return _ok(members=some, response_metadata={"next_cursor": cursor})

    def _telling(self, what: str) -> Callable[[Body], Answer]:
        """`setTopic` and `setPurpose`."""

        def tell(sent: Body) -> Answer:
            with self.books.transaction():
                channel = self._channel(sent)
                told = _told(_text(sent, what))
                if len(told["value"]) > _LONGEST_TOPIC:
                    raise _no("too_long")
                changed = self.books.update("channels", channel.id, {what: told})
                self._note(channel.id, f"channel_{what}")
                return _ok(channel=_shown(changed))

        return tell

    def _invite(self, sent: Body) -> Answer:
        users = [user for user in _text(sent, "users").split(",") if user]
        with self.books.transaction():
            channel = self._channel(sent)
            members = cast("list[str]", channel.body["members"])
            if not users:
                raise _no("no_user")
            if len(users) > _MOST_INVITED:
                raise _no("too_many_users")
            refused = [{"user": user, "ok": False, "error": why}
                       for user in users if (why := self._not_invited(user, members))]  # fmt: skip
            if refused:
                raise _no(str(refused[0]["error"]), errors=refused)
            body = {"members": [*members, *dict.fromkeys(users)]}
            changed = self.books.update("channels", channel.id, body)
            for _ in users:
                self._note(channel.id, "channel_join")
            return _ok(channel=_shown(changed))

    def _not_invited(self, user: str, members: Collection[str]) -> str | None:
        held = self.books.read("users", user)
        if held is None or held.body["deleted"]:
            return "user_not_found"
        if user == _BOT:
            return "cant_invite_self"
        return "already_in_channel" if user in members else None

    def _channel(self, sent: Body, *, joined: bool = True) -> Record:
        """One that our app sees; `joined`: and may write in. Raises `Deny`."""
        channel = self.books.read("channels", _text(sent, "channel"))
        if channel is None:
            raise _no("channel_not_found")
        member = _BOT in channel.body["members"]
        if channel.body["is_private"] and not member:
            raise _no("channel_not_found")
        if joined and channel.body["is_archived"]:
            raise _no("is_archived")
        if joined and not member:
            raise _no("not_in_channel")
        return channel

    # -- messages ------------------------------------------------------------------------------

    def _post(self, sent: Body) -> Answer:
        channel = self._channel(sent)
        if error := slack_blocks.fault(sent):
            raise _no(error)
        body = {name: sent[name] for name in ("text", "blocks", "metadata") if name in sent}
        message = self._keep(channel.id, {**body, "user": _BOT, "bot_id": "B0FAIRLEAD"})
        shown = _message(message, whole=True)
        return _ok(channel=channel.id, ts=message.body["ts"], message=shown)

    def _history(self, asked: Body) -> Answer:
        channel = self._channel(asked, joined=False)
        if _BOT not in channel.body["members"]:
            raise _no("not_in_channel")
        held = self.books.list("messages", lambda held: held.body["channel"] == channel.id)
        some, cursor = _page(asked, held[::-1])
        whole = asked.get("include_all_metadata") == "true"
        shown = [_message(message, whole=whole) for message in some]
        more = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
        return _ok(messages=shown, has_more=bool(cursor), pin_count=0, **more)

    def _keep(self, channel: str, body: Body) -> Record:
        """A message; its `ts` is unique in the channel, and its key is ours where it has one."""
        ts = f"{int(time.time())}.{self.books.next_id('ts'):06d}"
        given = {"type": "message", "text": "", **body, "channel": channel, "ts": ts}
        payload = cast("Body", given.get("metadata") or {}).get("event_payload", {})
        key = cast("Body", payload).get("key")
        return self.books.create(
            "messages", given, id=f"{channel}-{ts}", key=str(key) if key else None
        )

    def _note(self, channel: str, subtype: str) -> None:
        """What Slack itself writes when somebody joins or changes a channel."""
        self._keep(channel, {"subtype": subtype, "user": _BOT, "text": subtype})

    # -- arguments -----------------------------------------------------------------------------

    def _taking(
        self, handler: Callable[[Body], Answer], known: Collection[str], *, json: bool
    ) -> Callable[[Call], Answer]:
        """A handler of arguments: methods that write take JSON or a form, the others a query."""

        def take(call: Call) -> Answer:
            if not json:
                sent: Body = dict(call.query)
            elif call.headers.get("content-type", "").startswith("application/json"):
                body = call.json()
                if not isinstance(body, dict):
                    raise _no("json_not_object")
                sent = cast("Body", body)
            else:
                sent = dict(call.form())
            if not set(sent) <= set(known):
                raise _no("invalid_arguments")
            return handler(sent)

        return take

    def _id(self, letter: str) -> str:
        return f"{letter}0{self.books.next_id(letter):08X}"


def _ok(**body: Any) -> Answer:
    return Answer(200, {"ok": True, **body})


def _no(error: str, **body: Any) -> Deny:
    return Deny(Answer(200, {"ok": False, "error": error, **body}))


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name, "")
    if not isinstance(value, str):
        raise _no("invalid_arguments")
    return value


def _told(text: str) -> Body:
    """A topic or purpose, as Slack keeps it."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"value": escaped, "creator": _BOT, "last_set": int(time.time())}


def _shown(channel: Record) -> Body:
    body = {name: value for name, value in channel.body.items() if name != "members"}
    member = _BOT in channel.body["members"]
    named = {"name_normalized": channel.body["name"], "is_channel": not body["is_private"]}
    return {"id": channel.id, **body, **named, "is_member": member, "context_team_id": _TEAM}


def _message(message: Record, *, whole: bool) -> Body:
    """Without `include_all_metadata` only the event's type is shown."""
    body = {name: value for name, value in message.body.items() if name != "channel"}
    if "metadata" in body and not whole:
        body["metadata"] = {"event_type": body["metadata"]["event_type"]}
    return body


def _page(asked: Mapping[str, Any], items: list[Item]) -> tuple[list[Item], str]:
    """Part of a list, and the cursor of the next one; empty at the end."""
    limit, cursor = str(asked.get("limit", "100")), str(asked.get("cursor", ""))
    if not re.fullmatch("[0-9]{1,4}", limit) or not 1 <= int(limit) <= _MOST_LISTED:
        raise _no("invalid_limit")
    start = 0
    if cursor:
        try:
            start = int(base64.b64decode(cursor, validate=True).decode("ascii").removeprefix("at:"))
        except (binascii.Error, ValueError) as bad:
            raise _no("invalid_cursor") from bad
    end = start + int(limit)
    following = base64.b64encode(f"at:{end}".encode()).decode() if end < len(items) else ""
    return items[start:end], following
