"""Deciding on what was shown, and on nothing that came or changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from fairlead.errors import ChangedSince
from fairlead.store import approvals
from fairlead.store.approvals import Kind, Remit, Selection
from fairlead.store.database import Tx

_KINDS: tuple[Kind, ...] = ("time", "expense")


def as_shown(
    tx: Tx,
    remit: Remit,
    which: Selection,
    now: datetime,
    *,
    digest: str | None = None,
    versions: Mapping[tuple[Kind, UUID], int],
) -> Selection:
    """What is selected, held until the transaction ends, where it stands as it was shown.

    `digest`: of the group of one engagement and week; `versions`: of single items. Raises
    `ChangedSince`. Nothing is held where neither is given.
    """
    if digest is None and not versions:
        return which
    held = {kind: approvals.hold(tx, kind, remit, which, now) for kind in _KINDS}
    if digest is not None:
        found = approvals.groups(tx, remit, now, which=which, limit=2)
        if [row["digest"] for row in found] != [digest]:
            raise ChangedSince("This week has changed since it was shown; look at it again.")
    for (kind, id), version in versions.items():
        if held[kind].get(id) != version:
            raise ChangedSince(f"The {kind} {id} has changed since it was shown; look again.")
    # what is handed in from now on was not shown
    return replace(which, ids={kind: tuple(some) for kind, some in held.items()})
