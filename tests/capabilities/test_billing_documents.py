"""Reviewing, releasing, discarding, crediting and writing off: who may, and what follows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from books import CONTROLLER, DAYS, FINANCE, TODAY, Books, acting, eur, policies
from office import firm

from fairlead.capabilities.billing.crediting import credit, write_off
from fairlead.capabilities.billing.lineage import stands
from fairlead.capabilities.billing.proposing import Proposing
from fairlead.capabilities.billing.releasing import Releasing
from fairlead.capabilities.billing.reviewing import discard, exclude, hold, lift, review
from fairlead.domain.model.charge import ChargeKind
from fairlead.domain.values import Money
from fairlead.errors import Held, IllegalMove, InvalidInput, NotAllowed, NotFound, StaleVersion
from fairlead.flow.library import Library
from fairlead.store import billing_lineage, invoices
from fairlead.store.database import Tx


@pytest.fixture
def books(tx: Tx) -> Books:
    books = Books(tx)
    books.open()
    return books


def releasing() -> Releasing:
    rooms = firm()
    return Releasing(policies(), Library(rooms.library.playbooks, rooms.library.variants))


def row(books: Books, id: str) -> dict[str, Any]:
    return invoices.load(books.tx, [id])[id]


def propose(books: Books) -> str:
    ((id, _, _),) = books.propose().invoices
    return id


def release(books: Books, id: str, who: str = CONTROLLER) -> dict[str, Any]:
    digest = row(books, id)["digest"]
    review(books.tx, id, acting(FINANCE), digest=digest)
    return releasing().release(books.tx, id, acting(who), digest=digest)


def billed(books: Books) -> str:
    id = propose(books)
    release(books, id)
    return id


def live(books: Books) -> set[UUID]:
    return {item["item_id"] for item in books.rows("invoice_items") if item["live"]}


def test_what_is_released_is_what_was_reviewed(books: Books) -> None:
    books.time(60)
    id = propose(books)
    digest = row(books, id)["digest"]
    review(books.tx, id, acting(FINANCE), digest=digest)
    books.tx.execute("UPDATE invoice_items SET amount = amount + 1 WHERE invoice_id = %s", [id])

    with pytest.raises(StaleVersion):
        releasing().release(books.tx, id, acting(CONTROLLER), digest=digest)


def test_nothing_is_released_without_a_review(books: Books) -> None:
    books.time(60)
    id = propose(books)

    with pytest.raises(IllegalMove):
        releasing().release(books.tx, id, acting(CONTROLLER), digest=row(books, id)["digest"])


def test_what_is_released_is_not_reviewed_again_and_so_not_discarded(books: Books) -> None:
    books.time(60)
    id = billed(books)

    with pytest.raises(IllegalMove, match="is released"):
        review(books.tx, id, acting(FINANCE), digest=row(books, id)["digest"])
    with pytest.raises(IllegalMove):
        discard(books.tx, id, acting(FINANCE), reason="It is billed twice then.")


def test_whoever_proposed_it_does_not_release_it(books: Books) -> None:
    books.time(60)
    ((id, _, _),) = books.propose(who=CONTROLLER).invoices

    with pytest.raises(NotAllowed, match="proposed"):
        release(books, id)


def test_whoever_approved_its_time_does_not_release_it(books: Books) -> None:
    books.time(60, by=CONTROLLER)
    id = propose(books)

    with pytest.raises(NotAllowed, match="approved its work"):
        release(books, id)


def test_finance_does_not_release(books: Books) -> None:
    books.time(60)
    id = propose(books)

    with pytest.raises(NotAllowed, match=r"billing\.release"):
        release(books, id, FINANCE)


def test_a_limit_counts_what_was_released_before_so_that_splitting_does_not_help(
    tx: Tx,
) -> None:
    books = Books(tx)
    books.open(billing_method="milestone", value=eur(20_000_000))
    books.milestone("6000000", number=1)
    assert release(books, propose(books))["state"] == "released"
    books.milestone("4000000.01", number=2)

    with pytest.raises(NotAllowed, match="over your limit") as refused:
        release(books, propose(books))

    for told in ("limit of EUR 10,000,000.00", "over EUR 4,000,000.01", "EUR 6,000,000.00 that"):
        assert told in refused.value.detail


def test_what_is_taken_back_after_it_was_proposed_is_not_released(books: Books) -> None:
    entry = books.time(60)
    id = propose(books)
    books.take_back(entry)

    with pytest.raises(Held, match=f"taken back since it was proposed: time {entry}"):
        release(books, id)


def test_a_hold_stops_proposals_and_releases_until_it_is_lifted(books: Books) -> None:
    books.time(60)
    id = propose(books)
    held = hold(books.tx, "E1", acting(FINANCE), reason="The client asks for a call first.")

    with pytest.raises(Held, match="The client asks for a call first"):
        release(books, id)
    books.time(30)
    assert books.propose().invoices == []
    with pytest.raises(IllegalMove):
        hold(books.tx, "E1", acting(FINANCE), reason="again")
    lift(books.tx, held, acting(FINANCE), reason="They agreed.")
    assert (
        releasing().release(books.tx, id, acting(CONTROLLER), digest=row(books, id)["digest"])[
            "state"
        ]
        == "released"
    )
    assert books.propose().invoices


def test_discarding_frees_what_it_held(books: Books) -> None:
    entry = books.time(60)
    id = propose(books)

    discard(books.tx, id, acting(FINANCE), reason="Too early.")

    assert live(books) == set()
    propose(books)
    assert live(books) == {entry}


def test_excluding_an_item_makes_it_anew_and_holds_the_item(books: Books) -> None:
    stays, goes = books.time(60), books.time(30)
    id = propose(books)

    made = exclude(
        books.tx, id, acting(FINANCE), Proposing(policies(), DAYS), [("time", str(goes))],
        reason="The client doubts it.",
    )  # fmt: skip

    assert [net for _, _, net in made.invoices] == [eur("150.00")]
    assert row(books, id)["state"] == "discarded"
    assert live(books) == {stays}
    assert books.propose().invoices == []


def test_a_released_one_is_not_discarded(books: Books) -> None:
    books.time(60)
    id = billed(books)

    with pytest.raises(IllegalMove):
        discard(books.tx, id, acting(FINANCE), reason="no")


def a_credit(books: Books, id: str, **more: Any) -> dict[str, Any]:
    return credit(
        books.tx, id, acting(FINANCE), reason="Agreed.", dated_on=TODAY, days=DAYS, **more
    )


def test_a_credit_in_whole_frees_its_items_once_it_is_released(books: Books) -> None:
    entry = books.time(60)
    id = billed(books)

    made = a_credit(books, id)
    assert made["net"] == Decimal(-150)
    assert live(books) == {entry}
    release(books, made["id"])

    assert live(books) == set()
    again = propose(books)
    assert row(books, again)["net"] == Decimal(150)


def test_nothing_is_credited_twice(books: Books) -> None:
    books.time(60)
    id = billed(books)
    first = a_credit(books, id)

    with pytest.raises(InvalidInput, match="Nothing is left"):
        a_credit(books, id)
    discard(books.tx, first["id"], acting(FINANCE), reason="By mistake.")
    assert a_credit(books, id)["net"] == Decimal(-150)


def test_a_credit_by_items_leaves_the_others(books: Books) -> None:
    stays, goes = books.time(60), books.time(30)
    id = billed(books)

    release(books, a_credit(books, id, items=[("time", str(goes))])["id"])

    assert live(books) == {stays}
    assert a_credit(books, id)["net"] == Decimal(-150)


def test_a_part_of_a_price_is_credited_without_freeing_the_item(books: Books) -> None:
    entry = books.time(60)
    id = billed(books)
    key = ("time", str(entry))

    release(books, a_credit(books, id, amounts={key: eur("50.00")})["id"])

    assert live(books) == {entry}
    with pytest.raises(InvalidInput, match=r"EUR 100\.00 is left"):
        a_credit(books, id, amounts={key: eur("100.01")})
    assert a_credit(books, id)["net"] == Decimal(-100)


@pytest.mark.parametrize(
    ("amount", "rule"),
    [
        (eur("0"), "is left"),
        (eur("-1"), "is left"),
        (eur("1", "USD"), "in EUR"),
        (eur("0.001"), "in whole minor units"),
    ],
)
def test_an_amount_that_cannot_be_credited_is_refused(
    books: Books, amount: Money, rule: str
) -> None:
    entry = books.time(60)
    id = billed(books)

    with pytest.raises(InvalidInput, match=rule):
        a_credit(books, id, amounts={("time", str(entry)): amount})


def test_what_takes_a_billed_entry_back_takes_back_what_was_billed(books: Books) -> None:
    entry, later = books.time(60, date(2026, 11, 1)), None
    id = billed(books)
    release(books, a_credit(books, id, amounts={("time", str(entry)): eur("50.00")})["id"])
    books.rate("999", date(2026, 2, 1))
    books.take_back(entry)
    later = books.time(60, date(2026, 1, 15))

    made = books.propose()

    assert [net for _, _, net in made.invoices] == [eur("50.00")]  # 150 less the 100 that were left
    assert later in live(books)


def test_a_correction_tells_what_becomes_of_it(books: Books) -> None:
    def told(back: UUID) -> str:
        thing = billing_lineage.thing(books.tx, back, {"regions": None, "entities": None})
        assert thing is not None
        return stands(thing, [], TODAY)

    assert told(books.take_back(books.time(60))) == "what it takes back was not billed"
    entry = books.time(60)
    id = propose(books)
    back, reference = books.take_back(entry), row(books, id)["reference"]
    assert told(back) == f"what it takes back is in {reference}, which is not released"
    books.tx.execute(
        "UPDATE invoices SET state = 'released', released_at = now() WHERE id = %s", [id]
    )
    assert told(back).startswith("it is ready: the next proposal takes off what is left of it in")
    credited = a_credit(books, id)["reference"]
    assert told(back) == f"what it takes back is being credited by {credited}"


def test_what_would_come_to_less_than_nothing_waits_for_a_credit(books: Books) -> None:
    entry = books.time(60)
    id = billed(books)
    books.take_back(entry)

    assert books.propose().held == {"less_than_nothing": 1}
    release(books, a_credit(books, id, items=[("time", str(entry))])["id"])
    assert books.propose().held == {}
    assert live(books) == set()


def test_what_is_taken_back_by_a_live_entry_is_not_freed_by_a_credit(books: Books) -> None:
    entry, other = books.time(60), books.time(60)
    id = billed(books)
    books.take_back(entry)
    books.time(120)
    billed(books)

    made = a_credit(books, id)
    release(books, made["id"])

    assert made["net"] == Decimal(-150)
    assert entry in live(books)
    assert other not in live(books)


def test_a_credit_that_would_charge_the_client_is_refused(books: Books) -> None:
    entry = books.time(60)
    billed(books)
    back = books.take_back(entry)
    other = books.time(120)
    id = billed(books)

    with pytest.raises(InvalidInput, match=r"charge EUR 150\.00"):
        a_credit(books, id, items=[("time", str(back))])
    both = [("time", str(back)), ("time", str(other))]
    assert a_credit(books, id, items=both)["net"] == Decimal(-150)


def test_what_a_retainer_paid_for_gives_the_cap_all_its_room_back(tx: Tx) -> None:
    books = Books(tx)
    books.open(cap=eur(300))
    books.charge("150", kind=ChargeKind.RETAINER)
    id = billed(books)
    tx.execute("UPDATE invoices SET state = 'posted' WHERE id = %s", [id])
    paid = books.time(60, date(2026, 11, 1))
    books.time(60, date(2026, 11, 2))
    billed(books)
    assert books.propose().invoices == []  # the cap is used up, half of it by the retainer
    books.take_back(paid)
    books.time(60, date(2026, 11, 3))

    assert [net for _, _, net in books.propose().invoices] == [eur(150)]


def test_a_credit_gives_the_cap_its_room_back(tx: Tx) -> None:
    books = Books(tx)
    books.open(cap=eur(150))
    books.time(60, date(2026, 11, 1))
    books.time(60, date(2026, 11, 2))
    id = billed(books)
    assert books.propose().held == {"beyond_cap": 1}

    made = a_credit(books, id, amounts={("time", str(sorted(live(books))[0])): eur("50.00")})
    assert books.propose().invoices == []
    release(books, made["id"])

    assert [net for _, _, net in books.propose().invoices] == [eur("50.00")]


def test_a_retainer_that_was_drawn_is_not_given_back(books: Books) -> None:
    retainer = books.charge("200", kind=ChargeKind.RETAINER)
    id = billed(books)
    books.tx.execute("UPDATE invoices SET state = 'posted' WHERE id = %s", [id])
    books.time(60)
    drawing = billed(books)

    with pytest.raises(InvalidInput, match=r"EUR 50\.00 is left"):
        a_credit(books, id, items=[("charge", str(retainer))])
    back = a_credit(books, drawing)
    assert back["net"] == 0
    release(books, back["id"])
    assert a_credit(books, id)["net"] == Decimal(-200)


def test_a_write_off_gives_up_items_for_good_and_comes_to_nothing(books: Books) -> None:
    entry, stays = books.time(60), books.time(30)

    made = write_off(
        books.tx, "E1", acting(FINANCE), Proposing(policies(), DAYS), [str(entry)],
        reason="Rework.", dated_on=TODAY,
    )  # fmt: skip
    ((id, _, net),) = made.invoices
    released = release(books, id)

    assert net == eur("0.00")
    assert (released["kind"], released["state"], released["net"]) == ("write_off", "released", 0)
    assert live(books) == {entry}
    assert books.rows("runs") == []
    propose(books)
    assert live(books) == {entry, stays}


def test_a_write_off_is_within_the_limit_of_who_releases_it(tx: Tx) -> None:
    books = Books(tx)
    books.open(billing_method="milestone")
    given_up = books.milestone("10000000.01")
    made = write_off(
        tx, "E1", acting(FINANCE), Proposing(policies(), DAYS), [str(given_up)],
        reason="Lost.", dated_on=TODAY,
    )  # fmt: skip

    with pytest.raises(NotAllowed, match="over your limit"):
        release(books, made.invoices[0][0])


def test_what_cannot_be_billed_need_not_be_given_up(books: Books) -> None:
    entry = books.time(60, state="submitted")

    with pytest.raises(InvalidInput, match=str(entry)):
        write_off(
            books.tx, "E1", acting(FINANCE), Proposing(policies(), DAYS), [str(entry)],
            reason="x", dated_on=TODAY,
        )  # fmt: skip


def test_one_who_does_not_see_the_region_finds_nothing(books: Books) -> None:
    books.time(60)
    id = propose(books)

    with pytest.raises(NotFound):
        review(books.tx, id, acting("dwayne.carter"), digest=row(books, id)["digest"])


def test_every_step_is_on_the_engagement_s_chain(books: Books) -> None:
    entry = books.time(60)
    id = billed(books)
    release(books, a_credit(books, id, items=[("time", str(entry))])["id"])

    told = books.tx.execute(
        "SELECT type FROM events WHERE chain = 'E1' ORDER BY position"
    ).fetchall()
    assert [event["type"] for event in told] == [
        "invoice.proposed", "invoice.reviewed", "invoice.released", "credit.proposed",
        "invoice.credit_proposed", "credit.reviewed", "credit.released",
    ]  # fmt: skip
