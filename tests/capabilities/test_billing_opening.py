"""With the launch, the books of an engagement are open: once, and for each of its parts."""

from __future__ import annotations

from office import Office
from test_handoff_parts import APPROVER, in_parts, parts

from fairlead.store import deliveries


def launched(office: Office) -> None:
    office.win()
    office.settle()
    office.hand_over()
    office.answer(APPROVER)


def test_a_launched_engagement_can_be_worked_on_and_billed(office: Office) -> None:
    launched(office)

    engagement = office.engagement()
    with office.db.transaction() as tx:
        delivery = deliveries.load(tx, [engagement.id])[engagement.id]
        found = deliveries.find(tx, [delivery.code, "ENG-0"])
    assert found == [engagement.id]
    assert delivery.code == engagement.project_code
    assert delivery.refs == engagement.refs
    assert (delivery.time_policy, delivery.legal_entity) == ("DE-DAILY", "TH-GMBH")
    assert {row["code"] for row in office.rows("work_packages")} == {
        p.code for p in delivery.packages
    }
    (milestone,) = office.rows("milestones")
    assert (milestone["amount"], milestone["currency"]) == (90000, "EUR")
    assert office.rows("bill_rates")
    assert office.rows("events", type="delivery.opened")


def test_being_told_of_the_launch_again_changes_nothing(office: Office) -> None:
    launched(office)
    tables = ("deliveries", "work_packages", "milestones", "bill_rates", "charges", "events")
    before = {table: office.rows(table) for table in tables}

    told = office.tell_ourselves_again()

    (word,) = [word for word in told if "books" in word]
    assert word.startswith(f"the books of {office.engagement().number} are open already")
    assert {table: office.rows(table) for table in tables} == before


def test_each_part_has_books_of_its_own_and_the_whole_has_none(office: Office) -> None:
    in_parts(office)
    office.hand_over()
    office.answer(APPROVER)

    opened = {row["engagement_id"]: row for row in office.rows("deliveries")}
    assert set(opened) == {part.id for part in parts(office)}
    assert sorted(row["legal_entity"] for row in opened.values()) == ["TH-GMBH", "TH-INC", "TH-PTE"]
    amounts = [row["amount"] for row in office.rows("milestones")]
    assert sorted(amounts) == [15000, 30000, 45000]


def test_a_changed_delivery_keeps_which_packages_are_closed(office: Office) -> None:
    launched(office)
    engagement = office.engagement()
    with office.db.transaction() as tx:
        delivery = deliveries.load(tx, [engagement.id], lock=True)[engagement.id]
        first, *others = delivery.packages
        tx.execute(
            "UPDATE work_packages SET closed_on = '2027-01-31' WHERE code = %s", [first.code]
        )
        longer = first.model_copy(update={"name": "Discover"})
        packages = (longer, *others[:-1])
        deliveries.save(tx, delivery.model_copy(update={"packages": packages, "version": 2}))

    rows = {row["code"]: row for row in office.rows("work_packages")}
    assert set(rows) == {p.code for p in packages}
    assert (rows[first.code]["name"], str(rows[first.code]["closed_on"])) == (
        "Discover",
        "2027-01-31",
    )
