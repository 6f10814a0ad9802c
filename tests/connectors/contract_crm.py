"""What `Crm` promises. Every adapter subclasses this; none overrides a test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.opportunity import OpportunityStage
from fairlead.domain.values import ExternalRef, Money
from fairlead.ports.crm import Crm, OpportunityChanged

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def a_key() -> EffectKey:
    return EffectKey(f"run-{uuid4()}/report_engagement/1")


@dataclass(frozen=True)
class DealPhase:
    """A phase as people enter it. Amounts are in euros."""

    name: str
    country: str
    value: str
    roles: Sequence[tuple[str, str, str]] = ()
    terms: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Deal:
    """A deal as people enter it in the CRM. Amounts are in euros."""

    name: str = "Data platform — Müller & Søn 株式会社"
    won: bool = True
    amount: str | None = "120000.50"
    signed: bool | None = True  #: None: there is no contract
    roles: Sequence[tuple[str, str, str]] = (("Architect", "120", "185.5"),)
    """Role, hours, rate per hour."""
    terms: Sequence[tuple[str, str]] = (("On start", "30"), ("On acceptance", "70"))
    """Name, share in per cent."""
    bare: bool = False  #: nothing but what the CRM itself demands
    approved: bool = False  #: the statement of work is agreed, and not yet signed
    group: Sequence[str] = ()  #: the companies above the client, the nearest first
    cap: str | None = None
    agreement: str | None = None  #: the envelope's id
    clauses: Sequence[tuple[str, str, str, bool]] = ()
    """Code, title, text, whether it is the firm's own wording."""
    quote: Sequence[tuple[str, str, str, str]] = ()
    """Product, quantity, unit price, discount in per cent."""
    quote_accepted: bool = True
    phases: Sequence[DealPhase] = ()
    subcontracting: Sequence[tuple[str, str, str, str | None]] = ()
    """Role, hours, cost, vendor."""


#: A deal of which every part exists.
MANIFOLD = Deal(
    group=("Acme Europe SE", "Acme Holding Inc."),
    cap="150000",
    agreement="env-7d0c",
    clauses=(
        ("liability", "Limitation of liability", "Up to the fee.", True),
        ("penalty", "Penalty for delay", "One per cent a week.", False),
    ),
    quote=(("Platform build", "100", "1000", "10"), ("Training", "5", "600.5", "0")),
    phases=(
        DealPhase(
            "Build", "DE", "90000", roles=(("Engineer", "400", "150"),), terms=(("Go-live", "100"),)
        ),
        DealPhase("Roll-out", "FR", "30000.50"),
    ),
    subcontracting=(
        ("Penetration tester", "40", "6000", "Firewatch Ltd"), ("Translator", "8", "400", None),
    ),
)  # fmt: skip

#: What of a deal can change while all else stays as it was.
PARTS = (
    "line", "phase", "subcontracting", "contract", "term", "clause", "quote", "quote line",
)  # fmt: skip


