"""Microsoft 365: the contracts of both ports, its own limits, and what each trouble means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import contract_chat
import contract_documents
import httpx
import pytest
import simplejson
from contract_chat import ChatContract, ShownChannel, ShownPost, a_notice
from contract_documents import KEY, PDF, DocumentsContract, ShownFolder, key
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fairlead.connectors.kit.declaration import Writes
from fairlead.connectors.kit.http import Http, OpenGate
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.microsoft import answers
from fairlead.connectors.microsoft.chat import TeamsChat, adaptive_card, card_id
from fairlead.connectors.microsoft.declaration import CONNECTOR
from fairlead.connectors.microsoft.documents import SharePointDocuments
from fairlead.connectors.microsoft.graph import connect
from fairlead.connectors.microsoft.names import channel_name, file_name, folder_name
from fairlead.connectors.microsoft.settings import MicrosoftSettings
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    EffectConflict,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.documents import Documents
from fairlead.ports.messages import Chat
from fairlead.sandbox.process import SandboxProcess
from fairlead.trace import correlation

SYSTEM = "microsoft"
FIXTURES = Path(__file__).parents[2] / "src/fairlead/connectors/microsoft/fixtures"
PEOPLE = ("ada@tarn-holloway.example", "bo@tarn-holloway.example", "o'neil@tarn-holloway.example")
LABEL = "Contracts 10 years"


class Tenant:
    """Both adapters on one tenant, and what a look behind the scenes needs."""

    def __init__(self, sandbox: SandboxProcess, **changes: Any) -> None:
        self.sandbox = sandbox
        given: Mapping[str, Any] = sandbox.client_settings(SYSTEM) | changes
        settings = MicrosoftSettings.model_validate(given)
        self.graph = connect(SYSTEM, settings, OpenGate())
        fields = FieldMap.load(CONNECTOR.mapping)
        self.documents = SharePointDocuments(SYSTEM, settings, self.graph, fields)
        self.chat = TeamsChat(SYSTEM, settings, self.graph, fields)

    def mail_of(self, user: str) -> str:
        return str(self.body("users", user)["mail"])

    def body(self, kind: str, id: str) -> dict[str, Any]:
        [held] = [one for one in self.sandbox.records(SYSTEM, kind) if one["id"] == id]
        return held["body"]


class LibraryBench(contract_documents.Bench):
    people = PEOPLE
    retention = LABEL

    def __init__(self, tenant: Tenant) -> None:
        self.tenant, self.sandbox, self.documents = tenant, tenant.sandbox, tenant.documents

    def folder(self, ref: ExternalRef) -> ShownFolder:
        given = self.sandbox.records(SYSTEM, "permissions", item=ref.id)
        return ShownFolder(
            name=self.tenant.body("drive_items", ref.id)["name"],
            editors=frozenset(one["body"]["email"] for one in given),
        )

    def inside(self, folder: ExternalRef) -> list[str]:
        held = self.sandbox.records(SYSTEM, "drive_items", parent=folder.id)
        return [one["body"]["name"] for one in held]

    def count(self) -> int:
        held = self.sandbox.records(SYSTEM, "drive_items")
        return len([one for one in held if one["body"]["folder"]])

    def crowd(self, count: int) -> None:
        for number in range(count):
            self.plant(f"TH-9{number}", "Engagements", {"FairleadKey": f"{KEY}{number}"})

    def carry_again(self, ref: ExternalRef, key: EffectKey) -> None:
        held = self.tenant.body("drive_items", ref.id)
        if held["folder"]:
            self.plant("Another", "Engagements", {"FairleadKey": key})
        else:
            self.plant("Another.pdf", self.path_of(held), {"FairleadKey": key}, content="x")

    def person_adds(self, folder: ExternalRef, *path: str) -> None:
        above = f"Engagements/{self.tenant.body('drive_items', folder.id)['name']}"
        self.plant(path[-1], "/".join([above, *path[:-1]]), {}, content="x", retention=None)

    def unlabelled(self, folder: ExternalRef, key: EffectKey) -> None:
        path = f"Engagements/{self.tenant.body('drive_items', folder.id)['name']}"
        self.plant("Plan.pdf", path, {"FairleadKey": key}, content="x", retention=None)

    def plant(self, name: str, path: str, fields: Mapping[str, str], **more: Any) -> None:
        body = {"name": name, "path": path, "fields": fields, "retention": LABEL, **more}
        self.sandbox.plant(SYSTEM, "drive_items", body)

    def path_of(self, held: Mapping[str, Any]) -> str:
        return f"Engagements/{self.tenant.body('drive_items', held['parent'])['name']}"


class TeamBench(contract_chat.Bench):
    people = PEOPLE
    stranger = "nobody@elsewhere.example"

    def __init__(self, tenant: Tenant) -> None:
        self.tenant, self.sandbox, self.chat = tenant, tenant.sandbox, tenant.chat

    def channel(self, ref: ExternalRef) -> ShownChannel:
        """Whoever is in the team sees its standard channels."""
        body = self.tenant.body("channels", ref.id)
        team = [one["id"] for one in self.sandbox.records(SYSTEM, "team_members")]
        inside = team if body["membershipType"] == "standard" else body["members"]
        return ShownChannel(body["displayName"], frozenset(map(self.tenant.mail_of, inside)))

    def posts(self, channel: ExternalRef) -> list[ShownPost]:
        held = self.sandbox.records(SYSTEM, "messages", channel=channel.id)
        return [_as_read(one["body"]) for one in held]

    def count(self) -> int:
        return len(self.sandbox.records(SYSTEM, "channels"))

    def crowd(self, count: int) -> None:
        for number in range(count):
            body = {"displayName": f"Channel {number}", "description": f"Fairlead: {KEY}{number}"}
            self.sandbox.plant(SYSTEM, "channels", body)

    def chatter(self, channel: ExternalRef, count: int) -> None:
        for number in range(count):
            body = {"channel": channel.id, "text": f"Message {number}"}
            self.sandbox.plant(SYSTEM, "messages", body)

    def carry_again(self, key: EffectKey) -> None:
        body = {"displayName": "Another", "description": f"Copy\nFairlead: {key}"}
        self.sandbox.plant(SYSTEM, "channels", body)

    def post_again(self, channel: ExternalRef, key: EffectKey) -> None:
        body = {"channel": channel.id, "attachments": [{"id": card_id(key)}]}
        self.sandbox.plant(SYSTEM, "messages", body)


def _as_read(body: Mapping[str, Any]) -> ShownPost:
    """What Teams shows: the subject, and each card's runs of text and buttons."""
    texts = [str(body["subject"] or "")]
    links: list[str] = []
    for attachment in body["attachments"]:
        card = simplejson.loads(attachment["content"])
        texts += [run["text"] for block in card["body"] for run in block["inlines"]]
        links += [action["url"] for action in card.get("actions", [])]
    return ShownPost("\n".join(texts), tuple(links))


