"""The DocuSign dialect: as strict as the vendor, and signing its messages as Connect does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
import simplejson

from fairlead.connectors.docusign.webhook import connect_signature, reads_webhook
from fairlead.errors import NotAllowed
from fairlead.sandbox.docusign import Docusign
from fairlead.sandbox.docusign_pdf import pdf
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import SystemSpec, World

from .conftest import Receiver

KEY = "h7VQW0Jc5cD1rVnqv2bT4eX9"
SETTINGS = Docusign.example_settings()
ROOT = f"/docusign/restapi/v2.1/accounts/{SETTINGS['account_id']}"


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    world = World(systems=(SystemSpec(id="docusign", dialect="docusign", settings=SETTINGS),))
    with SandboxProcess(world) as running:
        yield running


@pytest.fixture
def signer(process: SandboxProcess) -> SandboxProcess:
    process.clear()
    return process


def token(sandbox: SandboxProcess, **changes: Any) -> httpx.Response:
    claims = {
        "iss": SETTINGS["integration_key"],
        "sub": SETTINGS["user_id"],
        "aud": SETTINGS["audience"],
        "iat": int(time.time()),
        "exp": int(time.time()) + 600,
        "scope": "signature impersonation",
        **changes,
    }
    assertion = jwt.encode(claims, SETTINGS["client"]["private_key"], algorithm="RS256")
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    return sandbox.control.post("/docusign/oauth/token", data=form)


def get(sandbox: SandboxProcess, path: str, **query: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token(sandbox).json()['access_token']}"}
    return sandbox.control.get(path, params=query, headers=headers)


def plant(sandbox: SandboxProcess, **body: Any) -> str:
    return str(sandbox.plant("docusign", "envelopes", body)["id"])


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "x"}, "issuer_not_found"),
        ({"sub": "x"}, "user_not_found"),
        ({"aud": "account.docusign.com"}, "no_valid_keys_or_signatures"),
        ({"exp": 1}, "expired_token"),
        ({"exp": int(time.time()) + 90_000}, "invalid_expiration"),
        ({"scope": "signature"}, "consent_required"),
    ],
)
def test_an_assertion_must_be_in_order(
    signer: SandboxProcess, changes: dict[str, Any], error: str
) -> None:
    answer = token(signer, **changes)

    assert answer.status_code == 400
    assert error in answer.text


def test_nothing_is_told_without_a_token(signer: SandboxProcess) -> None:
    answer = signer.control.get(f"{ROOT}/envelopes", params={"from_date": "2020-01-01"})

    assert answer.status_code == 401
    assert answer.json()["errorCode"] == "AUTHORIZATION_INVALID_TOKEN"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"from_date": "soon"},
        {"from_date": "2020-01-01", "count": "0"},
        {"from_date": "2020-01-01", "start_position": "-1"},
        {"from_date": "2020-01-01", "order_by": "colour"},
    ],
)
def test_a_list_wants_proper_questions(signer: SandboxProcess, query: dict[str, str]) -> None:
    answer = get(signer, f"{ROOT}/envelopes", **query)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_REQUEST_PARAMETER")


def test_a_list_is_paged_and_says_where_it_goes_on(signer: SandboxProcess) -> None:
    ids = [plant(signer) for _ in range(3)]
    asked = {"from_date": "2020-01-01", "order": "asc", "count": "2"}
    first = get(signer, f"{ROOT}/envelopes", **asked).json()
    rest = get(signer, f"{ROOT}/envelopes", **asked, start_position="2").json()

    assert [one["envelopeId"] for one in first["envelopes"] + rest["envelopes"]] == ids
    assert (first["resultSetSize"], first["totalSetSize"]) == ("2", "3")
    assert "start_position=2" in first["nextUri"]
    assert rest["nextUri"] == ""


def test_drafts_are_listed_only_where_asked_for(signer: SandboxProcess) -> None:
    draft = plant(signer, status="created")
    asked = {"from_date": "2020-01-01"}

    assert "envelopes" not in get(signer, f"{ROOT}/envelopes", **asked).json()
    drafts = get(signer, f"{ROOT}/envelopes", **asked, status="created").json()
    assert [one["envelopeId"] for one in drafts["envelopes"]] == [draft]


def test_an_envelope_says_only_what_is_asked_for(signer: SandboxProcess) -> None:
    id = plant(signer)
    bare = get(signer, f"{ROOT}/envelopes/{id}").json()
    whole = get(signer, f"{ROOT}/envelopes/{id}", include="recipients,documents").json()

    assert "recipients" not in bare
    assert "envelopeDocuments" not in bare
    assert whole["recipients"]["signers"]
    assert whole["envelopeDocuments"]
    assert "customFields" not in whole


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/envelopes/00000000-0000-4000-8000-000000000000", 404, "ENVELOPE_DOES_NOT_EXIST"),
        ("/envelopes/7", 400, "INVALID_REQUEST_PARAMETER"),
    ],
)
def test_an_unknown_envelope_is_refused(
    signer: SandboxProcess, path: str, status: int, code: str
) -> None:
    answer = get(signer, ROOT + path)

    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


def test_another_account_is_refused(signer: SandboxProcess) -> None:
    path = "/docusign/restapi/v2.1/accounts/00000000-0000-4000-8000-000000000000"

    assert get(signer, path).json()["errorCode"] == "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"


def test_a_document_is_a_pdf(signer: SandboxProcess) -> None:
    id = plant(signer, documents=[{"name": "Order.pdf", "text": "Order"}])
    answer = get(signer, f"{ROOT}/envelopes/{id}/documents/1")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert b"(Order.pdf)" in answer.content


def test_a_pdf_says_where_its_objects_are() -> None:
    whole = pdf([["Grüße (1)", "\\ 漢"], ["two"]])
    table = int(whole.rsplit(b"startxref\n", 1)[1].split()[0])
    offsets = [int(row[:10]) for row in whole[table:].split(b"\n")[3:] if row.endswith(b" n ")]

    assert whole[table:].startswith(b"xref\n")
    for number, offset in enumerate(offsets, start=1):
        assert whole[offset:].startswith(b"%d 0 obj\n" % number)
    assert rb"Gr\374\337e \0501\051" in whole
    assert rb"\134 ?" in whole


@pytest.mark.parametrize("final", ["completed", "declined", "voided"])
def test_what_is_final_stays(signer: SandboxProcess, final: str) -> None:
    id = plant(signer, status=final, voidedReason="Superseded", declinedReason="No")
    for change in ({"status": "completed"}, {"emailSubject": "Other"}):
        with pytest.raises(RuntimeError, match="ENVELOPE_INVALID_STATUS"):
            signer.amend("docusign", "envelopes", id, change)


@pytest.mark.parametrize(
    "body",
    [
        {"status": "voided"},
        {"status": "lost"},
        {"colour": "red"},
        {"customFields": ["x"]},
    ],
)
def test_what_a_sender_cannot_do_leaves_nothing_behind(
    signer: SandboxProcess, body: dict[str, Any]
) -> None:
    with pytest.raises(RuntimeError, match="INVALID_REQUEST_PARAMETER"):
        plant(signer, **body)

    assert signer.records("docusign", "envelopes") == []


# -- Connect -----------------------------------------------------------------------------------


@pytest.fixture
def told(signer: SandboxProcess, receiver: Receiver) -> SandboxProcess:
    wanted = {"url": receiver.url, "secret": KEY}
    signer.control.put("/_sandbox/docusign/webhook", json=wanted).raise_for_status()
    return signer


def test_connect_signs_what_it_tells(told: SandboxProcess, receiver: Receiver) -> None:
    id = plant(told)
    headers, body = receiver.next()

    delivery = connect_signature(headers, body, [KEY], time.time())
    assert delivery.startswith(f"{id}:envelope-sent:")
    assert not [name for name in headers if name.startswith("webhook-")]
    with pytest.raises(NotAllowed):
        connect_signature(headers, body, [KEY[::-1]], time.time())


@pytest.mark.parametrize(
    ("change", "event"),
    [
        ({"status": "delivered"}, "envelope-delivered"),
        ({"status": "completed"}, "envelope-completed"),
        ({"status": "declined", "declinedReason": "No"}, "envelope-declined"),
        ({"status": "voided", "voidedReason": "Superseded"}, "envelope-voided"),
        ({"customFields": {"Contract Number": "7"}}, "envelope-corrected"),
    ],
)
def test_connect_tells_each_change(
    told: SandboxProcess, receiver: Receiver, change: dict[str, Any], event: str
) -> None:
    id = plant(told)
    receiver.next()
    told.amend("docusign", "envelopes", id, change)
    _, body = receiver.next()

    assert simplejson.loads(body)["event"] == event
    assert [one.agreement for one in reads_webhook(body)] == [id]


def test_nobody_is_told_of_a_draft(told: SandboxProcess, receiver: Receiver) -> None:
    plant(told, status="created")
    sent = plant(told)

    assert simplejson.loads(receiver.next()[1])["data"]["envelopeId"] == sent


def test_a_replay_has_the_id_that_is_known_already(
    told: SandboxProcess, receiver: Receiver
) -> None:
    plant(told)
    headers, body = receiver.next()
    again = {"body": simplejson.loads(body, use_decimal=True)}
    told.control.post("/_sandbox/docusign/push", json=again).raise_for_status()
    replayed = receiver.next()

    first = connect_signature(headers, body, [KEY], 0)
    assert connect_signature(*replayed, [KEY], 0) == first


def test_a_key_that_is_too_short_is_refused(signer: SandboxProcess) -> None:
    wanted = {"url": "http://127.0.0.1:9/hooks", "secret": "short"}

    assert signer.control.put("/_sandbox/docusign/webhook", json=wanted).status_code == 422
