"""What the work of a month comes to: milestones, prices, credits, invoices, payments, revenue."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fairlead.cli.demo_client import accept_by_link
from year_check import money
from year_firm import rate, until
from year_model import Item, Parts, by_share, straight_line
from year_state import (
    CONTROLLER,
    FINANCE,
    LEAD,
    OTHER_FINANCE,
    SALES,
    SECOND_WORDS,
    Engagement,
    Year,
    end_of,
    places,
)


def accept_milestones(year: Year, end: date) -> None:
    """Those that are due: shown with their evidence, accepted by the client through a link."""
    for row in year.callers.listed(LEAD, "/milestones", state="planned"):
        if date.fromisoformat(row["due_on"]) > end:
            continue
        path = f"/milestones/{row['id']}"
        status, _ = year.callers.tried(LEAD, f"{path}/submit", {"recipient": None})
        year.checks.same(
            "milestone without evidence is refused", row["id"], True, 400 <= status < 500
        )
        year.callers.upload(
            "mia.holt", f"{path}/evidence?name=Record.txt", b"Tested, all good.", "text/plain"
        )
        client = {"name": "The client", "email": f"c.{row['id']}@client.example"}
        year.callers.command("mia.holt", f"{path}/submit", {"recipient": client})
        accept_by_link(year.stage.sandbox, client["email"], until)
        item = Item("milestone", row["id"], end, cost=money(row["amount"]))
        one = next(one for one in year.engagements if one.id == row["engagement_id"])
        one.account.add(item)
        year.counted["milestones"] += 1
    for one in year.engagements:
        if one.kind.contract_type != "managed_service":
            continue
        told = year.callers.one(FINANCE, f"/billing/engagements/{one.id}/charges")
        for row in told["items"]:
            if row["id"] not in one.account.items and date.fromisoformat(row["due_on"]) <= end:
                due = date.fromisoformat(row["due_on"])
                one.account.add(Item("charge", row["id"], due, cost=money(row["amount"])))


def change_terms(year: Year, number: int, month: date) -> None:
    """In the middle of the year prices change; an item is held, and given up later."""
    if number == len(year.months) // 2:
        for one in year.engagements:
            if not one.kind.as_worked:
                continue
            role, start = one.kind.roles[0], month.replace(day=15)
            new = (rate(role, one.kind.currency) * Decimal("1.07")).quantize(
                Decimal(1).scaleb(-places(one.kind.currency))
            )
            asked = year.callers.command(
                SALES,
                "/billing/rates",
                {
                    "engagement": one.number, "role": role, "valid_from": start.isoformat(),
                    "per_hour": {"amount": str(new), "currency": one.kind.currency},
                    "reason": "Agreed for the second half.",
                },
            )  # fmt: skip
            decided = {"approved": True, "reason": "Signed."}
            year.callers.command(CONTROLLER, f"/billing/rates/{asked['id']}/decide", decided)
            one.account.rates[role].append((start, new))
            year.counted["rate changes"] += 1
    if number == 0:
        for one in [e for e in year.engagements if e.kind.name == "worked"][:1]:
            item = next(i for i in one.account.items.values() if i.kind == "time" and i.billable)
            ref = {"kind": "time", "item": item.id}
            body = {"engagement": one.number, "item": ref, "reason": "The client asks."}
            year.callers.command(FINANCE, "/billing/holds", body)
            item.held = True
    if number == 1:
        for one in [e for e in year.engagements if e.kind.name == "worked"][:1]:
            ids = [item.id for item in one.account.items.values() if item.held]
            body = {"engagement": one.number, "items": ids, "reason": "Given up.",
                    "dated_on": end_of(month).isoformat()}  # fmt: skip
            made = year.callers.command(FINANCE, "/billing/write-offs", body)
            for drafted in made["invoices"]:
                release_one(year, drafted["id"])
            one.account.give_up(ids)
            year.counted["write-offs"] += 1


def release_one(year: Year, id: str) -> None:
    one = year.callers.one(FINANCE, f"/invoices/{id}")
    seen = {"digest": one["digest"]}
    path = f"/invoices/{id}"
    reviewed = year.callers.command(FINANCE, f"{path}/review", seen, version=one["version"])
    status, _ = year.callers.tried(FINANCE, f"{path}/release", seen)
    year.checks.same("nobody releases without the right", id, 403, status)
    year.callers.command(CONTROLLER, f"{path}/release", seen, version=reviewed["version"])


def give_credits(year: Year, number: int, end: date) -> None:
    """One invoice in whole, items of another, and a part of an item's price."""
    if number < 1:
        return
    for place, one in enumerate(year.engagements[:3]):
        invoices = [
            row for row in year.posted.values()
            if row["engagement_id"] == one.id and row["kind"] == "invoice"
            and not row.get("credited")
        ]  # fmt: skip
        if not invoices or (number + place) % 3:
            continue
        row = invoices[-1]
        row["credited"] = True
        live = [
            item for item in one.account.items.values()
            if item.live_in == row["id"] and item.left and item.left.net > 0
            and item.reverses is None and not item.retainer
            and not any(x.reverses == item.id for x in one.account.items.values())
        ]  # fmt: skip
        some = year.random.sample(live, min(3, len(live)))
        taken: dict[str, Decimal | None]
        if place == 1 and some:
            part = Decimal(1) if one.account.terms.places == 0 else Decimal("1.37")
            taken = {item.id: min(part, item.left.net) for item in some if item.left}
            amounts = [
                {"kind": one.account.items[id].kind, "item": id,
                 "amount": {"amount": str(amount), "currency": one.kind.currency}}
                for id, amount in taken.items()
            ]  # fmt: skip
            body: dict[str, Any] = {"amounts": amounts}
        elif some:
            taken = dict.fromkeys((item.id for item in some), None)
            body = {"items": [{"kind": item.kind, "item": item.id} for item in some]}
        else:
            continue
        body |= {"reason": "Agreed with the client.", "dated_on": end.isoformat()}
        dispute = {"cause": "rate", "detail": "The client sees it otherwise."}
        status, said = year.callers.tried(FINANCE, f"/invoices/{row['id']}/disputes", dispute)
        if status != 201:
            year.checks.differences.append(f"dispute: {said}")
        drafted = year.callers.command(FINANCE, f"/invoices/{row['id']}/credit", body)
        net = one.account.credit(end, taken)
        year.checks.same("credit", drafted["reference"], net, money(drafted["net"]))
        release_one(year, drafted["id"])
        if status == 201:
            closing = {"outcome": "credited", "answer": "Credited."}
            year.callers.tried(FINANCE, f"/disputes/{said['id']}/close", closing)
        year.counted["credits"] += 1
    await_posted(year)


