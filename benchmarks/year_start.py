"""Deals that are won become engagements, and people are put to work on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fairlead.cli.demo_deals import Deal
from fairlead.cli.demo_people import Desk
from fairlead.cli.demo_seller import prepare
from year_firm import KINDS, TERMS, CapSeller, Kind, deal_of, rate, the_book, until, welcome
from year_model import Account, Item, Terms
from year_state import OWN, PROGRAM, RESOURCES, SALES, Engagement, Year, places

_HOMES = {"London": "GB", "Munich": "DE", "Singapore": "SG", "Chicago": "US"}
COST = Decimal(61)  #: of everybody's hour


def launch(year: Year) -> None:
    count = max(len(KINDS), year.people // 8)
    teams = [year.people // count + (n < year.people % count) for n in range(count)]
    months = len(year.months)
    deals: list[tuple[Kind, Deal, int]] = []
    for number, team in enumerate(teams):
        kind = KINDS[number % len(KINDS)]
        deals.append((kind, deal_of(kind, number, year.first, year.ends_on, team, months), team))
    book = the_book(tuple(deal for _, deal, _ in deals))
    seller = CapSeller(year.stage.sandbox, book)
    seller.caps = {deal.id: deal.value.amount for kind, deal, _ in deals if kind.name == "capped"}
    prepare(year.stage.sandbox, book.before)
    welcome(year.stage.sandbox)
    for _, deal, _ in deals:
        seller.win(deal)
    desk = Desk(year.callers, book)
    by_name = {deal.name: deal for _, deal, _ in deals}

    def launched() -> dict[str, dict[str, Any]] | None:
        rows = {row["name"]: row for row in year.callers.everything("/engagements")}
        desk.work({rows[name]["id"]: deal for name, deal in by_name.items() if name in rows})
        done = {n: r for n, r in rows.items() if r["state"] == "launched"}
        return done if by_name.keys() <= done.keys() else None

    rows = until(launched, "every deal is launched", 600, 1.0)
    for (kind, deal, _), team in zip(deals, teams, strict=True):
        row = rows[deal.name]
        account = Account(deal.name, _model_terms(kind, deal, seller.caps), _rates(kind))
        template = next(t for t in year.stage.fairlead.firm.templates if t.id == kind.template)
        one = Engagement(row["id"], row["number"], kind, deal, account, [], template.budget_rate)
        days = (year.ends_on - year.first).days
        for package in template.packages:
            first = year.first + timedelta(days=int(days * package.from_share))
            last = year.first + timedelta(days=int(days * package.to_share))
            one.tasks.append((package.code, first, last))
        year.engagements.append(one)
        one.team = [("", "")] * team
    year.counted["engagements"] = len(rows)


def _model_terms(kind: Kind, deal: Deal, caps: Mapping[str, Decimal]) -> Terms:
    client = {"saguaro": "Saguaro Freight Lines", "kestrel": "Kestrel Logistik GmbH"}
    found = TERMS.get((client.get(kind.client, ""), kind.entity), ("0", "0", "0"))
    mark_up, discount, least = map(Decimal, found if kind.as_worked else ("0", "0", "0"))
    return Terms(
        kind.currency,
        places(kind.currency),
        kind.as_worked,
        split=kind.as_worked and kind.entity == "TH-GMBH",
        mark_up=mark_up,
        discount=discount,
        discount_from=least,
        cap=caps.get(deal.id),
    )


def staff(year: Year) -> None:
    """People whom the HR systems told us of, and more for a large firm, each on one engagement;
    what an hour costs."""

    def told() -> list[dict[str, Any]] | None:
        rows = year.callers.listed(RESOURCES, "/resources")
        return rows if len(rows) >= 250 else None

    until(told, "the HR systems told of their people", 120)
    extra = [
        {
            "id": f"extra.{n}", "name": f"Extra {n}", "email": f"extra.{n}@tarn-holloway.example",
            "region": "AMER", "country": "US", "roles": ["Consultant"], "starts_on": "2024-03-01",
        }
        for n in range(max(0, year.people - 200))
    ]  # fmt: skip
    if extra:
        year.callers.command(RESOURCES, "/resources", {"resources": extra})
    rows = year.callers.listed(RESOURCES, "/resources")
    by_place: dict[str, list[dict[str, Any]]] = defaultdict(list)
    own = {f"person.{n}@tarn-holloway.example" for n in OWN}
    for row in sorted(rows, key=lambda one: _number(one["id"])):
        if row["email"] not in own and row["id"].startswith(("bamboohr", "extra")):
            by_place[row["country"]].append(row)
    mine = sorted((r for r in rows if r["email"] in own), key=lambda one: one["id"])
    assignments: list[dict[str, Any]] = []
    for number, one in enumerate(year.engagements):
        places = by_place[_HOMES[one.kind.home]]
        for place in range(len(one.team)):
            if place == 0 and number < len(mine) and number < len(OWN):
                person = mine[number]
            else:
                person = (places or max(by_place.values(), key=len)).pop(0)
            role = one.kind.roles[1 if place == 1 else 0]
            one.team[place] = (person["id"], role)
            assignments.append(
                {
                    "id": f"{person['id']}/{one.number}",
                    "engagement": one.number,
                    "resource": person["id"],
                    "role": role,
                    "starts_on": year.first.isoformat(),
                    "ends_on": year.ends_on.isoformat(),
                }
            )
    year.callers.command(RESOURCES, "/assignments", {"assignments": assignments})
    rates = [
        {
            "resource": resource,
            "valid_from": "2024-01-01",
            "per_hour": {"amount": str(COST), "currency": one.kind.currency},
        }
        for one in year.engagements
        for resource, _ in one.team
    ]
    year.callers.command(PROGRAM, "/cost-rates", {"rates": rates})
    for one in year.engagements:
        if one.kind.name == "retainer":
            sell_retainer(year, one)
    year.counted["people"] = len(assignments)


def sell_retainer(year: Year, one: Engagement) -> None:
    made = year.callers.command(
        SALES,
        "/billing/charges",
        {
            "engagement": one.number,
            "kind": "retainer",
            "name": "Retainer",
            "amount": {"amount": "20000.00", "currency": one.kind.currency},
            "due_on": year.first.isoformat(),
            "source": "contract",
        },
    )
    (row,) = [row for row in made["items"] if row["kind"] == "retainer"]
    item = Item("charge", row["id"], year.first, cost=Decimal(20000), retainer=True)
    one.account.add(item)


def _rates(kind: Kind) -> dict[str, list[tuple[date, Decimal]]]:
    return {role: [(date.min, rate(role, kind.currency))] for role in kind.roles}


def _number(id: str) -> int:
    tail = id.rpartition(".")[2]
    return int(tail) if tail.isdigit() else 0
