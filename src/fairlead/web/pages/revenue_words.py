"""Revenue in words: the states of a month's batch, and what each method of measuring rests on."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.model.revenue import RevenueMethod
from fairlead.domain.model.revenue_batch import BatchState
from fairlead.web.formats import Tone

PATH = "/billing/revenue"
STATES: Mapping[str, tuple[str, Tone]] = {
    BatchState.COMPUTED: ("Computed", "warn"),
    BatchState.PROPOSED: ("Proposed", "warn"),
    BatchState.APPROVED: ("Approved", "run"),
    BatchState.POSTED: ("Booked", "ok"),
    BatchState.LAPSED: ("Lapsed", "idle"),
}
#: The paragraphs that a method rests on, as `domain.rules.revenue` has them.
PARAGRAPHS: Mapping[str, str] = {
    RevenueMethod.AS_INVOICED: "IFRS 15.B16, ASC 606-10-55-18",
    RevenueMethod.OVER_TIME_BY_COST: "IFRS 15.B18-B19, ASC 606-10-55-20",
    RevenueMethod.OVER_TIME_BY_EFFORT: "IFRS 15.B18-B19, ASC 606-10-55-20",
    RevenueMethod.STRAIGHT_LINE: "IFRS 15.B18, ASC 606-10-25-14(b)",
    RevenueMethod.POINT_IN_TIME: "IFRS 15.38, ASC 606-10-25-30",
}