def bill_month(year: Year, end: date) -> None:
    """Drafted for all, held against the model, reviewed, released, posted by the ledgers."""
    body = {"dated_on": end.isoformat(), "until": end.isoformat()}
    run = year.callers.command(FINANCE, "/billing/invoice-runs", body)
    path = f"/billing/invoice-runs/{run['id']}"
    until(lambda: year.callers.one(FINANCE, path)["ended_at"], "the billing run ends")
    drafted = year.callers.listed(FINANCE, "/invoices", state="proposed")
    by_engagement: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in drafted:
        by_engagement[row["engagement_id"]].append(row)
    for one in year.engagements:
        ours = one.account.bill(end, end)
        theirs: dict[str, tuple[str, dict[str, Parts]]] = {}
        for row in by_engagement.get(one.id, []):
            items = items_of(year, row["id"])
            period = row["ends_on"][:7] if one.account.terms.split else ""
            theirs[period] = (row["id"], items)
            net = sum((parts.net for parts in items.values()), Decimal(0))
            year.checks.same("net is that of its items", row["reference"], net, money(row["net"]))
        where = f"{end} {one.deal.name}"
        year.checks.same("invoices", where, sorted(ours), sorted(theirs))
        for period, (id, items) in theirs.items():
            year.checks.items(f"{where} {period}", ours.get(period, {}), items)
            one.account.book(id, end, items)
        year.counted["invoices"] += len(theirs)
    for row in drafted:
        release_one(year, row["id"])
    await_posted(year)


def items_of(year: Year, invoice: str) -> dict[str, Parts]:
    return {
        row["item"]: Parts(*(money(row[n]) for n in ("amount", "discount", "capped", "drawn")))
        for row in year.callers.listed(FINANCE, f"/invoices/{invoice}/items")
    }


