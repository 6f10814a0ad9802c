"""The Slack dialect refuses what Slack refuses, in Slack's words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.connectors.slack.webhook import slack_signature
from fairlead.errors import NotAllowed
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.slack import Slack
from fairlead.sandbox.world import SystemSpec, World

from .conftest import Receiver

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    settings = Slack.example_settings()
    spec = SystemSpec(id="slack", dialect="slack", settings=settings)
    with SandboxProcess(World(systems=(spec,))) as running:
        yield running


class Workspace:
    """Calls as an app makes them, and what a person does."""

    def __init__(self, process: SandboxProcess) -> None:
        self.process = process
        given = process.client_settings("slack")
        self.token = f"Bearer {given['bot_token']}"
        self.http = httpx.Client(base_url=given["base_url"], trust_env=False, verify=trusted())

    def get(self, method: str, **asked: str) -> dict[str, Any]:
        return self._body("GET", method, params=asked)

    def post(self, method: str, **sent: Any) -> dict[str, Any]:
        return self._body("POST", method, json=sent)

    def _body(self, verb: str, method: str, **rest: Any) -> dict[str, Any]:
        reply = self.http.request(verb, f"/{method}", headers={"authorization": self.token}, **rest)
        assert reply.status_code == 200
        return reply.json()

    def channel(self, name: str = "claims", **changes: Any) -> str:
        return self.post("conversations.create", name=name, **changes)["channel"]["id"]

    def user(self, email: str = "ines@example.com", **changes: Any) -> str:
        return self.process.plant("slack", "users", {"email": email, **changes})["id"]


@pytest.fixture
def workspace(process: SandboxProcess) -> Iterator[Workspace]:
    process.clear()
    workspace = Workspace(process)
    yield workspace
    workspace.http.close()


@pytest.mark.parametrize(
    ("headers", "error"),
    [({}, "not_authed"), ({"authorization": "Bearer xoxb-other"}, "invalid_auth")],
)
def test_a_stranger_is_told_so_in_a_200(
    workspace: Workspace, headers: dict[str, str], error: str
) -> None:
    reply = workspace.http.get("/auth.test", headers=headers)
    assert (reply.status_code, reply.json()) == (200, {"ok": False, "error": error})


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("a" * 81, "invalid_name_maxlength"),
        ("Claims", "invalid_name_specials"),
        ("two words", "invalid_name_specials"),
        ("claims.", "invalid_name_specials"),
        ("🚀", "invalid_name_specials"),
        ("-_-", "invalid_name_punctuation"),
    ],
)
def test_a_name_that_breaks_the_rules_is_refused(
    workspace: Workspace, name: str, error: str
) -> None:
    assert workspace.post("conversations.create", name=name) == {"ok": False, "error": error}


@pytest.mark.parametrize("name", ["a" * 80, "th-2038_x", "überführung-東京", "1"])
def test_a_name_of_lower_case_letters_of_any_script_is_taken(
    workspace: Workspace, name: str
) -> None:
    assert workspace.post("conversations.create", name=name)["channel"]["name"] == name


def test_a_name_is_taken_once_even_by_an_archived_or_hidden_channel(workspace: Workspace) -> None:
    workspace.channel("claims")
    for name, rest in (("old", {"is_archived": True}), ("secret", {"is_private": True})):
        workspace.process.plant("slack", "channels", {"name": name, **rest})
    for name in ("claims", "old", "secret"):
        assert workspace.post("conversations.create", name=name)["error"] == "name_taken"


def test_an_argument_that_a_method_does_not_have_is_refused(workspace: Workspace) -> None:
    sent = workspace.post("conversations.create", name="claims", topic="x")
    assert sent["error"] == "invalid_arguments"
    assert workspace.get("users.lookupByEmail", mail="x")["error"] == "invalid_arguments"


def test_what_is_no_object_or_no_json_is_refused(workspace: Workspace) -> None:
    headers = {"authorization": workspace.token, "content-type": "application/json"}
    for content, error in ((b"[]", "json_not_object"), (b"{", "invalid_json")):
        reply = workspace.http.post("/chat.postMessage", content=content, headers=headers)
        assert reply.json()["error"] == error


def test_a_form_is_as_good_as_json(workspace: Workspace) -> None:
    headers = {"authorization": workspace.token}
    reply = workspace.http.post("/conversations.create", data={"name": "claims"}, headers=headers)
    assert reply.json()["channel"]["name"] == "claims"


def test_a_person_is_looked_up_in_any_case_until_they_leave(workspace: Workspace) -> None:
    id = workspace.user("Ines@example.com")
    assert workspace.get("users.lookupByEmail", email="ines@EXAMPLE.com")["user"]["id"] == id
    workspace.process.amend("slack", "users", id, {"deleted": True})
    told = workspace.get("users.lookupByEmail", email="ines@example.com")
    assert told == {"ok": False, "error": "users_not_found"}


def test_one_who_cannot_be_invited_has_the_whole_call_refused(workspace: Workspace) -> None:
    channel, one, two = workspace.channel(), workspace.user("a@b.c"), workspace.user("d@e.f")
    assert workspace.post("conversations.invite", channel=channel, users=one)["ok"]
    for users, error in (
        (f"{two},{one}", "already_in_channel"),
        (f"{two},U0NOBODY", "user_not_found"),
        (f"{two},U0FAIRLEAD", "cant_invite_self"),
        ("", "no_user"),
        (",".join([two] * 101), "too_many_users"),
    ):
        told = workspace.post("conversations.invite", channel=channel, users=users)
        assert told["error"] == error
    members = workspace.get("conversations.members", channel=channel)["members"]
    assert members == ["U0FAIRLEAD", one]


@pytest.mark.parametrize("what", ["topic", "purpose"])
def test_a_text_of_a_channel_is_kept_escaped_up_to_250(workspace: Workspace, what: str) -> None:
    channel, method = workspace.channel(), f"conversations.set{what.title()}"
    told = workspace.post(method, channel=channel, **{what: "a & <b>"})
    assert told["channel"][what]["value"] == "a &amp; &lt;b&gt;"
    assert workspace.post(method, channel=channel, **{what: "&" * 51})["error"] == "too_long"
    assert workspace.post(method, channel=channel, **{what: "&" * 50})["ok"]


def test_a_list_shows_what_was_asked_for_and_what_we_may_see(workspace: Workspace) -> None:
    workspace.channel("ours", is_private=True)
    for name, rest in (("public", {}), ("old", {"is_archived": True}), ("x", {"is_private": True})):
        workspace.process.plant("slack", "channels", {"name": name, **rest})

    def listed(**asked: str) -> list[str]:
        found = workspace.get("conversations.list", **asked)["channels"]
        return [channel["name"] for channel in found]

    assert listed() == ["public", "old"]
    assert listed(exclude_archived="true") == ["public"]
    assert listed(types="public_channel,private_channel") == ["ours", "public", "old"]


def test_a_list_is_told_in_pages(workspace: Workspace) -> None:
    for number in range(5):
        workspace.channel(f"channel-{number}")
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = workspace.get("conversations.list", limit="2", cursor=cursor)
        seen += [channel["name"] for channel in page["channels"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert (seen, cursor) == ([f"channel-{number}" for number in range(5)], "")
    assert workspace.get("conversations.list", cursor="x")["error"] == "invalid_cursor"
    assert workspace.get("conversations.list", limit="1000")["error"] == "invalid_limit"


METADATA = {"event_type": "fairlead_notice", "event_payload": {"key": "k/1"}}


def test_the_history_is_newest_first_and_keeps_metadata_to_itself(workspace: Workspace) -> None:
    channel = workspace.channel()
    first = workspace.post("chat.postMessage", channel=channel, text="1", metadata=METADATA)
    last = workspace.post("chat.postMessage", channel=channel, text="2")
    held = workspace.get("conversations.history", channel=channel)["messages"]
    assert [message["ts"] for message in held] == [last["ts"], first["ts"]]
    assert held[1]["metadata"] == {"event_type": "fairlead_notice"}
    whole = workspace.get("conversations.history", channel=channel, include_all_metadata="true")
    assert whole["messages"][1]["metadata"] == METADATA
    [row] = [row for row in workspace.process.ledger("slack", "messages") if row["key"]]
    assert row["key"] == "k/1"


def plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({}, "no_text"),
    ({"text": "x" * 40_001}, "msg_too_long"),
    ({"blocks": [{"type": "header", "text": plain("x" * 151)}]}, "invalid_blocks"),
    ({"blocks": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]},
     "invalid_blocks"),
    ({"blocks": [{"type": "section", "text": plain("x" * 3001)}]}, "invalid_blocks"),
    ({"blocks": [{"type": "section", "text": plain("")}]}, "invalid_blocks"),
    ({"blocks": [{"type": "section", "text": plain("x"), "colour": 1}]}, "invalid_blocks"),
    ({"blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
    ({"blocks": [{"type": "actions", "elements": [
        {"type": "button", "text": plain("x" * 76)}]}]}, "invalid_blocks"),
    ({"blocks": [{"type": "actions", "elements": [
        {"type": "button", "text": plain("x"), "url": "ftp://x"}]}]}, "invalid_blocks"),
    ({"blocks": [{"type": "banner"}]}, "invalid_blocks"),
    ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
    ({"blocks": [{"type": "section", "text": plain("x" * 2999)}] * 5},
     "msg_blocks_too_long"),
    ({"text": "x", "metadata": {"event_type": "a-b", "event_payload": {}}},
     "invalid_metadata_format"),
    ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
    ({"text": "x", "metadata": {"event_type": "a", "event_payload": {"b": [[]]}}},
     "invalid_metadata_format"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "error"), REFUSED)
def test_a_message_that_breaks_the_rules_is_refused(
    workspace: Workspace, sent: dict[str, Any], error: str
) -> None:
    channel = workspace.channel()
    told = workspace.post("chat.postMessage", channel=channel, **sent)
    assert told == {"ok": False, "error": error}


def test_nothing_is_said_in_a_channel_that_is_archived_or_not_ours(workspace: Workspace) -> None:
    ours = workspace.channel()
    workspace.process.amend("slack", "channels", ours, {"is_archived": True})
    theirs = workspace.process.plant("slack", "channels", {"name": "theirs"})["id"]
    hidden = workspace.process.plant("slack", "channels", {"name": "x", "is_private": True})["id"]
    for channel, error in (
        (ours, "is_archived"),
        (theirs, "not_in_channel"),
        (hidden, "channel_not_found"),
        ("C0NOWHERE", "channel_not_found"),
    ):
        told = workspace.post("chat.postMessage", channel=channel, text="x")
        assert told["error"] == error


def test_too_many_calls_are_a_429_with_the_word_for_it(workspace: Workspace) -> None:
    workspace.process.faults("slack", {"kind": "rate_limit", "retry_after": 30})
    reply = workspace.http.get("/auth.test", headers={"authorization": workspace.token})
    assert reply.status_code == 429
    assert reply.json() == {"ok": False, "error": "ratelimited"}
    assert reply.headers["retry-after"] == "30"


def test_a_token_of_an_app_that_was_removed_is_revoked(workspace: Workspace) -> None:
    workspace.process.faults("slack", {"kind": "expire_tokens"})
    assert workspace.get("auth.test")["error"] == "token_revoked"


def test_what_is_pushed_is_signed_as_slack_signs(workspace: Workspace, receiver: Receiver) -> None:
    wanted = {"url": receiver.url, "secret": SIGNING_SECRET}
    control = workspace.process.control
    control.put("/_sandbox/slack/webhook", json=wanted).raise_for_status()
    control.post("/_sandbox/slack/push", json={"body": {"type": "x"}}).raise_for_status()
    headers, body = receiver.next()
    first = slack_signature(headers, body, (SIGNING_SECRET,), time.time())
    assert slack_signature(headers, body, ("older", SIGNING_SECRET), time.time()) == first
    with pytest.raises(NotAllowed):
        slack_signature(headers, body, ("another",), time.time())
