"""Is the event log still what was written? (F216)

Each chain of the log is hashed from its first event, so an edit, a gap, an insertion or a swap
breaks it at a position that can be named. Whoever may write to the database can hash a chain anew
or cut its end, and the `chains` table with it; only a root that was noted elsewhere shows that. A
checkpoint's root covers the heads of all chains over the first so many events by number. Keep its
*mark*, `EVENTS:ROOT`, outside the database: on paper, in a mail, in another system.
"""

from __future__ import annotations

import gzip
import json
from array import array
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, cast

from fairlead.domain.chain import START, link, root_of
from fairlead.errors import InvalidInput
from fairlead.store import journal
from fairlead.store.database import Database, database_time

_MOST_FINDINGS = 1000  #: a log that is broken everywhere is told by its first breaks
_COVERED = (
    "chain", "position", "type", "at", "actor", "correlation", "region", "attributes", "objects",
)  # fmt: skip

Row = Mapping[str, Any]
Head = tuple[str, int, bytes]  #: chain, length, hash of its last event


@dataclass(frozen=True)
class Mark:
    """What was noted outside: the root over the heads of all chains after so many events."""

    events: int
    root: bytes

    @classmethod
    def read(cls, text: str) -> Mark:
        """From `EVENTS:ROOT`. Raises InvalidInput."""
        count, _, root = text.strip().partition(":")
        if not (count.isascii() and count.isdigit() and len(count) <= 18) or len(root) != 64:
            raise InvalidInput("A mark is the number of events, a colon and a root of 64 digits.")
        return cls(int(count), _bytes(root))

    def __str__(self) -> str:
        return f"{self.events}:{self.root.hex()}"


@dataclass(frozen=True)
class Finding:
    """One place at which the log is not what was written."""

    kind: str  #: edited, missing, order, cut, rewritten, unknown_mark
    chain: str | None
    position: int | None
    seq: int | None  #: the event's number, where there is an event
    says: str


@dataclass(frozen=True)
class Verdict:
    events: int
    chains: int
    mark: Mark  #: over the log as it is; note it outside to show later cuts
    compared: tuple[Mark, ...]  #: marks that the log was held against
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        return not self.findings


@dataclass
class _Chain:
    """One chain while it is read."""

    name: str
    expected: int = 1  #: the next position
    head: bytes = START  #: what the next event follows: the hash that the last one claims
    last_seq: int = 0
    at_marks: dict[int, Head] = field(default_factory=dict[int, Head])  #: by cut


def verify(db: Database, *, marks: Sequence[Mark] = ()) -> Verdict:
    """Recompute every hash of the log, and hold it against marks and the newest checkpoint.

    Reads one snapshot, so that work may go on meanwhile, in constant memory but for one head per
    chain. Raises `Busy` or `DatabaseAway`.
    """
    with db.transaction() as tx:
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        newest = tx.execute(
            "SELECT events, root FROM checkpoints ORDER BY id DESC LIMIT 1"
        ).fetchone()
        stored = [Mark(newest["events"], bytes(newest["root"]))] if newest else []
        against = list(dict.fromkeys([*marks, *stored]))
        cuts: dict[int, int] = {}
        for mark in against:
            row = tx.execute(
                "SELECT seq FROM events ORDER BY seq OFFSET %s LIMIT 1", [max(mark.events - 1, 0)]
            ).fetchone()
            if not mark.events:
                cuts[0] = 0
            elif row is not None:
                cuts[mark.events] = row["seq"]
        return _judge(journal.everything(tx), journal.heads(tx), against, cuts)


def verify_export(path: Path, *, marks: Sequence[Mark] = ()) -> Verdict:
    """The same from a file that `export` wrote, without a database.

    Reads it twice where there are marks. Raises InvalidInput where it is no such file.
    """
    cuts: dict[int, int] = {}
    if marks:
        numbers = array("q", (row["seq"] for row in _exported(path)[0]))
        ordered = sorted(numbers)
        cuts = {
            mark.events: ordered[mark.events - 1] if mark.events else 0
            for mark in marks
            if mark.events <= len(ordered)
        }
    rows, heads = _exported(path)
    return _judge(rows, heads, list(marks), cuts)


