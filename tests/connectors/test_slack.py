"""Slack: the port's contract, its own limits, each trouble mapped to the right error, and what
its interactions prove and say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import simplejson
from contract_chat import (
    KEY,
    Bench,
    ChatContract,
    ShownChannel,
    ShownPost,
    a_notice,
    key,
)
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.kit.declaration import Writes
from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.slack import names, notices
from fairlead.connectors.slack.adapter import SlackChat
from fairlead.connectors.slack.answers import History, Made
from fairlead.connectors.slack.declaration import CONNECTOR, sign_in
from fairlead.connectors.slack.settings import SlackSettings
from fairlead.connectors.slack.webhook import (
    TOLERANCE_S,
    reads_webhook,
    signature,
    slack_signature,
)
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    EffectConflict,
    InvalidInput,
    NotAllowed,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.messages import Chat, Notice
from fairlead.sandbox.process import SandboxProcess

SYSTEM = "slack"
FIXTURES = Path(__file__).parents[2] / "src/fairlead/connectors/slack/fixtures"
BOT = "U0FAIRLEAD"


def adapter(settings: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> SlackChat:
    given = SlackSettings.model_validate(settings)
    http = Http(SYSTEM, str(given.base_url), total_timeout_s=given.total_timeout_s)
    tokens = sign_in(SYSTEM, given, http)
    fields = FieldMap.load(CONNECTOR.mapping, changes=changes)
    return SlackChat(SYSTEM, given, http.with_sign_in(tokens), fields)


class SlackBench(Bench):
    people = ("ines.duarte@example.com", "tomasz.zielinski@example.com", "aoi@example.jp")
    stranger = "nobody@example.org"

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.users = {
            sandbox.plant(SYSTEM, "users", {"email": email})["id"]: email for email in self.people
        }
        self.chat = adapter(sandbox.client_settings(SYSTEM))

    def channel(self, ref: ExternalRef) -> ShownChannel:
        body = self.body("channels", ref.id)
        members = {self.users[id] for id in body["members"] if id in self.users}
        return ShownChannel(name=body["name"], members=frozenset(members))

    def posts(self, channel: ExternalRef) -> list[ShownPost]:
        held = self.sandbox.records(SYSTEM, "messages", channel=channel.id)
        said = [record["body"] for record in held if "subtype" not in record["body"]]
        return [_shown(body) for body in said]

    def count(self) -> int:
        return len(self.sandbox.records(SYSTEM, "channels"))

    def crowd(self, count: int) -> None:
        for number in range(count):
            self.sandbox.plant(SYSTEM, "channels", {"name": f"somebody-{number}"})

    def chatter(self, channel: ExternalRef, count: int) -> None:
        for number in range(count):
            body = {"channel": channel.id, "text": f"{number}"}
            self.sandbox.plant(SYSTEM, "messages", body)

    def carry_again(self, key: EffectKey) -> None:
        purpose = f"Another one {names.reference(key)}"
        self.sandbox.plant(SYSTEM, "channels", {"name": "another", "purpose": purpose})

    def post_again(self, channel: ExternalRef, key: EffectKey) -> None:
        metadata = {"event_type": notices.EVENT, "event_payload": {"key": key}}
        body = {"channel": channel.id, "text": "Again", "metadata": metadata}
        self.sandbox.plant(SYSTEM, "messages", body)

    def body(self, kind: str, id: str) -> dict[str, Any]:
        reply = self.sandbox.control.get(f"/_sandbox/{SYSTEM}/records/{kind}/{id}")
        return simplejson.loads(reply.text, use_decimal=True)["body"]

    def operations(self) -> list[str]:
        return [call["operation"] for call in self.sandbox.calls(SYSTEM)["last"]]


def _shown(message: Mapping[str, Any]) -> ShownPost:
    """As a person reads it. Slack turns `mrkdwn` into shapes, and plain text into letters."""
    words: list[str] = []
    links: list[str] = []
    for block in message.get("blocks", ()):
        if block["type"] == "actions":
            links += [element["url"] for element in block["elements"]]
        else:
            text = block["text"]
            words.append(text["text"] if text["type"] == "plain_text" else _shapes(text["text"]))
    return ShownPost(text="\n\n".join(words), links=tuple(links))


def _shapes(mrkdwn: str) -> str:
    """What is left of `mrkdwn` once its marks have become shapes and mentions."""
    left = re.sub(r"<[^>]*>|[*_~`]", "", mrkdwn)
    return left.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.fixture
def slack(sandbox: SandboxProcess) -> SlackBench:
    sandbox.clear()
    return SlackBench(sandbox)


class TestSlack(ChatContract):
    @pytest.fixture
    def bench(self, slack: SlackBench) -> Bench:
        return slack


def create(slack: SlackBench, chat: Chat | None = None, **changes: Any) -> ExternalRef:
    given: dict[str, Any] = {
        "code": "TH-2038", "name": "Claims platform renewal", "members": slack.people, "key": KEY,
    }  # fmt: skip
    return (chat or slack.chat).create_channel(**(given | changes))


# -- how a channel is named --------------------------------------------------------------------


def test_a_channel_is_named_by_code_name_and_key() -> None:
    name = names.channel_name("TH-2038", "Claims platform: Überführung & 東京", KEY)
    assert re.fullmatch("th-2038-claims-platform-überführung-東京-[a-z2-7]{10}", name)


@given(st.text(max_size=200), st.text(max_size=300))
def test_slack_takes_every_name_that_we_make(code: str, name: str) -> None:
    made = names.channel_name(code, name, KEY)
    assert made.endswith(names.suffix(KEY))
    assert len(made) <= 80
    assert all(char in "-_" or (char.isalnum() and char == char.lower()) for char in made)


@given(st.text(max_size=400))
def test_the_reference_comes_whole_whatever_the_name(name: str) -> None:
    purpose = names.purpose("TH-2038", name, KEY)
    escaped = purpose.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert len(escaped) <= 250
    assert names.is_done(purpose, KEY)
    assert not names.is_done(purpose, key(1))


def test_a_purpose_of_another_key_goes_before_a_name() -> None:
    purpose = names.purpose("TH-1", "Other", key(1))
    assert not names.carries([f"th{names.suffix(KEY)}"], purpose, KEY)
    assert names.carries([f"th{names.suffix(KEY)}"], "What people wrote", KEY)


def test_a_channel_that_people_renamed_is_found(slack: SlackBench) -> None:
    ref = create(slack)
    slack.sandbox.amend(SYSTEM, "channels", ref.id, {"name": "claims"})
    assert slack.chat.find_channel(KEY) == ref


def test_a_channel_says_for_people_what_it_is_about(slack: SlackBench) -> None:
    body = slack.body("channels", create(slack).id)
    assert body["topic"]["value"] == "TH-2038 Claims platform renewal"
    assert body["purpose"]["value"].startswith("TH-2038 Claims platform renewal (Fairlead fl-")
    assert body["is_private"]


def test_a_firm_may_have_public_channels_without_topics(slack: SlackBench) -> None:
    settings = slack.sandbox.client_settings(SYSTEM) | {"private_channels": False}
    ref = create(slack, adapter(settings, {"channel": {"name": None}}))
    body = slack.body("channels", ref.id)
    assert (body["is_private"], body["topic"]["value"]) == (False, "")
    assert slack.chat.find_channel(KEY) == ref


def test_somebody_who_has_left_is_left_out(slack: SlackBench) -> None:
    slack.sandbox.plant(SYSTEM, "users", {"email": "gone@example.com", "deleted": True})
    ref = create(slack, members=("gone@example.com", slack.people[0]))
    assert slack.channel(ref).members == {slack.people[0]}


def test_a_name_that_is_taken_by_a_hidden_channel_needs_a_person(slack: SlackBench) -> None:
    name = names.channel_name("TH-2038", "Claims platform renewal", KEY)
    slack.sandbox.plant(SYSTEM, "channels", {"name": name, "is_private": True})
    with pytest.raises(SystemRefused, match="hidden from us"):
        create(slack)


def test_a_channel_opens_in_the_workspace_that_it_is_in(slack: SlackBench) -> None:
    ref = create(slack)
    before = slack.operations().count("auth.test")
    url = slack.chat.channel_url(ref)
    assert url == f"https://slack.com/app_redirect?channel={ref.id}&team=T0SANDBOX1"
    assert slack.chat.channel_url(ref) == url
    assert slack.operations().count("auth.test") == before  # asked for the members, and kept


# -- a channel takes several calls -------------------------------------------------------------


@pytest.mark.parametrize(
    "operation",
    [
        "conversations.setTopic", "conversations.members", "conversations.invite",
        "conversations.setPurpose",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "rate_limit", "retry_after": 30}, AnswerLost),
        ({"kind": "lose_answer"}, AnswerLost),
        ({"kind": "wrong_success", "body": {"ok": False, "error": "restricted_action"}},
         SystemRefused),
    ],
)  # fmt: skip
def test_a_channel_that_is_half_made_is_finished_and_not_made_twice(
    slack: SlackBench, operation: str, fault: dict[str, Any], wanted: type[SystemTrouble]
) -> None:
    slack.sandbox.faults(SYSTEM, {"match": {"operation": operation}, "times": 1, **fault})
    with pytest.raises(wanted):
        create(slack)
    assert slack.sandbox.fired(SYSTEM) == [1]
    ref = slack.chat.find_channel(KEY)
    if ref is None:
        ref = create(slack)
    assert slack.chat.find_channel(KEY) == ref
    assert slack.channel(ref).members == set(slack.people)
    assert slack.count() == 1


def test_somebody_who_joins_at_the_same_moment_is_no_refusal(slack: SlackBench) -> None:
    told = {"ok": False, "error": "already_in_channel"}
    match = {"operation": "conversations.invite"}
    slack.sandbox.faults(
        SYSTEM, {"kind": "wrong_success", "match": match, "times": 1, "body": told}
    )
    with pytest.raises(AnswerLost, match="joined meanwhile"):
        create(slack)
    assert slack.channel(create(slack)).members == set(slack.people)


def test_more_people_than_one_call_takes_are_all_invited(slack: SlackBench) -> None:
    people = [f"person.{number}@example.com" for number in range(130)]
    for email in people:
        slack.users[slack.sandbox.plant(SYSTEM, "users", {"email": email})["id"]] = email
    ref = create(slack, members=tuple(people))
    assert slack.channel(ref).members == set(people)
    assert slack.operations().count("conversations.invite") == 2


# -- posts -------------------------------------------------------------------------------------


def test_a_post_is_found_on_a_later_page(slack: SlackBench) -> None:
    ref = create(slack)
    post = slack.chat.post(ref, a_notice(), key=key(1))
    slack.chatter(ref, 230)
    assert slack.chat.find_post(ref, key=key(1)) == post
    assert slack.operations().count("conversations.history") == 2


@pytest.mark.parametrize(
    ("title", "text"),
    [("T" * 1000, ""), ("T", "x" * 100_000), ("T", ("y" * 2000 + "\n\n") * 4), ("T", "\n\n")],
)
def test_long_and_empty_texts_are_taken(slack: SlackBench, title: str, text: str) -> None:
    ref = create(slack)
    slack.chat.post(ref, Notice(title=title, text=text), key=key(1))
    [shown] = slack.posts(ref)
    assert title in shown.text
    cut = len(text) > 10_000
    assert ("The rest of it is in Fairlead" in shown.text) == cut
    assert cut or text.strip() in shown.text


def test_a_link_that_no_button_opens_is_refused_before_anything_is_sent(
    slack: SlackBench,
) -> None:
    ref = create(slack)
    for link in ("javascript:alert(1)", f"https://example.com/{'x' * 3000}"):
        with pytest.raises(SystemRefused, match="Nothing was sent"):
            slack.chat.post(ref, a_notice(link=link), key=key(1))
    assert slack.posts(ref) == []


def test_the_line_for_notifications_calls_nobody() -> None:
    sent = notices.message(Notice(title="<!channel> & more", text=""), KEY)
    assert sent["text"] == "&lt;!channel&gt; &amp; more"


def test_another_apps_metadata_is_not_ours(slack: SlackBench) -> None:
    ref = create(slack)
    metadata = {"event_type": "deploy_done", "event_payload": {"key": key(1)}}
    slack.sandbox.plant(SYSTEM, "messages", {"channel": ref.id, "metadata": metadata})
    assert slack.chat.find_post(ref, key=key(1)) is None


@pytest.mark.parametrize("channel", ["C0NOWHERE", "hidden", "not joined"])
def test_a_channel_that_we_are_not_in_is_refused_by_name(slack: SlackBench, channel: str) -> None:
    planted = {"name": "theirs", "is_private": channel == "hidden"}
    id = slack.sandbox.plant(SYSTEM, "channels", planted)["id"]
    ref = ExternalRef(system=SYSTEM, kind="channel", id=channel if channel.startswith("C") else id)
    code = "not_in_channel" if channel == "not joined" else "channel_not_found"
    with pytest.raises(SystemRefused, match=code):
        slack.chat.post(ref, a_notice(), key=key(1))
    with pytest.raises(SystemRefused, match=code):
        slack.chat.find_post(ref, key=key(1))


def test_a_post_that_lost_its_metadata_is_not_posted_over_and_over(slack: SlackBench) -> None:
    ref = create(slack)
    fault = {"kind": "drift", "match": {"operation": "chat.postMessage"}, "how": "remove"}
    slack.sandbox.faults(SYSTEM, {**fault, "at": "message.metadata"})
    with pytest.raises(EffectConflict, match="without our metadata"):
        slack.chat.post(ref, a_notice(), key=key(1))


# -- trouble -----------------------------------------------------------------------------------


def said(code: str) -> dict[str, Any]:
    return {"kind": "wrong_success", "after": False, "body": {"ok": False, "error": code}}


#: What happens to `chat.postMessage`: the fault, the error, and whether it was done all the same.
TROUBLES: dict[str, tuple[dict[str, Any], type[SystemTrouble], bool]] = {
    "429 with seconds": ({"kind": "rate_limit", "retry_after": 7}, Throttled, False),
    "429 with a date": ({"kind": "rate_limit", "retry_after": "date"}, Throttled, False),
    "429 with nothing": ({"kind": "rate_limit", "retry_after": "none"}, Throttled, False),
    "ratelimited in a 200": (said("ratelimited"), Throttled, False),
    "503": ({"kind": "status", "status": 503}, AnswerLost, False),
    "500 after the work": ({"kind": "status_after", "status": 500}, AnswerLost, True),
    "fatal_error": (said("fatal_error"), AnswerLost, False),
    "internal_error": (said("internal_error"), AnswerLost, False),
    "request lost": ({"kind": "lose_request"}, AnswerLost, False),
    "answer lost": ({"kind": "lose_answer"}, AnswerLost, True),
    "answer cut": ({"kind": "half_answer"}, AnswerLost, True),
    "HTML in a 200": ({"kind": "html", "after": True}, AnswerLost, True),
    "no JSON in a 200": ({"kind": "bad_json", "after": True}, AnswerLost, True),
    "no verdict": ({"kind": "drift", "at": "ok", "how": "remove"}, AnswerLost, True),
    "no ts": ({"kind": "drift", "at": "ts", "how": "remove"}, AnswerLost, True),
    "another channel": (
        {"kind": "drift", "at": "channel", "how": "set", "to": "C1"}, EffectConflict, True
    ),
    "signed out": (said("token_revoked"), SystemUnavailable, False),
    "cut on the way": (said("request_timeout"), SystemUnavailable, False),
    "not in the channel": (said("not_in_channel"), SystemRefused, False),
    "403": ({"kind": "status", "status": 403}, SystemRefused, False),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_with_a_post_says_whether_it_was_perhaps_done(slack: SlackBench, name: str) -> None:
    fault, wanted, done = TROUBLES[name]
    ref = create(slack)
    match = {"operation": "chat.postMessage"}
    slack.sandbox.faults(SYSTEM, {"match": match, "times": 1, **fault})
    with pytest.raises(SystemTrouble) as caught:
        slack.chat.post(ref, a_notice(), key=key(1))
    assert type(caught.value) is wanted
    assert slack.sandbox.fired(SYSTEM) == [1]
    found = slack.chat.find_post(ref, key=key(1))
    assert (found is not None) == done
    assert len(slack.posts(ref)) == int(done)


@pytest.mark.parametrize("kind", ["lose_answer", "lose_request", "status_after"])
def test_a_channel_whose_answer_is_lost_is_made_once(slack: SlackBench, kind: str) -> None:
    fault = {"kind": kind, "match": {"operation": "conversations.create"}, "times": 1}
    slack.sandbox.faults(SYSTEM, fault | ({"status": 500} if kind == "status_after" else {}))
    with pytest.raises(AnswerLost):
        create(slack)
    assert slack.chat.find_channel(KEY) is None
    ref = create(slack)
    assert slack.chat.find_channel(KEY) == ref
    assert slack.count() == 1


def test_the_wait_that_a_429_asks_for_is_passed_on(slack: SlackBench) -> None:
    slack.sandbox.faults(SYSTEM, {"kind": "rate_limit", "retry_after": 7, "times": 1})
    with pytest.raises(Throttled) as caught:
        slack.chat.ping()
    assert caught.value.retry_after == timedelta(seconds=7)


READS: dict[str, Callable[[Chat, ExternalRef], object]] = {
    "auth.test": lambda chat, ref: chat.ping(),
    "conversations.list": lambda chat, ref: chat.find_channel(KEY),
    "conversations.history": lambda chat, ref: chat.find_post(ref, key=KEY),
}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("kind", ["lose_answer", "half_answer", "html", "bad_json"])
def test_a_read_without_an_answer_may_be_repeated(
    slack: SlackBench, operation: str, kind: str
) -> None:
    ref = create(slack)
    fault = {"kind": kind, "match": {"operation": operation}, "times": 1}
    slack.sandbox.faults(SYSTEM, fault)
    with pytest.raises(SystemUnavailable):
        READS[operation](slack.chat, ref)
    READS[operation](slack.chat, ref)


def test_a_read_of_another_shape_is_refused_by_path(slack: SlackBench) -> None:
    create(slack)
    fault = {"kind": "drift", "match": {"operation": "conversations.list"}, "how": "remove"}
    slack.sandbox.faults(SYSTEM, {**fault, "at": "channels.*.name"})
    with pytest.raises(SystemRefused, match=r"conversations\.list\.channels\.0\.name: Field"):
        slack.chat.find_channel(KEY)


@pytest.mark.parametrize(
    ("operation", "at", "cursor"),
    [("conversations.list", "response_metadata.next_cursor", "YXQ6MA=="),
     ("conversations.history", "has_more", True)],
)  # fmt: skip
def test_pages_that_do_not_go_on_are_not_taken_for_a_whole_list(
    slack: SlackBench, operation: str, at: str, cursor: object
) -> None:
    ref = create(slack)
    fault = {"kind": "drift", "match": {"operation": operation}, "how": "set", "to": cursor}
    slack.sandbox.faults(SYSTEM, {**fault, "at": at})
    with pytest.raises(SystemUnavailable, match="do not go on"):
        READS[operation](slack.chat, ref)


def test_a_refused_token_is_said_and_needs_a_person(slack: SlackBench) -> None:
    settings = slack.sandbox.client_settings(SYSTEM) | {"bot_token": "xoxb-of-a-removed-app"}
    for _ in range(2):
        with pytest.raises(SystemUnavailable, match=r"refused our sign-in.*invalid_auth"):
            adapter(settings).ping()


def test_a_token_that_dies_is_reported_before_anything_is_done(slack: SlackBench) -> None:
    slack.sandbox.faults(SYSTEM, {"kind": "expire_tokens"})
    with pytest.raises(SystemUnavailable, match="refused our sign-in"):
        create(slack)
    assert slack.count() == 0


def test_a_401_of_something_before_slack_is_a_refused_sign_in(slack: SlackBench) -> None:
    slack.sandbox.faults(SYSTEM, {"kind": "status", "status": 401})
    with pytest.raises(SystemUnavailable, match="Store another bot token"):
        slack.chat.ping()


# -- interactions ------------------------------------------------------------------------------

NOW = 1_793_612_467.4
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def recorded(name: str) -> Any:
    return simplejson.loads((FIXTURES / name).read_text("utf-8"), use_decimal=True)


def a_click(**changes: Any) -> bytes:
    payload = recorded("block_actions.json") | changes
    return urlencode({"payload": simplejson.dumps(payload)}).encode()


def headers_of(body: bytes, *, secret: str = SECRET, at: float = NOW) -> dict[str, str]:
    stamp = str(int(at))
    return {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature(secret, stamp, body),
    }


def test_the_signature_of_slacks_worked_example_is_ours() -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert signature(SECRET, "1531420618", body) == expected


@given(st.binary(max_size=300), st.integers(-TOLERANCE_S + 1, TOLERANCE_S - 1))
def test_every_genuine_delivery_passes_and_has_one_id(body: bytes, drift: int) -> None:
    first = slack_signature(headers_of(body), body, (SECRET,), NOW + drift)
    again = headers_of(body, at=NOW + 20)
    assert slack_signature(again, body, ("another", SECRET), NOW + 20) == first
    assert slack_signature(headers_of(body + b"x"), body + b"x", (SECRET,), NOW) != first


@pytest.mark.parametrize("at", [NOW - TOLERANCE_S - 2, NOW + TOLERANCE_S + 2])
def test_a_delivery_of_another_time_does_not_pass(at: float) -> None:
    body = a_click()
    with pytest.raises(NotAllowed):
        slack_signature(headers_of(body, at=at), body, (SECRET,), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0="},
        {"x-slack-signature": "v1=" + "0" * 64},
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": "v0=" + "é" * 64},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "1793612466"},
        {"x-slack-request-timestamp": "now"},
        {"x-slack-request-timestamp": "٣"},
        {"x-slack-request-timestamp": "9" * 30},
    ],
)
def test_a_forged_delivery_does_not_pass(changes: dict[str, str]) -> None:
    body = a_click()
    with pytest.raises(NotAllowed):
        slack_signature(headers_of(body) | changes, body, (SECRET,), NOW)


def test_nothing_passes_without_the_secret() -> None:
    body = a_click()
    for secrets in ((), ("",), ("other",)):
        with pytest.raises(NotAllowed):
            slack_signature(headers_of(body, secret=""), body, secrets, NOW)
    with pytest.raises(NotAllowed):
        slack_signature(headers_of(body), body + b"&x=1", (SECRET,), NOW)


def test_a_click_decides_nothing() -> None:
    assert list(reads_webhook(a_click())) == []
    approve = [{"type": "button", "action_id": "approve", "value": "yes"}]
    assert list(reads_webhook(a_click(actions=approve))) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", ""),
        (b"\xff", ""),
        (b'{"type":"block_actions"}', ""),
        (b"payload=%FF", ""),
        (b"payload={}&payload={}", ""),
        (b"other=1", ""),
        (b"payload=%7B", "/payload"),
        (b"payload=[]", "/payload"),
        (b"payload={}", "/payload/type"),
        (a_click(type="view_submission"), "/payload/type"),
        (a_click(actions=[]), "/payload/actions"),
        (a_click(actions=[{"type": "button"}]), "/payload/actions/0/action_id"),
        (a_click(user=None), "/payload/user"),
        (b"payload=" + b"[" * 100_000, "/payload"),
    ],
)
def test_what_is_not_of_slacks_shape_is_refused_by_place(body: bytes, pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        reads_webhook(body)
    assert [problem.pointer for problem in caught.value.problems] == [pointer]


# -- the declaration and recorded answers ------------------------------------------------------


def test_every_method_of_the_port_is_declared() -> None:
    methods = {name for name in vars(Chat) if not name.startswith("_")}
    assert set(CONNECTOR.operations) == {f"chat.{name}" for name in methods}
    for meaning in CONNECTOR.operations.values():
        if isinstance(meaning, Writes) and meaning.find is not None:
            assert meaning.find in CONNECTOR.operations
            assert meaning.settle > timedelta(0)


def test_the_token_is_never_shown() -> None:
    given = {"base_url": "https://slack.com/api", "bot_token": "xoxb-se-cret"}
    settings = SlackSettings.model_validate(given)
    assert "se-cret" not in f"{settings!r} {settings}"


def test_recorded_answers_are_read() -> None:
    channel = Made.model_validate(recorded("channel_created.json")).channel
    assert (channel.id, channel.purpose.value) == ("C0EAQDV4Z", "")
    history = History.model_validate(recorded("history.json"))
    assert (history.has_more, history.next_cursor[:4]) == (True, "bmV4")
    held = [message.metadata for message in history.messages]
    assert [metadata is not None for metadata in held] == [False, True, False]


def test_a_missing_scope_is_named_to_the_person_who_looks() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=recorded("missing_scope.json"))

    http = Http(SYSTEM, "https://slack.example/api", transport=httpx.MockTransport(refuse))
    settings = SlackSettings.model_validate(
        {"base_url": "https://slack.example/api", "bot_token": "t"}
    )
    chat = SlackChat(SYSTEM, settings, http, FieldMap.load(CONNECTOR.mapping))
    with pytest.raises(SystemRefused, match=r"missing_scope .*needs the scope groups:write"):
        chat.create_channel(code="TH-1", name="x", members=(), key=KEY)
