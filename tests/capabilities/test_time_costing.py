"""Cost rates come from who owns them, by date, and change nothing that is closed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from office import firm

from fairlead.capabilities.time.costing import set_cost_rates
from fairlead.domain.model.cost_rate import CostRate
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.values import Money
from fairlead.errors import InvalidInput
from fairlead.store import cost_rates, resources
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


@pytest.fixture(autouse=True)
def people(tx: Tx) -> None:
    record = ResourceRecord(
        id="p1", name="Ayọ̀", legal_entity="TH-GMBH", minutes_per_week=2400, source="test"
    )
    resources.upsert(tx, [record])


def program() -> Acting:
    return Acting.of(firm().people, firm().people.principal("event-relay"))


def rate(amount: str = "80", day: date = NOVEMBER, resource: str = "p1") -> CostRate:
    money = Money(amount=Decimal(amount), currency="EUR")
    return CostRate(resource=resource, valid_from=day, per_hour=money)


def close(tx: Tx, month: date) -> None:
    tx.execute("INSERT INTO periods VALUES ('TH-GMBH', %s, 'closed', 'x', now())", [month])


def refusals(tx: Tx, *rates: CostRate) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        set_cost_rates(tx, program(), rates)
    return [(one.pointer, one.rule) for one in refused.value.problems]


def test_a_rate_told_twice_is_one(tx: Tx) -> None:
    assert set_cost_rates(tx, program(), [rate()]) == [rate()]
    assert set_cost_rates(tx, program(), [rate(), rate("85", DECEMBER)]) == [rate("85", DECEMBER)]

    rows = cost_rates.listed(tx, regions=None, entities=None, resource="p1", after=None, limit=10)
    assert [(row["valid_from"], row["per_hour"]) for row in rows] == [
        (NOVEMBER, 80),
        (DECEMBER, 85),
    ]


def test_what_is_wrong_is_named_and_nothing_is_kept(tx: Tx) -> None:
    set_cost_rates(tx, program(), [rate()])
    wrong = [
        rate("90"), rate("0", DECEMBER), rate(resource="nobody"),
        rate("7", date(2027, 1, 1)), rate("7", date(2027, 1, 1)),
    ]  # fmt: skip

    assert refusals(tx, *wrong) == [
        ("/rates/0/per_hour", "is as it was told before; a new rate has a later first day"),
        ("/rates/1/per_hour/amount", "is more than zero"),
        ("/rates/2/resource", "is somebody who books time"),
        ("/rates/4/valid_from", "is told once of one person"),
    ]
    assert len(cost_rates.known(tx, wrong)) == 1


def test_a_program_of_another_company_sets_no_costs_there(tx: Tx) -> None:
    whole = program()
    limited = whole.principal.model_copy(update={"legal_entities": frozenset({"TH-LTD"})})

    with pytest.raises(InvalidInput, match="cannot be taken") as refused:
        set_cost_rates(tx, Acting(limited, None), [rate()])

    assert refused.value.problems[0].rule == "is somebody who books time"
    own = whole.principal.model_copy(update={"legal_entities": frozenset({"TH-GMBH"})})
    assert set_cost_rates(tx, Acting(own, None), [rate()]) == [rate()]


def test_a_closed_month_keeps_its_costs(tx: Tx) -> None:
    close(tx, NOVEMBER)

    assert refusals(tx, rate(day=date(2026, 11, 15))) == [
        ("/rates/0/valid_from", "is after November 2026, which is closed")
    ]
    assert set_cost_rates(tx, program(), [rate(day=DECEMBER)]) == [rate(day=DECEMBER)]


def test_the_log_says_whose_rate_changed_and_never_how_much_it_is(tx: Tx) -> None:
    set_cost_rates(tx, program(), [rate("123.45")])

    row = tx.execute("SELECT * FROM events WHERE type = 'cost_rates.set'").fetchone()
    assert row is not None
    assert row["objects"] == [["p1", "resource", "costs"]]
    assert row["attributes"] == {"rates": 1, "from": "2026-11-01"}
    assert "123" not in str(row["attributes"])