def export(db: Database, path: Path) -> int:
    """Write the whole log to a file, for `verify_export`; the number of events.

    JSON, one line each: the events chain by chain, then the heads. Gzip where the name ends so.
    """
    count = 0
    with db.transaction() as tx, _opened(path, "wt") as file:
        tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        file.write(json.dumps({"heads": [[n, i, h.hex()] for n, i, h in journal.heads(tx)]}) + "\n")
        for row in journal.everything(tx):
            line = {**row, "at": row["at"].isoformat(), "hash": bytes(row["hash"]).hex()}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
    return count


def checkpoint(db: Database) -> Mark:
    """Note the root over all chains, and give the mark to keep outside."""
    with db.transaction() as tx:
        id, root = journal.checkpoint(tx, database_time(tx))
        row = tx.execute("SELECT events FROM checkpoints WHERE id = %s", [id]).fetchone()
        assert row is not None
        return Mark(row["events"], root)


def audit_verify(db: Database, root: str | None) -> dict[str, Any]:
    """What `fairlead audit verify` prints. Exit code: 0 where `intact`, else 1.

    `root`: a mark `EVENTS:ROOT`, the root of a checkpoint, or a checkpoint's id; null: only the
    newest checkpoint that is stored here, which shows no more than the database itself can.
    Raises InvalidInput (exit code 2) where it is none of these.
    """
    marks, unknown = _marks(db, root.strip()) if root else ([], None)
    verdict = verify(db, marks=marks)
    findings = (*verdict.findings, *([unknown] if unknown else []))
    return {
        "intact": not findings,
        "events": verdict.events,
        "chains": verdict.chains,
        "mark": str(verdict.mark),
        "compared": [str(mark) for mark in verdict.compared],
        "findings": [vars(finding) for finding in findings],
    }


def _marks(db: Database, text: str) -> tuple[list[Mark], Finding | None]:
    """The mark that is meant, or a finding where the checkpoint that it names is gone."""
    if ":" in text:
        return [Mark.read(text)], None
    by_id = text.isascii() and text.isdigit() and len(text) <= 18
    values = {"id": int(text) if by_id else None, "root": None if by_id else _bytes(text)}
    with db.transaction() as tx:
        row = tx.execute(
            "SELECT events, root FROM checkpoints WHERE id = %(id)s OR root = %(root)s "
            "ORDER BY id DESC LIMIT 1",
            values,
        ).fetchone()
    if row is not None:
        return [Mark(row["events"], bytes(row["root"]))], None
    says = "No such checkpoint is stored: it was never made here, or it was removed."
    return [], Finding("unknown_mark", None, None, None, says)


def _judge(
    rows: Iterable[Row], heads: Sequence[Head], marks: Sequence[Mark], cuts: Mapping[int, int]
) -> Verdict:
    """Walk the log once, chain by chain. `cuts`: a mark's count → the number of its last event."""
    findings: list[Finding] = []
    claimed = {name: (length, head) for name, length, head in heads}
    ends: list[Head] = []
    past: dict[int, list[Head]] = {count: [] for count in cuts}
    events = 0
    chain: _Chain | None = None

    def close(ended: _Chain) -> None:
        length, head = claimed.pop(ended.name, (0, START))
        findings.extend(_end(ended, length, head))
        ends.append((ended.name, ended.expected - 1, ended.head))
        for count, found in ended.at_marks.items():
            past[count].append(found)

    for row in rows:
        events += 1
        if chain is None or chain.name != row["chain"]:
            if chain is not None:
                close(chain)
            chain = _Chain(row["chain"])
        findings += _step(chain, row)
        for count, last in cuts.items():
            if row["seq"] <= last:
                chain.at_marks[count] = (chain.name, row["position"], bytes(row["hash"]))
    if chain is not None:
        close(chain)
    for name, (length, _) in claimed.items():
        if length:
            says = f"The chain is gone; it had {length} events."
            findings.append(Finding("cut", name, 1, None, says))
    findings += _against(marks, past)
    return Verdict(
        events=events,
        chains=len(ends),
        mark=Mark(events, root_of(ends)),
        compared=tuple(marks),
        findings=tuple(findings[:_MOST_FINDINGS]),
    )


