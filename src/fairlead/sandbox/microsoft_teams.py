"""One team as Graph shows it: members, channels, messages.

From https://learn.microsoft.com/en-us/graph/api/resources/teams-api-overview. As there, an
application may not post: messages are sent in a person's name only.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.dialect import Answer, Call, Route
from fairlead.sandbox.microsoft_wire import Body, Caller, denied, page, sent, stamp

_NOT_IN_NAMES = re.compile(r"[~#%&*{}+/\\:<>?|'\",]|\.\.")
_LONGEST_NAME, _LONGEST_DESCRIPTION, _LONGEST_MESSAGE = 50, 1024, 28 * 1024
_MOST_CHANNELS, _MOST_PRIVATE, _MOST_FIRST_MEMBERS = 1000, 30, 200
_USERS_PAGE, _MEMBERS_PAGE, _MESSAGES_PAGE, _MOST_MESSAGES = 100, 100, 20, 50
_WHO = re.compile(r"mail eq '((?:[^']|'')*)' or userPrincipalName eq '((?:[^']|'')*)'")
_BOUND = re.compile(r"https://graph\.microsoft\.com/v1\.0/users\('([^']+)'\)")
_MEMBER_TYPE = "#microsoft.graph.aadUserConversationMember"

_CHANNEL = {"displayName", "description", "membershipType", "members", "isFavoriteByDefault"}
_MESSAGE = {"subject", "body", "attachments", "importance", "mentions", "summary", "locale"}
_ATTACHMENT = {"id", "contentType", "contentUrl", "content", "name", "thumbnailUrl"}


class Team:
    def __init__(self, system: str, books: Books, settings: Mapping[str, Any]) -> None:
        self._system, self._books, self._settings = system, books, settings
        self._id = str(settings["team_id"])

    def furnish(self) -> None:
        """The team with its first channel and, as its owner, the account that may post."""
        self._books.create("teams", {"displayName": "Delivery"}, id=self._id)
        self.plant_user({"id": self._settings["sender_id"], "mail": self._settings["sender"]})
        self._books.create(
            "team_members", {"roles": ["owner"]}, id=str(self._settings["sender_id"])
        )
        self.plant_channel({"displayName": "General"})

    def routes(self, caller: Callable[[Call], Caller]) -> list[Route]:
        self._caller = caller
        team = "/v1.0/teams/{team}"
        channel = f"{team}/channels/{{channel}}"
        return [
            Route("GET", "/v1.0/users", "users.list", self._users),
            Route("GET", f"{team}/members", "team_members.list", self._on(self._members)),
            Route("POST", f"{team}/members", "team_members.create", self._on(self._join)),
            Route("GET", f"{team}/channels", "channels.list", self._on(self._channels)),
            Route("POST", f"{team}/channels", "channels.create", self._on(self._create)),
            Route("GET", channel, "channels.read", self._on(self._read)),
            Route("GET", f"{channel}/messages", "messages.list", self._on(self._messages)),
            Route("POST", f"{channel}/messages", "messages.create", self._on(self._post)),
        ]

    def plant(self, kind: str, body: Body) -> Record:
        """`users`: {mail, displayName, userPrincipalName (the mail), in_team (false)};
        `channels`: {displayName, description, membershipType}; `messages`: {channel, text or
        attachments, subject}."""
        match kind:
            case "users":
                return self.plant_user(body)
            case "channels":
                return self.plant_channel(body)
            case "messages":
                text = str(body.get("text", ""))
                said = {
                    "subject": body.get("subject"),
                    "body": {"contentType": "text", "content": text},
                    "attachments": body.get("attachments", []),
                }
                return self._say(str(body["channel"]), said, "a-person")
            case _:
                return self._books.create(kind, body)

    def plant_user(self, body: Body) -> Record:
        given = dict(body)
        id = str(given.pop("id", None) or f"u-{secrets.token_hex(16)}")
        in_team = given.pop("in_team", False)
        mail = str(given["mail"])
        name = mail.partition("@")[0].replace(".", " ").title()
        values = {"displayName": name, "userPrincipalName": mail, **given}
        with self._books.transaction():
            made = self._books.create("users", values, id=id, key=mail.casefold())
            if in_team:
                self._books.create("team_members", {"roles": []}, id=id)
            return made

    def plant_channel(self, body: Body) -> Record:
        values: Body = {"description": None, "membershipType": "standard", "members": [], **body}
        key = _key(str(values["description"] or ""))
        id = f"19:{secrets.token_hex(16)}@thread.tacv2"
        return self._books.create("channels", values, id=id, key=key)

    # -- people --------------------------------------------------------------------------------

    def _on(self, handler: Callable[[Call, Caller], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            caller = self._caller(call)
            if call.params["team"] != self._id:
                words = f"No team found with Group id {call.params['team']}"
                raise denied(404, "NotFound", words)
            if caller.user and self._books.read("team_members", caller.user) is None:
                raise denied(403, "Forbidden", "The user is not a member of the team.")
            with self._books.transaction():
                return handler(call, caller)

        return answer

    def _users(self, call: Call) -> Answer:
        self._caller(call).need("User.ReadBasic.All", "User.Read.All", "Directory.Read.All")
        asked = _WHO.fullmatch(call.query.get("$filter", ""))
        if asked is None:
            raise denied(400, "Request_BadRequest", "Unsupported or invalid query filter clause")
        mail, principal = (part.replace("''", "'").casefold() for part in asked.groups())
        found = self._books.list(
            "users",
            lambda held: (
                held.body["mail"].casefold() == mail
                or held.body["userPrincipalName"].casefold() == principal
            ),
        )
        return page(call, self._system, [{"id": user.id} for user in found], _USERS_PAGE)

    def _members(self, call: Call, caller: Caller) -> Answer:
        caller.need("TeamMember.Read.All", "TeamMember.ReadWrite.All")
        rows: list[Body] = []
        for held in self._books.list("team_members"):
            user = self._books.read("users", held.id)
            shown = {"userId": held.id, "email": user.body["mail"] if user else None}
            rows.append({"@odata.type": _MEMBER_TYPE, "id": held.id, **held.body, **shown})
        return page(call, self._system, rows, _MEMBERS_PAGE)

    def _join(self, call: Call, caller: Caller) -> Answer:
        caller.need("TeamMember.ReadWrite.All")
        body = sent(call, {"@odata.type", "roles", "user@odata.bind"})
        id, roles = self._bound(body)
        if self._books.read("team_members", id) is not None:
            raise denied(400, "BadRequest", "The user is already a member of the team.")
        self._books.create("team_members", {"roles": roles}, id=id)
        return Answer(201, {"@odata.type": _MEMBER_TYPE, "id": id, "userId": id, "roles": roles})

    def _bound(self, member: Body) -> tuple[str, list[str]]:
        asked = _BOUND.fullmatch(str(member.get("user@odata.bind", "")))
        roles = cast("list[str]", member.get("roles", []))
        if member.get("@odata.type") != _MEMBER_TYPE or asked is None or set(roles) - {"owner"}:
            raise denied(400, "BadRequest", "Bind requests not valid.")
        if self._books.read("users", asked[1]) is None:
            raise denied(404, "NotFound", f"No user found with id {asked[1]}")
        return asked[1], roles

    # -- channels ------------------------------------------------------------------------------

    def _channels(self, call: Call, caller: Caller) -> Answer:
        caller.need("Channel.ReadBasic.All", "ChannelSettings.Read.All", "ChannelMessage.Read.All")
        rows = [
            _channel_shown(held, self._id)
            for held in self._books.list("channels")
            if self._sees(caller, held)
        ]
        return page(call, self._system, rows, _MOST_CHANNELS)

    def _read(self, call: Call, caller: Caller) -> Answer:
        caller.need("Channel.ReadBasic.All", "ChannelSettings.Read.All", "ChannelMessage.Read.All")
        return Answer(200, _channel_shown(self._there(call, caller), self._id))

    def _create(self, call: Call, caller: Caller) -> Answer:
        caller.need("Channel.Create")
        body = sent(call, _CHANNEL, required=("displayName",))
        name, kind = str(body["displayName"]), str(body.get("membershipType", "standard"))
        description = str(body.get("description") or "")
        wrong = _NOT_IN_NAMES.search(name) or name.startswith(("_", ".")) or name.endswith(".")
        if not name.strip() or wrong or len(name.encode("utf-16-le")) > 2 * _LONGEST_NAME:
            raise denied(400, "BadRequest", "Channel name is invalid.")
        if len(description) > _LONGEST_DESCRIPTION or kind not in ("standard", "private"):
            raise denied(400, "BadRequest", "Invalid channel description or membershipType.")
        held = self._books.list("channels")
        if any(one.body["displayName"].casefold() == name.casefold() for one in held):
            words = "Channel name already existed, please use other name."
            raise denied(400, "BadRequest", words)
        private = [one for one in held if one.body["membershipType"] == "private"]
        if len(held) >= _MOST_CHANNELS or (kind == "private" and len(private) >= _MOST_PRIVATE):
            raise denied(400, "BadRequest", "Maximum number of channels reached.")
        members = [self._bound(one) for one in cast("list[Body]", body.get("members", []))]
        if kind == "private":
            self._allowed(members)
        elif members:
            raise denied(400, "BadRequest", "Members can be given to a private channel only.")
        made = self.plant_channel(
            {
                "displayName": name,
                "description": description,
                "membershipType": kind,
                "members": [id for id, _ in members],
            }
        )
        return Answer(201, _channel_shown(made, self._id))

    def _allowed(self, members: list[tuple[str, list[str]]]) -> None:
        if not any("owner" in roles for _, roles in members):
            raise denied(400, "BadRequest", "A private channel needs an owner.")
        if len(members) > _MOST_FIRST_MEMBERS:
            raise denied(400, "BadRequest", "Too many members.")
        if any(self._books.read("team_members", id) is None for id, _ in members):
            raise denied(400, "BadRequest", "A member is not in the team.")

    def _sees(self, caller: Caller, channel: Record) -> bool:
        standard = channel.body["membershipType"] == "standard"
        return caller.user is None or standard or caller.user in channel.body["members"]

    def _there(self, call: Call, caller: Caller) -> Record:
        held = self._books.read("channels", call.params["channel"])
        if held is None or not self._sees(caller, held):
            raise denied(404, "NotFound", "Channel not found.")
        return held

    # -- messages ------------------------------------------------------------------------------

    def _messages(self, call: Call, caller: Caller) -> Answer:
        caller.need("ChannelMessage.Read.All")
        channel = self._there(call, caller)
        asked = call.query.get("$top", str(_MESSAGES_PAGE))
        if not asked.isdigit() or not 1 <= int(asked) <= _MOST_MESSAGES:
            raise denied(400, "BadRequest", "The limit of '50' for Top query has been exceeded.")
        if set(call.query) - {"$top", "$skiptoken", "$expand"}:
            raise denied(400, "BadRequest", "Query option is not allowed.")
        held = self._books.list("messages", lambda one: one.body["channel"] == channel.id)
        rows = [_message_shown(one, self._id) for one in reversed(held)]
        return page(call, self._system, rows, int(asked))

    def _post(self, call: Call, caller: Caller) -> Answer:
        if caller.user is None:
            words = (
                "Message POST is allowed in application-only context only for import purposes."
                " Refer to https://docs.microsoft.com/microsoftteams/platform/graph-api/"
                "import-messages/import-external-messages-to-teams for more details."
            )
            raise denied(401, "Unauthorized", words)
        caller.need("ChannelMessage.Send")
        channel = self._there(call, caller)
        body = sent(call, _MESSAGE, required=("body",))
        if len(call.body) > _LONGEST_MESSAGE:
            raise denied(413, "RequestEntityTooLarge", "Request Entity Too Large")
        said = cast(Body, body["body"])
        attachments = cast("list[Body]", body.get("attachments", []))
        for attachment in attachments:
            named = f'<attachment id="{attachment.get("id")}"></attachment>'
            if set(attachment) - _ATTACHMENT or named not in str(said.get("content")):
                raise denied(400, "BadRequest", "Attachment is invalid or not in the body.")
        made = self._say(channel.id, body, caller.user)
        return Answer(201, _message_shown(made, self._id))

    def _say(self, channel: str, body: Mapping[str, Any], by: str) -> Record:
        said: Body = {"subject": None, "attachments": [], **body, "channel": channel, "by": by}
        ids = [str(one.get("id")) for one in cast("list[Body]", said["attachments"])]
        id = str(1_700_000_000_000 + self._books.next_id("messages"))
        return self._books.create("messages", said, id=id, key=ids[0] if ids else None)


def _key(description: str) -> str | None:
    """What the client wrote into the last line, for the ledger."""
    last = description.splitlines()[-1] if description else ""
    return last.partition(": ")[2] or None


def _channel_shown(held: Record, team: str) -> Body:
    name = quote(held.body["displayName"], safe="")
    return {
        "id": held.id,
        "createdDateTime": stamp(held.created_at),
        "displayName": held.body["displayName"],
        "description": held.body["description"],
        "membershipType": held.body["membershipType"],
        "webUrl": f"https://teams.microsoft.com/l/channel/{quote(held.id)}/{name}?groupId={team}",
    }


def _message_shown(held: Record, team: str) -> Body:
    return {
        "id": held.id,
        "replyToId": None,
        "messageType": "message",
        "createdDateTime": stamp(held.created_at),
        "deletedDateTime": None,
        "subject": held.body["subject"],
        "from": {"user": {"id": held.body["by"], "userIdentityType": "aadUser"}},
        "body": held.body["body"],
        "channelIdentity": {"teamId": team, "channelId": held.body["channel"]},
        "attachments": held.body["attachments"],
        "mentions": [],
        "reactions": [],
    }
