"""DocuSign: the port's contract, Connect's messages, and each trouble mapped to its error."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import simplejson
from contract_contracts import LONG_AGO, Bench, ContractsContract, read, whole_pass
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.docusign.adapter import DocusignContracts
from fairlead.connectors.docusign.answers import Envelope
from fairlead.connectors.docusign.declaration import CONNECTOR
from fairlead.connectors.docusign.reading import Unreadable, instant, read_agreement, stamp
from fairlead.connectors.docusign.settings import DocusignSettings
from fairlead.connectors.docusign.sign_in import sign_in
from fairlead.connectors.docusign.webhook import connect_signature, reads_webhook
from fairlead.connectors.kit.declaration import Reads
from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.domain.model.agreement import AgreementStatus
from fairlead.domain.values import Money
from fairlead.errors import (
    InvalidInput,
    NotAllowed,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.contracts import Contracts
from fairlead.sandbox.process import SandboxProcess

SYSTEM = "docusign"
FIXTURES = Path(__file__).parents[2] / "src/fairlead/connectors/docusign/fixtures"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
OLD_KEY, NEW_KEY = "h7VQW0Jc5cD1rVnqv2bT4eX9", "Zk3mN8pR2sT6uW1yA5bC7dE0"
Change = Callable[[dict[str, Any]], None]


def adapter(
    settings: Mapping[str, Any], mapping: Mapping[str, Any] | None = None
) -> DocusignContracts:
    given = DocusignSettings.model_validate({"page_size": 2, "poll_overlap_s": 0, **settings})
    http = Http(SYSTEM, str(given.base_url), total_timeout_s=given.total_timeout_s)
    signed_in = http.with_sign_in(sign_in(SYSTEM, given, http))
    fields = FieldMap.load(CONNECTOR.mapping, changes=mapping)
    return DocusignContracts(SYSTEM, given, signed_in, fields)


class DocusignBench(Bench):
    unknown = UNKNOWN

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.contracts: Contracts = adapter(sandbox.client_settings(SYSTEM))

    def draft(self) -> str:
        return self.plant(status="created")

    def send(self, *, number: str | None = None, value: Money | None = None) -> str:
        told: dict[str, str] = {}
        if number is not None:
            told["Contract Number"] = number
        if value is not None:
            told["Contract Value"] = format(value.amount, "f")
            told["Contract Currency"] = value.currency
        return self.plant(customFields=told)

    def sign(self, id: str) -> None:
        self.sandbox.amend(SYSTEM, "envelopes", id, {"status": "completed"})

    def decline(self, id: str, because: str) -> None:
        refusal = {"status": "declined", "declinedReason": because}
        self.sandbox.amend(SYSTEM, "envelopes", id, refusal)

    def void(self, id: str, because: str) -> None:
        self.sandbox.amend(SYSTEM, "envelopes", id, {"status": "voided", "voidedReason": because})

    def plant(self, **body: Any) -> str:
        given = {
            "emailSubject": "Statement of work: claims platform",
            "recipients": {
                "signers": [
                    {"name": "Ada Okafor", "email": "ada.okafor@client.example"},
                    {"name": "Jörg Müller", "email": "joerg.mueller@tarn-holloway.example"},
                ]
            },
            "documents": [
                {"name": "Statement of Work.pdf", "text": "Claims platform renewal (phase 1)"},
                {"name": "Terms.pdf", "text": "Zürich \\ 漢字"},
            ],
        }
        return str(self.sandbox.plant(SYSTEM, "envelopes", given | body)["id"])


@pytest.fixture
def bench(sandbox: SandboxProcess) -> Iterator[DocusignBench]:
    sandbox.clear()
    yield DocusignBench(sandbox)
    sandbox.faults(SYSTEM)


class TestContract(ContractsContract):
    @pytest.fixture
    def bench(self, sandbox: SandboxProcess) -> Bench:
        sandbox.clear()
        return DocusignBench(sandbox)


# -- what is DocuSign's own --------------------------------------------------------------------


def test_every_method_of_the_port_is_declared_as_reading() -> None:
    methods = {name for name in vars(Contracts) if not name.startswith("_")}

    assert set(CONNECTOR.operations) == {f"contracts.{name}" for name in methods}
    assert all(isinstance(one, Reads) for one in CONNECTOR.operations.values())


def test_all_documents_come_as_one_file_too(bench: DocusignBench) -> None:
    whole = bench.contracts.document(bench.send(), "combined")

    assert whole.count(b"/Type /Page ") == 2


def test_an_id_in_upper_case_names_the_same_envelope(bench: DocusignBench) -> None:
    id = bench.send()

    assert read(bench, id.upper()) == read(bench, id)


def test_a_firm_may_call_its_custom_fields_otherwise(bench: DocusignBench) -> None:
    id = bench.plant(customFields={"Vertragsnr.": "V-1", "Vertragsnummer": "V-2"})
    renamed = {"custom_fields": {"number": "Vertragsnummer"}}
    contracts = adapter(bench.sandbox.client_settings(SYSTEM), renamed)
    found = contracts.agreement(id)

    assert found is not None
    assert found.number == "V-2"


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"Contract Value": "184,250.00", "Contract Currency": "GBP"}, "Contract Value"),
        ({"Contract Value": "1e999999999", "Contract Currency": "GBP"}, "value"),
        ({"Contract Value": "10"}, "currency"),
        ({"Contract Value": "10", "Contract Currency": "pounds"}, "currency"),
    ],
)
def test_a_value_that_is_not_clear_is_refused(
    bench: DocusignBench, told: dict[str, str], named: str
) -> None:
    id = bench.plant(customFields=told)
    with pytest.raises(SystemRefused, match=named):
        bench.contracts.agreement(id)


@pytest.mark.parametrize(
    ("told", "deal"),
    [
        (
            {"Fairlead CRM": "salesforce-emea", "Fairlead Opportunity": "006000000000001AAA"},
            "salesforce-emea/opportunity/006000000000001AAA",
        ),
        ({"Fairlead Opportunity": "006000000000001AAA"}, None),
        ({"Fairlead CRM": "salesforce-emea", "Fairlead Opportunity": " "}, None),
        ({}, None),
    ],
)
def test_an_envelope_names_its_deal_where_both_its_crm_and_its_id_are_told(
    bench: DocusignBench, told: dict[str, str], deal: str | None
) -> None:
    """F003."""
    found = bench.contracts.agreement(bench.plant(customFields=told))

    assert found is not None
    assert (str(found.deal) if found.deal else None) == deal


def test_a_deal_that_cannot_be_one_is_refused_by_name(bench: DocusignBench) -> None:
    id = bench.plant(customFields={"Fairlead CRM": "x" * 81, "Fairlead Opportunity": "006"})
    with pytest.raises(SystemRefused, match="the deal's CRM or id"):
        bench.contracts.agreement(id)


def test_drafts_are_read_but_no_poll_tells_them(bench: DocusignBench) -> None:
    bench.draft()

    assert whole_pass(bench.contracts, LONG_AGO)[0] == []


def test_the_next_poll_starts_at_the_newest_change(bench: DocusignBench) -> None:
    ids = [bench.send() for _ in range(5)]
    _, watermark = whole_pass(bench.contracts, LONG_AGO)
    again, _ = whole_pass(bench.contracts, watermark)

    assert [change.agreement for change in again] == [ids[-1]]


def test_a_poll_looks_back_by_the_overlap(bench: DocusignBench) -> None:
    bench.send()
    settings = {**bench.sandbox.client_settings(SYSTEM), "poll_overlap_s": 90}
    [change], watermark = whole_pass(adapter(settings), LONG_AGO)

    assert watermark == change.at - timedelta(seconds=90)


def test_a_list_that_gets_shorter_is_told_from_the_start(bench: DocusignBench) -> None:
    ids = [bench.send() for _ in range(5)]
    first = bench.contracts.changed_since(LONG_AGO)
    bench.sandbox.control.delete(f"/_sandbox/{SYSTEM}/records/envelopes/{ids[4]}")
    rest, _ = whole_pass(bench.contracts, LONG_AGO, first.next_cursor)

    assert {change.agreement for change in rest} == set(ids[:4])


@pytest.mark.parametrize("cursor", ["", "page 2", "1|2", "2|5|soon"])
def test_a_cursor_that_is_not_ours_begins_the_pass_again(bench: DocusignBench, cursor: str) -> None:
    ids = [bench.send() for _ in range(3)]

    assert {one.agreement for one in whole_pass(bench.contracts, LONG_AGO, cursor)[0]} == set(ids)


def test_another_account_is_refused(bench: DocusignBench) -> None:
    settings = {**bench.sandbox.client_settings(SYSTEM), "account_id": UNKNOWN}
    with pytest.raises(SystemRefused, match="USER_DOES_NOT_BELONG"):
        adapter(settings).ping()


@pytest.mark.parametrize(
    ("settings", "root"),
    [
        ({"base_url": "https://eu.docusign.net"}, "https://account.docusign.com"),
        (
            {"base_url": "https://demo.docusign.net", "audience": "account-d.docusign.com"},
            "https://account-d.docusign.com",
        ),
        ({"base_url": "http://127.0.0.1:8700/docusign"}, "http://127.0.0.1:8700/docusign"),
        ({"base_url": "https://docusign.net.evil.example"}, "https://docusign.net.evil.example"),
        (
            {"base_url": "https://eu.docusign.net", "sign_in_url": "https://sign.example/"},
            "https://sign.example",
        ),
    ],
)
def test_it_signs_in_where_the_account_is(settings: dict[str, str], root: str) -> None:
    ids = dict.fromkeys(("account_id", "integration_key", "user_id"), UNKNOWN)

    assert (
        DocusignSettings.model_validate({**ids, "private_key": "-", **settings}).sign_in_root
        == root
    )


# -- reading, without a system -----------------------------------------------------------------


def fixture(name: str) -> dict[str, Any]:
    return simplejson.loads((FIXTURES / name).read_text("utf-8"), use_decimal=True)


def agreement_of(said: dict[str, Any]) -> Any:
    fields = FieldMap.load(CONNECTOR.mapping)
    return read_agreement(SYSTEM, fields, Envelope.model_validate(said))


def test_the_documented_envelope_is_read_whole() -> None:
    found = agreement_of(fixture("envelope_completed.json"))

    assert str(found.ref) == "docusign/envelope/2f1b5c3e-8d7a-4e21-9c40-6a5d0e7b1c22"
    assert found.status is AgreementStatus.SIGNED
    assert found.number == "TH-C-2038"
    assert found.value == Money(amount=Decimal("184250.00"), currency="GBP")
    assert found.signed_at == datetime(2026, 2, 16, 10, 5, 48, 414774, UTC)
    assert found.revision == "2026-02-16T10:05:49.200000Z"
    assert [signer.name for signer in found.signers] == ["Ada Okafor", "Bea Lindqvist"]
    assert [document.id for document in found.documents] == ["1", "certificate"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "on fire"}, "status"),
        ({"completedDateTime": None}, "completedDateTime"),
        ({"statusChangedDateTime": "16/02/2026"}, "statusChangedDateTime"),
        ({"sentDateTime": "2026-02-16T10:05:48"}, "sentDateTime"),
        ({"sentDateTime": "0001-01-01T00:00:00+10:00"}, "sentDateTime"),
    ],
)
def test_what_contradicts_itself_is_not_read(change: dict[str, Any], named: str) -> None:
    with pytest.raises((Unreadable, MappingTrouble), match=named):
        agreement_of(fixture("envelope_completed.json") | change)


def test_every_status_that_docusign_documents_is_known() -> None:
    said = fixture("envelope_completed.json")
    seen = {
        status: agreement_of(said | {"status": status}).status
        for status in ("created", "sent", "delivered", "signed", "completed", "declined", "voided")
    }

    assert seen["created"] is AgreementStatus.DRAFT
    assert [seen[one] for one in ("sent", "delivered", "signed")] == [AgreementStatus.SENT] * 3
    assert seen["completed"] is AgreementStatus.SIGNED
    assert seen["declined"] is AgreementStatus.DECLINED
    assert seen["voided"] is AgreementStatus.VOIDED


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stamps_compare_as_their_times_do(first: datetime, second: datetime) -> None:
    assert (stamp(first) < stamp(second)) == (first < second)
    assert instant(stamp(first), "at") == first


# -- Connect -----------------------------------------------------------------------------------


def message(**changes: Any) -> bytes:
    said = fixture("connect_envelope_completed.json")
    return simplejson.dumps(said | changes, use_decimal=True).encode()


def signature(body: bytes, key: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def test_a_signed_message_is_taken_and_named() -> None:
    body = message()
    headers = {"x-docusign-signature-1": signature(body, NEW_KEY)}

    assert connect_signature(headers, body, [NEW_KEY], 0) == (
        "2f1b5c3e-8d7a-4e21-9c40-6a5d0e7b1c22:envelope-completed:2026-02-16T10:05:48.4147743Z:"
    )


@pytest.mark.parametrize(
    ("signed_with", "accepted"),
    [
        ([OLD_KEY, NEW_KEY], [NEW_KEY]),
        ([OLD_KEY], [NEW_KEY, OLD_KEY]),
        ([NEW_KEY, OLD_KEY], [NEW_KEY, "a key of another account"]),
        ([OLD_KEY, NEW_KEY], [OLD_KEY, NEW_KEY]),
    ],
)
def test_keys_can_be_exchanged_one_by_one(signed_with: list[str], accepted: list[str]) -> None:
    body = message()
    headers = {
        f"x-docusign-signature-{nr}": signature(body, key)
        for nr, key in enumerate(signed_with, start=1)
    }

    assert connect_signature(headers, body, accepted, 0)


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        pytest.param({}, [NEW_KEY], id="unsigned"),
        pytest.param({"x-docusign-signature-1": ""}, [NEW_KEY], id="empty"),
        pytest.param({"x-docusign-signature-1": "ü"}, [NEW_KEY], id="not-ascii"),
        pytest.param({"x-docusign-signature": "good"}, [NEW_KEY], id="other-header"),
        pytest.param({"x-docusign-signature-1": "other"}, [NEW_KEY], id="other-key"),
        pytest.param({"x-docusign-signature-1": "good"}, [], id="no-secret"),
        pytest.param({"x-docusign-signature-1": "weak"}, [""], id="empty-secret"),
    ],
)
def test_a_message_that_is_not_signed_is_refused(
    headers: dict[str, str], secrets: list[str]
) -> None:
    body = message()
    made = {"good": NEW_KEY, "other": OLD_KEY, "weak": ""}
    given = {
        name: signature(body, made[value]) if value in made else value
        for name, value in headers.items()
    }
    with pytest.raises(NotAllowed):
        connect_signature(given, body, secrets, 0)


def test_so_many_signatures_are_no_rotation() -> None:
    body = message()
    crowd = ",".join([signature(body, OLD_KEY)] * 100 + [signature(body, NEW_KEY)])
    with pytest.raises(NotAllowed):
        connect_signature({"x-docusign-signature-1": crowd}, body, [NEW_KEY], 0)


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_no_bit_of_a_body_can_be_changed(at: int, bit: int) -> None:
    body = message()
    forged = bytearray(body)
    forged[at % len(forged)] ^= 1 << bit
    with pytest.raises(NotAllowed):
        connect_signature(
            {"x-docusign-signature-1": signature(body, NEW_KEY)}, bytes(forged), [NEW_KEY], 0
        )


def delivery(body: bytes) -> str:
    return connect_signature(
        {"x-docusign-signature-1": signature(body, NEW_KEY)}, body, [NEW_KEY], 0
    )


def test_a_message_keeps_its_id_over_retries() -> None:
    assert delivery(message()) == delivery(message(retryCount=3))


def test_messages_of_parallel_signers_have_ids_of_their_own() -> None:
    data = fixture("connect_envelope_completed.json")["data"]
    ids = {
        delivery(message(event="recipient-sent", data={**data, "recipientId": recipient}))
        for recipient in ("1", "2")
    }

    assert len(ids) == 2


def test_a_genuine_message_of_a_wrong_shape_has_an_id() -> None:
    assert delivery(b"not json") == delivery(b"not json") != delivery(b"[]")


def test_a_message_tells_which_envelope_changed() -> None:
    [change] = reads_webhook(message())

    assert change.agreement == "2f1b5c3e-8d7a-4e21-9c40-6a5d0e7b1c22"
    assert change.at == datetime(2026, 2, 16, 10, 5, 48, 414774, UTC)
    assert change.revision == agreement_of(fixture("envelope_completed.json")).revision


def test_a_message_without_a_summary_tells_it_too() -> None:
    data = fixture("connect_envelope_completed.json")["data"]
    del data["envelopeSummary"]
    [change] = reads_webhook(message(data=data))

    assert change.revision == "2026-02-16T10:05:48.414774Z"


@pytest.mark.parametrize(
    "body",
    [
        message(event="recipient-sent"),
        message(event="envelope-purge"),
        message(event="template-created", data={"templateId": "1"}),
        b'{"event": "click-agreed"}',
    ],
)
def test_events_of_no_interest_give_nothing(body: bytes) -> None:
    assert list(reads_webhook(body)) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"not json", ""),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
        (b"[]", ""),
        (b"{}", "/event"),
        (b'{"event": 1}', "/event"),
        (message(data=None), "/data"),
        (message(data={"envelopeId": "x"}), "/data/envelopeId"),
        (message(generatedDateTime=None), "/generatedDateTime"),
        (
            message(data={"envelopeId": UNKNOWN}, generatedDateTime="2026-13-45T99:00:00Z"),
            "",
        ),
        (
            message(
                data={"envelopeId": UNKNOWN, "envelopeSummary": {"statusChangedDateTime": "soon"}}
            ),
            "",
        ),
        (
            message(data={"envelopeId": UNKNOWN, "envelopeSummary": {"statusChangedDateTime": 7}}),
            "/statusChangedDateTime",
        ),
    ],
)
def test_a_wrong_shape_is_named(body: bytes, pointer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        reads_webhook(body)

    assert pointer in {problem.pointer for problem in caught.value.problems}


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    try:
        reads_webhook(body)
    except InvalidInput:
        return


# -- trouble -----------------------------------------------------------------------------------

READS: dict[str, Callable[[Contracts, str], object]] = {
    "envelopes.get": lambda contracts, id: contracts.agreement(id),
    "envelopes.list": lambda contracts, id: contracts.changed_since(LONG_AGO),
    "documents.get": lambda contracts, id: contracts.document(id, "1"),
}
LIMITED = {"errorCode": "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", "message": "Too many."}
TROUBLE: list[tuple[str, dict[str, Any], type[SystemTrouble]]] = [
    ("429-seconds", {"kind": "rate_limit", "retry_after": 7}, Throttled),
    ("429-date", {"kind": "rate_limit", "retry_after": "date"}, Throttled),
    ("429-none", {"kind": "rate_limit", "retry_after": "none"}, Throttled),
    ("limit-as-400", {"kind": "status", "status": 400, "body": LIMITED}, Throttled),
    ("down", {"kind": "down"}, SystemUnavailable),
    ("503", {"kind": "status", "status": 503}, SystemUnavailable),
    ("502", {"kind": "status", "status": 502}, SystemUnavailable),
    ("403", {"kind": "status", "status": 403}, SystemRefused),
    ("404-of-a-proxy", {"kind": "status", "status": 404}, SystemRefused),
    ("lost-request", {"kind": "lose_request"}, SystemUnavailable),
    ("lost-answer", {"kind": "lose_answer"}, SystemUnavailable),
    ("cut", {"kind": "half_answer", "how": "cut"}, SystemUnavailable),
    ("broken-chunk", {"kind": "half_answer", "how": "chunk"}, SystemUnavailable),
    ("broken-gzip", {"kind": "half_answer", "how": "gzip"}, SystemUnavailable),
    ("bad-json", {"kind": "bad_json"}, SystemUnavailable),
    ("html", {"kind": "html"}, SystemUnavailable),
]


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(
    ("rule", "error"), [pytest.param(rule, error, id=id) for id, rule, error in TROUBLE]
)
def test_each_trouble_is_the_right_error(
    bench: DocusignBench, operation: str, rule: dict[str, Any], error: type[SystemTrouble]
) -> None:
    id = bench.send()
    bench.sandbox.faults(SYSTEM, {**rule, "match": {"operation": operation}})
    with pytest.raises(SystemTrouble) as caught:
        READS[operation](bench.contracts, id)

    assert type(caught.value) is error
    if rule.get("retry_after") == 7:
        assert caught.value.retry_after == timedelta(seconds=7)
    bench.sandbox.faults(SYSTEM)
    READS[operation](bench.contracts, id)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("envelopes.get", SystemRefused),
        ("envelopes.list", SystemRefused),
        ("documents.get", SystemUnavailable),  # JSON is no PDF: a proxy's, perhaps
    ],
)
def test_an_error_in_a_success_is_none(
    bench: DocusignBench, operation: str, error: type[SystemTrouble]
) -> None:
    id = bench.send()
    bench.sandbox.faults(SYSTEM, {"kind": "wrong_success", "match": {"operation": operation}})
    with pytest.raises(SystemTrouble) as caught:
        READS[operation](bench.contracts, id)

    assert type(caught.value) is error


def test_an_unknown_envelope_is_none_whatever_the_status(bench: DocusignBench) -> None:
    said = {"errorCode": "ENVELOPE_DOES_NOT_EXIST", "message": "There is none."}
    rule = {"kind": "status", "status": 400, "body": said}
    bench.sandbox.faults(SYSTEM, {**rule, "match": {"operation": "envelopes.get"}})

    assert bench.contracts.agreement(UNKNOWN) is None


@pytest.mark.parametrize("at", ["status", "statusChangedDateTime", "recipients"])
def test_a_changed_shape_is_refused_by_name(bench: DocusignBench, at: str) -> None:
    id = bench.send()
    rule = {"kind": "drift", "how": "rename", "at": at, "to": "renamed"}
    bench.sandbox.faults(SYSTEM, {**rule, "match": {"operation": "envelopes.get"}})
    with pytest.raises(SystemRefused, match=at):
        bench.contracts.agreement(id)


def test_a_page_that_lacks_envelopes_is_not_taken_for_whole(bench: DocusignBench) -> None:
    for _ in range(3):
        bench.send()
    rule = {"kind": "partial_page", "at": "envelopes", "keep": 1}
    bench.sandbox.faults(SYSTEM, {**rule, "match": {"operation": "envelopes.list"}})
    with pytest.raises(SystemUnavailable, match="told 1"):
        bench.contracts.changed_since(LONG_AGO)


def tokens_fetched(sandbox: SandboxProcess) -> int:
    last = sandbox.calls(SYSTEM)["last"]
    return sum(call["operation"] == "oauth.token" for call in last)


def test_an_expired_token_is_renewed_once(bench: DocusignBench) -> None:
    id = bench.send()
    bench.contracts.ping()
    bench.sandbox.faults(SYSTEM, {"kind": "expire_tokens"})

    assert bench.contracts.agreement(id) is not None
    assert tokens_fetched(bench.sandbox) == 2


def test_one_token_serves_many_calls(bench: DocusignBench) -> None:
    for _ in range(3):
        bench.contracts.ping()

    assert tokens_fetched(bench.sandbox) == 1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("user_id", UNKNOWN, "user_not_found"),
        ("integration_key", UNKNOWN, "issuer_not_found"),
        ("audience", "account.docusign.com", "no_valid_keys_or_signatures"),
        ("private_key", "not a key", "not an RSA key"),
    ],
)
def test_a_refused_sign_in_means_nothing_was_done(
    bench: DocusignBench, name: str, value: str, said: str
) -> None:
    settings = {**bench.sandbox.client_settings(SYSTEM), name: value}
    with pytest.raises(SystemUnavailable, match=said) as caught:
        adapter(settings).ping()

    assert settings["private_key"] not in str(caught.value)
