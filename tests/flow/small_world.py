"""A world as small as the engine allows: parcels, one carrier that keeps a book, and its faults.

It knows nothing of engagements, so that a test of the engine fails for the engine's reasons. The
carrier keeps state and misbehaves as it is told; nothing of ours is mocked.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from psycopg import sql

from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.calendar import BusinessCalendar, Hours
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import AnswerLost, InvalidDefinition
from fairlead.flow.burst import Bursts
from fairlead.flow.calls import Call, Done, Hooks, NeedsPerson
from fairlead.flow.cancel import cancel_run
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.flow.library import Library
from fairlead.flow.outward import Outward, OutwardCall, Reached
from fairlead.flow.playbook import Playbook
from fairlead.flow.registry import Registry
from fairlead.flow.start import start_run
from fairlead.policy.tables import Decision
from fairlead.store import runs, systems
from fairlead.store.database import Database, Tx
from fairlead.store.runs import RunRow, StepRow

SYSTEM = "carrier-1"
NO_SETTLE = timedelta(0)


@dataclass(frozen=True)
class Parcel:
    """What the small world's runs are about."""

    id: str
    region: str = "EMEA"
    grams: int | None = 200
    asked_by: str = "olu@example.com"
    worth: str = "100"  #: EUR
    labels: tuple[str, ...] = ()  #: what local actions put on it, in order

    def labelled(self, label: str) -> Parcel:
        return replace(self, labels=(*self.labels, label))


class Parcels:
    """Parcels in a table of their own, so that what a burst saves can be seen to come or go."""

    def load(self, tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, Parcel]:
        rows = tx.execute("SELECT body FROM parcels WHERE id = ANY(%s)", [list(ids)]).fetchall()
        found = [Parcel(**row["body"]) for row in rows]
        return {parcel.id: replace(parcel, labels=tuple(parcel.labels)) for parcel in found}

    def save(self, tx: Tx, subjects: Sequence[Parcel]) -> None:
        for parcel in subjects:
            tx.execute(
                "INSERT INTO parcels (id, body) VALUES (%s, %s) "
                "ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body",
                [parcel.id, json.dumps(asdict(parcel))],
            )

    def facts(self, subject: Parcel) -> Mapping[str, str | None]:
        return {"region": subject.region}

    def title(self, subject: Parcel) -> str:
        return f"Parcel {subject.id}"

    def at_stake(self, subject: Parcel) -> Money | None:
        return Money(amount=Decimal(subject.worth), currency="EUR")

    def involved(self, subject: Parcel) -> tuple[str, ...]:
        return (subject.asked_by,)

    def shown(self, subject: Parcel) -> dict[str, Any]:
        return asdict(subject)

    def objects(self, subject: Parcel) -> list[tuple[str, str, str]]:
        return [(subject.id, "parcel", "subject")]


# the carrier


class Book(Protocol):
    """What the carrier has done, in the order in which it did it."""

    def add(self, key: str, does: str) -> int: ...

    def entries(self) -> list[tuple[str, str]]: ...


class MemoryBook:
    def __init__(self) -> None:
        self._entries: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def add(self, key: str, does: str) -> int:
        with self._lock:
            self._entries.append((key, does))
            return len(self._entries)

    def entries(self) -> list[tuple[str, str]]:
        with self._lock:
            return list(self._entries)


