"""The playbooks that a firm runs, and every version that a run still follows (F110)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from fairlead.errors import NotFound
from fairlead.flow.playbook import Compiled, Playbook, Variant, compile, select
from fairlead.store.database import Tx


@dataclass
class Library:
    """Current playbooks by the event that starts them, and compiled ones by digest.

    A digest stands for one content for ever, so what was read once is kept.
    """

    playbooks: Sequence[Playbook]
    variants: Sequence[Variant] = ()
    _compiled: dict[str, Compiled] = field(default_factory=dict[str, Compiled])
    _fitted: dict[tuple[object, ...], Compiled] = field(
        default_factory=dict[tuple[object, ...], Compiled]
    )
    _stored: set[str] = field(default_factory=set[str])
    _lock: Lock = field(default_factory=Lock)

    def started_by(self, event: str) -> list[Playbook]:
        """The newest version of each playbook that this type of event starts."""
        newest: dict[str, Playbook] = {}
        for playbook in self.playbooks:
            known = newest.get(playbook.playbook)
            if known is None or known.version < playbook.version:
                newest[playbook.playbook] = playbook
        return [playbook for playbook in newest.values() if playbook.starts_on == event]

    def fit(self, tx: Tx, playbook: Playbook, facts: Mapping[str, str | None]) -> Compiled:
        """The playbook with the variants that fit the subject, stored for the run to follow."""
        chosen = select([v for v in self.variants if v.variant_of == playbook.playbook], facts)
        compiled = self._joined(playbook, chosen)
        with self._lock:
            known = compiled.digest in self._stored
        if not known and not self._is_stored(tx, compiled.digest):
            tx.execute(
                "INSERT INTO playbooks (digest, name, version, body, first_used_at) "
                "VALUES (%s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING",
                [compiled.digest, compiled.name, compiled.version, compiled.to_json()],
            )
        return compiled

    def _is_stored(self, tx: Tx, digest: str) -> bool:
        """Seen from here, it is committed for good, and need not be asked for again."""
        row = tx.execute("SELECT 1 AS one FROM playbooks WHERE digest = %s", [digest]).fetchone()
        if row is None:
            return False
        with self._lock:
            self._stored.add(digest)
        return True

    def _joined(self, playbook: Playbook, chosen: Sequence[Variant]) -> Compiled:
        name = (playbook.playbook, playbook.version, *((v.variant, v.version) for v in chosen))
        with self._lock:
            if name not in self._fitted:
                self._fitted[name] = compile(playbook, chosen)
            return self._fitted[name]

    def get(self, tx: Tx, digest: str) -> Compiled:
        """What a run follows. Raises `NotFound` where it was never stored."""
        with self._lock:
            known = self._compiled.get(digest)
        if known is not None:
            return known
        row = tx.execute("SELECT body FROM playbooks WHERE digest = %s", [digest]).fetchone()
        if row is None:
            raise NotFound(f"No playbook has the digest {digest[:12]}.")
        compiled = Compiled.from_json(json.dumps(row["body"]))
        with self._lock:
            self._compiled[digest] = compiled
            self._stored.add(digest)  # read back, so its transaction is committed
        return compiled
