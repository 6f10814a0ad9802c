"""What every adapter of the port `contracts` must do, against a sandbox over real HTTP.

A vendor's test module subclasses `ContractsContract` and gives it a `bench`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fairlead.domain.model.agreement import Agreement, AgreementStatus
from fairlead.domain.values import Money
from fairlead.errors import SystemRefused
from fairlead.ports.contracts import AgreementChanged, Contracts

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
VALUE = Money(amount=Decimal("184250.00"), currency="GBP")


class Bench(ABC):
    """One system with its adapter, which asks for two agreements a page, and what people do."""

    contracts: Contracts
    unknown: str  #: the id of no agreement, though it might be one

    @abstractmethod
    def draft(self) -> str:
        """Somebody prepares an agreement; its id."""

    @abstractmethod
    def send(self, *, number: str | None = None, value: Money | None = None) -> str:
        """Somebody sends an agreement of two documents to two signers; its id."""

    @abstractmethod
    def sign(self, id: str) -> None: ...

    @abstractmethod
    def decline(self, id: str, because: str) -> None: ...

    @abstractmethod
    def void(self, id: str, because: str) -> None: ...


class ContractsContract:
    @pytest.fixture
    def bench(self) -> Bench:
        raise NotImplementedError

    def test_it_answers_a_ping(self, bench: Bench) -> None:
        bench.contracts.ping()

    def test_a_draft_is_neither_sent_nor_signed(self, bench: Bench) -> None:
        found = read(bench, bench.draft())

        assert found.status is AgreementStatus.DRAFT
        assert (found.sent_at, found.signed_at) == (None, None)

    def test_what_was_sent_waits_for_its_signers(self, bench: Bench) -> None:
        found = read(bench, bench.send())

        assert found.status is AgreementStatus.SENT
        assert found.sent_at is not None
        assert found.signed_at is None
        assert len(found.signers) == 2
        assert all(signer.signed_at is None for signer in found.signers)

    def test_what_everybody_signed_says_when(self, bench: Bench) -> None:
        id = bench.send()
        before = datetime.now(UTC)
        bench.sign(id)
        found = read(bench, id)

        assert found.status is AgreementStatus.SIGNED
        assert found.because is None
        assert found.signed_at is not None
        assert before - timedelta(seconds=1) <= found.signed_at <= datetime.now(UTC)
        assert all(signer.signed_at is not None for signer in found.signers)

    def test_what_was_declined_says_why(self, bench: Bench) -> None:
        id = bench.send()
        bench.decline(id, "The cap is missing.")
        found = read(bench, id)

        assert (found.status, found.because) == (AgreementStatus.DECLINED, "The cap is missing.")
        assert found.signed_at is None

    def test_what_was_voided_says_why(self, bench: Bench) -> None:
        id = bench.send()
        bench.void(id, "Superseded by a new order form.")
        found = read(bench, id)

        assert found.status is AgreementStatus.VOIDED
        assert found.because == "Superseded by a new order form."
        assert found.signed_at is None

    def test_it_tells_the_contracts_number_and_value(self, bench: Bench) -> None:
        found = read(bench, bench.send(number="TH-C-2038", value=VALUE))

        assert (found.number, found.value) == ("TH-C-2038", VALUE)

    def test_without_number_and_value_it_makes_none_up(self, bench: Bench) -> None:
        found = read(bench, bench.send())

        assert (found.number, found.value) == (None, None)

    def test_an_unknown_agreement_is_none(self, bench: Bench) -> None:
        assert bench.contracts.agreement(bench.unknown) is None

    @pytest.mark.parametrize("id", ["", "1/2", "../accounts", "x" * 400, "ü?&"])
    def test_what_cannot_be_an_id_is_none(self, bench: Bench, id: str) -> None:
        assert bench.contracts.agreement(id) is None

    def test_a_revision_grows_as_text_with_each_change(self, bench: Bench) -> None:
        id = bench.send()
        sent, again = read(bench, id).revision, read(bench, id).revision
        bench.sign(id)
        signed = read(bench, id).revision

        assert sent == again < signed
        assert len(sent) == len(signed)

    def test_every_page_of_changes_is_told(self, bench: Bench) -> None:
        ids = [bench.send() for _ in range(5)]
        changes, watermark = whole_pass(bench.contracts, LONG_AGO)

        assert sorted(change.agreement for change in changes) == sorted(ids)
        assert watermark <= max(change.at for change in changes)

    def test_no_change_is_a_whole_pass(self, bench: Bench) -> None:
        bench.send()
        since = datetime.now(UTC) + timedelta(hours=1)
        page = bench.contracts.changed_since(since)

        assert (page.changes, page.next_cursor, page.watermark) == ((), None, since)

    def test_a_change_at_the_very_moment_is_told(self, bench: Bench) -> None:
        bench.send()
        [change], _ = whole_pass(bench.contracts, LONG_AGO)

        assert whole_pass(bench.contracts, change.at)[0] == [change]
        assert whole_pass(bench.contracts, change.at + timedelta(seconds=1))[0] == []

    def test_the_next_pass_tells_the_newest_again(self, bench: Bench) -> None:
        ids = [bench.send() for _ in range(3)]
        _, watermark = whole_pass(bench.contracts, LONG_AGO)
        again, _ = whole_pass(bench.contracts, watermark)

        assert ids[-1] in {change.agreement for change in again}

    def test_what_changes_between_two_pages_is_not_missed(self, bench: Bench) -> None:
        ids = [bench.send() for _ in range(6)]
        first = bench.contracts.changed_since(LONG_AGO)
        for id in (ids[0], ids[3]):  # one that was not told yet, one that is next
            bench.sign(id)
        assert first.next_cursor is not None
        rest, watermark = whole_pass(bench.contracts, LONG_AGO, first.next_cursor)
        later, _ = whole_pass(bench.contracts, watermark)

        told = {change.agreement for change in [*first.changes, *rest, *later]}
        assert told == set(ids)
        revisions = {change.agreement: change.revision for change in later}
        assert revisions[ids[0]] == read(bench, ids[0]).revision
        assert revisions[ids[3]] == read(bench, ids[3]).revision

    def test_a_change_has_the_agreements_revision(self, bench: Bench) -> None:
        id = bench.send()
        bench.sign(id)
        [change], _ = whole_pass(bench.contracts, LONG_AGO)

        assert change.revision == read(bench, id).revision

    def test_documents_are_the_same_bytes_each_time(self, bench: Bench) -> None:
        id = bench.send()
        bench.sign(id)
        found = read(bench, id)
        first = [bench.contracts.document(id, document.id) for document in found.documents]
        again = [bench.contracts.document(id, document.id) for document in found.documents]

        assert len(found.documents) == 2
        assert first == again
        assert first[0] != first[1]
        assert all(content.startswith(b"%PDF-") for content in first)

    def test_a_signature_is_in_the_document(self, bench: Bench) -> None:
        id = bench.send()
        [document, _] = read(bench, id).documents
        unsigned = bench.contracts.document(id, document.id)
        bench.sign(id)

        assert bench.contracts.document(id, document.id) != unsigned

    def test_an_unknown_document_is_refused(self, bench: Bench) -> None:
        id = bench.send()
        for agreement, document in ((id, "99"), (bench.unknown, "1"), (id, "../1"), ("x", "1")):
            with pytest.raises(SystemRefused):
                bench.contracts.document(agreement, document)


def read(bench: Bench, id: str) -> Agreement:
    found = bench.contracts.agreement(id)
    assert found is not None
    return found


def whole_pass(
    contracts: Contracts, since: datetime, cursor: str | None = None
) -> tuple[list[AgreementChanged], datetime]:
    """All changes from here to the end of the pass, and where the next one starts."""
    changes: list[AgreementChanged] = []
    while True:
        page = contracts.changed_since(since, cursor)
        changes += page.changes
        cursor = page.next_cursor
        if cursor is None:
            return changes, page.watermark
