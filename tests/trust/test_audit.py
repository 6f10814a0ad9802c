"""Every way of changing the log is found, and a single edit is located."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Signal

import pytest

from fairlead.domain.chain import START, link
from fairlead.errors import InvalidInput
from fairlead.store import journal
from fairlead.store.database import Database, Tx
from fairlead.store.journal import Event
from fairlead.trust import audit
from fairlead.trust.audit import Mark

AT = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
CHAINS = ("eng-1", "eng-2", "eng-3")


def write(db: Database, count: int, *, first: int = 0) -> None:
    """So many events, spread over three chains."""
    with db.transaction() as tx:
        for n in range(first, first + count):
            told = Event(
                chain=CHAINS[n % 3], type="step.done", at=AT, actor="person:ana",
                attributes={"step": f"step-{n}"}, objects=[(f"run-{n}", "run", "of")],
                correlation="c", region="EMEA",
            )  # fmt: skip
            journal.append(tx, [told])


@pytest.fixture
def log(db: Database) -> Database:
    """Thirty events: ten in each chain."""
    write(db, 30)
    return db


def tamper(db: Database, statement: str, *values: object) -> None:
    with db.transaction() as tx:
        assert tx.execute(statement.encode(), values).rowcount > 0


def places(verdict: audit.Verdict) -> list[tuple[str, str | None, int | None]]:
    return [(found.kind, found.chain, found.position) for found in verdict.findings]


def hash_anew(tx: Tx, chain: str) -> None:
    """What somebody does who knows how the chain is made."""
    head = START
    for row in journal.of_chain(tx, chain, limit=1000):
        covered = {n: row[n] for n in journal.hashed(Event(chain, "", AT, ""), 1)}
        head = link(head, covered)
        tx.execute("UPDATE events SET hash = %s WHERE seq = %s", [head, row["seq"]])
    tx.execute(
        "UPDATE chains SET head = %s, length = (SELECT count(*) FROM events WHERE chain = %s) "
        "WHERE chain = %s",
        [head, chain, chain],
    )


def test_a_log_that_nobody_touched_is_intact(log: Database) -> None:
    mark = audit.checkpoint(log)
    write(log, 7, first=30)

    verdict = audit.verify(log, marks=[mark])

    assert (verdict.intact, verdict.events, verdict.chains) == (True, 37, 3)
    assert verdict.compared == (mark,)
    assert verdict.mark.events == 37


def test_an_empty_log_is_intact(db: Database) -> None:
    mark = audit.checkpoint(db)
    assert audit.verify(db, marks=[mark]).intact
    write(db, 3)
    assert audit.verify(db, marks=[mark]).intact


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("type", "'step.skipped'"),
        ("at", "at + interval '1 microsecond'"),
        ("actor", "'person:eve'"),
        ("correlation", "NULL"),
        ("region", "'AMER'"),
        ("attributes", """'{"step": "another"}'"""),
        ("objects", "'[]'"),
        ("hash", "decode(repeat('00', 32), 'hex')"),
    ],
)
def test_one_edited_column_is_located(log: Database, column: str, value: str) -> None:
    edit = "UPDATE events SET {} = {} WHERE chain = 'eng-2' AND position = 4"
    tamper(log, edit.format(column, value))

    verdict = audit.verify(log)
    first = verdict.findings[0]
    with log.transaction() as tx:
        (row,) = journal.of_chain(tx, "eng-2", after=3, limit=1)
    assert (first.kind, first.chain, first.position) == ("edited", "eng-2", 4)
    assert first.seq == row["seq"]
    assert len(verdict.findings) == (2 if column == "hash" else 1)


def test_a_deleted_event_leaves_a_gap_that_is_located(log: Database) -> None:
    tamper(log, "DELETE FROM events WHERE chain = 'eng-2' AND position = 4")

    assert places(audit.verify(log)) == [("missing", "eng-2", 4)]


def test_a_first_event_that_is_deleted_is_located(log: Database) -> None:
    tamper(log, "DELETE FROM events WHERE chain = 'eng-2' AND position = 1")

    assert places(audit.verify(log)) == [("missing", "eng-2", 1)]


def test_an_inserted_event_is_located(log: Database) -> None:
    tamper(log, "UPDATE events SET position = -position WHERE chain = 'eng-1' AND position > 4")
    tamper(log, "UPDATE events SET position = 1 - position WHERE position < 0")
    tamper(
        log,
        "INSERT INTO events (chain, position, type, at, actor, attributes, objects, hash) "
        "SELECT chain, 5, type, at, 'person:eve', attributes, objects, hash FROM events "
        "WHERE chain = 'eng-1' AND position = 4",
    )

    assert ("edited", "eng-1", 5) in places(audit.verify(log))


def test_swapped_events_are_located(log: Database) -> None:
    for old, new in ((4, -4), (5, 4), (-4, 5)):
        tamper(log, "UPDATE events SET position = %s WHERE chain = 'eng-1' AND position = %s",
               new, old)  # fmt: skip

    found = places(audit.verify(log))
    assert found[0] == ("edited", "eng-1", 4)
    assert ("order", "eng-1", 5) in found


def test_a_cut_tail_is_told_by_the_heads(log: Database) -> None:
    tamper(log, "DELETE FROM events WHERE chain = 'eng-3' AND position > 7")

    assert places(audit.verify(log)) == [("cut", "eng-3", 8)]


def test_a_chain_that_is_gone_is_told_by_the_heads(log: Database) -> None:
    tamper(log, "DELETE FROM events WHERE chain = 'eng-3'")

    assert places(audit.verify(log)) == [("cut", "eng-3", 1)]


def test_events_beyond_the_head_are_told(log: Database) -> None:
    tamper(log, "UPDATE chains SET length = 9 WHERE chain = 'eng-3'")

    assert places(audit.verify(log)) == [("rewritten", "eng-3", 10)]


def cut_with_heads(tx: Tx) -> None:
    tx.execute("DELETE FROM events WHERE chain = 'eng-3' AND position > 7")
    hash_anew(tx, "eng-3")


def edit_and_hash_anew(tx: Tx) -> None:
    tx.execute("UPDATE events SET actor = 'person:eve' WHERE chain = 'eng-3' AND position = 5")
    hash_anew(tx, "eng-3")


def remove_a_chain(tx: Tx) -> None:
    tx.execute("DELETE FROM events WHERE chain = 'eng-3'")
    tx.execute("DELETE FROM chains WHERE chain = 'eng-3'")


def cut_and_fill_up(tx: Tx) -> None:
    """As many events as before, so that no count tells."""
    cut_with_heads(tx)
    told = Event(chain="eng-3", type="step.done", at=AT, actor="person:eve")
    journal.append(tx, [told, told, told])


@pytest.mark.parametrize(
    "forge", [cut_with_heads, edit_and_hash_anew, remove_a_chain, cut_and_fill_up]
)
@pytest.mark.parametrize("later", [0, 12], ids=["at-once", "after-more-work"])
def test_a_forger_who_also_makes_the_hashes_is_found_by_a_mark_from_outside(
    log: Database, forge: Callable[[Tx], None], later: int
) -> None:
    mark = Mark.read(str(audit.checkpoint(log)))  # noted elsewhere
    with log.transaction() as tx:
        tx.execute("DELETE FROM checkpoints")
        forge(tx)
    write(log, later, first=30)

    assert audit.verify(log).intact, "the database alone cannot tell"
    assert {found.kind for found in audit.verify(log, marks=[mark]).findings} <= {
        "cut", "rewritten",
    }  # fmt: skip
    assert not audit.verify(log, marks=[mark]).intact


def test_a_checkpoint_that_is_still_stored_shows_it_too(log: Database) -> None:
    audit.checkpoint(log)
    with log.transaction() as tx:
        edit_and_hash_anew(tx)

    assert [found.kind for found in audit.verify(log).findings] == ["rewritten"]


def waits_for_chains(db: Database) -> bool:
    with db.transaction() as tx:
        found = tx.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'chains'::regclass"
        )
        return found.fetchone() is not None


def test_a_checkpoint_waits_for_what_is_being_written(log: Database) -> None:
    """Else an event with a lower number could come after it, and its mark would not hold."""
    begun, go_on = Signal(), Signal()

    def slow() -> None:
        with log.transaction() as tx:
            journal.append(tx, [Event(chain="slow", type="x", at=AT, actor="fairlead")])
            begun.set()
            assert go_on.wait(10)

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(slow)
        assert begun.wait(10)
        with log.transaction() as tx:
            journal.append(tx, [Event(chain="quick", type="x", at=AT, actor="fairlead")])
        marking = pool.submit(audit.checkpoint, log)
        while not (marking.done() or waits_for_chains(log)):
            continue
        waits = not marking.done()
        go_on.set()
        writing.result(10)
        mark = marking.result(10)

    assert waits
    assert mark.events == 32
    write(log, 5, first=30)
    assert audit.verify(log, marks=[mark]).intact


def test_work_that_goes_on_meanwhile_is_no_tampering(
    log: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = journal.heads

    def while_others_write(tx: Tx) -> list[tuple[str, int, bytes]]:
        found = real(tx)
        write(log, 6, first=30)
        return found

    monkeypatch.setattr(journal, "heads", while_others_write)
    verdict = audit.verify(log)

    assert (verdict.intact, verdict.events) == (True, 30)


# without a database


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_an_exported_log_is_verified_without_a_database(
    log: Database, tmp_path: Path, name: str
) -> None:
    mark = audit.checkpoint(log)
    write(log, 6, first=30)
    exported = tmp_path / name

    assert audit.export(log, exported) == 36
    assert audit.verify_export(exported, marks=[mark]) == audit.verify(log)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('"person:ana"', '"person:eve"', "edited"),
        ('"EMEA"', "null", "edited"),
    ],
)
def test_an_export_that_was_edited_is_found(
    log: Database, tmp_path: Path, old: str, new: str, kind: str
) -> None:
    exported = tmp_path / "log.jsonl"
    audit.export(log, exported)
    lines = exported.read_text().splitlines()
    lines[5] = lines[5].replace(old, new)
    exported.write_text("\n".join(lines))

    assert places(audit.verify_export(exported)) == [(kind, "eng-1", 5)]


def test_an_export_that_was_cut_is_found_by_its_heads_and_by_a_mark(
    log: Database, tmp_path: Path
) -> None:
    mark = audit.checkpoint(log)
    exported = tmp_path / "log.jsonl"
    audit.export(log, exported)
    lines = exported.read_text().splitlines()
    exported.write_text("\n".join(lines[:-2]))

    assert places(audit.verify_export(exported)) == [("cut", "eng-3", 9)]
    assert ("cut", None, None) in places(audit.verify_export(exported, marks=[mark]))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[]", id="no-object"),
        pytest.param('{"heads": 1}', id="no-heads"),
        pytest.param('{"heads": []}\n{"seq": 1}', id="no-event"),
        pytest.param('{"heads": []}\n{"seq"', id="half-a-line"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, text: str) -> None:
    exported = tmp_path / "log.jsonl"
    exported.write_text(text)

    with pytest.raises(InvalidInput, match=r"log\.jsonl"):
        audit.verify_export(exported)


def test_an_export_whose_compression_was_cut_is_refused(log: Database, tmp_path: Path) -> None:
    exported = tmp_path / "log.jsonl.gz"
    audit.export(log, exported)
    exported.write_bytes(exported.read_bytes()[:-40])
    with pytest.raises(InvalidInput):
        audit.verify_export(exported)
    with gzip.open(exported, "wt") as file:
        file.write(json.dumps({"heads": []}))
    assert audit.verify_export(exported).events == 0


# what the command prints


def test_the_command_takes_a_mark_a_root_or_a_checkpoints_id(log: Database) -> None:
    mark = audit.checkpoint(log)
    for root in (None, str(mark), mark.root.hex(), "1"):
        told = audit.audit_verify(log, root)
        assert (told["intact"], told["events"], told["compared"]) == (True, 30, [str(mark)])
        assert json.loads(json.dumps(told)) == told


def test_a_root_that_no_checkpoint_has_is_a_finding(log: Database) -> None:
    mark = audit.checkpoint(log)
    tamper(log, "DELETE FROM checkpoints")

    for root in (mark.root.hex(), "1"):
        told = audit.audit_verify(log, root)
        assert not told["intact"]
        assert [found["kind"] for found in told["findings"]] == ["unknown_mark"]


@pytest.mark.parametrize("root", ["x", "12:ab", "0" * 63, "0" * 62 + "zz", "-1:" + "0" * 64])
def test_what_is_no_root_is_refused(log: Database, root: str) -> None:
    with pytest.raises(InvalidInput):
        audit.audit_verify(log, root)
