"""What `Crm` promises. Every adapter subclasses this; none overrides a test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

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
