"""A poll finds what no webhook told, and misses nothing when it breaks off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from office import CRM, Office

from deals import a_deal
from fairlead.capabilities.handoff.polling import PollDrain, asks_crm
from fairlead.errors import SystemUnavailable
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.ports.crm import ChangePage, OpportunityChanged

TEN = datetime(2026, 11, 2, 10, tzinfo=UTC)


def a_page(*changes: str, next: str | None = None, watermark: datetime = TEN) -> ChangePage:
    """`O1@r1`: the deal and its revision."""
    told = tuple(
        OpportunityChanged(opportunity=id, revision=revision, at=TEN)
        for id, _, revision in (change.partition("@") for change in changes)
    )
    return ChangePage(changes=told, next_cursor=next, watermark=watermark)


def poll(office: Office, *, due: bool = True) -> Took:
    if due:
        with office.db.transaction() as tx:
            tx.execute("UPDATE systems SET poll_at = clock_timestamp() WHERE id = %s", [CRM])
    drain = PollDrain(office.db, lambda: [asks_crm(office.crm)], timedelta(minutes=1))
    with LockSession(office.db) as session:
        return drain.work(f"poll:{CRM}", Ledger(office.db, session))


def system(office: Office) -> dict[str, Any]:
    (row,) = office.rows("systems", id=CRM)
    return row


def heard(office: Office) -> list[str]:
    return [row["message"] for row in office.rows("inbox")]


def test_every_page_is_read_and_the_deals_are_taken_in(office: Office) -> None:
    office.crm.deals = {id: a_deal(id=id) for id in ("O1", "O2")}
    office.crm.pages = [a_page("O1@r1", next="1"), a_page("O2@r1")]

    assert poll(office) is Took.SOME
    office.read()

    assert [cursor for _, cursor in office.crm.asked] == [None, "1"]
    assert office.engagement("O1").number != office.engagement("O2").number


def test_the_first_look_goes_back_a_month_and_the_next_begins_at_the_watermark(
    office: Office,
) -> None:
    office.crm.pages = [a_page()]
    poll(office)
    poll(office)

    (first, _), (second, _) = office.crm.asked
    assert timedelta(days=29) < datetime.now(UTC) - first < timedelta(days=31)
    assert second == TEN


def test_a_change_is_heard_once_per_revision(office: Office) -> None:
    office.crm.pages = [a_page("O1@r1")]
    poll(office)
    poll(office)
    office.crm.pages = [a_page("O1@r1", "O1@r2")]
    poll(office)

    assert heard(office) == ["change:O1@r1", "change:O1@r2"]


def test_a_pass_that_breaks_off_keeps_what_it_heard_and_begins_again(office: Office) -> None:
    office.crm.pages = [a_page("O1@r1", next="1"), a_page("O2@r1")]
    office.crm.trouble = [None, SystemUnavailable(CRM, "connection reset")]

    assert poll(office) is Took.NOTHING
    assert heard(office) == ["change:O1@r1"]
    assert system(office)["polled_to"] is None

    poll(office)
    assert heard(office) == ["change:O1@r1", "change:O2@r1"]
    assert system(office)["polled_to"] == TEN


def test_the_watermark_never_moves_back(office: Office) -> None:
    office.crm.pages = [a_page()]
    poll(office)
    office.crm.pages = [a_page(watermark=TEN - timedelta(hours=1))]
    poll(office)

    assert system(office)["polled_to"] == TEN


def test_who_is_not_due_is_not_asked(office: Office) -> None:
    office.crm.pages = [a_page()]
    poll(office)

    assert poll(office, due=False) is Took.NOTHING
    assert len(office.crm.asked) == 1
