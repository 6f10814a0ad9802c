"""Phases and countries of one deal: engagements of their own, launched together."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from office import Office

from deals import a_client, a_deal, money
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.phase import Phase
from fairlead.work.words import ExceptionAction

APPROVER = "ines.moreau"
NUMBERS = (1, 2, 3)
LAUNCHED, WAITING = EngagementState.LAUNCHED, EngagementState.AWAITING_LAUNCH


def a_phase(name: str, value: str, **changes: Any) -> Phase:
    return Phase.model_validate({"name": name, "value": money(value)} | changes)


MUNICH = a_phase("Munich", "45000", country="DE", legal_entity="TH-GMBH")
TORONTO = a_phase("Toronto", "30000", region="AMER", country="CA", legal_entity="TH-INC")
TOKYO = a_phase(
    "Tokyo", "15000", region="APAC", country="JP", legal_entity="TH-PTE",
    starts_on=date(2027, 2, 1),
)  # fmt: skip


def phased(**changes: Any) -> Opportunity:
    return a_deal(**({"phases": (MUNICH, TORONTO, TOKYO)} | changes))


def parts(office: Office) -> list[Engagement]:
    return [office.part(number) for number in NUMBERS]


def projects(books: Any, kind: str) -> dict[str, Any]:
    """Code → project, as a system was told it."""
    return {project.code: project for project, _ in books.of(kind)}


def in_parts(office: Office) -> Engagement:
    """The deal is won, and all of it is set up but for the launch."""
    whole = office.win(phased())
    office.settle()
    return office.engagement(whole.deal.ref.id)


def test_each_phase_is_set_up_with_its_own_entity_region_and_ledger(office: Office) -> None:
    whole = in_parts(office)

    emea, amer = office.ledgers["netsuite-emea"], office.ledgers["netsuite-amer"]
    code = whole.project_code
    booked = projects(emea, "job") | projects(amer, "job")
    assert list(projects(emea, "job")) == [code, f"{code}-1", f"{code}-3"]
    assert list(projects(amer, "job")) == [f"{code}-2"]
    assert {
        part: (p.dimensions.legal_entity, p.dimensions.region, p.budget, p.tax.country)
        for part, p in booked.items()
        if part != code
    } == {
        f"{code}-1": ("TH-GMBH", "1", money("45000"), "DE"),
        f"{code}-2": ("TH-INC", "2", money("30000"), "US"),
        f"{code}-3": ("TH-PTE", "3", money("15000"), "SG"),
    }
    assert booked[f"{code}-3"].starts_on == date(2027, 2, 1)
    assert booked[f"{code}-1"].starts_on == date(2026, 12, 1)
    assert [part.number for part in parts(office)] == [f"{whole.number}-{n}" for n in NUMBERS]


def test_each_part_is_billed_staffed_and_known_to_the_client_master_of_its_ledger(
    office: Office,
) -> None:
    in_parts(office)

    emea, amer = office.ledgers["netsuite-emea"], office.ledgers["netsuite-amer"]
    assert (len(emea.of("schedule")), len(amer.of("schedule"))) == (2, 1)
    billed = [s.lines[0].amount for s in (*emea.of("schedule"), *amer.of("schedule"))]
    assert billed == [money("45000"), money("15000"), money("30000")]
    assert (len(emea.of("customer")), len(amer.of("customer"))) == (1, 1)
    assert all("client" in part.refs and "billing_schedule" in part.refs for part in parts(office))
    whole = office.engagement()
    assert "billing_schedule" not in whole.refs
    assert len(office.projects.of("request")) == 3 * 3  # the template's roles, in each part


def test_parts_are_linked_to_the_whole_and_in_its_own_system_by_reference(office: Office) -> None:
    whole = in_parts(office)
    code, shell = whole.project_code, whole.refs["psa_project"]
    booked = whole.refs["ledger_project"]

    assert office.projects.parents == {code: None} | {f"{code}-{n}": shell for n in NUMBERS}
    assert office.ledgers["netsuite-emea"].parents == {
        code: None,
        f"{code}-1": booked,
        f"{code}-3": booked,
    }
    assert office.ledgers["netsuite-amer"].parents == {f"{code}-2": None}
    made = projects(office.projects, "workspace")
    assert {p.parent_code for c, p in made.items() if c != code} == {code}
    assert made[str(code)].parent_code is None
    assert {part.parent for part in parts(office)} == {whole.id}


def test_the_whole_waits_for_its_parts_and_its_launch_releases_them(office: Office) -> None:
    whole = in_parts(office)
    assert whole.parts == {part.id: WAITING for part in parts(office)}
    assert {part.state for part in parts(office)} == {WAITING}

    office.hand_over()
    office.answer(APPROVER)

    now = office.engagement()
    assert now.state is LAUNCHED
    assert {part.state for part in parts(office)} == {LAUNCHED}
    assert set(now.parts.values()) == {LAUNCHED}
    assert {run["state"] for run in office.rows("runs")} == {"completed"}
    assert all(part.launched_at for part in parts(office))


def test_only_the_whole_is_asked_about_and_told_of(office: Office) -> None:
    in_parts(office)
    assert [task["step"] for task in office.rows("tasks")] == ["hand_over_packet"]

    office.hand_over()
    office.answer(APPROVER)

    assert len(office.rows("notifications", about="engagement_launched")) == 1
    assert len(office.crm.of("reported")) == 1


def test_the_whole_is_not_handed_over_before_every_part_is_set_up(office: Office) -> None:
    office.win(phased())
    office.settle(hear_ourselves=False)

    assert office.step("for_parts") == "waiting"
    assert not office.rows("tasks")


def test_a_part_that_waits_for_data_holds_only_itself_and_the_launch(office: Office) -> None:
    """In the Americas a client needs no tax id; in Europe it does."""
    away = a_phase("Munich", "45000", region="EMEA")
    office.win(
        phased(
            region="AMER",
            client=a_client(tax_id=None),
            phases=(a_phase("Toronto", "45000"), away),
        )
    )
    office.settle()

    held, other = office.part(2), office.part(1)
    assert (held.state, other.state) == (EngagementState.RECEIVED, WAITING)
    (found,) = office.open_exceptions()
    assert found["subject_id"] == held.id
    assert office.step("for_parts") == "waiting"
    assert not office.rows("tasks")

    office.resolve("tomasz.wojcik", ExceptionAction.SUPPLY, {"client.tax_id": "DE811234565"})
    office.settle()

    assert office.part(2).state is WAITING
    assert office.task()["step"] == "hand_over_packet"


@pytest.mark.parametrize("backwards", [False, True])
def test_our_own_messages_delivered_once_more_change_nothing(
    office: Office, backwards: bool
) -> None:
    in_parts(office)
    before = _seen(office)
    office.tell_ourselves_again(backwards=backwards)
    office.settle()
    assert _seen(office) == before

    office.hand_over()
    office.answer(APPROVER)
    before = _seen(office)
    office.tell_ourselves_again(backwards=backwards)
    office.settle()
    assert _seen(office) == before


def test_our_own_messages_in_another_order_lead_to_the_same(office: Office) -> None:
    office.win(phased())
    for _ in range(4):  # opened, set up, and the word of both
        office.settle(hear_ourselves=False)
        office.reverse_ourselves()
        office.read("events")
    office.settle()
    office.hand_over()
    office.answer(APPROVER)

    assert [part.state for part in parts(office)] == [LAUNCHED] * 3
    assert [part.number[-2:] for part in parts(office)] == ["-1", "-2", "-3"]
    assert len(office.projects.of("workspace")) == 4


def _seen(office: Office) -> Any:
    found = [office.engagement(), *parts(office)]
    kept = [(one.number, one.state, one.refs, one.parts, one.launched_at) for one in found]
    told = [books.entries for books in (office.projects, office.crm, *office.ledgers.values())]
    runs = {run["id"]: run["state"] for run in office.rows("runs")}
    return kept, told, runs, len(office.rows("tasks")), len(office.rows("exceptions"))


# giving up


def closed(office: Office) -> tuple[int, int, int]:
    """Projects that were closed: in the project system, and in the two ledgers."""
    ledgers = office.ledgers
    books = (office.projects, ledgers["netsuite-emea"], ledgers["netsuite-amer"])
    return (len(books[0].of("closed")), len(books[1].of("closed")), len(books[2].of("closed")))


def test_a_refused_launch_closes_what_the_parts_opened(office: Office) -> None:
    in_parts(office)
    office.hand_over()

    office.answer(APPROVER, approved=False, reason="The client has gone quiet.")

    assert office.engagement().state is EngagementState.DECLINED
    assert {part.state for part in parts(office)} == {EngagementState.CANCELLED}
    assert set(office.engagement().parts.values()) == {EngagementState.CANCELLED}
    assert closed(office) == (4, 3, 1)
    assert {run["state"] for run in office.runs("part-set-up")} == {"cancelled"}


def test_a_cancelled_whole_closes_what_the_parts_opened(office: Office) -> None:
    whole = in_parts(office)

    office.cancel(whole)

    assert {part.state for part in parts(office)} == {EngagementState.CANCELLED}
    assert office.engagement().state is EngagementState.CANCELLED
    assert set(office.engagement().parts.values()) == {EngagementState.CANCELLED}
    assert closed(office) == (4, 3, 1)
    assert not [run for run in office.rows("runs") if run["ended_at"] is None]


def test_a_part_that_nobody_has_opened_yet_is_not_opened_once_the_whole_is_given_up(
    office: Office,
) -> None:
    whole = office.win(phased())
    office.settle(hear_ourselves=False)

    office.cancel(whole)

    assert len(office.rows("engagements")) == 1
    assert closed(office) == (1, 1, 0)


def test_late_word_of_a_part_does_not_revive_a_whole_that_was_given_up(office: Office) -> None:
    whole = in_parts(office)
    office.cancel(whole)
    before = _seen(office)

    office.tell_ourselves_again()
    office.settle()

    assert _seen(office) == before


# what cannot be taken apart


@pytest.mark.parametrize(
    ("phases", "says"),
    [
        pytest.param(
            (MUNICH, a_phase("Toronto", "30000")), "the phases add up to EUR 75,000.00", id="sum"
        ),
        pytest.param(
            (MUNICH, Phase(name="Toronto", value=money("45000", "USD"))),
            "without a rate",
            id="another-currency",
        ),
        pytest.param(
            (MUNICH, a_phase("munich", "45000")), "2 phases are called", id="one-name-twice"
        ),
        pytest.param(
            (MUNICH, a_phase("Toronto", "45000", ends_on=date(2028, 1, 1))),
            "after the deal does",
            id="too-long",
        ),
    ],
)
def test_phases_that_do_not_make_up_the_deal_stop_it(
    office: Office, phases: tuple[Phase, ...], says: str
) -> None:
    office.win(phased(phases=phases))
    office.settle()

    (found,) = office.open_exceptions()
    assert says in found["detail"]
    assert office.engagement().state is EngagementState.RECEIVED
    assert not office.rows("effects")