@pytest.fixture
def tenant(sandbox: SandboxProcess) -> Tenant:
    sandbox.clear()
    for mail in PEOPLE:
        sandbox.plant(SYSTEM, "users", {"mail": mail})
    return Tenant(sandbox)


@pytest.fixture
def private(tenant: Tenant) -> Tenant:
    return Tenant(tenant.sandbox, channel_type="private")


class TestSharePoint(DocumentsContract):
    @pytest.fixture
    def bench(self, tenant: Tenant) -> LibraryBench:
        return LibraryBench(tenant)


class TestStandardChannels(ChatContract):
    @pytest.fixture
    def bench(self, tenant: Tenant) -> TeamBench:
        return TeamBench(tenant)


class TestPrivateChannels(ChatContract):
    @pytest.fixture
    def bench(self, private: Tenant) -> TeamBench:
        return TeamBench(private)


def a_folder(documents: Documents, key: EffectKey = KEY) -> ExternalRef:
    return documents.create_folder(code="TH-2038", name="Claims", members=PEOPLE, key=key)


def a_document(
    documents: Documents, folder: ExternalRef, key: EffectKey = KEY, name: str = "SOW.pdf"
) -> ExternalRef:
    return documents.file_document(
        folder,
        name=name,
        media_type="application/pdf",
        content=PDF,
        retention=LABEL,
        key=key,
    )


