"""`fairlead demo`: the main job on a made-up firm, with faults, and the proof that it was done.

Exit status 0: every engagement is where its deal calls for, every declared fault struck, and the
other systems hold what was called for exactly once. 1: not so, and it says what. 130: interrupted.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import simplejson
import typer

from fairlead.cli import demo_accounts, demo_progress
from fairlead.cli.demo_deals import Book, load_deals
from fairlead.cli.demo_faults import OUTAGE_S, Faults, declared
from fairlead.cli.demo_ledger import Row
from fairlead.cli.demo_money import Money
from fairlead.cli.demo_money_proof import prove_money
from fairlead.cli.demo_people import OPERATOR, Desk, People
from fairlead.cli.demo_progress import Progress, Whom
from fairlead.cli.demo_proof import prove
from fairlead.cli.demo_seller import Seller, prepare
from fairlead.cli.demo_stage import Erp, Stage, interruptible
from fairlead.cli.demo_tryton import SYSTEM
from fairlead.cli.demo_view import View, not_yet, ready_to_win, told
from fairlead.cli.demo_weeks import Ledgers, Weeks
from fairlead.cli.sample_accounts import open_accounts
from fairlead.config import Settings
from fairlead.errors import Busy
from fairlead.sandbox.tryton.installing import TrytonTrouble
from fairlead.trust.roles import Role

_STALLED_S = 240.0  #: a slow machine may take its time, as long as something moves
_LOOK_S = 0.5
_DOWN = "netsuite-emea"
_DOWN_AFTER_JOBS = 6
_KILL_AT = 12  #: workspaces
_ONE_WORKER_S = 5.0
_UNSIGNED_FOR_S = 12.0
_KILLED = "worker killed"
_EYES = "ines.moreau (PMO lead), hanna.lindqvist (controller) or pia.novak (sales operations)"


def run(settings: Settings, *, as_json: bool, erp: Erp = Erp.NETSUITE, stay: bool = False) -> int:
    """The whole demo; its exit status. `stay`: serve what it did until Ctrl-C. Raises `Busy` where
    another one runs in the same folder."""
    try:
        with interruptible(), Progress() as progress:
            return _run(settings, progress, as_json=as_json, erp=erp, stay=stay)
    except TrytonTrouble as away:
        typer.echo(f"{away}\nWithout ERP=tryton the demo needs no Tryton.", err=True)
        return 1
    except KeyboardInterrupt:
        typer.echo("Interrupted; everything that was started has been ended.", err=True)
        return 130


def _run(settings: Settings, progress: Progress, *, as_json: bool, erp: Erp, stay: bool) -> int:
    book = load_deals().begun(datetime.now(UTC).date())
    progress.say("starting PostgreSQL, the sandbox systems, the API and two workers")
    staged = Stage(settings, erp=erp, say=progress.say)
    with staged as stage, People(stage.fairlead, stage.url) as people:
        try:
            play = Play(stage, people, book, progress)
            view = play.to_the_end()
            outcome = play.outcome(view, play.weeks())
        except KeyboardInterrupt:
            progress.say("interrupted: ending everything that was started")
            raise
        progress.close()
        _show(outcome, _holders(stage, book), progress.seconds, as_json=as_json)
        if stay:
            _serve(stage)
    return 1 if outcome.troubles else 0


def _show(outcome: Outcome, whom: Whom, seconds: float, *, as_json: bool) -> None:
    if as_json:
        typer.echo(simplejson.dumps(outcome.result(), ensure_ascii=False))
    else:
        demo_progress.show(outcome.result(), whom, outcome.proof)
    for words in outcome.troubles:
        typer.echo(f"FAILED: {words}", err=True)
    if not outcome.troubles:
        objects = sum(row.found for row in outcome.proof)
        typer.echo(
            f"Proved: {len(outcome.engagements)} deals, {objects} objects called for and found,"
            f" none twice, none missing; {seconds:.0f} s.",
            err=True,
        )


def _serve(stage: Stage) -> None:
    """Let people look at what was done, until Ctrl-C."""
    with stage.fairlead.db.transaction() as tx:
        password = open_accounts(tx, stage.fairlead.people, stage.folder)
    typer.echo(
        f"All of it is at {stage.url}. Sign in as {_EYES}. Password: {password}\nCtrl-C ends it.",
        err=True,
    )
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)
    typer.echo("Ending everything that was started.", err=True)


@dataclass(frozen=True)
class Outcome:
    engagements: Sequence[Mapping[str, Any]]
    effects: Mapping[str, int]
    faults: Mapping[str, int]
    proof: Sequence[Row]
    troubles: Sequence[str]
    accounts: Sequence[Mapping[str, Any]]

    def result(self) -> dict[str, Any]:
        return {
            "engagements": list(self.engagements),
            "accounts": list(self.accounts),
            "effects": dict(self.effects),
            "faults": dict(self.faults),
            "proof": [asdict(row) for row in self.proof],
        }


class Play:
    """What happens, in which order, and when it is over."""

    def __init__(self, stage: Stage, people: People, book: Book, progress: Progress) -> None:
        self._stage, self._people, self._book, self._progress = stage, people, book, progress
        self._sandbox = stage.sandbox
        self._desk = Desk(people, book)
        self._seller = Seller(stage.sandbox, book)
        prepare(stage.sandbox, book.before)
        if stage.tryton:
            stage.tryton.prepare(book.before)
        self._down = SYSTEM if stage.tryton else _DOWN
        self._faults = Faults(stage.sandbox, declared(book))
        self._down_at: float | None = None
        self._killed_erp = False
        self._killed_at: float | None = None
        self._replaced = False
        self._unsigned = [deal for deal in book.deals if deal.contract == "signed_later"]
        self._likely = [deal for deal in book.deals if deal.reviewed_first]
        self._told = 0  # notifications shown so far

    def to_the_end(self) -> View:
        """Until everything is where its deal calls for, or nothing moves any more."""
        self._sell()
        sold_at = moved_at = time.monotonic()
        before: list[str] = []
        while True:
            view = View.of(self._people, self._book)
            self._desk.work(view.deals)
            self._script(view, time.monotonic() - sold_at)
            self._report(view)
            if (still := self._still_open(view)) != before:
                before, moved_at = still, time.monotonic()
            if not still or time.monotonic() - moved_at > _STALLED_S:
                return view
            if not self._stage.still_alive():
                raise Busy(f"A process ended by itself; see {self._stage.folder / 'logs'}.")
            time.sleep(_LOOK_S)

    def _sell(self) -> None:
        """Deals of one client in two CRMs are won at the same moment; the others in turn."""
        crms = {deal.client: set[str]() for deal in self._book.deals}
        for deal in self._book.deals:
            crms[deal.client].add(deal.crm)
        at_once = [
            deal
            for deal in self._book.deals
            if len(crms[deal.client]) > 1 and not deal.reviewed_first
        ]
        with ThreadPoolExecutor(len(at_once) or 1) as sellers:
            list(sellers.map(self._seller.win, at_once))
        for deal in self._book.deals:
            if deal.reviewed_first:
                self._seller.offer(deal)
            elif deal not in at_once:
                self._seller.win(deal)
        won = len(self._book.deals) - len(self._likely)
        self._progress.say(f"{won} deals are won in two CRMs, and {len(self._likely)} is likely")

    def _script(self, view: View, since_sold_s: float) -> None:
        """What goes wrong on purpose, who sets it right, and what is won and signed later."""
        now = time.monotonic()
        for deal in [deal for deal in self._likely if ready_to_win(deal, view)]:
            self._likely.remove(deal)
            self._seller.close(deal)
            self._progress.say(f"{deal.name}, which delivery has looked at, is won")
        unsigned = [deal for deal in self._unsigned if deal not in self._likely]
        if unsigned and since_sold_s > _UNSIGNED_FOR_S:
            deal = unsigned[0]
            self._unsigned.remove(deal)
            self._seller.sign(deal)
            self._progress.say(f"the client signs the contract of {deal.name} at last")
        if self._down_at is None and self._jobs() >= _DOWN_AFTER_JOBS:
            self._take_down()
            self._down_at = now
        elif self._killed_erp and self._down_at and now > self._down_at + OUTAGE_S:
            assert self._stage.tryton is not None
            self._stage.tryton.come_back()
            self._killed_erp = False
            self._progress.say(f"{self._down} is started again")
        if self._killed_at is None and self._count("kantata", "workspaces") >= _KILL_AT:
            pid = self._stage.kill_worker()
            self._killed_at = now
            self._faults.happened(_KILLED)
            self._progress.say(f"worker {pid} is killed in the middle of its work (SIGKILL)")
        elif self._killed_at and not self._replaced and now > self._killed_at + _ONE_WORKER_S:
            self._progress.say(f"worker {self._stage.replace_worker()} takes its place")
            self._replaced = True

    def _take_down(self) -> None:
        if self._stage.tryton:
            self._stage.tryton.go_down()
            self._killed_erp = True
            self._faults.happened(f"{self._down}: killed for {OUTAGE_S:g} s")
            self._progress.say(f"{self._down} is killed (SIGKILL), for {OUTAGE_S:g} s")
        else:
            self._faults.take_down(self._down)
            self._progress.say(f"{self._down} goes down for {OUTAGE_S:g} s")

    def _jobs(self) -> int:
        """Projects in the ERP that goes down."""
        if self._stage.tryton:
            return self._stage.tryton.projects()
        return self._count(self._down, "job")

    def _count(self, system: str, kind: str) -> int:
        return len(self._sandbox.records(system, kind))

    # telling

    def _report(self, view: View) -> None:
        for words in self._desk.answered:
            self._progress.say(words)
        self._desk.answered.clear()
        notices = sorted(
            (
                notice
                for notice in self._people.listed(OPERATOR, "/notifications")
                if notice["about"].startswith("system.")
            ),
            key=lambda notice: notice["id"],
        )
        for notice in notices[self._told :]:
            self._progress.say(f"notice: {notice['text']}")
        self._told = len(notices)
        self._progress.count(Counter(row["state"] for row in view.engagements.values()))

    def _still_open(self, view: View) -> list[str]:
        """What is not yet as it must be at the end, in words."""
        found = [words for deal in self._book.deals if (words := not_yet(deal, view))]
        is_out = self._down_at is None or time.monotonic() < self._down_at + OUTAGE_S
        if is_out or self._killed_erp:
            found.append(f"{self._down} has not been down and back")
        if not self._replaced:
            found.append("no worker has been killed and replaced")
        return found

    # the end

    def weeks(self) -> Money:
        """Some weeks of work on what was launched, and what came of them."""
        templates = {one.id: one for one in self._stage.fairlead.firm.templates}
        today = datetime.now(UTC).date()
        erp = self._stage.tryton or Ledgers(self._sandbox)
        weeks = Weeks(
            self._people, self._sandbox, self._book, templates, self._progress, today, erp
        )
        return weeks.play()

    def outcome(self, view: View, money: Money) -> Outcome:
        troubles = self._still_open(view)
        if troubles:
            troubles.insert(0, f"nothing moved for {_STALLED_S:g} s")
        faults = self._faults.fired()
        troubles += [
            f"the fault never struck: {name}" for name, times in faults.items() if not times
        ]
        effects = Counter(row["state"] for row in self._people.everything("/effects"))
        for state in ("intended", "unknown", "refused"):
            if effects[state]:
                troubles.append(f"{effects[state]} effects ended as {state}")
        outages = self._people.everything("/exceptions", state="resolved", cause_class="outage")
        if not any(one["system"] == self._down for one in outages):
            troubles.append(f"the outage of {self._down} was no exception that ended")
        troubles += [
            f"nobody was asked for the {step} of {deal.name} as {role}"
            for deal in self._book.deals
            for step, role in deal.judged.items()
            if (deal.id, step, role) not in self._desk.judged
        ]
        templates = {template.id: template for template in self._stage.fairlead.firm.templates}
        rows, tryton = self._sandbox.ledger(), self._stage.tryton
        held, billed = (tryton.reading(), tryton.billed()) if tryton else (None, None)
        proof = [*prove(self._book, templates, rows, held), *prove_money(money, rows, billed)]
        troubles += [
            f"{row.system}: {row.object}: {row.duplicates} too many, {row.missing} missing"
            for row in proof
            if not row.holds
        ]
        return Outcome(
            [told(deal, view) for deal in self._book.deals],
            {state: effects[state] for state in ("confirmed", "refused", "unknown")},
            faults,
            proof,
            troubles,
            demo_accounts.told(money),
        )


def _holders(stage: Stage, book: Book) -> Whom:
    """Deal and owner → the team or role, and who holds it for the deal's region."""
    people, teams = stage.fairlead.people, stage.fairlead.firm.teams

    def whom(deal: str, owner: str) -> str:
        role = Role(teams[owner].role if owner in teams else owner)
        held = people.holding(role, region=book.by_name[deal].region)
        return f"{owner.replace('_', ' ')} ({', '.join(person.name for person in held)})"

    return whom
