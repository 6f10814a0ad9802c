"""Time that came from the project system is held against what that system says now."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from office import Office
from test_reconciliation_flow import reconcile
from test_time_booking import launched, spend, work
from timekeeping import launch, staff

from fairlead.capabilities.time.recorded import message_of
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.recorded_expense import RecordedExpense
from fairlead.domain.model.recorded_time import KeptTime, RecordedTime
from fairlead.domain.values import ExternalRef, Money
from fairlead.store import bulk, engagements, inbox, time_entries
from fairlead.store.database import Database

MONDAY = date(2026, 11, 2)
PROJECT = ExternalRef(system="kantata", kind="workspace", id="7")
OTHER = ExternalRef(system="kantata", kind="workspace", id="8")
FILE = "import:memory"  #: what was taken in as a file of that system, after its connector
LONG_AGO = datetime.now(UTC) - timedelta(days=20)


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db)


@pytest.fixture
def engagement(office: Office) -> Engagement:
    """Launched, with its project there; Ayo and Li may work on it."""
    made = launched(office, refs={"psa_project": PROJECT})
    known = made.model_copy(update={"refs": {"psa_project": PROJECT}})
    with office.db.transaction() as tx:
        engagements.save(tx, [known])
        staff(tx, "ayo.brandt", "li.wei", engagement=made.id)
    return known


def title(office: Office) -> str:
    delivery = office.rows("deliveries")[0]
    return f"{delivery['code']} {delivery['name']}"


def there(office: Office, id: str, *, approved: bool = True, **more: Any) -> KeptTime:
    """An entry of eight hours in the project system, unless said otherwise."""
    values: dict[str, Any] = {
        "ref": ExternalRef(system="kantata", kind="time_entry", id=id),
        "project": PROJECT,
        "project_name": title(office),
        "person": "ayo.brandt",
        "email": "ayo.brandt@tarn-holloway.example",
        "day": MONDAY,
        "minutes": 480,
        "billable": True,
        "narrative": f"Mapped carrier {id}.",
        "changed_at": LONG_AGO,
    }
    return KeptTime(entry=RecordedTime.model_validate(values | more), approved=approved)


def here(office: Office, engagement: Engagement, id: str, **more: Any) -> str:
    """The same entry, as it came here and was approved."""
    given: dict[str, Any] = {
        "task": None,
        "category": "work",
        "narrative": f"Mapped carrier {id}.",
        "source": "kantata",
        "source_id": id,
    }
    (made,) = work(office, engagement, **{**given, **more})
    return made


def differences(office: Office, engagement: Engagement) -> list[dict[str, Any]]:
    return [row for row in reconcile(office, engagement) if row["system"] == "kantata"]


def agreed(office: Office, engagement: Engagement, *ids: str) -> None:
    """On these entries both sides agree."""
    for id in ids:
        here(office, engagement, id)
        office.projects.time.append(there(office, id))


def change(office: Office, id: str, *, approved: bool = True, **more: Any) -> None:
    """Somebody changes an entry there."""
    office.projects.time = [
        there(office, id, approved=approved, **more) if one.entry.ref.id == id else one
        for one in office.projects.time
    ]


def test_time_on_which_both_agree_has_no_difference_and_is_counted_on_both_sides(
    office: Office, engagement: Engagement
) -> None:
    agreed(office, engagement, "1", "2", "3")
    here(office, engagement, "by-hand", source="web", narrative="Only here.")

    assert differences(office, engagement) == []

    known = {row["kept"]: row for row in office.rows("reconciliations", system="kantata")}["time"]
    assert (known["ours"], known["theirs"]) == (3, 3)
    assert known["our_sum"] == known["their_sum"] == 24


@pytest.mark.parametrize(
    ("changed", "kind", "words", "difference"),
    [
        ({"minutes": 360}, "amount", "6 h there, 8 h here", "-2"),
        ({"minutes": 0}, "amount", "0 h there, 8 h here", "-8"),
        (
            {"person": "li.wei", "email": "li.wei@tarn-holloway.example"}, "other",
            "of li.wei@tarn-holloway.example there, of ayo.brandt@tarn-holloway.example here", "0",
        ),
        ({"day": MONDAY + timedelta(1)}, "day", "on 2026-11-03 there, on 2026-11-02 here", "0"),
        ({"billable": False}, "billable", "not billable there, billable here", "0"),
        ({"approved": False}, "state", "not approved there, approved here", "0"),
    ],
)  # fmt: skip
def test_what_was_changed_there_is_found(
    office: Office,
    engagement: Engagement,
    changed: dict[str, Any],
    kind: str,
    words: str,
    difference: str,
) -> None:
    agreed(office, engagement, "1", "2")
    change(office, "2", **changed)

    (found,) = differences(office, engagement)

    assert (found["kind"], found["words"], found["refs"]) == (kind, words, ["2"])
    assert found["difference"] == Decimal(difference)
    assert found["remedy"]
    (asked,) = office.open_exceptions("reconciliation/")
    assert asked["title"].endswith(": time differs from kantata")


def test_what_was_moved_to_another_task_or_project_there_is_found(
    office: Office, engagement: Engagement
) -> None:
    agreed(office, engagement, "1", "2")
    change(office, "1", task_name="10 Discovery")
    change(office, "2", project=OTHER, project_name="TH-77 Another project")

    found = {row["refs"][0]: row for row in differences(office, engagement)}

    assert {id: row["kind"] for id, row in found.items()} == {"1": "place", "2": "place"}
    assert found["2"]["words"] == "it is on “TH-77 Another project” there"
    assert (found["2"]["ours"], found["2"]["theirs"]) == (8, None)


def test_what_was_deleted_there_is_found(office: Office, engagement: Engagement) -> None:
    agreed(office, engagement, "1", "2")
    del office.projects.time[0]

    (found,) = differences(office, engagement)

    assert (found["kind"], found["difference"]) == ("deleted", -8)
    assert found["words"] == "it was there as 1, and is no more"


def test_what_is_there_and_was_not_taken_in_says_why(
    office: Office, engagement: Engagement
) -> None:
    strange = there(office, "1", person="Nobody Known", email=None)
    unnamed = there(office, "2", project_name="Renamed by somebody")
    plain = there(office, "3")
    aside = there(office, "4")
    office.projects.time = [strange, unnamed, plain, aside]
    put_aside(office, aside.entry, "parked", "No rate for the day.")

    found = {row["refs"][0]: row for row in differences(office, engagement)}

    assert {id: row["kind"] for id, row in found.items()} == {
        "1": "parked", "2": "parked", "3": "unknown", "4": "parked",
    }  # fmt: skip
    assert "its person is a person who books time" in found["1"]["words"]
    assert "its engagement is a launched engagement" in found["2"]["words"]
    assert found["4"]["words"].endswith("put aside: No rate for the day")


def test_what_came_twice_or_was_entered_here_too_is_found(
    office: Office, engagement: Engagement
) -> None:
    agreed(office, engagement, "1", "2")
    from_file = here(office, engagement, "id:1", source=FILE, narrative="As a file.")
    by_hand = here(office, engagement, "w1", source="web", narrative="Mapped carrier 2.")

    found = differences(office, engagement)

    assert {(row["kind"], row["key"], row["words"][-4:]) for row in found} == {
        ("double", from_file, "as 1"),
        ("double", by_hand, "as 2"),
    }
    assert sum(row["difference"] for row in found) == -16


def test_time_that_came_as_a_file_of_that_system_is_its_time(
    office: Office, engagement: Engagement
) -> None:
    here(office, engagement, "id:1", source=FILE)
    office.projects.time = [there(office, "1", minutes=60)]

    (found,) = differences(office, engagement)

    assert (found["kind"], found["refs"]) == ("amount", ["1"])


def test_what_was_corrected_on_both_sides_is_no_difference(
    office: Office, engagement: Engagement
) -> None:
    for id in ("less", "gone", "cleared", "moved"):
        take_back(office, here(office, engagement, id))
    here(office, engagement, "w1", source="web", minutes=360, narrative="Less it was.")
    office.projects.time = [
        there(office, "less", minutes=360),
        there(office, "cleared", minutes=0),
        there(office, "moved", project=OTHER, project_name="TH-77 Another project"),
    ]

    assert differences(office, engagement) == []


def test_what_was_taken_back_here_and_is_there_still_is_found(
    office: Office, engagement: Engagement
) -> None:
    take_back(office, here(office, engagement, "1"))
    office.projects.time = [there(office, "1")]

    (found,) = differences(office, engagement)

    assert (found["kind"], found["words"]) == ("amount", "8 h there, 0 h here")


def test_what_is_being_corrected_here_is_left_out(office: Office, engagement: Engagement) -> None:
    take_back(office, here(office, engagement, "1"), state="submitted")
    office.projects.time = [there(office, "1", minutes=360)]

    assert differences(office, engagement) == []


def test_what_could_not_be_taken_in_and_was_entered_by_hand_is_no_difference(
    office: Office, engagement: Engagement
) -> None:
    here(office, engagement, "w1", source="web", narrative="By hand.")
    office.projects.time = [there(office, "1", project_name="Renamed by somebody")]

    assert differences(office, engagement) == []


def test_what_changed_there_since_the_last_poll_is_left_out(
    office: Office, engagement: Engagement
) -> None:
    agreed(office, engagement, "1", "2")
    now = datetime.now(UTC)
    change(office, "1", minutes=60, changed_at=now)
    office.projects.time.append(there(office, "new", changed_at=now))
    with office.db.transaction() as tx:
        tx.execute("UPDATE systems SET polled_at = %s WHERE id = 'kantata'", [now])
    assert differences(office, engagement) == []

    with office.db.transaction() as tx:
        tx.execute(
            "UPDATE systems SET polled_at = %s WHERE id = 'kantata'", [now + timedelta(hours=1)]
        )

    assert {row["kind"] for row in differences(office, engagement)} == {"amount", "unknown"}


def test_what_was_not_polled_for_more_than_a_day_is_told(
    office: Office, engagement: Engagement
) -> None:
    office.projects.time = [there(office, "1")]
    with office.db.transaction() as tx:
        tx.execute(
            "UPDATE systems SET polled_at = %s WHERE id = 'kantata'", [LONG_AGO - timedelta(days=1)]
        )

    (found,) = differences(office, engagement)

    assert (found["kind"], found["refs"]) == ("unknown", ["1"])


def test_what_waits_to_be_taken_in_or_changed_here_since_asking_is_left_out(
    office: Office, engagement: Engagement
) -> None:
    here(office, engagement, "1", changed_at=datetime.now(UTC) + timedelta(hours=1))
    waiting = there(office, "2")
    put_aside(office, waiting.entry, "ready", None)
    office.projects.time = [there(office, "1", minutes=60), waiting]

    assert differences(office, engagement) == []


def test_time_of_another_engagement_here_is_told_with_its_number(
    office: Office, engagement: Engagement
) -> None:
    with office.db.transaction() as tx:
        other = launch(tx, 77)
    here(office, engagement, "1", engagement_id=other.engagement)
    office.projects.time = [there(office, "1")]

    (found,) = differences(office, engagement)

    assert found["kind"] == "place"
    assert found["words"] == "it is there as 1, and on ENG-77 here"


def test_a_project_that_another_system_holds_is_not_asked_for(
    office: Office, engagement: Engagement
) -> None:
    agreed(office, engagement, "1")
    moved = {"psa_project": PROJECT.model_copy(update={"system": "a-former-one"})}
    with office.db.transaction() as tx:
        engagements.save(tx, [engagement.model_copy(update={"refs": moved})])
    office.projects.time = []

    assert differences(office, engagement) == []


def claim_there(id: str, amount: str = "99.90", currency: str = "EUR") -> RecordedExpense:
    """An expense of Ayo's in the project system."""
    return RecordedExpense(
        ref=ExternalRef(system="kantata", kind="expense", id=id),
        project=PROJECT,
        person="ayo.brandt",
        email="Ayo.Brandt@tarn-holloway.example",
        day=MONDAY,
        amount=Money(amount=Decimal(amount), currency=currency),
    )