def a_channel(chat: Chat, key: EffectKey = KEY) -> ExternalRef:
    return chat.create_channel(code="TH-2038", name="Claims", members=PEOPLE, key=key)


# -- names -------------------------------------------------------------------------------------


@given(st.text(max_size=400))
def test_a_folder_name_is_one_that_sharepoint_takes(name: str) -> None:
    made = folder_name("TH-2038", name)
    assert made.startswith("TH-2038")
    assert not set('"*:<>?/\\|#%') & set(made)
    assert len(made) <= 128
    assert made == made.strip(" .")


@given(st.text(max_size=400))
def test_a_channel_name_is_one_that_teams_takes(name: str) -> None:
    made = channel_name("TH-2038", name)
    assert made.startswith("TH-2038")
    assert not set("~#%&*{}+/\\:<>?|'\",") & set(made)
    assert ".." not in made
    assert len(made.encode("utf-16-le")) <= 100
    assert not made.endswith((".", " "))


@pytest.mark.parametrize(
    ("name", "media_type", "wanted"),
    [
        ("SOW.pdf", "application/pdf", "SOW.pdf"),
        ("SOW", "application/pdf", "SOW.pdf"),
        ("Release 2.1", "application/pdf", "Release 2.1.pdf"),
        ("con", "text/plain", "-con.txt"),
        ("~$x.docx", "text/plain", "-~$x.docx"),
        ("a/b: c?.pdf", "application/pdf", "a-b- c-.pdf"),
    ],
)
def test_a_file_is_named_by_what_it_is(name: str, media_type: str, wanted: str) -> None:
    assert file_name(name, media_type) == wanted


# -- documents: what an earlier attempt left behind --------------------------------------------


def test_a_folder_of_somebody_else_is_not_taken_over(tenant: Tenant) -> None:
    body = {"name": "TH-2038 Claims", "path": "Engagements"}
    tenant.sandbox.plant(SYSTEM, "drive_items", body)
    with pytest.raises(SystemRefused, match="we did not make"):
        a_folder(tenant.documents)


def test_a_folder_of_another_engagement_is_not_taken_over(tenant: Tenant) -> None:
    a_folder(tenant.documents)
    with pytest.raises(SystemRefused, match="we did not make"):
        a_folder(tenant.documents, key(7))


def test_a_folder_without_its_members_is_not_found_and_is_gone_on_with(tenant: Tenant) -> None:
    fault = {"kind": "lose_request", "match": {"operation": "drive_items.invite"}, "times": 1}
    tenant.sandbox.faults(SYSTEM, fault)
    with pytest.raises(AnswerLost):
        a_folder(tenant.documents)
    assert tenant.documents.find_folder(KEY) is None
    made = a_folder(tenant.documents)
    assert tenant.documents.find_folder(KEY) == made
    assert LibraryBench(tenant).folder(made).editors == set(PEOPLE)


def test_somebody_from_outside_cannot_be_let_in(tenant: Tenant) -> None:
    with pytest.raises(SystemRefused, match="could not be resolved"):
        tenant.documents.create_folder(
            code="TH-1", name="Claims", members=("x@elsewhere.example",), key=KEY
        )
    assert tenant.documents.find_folder(KEY) is None


def test_another_document_of_this_name_is_a_conflict_where_its_size_differs(
    tenant: Tenant,
) -> None:
    folder = a_folder(tenant.documents)
    fault = {"kind": "lose_request", "match": {"operation": "list_items.update"}, "times": 1}
    tenant.sandbox.faults(SYSTEM, fault)
    with pytest.raises(AnswerLost):
        a_document(tenant.documents, folder)
    with pytest.raises(EffectConflict, match="bytes"):
        tenant.documents.file_document(
            folder,
            name="SOW.pdf",
            media_type="application/pdf",
            content=PDF + b"more",
            retention=LABEL,
            key=KEY,
        )


