"""What every adapter of the port `documents` must do, against a sandbox over real HTTP.

A vendor's test module subclasses `DocumentsContract` and gives it a `bench`.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import EffectConflict, SystemRefused
from fairlead.ports.documents import Documents


@dataclass(frozen=True)
class ShownFolder:
    """A folder as people now see it."""

    name: str
    editors: frozenset[str]  #: e-mail addresses of those who were let in


class Bench(ABC):
    """One system with its adapter, and a look behind the scenes."""

    documents: Documents
    people: tuple[str, str, str]  #: e-mail addresses that the system knows
    retention: str  #: a class that exists

    @abstractmethod
    def folder(self, ref: ExternalRef) -> ShownFolder: ...

    @abstractmethod
    def inside(self, folder: ExternalRef) -> list[str]:
        """The names of all documents in a folder."""

    @abstractmethod
    def count(self) -> int:
        """How many folders of engagements there are."""

    @abstractmethod
    def crowd(self, count: int) -> None:
        """People add so many folders of other names, without our key."""

    @abstractmethod
    def carry_again(self, ref: ExternalRef, key: EffectKey) -> None:
        """Another folder, or another document in the same folder, that carries the same key."""

    @abstractmethod
    def person_adds(self, folder: ExternalRef, *path: str) -> None:
        """A person puts a document into a folder: the names of folders below it, then its own."""

    @abstractmethod
    def unlabelled(self, folder: ExternalRef, key: EffectKey) -> None:
        """A document that carries our key, and has no retention class yet."""


KEY = EffectKey("T-H/handoff/006Au00000XyZ1AAI/2/create_folder/1")
#: Signed, with ends of lines, a NUL and letters that a text mode would change.
PDF = "%PDF-1.7\n\x00\r\n«Größe» 東京 🚀\r%%EOF\n".encode()


def key(number: int) -> EffectKey:
    """Keys of which one begins another: …/1 and …/10."""
    return EffectKey(f"T-H/handoff/006Au00000XyZ1AAI/2/file/{number}")


class DocumentsContract(ABC):
    @pytest.fixture
    @abstractmethod
    def bench(self) -> Bench: ...

    @pytest.fixture
    def made(self, bench: Bench) -> ExternalRef:
        return self.create(bench)

    def create(
        self,
        bench: Bench,
        *,
        code: str = "TH-2038",
        name: str = "Claims platform renewal",
        members: tuple[str, ...] | None = None,
        key: EffectKey = KEY,
    ) -> ExternalRef:
        known = bench.people[:2] if members is None else members
        return bench.documents.create_folder(code=code, name=name, members=known, key=key)

    def file(
        self,
        bench: Bench,
        folder: ExternalRef,
        *,
        key: EffectKey,
        name: str = "Statement of work.pdf",
        content: bytes = PDF,
        retention: str | None = None,
    ) -> ExternalRef:
        return bench.documents.file_document(
            folder,
            name=name,
            media_type="application/pdf",
            content=content,
            retention=retention or bench.retention,
            key=key,
        )

    def test_a_system_that_lets_us_in_answers_a_ping(self, bench: Bench) -> None:
        bench.documents.ping()

    # -- folders -----------------------------------------------------------------------------

    def test_a_folder_is_found_again_by_its_key(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.documents.find_folder(KEY) == made

    def test_a_key_that_was_never_used_finds_nothing(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.documents.find_folder(key(99)) is None
        assert bench.documents.find_document(made, key=key(99)) is None

    def test_a_folder_is_named_after_the_engagement(self, bench: Bench, made: ExternalRef) -> None:
        shown = bench.folder(made)
        assert "TH-2038" in shown.name
        assert "Claims platform renewal" in shown.name

    def test_those_who_are_let_in_may_edit(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.folder(made).editors == set(bench.people[:2])

    def test_a_member_may_be_named_twice(self, bench: Bench) -> None:
        person = bench.people[0]
        ref = self.create(bench, members=(person, person.upper(), person))
        assert bench.folder(ref).editors == {person}

    def test_a_folder_may_have_no_members_yet(self, bench: Bench) -> None:
        ref = self.create(bench, members=())
        assert bench.documents.find_folder(KEY) == ref

    @pytest.mark.parametrize(
        "name",
        [
            "Ångström & Søn — «Überführung» №1",
            "東京電力プロジェクト第二期",
            'Quotes " and \\ and <b>tags</b> & 100 % + #more: a/b? *. ',
            "🚀 " + "ß" * 298,
            "a" * 300,
            "'",
        ],
    )
    def test_whatever_the_name_the_folder_is_made_and_found(self, bench: Bench, name: str) -> None:
        ref = self.create(bench, name=name)
        assert bench.documents.find_folder(KEY) == ref
        assert "TH-2038" in bench.folder(ref).name

    def test_another_key_is_another_folder(self, bench: Bench, made: ExternalRef) -> None:
        other = self.create(bench, code="TH-2039", key=key(2))
        assert other != made
        assert bench.documents.find_folder(KEY) == made
        assert bench.documents.find_folder(key(2)) == other

    def test_keys_that_begin_one_another_are_kept_apart(self, bench: Bench) -> None:
        ten = self.create(bench, code="TH-10", key=key(10))
        assert bench.documents.find_folder(key(1)) is None
        one = self.create(bench, code="TH-1", key=key(1))
        assert bench.documents.find_folder(key(1)) == one
        assert bench.documents.find_folder(key(10)) == ten

    def test_keys_that_differ_in_case_are_kept_apart(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.documents.find_folder(EffectKey(KEY.lower())) is None

    def test_a_key_of_two_hundred_characters_is_found(self, bench: Bench) -> None:
        long = EffectKey("aZ9:/._~-" * 22 + "/1")
        ref = self.create(bench, key=long)
        assert bench.documents.find_folder(long) == ref
        assert bench.documents.find_folder(EffectKey(long[:-1] + "2")) is None

    def test_a_folder_is_found_among_many(self, bench: Bench, made: ExternalRef) -> None:
        bench.crowd(230)
        assert bench.documents.find_folder(KEY) == made
        assert bench.documents.find_folder(key(1)) is None

    def test_two_folders_with_one_key_are_a_conflict(self, bench: Bench, made: ExternalRef) -> None:
        bench.carry_again(made, KEY)
        with pytest.raises(EffectConflict):
            bench.documents.find_folder(KEY)

    def test_a_folder_has_an_address_for_people(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.documents.folder_url(made).startswith(("https://", "http://"))

    # -- documents ---------------------------------------------------------------------------

    def test_a_document_is_found_again_by_its_key(self, bench: Bench, made: ExternalRef) -> None:
        ref = self.file(bench, made, key=key(10))
        assert bench.documents.find_document(made, key=key(10)) == ref
        assert bench.documents.find_document(made, key=key(1)) is None

    def test_a_document_is_kept_as_it_was_sent(self, bench: Bench, made: ExternalRef) -> None:
        ref = self.file(bench, made, key=key(1))
        held = bench.documents.document(ref, kind="statement_of_work")
        assert (held.ref, held.kind) == (ref, "statement_of_work")
        assert held.sha256 == hashlib.sha256(PDF).hexdigest()
        assert held.size == len(PDF)
        assert held.media_type == "application/pdf"
        assert "Statement of work" in held.name
        assert held.retention == bench.retention
        assert held.url is not None
        assert abs(held.filed_at - datetime.now(UTC)) < timedelta(minutes=1)

    def test_a_large_document_is_kept_whole(self, bench: Bench, made: ExternalRef) -> None:
        content = bytes(range(128)) * 90_000  # 11.5 MB
        ref = self.file(bench, made, key=key(1), content=content)
        held = bench.documents.document(ref, kind="evidence")
        assert (held.sha256, held.size) == (hashlib.sha256(content).hexdigest(), len(content))

    @pytest.mark.parametrize(
        "name",
        ["Angebot — Größe «№1».pdf", "東京.pdf", 'a/b\\c:d*e?"f<g>h|i.pdf', "n" * 300 + ".pdf"],
    )
    def test_whatever_the_name_the_document_is_kept(
        self, bench: Bench, made: ExternalRef, name: str
    ) -> None:
        ref = self.file(bench, made, key=key(1), name=name)
        assert bench.documents.find_document(made, key=key(1)) == ref
        assert bench.documents.document(ref, kind="evidence").name.endswith(".pdf")

    def test_a_class_that_is_not_there_is_refused_by_name(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        with pytest.raises(SystemRefused, match="Forever and a day"):
            self.file(bench, made, key=key(1), retention="Forever and a day")
        assert bench.documents.find_document(made, key=key(1)) is None

    def test_once_the_class_is_there_the_document_is_finished_and_there_once(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        with pytest.raises(SystemRefused):
            self.file(bench, made, key=key(1), retention="Forever and a day")
        ref = self.file(bench, made, key=key(1))
        assert bench.documents.find_document(made, key=key(1)) == ref
        assert len(bench.inside(made)) == 1

    def test_a_document_without_its_class_is_not_found(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        bench.unlabelled(made, key(1))
        assert bench.documents.find_document(made, key=key(1)) is None

    def test_a_folder_and_its_document_may_share_a_key(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        ref = self.file(bench, made, key=KEY)
        assert bench.documents.find_document(made, key=KEY) == ref
        assert bench.documents.find_folder(KEY) == made

    def test_one_name_in_two_folders_is_two_documents(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        other = self.create(bench, code="TH-2039", key=key(2))
        one = self.file(bench, made, key=key(3))
        two = self.file(bench, other, key=key(4))
        assert one != two
        assert bench.documents.find_document(other, key=key(4)) == two

    def test_two_documents_with_one_key_are_a_conflict(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        ref = self.file(bench, made, key=key(1))
        bench.carry_again(ref, key(1))
        with pytest.raises(EffectConflict):
            bench.documents.find_document(made, key=key(1))

    def test_a_document_that_is_not_there_is_refused(self, bench: Bench, made: ExternalRef) -> None:
        nowhere = ExternalRef(system=made.system, kind="document", id="404")
        with pytest.raises(SystemRefused):
            bench.documents.document(nowhere, kind="evidence")

    def test_what_a_person_adds_is_told_with_its_folders(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        since = datetime.now(UTC)
        bench.person_adds(made, "Milestone 2", "Restore test.pdf")

        told = whole_pass(bench, since)
        placed = [bench.documents.placed(id) for id, _ in told]

        (found,) = [one for one in placed if one is not None]
        assert found.name == "Restore test.pdf"
        assert [above.name for above in found.folders[:1]] == ["Milestone 2"]
        assert found.folders[1].id == made.id
        assert (found.ref.id, found.revision) == told[0]

    def test_a_pass_of_several_pages_tells_all_and_the_next_begins_where_it_began(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        since = datetime.now(UTC)
        for number in range(60):
            bench.person_adds(made, f"{number}.txt")

        assert len(whole_pass(bench, since)) == 60
        assert whole_pass(bench, since) == whole_pass(bench, since)
        assert whole_pass(bench, datetime.now(UTC) + timedelta(minutes=1)) == []
        first = bench.documents.changed_since(since)
        assert since <= first.watermark <= datetime.now(UTC)

    def test_a_folder_and_what_is_gone_are_no_documents(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        assert bench.documents.placed("01NOSUCHITEM") is None
        assert bench.documents.placed(made.id) is None


def whole_pass(bench: Bench, since: datetime) -> list[tuple[str, str]]:
    """All documents that changed, with their states."""
    found: list[tuple[str, str]] = []
    cursor: str | None = None
    while True:
        page = bench.documents.changed_since(since, cursor)
        found += [(one.document, one.revision) for one in page.changes]
        cursor = page.next_cursor
        if cursor is None:
            return found
