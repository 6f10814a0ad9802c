"""Histories that a mistake in billing would show in, each played step by step against the model:
chance finds them too, given time, and these are found every time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import date
from decimal import Decimal

import pytest
from billing_model import cents
from test_billing_model import Histories

from fairlead.store.database import Database

Step = Callable[[Histories], None]


@pytest.fixture
def history(module_db: Database) -> Generator[Histories]:
    machine = type("Histories", (Histories,), {"database": module_db})()
    yield machine
    machine.teardown()


def work(minutes: int, role: str = "Consultant") -> Step:
    return lambda h: h.work(minutes, 1, role, True)


def propose(h: Histories) -> None:
    h.propose()


def release(h: Histories) -> None:
    for id in h.those("proposed", "reviewed"):
        h.release_one(id)


def _billed(h: Histories) -> tuple[str, str]:
    """The first item that is billed, with its invoice."""
    live, entries = h.model.live, h.model.entries
    found = [
        (entry.day, item, live[item])
        for item, entry in entries.items()
        if entry.reverses is None and live.get(item) in h.those("released", kind="invoice")
    ]
    _, item, invoice = min(found)
    return invoice, item


def credit_a_part(h: Histories) -> None:
    h.credit_part_of(*_billed(h), 40)


def credit_all(h: Histories) -> None:
    id, _ = _billed(h)
    every, frees = h.model.whole(id)
    h.added(h.credit_of(id), id, every, frees)


def take_back(h: Histories) -> None:
    h.take_back_one(_billed(h)[1], True)


def cap(amount: int) -> Step:
    return lambda h: h.change_cap(amount)


def rate(per_hour: str, day: int) -> Step:
    def change(h: Histories) -> None:
        h.books.rate(per_hour, date(2026, 10, day))
        h.model.rates["Consultant"].append((date(2026, 10, day), Decimal(per_hour)))

    return change


PLAYED: dict[str, list[Step]] = {
    "billed, credited, billed again": [
        work(60), propose, release, credit_all, propose, release, propose, release, credit_a_part,
        release, propose,
    ],
    "a part is credited, and is not billed again": [
        work(60), work(30), propose, release, credit_a_part, release, propose,
        credit_all, release, propose,
    ],
    "taken back after it was billed, and not credited besides": [
        work(60), propose, release, take_back, work(240), propose, release, propose,
    ],
    "a part is credited, and the rest is taken back": [
        work(60), propose, release, credit_a_part, take_back, work(240), propose, release, propose,
        release, propose,
    ],
    "half a cent is rounded up": [rate("150.15", 1), work(2), work(2), propose, release],
    "a discount, of what was fresh alone": [
        work(300), work(7), propose, release, take_back, work(480), propose, release,
    ],
    "just less than the discount, and just as much": [
        work(159), propose, release, work(160), propose, release,
    ],
    "a cap is reached to the cent": [
        cap(151), work(60), work(60), propose, release, propose, credit_all, propose, release,
        propose,
    ],
    "a credit that is not released gives the cap no room": [
        cap(200), work(60), propose, release, credit_all, work(60), propose, release, propose,
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", PLAYED)
def test_it_comes_to_what_the_model_says(history: Histories, name: str) -> None:
    for step in PLAYED[name]:
        step(history)
        history.each_item_is_in_one_live_invoice_at_most()
        history.no_cent_is_billed_twice_or_lost()
        history.amounts_add_up()


def test_the_histories_reach_what_they_are_named_for(history: Histories) -> None:
    """Half a cent, the discount's edge and the cap's last cent do come about."""
    assert 2 * Decimal("150.15") / 60 == Decimal("5.005")
    assert cents(159 * Decimal(150) / 60) < 400 <= cents(160 * Decimal(150) / 60)
    for step in PLAYED["a cap is reached to the cent"][:5]:
        step(history)
    assert history.model.work == 151