def _step(chain: _Chain, row: Row) -> Iterator[Finding]:
    """Hold one event against the one before. The walk goes on from what the event claims."""
    position, seq, claims = row["position"], row["seq"], bytes(row["hash"])
    if position != chain.expected:
        yield Finding(
            "missing", chain.name, chain.expected, seq,
            f"Position {chain.expected} should follow, but {position} does.",
        )  # fmt: skip
    elif link(chain.head, {name: row[name] for name in _COVERED}) != claims:
        yield Finding(
            "edited", chain.name, position, seq,
            "The event, its hash or the one before is not what was written.",
        )  # fmt: skip
    if seq <= chain.last_seq:
        yield Finding(
            "order", chain.name, position, seq,
            f"Its number comes before {chain.last_seq}, that of the event before it.",
        )  # fmt: skip
    chain.expected, chain.head, chain.last_seq = position + 1, claims, seq


def _end(chain: _Chain, length: int, head: bytes) -> Iterator[Finding]:
    last = chain.expected - 1
    if last < length:
        says = f"It ends at {last}, but {length} events were written."
        yield Finding("cut", chain.name, last + 1, None, says)
    elif last > length or head != chain.head:
        says = f"It does not end as it was written, with the head of event {length}."
        yield Finding("rewritten", chain.name, last, chain.last_seq, says)


def _against(marks: Sequence[Mark], past: Mapping[int, Sequence[Head]]) -> Iterator[Finding]:
    for mark in marks:
        if mark.events not in past:
            says = f"There are fewer than the {mark.events} events that the mark covers."
            yield Finding("cut", None, None, None, says)
        elif root_of(list(past[mark.events])) != mark.root:
            says = f"The first {mark.events} events are not those that the mark covers."
            yield Finding("rewritten", None, None, None, says)


def _exported(path: Path) -> tuple[Iterator[Row], list[Head]]:
    """The events of an exported file, one by one, and its heads."""
    with _opened(path, "rt") as file:
        first = _line(path, file.readline())
    try:
        heads = [(str(n), int(i), bytes.fromhex(h)) for n, i, h in first["heads"]]
    except (KeyError, TypeError, ValueError) as wrong:
        raise InvalidInput(f"{path.name} is no export of the event log.") from wrong
    return _rows(path), heads


def _rows(path: Path) -> Iterator[Row]:
    with _opened(path, "rt") as file:
        file.readline()
        for text in file:
            row = _line(path, text)
            try:
                row["at"] = datetime.fromisoformat(row["at"])
                row["hash"] = bytes.fromhex(row["hash"])
                row["position"], row["seq"] = int(row["position"]), int(row["seq"])
                missing = [name for name in _COVERED if name not in row]
            except (KeyError, TypeError, ValueError) as wrong:
                raise InvalidInput(f"{path.name} has a line that is no event.") from wrong
            if missing:
                raise InvalidInput(f"{path.name} has an event without {missing[0]}.")
            yield row


def _line(path: Path, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as wrong:
        raise InvalidInput(f"{path.name} has a line that is no JSON.") from wrong
    if not isinstance(found, dict):
        raise InvalidInput(f"{path.name} has a line that is no JSON object.")
    return cast("dict[str, Any]", found)


@contextmanager
def _opened(path: Path, mode: str) -> Generator[IO[str]]:
    """A text file, through gzip where its name ends in `.gz`. Raises InvalidInput where it fails
    to be read or written."""
    try:
        with (
            cast("IO[str]", gzip.open(path, mode, encoding="utf-8"))
            if path.suffix == ".gz"
            else path.open(mode, encoding="utf-8")
        ) as file:
            yield file
    except (OSError, EOFError, UnicodeDecodeError) as wrong:
        raise InvalidInput(f"{path.name} cannot be used as an export: {wrong}") from wrong


def _bytes(digits: str) -> bytes:
    try:
        root = bytes.fromhex(digits)
    except ValueError as wrong:
        raise InvalidInput("A root is 64 hexadecimal digits.") from wrong
    if len(root) != 32:
        raise InvalidInput("A root is 64 hexadecimal digits.")
    return root