def test_a_document_in_another_folder_is_a_conflict(tenant: Tenant) -> None:
    folder = a_folder(tenant.documents)
    a_document(tenant.documents, folder, key(1))
    elsewhere = ExternalRef(system=SYSTEM, kind="folder", id="elsewhere")
    with pytest.raises(EffectConflict, match="another folder"):
        tenant.documents.find_document(elsewhere, key=key(1))


def test_an_empty_document_is_refused_before_anything_is_sent(tenant: Tenant) -> None:
    folder = a_folder(tenant.documents)
    with pytest.raises(SystemRefused, match="empty"):
        tenant.documents.file_document(
            folder, name="x.pdf", media_type="application/pdf", content=b"", retention="", key=KEY
        )
    assert LibraryBench(tenant).inside(folder) == []


def test_a_label_of_records_needs_a_permission_that_we_do_not_ask_for(tenant: Tenant) -> None:
    label = {"name": "Record forever", "is_record": True}
    tenant.sandbox.plant(SYSTEM, "retention_labels", label)
    folder = a_folder(tenant.documents)
    with pytest.raises(SystemRefused, match=r"Sites\.FullControl\.All"):
        tenant.documents.file_document(
            folder,
            name="x.pdf",
            media_type="application/pdf",
            content=PDF,
            retention="Record forever",
            key=KEY,
        )


def test_a_drive_may_be_named_instead_of_a_site(tenant: Tenant) -> None:
    spec = next(spec for spec in tenant.sandbox.world.systems if spec.id == SYSTEM)
    by_drive = Tenant(tenant.sandbox, site_id=None, drive_id=spec.settings["drive_id"])
    folder = a_folder(by_drive.documents)
    assert tenant.documents.find_folder(KEY) == folder


def test_bytes_go_to_no_other_host(tenant: Tenant) -> None:
    folder = a_folder(tenant.documents)
    fault = {
        "kind": "drift",
        "match": {"operation": "upload_sessions.create"},
        "how": "set",
        "at": "uploadUrl",
        "to": "https://sharepoint.com.evil.example/up/1",
    }
    tenant.sandbox.faults(SYSTEM, fault)
    with pytest.raises(SystemRefused, match="another host"):
        a_document(tenant.documents, folder)


def test_no_token_is_sent_to_the_addresses_for_bytes(tenant: Tenant) -> None:
    """The sandbox refuses one, as SharePoint may."""
    folder = a_folder(tenant.documents)
    held = tenant.documents.document(a_document(tenant.documents, folder), kind="evidence")
    assert held.sha256 == hashlib.sha256(PDF).hexdigest()


def test_what_was_uploaded_can_be_traced_to_its_cause(tenant: Tenant) -> None:
    folder = a_folder(tenant.documents)
    known = correlation.set("run-7")
    try:
        a_document(tenant.documents, folder)
    finally:
        correlation.reset(known)
    rows = tenant.sandbox.ledger(SYSTEM, "drive_items")
    assert [row["correlation"] for row in rows[-3:]] == ["run-7"] * 3


def test_a_refused_second_half_says_that_the_first_is_there(tenant: Tenant) -> None:
    folder = a_folder(tenant.documents)
    with pytest.raises(SystemRefused, match=r"SOW\.pdf is there, but not finished"):
        tenant.documents.file_document(
            folder,
            name="SOW.pdf",
            media_type="application/pdf",
            content=PDF,
            retention="Forever",
            key=KEY,
        )


# -- chat: what Graph allows -------------------------------------------------------------------


