"""Who may approve time and expenses of an engagement (F068, F073). Pure.

The manager of the engagement approves it: the person who was named, else whoever manages projects
in its region and company. A PMO lead who sees it may always. Nobody approves their own, what they
entered for others, or anything of a person whose deputy they are or who is theirs (NIST SP 800-53
AC-5: duties that meet over a deputy meet in one hand).
"""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.domain.values import Value


class Line(Value):
    """One engagement, as far as it says who approves."""

    engagement: str
    region: str | None
    legal_entity: str | None
    manager: str | None = None  #: the person who was named for it; null: nobody was


class Hand(Value):
    """Somebody who may approve by what they are, or in whose stead a deputy does."""

    id: str
    leads: bool  #: a PMO lead
    manages: bool  #: a project manager
    regions: frozenset[str] | None = None  #: null: all
    legal_entities: frozenset[str] | None = None  #: null: all

    def sees(self, line: Line) -> bool:
        return (self.regions is None or line.region in self.regions) and (
            self.legal_entities is None or line.legal_entity in self.legal_entities
        )

    def approves(self, line: Line) -> bool:
        if line.manager == self.id:
            return True
        return self.sees(line) and (self.leads or (self.manages and line.manager is None))


def approves_as(own: Hand, others: Iterable[Hand], line: Line) -> str | None:
    """In whose stead somebody approves this line: their own id, or that of the first of `others`,
    whose deputy they are, who may. Null: they may not."""
    if own.approves(line):
        return own.id
    return next((other.id for other in others if other.approves(line) and own.sees(line)), None)