class FileBook:
    """A book that several processes share and that outlives them. Appending is atomic."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    def add(self, key: str, does: str) -> int:
        with self._path.open("a") as file:
            file.write(json.dumps([key, does]) + "\n")
        return len(self.entries())

    def entries(self) -> list[tuple[str, str]]:
        lines = self._path.read_text().splitlines()
        return [(key, does) for key, does in map(json.loads, lines)]


Act = Callable[[], ExternalRef]
Fault = Callable[[Act], ExternalRef]  #: called in place of the act, which it may carry out


@dataclass
class Carrier:
    """The outside system. A second call with a key makes a second entry, unless `unique`.

    `faults` are used up one by one, by calls that act; `find_faults` by look-ups.
    """

    book: Book = field(default_factory=MemoryBook)
    unique: bool = False
    faults: deque[Fault | None] = field(default_factory=deque[Fault | None])
    find_faults: deque[Exception] = field(default_factory=deque[Exception])
    late: list[Act] = field(default_factory=list[Act])  #: sent, and not yet carried out there
    calls: int = 0
    lookups: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def do(self, key: EffectKey, does: str) -> ExternalRef:
        with self._lock:
            self.calls += 1
            fault = self.faults.popleft() if self.faults else None

        def act() -> ExternalRef:
            known = self._known(key) if self.unique else None
            return known or _ref(self.book.add(key, does))

        return fault(act) if fault else act()

    def find(self, key: EffectKey) -> ExternalRef | None:
        with self._lock:
            self.lookups += 1
            if self.find_faults:
                raise self.find_faults.popleft()
        return self._known(key)

    def land(self) -> None:
        """Whatever was sent and not yet carried out is carried out now."""
        while self.late:
            self.late.pop(0)()

    def done(self) -> list[str]:
        """What was done, without the keys."""
        return [does for _, does in self.book.entries()]

    # faults

    def raises(self, trouble: Exception) -> Fault:
        """It did nothing, and says or shows so."""

        def fault(act: Act) -> ExternalRef:
            raise trouble

        return fault

    def loses_answer(self, act: Act) -> ExternalRef:
        """It did it; nobody heard."""
        act()
        raise AnswerLost(SYSTEM, "the connection was reset")

    def commits_late(self, act: Act) -> ExternalRef:
        """It does it, but only after we have stopped waiting."""
        self.late.append(act)
        raise AnswerLost(SYSTEM, "it timed out")

    def _known(self, key: str) -> ExternalRef | None:
        for number, (known, _) in enumerate(self.book.entries(), start=1):
            if known == key:
                return _ref(number)
        return None


def _ref(number: int) -> ExternalRef:
    return ExternalRef(system=SYSTEM, kind="waybill", id=str(number))


@dataclass(frozen=True)
class Repeatable:
    """How a repeat is recognised, as a connector declares it."""

    level: int = 1
    settle: timedelta = NO_SETTLE
    repeats: int = 0


# what playbooks of this world may name


def registry() -> Registry:
    found = Registry()

    @found.gate("weighed")
    def weighed(call: Call) -> Clear | Blocked:
        """The weight is known."""
        if call.subject.grams == -1:
            raise ZeroDivisionError("the scales are broken")
        if call.subject.grams is not None:
            return Clear()
        gap = Gap(field="grams", problem="no weight", owner="desk", remedy="Weigh it.")
        return Blocked(gaps=(gap,))

    @found.condition("heavy")
    def heavy(call: Call) -> bool:
        return (call.subject.grams or 0) > 1000

    @found.action("label", undo="unlabel")
    def label(call: Call) -> Done:
        """Puts the step's name on the parcel."""
        name = call.step.name
        call.tell("parcel.labelled", label=name)
        return Done({"label": name}, change=lambda parcel: parcel.labelled(name))

    @found.action("unlabel")
    def unlabel(call: Call) -> Done:
        return Done({}, change=lambda parcel: replace(parcel, labels=parcel.labels[:-1]))

    @found.action("note_refusal")
    def note_refusal(call: Call) -> Done:
        return Done({}, change=lambda parcel: parcel.labelled("refused"))

    @found.action("break_down")
    def break_down(call: Call) -> Done:
        raise KeyError("a defect of ours")

    @found.action("send", on="carrier", undo="recall", safe="found again by its key")
    def send(call: OutwardCall) -> Done:
        """Hands the parcel to the carrier. Safe to repeat: its key is looked up first."""
        ref = call.once(
            "carrier.send",
            request={"parcel": call.subject.id, "grams": call.subject.grams},
            call=lambda key: call.port.do(key, f"{call.step.name} {call.subject.id}"),
            find=call.port.find,
        )
        return Done({"ref": str(ref)})

    @found.action("send_in_two", on="carrier", undo="recall", safe="found again by its keys")
    def send_in_two(call: OutwardCall) -> Done:
        """Hands over two halves. Safe to repeat: each key is looked up first."""
        for part in ("first", "second"):
            call.once(
                "carrier.send",
                request={"parcel": call.subject.id, "part": part},
                call=lambda key, part=part: call.port.do(key, f"{part} of {call.subject.id}"),
                find=call.port.find,
                part=part,
            )
        return Done({})

    @found.action("recall", on="carrier", safe="found again by its key")
    def recall(call: OutwardCall) -> Done:
        """Takes back what `send` did. Safe to repeat: its key is looked up first."""
        ref = call.once(
            "carrier.recall",
            request={"parcel": call.subject.id},
            call=lambda key: call.port.do(key, f"{call.step.name} {call.subject.id}"),
            find=call.port.find,
        )
        return Done({"ref": str(ref)})

    @found.action("choose_route", on="carrier", safe="it only looks")
    def choose_route(call: OutwardCall) -> Done:
        """Asks a person which route. Safe to repeat: it changes nothing."""
        if call.answer:
            return Done({"route": call.answer["choice"]})
        raise NeedsPerson(
            title="Two routes fit",
            detail="By sea or by air.",
            remedy="Choose one.",
            difference={"candidates": [{"id": "sea"}, {"id": "air"}]},
        )

    @found.notice("on_its_way")
    def on_its_way(call: Call) -> str:
        return f"{call.subject.id} is on its way"

    return found