class CrmContract(ABC):
    @abstractmethod
    def crm(self) -> Crm: ...

    @abstractmethod
    def enter(self, deal: Deal) -> str:
        """A person enters a deal; its id."""

    @abstractmethod
    def rename(self, id: str, name: str) -> None: ...

    @abstractmethod
    def sign(self, id: str) -> None:
        """The contract of a deal is signed; nothing else about the deal changes."""

    @abstractmethod
    def touch(self, id: str, part: str) -> None:
        """One of `PARTS` of a deal is changed, and nothing else of it."""

    @abstractmethod
    def reviewing(self, by: str) -> Crm:
        """An adapter that also tells open deals which are far enough along: by `probability`
        (60 % and more), `stage` (`Proposal`) or `contract` (approved or signed)."""

    @abstractmethod
    def enter_open(self, probability: int, stage: str, contract: ContractStatus) -> str:
        """A person enters an open deal; its id."""

    @abstractmethod
    def unknown_id(self) -> str:
        """An id of the right form that no deal has."""

    # -- one deal ---------------------------------------------------------------------------

    def test_it_can_be_reached(self) -> None:
        self.crm().ping()

    def test_a_won_deal_is_read_whole_and_to_the_cent(self) -> None:
        id = self.enter(Deal())

        found = self.crm().opportunity(id)

        assert found is not None
        assert id == found.ref.id
        assert (Deal.name, OpportunityStage.WON) == (found.name, found.stage)
        assert eur("120000.50") == found.value
        assert found.client is not None
        assert found.contract is not None
        assert found.contract.status == ContractStatus.SIGNED
        assert [("Architect", Decimal(120), eur("185.5"))] == [
            (role.role, role.hours, role.rate) for role in found.roles
        ]
        assert [("On start", Decimal("0.3")), ("On acceptance", Decimal("0.7"))] == [
            (term.name, term.share) for term in found.contract.billing_terms
        ]
        assert found.contract.period is not None
        assert date(2027, 1, 4) == found.contract.period.start

    def test_what_was_left_blank_is_none_and_no_error(self) -> None:
        id = self.enter(Deal(bare=True, won=False, amount=None, signed=None, roles=(), terms=()))

        found = self.crm().opportunity(id)

        assert found is not None
        assert found.stage == OpportunityStage.OPEN
        assert found.value is None
        assert found.contract is None
        assert found.contract_type is None
        assert found.starts_on is None
        assert found.roles == ()

    def test_a_deal_that_does_not_exist_is_none(self) -> None:
        assert self.crm().opportunity(self.unknown_id()) is None

    def test_an_id_of_no_form_is_none(self) -> None:
        assert self.crm().opportunity("' OR Name != '") is None

    def test_reading_twice_says_the_same(self) -> None:
        id = self.enter(Deal())

        assert self.crm().opportunity(id) == self.crm().opportunity(id)

    def test_a_revision_grows_with_the_deal_and_with_its_contract(self) -> None:
        id, crm = self.enter(Deal(signed=False)), self.crm()
        revisions = [_revision(crm, id)]

        self.rename(id, "Renamed")
        revisions.append(_revision(crm, id))
        self.sign(id)
        revisions.append(_revision(crm, id))

        assert sorted(set(revisions)) == revisions

    def test_the_stage_is_told_as_the_crm_calls_it(self) -> None:
        id = self.enter_open(20, "Proposal", ContractStatus.DRAFT)

        found = self.crm().opportunity(id)

        assert found is not None
        assert ("Proposal", Decimal("0.2")) == (found.stage_name, found.probability)

    def test_the_head_of_the_group_is_the_clients_parent(self) -> None:
        found = self.crm().opportunity(self.enter(MANIFOLD))

        assert found is not None
        assert found.client is not None
        assert found.client.parent == "Acme Holding Inc."

    def test_the_quote_is_read_line_by_line_and_to_the_cent(self) -> None:
        found = self.crm().opportunity(self.enter(MANIFOLD))

        assert found is not None
        assert found.quote is not None
        assert (True, eur("93002.5")) == (found.quote.accepted, found.quote.total)
        assert found.quote.number
        assert [
            ("Platform build", Decimal(100), eur("1000"), eur("90000")),
            ("Training", Decimal(5), eur("600.5"), eur("3002.5")),
        ] == [
            (line.product, line.quantity, line.unit_price, line.total) for line in found.quote.lines
        ]

    def test_a_quote_that_the_client_did_not_accept_says_so(self) -> None:
        found = self.crm().opportunity(self.enter(replace(MANIFOLD, quote_accepted=False)))

        assert found is not None
        assert found.quote is not None
        assert not found.quote.accepted

    def test_a_phase_has_its_own_terms_and_roles_and_the_deal_the_others(self) -> None:
        found = self.crm().opportunity(self.enter(MANIFOLD))

        assert found is not None
        assert found.contract is not None
        build, roll_out = found.phases
        assert ("Build", "DE", eur("90000")) == (build.name, build.country, build.value)
        assert ("Roll-out", "FR", eur("30000.50")) == (
            roll_out.name, roll_out.country, roll_out.value,
        )  # fmt: skip
        assert [("Engineer", Decimal(400))] == [(role.role, role.hours) for role in build.roles]
        assert [("Go-live", Decimal(1))] == [
            (term.name, term.share) for term in build.billing_terms
        ]
        assert (roll_out.roles, roll_out.billing_terms) == ((), ())
        assert [role.role for role in found.roles] == ["Architect"]
        assert [term.name for term in found.contract.billing_terms] == ["On start", "On acceptance"]

    def test_work_that_is_left_to_others_is_read(self) -> None:
        found = self.crm().opportunity(self.enter(MANIFOLD))

        assert found is not None
        assert [
            ("Penetration tester", Decimal(40), eur("6000"), "Firewatch Ltd"),
            ("Translator", Decimal(8), eur("400"), None),
        ] == [(need.role, need.hours, need.cost, need.vendor) for need in found.subcontracting]

    def test_cap_clauses_and_envelope_come_with_the_contract(self) -> None:
        found = self.crm().opportunity(self.enter(MANIFOLD))

        assert found is not None
        assert found.contract is not None
        assert (eur("150000"), "env-7d0c") == (found.contract.cap, found.contract.agreement)
        assert list(MANIFOLD.clauses) == [
            (clause.code, clause.title, clause.text, clause.standard)
            for clause in found.contract.clauses
        ]

    def test_an_agreed_statement_of_work_is_approved_and_not_signed(self) -> None:
        found = self.crm().opportunity(self.enter(Deal(approved=True)))

        assert found is not None
        assert found.contract is not None
        assert found.contract.status == ContractStatus.APPROVED

    @pytest.mark.parametrize("part", PARTS)
    def test_a_revision_grows_with_every_part(self, part: str) -> None:
        id, crm = self.enter(MANIFOLD), self.crm()
        before = _revision(crm, id)

        self.touch(id, part)

        assert before < _revision(crm, id)

    # -- changes ----------------------------------------------------------------------------

    def test_every_won_deal_is_told_once_per_pass_and_open_ones_are_not(self) -> None:
        won = {self.enter(replace(Deal(), name=f"Won {n}")) for n in range(5)}
        self.enter(Deal(won=False))

        told = _pass(self.crm(), LONG_AGO)

        assert won == {change.opportunity for change in told}
        assert len(won) == len(told)

    def test_a_pass_begins_at_its_moment_inclusive(self) -> None:
        self.enter(Deal(name="before"))
        late = self.enter(Deal(name="late"))
        crm = self.crm()
        at = max(change.at for change in _pass(crm, LONG_AGO))

        assert late in {change.opportunity for change in _pass(crm, at)}
        assert _pass(crm, at + timedelta(seconds=1)) == []

    def test_a_signed_contract_is_a_change_of_its_deal(self) -> None:
        id, crm = self.enter(Deal(signed=False)), self.crm()
        before = max(change.at for change in _pass(crm, LONG_AGO))

        self.sign(id)

        told = [change for change in _pass(crm, before) if change.at > before]
        assert [id] == [change.opportunity for change in told]

    @pytest.mark.parametrize("part", PARTS)
    def test_a_changed_part_is_a_change_of_its_deal_alone(self, part: str) -> None:
        self.enter(MANIFOLD)
        id, crm = self.enter(MANIFOLD), self.crm()
        before = max(change.at for change in _pass(crm, LONG_AGO))

        self.touch(id, part)

        told = [change for change in _pass(crm, before) if change.at > before]
        assert [id] == [change.opportunity for change in told]
        assert told[0].revision == _revision(crm, id)

    @pytest.mark.parametrize("part", PARTS)
    def test_a_changed_part_of_a_deal_that_is_far_from_won_is_not_told(self, part: str) -> None:
        self.touch(self.enter(replace(MANIFOLD, won=False)), part)

        assert _pass(self.crm(), LONG_AGO) == []

    @pytest.mark.parametrize(
        ("by", "far", "early"),
        [
            pytest.param("probability", (60, "Talks"), (59, "Talks"), id="probability"),
            pytest.param("stage", (10, "Proposal"), (90, "Talks"), id="stage"),
        ],
    )
    def test_open_deals_that_are_far_enough_along_are_told(
        self, by: str, far: tuple[int, str], early: tuple[int, str]
    ) -> None:
        told = self.enter_open(*far, ContractStatus.DRAFT)
        self.enter_open(*early, ContractStatus.DRAFT)

        assert [told] == [change.opportunity for change in _pass(self.reviewing(by), LONG_AGO)]
        assert _pass(self.crm(), LONG_AGO) == []

    def test_open_deals_with_an_approved_or_signed_contract_are_told(self) -> None:
        told = {
            self.enter_open(10, "Talks", status)
            for status in (ContractStatus.APPROVED, ContractStatus.SIGNED)
        }
        self.enter_open(90, "Proposal", ContractStatus.IN_APPROVAL)

        found = _pass(self.reviewing("contract"), LONG_AGO)

        assert told == {change.opportunity for change in found}

    def test_a_deal_with_an_engagement_is_told_whatever_becomes_of_it(self) -> None:
        id, crm = self.enter(Deal(won=False)), self.crm()
        assert _pass(crm, LONG_AGO) == []

        crm.report_engagement(_ref(crm, id), number="ENG-1", state="in_review", key=a_key())

        assert [id] == [change.opportunity for change in _pass(crm, LONG_AGO)]

    def test_the_same_change_has_the_same_revision_in_every_pass(self) -> None:
        self.enter(Deal())
        crm = self.crm()

        assert _pass(crm, LONG_AGO) == _pass(crm, LONG_AGO)

    def test_the_watermark_never_passes_what_was_seen(self) -> None:
        self.enter(Deal())
        page = self.crm().changed_since(LONG_AGO)

        assert LONG_AGO <= page.watermark <= max(change.at for change in page.changes)

    def test_nothing_new_leaves_the_watermark_where_it_was(self) -> None:
        self.enter(Deal())
        since = datetime.now(UTC) + timedelta(days=1)

        page = self.crm().changed_since(since)

        assert ((), None, since) == (page.changes, page.next_cursor, page.watermark)

    # -- telling the CRM --------------------------------------------------------------------

    def test_what_was_reported_is_found_and_repeating_changes_nothing(self) -> None:
        crm, key = self.crm(), a_key()
        deal = _ref(crm, self.enter(Deal()))
        assert crm.find_reported(deal, number="ENG-2038", state="launched", key=key) is None

        first = crm.report_engagement(deal, number="ENG-2038", state="launched", key=key)
        second = crm.report_engagement(deal, number="ENG-2038", state="launched", key=key)

        assert deal == first == second
        assert deal == crm.find_reported(deal, number="ENG-2038", state="launched", key=key)

    def test_another_state_is_not_what_was_reported(self) -> None:
        crm, key = self.crm(), a_key()
        deal = _ref(crm, self.enter(Deal()))
        crm.report_engagement(deal, number="ENG-2038", state="in_setup", key=key)

        assert crm.find_reported(deal, number="ENG-2038", state="launched", key=key) is None
        assert crm.find_reported(deal, number="ENG-1", state="in_setup", key=key) is None

    def test_a_deal_that_is_gone_shows_nothing(self) -> None:
        crm = self.crm()
        gone = _ref(crm, self.enter(Deal())).model_copy(update={"id": self.unknown_id()})

        assert crm.find_reported(gone, number="ENG-1", state="launched", key=a_key()) is None


def _ref(crm: Crm, id: str) -> ExternalRef:
    found = crm.opportunity(id)
    assert found is not None
    return found.ref


def _revision(crm: Crm, id: str) -> str:
    found = crm.opportunity(id)
    assert found is not None
    return found.revision


def _pass(crm: Crm, since: datetime) -> list[OpportunityChanged]:
    told: list[OpportunityChanged] = []
    page = crm.changed_since(since)
    told += page.changes
    while page.next_cursor is not None:
        page = crm.changed_since(since, page.next_cursor)
        told += page.changes
    return told
