"""The port `chat` on Slack. No business rule lives here.

Addresses of the documents are in the README.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.slack import names, notices
from fairlead.connectors.slack.answers import (
    Channel,
    Channels,
    Found,
    History,
    Identity,
    Made,
    Members,
    Message,
    Ok,
    Posted,
)
from fairlead.connectors.slack.api import Api, Said
from fairlead.connectors.slack.settings import SlackSettings
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    EffectConflict,
    SystemRefused,
    SystemUnavailable,
)
from fairlead.ports.messages import Notice

_INVITED_AT_ONCE = 100
_OPEN = "https://slack.com/app_redirect"  # https://docs.slack.dev/interactivity/deep-linking


class SlackChat:
    """Implements `fairlead.ports.messages.Chat`. Threads may share it."""

    def __init__(self, system: str, settings: SlackSettings, http: Http, fields: FieldMap) -> None:
        self._system, self._fields = system, fields
        self._private = settings.private_channels
        self._api = Api(system, http)
        self._known: Identity | None = None

    def ping(self) -> None:
        self._api.read("auth.test", {}, Identity)

    # -- channels ----------------------------------------------------------------------------

    def create_channel(
        self, *, code: str, name: str, members: tuple[str, ...], key: EffectKey
    ) -> ExternalRef:
        """The channel, its topic, its members, and last of all the purpose, which says that the
        work is done. A channel that an earlier attempt left behind is finished."""
        wanted = self._users(members)
        called = names.channel_name(code, name, key)
        try:
            sent = {"name": called, "is_private": self._private}
            made = self._api.write("conversations.create", sent, Made, expected=["name_taken"])
            channel = made.channel
            if not channel.name.endswith(names.suffix(key)):
                raise EffectConflict(self._system, f"It named {channel.id} “{channel.name}”.")
        except Said as taken:
            channel = self._carrier(key)
            if channel is None:
                why = f"The name {called} is taken by a channel that is hidden from us."
                raise SystemRefused(self._system, why) from taken
        with self._half_done(channel.id):
            self._finish(channel.id, code, name, wanted, key)
        return self._channel_ref(channel.id)

    def find_channel(self, key: EffectKey) -> ExternalRef | None:
        channel = self._carrier(key)
        if channel is None or not names.is_done(channel.purpose.value, key):
            return None
        return self._channel_ref(channel.id)

    def channel_url(self, channel: ExternalRef) -> str:
        """An address that opens the channel in the workspace, whatever else a person is in."""
        return f"{_OPEN}?channel={channel.id}&team={self._identity().team_id}"

    # -- posts -------------------------------------------------------------------------------

    def post(self, channel: ExternalRef, notice: Notice, *, key: EffectKey) -> ExternalRef:
        try:
            sent = {"channel": channel.id, **notices.message(notice, key)}
        except notices.NoSuchLink as bad:
            raise SystemRefused(self._system, f"Nothing was sent: {bad}.") from bad
        posted = self._api.write("chat.postMessage", sent, Posted)
        if posted.channel != channel.id or not _carries(posted.message, key):
            # Looking for it would find nothing, and posting again would go on for ever.
            why = f"It posted {posted.ts} in {posted.channel}, without our metadata."
            raise EffectConflict(self._system, why)
        return self._post_ref(channel, posted.ts)

    def find_post(self, channel: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        asked = {"channel": channel.id, "include_all_metadata": "true"}
        found = {
            message.ts
            for page in self._api.pages("conversations.history", asked, History)
            for message in page.messages
            if _carries(message, key)
        }
        self._at_most_one("messages", found, key)
        return self._post_ref(channel, found.pop()) if found else None

    # -- setting a channel up ------------------------------------------------------------------

    def _finish(
        self, channel: str, code: str, name: str, wanted: frozenset[str], key: EffectKey
    ) -> None:
        extra = self._fields.write("channel", {"name": f"{code} {name}"})
        if "topic" in extra:
            topic = names.cut(str(extra["topic"]), names.LONGEST_PURPOSE)
            sent = {"channel": channel, "topic": topic}
            self._api.write("conversations.setTopic", sent, Ok)
        self._invite(channel, wanted)
        sent = {"channel": channel, "purpose": names.purpose(code, name, key)}
        self._api.write("conversations.setPurpose", sent, Ok)

    def _invite(self, channel: str, wanted: frozenset[str]) -> None:
        """Only who is not in yet: a call that names a member is refused as a whole."""
        missing = sorted(wanted - self._members(channel)) if wanted else []
        for at in range(0, len(missing), _INVITED_AT_ONCE):
            some = ",".join(missing[at : at + _INVITED_AT_ONCE])
            sent = {"channel": channel, "users": some}
            try:
                self._api.write("conversations.invite", sent, Ok, expected=["already_in_channel"])
            except Said as raced:
                why = f"conversations.invite: {raced.code}; somebody joined meanwhile."
                raise AnswerLost(self._system, why) from raced
        if missing and (absent := wanted - self._members(channel)):
            why = f"It took {len(missing)} people and left out {', '.join(sorted(absent))}."
            raise AnswerLost(self._system, why)

    def _users(self, addresses: Iterable[str]) -> frozenset[str]:
        """Ids of those whom Slack knows and who have not left; never our own."""
        found: set[str] = set()
        for address in sorted({address.casefold() for address in addresses}):
            try:
                user = self._api.read(
                    "users.lookupByEmail", {"email": address}, Found, expected=["users_not_found"]
                ).user
            except Said:
                continue
            if not user.deleted:
                found.add(user.id)
        return frozenset(found - {self._identity().user_id}) if found else frozenset()

    def _members(self, channel: str) -> frozenset[str]:
        pages = self._api.pages("conversations.members", {"channel": channel}, Members)
        return frozenset(member for page in pages for member in page.members)

    # -- looking up --------------------------------------------------------------------------

    def _carrier(self, key: EffectKey) -> Channel | None:
        """The one channel of this key, finished or not; archived ones count."""
        types = "public_channel,private_channel"
        asked = {"types": types, "exclude_archived": "false"}
        found = {
            channel.id: channel
            for page in self._api.pages("conversations.list", asked, Channels)
            for channel in page.channels
            if names.carries([channel.name, *channel.previous_names], channel.purpose.value, key)
        }
        self._at_most_one("channels", found, key)
        return next(iter(found.values()), None)

    def _identity(self) -> Identity:
        """Who we are, asked once; two threads that ask at once learn the same."""
        if self._known is None:
            self._known = self._api.read("auth.test", {}, Identity)
        return self._known

    def _at_most_one(self, what: str, found: Iterable[str], key: EffectKey) -> None:
        ids = sorted(found)
        if len(ids) > 1:
            why = f"{len(ids)} {what} carry {key}: {', '.join(ids)}."
            raise EffectConflict(self._system, why)

    def _channel_ref(self, id: str) -> ExternalRef:
        return ExternalRef(system=self._system, kind="channel", id=id)

    def _post_ref(self, channel: ExternalRef, ts: str) -> ExternalRef:
        """A message's `ts` is unique in its channel only."""
        return ExternalRef(system=self._system, kind="message", id=f"{channel.id}/{ts}")

    @contextmanager
    def _half_done(self, channel: str) -> Generator[None]:
        """Once the channel is there, no trouble with the rest means that nothing was done."""
        try:
            yield
        except SystemUnavailable as trouble:
            why = f"Channel {channel} is there, but not finished. {trouble.why}"
            raise AnswerLost(
                self._system, why, retry_after=trouble.retry_after, payload=trouble.payload
            ) from trouble
        except SystemRefused as trouble:
            why = f"to finish channel {channel}, which is there. {trouble.why}"
            raise SystemRefused(self._system, why, payload=trouble.payload) from trouble


def _carries(message: Message, key: EffectKey) -> bool:
    held = message.metadata
    return (
        held is not None
        and held.event_type == notices.EVENT
        and held.event_payload.get("key") == key
    )