def test_notices_are_posted_in_the_name_of_the_sender(tenant: Tenant) -> None:
    channel = a_channel(tenant.chat)
    tenant.chat.post(channel, a_notice(), key=KEY)
    [held] = tenant.sandbox.records(SYSTEM, "messages")
    assert tenant.mail_of(held["body"]["by"]) == "fairlead@tarn-holloway.example"


def test_a_team_without_a_sender_is_refused_when_it_is_set_up(tenant: Tenant) -> None:
    given = tenant.sandbox.client_settings(SYSTEM) | {"sender_refresh_token": None}
    with pytest.raises(ValidationError, match="no application post"):
        MicrosoftSettings.model_validate(given)


def test_a_sender_whose_token_ended_is_told_in_microsofts_words(tenant: Tenant) -> None:
    channel = a_channel(tenant.chat)
    stale = Tenant(tenant.sandbox, sender_refresh_token="long-gone")
    with pytest.raises(SystemUnavailable, match="AADSTS700082"):
        stale.chat.post(channel, a_notice(), key=KEY)


def test_a_name_that_somebody_took_is_refused(tenant: Tenant) -> None:
    tenant.sandbox.plant(SYSTEM, "channels", {"displayName": "TH-2038 Claims"})
    with pytest.raises(SystemRefused, match="already existed"):
        a_channel(tenant.chat)


def test_a_channel_that_an_earlier_attempt_made_is_that_channel(tenant: Tenant) -> None:
    assert a_channel(tenant.chat) == a_channel(tenant.chat)
    assert TeamBench(tenant).count() == 2  # with General


@pytest.mark.parametrize("name", [f"Fairlead: {KEY}", f"X\nFairlead: {KEY}", f"X\rFairlead: {KEY}"])
def test_a_name_that_looks_like_a_key_is_none(tenant: Tenant, name: str) -> None:
    tenant.chat.create_channel(code="TH-3", name=name, members=(), key=key(3))
    assert tenant.chat.find_channel(KEY) is None


def test_a_private_channel_belongs_to_the_sender(private: Tenant) -> None:
    made = a_channel(private.chat)
    assert "fairlead@tarn-holloway.example" in TeamBench(private).channel(made).members


def test_a_message_that_was_deleted_is_not_found(tenant: Tenant) -> None:
    channel = a_channel(tenant.chat)
    tenant.chat.post(channel, a_notice(), key=KEY)
    at = "value.*.deletedDateTime"
    fault = {"kind": "drift", "match": {"operation": "messages.list"}, "how": "set", "at": at}
    tenant.sandbox.faults(SYSTEM, {**fault, "to": "2026-03-02T10:00:00Z"})
    assert tenant.chat.find_post(channel, key=KEY) is None


def test_a_text_that_is_too_long_for_teams_is_cut(tenant: Tenant) -> None:
    channel = a_channel(tenant.chat)
    tenant.chat.post(channel, a_notice(text="ß" * 99_000), key=KEY)
    [shown] = TeamBench(tenant).posts(channel)
    assert shown.text.endswith(" …")


@given(st.text(max_size=3000))
def test_whatever_the_text_the_card_has_something_to_show(text: str) -> None:
    card = adaptive_card(a_notice(text=text))
    assert all(block["inlines"][0]["text"] for block in card["body"])
    assert card["body"]


def test_documents_alone_may_be_set_up(tenant: Tenant) -> None:
    alone = Tenant(tenant.sandbox, team_id=None, sender_id=None, sender_refresh_token=None)
    assert alone.documents.find_folder(KEY) is None
    with pytest.raises(SystemRefused, match="team_id"):
        alone.chat.find_channel(KEY)


def test_chat_alone_may_be_set_up(tenant: Tenant) -> None:
    alone = Tenant(tenant.sandbox, site_id=None)
    alone.chat.ping()
    with pytest.raises(SystemRefused, match="site_id"):
        alone.documents.ping()


