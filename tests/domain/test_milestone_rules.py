"""How a milestone moves, what its acceptance binds, when a link is dead, what a file is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.milestone import (
    AcceptanceLink,
    Accepts,
    Evidence,
    EvidenceKind,
    Milestone,
    MilestoneState,
)
from fairlead.domain.rules.evidence_files import MOST_BYTES, media_type
from fairlead.domain.rules.milestones import (
    MILESTONE_MOVES,
    LinkEnd,
    digest,
    link_end,
    move,
    must_have_evidence,
    must_take_evidence,
    numbered,
    typed_name,
    web_link,
)
from fairlead.domain.values import Money
from fairlead.errors import IllegalMove, InvalidInput

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
S = MilestoneState


def a_piece(id: str = "v1", **changes: Any) -> Evidence:
    given: dict[str, Any] = {
        "id": id,
        "kind": EvidenceKind.UPLOAD,
        "name": "Handover.pdf",
        "digest": "ab" * 32,
        "added_by": "lea.fontaine",
        "added_at": NOW,
    }
    return Evidence.model_validate(given | changes)


def a_milestone(**changes: Any) -> Milestone:
    given: dict[str, Any] = {
        "id": UUID(int=1),
        "engagement": EngagementId("e1"),
        "number": 2,
        "name": "Design agreed",
        "amount": Money(amount=Decimal("27000.00"), currency="EUR"),
        "due_on": date(2026, 12, 15),
        "accepts": Accepts.CLIENT,
        "state": S.SUBMITTED,
        "submission": 1,
        "evidence": (a_piece(),),
    }
    return Milestone.model_validate(given | changes)


def a_link(milestone: Milestone, **changes: Any) -> AcceptanceLink:
    given: dict[str, Any] = {
        "milestone": milestone.id,
        "submission": milestone.submission,
        "digest": digest(milestone),
        "email": "uwe.kestrel@kestrel.example",
        "name": "Uwe Kestrel",
        "made_by": "lea.fontaine",
        "made_at": NOW,
        "expires_at": NOW + timedelta(days=14),
    }
    return AcceptanceLink.model_validate(given | changes)


@given(st.sampled_from(S), st.sampled_from(S))
def test_only_legal_moves_are_made(one: S, other: S) -> None:
    if (one, other) in MILESTONE_MOVES:
        move(a_milestone(state=one), other)
    else:
        with pytest.raises(IllegalMove):
            move(a_milestone(state=one), other)


def test_what_is_accepted_stays_accepted() -> None:
    assert not any(before is S.ACCEPTED for before, _ in MILESTONE_MOVES)


def test_nothing_is_accepted_without_evidence() -> None:
    with pytest.raises(InvalidInput, match="no evidence"):
        must_have_evidence(a_milestone(evidence=()))


@pytest.mark.parametrize("state", [S.SUBMITTED, S.ACCEPTED])
def test_what_somebody_is_asked_about_keeps_its_evidence(state: S) -> None:
    with pytest.raises(IllegalMove):
        must_take_evidence(a_milestone(state=state))


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Design"},
        {"number": 3},
        {"amount": Money(amount=Decimal("27000.01"), currency="EUR")},
        {"amount": Money(amount=Decimal("27000.00"), currency="USD")},
        {"due_on": date(2026, 12, 16)},
        {"clause": "4.2"},
        {"evidence": ()},
        {"evidence": (a_piece(digest="cd" * 32),)},
        {"evidence": (a_piece(), a_piece("v2"))},
        {"evidence": (a_piece(kind="link", digest=None, url="https://client.example/a"),)},
    ],
    ids=str,
)
def test_the_digest_binds_milestone_and_evidence(changed: dict[str, Any]) -> None:
    assert digest(a_milestone(**changed)) != digest(a_milestone())


def test_the_digest_does_not_mind_state_order_or_zeros() -> None:
    two = (a_piece("v1"), a_piece("v2"))
    plain = Money(amount=Decimal(27000), currency="EUR")
    told = a_milestone(evidence=two, amount=plain, state=S.ACCEPTED, version=9, region="EMEA")
    assert digest(told) == digest(a_milestone(evidence=two[::-1]))


def test_a_fresh_link_decides() -> None:
    milestone = a_milestone()
    assert link_end(a_link(milestone), milestone, NOW) is None


@pytest.mark.parametrize(
    ("link", "milestone", "end"),
    [
        ({"used_at": NOW}, {"state": S.ACCEPTED}, LinkEnd.USED),
        ({"used_at": NOW - timedelta(days=89)}, {"state": S.ACCEPTED}, LinkEnd.USED),
        ({"used_at": NOW - timedelta(days=90)}, {"state": S.ACCEPTED}, LinkEnd.EXPIRED),
        ({"withdrawn_at": NOW}, {}, LinkEnd.WITHDRAWN),
        ({}, {"state": S.ACCEPTED}, LinkEnd.DECIDED),
        ({}, {"state": S.SENT_BACK}, LinkEnd.DECIDED),
        ({}, {"state": S.PLANNED}, LinkEnd.CHANGED),
        ({}, {"submission": 2}, LinkEnd.CHANGED),
        ({}, {"amount": Money(amount=Decimal(1), currency="EUR")}, LinkEnd.CHANGED),
        ({}, {"evidence": ()}, LinkEnd.CHANGED),
        ({"expires_at": NOW}, {}, LinkEnd.EXPIRED),
        ({"expires_at": NOW + timedelta(microseconds=1)}, {}, None),
    ],
    ids=str,
)
def test_a_link_is_dead_for_a_reason(
    link: dict[str, Any], milestone: dict[str, Any], end: LinkEnd | None
) -> None:
    assert link_end(a_link(a_milestone(), **link), a_milestone(**milestone), NOW) is end


@pytest.mark.parametrize(
    "name",
    ["Uwe Kestrel", "田中 恵子", "Ayọ̀ Brandt", "محمد بن سلمان", "O’Neil-Ås, Jr.", "नमन\u200dकौर"],
)
def test_names_of_the_world_are_taken(name: str) -> None:
    assert typed_name(f"  {name} ")


@pytest.mark.parametrize(
    "name", ["", " ", "…", "a\u202eb", "a\0b", "x" * 121, "\ud800", "a\u2066b"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        typed_name(name)


def test_a_name_is_composed_and_on_one_line() -> None:
    assert typed_name("Ame\u0301lie\n  Roux") == "Am\u00e9lie Roux"


@pytest.mark.parametrize("url", ["https://client.example/a?b=1#c", "http://[2001:db8::1]:8080/x"])
def test_web_addresses_are_links(url: str) -> None:
    assert web_link(f" {url}\n") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "client.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://client.example",
        "//client.example",
        "https://",
        "https:///a",
        "https://name:word@client.example/",
        "https://client.example\\@other.example/",
        "https://client.example/a b",
        "https://client.example/\u202e",
        "https://[::1",
        "https://client.example:99999/",
        "https://client.example/" + "x" * 2000,
    ],
)
def test_everything_else_is_none(url: str) -> None:
    with pytest.raises(InvalidInput):
        web_link(url)


def a_package(*names: str, mimetype: bytes = b"") -> bytes:
    made = BytesIO()
    with ZipFile(made, "w") as package:
        for name in names:
            package.writestr(name, mimetype if name == "mimetype" else b"<x/>")
    return made.getvalue()


ODT = b"application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        ("Abgenommen – 設計\n".encode(), "text/plain"),
        (b"<script>alert(1)</script>", "text/plain"),  # shown as text, so it runs nowhere
        (
            a_package("[Content_Types].xml", "word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            a_package("[Content_Types].xml", "xl/workbook.xml"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (a_package("mimetype", "content.xml", mimetype=ODT), ODT.decode()),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_a_file_is_what_its_bytes_say(content: bytes, kind: str) -> None:
    assert media_type(content) == kind


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"MZ\x90\0\x03", id="a-program"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", id="an-old-office-file"),
        pytest.param(b"GIF89a\0\0", id="another-picture"),
        pytest.param(b"text\0with a null", id="a-null-in-text"),
        pytest.param(b"\xff\xfe\x00", id="no-utf-8"),
        pytest.param(a_package("a.exe"), id="a-plain-archive"),
        pytest.param(
            a_package("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
            id="with-macros",
        ),
        pytest.param(
            a_package("[Content_Types].xml", "word/a.xml", "xl/b.xml"), id="two-kinds-at-once"
        ),
        pytest.param(a_package("mimetype", mimetype=b"text/html"), id="a-package-of-another-kind"),
        pytest.param(b"PK\x03\x04" + b"\0" * 40, id="a-broken-archive"),
        pytest.param(b"%PDF-" + b"x" * MOST_BYTES, id="too-large"),
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        media_type(content)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_look_at_them(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04"):
        try:
            media_type(start + content)
        except InvalidInput:
            continue


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Milestone 2", 2),
        ("M02_Handover.pdf", 2),
        ("ms-12 Go live.docx", 12),
        ("MILESTONE #3.pdf", 3),
        ("m1", 1),
        ("M2b.pdf", None),
        ("Minutes 2.pdf", None),
        ("Handover M2.pdf", None),
        ("M.pdf", None),
        ("m999999", None),
        ("M²", None),
        ("", None),
    ],
)
def test_a_name_tells_its_milestone_by_convention(name: str, number: int | None) -> None:
    assert numbered(name, ["milestone", "ms", "m"]) == number
