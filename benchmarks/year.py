"""A year of a services firm, from outside: over the HTTP API, held each month against a model.

Deals are won in the sandbox's CRMs and become engagements of several companies, currencies and
contract types. Then, month by month: everybody's time (files, and entries of their own), expenses
with receipts, approval by others, corrections, milestones with evidence that clients accept,
invoices that finance reviews and a controller releases, payments, credits, revenue, the close. At
the end of each month everything that was billed is held against `year_model`, item by item, which
knows nothing of Fairlead.

    python benchmarks/year.py [--people 10] [--months 2] [--seed 1] [--postings]

It begins with deals, time and money of a few seconds a month for ten people; a firm of 300 needs
less than a minute of CPU time a month, its year a quarter to half an hour, and more with
`--postings`, since each entry is then booked in a ledger by itself. The last month is always the
one before this; what is spoilt in the ledgers at the end, and found by the reconciliation, needs
`--postings`.

Prints one JSON object: what was counted, how long it took in CPU seconds, by month as well, and
what differed; on standard error, how far it is. Exit status 1 where something differed or a request
failed for no fault of ours (5xx).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from year_check import Checks
from year_firm import Callers, open_stage
from year_play import play
from year_state import OWN, Year


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--people", type=int, default=10, help="7 to 300")
    parser.add_argument("--months", type=int, default=2, help="1 to 12; the last is last month")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--postings", action="store_true", help="book each entry in the ledgers")
    given = parser.parse_args()
    if not 7 <= given.people <= 300 or not 1 <= given.months <= 12:
        parser.error("7 to 300 people, 1 to 12 months")
    begun = time.perf_counter()
    own = {f"own{n}": f"person.{n}@tarn-holloway.example" for n in OWN}
    with (
        tempfile.TemporaryDirectory(prefix="fairlead-year-") as folder,
        open_stage(Path(folder), own, given.workers, given.postings) as stage,
        Callers(stage.fairlead, stage.url) as callers,
    ):
        checks = Checks()
        year = Year(stage, callers, checks, given.people, given.months, given.seed, given.postings)
        try:
            play(year)
        finally:
            cpu = stage.cpu_s()
            slow = sorted(callers.slowest.items(), key=lambda one: -one[1])[:12]
            busy = sorted(callers.seconds.items(), key=lambda one: -one[1])[:12]
            told = {
                "counted": dict(year.counted),
                "wall_s": round(time.perf_counter() - begun, 1),
                "cpu_s": cpu,
                "phases_wall_s": {name: round(s, 1) for name, s in year.phases.items()},
                "months_cpu_s": year.months_cpu_s,
                "slowest_s": {name: round(s, 2) for name, s in slow},
                "busiest_s": {n: f"{s:.1f} in {callers.count[n]}" for n, s in busy},
                "refused": dict(callers.refused),
                "checked": dict(checks.held),
                "differences": checks.differences[:200],
            }
            print(json.dumps(told, indent=1, ensure_ascii=False))
    failed = [one for one in callers.refused if one[0] == "5" and not one.startswith("503")]
    return 1 if checks.differences or failed else 0


if __name__ == "__main__":
    sys.exit(main())