@pytest.mark.parametrize(
    "changes", [{"site_id": None, "team_id": None}, {"drive_id": "d"}, {"root_folder": "/a"}]
)
def test_settings_that_contradict_themselves_are_refused(
    tenant: Tenant, changes: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        MicrosoftSettings.model_validate(tenant.sandbox.client_settings(SYSTEM) | changes)


@pytest.mark.parametrize(
    ("graph", "login"),
    [
        ("https://graph.microsoft.com", "https://login.microsoftonline.com"),
        ("https://graph.microsoft.us", "https://login.microsoftonline.us"),
        ("https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
    ],
)
def test_each_cloud_signs_in_at_its_own_address(graph: str, login: str) -> None:
    settings = MicrosoftSettings.model_validate(
        {
            "base_url": graph,
            "tenant_id": "t",
            "client_id": "c",
            "client_secret": "se-cret",
            "site_id": "s",
        }
    )
    assert (settings.login, settings.resource) == (login, graph)
    assert "se-cret" not in f"{settings!r} {settings}"


# -- trouble -----------------------------------------------------------------------------------

#: Per write that makes something: the call, and how it is found.
WRITES: dict[str, Callable[[Tenant, ExternalRef, ExternalRef], ExternalRef]] = {
    "folders.create": lambda at, f, c: at.documents.create_folder(
        code="TH-2", name="Two", members=PEOPLE, key=key(1)
    ),
    "drive_items.invite": lambda at, f, c: at.documents.create_folder(
        code="TH-2", name="Two", members=PEOPLE, key=key(1)
    ),
    "list_items.update": lambda at, f, c: at.documents.create_folder(
        code="TH-2", name="Two", members=PEOPLE, key=key(1)
    ),
    "upload_sessions.create": lambda at, f, c: a_document(at.documents, f, key(1)),
    "upload_sessions.put": lambda at, f, c: a_document(at.documents, f, key(1)),
    "retention_labels.set": lambda at, f, c: a_document(at.documents, f, key(1)),
    "channels.create": lambda at, f, c: at.chat.create_channel(
        code="TH-2", name="Two", members=PEOPLE, key=key(1)
    ),
    "messages.create": lambda at, f, c: at.chat.post(c, a_notice(), key=key(1)),
}
FINDS: dict[str, Callable[[Tenant, ExternalRef, ExternalRef], ExternalRef | None]] = {
    "folders.create": lambda at, f, c: at.documents.find_folder(key(1)),
    "drive_items.invite": lambda at, f, c: at.documents.find_folder(key(1)),
    "list_items.update": lambda at, f, c: at.documents.find_folder(key(1)),
    "upload_sessions.create": lambda at, f, c: at.documents.find_document(f, key=key(1)),
    "upload_sessions.put": lambda at, f, c: at.documents.find_document(f, key=key(1)),
    "retention_labels.set": lambda at, f, c: at.documents.find_document(f, key=key(1)),
    "channels.create": lambda at, f, c: at.chat.find_channel(key(1)),
    "messages.create": lambda at, f, c: at.chat.find_post(c, key=key(1)),
}
LOST = ("lose_answer", "half_answer", "bad_json", "status_after", "html")


@pytest.fixture
def places(tenant: Tenant) -> tuple[ExternalRef, ExternalRef]:
    return a_folder(tenant.documents), a_channel(tenant.chat)


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("operation", WRITES)
def test_a_lost_answer_is_found_or_finished_and_nothing_is_there_twice(
    tenant: Tenant, places: tuple[ExternalRef, ExternalRef], operation: str, kind: str
) -> None:
    before = _made(tenant)
    fault: dict[str, Any] = {"kind": kind, "match": {"operation": operation}, "times": 1}
    if kind == "html":
        fault["after"] = True
    tenant.sandbox.faults(SYSTEM, fault)
    with pytest.raises(AnswerLost):
        WRITES[operation](tenant, *places)
    assert tenant.sandbox.fired(SYSTEM) == [1]
    if FINDS[operation](tenant, *places) is None:
        WRITES[operation](tenant, *places)
    assert FINDS[operation](tenant, *places) is not None
    assert _made(tenant) == before + 1


def _made(tenant: Tenant) -> int:
    kinds = ("drive_items", "channels", "messages")
    return sum(len(tenant.sandbox.records(SYSTEM, kind)) for kind in kinds)


FIRST_WRITES = ("folders.create", "upload_sessions.create", "channels.create", "messages.create")


@pytest.mark.parametrize("operation", FIRST_WRITES)
@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "rate_limit", "retry_after": 7}, Throttled),
        ({"kind": "rate_limit", "retry_after": "date"}, Throttled),
        ({"kind": "rate_limit", "retry_after": "none"}, Throttled),
        ({"kind": "status", "status": 503}, AnswerLost),
        ({"kind": "status", "status": 423}, SystemUnavailable),
        ({"kind": "status", "status": 403}, SystemRefused),
        ({"kind": "lose_request"}, AnswerLost),
    ],
)
def test_trouble_with_a_write_says_whether_it_was_perhaps_done(
    tenant: Tenant,
    places: tuple[ExternalRef, ExternalRef],
    operation: str,
    fault: dict[str, Any],
    wanted: type[SystemTrouble],
) -> None:
    before = _made(tenant)
    tenant.sandbox.faults(SYSTEM, {"match": {"operation": operation}, "times": 1, **fault})
    with pytest.raises(wanted) as caught:
        WRITES[operation](tenant, *places)
    assert tenant.sandbox.fired(SYSTEM) == [1]
    if fault.get("retry_after") == 7:
        assert caught.value.retry_after == timedelta(seconds=7)
    assert FINDS[operation](tenant, *places) is None
    assert _made(tenant) == before