HOURS = (Hours.model_validate({"opens": "09:00", "closes": "17:00"}),)
CALENDAR = BusinessCalendar(
    name="desk",
    zone="Europe/London",
    weekly=dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), HOURS),
    known_until=date(2100, 1, 1),
)


def _ask(policy: str, call: Call) -> Decision:
    if policy != "who-agrees":
        raise InvalidDefinition(f"There is no policy {policy}.")
    role = "director" if Decimal(call.subject.worth) > 1000 else "approver"
    return call.note(
        Decision(
            policy=policy, version=1, row=role, facts={"worth": call.subject.worth},
            answer={"role": role, "because": f"worth EUR {call.subject.worth}"}, at=call.now,
        )
    )  # fmt: skip


def _route(port: str, facts: Mapping[str, str | None]) -> str:
    if facts.get("region") != "EMEA":
        raise InvalidDefinition(f"No system serves {port} in {facts.get('region')}.")
    return SYSTEM


def hooks() -> Hooks:
    return Hooks({"parcel": Parcels()}, _ask, _route, lambda facts: CALENDAR)


def playbook(*stages: Sequence[Mapping[str, Any]], **of_last: Any) -> Playbook:
    """One whose stages are lists of steps; what else is given holds for the last of them."""
    return Playbook.model_validate(
        {
            "playbook": "send-parcel",
            "version": 1,
            "owner": "desk",
            "subject": "parcel",
            "starts_on": "parcel.received",
            "stages": [
                {"stage": f"Stage {n}", "owner": "desk", "within": "PT8H", "steps": steps}
                | (of_last if n == len(stages) else {})
                for n, steps in enumerate(stages, start=1)
            ],
        }
    )


SEND = {"action": "send", "on": "carrier"}
AGREE = {"approval": "agree", "by": {"role": "approver"}}
LABEL = {"action": "label"}


