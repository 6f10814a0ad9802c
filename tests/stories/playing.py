"""The told deals of the sample, played from the CRM's event to the launch by real processes.

An API, two workers and the sandbox's systems are at work. People do what is a person's and nothing
else: they answer over the API, sell, accept, sign.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from fairlead.cli.demo_deals import Book, Deal, load_deals
from fairlead.cli.demo_ledger import Ledger, Row
from fairlead.cli.demo_people import Desk, People
from fairlead.cli.demo_proof import prove
from fairlead.cli.demo_seller import Seller, prepare
from fairlead.cli.demo_stage import Stage
from fairlead.cli.demo_view import View, not_yet, ready_to_win
from fairlead.config import Settings
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.packet import Packet
from fairlead.sandbox.process import SandboxProcess
from fairlead.store import engagements

#: System → its rules, as `SandboxProcess.faults` takes them.
Rules = Mapping[str, Sequence[Mapping[str, Any]]]

PATIENCE_S = 100
_LOOK_S = 0.25


@dataclass
class Played:
    """What there is when all is over."""

    book: Book
    stage: Stage
    people: People
    view: View
    at_the_start: Packet
    """Of the deal whose seller left nearly everything out, before anybody acted."""

    @property
    def sandbox(self) -> SandboxProcess:
        return self.stage.sandbox

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        return self.sandbox.ledger()

    def of(self, story: str) -> list[Deal]:
        return [deal for deal in self.book.deals if deal.story == story]

    def engagement(self, name: str) -> Engagement:
        id = self.view.engagements[name]["id"]
        with self.stage.fairlead.db.transaction() as tx:
            return engagements.load(tx, [id], lock=False)[id]

    def parts(self, deal: Deal) -> dict[str, Engagement]:
        """Name of the phase → its engagement."""
        return {phase.name: self.engagement(f"{deal.name}: {phase.name}") for phase in deal.phases}

    def job(self, engagement: Engagement) -> dict[str, Any]:
        ref = engagement.refs["ledger_project"]
        return dict(Ledger(ref.system, self.rows).all("job")[ref.id])

    def read(self, engagement: Engagement, what: str) -> list[dict[str, Any]]:
        return self.people.everything(f"/engagements/{engagement.id}/{what}")

    def decided(self, engagement: Engagement) -> dict[str, dict[str, Any]]:
        """Policy → the newest decision that was stored."""
        newest_first = self.read(engagement, "decisions")
        return {decision["policy"]: decision for decision in newest_first[::-1]}

    def answered(self, engagement: Engagement) -> dict[str, dict[str, Any]]:
        """Step → the approval or task as it was answered."""
        found = [
            task
            for state in ("approved", "done")
            for task in self.people.everything("/tasks", mine="false", state=state)
        ]
        return {task["step"]: task for task in found if task["subject_id"] == engagement.id}

    def packet(self, engagement: Engagement) -> Packet:
        found = _packet(self.stage, engagement.id)
        assert found is not None
        return found

    def proof(self) -> list[Row]:
        templates = {one.id: one for one in self.stage.fairlead.firm.templates}
        return prove(self.book, templates, self.rows)


@contextmanager
def played(folder: Path, rules: Callable[[Book], Rules] | None = None) -> Generator[Played]:
    """Play all stories to their end. Raises AssertionError with what is not yet there."""
    everything = load_deals()
    book = everything.with_deals(tuple(deal for deal in everything.deals if deal.story))
    with Stage(Settings(data=folder)) as stage, People(stage.fairlead, stage.url) as people:
        prepare(stage.sandbox, book.before)
        if rules is not None:
            for system, of_system in rules(book).items():
                stage.sandbox.faults(system, *of_system)
        yield _to_the_end(book, stage, people)


def _to_the_end(book: Book, stage: Stage, people: People) -> Played:
    seller, desk = Seller(stage.sandbox, book), Desk(people, book)
    for deal in book.deals:
        seller.offer(deal)
        if not deal.reviewed_first:
            seller.close(deal)
    likely = [deal for deal in book.deals if deal.reviewed_first]
    unsigned = [deal for deal in book.deals if deal.contract == "signed_later"]
    (bare,) = [deal for deal in book.deals if deal.supplied_by == "owners"]
    at_the_start: Packet | None = None
    end = time.monotonic() + PATIENCE_S
    while True:
        view = View.of(people, book)
        row = view.engagements.get(bare.name)
        if at_the_start is None and row is not None:
            at_the_start = _with_gaps(stage, row["id"], at_least=10)
        if at_the_start is not None:  # nobody has acted before it was looked at
            desk.work(view.deals)
            for deal in [deal for deal in likely if ready_to_win(deal, view)]:
                likely.remove(deal)
                seller.close(deal)
            for deal in [deal for deal in unsigned if _waits_for_signature(deal, view)]:
                unsigned.remove(deal)
                seller.sign(deal)
        open = [words for deal in book.deals if (words := not_yet(deal, view))]
        if at_the_start is not None and not (open or unsigned or likely):
            found = Played(book, stage, people, view, at_the_start)
            # What follows from a launch, as its milestones in Kantata, is made a moment after it.
            open = [f"{row.system}: {row.object}" for row in found.proof() if row.missing]
            if not open:
                return found
        assert time.monotonic() < end, "\n".join(open)
        time.sleep(_LOOK_S)


def _waits_for_signature(deal: Deal, view: View) -> bool:
    row = view.engagements.get(deal.name)
    if row is None:
        return False
    return any(one["step"] == "contract_signed" for one in view.waiting[row["id"]])


def _packet(stage: Stage, id: str) -> Packet | None:
    """As a controller sees it, in every region."""
    fairlead = stage.fairlead
    reader = fairlead.people.person("hanna.lindqvist").principal()
    with fairlead.db.transaction() as tx:
        return fairlead.packets(tx, reader, id, now=datetime.now(UTC))


def _with_gaps(stage: Stage, id: str, *, at_least: int) -> Packet | None:
    """Its packet, once so many things are open."""
    packet = _packet(stage, id)
    gaps = [gap for item in packet.open_items for gap in item.gaps] if packet else []
    return packet if len(gaps) >= at_least else None