def test_a_throttled_second_half_is_no_promise_that_nothing_was_done(tenant: Tenant) -> None:
    match = {"operation": "drive_items.invite"}
    fault = {"kind": "rate_limit", "retry_after": 9, "match": match, "times": 1}
    tenant.sandbox.faults(SYSTEM, fault)
    with pytest.raises(AnswerLost, match="is there, but not finished") as caught:
        a_folder(tenant.documents)
    assert caught.value.retry_after == timedelta(seconds=9)


JSON_READS = (
    "list_items.list", "retention_labels.read", "drive_items.read", "channels.list",
    "channels.read", "messages.list",
)  # fmt: skip
UNANSWERED = [
    *((operation, kind) for operation in JSON_READS for kind in LOST if kind != "status_after"),
    ("drive_items.download", "lose_answer"),  # bytes have no shape that could be wrong
    ("drive_items.download", "half_answer"),
]


@pytest.mark.parametrize(("operation", "kind"), UNANSWERED)
def test_a_read_without_an_answer_may_be_repeated(
    tenant: Tenant, places: tuple[ExternalRef, ExternalRef], operation: str, kind: str
) -> None:
    folder, channel = places
    document = a_document(tenant.documents, folder)
    post = tenant.chat.post(channel, a_notice(), key=KEY)

    def reads() -> list[object]:
        return [
            tenant.documents.find_document(folder, key=KEY),
            tenant.documents.document(document, kind="evidence").ref,
            tenant.chat.find_channel(KEY),
            tenant.chat.channel_url(channel).partition("?")[0] != "",
            tenant.chat.find_post(channel, key=KEY),
        ]

    fault = {"kind": kind, "match": {"operation": operation}, "times": 1}
    tenant.sandbox.faults(SYSTEM, fault)
    with pytest.raises(SystemUnavailable):
        reads()
    assert reads() == [document, document, channel, True, post]


