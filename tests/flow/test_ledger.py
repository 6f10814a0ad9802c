"""One thing happens once outside, through crashes and lost answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from small_world import SYSTEM, Act, Carrier, Repeatable

from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    Busy,
    EffectConflict,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
)
from fairlead.flow import seams
from fairlead.flow.ledger import Intent, Ledger, LockSession, StillSettling
from fairlead.store.database import Database

INTENT = Intent(
    key=EffectKey("run-1/send/1"),
    run_id="run-1",
    step="send",
    occurrence=1,
    subject_id="p-1",
    system=SYSTEM,
    operation="carrier.send",
    request={"grams": 200},
    correlation="about-p-1",
    region="EMEA",
)
HOUR = timedelta(hours=1)


class Killed(BaseException):
    """The worker dies here: nothing of ours may catch it."""


def once(
    db: Database,
    carrier: Carrier,
    repeatable: Repeatable | None = None,
    intent: Intent = INTENT,
) -> ExternalRef:
    """One attempt by a worker of its own."""
    with LockSession(db) as session:
        return Ledger(db, session).once(
            intent,
            repeatable or Repeatable(),
            call=lambda key: carrier.do(key, "sent"),
            find=carrier.find,
        )


def effect(db: Database, key: str = INTENT.key) -> dict[str, Any]:
    with db.transaction() as tx:
        row = tx.execute("SELECT * FROM effects WHERE key = %s", [key]).fetchone()
    assert row is not None
    return row


def long_ago(db: Database) -> None:
    """The last try was two hours ago."""
    with db.transaction() as tx:
        tx.execute("UPDATE effects SET tried_at = tried_at - interval '2 hours'")


@contextmanager
def killed_at(name: str) -> Generator[list[str]]:
    """The worker dies when it reaches a seam; gives the seams that it reached."""
    reached: list[str] = []

    def listen(seam: str) -> None:
        reached.append(seam)
        if seam == name:
            raise Killed

    with listening(listen):
        yield reached


@contextmanager
def listening(listener: Callable[[str], None]) -> Generator[None]:
    on = True
    seams.watch(lambda name: listener(name) if on else None)
    try:
        yield
    finally:
        on = False


def test_the_intent_is_stored_before_anything_is_sent(db: Database) -> None:
    carrier = Carrier()
    seen: list[str] = []

    def look(act: Act) -> ExternalRef:
        seen.append(effect(db)["state"])
        return act()

    carrier.faults.append(look)
    ref = once(db, carrier)

    assert seen == ["unknown"]
    assert (effect(db)["state"], effect(db)["ref"]) == ("confirmed", ref.model_dump())


def test_no_transaction_is_open_during_the_call(db: Database) -> None:
    carrier = Carrier()
    open_ones: list[int] = []

    def look(act: Act) -> ExternalRef:
        with db.lock_connection() as other:
            row = other.execute(
                "SELECT count(*) AS n FROM pg_stat_activity WHERE state LIKE 'idle in trans%%' "
                "AND datname = current_database()"
            ).fetchone()
        assert row is not None
        open_ones.append(row["n"])
        return act()

    carrier.faults.append(look)
    once(db, carrier)

    assert open_ones == [0]


def test_what_is_confirmed_is_not_done_again(db: Database) -> None:
    carrier = Carrier()

    assert once(db, carrier) == once(db, carrier)
    assert (carrier.calls, carrier.lookups) == (1, 0)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_lost_answer_is_adopted_by_look_up(db: Database, level: int) -> None:
    carrier = Carrier()
    carrier.faults.append(carrier.loses_answer)
    with pytest.raises(AnswerLost):
        once(db, carrier, Repeatable(level, HOUR))

    ref = once(db, carrier, Repeatable(level, HOUR))

    assert (ref.id, carrier.done(), carrier.calls) == ("1", ["sent"], 1)


def test_a_late_commit_is_neither_repeated_in_the_settle_window_nor_done_twice_after_it(
    db: Database,
) -> None:
    carrier, searchable = Carrier(), Repeatable(1, HOUR)
    carrier.faults.append(carrier.commits_late)
    with pytest.raises(AnswerLost):
        once(db, carrier, searchable)

    with pytest.raises(StillSettling) as settling:
        once(db, carrier, searchable)
    calls_in_the_window = carrier.calls
    carrier.land()
    long_ago(db)
    ref = once(db, carrier, searchable)

    assert calls_in_the_window == 1
    assert timedelta(0) < (settling.value.retry_after or timedelta(0)) <= HOUR
    assert (ref.id, carrier.done(), carrier.calls) == ("1", ["sent"], 1)


def test_what_never_landed_is_done_after_the_settle_window(db: Database) -> None:
    carrier, searchable = Carrier(), Repeatable(1, HOUR)
    carrier.faults.append(carrier.raises(AnswerLost(SYSTEM, "reset")))
    with pytest.raises(AnswerLost):
        once(db, carrier, searchable)
    long_ago(db)

    once(db, carrier, searchable)

    assert carrier.done() == ["sent"]


@pytest.mark.parametrize("level", [2, 3])
def test_where_a_repeat_is_recognised_there_it_is_repeated_at_once(
    db: Database, level: int
) -> None:
    carrier = Carrier(unique=True)
    carrier.faults.append(carrier.commits_late)
    with pytest.raises(AnswerLost):
        once(db, carrier, Repeatable(level, HOUR))

    once(db, carrier, Repeatable(level, HOUR))
    carrier.land()

    assert (carrier.done(), carrier.calls) == (["sent"], 2)


def test_where_nothing_can_be_looked_up_a_person_is_asked(db: Database) -> None:
    carrier, nothing = Carrier(), Repeatable(level=0)
    carrier.faults.append(carrier.loses_answer)
    with pytest.raises(AnswerLost):
        once(db, carrier, nothing)
    long_ago(db)

    for _ in range(2):
        with pytest.raises(EffectConflict, match="not known whether"):
            once(db, carrier, nothing)
    assert (carrier.calls, carrier.lookups, carrier.done()) == (1, 0, ["sent"])


def test_a_notice_may_be_said_again_a_few_times_before_a_person_is_asked(db: Database) -> None:
    carrier, notice = Carrier(), Repeatable(level=0, settle=HOUR, repeats=1)
    carrier.faults += [carrier.loses_answer, carrier.loses_answer]
    with pytest.raises(AnswerLost):
        once(db, carrier, notice)
    with pytest.raises(StillSettling):
        once(db, carrier, notice)
    long_ago(db)
    with pytest.raises(AnswerLost):
        once(db, carrier, notice)
    long_ago(db)

    with pytest.raises(EffectConflict, match="not known whether"):
        once(db, carrier, notice)
    assert carrier.calls == 2


def test_what_surely_did_nothing_is_repeated_at_once_without_a_look(db: Database) -> None:
    carrier = Carrier()
    carrier.faults.append(carrier.raises(SystemUnavailable(SYSTEM, "refused")))
    with pytest.raises(SystemUnavailable):
        once(db, carrier, Repeatable(1, HOUR))
    left = effect(db)["state"]

    once(db, carrier, Repeatable(1, HOUR))

    assert (left, carrier.lookups, carrier.done()) == ("intended", 0, ["sent"])


def test_a_sure_failure_does_not_cover_up_an_earlier_unknown_one(db: Database) -> None:
    carrier, searchable = Carrier(), Repeatable(1, HOUR)
    carrier.faults.extend(
        [carrier.commits_late, carrier.raises(SystemUnavailable(SYSTEM, "refused"))]
    )
    with pytest.raises(AnswerLost):
        once(db, carrier, searchable)
    long_ago(db)
    with pytest.raises(SystemUnavailable):
        once(db, carrier, searchable)
    carrier.land()

    once(db, carrier, searchable)

    assert (carrier.done(), carrier.calls) == (["sent"], 2)


def test_a_look_up_that_fails_leaves_the_outcome_unknown(db: Database) -> None:
    carrier = Carrier()
    carrier.faults.append(carrier.loses_answer)
    carrier.find_faults.append(SystemUnavailable(SYSTEM, "down"))
    with pytest.raises(AnswerLost):
        once(db, carrier)
    with pytest.raises(SystemUnavailable):
        once(db, carrier)

    once(db, carrier)

    assert (carrier.done(), carrier.calls) == (["sent"], 1)


def test_what_was_refused_goes_with_corrected_content_under_the_same_key(db: Database) -> None:
    carrier = Carrier()
    carrier.faults.append(carrier.raises(SystemRefused(SYSTEM, "too heavy")))
    with pytest.raises(SystemRefused):
        once(db, carrier)
    refused = effect(db)

    once(db, carrier, intent=replace(INTENT, request={"grams": 100}))

    assert (refused["state"], refused["answer"]) == ("refused", f"{SYSTEM} refused: too heavy")
    assert effect(db)["request"] == {"grams": 100}
    assert carrier.done() == ["sent"]


def test_content_that_changed_after_a_try_is_a_conflict(db: Database) -> None:
    carrier = Carrier()
    carrier.faults.append(carrier.commits_late)
    with pytest.raises(AnswerLost):
        once(db, carrier)

    with pytest.raises(EffectConflict, match="a new revision"):
        once(db, carrier, intent=replace(INTENT, request={"grams": 100}))

    assert (carrier.calls, effect(db)["request"]) == (1, {"grams": 200})


def test_content_that_changed_before_anything_was_sent_may_go(db: Database) -> None:
    carrier = Carrier()
    with killed_at("carrier.send: intended"), pytest.raises(Killed):
        once(db, carrier)

    once(db, carrier, intent=replace(INTENT, request={"grams": 100}))

    assert effect(db)["request"] == {"grams": 100}


def test_a_fault_of_ours_during_the_call_leaves_it_to_be_looked_up(db: Database) -> None:
    carrier = Carrier()

    def answers_strangely(act: Act) -> ExternalRef:
        act()
        raise KeyError("id")

    carrier.faults.append(answers_strangely)
    with pytest.raises(KeyError):
        once(db, carrier)

    once(db, carrier)

    assert (carrier.done(), carrier.calls) == (["sent"], 1)


def test_two_writers_at_once_make_one_call(db: Database) -> None:
    carrier = Carrier()
    entered, release = threading.Event(), threading.Event()

    def holds(act: Act) -> ExternalRef:
        entered.set()
        assert release.wait(10)
        return act()

    carrier.faults.append(holds)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(once, db, carrier)
        assert entered.wait(10)
        with pytest.raises(Busy, match="Another worker"):
            once(db, carrier)
        release.set()
        ref = first.result(10)

    assert once(db, carrier) == ref
    assert (carrier.calls, carrier.done()) == (1, ["sent"])


def test_eight_writers_that_do_not_give_up_make_one_call(db: Database) -> None:
    carrier, start = Carrier(), threading.Barrier(8)

    def insist(_: int) -> ExternalRef:
        start.wait(10)
        while True:
            try:
                return once(db, carrier)
            except Busy:
                continue

    with ThreadPoolExecutor(8) as pool:
        refs = set(pool.map(insist, range(8)))

    assert (len(refs), carrier.calls) == (1, 1)


# A worker dies at each seam, in the call, and inside a second try. Whoever comes next finishes.
SEAMS = ["intended", "about to call", "called, not confirmed", "confirmed"]


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("seam", SEAMS)
def test_whoever_comes_after_a_dead_worker_leaves_exactly_one_record(
    db: Database, seam: str, level: int
) -> None:
    carrier = Carrier(unique=level > 1)
    with killed_at(f"carrier.send: {seam}") as reached, pytest.raises(Killed):
        once(db, carrier, Repeatable(level))

    once(db, carrier, Repeatable(level))

    assert reached[-1] == f"carrier.send: {seam}"
    assert carrier.done() == ["sent"]
    assert effect(db)["state"] == "confirmed"


@pytest.mark.parametrize("seam", ["looked up", "confirmed"])
def test_a_worker_that_dies_while_it_settles_a_lost_answer_is_followed_too(
    db: Database, seam: str
) -> None:
    carrier = Carrier()
    carrier.faults.append(carrier.loses_answer)
    with pytest.raises(AnswerLost):
        once(db, carrier)
    with killed_at(f"carrier.send: {seam}"), pytest.raises(Killed):
        once(db, carrier)

    once(db, carrier)

    assert (carrier.done(), carrier.calls) == (["sent"], 1)


def test_a_worker_that_dies_before_it_stores_a_failure_is_followed_too(db: Database) -> None:
    carrier = Carrier()
    carrier.faults.append(carrier.loses_answer)
    with killed_at("carrier.send: failed, not stored"), pytest.raises(Killed):
        once(db, carrier)

    once(db, carrier)

    assert (carrier.done(), carrier.calls) == (["sent"], 1)


def test_every_seam_of_a_call_is_one_of_those_that_are_killed(db: Database) -> None:
    reached: list[str] = []
    with listening(reached.append):
        once(db, Carrier())

    assert reached == [f"carrier.send: {seam}" for seam in SEAMS]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        pytest.param(None, ["effect.confirmed"], id="confirmed"),
        pytest.param(AnswerLost(SYSTEM, "reset"), ["effect.unknown"], id="perhaps-done"),
        pytest.param(SystemRefused(SYSTEM, "no"), ["effect.refused"], id="refused"),
        pytest.param(SystemUnavailable(SYSTEM, "down"), [], id="nothing-happened"),
    ],
)
def test_what_became_of_it_stands_in_the_log_of_its_subject(
    db: Database, trouble: SystemTrouble | None, told: list[str]
) -> None:
    carrier = Carrier()
    if trouble is not None:
        carrier.faults.append(carrier.raises(trouble))
    with suppress(SystemTrouble):
        once(db, carrier)

    with db.transaction() as tx:
        rows = tx.execute("SELECT type, chain, attributes FROM events ORDER BY seq").fetchall()
    assert [row["type"] for row in rows] == told
    assert all(row["chain"] == "p-1" for row in rows)
    assert all(row["attributes"]["key"] == INTENT.key for row in rows)


def lose_the_session_inside_a_lock(db: Database, ledger: Ledger) -> None:
    with ledger.only_writer(EffectKey("outer")):
        with db.transaction() as tx:
            tx.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        with ledger.only_writer(EffectKey("inner")):
            raise AssertionError("locked inside, though the outer lock is lost")


def test_a_session_that_was_lost_is_replaced_once_nothing_is_locked(db: Database) -> None:
    carrier = Carrier()
    with LockSession(db) as session:
        ledger = Ledger(db, session)
        with pytest.raises(Busy):
            lose_the_session_inside_a_lock(db, ledger)

        ledger.once(
            INTENT, Repeatable(), call=lambda key: carrier.do(key, "sent"), find=carrier.find
        )
    assert carrier.done() == ["sent"]