class World:
    """One firm's engine in this process, without the worker around it."""

    def __init__(
        self,
        db: Database,
        *playbooks: Playbook,
        carrier: Carrier | None = None,
        repeatable: Repeatable | None = None,
        worker: str = "worker-1",
    ) -> None:
        self.db, self.carrier = db, carrier or Carrier()
        self.repeatable = repeatable or Repeatable()
        self.registry, self.hooks = registry(), hooks()
        self.library = Library(playbooks)
        self.bursts = Bursts(self.hooks, self.registry, self.library)
        self.outward = self.as_worker(worker)
        with db.transaction() as tx:
            tx.execute("CREATE TABLE IF NOT EXISTS parcels (id text PRIMARY KEY, body jsonb)")
            systems.register(tx, [SYSTEM], [])

    def as_worker(self, worker: str) -> Outward:
        reached = Reached(SYSTEM, lambda port: self.carrier, lambda operation: self.repeatable)
        return Outward(
            self.db, worker, self.hooks, self.registry, self.library, lambda system: reached
        )

    def start(self, parcel: Parcel) -> str:
        """Its run's id. Nothing has advanced yet."""
        with self.db.transaction() as tx:
            Parcels().save(tx, [parcel])
            run_id = start_run(
                tx,
                self.library,
                self.library.playbooks[0],
                subject_id=parcel.id,
                facts={"region": parcel.region},
                correlation=f"about-{parcel.id}",
                input={},
            )
        assert run_id is not None
        return run_id

    def advance(self) -> int:
        """One burst over whatever is ready."""
        with self.db.transaction() as tx:
            return self.bursts.advance_ready(tx, 16)

    def carry_out(self, outward: Outward | None = None, *, probe: bool = False) -> bool:
        """One attempt at the oldest outward step that may be taken now."""
        with LockSession(self.db) as session:
            ledger = Ledger(self.db, session)
            return (outward or self.outward).carry_out_one(SYSTEM, ledger, probe=probe)

    def hurry(self) -> None:
        """No step waits any longer before its next attempt, and no system before its next call."""
        with self.db.transaction() as tx:
            tx.execute("UPDATE steps SET ready_at = clock_timestamp() WHERE state = 'ready'")
            tx.execute("UPDATE systems SET not_before = NULL")

    def settle(self) -> None:
        """Advance and carry out until nothing moves."""
        while self.advance() or self.carry_out():
            self.hurry()

    def cancel(self, run_id: str) -> None:
        """Have a run taken back, as a cancelled deal does."""
        with self.db.transaction() as tx:
            cancel_run(tx, run_id, by="ana", reason="the parcel is not wanted any more")

    # what can be seen

    def parcel(self, id: str) -> Parcel:
        with self.db.transaction() as tx:
            return Parcels().load(tx, [id], lock=False)[id]

    def run(self, run_id: str) -> RunRow:
        with self.db.transaction() as tx:
            return runs.get(tx, run_id)

    def step(self, run_id: str, name: str) -> StepRow:
        return self.steps(run_id)[name]

    def steps(self, run_id: str) -> dict[str, StepRow]:
        with self.db.transaction() as tx:
            return {row.name: row for row in runs.steps_of(tx, [run_id])[run_id]}

    def states(self, run_id: str) -> dict[str, str]:
        return {name: row.state for name, row in self.steps(run_id).items()}

    def rows(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        """Rows of a table in which these columns have these values, in no certain order."""
        with self.db.transaction() as tx:
            query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))
            found = tx.execute(query).fetchall()
        return [row for row in found if equal.items() <= row.items()]

    def event_types(self, chain: str) -> list[str]:
        return [row["type"] for row in sorted(self.rows("events", chain=chain), key=_position)]


def _position(row: Mapping[str, Any]) -> int:
    return row["position"]


@dataclass(frozen=True)
class Person:
    """Somebody who answers."""

    id: str = "ana"
    roles: frozenset[str] = frozenset({"approver", "desk"})
    limit: Decimal = Decimal(1_000_000)
    regions: frozenset[str] = frozenset({"EMEA"})

    def aliases(self) -> frozenset[str]:
        return frozenset({self.id, f"{self.id}@example.com"})

    def may_commit(self, amount: Decimal, currency: str) -> bool:
        return amount <= self.limit

    def sees(self, region: str | None) -> bool:
        return region is None or region in self.regions