def test_an_ended_token_is_fetched_anew_once(tenant: Tenant) -> None:
    channel = a_channel(tenant.chat)
    tenant.chat.post(channel, a_notice(), key=KEY)
    tenant.sandbox.faults(SYSTEM, {"kind": "expire_tokens", "times": 1})
    assert tenant.chat.find_channel(KEY) == channel
    tenant.sandbox.faults(SYSTEM, {"kind": "expire_tokens", "times": 1})
    assert tenant.chat.find_post(channel, key=KEY) is not None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": "wrong"}, "refused our sign-in"),
        ({"client_id": "somebody"}, "AADSTS700016"),
        ({"tenant_id": "elsewhere"}, "AADSTS90002"),
    ],
)
def test_a_refused_sign_in_says_that_nothing_was_done(
    tenant: Tenant, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(SystemUnavailable, match=words) as caught:
        a_folder(Tenant(tenant.sandbox, **changes).documents)
    assert "wrong" not in str(caught.value.payload)


def test_a_read_of_another_shape_is_refused_by_path(tenant: Tenant) -> None:
    folder = a_folder(tenant.documents)
    fault = {"kind": "drift", "match": {"operation": "drive_items.read"}, "how": "remove"}
    tenant.sandbox.faults(SYSTEM, {**fault, "at": "webUrl"})
    with pytest.raises(SystemRefused, match="webUrl: Field required"):
        tenant.documents.folder_url(folder)


@pytest.mark.parametrize(
    ("operation", "at"),
    [
        ("list_items.update", "FairleadKey"),
        ("channels.create", "description"),
        ("messages.create", "attachments"),
        ("retention_labels.set", "name"),
    ],
)
def test_an_answer_that_does_not_show_our_key_or_label_is_no_success(
    tenant: Tenant, places: tuple[ExternalRef, ExternalRef], operation: str, at: str
) -> None:
    fault = {"kind": "drift", "match": {"operation": operation}, "how": "remove", "at": at}
    tenant.sandbox.faults(SYSTEM, {**fault, "times": 1})
    with pytest.raises(AnswerLost):
        WRITES[operation](tenant, *places)


def test_a_list_that_leads_back_to_itself_has_an_end(tenant: Tenant) -> None:
    def same_again(request: httpx.Request) -> httpx.Response:
        body = {"value": [{"id": "1"}], "@odata.nextLink": "https://graph.example/v1.0/users?p=2"}
        return httpx.Response(200, json=body)

    http = Http(SYSTEM, "https://graph.example", transport=httpx.MockTransport(same_again))
    with pytest.raises(SystemUnavailable, match="same one"):
        list(tenant.graph.listed(http, "/v1.0/users", {}, answers.User))


# -- the declaration ---------------------------------------------------------------------------


def test_every_method_of_both_ports_is_declared() -> None:
    wanted = {
        f"{port}.{name}"
        for port, protocol in (("documents", Documents), ("chat", Chat))
        for name in vars(protocol)
        if not name.startswith("_")
    }
    assert set(CONNECTOR.operations) == wanted
    for meaning in CONNECTOR.operations.values():
        if isinstance(meaning, Writes) and meaning.find is not None:
            assert meaning.find in CONNECTOR.operations


# -- recorded answers --------------------------------------------------------------------------


def recorded(name: str) -> Any:
    return simplejson.loads((FIXTURES / name).read_text("utf-8"), use_decimal=True)


def test_a_recorded_item_is_read() -> None:
    item = answers.DriveItem.model_validate(recorded("drive_item.json"))
    assert (item.name, item.size) == ("Statement of work.pdf", 184250)
    assert item.list_item is not None
    assert item.list_item.fields["FairleadKey"] == "T-H/handoff/1/file/1"
    assert item.created_at.utcoffset() == timedelta(0)


def test_a_recorded_row_is_read_with_its_item() -> None:
    page = answers.Page.model_validate(recorded("list_items.json"))
    row = answers.Carrier.model_validate(page.value[0])
    assert row.item.folder is not None
    assert page.next is None


def test_a_recorded_message_is_read_with_its_card() -> None:
    message = answers.Message.model_validate(recorded("message_created.json"))
    assert message.attachments[0].id == card_id(EffectKey("T-H/handoff/1/post/1"))


def test_a_recorded_channel_is_read() -> None:
    channel = answers.Channel.model_validate(recorded("channel_created.json"))
    assert channel.id.startswith("19:")
    assert "Fairlead: T-H/handoff/1/channel/1" in (channel.description or "").splitlines()