def test_an_expense_there_that_nobody_entered_here_is_found(
    office: Office, engagement: Engagement
) -> None:
    spend(office, engagement)
    spend(office, engagement)
    office.projects.expenses = [claim_there("1")]
    assert differences(office, engagement) == []  # the other one is only here

    office.projects.expenses += [
        claim_there("2"),
        claim_there("3"),
        claim_there("4", "0.90", "USD"),
    ]

    found = {row["refs"][0]: row for row in differences(office, engagement)}

    assert {id: (row["kept"], row["kind"]) for id, row in found.items()} == {
        "3": ("expense", "unknown"), "4": ("expense", "unknown"),
    }  # fmt: skip
    assert (found["3"]["theirs"], found["3"]["unit"]) == (Decimal("99.90"), "EUR")
    known = next(
        row for row in office.rows("reconciliations", system="kantata") if row["kept"] == "expense"
    )
    assert (known["ours"], known["theirs"]) == (2, 4)
    assert (known["our_sum"], known["their_sum"]) == (Decimal("199.80"), Decimal("299.70"))
    (asked,) = office.open_exceptions("reconciliation/")
    assert asked["title"].endswith(": expenses differ from kantata")


def test_an_expense_in_a_foreign_currency_is_known_by_what_was_paid_or_claimed(
    office: Office, engagement: Engagement
) -> None:
    for _ in range(2):
        spend(office, engagement, amount=Decimal(120), currency="USD")
    office.projects.expenses = [claim_there("1"), claim_there("2")]
    assert differences(office, engagement) == []

    office.projects.expenses = [claim_there("1", "120", "USD"), claim_there("2", "120", "USD")]
    assert differences(office, engagement) == []


def take_back(office: Office, id: str, state: str = "approved") -> None:
    """By an entry of the opposite amount."""
    with office.db.transaction() as tx:
        (row,) = tx.execute("SELECT * FROM time_entries WHERE id = %s", [id]).fetchall()
        opposite = {"minutes": -row["minutes"], "reverses": id, "state": state}
        named = {"id": str(time_entries.entry_id("correction", id)), "source": "correction"}
        given = {name: value for name, value in row.items() if value is not None}
        bulk.insert(tx, "time_entries", [{**given, **opposite, **named, "source_id": id}])


def put_aside(office: Office, one: RecordedTime, state: str, outcome: str | None) -> None:
    """It came as a message that was not taken in."""
    with office.db.transaction() as tx:
        inbox.put(
            tx, source="kantata", message=message_of(one), kind="time", queue="nobody",
            correlation="c", headers={}, body=one.model_dump_json().encode(),
        )  # fmt: skip
        tx.execute(
            "UPDATE inbox SET state = %s, outcome = %s WHERE message = %s",
            [state, outcome, message_of(one)],
        )
