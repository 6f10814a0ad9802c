"""The packet's rules: what counts, what is open, what changed, what is withheld."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deals import CRM, NOON, a_client, a_contract, a_deal, money
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.engagement import (
    Acceptance,
    Engagement,
    EngagementState,
    Reading,
    Side,
)
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.model.phase import Phase
from fairlead.domain.model.requisition import SubcontractNeed
from fairlead.domain.rules.handover import agreed, digest
from fairlead.domain.rules.ownership import FieldRule, OnDifference
from fairlead.domain.rules.packet import (
    WITHHELD,
    FieldState,
    OpenGap,
    OpenItem,
    Packet,
    PacketField,
    Score,
    score,
    without_costs,
    without_exceptions,
)
from fairlead.domain.rules.packet_fields import PartOf, Sources
from fairlead.domain.rules.packet_sections import SECTIONS, packet
from fairlead.domain.rules.readiness import Required
from fairlead.domain.values import ExternalRef, Provenance

LATER = NOON + timedelta(days=3)
REFS = ("client", "psa_project", "ledger_project", "billing_schedule")
RULES = (
    FieldRule(
        field="project.ends_on",
        owners={EngagementState.RECEIVED: "crm", EngagementState.LAUNCHED: "projects"},
        followers=("ledger",),
        on_difference=OnDifference.OWNER_WINS,
    ),
    FieldRule(
        field="project.budget",
        owners={EngagementState.RECEIVED: "crm", EngagementState.IN_SETUP: "fairlead"},
        followers=("ledger", "projects"),
    ),
)
SYSTEMS = {"ledger": "netsuite-emea", "projects": "kantata"}


def required(*paths: str) -> list[Required]:
    return [Required(field=p, label=p, owner="sales-operations", remedy="ask") for p in paths]


REQUIRED = required("client", "value", "starts_on", "ends_on", "contract.payment_days")


def a_ref(name: str) -> ExternalRef:
    return ExternalRef(system="netsuite-emea", kind=name, id=f"{name}-1")


def an_engagement(**changes: Any) -> Engagement:
    made: dict[str, Any] = {
        "id": EngagementId("e-1"),
        "number": "ENG-2038",
        "state": EngagementState.LAUNCHED,
        "deal": a_deal(),
        "refs": {name: a_ref(name) for name in REFS},
        "opened_at": NOON,
    }
    return Engagement(**(made | changes))


def a_packet(engagement: Engagement | None = None, **changes: Any) -> Packet:
    made: dict[str, Any] = {"rules": RULES, "required": REQUIRED, "systems": SYSTEMS}
    return packet(Sources(engagement or an_engagement(), LATER, **(made | changes)))


def an_item(id: str = "t1", **changes: Any) -> OpenItem:
    made: dict[str, Any] = {
        "kind": "task",
        "id": id,
        "engagement": "ENG-2038",
        "title": "Hand over",
        "why": "",
        "owner": "Sales operations",
        "since": NOON,
        "age": "3 d",
        "money_shown": "no amount",
        "link": f"/inbox/{id}",
    }
    return OpenItem(**(made | changes))


def the_field(found: Packet, path: str) -> PacketField:
    (one,) = [field for section in found.sections for field in section.fields if field.name == path]
    return one


def test_a_packet_with_everything_is_complete() -> None:
    found = a_packet()

    assert found.score == Score(have=9, of=9, percent=100, words="9 of 9")
    assert [section.name for section in found.sections] == [name for name, _ in SECTIONS]
    assert found.head.value_shown == "EUR 90,000.00"
    assert found.head.dates == "1 Dec 2026 to 31 Aug 2027"


def test_what_is_missing_is_named_with_its_owner_and_counts() -> None:
    found = a_packet(an_engagement(deal=a_deal(starts_on=None), refs={}))

    start = the_field(found, "starts_on")
    assert start.state is FieldState.MISSING
    assert (start.shown, start.remedy, start.remedy_owner) == (
        "none yet",
        "ask",
        "sales-operations",
    )
    assert found.score.words == "4 of 9"
    scores = {section.name: section.score.words for section in found.sections}
    assert scores["scope"] == "2 of 3"
    assert scores["systems"] == "0 of 2"
    assert scores["contract"] == "nothing needed"


def test_a_field_that_only_the_policy_names_is_shown_and_counts() -> None:
    found = a_packet(required=required("closes_on", "client.ref.id"))

    assert the_field(found, "closes_on").state is FieldState.MISSING
    assert the_field(found, "client.ref.id").shown == "A1"
    assert found.score.words == "5 of 6"


@pytest.mark.parametrize(
    ("state", "owner", "system"),
    [
        (EngagementState.RECEIVED, "crm", CRM),
        (EngagementState.AWAITING_LAUNCH, "crm", CRM),
        (EngagementState.LAUNCHED, "projects", "kantata"),
    ],
)
def test_a_field_names_who_owns_it_at_this_stage(
    state: EngagementState, owner: str, system: str
) -> None:
    end = the_field(a_packet(an_engagement(state=state)), "ends_on")

    assert (end.owner, end.owner_system) == (owner, system)


def test_the_value_is_the_owners_and_each_system_is_heard_with_its_age() -> None:
    readings = {
        "project.ends_on": {
            "projects": Reading(value="2027-09-30", at=LATER - timedelta(hours=5)),
            "ledger": Reading(value="2027-09-30", at=NOON),
        }
    }
    end = the_field(a_packet(an_engagement(readings=readings)), "ends_on")

    assert (end.value, end.shown) == ("2027-09-30", "30 Sep 2027")
    assert end.supplied_by == "kantata"
    assert [(s.holder, s.owns, s.age, s.stale) for s in end.said] == [
        ("projects", True, "5 h", False),
        ("crm", False, "3 d", False),
        ("fairlead", False, "3 d", False),
        ("ledger", False, "3 d", True),
    ]


def test_a_conflict_says_both_values_the_money_and_two_ways() -> None:
    said = {"amount": "85000.00", "currency": "EUR"}
    readings = {"project.budget": {"ledger": Reading(value=said, at=NOON)}}
    found = a_packet(an_engagement(readings=readings))

    value = the_field(found, "value")
    (conflict,) = value.conflicts
    assert value.state is FieldState.CONFLICT
    assert conflict.words == "fairlead says EUR 90,000.00, netsuite-emea says EUR 85,000.00"
    assert conflict.amount == money("5000")
    assert [way.name for way in conflict.ways] == ["carry", "correct"]
    assert found.score.words == "8 of 9"


def test_a_conflict_counts_where_nobody_requires_the_field() -> None:
    readings = {
        "project.ends_on": {
            "projects": Reading(value="2027-09-30", at=NOON),
            "ledger": Reading(value="2027-08-31", at=NOON),
        }
    }
    found = a_packet(an_engagement(readings=readings), required=[])

    assert found.score.words == "4 of 5"


def test_who_supplied_a_value_is_told_by_name() -> None:
    engagement = an_engagement(
        deal=a_deal(starts_on=None),
        supplied={"starts_on": "2026-12-07"},
        provenance={"starts_on": Provenance(source="person:pia.novak", at=NOON)},
        state=EngagementState.RECEIVED,
    )
    start = the_field(a_packet(engagement, names={"pia.novak": "Pia Novák"}), "starts_on")

    assert (start.shown, start.supplied_by, start.supplied_at) == (
        "7 Dec 2026",
        "Pia Novák",
        NOON,
    )


def test_each_phase_needs_a_part_that_is_set_up() -> None:
    phases = (Phase(name="Berlin", value=money("50000")), Phase(name="Paris", value=money("40000")))
    parts = [
        PartOf("p-2", 2, EngagementState.AWAITING_LAUNCH, "ENG-2038-2", "Paris", money("40000"))
    ]
    refs = {name: a_ref(name) for name in REFS if name != "billing_schedule"}
    found = a_packet(an_engagement(deal=a_deal(phases=phases), refs=refs), parts=parts)

    (section,) = [one for one in found.sections if one.name == "parts"]
    assert [(one.label, one.id) for one in section.objects] == [("Berlin", None), ("Paris", "p-2")]
    assert found.score.words == "9 of 10"
    assert section.tables[0].rows[0][0].link == "/engagements/ENG-2038-2"


def test_what_was_accepted_is_compared_with_what_it_says_now() -> None:
    before = an_engagement()
    given = Acceptance(side=Side.SALES, by="pia.novak", at=NOON, digest=digest(before))
    after = an_engagement(deal=a_deal(ends_on=date(2027, 9, 30)), acceptances=(given,))

    known = a_packet(after, contents={given.digest: agreed(before)}).acceptance
    lost = a_packet(after).acceptance

    (sales, delivery) = known.sides
    assert (sales.state, delivery.state, known.accepted) == ("reopened", "open", False)
    (change,) = sales.changes
    assert (change.label, change.before, change.now) == (
        "End of the work",
        "31 Aug 2027",
        "30 Sep 2027",
    )
    assert not lost.sides[0].changes_known


def test_both_sides_accept_the_same_packet() -> None:
    plain = an_engagement()
    given = tuple(
        Acceptance(side=side, by="somebody", at=NOON, digest=digest(plain)) for side in Side
    )
    found = a_packet(an_engagement(acceptances=given)).acceptance

    assert found.accepted
    assert found.words == "Accepted by both sides"
    assert [side.changes for side in found.sides] == [(), ()]


def test_costs_are_withheld_and_the_score_stays() -> None:
    need = SubcontractNeed(role="Rigger", hours=Decimal(10), cost=money("12345.67"))
    engagement = an_engagement(
        deal=a_deal(subcontracting=(need,)),
        acceptances=(Acceptance(side=Side.SALES, by="x", at=NOON, digest="other"),),
    )
    item = an_item(
        "x1",
        kind="exception",
        why="the cost of Rigger is EUR 12,345.67",
        gaps=(
            OpenGap(
                field="subcontracting",
                problem="the cost is EUR 12,345.67",
                owner="sales",
                remedy="correct it",
            ),
        ),
    )
    whole = a_packet(engagement, items=[item], contents={"other": {}})
    cut = without_costs(whole)

    assert "12345.67" in whole.model_dump_json()
    assert "12,345.67" in whole.model_dump_json()
    assert "345.67" not in cut.model_dump_json()
    assert cut.score == whole.score
    assert the_field(cut, "subcontracting").state is FieldState.WITHHELD


def test_exceptions_are_withheld_but_counted() -> None:
    items = [an_item("x1", kind="exception", title="PSA refused", why="because"), an_item()]
    cut = without_exceptions(a_packet(items=items))

    assert {item.id: item.title for item in cut.open_items} == {"x1": WITHHELD, "t1": "Hand over"}


def test_the_most_urgent_comes_first() -> None:
    items = [
        an_item("none"),
        an_item("later", due_at=LATER + timedelta(days=1)),
        an_item("late", due_at=NOON, late=True),
    ]

    assert [item.id for item in a_packet(items=items).open_items] == ["late", "later", "none"]


def test_a_deal_that_says_nothing_has_a_packet() -> None:
    empty = Opportunity(
        ref=ExternalRef(system=CRM, kind="opportunity", id="O9"),
        revision="1",
        modified_at=NOON,
        name="株式会社",
        stage=OpportunityStage.OPEN,
    )
    for state in EngagementState:
        found = a_packet(an_engagement(deal=empty, refs={}, state=state))

        assert found.score.have == 0
        texts = [field.shown for section in found.sections for field in section.fields]
        assert all(texts)
        assert found.head.client == "no client yet"


@given(st.lists(st.booleans()))
def test_a_score_is_whole_exactly_when_nothing_is_missing(points: list[bool]) -> None:
    found = score(points)

    assert found.complete == all(points)
    assert (found.percent == 100) == all(points)


_AMOUNTS = st.sampled_from(["90000.00", "90000", "85000.00"])


@given(
    blank=st.sets(st.sampled_from(["starts_on", "ends_on", "value", "client", "contract"])),
    refs=st.sets(st.sampled_from(REFS)),
    says=st.dictionaries(st.sampled_from(["ledger", "projects"]), _AMOUNTS),
    state=st.sampled_from(list(EngagementState)),
)
def test_complete_means_that_nothing_is_missing_and_nothing_differs(
    blank: set[str], refs: set[str], says: dict[str, str], state: EngagementState
) -> None:
    engagement = an_engagement(
        deal=a_deal(**dict.fromkeys(blank)),
        refs={name: a_ref(name) for name in refs},
        state=state,
        readings={
            "project.budget": {
                holder: Reading(value={"amount": amount, "currency": "EUR"}, at=NOON)
                for holder, amount in says.items()
            }
        },
    )
    found = a_packet(engagement)

    differs = "value" not in blank and any(Decimal(amount) != 90000 for amount in says.values())
    assert found.score.complete == (not blank and refs == set(REFS) and not differs)
    assert (found.score.percent == 100) == found.score.complete
    assert sum(s.score.of for s in found.sections) == found.score.of
    assert sum(s.score.have for s in found.sections) == found.score.have


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["task", "approval", "exception", "wait"]),
            st.text("abc", min_size=1, max_size=2),
            st.none() | st.integers(-5, 5),
        )
    )
)
def test_every_open_item_is_there_once(found: list[tuple[str, str, int | None]]) -> None:
    items = [
        an_item(id, kind=kind, due_at=None if due is None else NOON + timedelta(days=due))
        for kind, id, due in found
    ]
    told = [(item.kind, item.id) for item in a_packet(items=items).open_items]

    assert len(told) == len(set(told))
    assert set(told) == {(kind, id) for kind, id, _ in found}


def test_names_of_every_script_stand_as_they_were_given() -> None:
    for name in ("株式会社日立製作所", "شركة الاتصالات", "Ελληνική", "Łódź"):
        found = a_packet(an_engagement(deal=a_deal(client=a_client(name))))

        assert found.head.client == name
        assert the_field(found, "client").shown == name


def test_terms_that_make_no_schedule_say_why() -> None:
    contract = a_contract(billing_terms=({"name": "Half", "share": Decimal("0.5")},))
    found = a_packet(an_engagement(deal=a_deal(contract=contract)))

    (section,) = [one for one in found.sections if one.name == "billing"]
    assert section.tables[0].rows == ()
    assert section.tables[0].empty.startswith("There is no schedule: the billing terms add up to")
