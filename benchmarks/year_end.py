"""After the last month: every document once more, payroll, leakage, and what was spoilt on purpose
in the ledgers."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from year_check import money
from year_firm import until
from year_state import CONTROLLER, FINANCE, READER, Engagement, Year

#: After so many days approved time in no invoice leaks (policy `leakage`, as worked).
_LEAKS_AFTER = 35


def compare_documents(year: Year) -> None:
    """Each item is in at most one live invoice, and all money is told."""
    live: Counter[str] = Counter()
    net: dict[str, Decimal] = defaultdict(Decimal)
    for row in year.callers.listed(FINANCE, "/invoices"):
        if row["state"] in ("posted", "paid"):
            net[row["engagement_id"]] += money(row["net"])
        for item in year.callers.listed(FINANCE, f"/invoices/{row['id']}/items"):
            live[item["item"]] += item["live"]
    twice = [item for item, count in live.items() if count > 1]
    year.checks.same("items in two live invoices", "the year", [], twice)
    for one in year.engagements:
        ours = one.account.billed_by(year.last)
        year.checks.same("billed in the year", one.deal.name, ours, net[one.id])
        for item in one.account.items.values():
            if item.live_in and not item.written_off:
                where = f"{one.deal.name} {item.id}"
                year.checks.same("item is live", where, 1, live[item.id])


def compare_milestones(year: Year) -> None:
    """What is paid by result is earned with the client's acceptance, which was given today."""
    for one in [one for one in year.engagements if one.kind.contract_type == "milestone"]:
        told = year.callers.one(CONTROLLER, f"/engagements/{one.id}/revenue")
        ours = sum(
            (i.cost for i in one.account.items.values() if i.kind == "milestone"), Decimal(0)
        )
        theirs = money(told["position"]["earned"])
        year.checks.same("earned: point_in_time", one.deal.name, ours, theirs)


def compare_ledgers(year: Year) -> None:
    """What the ledgers hold in their own books: each document once, to the cent."""
    for system in ("netsuite-emea", "netsuite-amer"):
        held: dict[str, Decimal] = {}
        for kind, sign in (("invoice", 1), ("creditMemo", -1)):
            for record in year.stage.sandbox.records(system, kind):
                body = record["body"]
                lines = [Decimal(str(line["amount"])) for line in body["item"]["items"]]
                reference = str(body["custbody_fairlead_reference"])
                year.checks.same("document once in the ledger", reference, False, reference in held)
                held[reference] = sign * sum(lines, Decimal(0))
        ours = {
            row["reference"]: money(row["net"])
            for row in year.posted.values()
            if row["ref"]["system"] == system
        }
        year.checks.same("documents of the ledger", system, ours, held)


def compare_payroll(year: Year) -> None:
    """Approved minutes by person and month, whatever their kind."""
    for month in year.months:
        ours: Counter[str] = Counter()
        for one in year.engagements:
            for item in one.account.items.values():
                if item.kind == "time" and item.period == month:
                    ours[item.resource] += item.minutes
        theirs: Counter[str] = Counter()
        for row in year.callers.listed(READER, "/payroll-hours", month=month.isoformat()):
            theirs[row["resource"]] += row["approved_minutes"]
        for resource in sorted(ours.keys() | theirs.keys()):
            where = f"{month:%Y-%m} {resource}"
            year.checks.same("payroll minutes", where, ours[resource], theirs[resource])


def compare_leaks(year: Year) -> None:
    """What leaks is what stayed unbilled for too long, came late, or was given up; nothing else."""
    today = datetime.now(UTC).date()
    for one in year.engagements:
        found = year.callers.command(FINANCE, f"/engagements/{one.id}/leaks", {})["items"]
        theirs: dict[str, dict[str, Any]] = defaultdict(dict)
        for leak in found:
            theirs[leak["kind"]][leak["item"].rpartition(":")[2]] = leak
        ours = _leaks(one, today)
        for kind in ("unbilled_time", "missed_expense", "write_off"):
            where = f"{one.deal.name} {kind}"
            told = {
                id: None if leak["amount"] is None else Decimal(leak["amount"]["amount"])
                for id, leak in theirs[kind].items()
            }
            year.checks.same("leaks", where, ours[kind], told)
        if one.kind.name != "capped":
            year.checks.same("work beyond scope", one.deal.name, {}, theirs["beyond_scope"])
        year.counted["leaks"] += len(found)


def _leaks(one: Engagement, today: date) -> dict[str, dict[str, Decimal]]:
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    gone = {item.reverses for item in one.account.items.values() if item.reverses}
    for item in one.account.items.values():
        stands = item.reverses is None and item.id not in gone
        open_ = stands and item.billable and item.live_in is None
        old = item.day < today - timedelta(days=_LEAKS_AFTER)
        if open_ and old and item.kind == "time" and one.kind.as_worked:
            found["unbilled_time"][item.id] = one.account.price(item)
        if open_ and item.kind == "expense" and item.day < today - timedelta(days=45):
            found["missed_expense"][item.id] = item.cost
        if item.written_off:
            found["write_off"][item.id] = one.account.price(item)
        if item.given:
            found["write_off"][item.id] = item.given
    return found


def spoil_and_reconcile(year: Year) -> None:
    """Somebody deletes one entry of time in the ledger, and changes the hours of another; the
    reconciliation finds both and nothing else."""
    one = next(one for one in year.engagements if one.kind.name == "worked")
    system = "netsuite-emea"
    booked = year.stage.sandbox.records(system, "timeBill")
    known = one.account.items
    mine = [row for row in booked if row["body"].get("custcol_fairlead_entry") in known]
    first, second = mine[0], mine[1]
    year.stage.sandbox.discard(system, "timeBill", first["id"])
    year.stage.sandbox.amend(system, "timeBill", second["id"], {"hours": "1:00"})
    ids = [str(row["body"]["custcol_fairlead_entry"]) for row in (first, second)]
    begun = datetime.now(UTC).isoformat()
    year.callers.command(CONTROLLER, f"/engagements/{one.id}/reconcile", {})

    def compared() -> bool:
        rows = year.callers.listed(READER, "/reconciliations", engagement=one.number)
        return len(rows) >= 2 and all(row["compared_at"] > begun for row in rows)

    until(compared, "the records are compared", 120)
    rows = year.callers.listed(READER, "/discrepancies", engagement=one.number)
    ours = sorted([("deleted", ids[0]), ("amount", ids[1])])
    theirs = sorted((row["kind"], row["key"].rpartition("/")[2]) for row in rows)
    year.checks.same("discrepancies", one.deal.name, ours, theirs)