def await_posted(year: Year) -> None:
    """Wait for the ledgers, and give the second word where much is invoiced; then every line adds
    up."""

    def none_on_its_way() -> bool:
        for lead in SECOND_WORDS:
            for task in year.callers.listed(lead, "/approvals"):
                if year.callers.answer(lead, task, refusal=None):
                    year.counted["second words"] += 1
        rows = year.callers.listed(FINANCE, "/invoices", state="released")
        return not [row for row in rows if row["kind"] != "write_off" and money(row["net"])]

    until(none_on_its_way, "everything that was released is posted")
    for state in ("posted", "paid"):
        for row in year.callers.listed(FINANCE, "/invoices", state=state):
            if row["id"] in year.posted:
                continue
            detail = year.callers.one(FINANCE, f"/invoices/{row['id']}")
            lines = sum((money(line["amount"]) for line in detail["lines"]), Decimal(0))
            year.checks.same("lines add up", row["reference"], money(row["net"]), lines)
            total = money(detail["net"]) + money(detail["tax"])
            year.checks.same(
                "total is net and tax", row["reference"], total, money(detail["total"])
            )
            year.posted[row["id"]] = detail


def pay_some(year: Year, end: date) -> None:
    """Every second one is paid, as the ledger tells us."""
    for number, row in enumerate(list(year.posted.values())):
        if row["kind"] != "invoice" or row["state"] != "posted" or number % 2 or row.get("paying"):
            continue
        if row.get("credited"):  # the ledger takes no more than is still owed
            continue
        row["paying"] = True
        line = {"doc": {"id": row["ref"]["id"]}, "amount": money(row["total"])}
        body = {"tranDate": end.isoformat(), "apply": {"items": [line]}}
        year.stage.sandbox.plant(row["ref"]["system"], "customerPayment", body)
        year.counted["payments"] += 1


def recognise_month(year: Year, month: date, end: date) -> None:
    job = year.callers.command(FINANCE, "/revenue-jobs", {"month": month.isoformat()})
    path = f"/revenue-jobs/{job['id']}"
    until(lambda: year.callers.one(FINANCE, path)["ended_at"], "revenue is computed")
    done = year.callers.one(FINANCE, path)
    year.checks.same("revenue that cannot be measured", str(month), 0, done["held"])
    for batch in year.callers.listed(CONTROLLER, "/revenue-batches", month=month.isoformat()):
        one = f"/revenue-batches/{batch['id']}"
        if batch["state"] == "approved":
            continue
        asked = year.callers.command(OTHER_FINANCE, f"{one}/propose", {})
        digest = {"digest": asked["batch"]["digest"]}
        year.callers.command(CONTROLLER, f"{one}/approve", digest)
        year.counted["revenue batches"] += 1
    for one in year.engagements:
        told = year.callers.one(CONTROLLER, f"/engagements/{one.id}/revenue?on={end}")
        position = told["position"]
        if position is None:
            year.checks.differences.append(f"no position: {one.deal.name} {told['unmeasured']}")
            continue
        earned, billed, wip, deferred = (
            money(position[name]) for name in ("earned", "billed", "wip", "deferred")
        )
        where = f"{end} {one.deal.name}"
        year.checks.same("earned - billed = WIP - deferred", where, earned - billed, wip - deferred)
        year.checks.same("billed", where, one.account.billed_by(end), billed)
        ours = _earned(year, one, end)
        if ours is not None:
            year.checks.same(f"earned: {told['method']}", where, ours, earned)


def _earned(year: Year, one: Engagement, end: date) -> Decimal | None:
    """By the method that follows from the contract's type; null: by milestones, which clients
    accept today, whatever month is played."""
    price, account = one.deal.value.amount, one.account
    match one.kind.contract_type:
        case "time_and_materials":
            return account.earned_as_invoiced(end)
        case "managed_service":
            return straight_line(price, year.first, year.ends_on, end, account.terms.places)
        case "fixed_fee":  # everybody costs the same, so that cost goes by minutes
            budget = int((price / one.budget_rate).quantize(Decimal(1), ROUND_HALF_UP)) * 60
            done = account.minutes_by(end)
            return by_share(price, done, max(done, budget), account.terms.places)
        case _:
            return None


def close_month(year: Year, number: int) -> None:
    if number == 0:
        return
    closing = year.months[number - 1]
    for entity in ("TH-LTD", "TH-GMBH", "TH-INC", "TH-PTE"):
        body = {"legal_entity": entity, "month": closing.isoformat(), "wanted": "closed",
                "reason": "Month's end."}  # fmt: skip

        def asked(body: dict[str, Any] = body) -> dict[str, Any] | None:
            status, said = year.callers.tried(FINANCE, "/periods/ask", body)
            return said if status == 201 else None

        move = until(asked, f"{closing} of {entity} may be closed", 300, 2.0)
        year.callers.command(CONTROLLER, f"/period-moves/{move['id']}/confirm", {})
        year.counted["months closed"] += 1
