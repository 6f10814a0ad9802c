"""Six told deals, from the CRM's event to the launch, with no push beyond people's own decisions.

Each is in `sample/stories.yaml`; what every deal must have is counted in the systems' own ledgers
by the same proof that the demo ends with.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from playing import Played

from fairlead.cli.demo_deals import Deal
from fairlead.cli.demo_ledger import Ledger, letters
from fairlead.domain.model.engagement import Engagement, EngagementState, Side
from fairlead.domain.rules.handover import digest

pytestmark = [pytest.mark.slow, pytest.mark.takes(0.6)]

STORIES = tuple("abcdef")
#: Policies of which every deal must have a stored decision.
ALWAYS = {
    "handoff-trigger", "mandatory-data", "rate-approval", "clause-review", "country-compliance",
    "capacity-warning", "project-template", "practice-dimensions", "region-dimensions",
    "revenue-method", "time-expense", "launch-approval",
}  # fmt: skip
REVENUE = {
    "fixed_fee": ("milestone", "over_time_by_cost"),
    "milestone": ("milestone", "point_in_time"),
    "phased": ("milestone", "over_time_by_cost"),
    "managed_service": ("recurring", "straight_line"),
}


def whole_and_parts(told: Played, deal: Deal) -> list[Engagement]:
    return [told.engagement(deal.name), *told.parts(deal).values()]


def rule_of(region: str, country: str) -> tuple[str, str]:
    """How time and expenses are ruled there, as the sample's policy says."""
    if country in ("DE", "AT"):
        return "DE-DAILY", "DE-PER-DIEM"
    return {
        "EMEA": ("EMEA-WEEKLY", "EMEA-ACTUALS"),
        "AMER": ("US-WEEKLY", "US-ACTUALS"),
        "APAC": ("APAC-WEEKLY", "APAC-ACTUALS"),
    }[region]


def test_every_object_is_in_its_system_once(told: Played) -> None:
    """F004, F012: counted in the systems' own ledgers, and nothing is there that nobody called
    for."""
    rows = told.proof()

    assert [row for row in rows if not row.holds] == []
    assert {row.system for row in rows if row.found} == {
        "netsuite-emea", "netsuite-amer", "kantata", "sharepoint", "slack", "mail",
        "salesforce-emea", "salesforce-amer",
    }  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
def test_the_whole_and_its_parts_are_launched_and_linked(told: Played, story: str) -> None:
    """F023."""
    for deal in told.of(story):
        whole, parts = told.engagement(deal.name), told.parts(deal)
        assert whole.state is EngagementState.LAUNCHED
        assert whole.launched_at is not None
        assert dict(whole.parts) == {part.id: EngagementState.LAUNCHED for part in parts.values()}
        for number, part in enumerate(parts.values(), 1):
            assert part.state is EngagementState.LAUNCHED
            assert part.parent == whole.id
            assert part.project_code == f"{whole.project_code}-{number}"


@pytest.mark.parametrize("story", STORIES)
def test_each_project_is_booked_and_taxed_where_its_part_is(told: Played, story: str) -> None:
    """F009 to F011, F014, F015, F022."""
    subsidiaries = {"TH-LTD": "1", "TH-GMBH": "2", "TH-INC": "3", "TH-PTE": "4"}
    for deal in told.of(story):
        for engagement in whole_and_parts(told, deal):
            job, said = told.job(engagement), engagement.deal
            phase = next((p for p in deal.phases if said.name.endswith(f": {p.name}")), None)
            place = phase or deal
            assert job["subsidiary"]["id"] == subsidiaries[place.legal_entity]
            assert engagement.refs["ledger_project"].system == place.ledger
            assert job["custentity_fairlead_tax_code"] == place.tax
            assert job["custentity_fairlead_tax_basis"]
            kind = (phase.contract_type if phase else None) or deal.contract_type
            methods = tuple(
                job[f"custentity_fairlead_{what}_method"] for what in ("billing", "revenue")
            )
            assert methods == REVENUE[kind]
            rules = tuple(job[f"custentity_fairlead_{what}_policy"] for what in ("time", "expense"))
            assert rules == rule_of(place.region, place.country)


@pytest.mark.parametrize("story", STORIES)
def test_both_sides_have_accepted_the_packet_as_it_is(told: Played, story: str) -> None:
    """F017."""
    for deal in told.of(story):
        whole = told.engagement(deal.name)
        given = {one.side: one for one in whole.acceptances}
        assert set(given) == set(Side)
        assert {one.digest for one in given.values()} == {digest(whole)}
        assert given[Side.SALES].by == "pia.novak"
        assert given[Side.DELIVERY].by != "pia.novak"
        packet = told.packet(whole)
        assert packet.acceptance.accepted
        assert packet.open_items == ()
        assert packet.score.complete, packet.score.words


@pytest.mark.parametrize("story", STORIES)
def test_every_decision_is_stored_with_its_row_and_answered_by_its_role(
    told: Played, story: str
) -> None:
    """F013, F024, F025, F105, F106."""
    for deal in told.of(story):
        whole = told.engagement(deal.name)
        decided, answered = told.decided(whole), told.answered(whole)
        wanted = ALWAYS | {"document-retention"} if deal.retention else ALWAYS
        assert wanted <= set(decided)
        assert all(decision["row"] for decision in decided.values()), decided
        judged = {"launch_approval": "pmo_lead", **deal.judged}
        approvals = {
            name: one["role"] for name, one in answered.items() if one["kind"] == "approval"
        }
        assert approvals == judged
        for one in answered.values():
            person = told.stage.fairlead.people.person(one["answered_by"])
            assert one["role"] in person.principal().roles


@pytest.mark.parametrize("story", STORIES)
def test_whoever_works_on_it_is_in_its_folder_and_channel(told: Played, story: str) -> None:
    """F020."""
    drive, slack = Ledger("sharepoint", told.rows), Ledger("slack", told.rows)
    addresses = {
        id: user.get("email") or user.get("profile", {}).get("email")
        for id, user in slack.all("users").items()
    }
    for deal in told.of(story):
        whole = told.engagement(deal.name)
        leads = {"AMER": "dwayne.carter", "EMEA": "ines.moreau", "APAC": "ines.moreau"}
        names = {leads[deal.region], "pia.novak", "wei.chen"}
        if deal.region == "EMEA":
            names.add("lea.fontaine")  # its project manager
        members = {f"{name}@tarn-holloway.example" for name in names}
        let_in = {
            body["email"]
            for body in drive.all("permissions").values()
            if body["item"] == whole.refs["folder"].id
        }
        assert let_in == members
        channel = slack.all("channels")[whole.refs["channel"].id]
        assert {addresses[id] for id in channel["members"] if addresses[id]} == members


@pytest.mark.parametrize("story", STORIES)
def test_what_was_signed_is_filed_under_the_class_of_its_place(told: Played, story: str) -> None:
    """F021: and the class is that which was read back from the repository."""
    for deal in told.of(story):
        filed = told.engagement(deal.name).documents
        classes = [(document.kind, document.retention) for document in filed]
        assert classes == ([("statement_of_work", deal.retention)] if deal.retention else [])


# -- what each story is about --------------------------------------------------------------------


def test_a_multi_country_erp_has_a_company_a_currency_and_a_tax_for_each_country(
    told: Played,
) -> None:
    """Story a: DE, GB and US; the envelope is signed after the deal was won (F003, F028)."""
    (deal,) = told.of("a")
    whole = told.engagement(deal.name)
    assert whole.agreement is not None
    assert whole.agreement.deal == whole.deal.ref
    assert whole.agreement.signed_at is not None
    assert whole.agreement.signed_at > whole.opened_at
    assert whole.deal.quote is not None
    assert whole.deal.quote.accepted
    taxes = {name: told.job(part) for name, part in told.parts(deal).items()}
    assert {name: job["custentity_fairlead_tax_code"] for name, job in taxes.items()} == {
        "Germany": "DE-OUT-OF-SCOPE",
        "Great Britain": "GB-OUT-OF-SCOPE",
        "United States": "US-VA-NOT-TAXED",
    }
    (requisition,) = _requisitions(told, whole)
    assert whole.project_code is not None
    assert requisition["memo"].startswith(f"{whole.project_code}-P1 ")
    contract = told.parts(deal)["Germany"].deal.contract
    assert contract is not None
    assert [term.name for term in contract.billing_terms] == ["Blueprint", "Go live"]


def test_onboarding_shows_ten_open_dependencies_and_none_at_the_end(told: Played) -> None:
    """Story b: each with its owner and since when (F005, F099, F113)."""
    (deal,) = told.of("b")
    open = told.at_the_start.open_items
    gaps = [gap for item in open for gap in item.gaps]

    assert len({gap.field for gap in gaps}) >= 10
    assert {gap.owner for gap in gaps} >= {"sales-operations", "finance-operations", "legal"}
    assert all(gap.problem and gap.remedy for gap in gaps)
    assert all(item.age and item.since < datetime.now(UTC) for item in open)
    assert not told.at_the_start.score.complete
    whole = told.engagement(deal.name)
    assert told.packet(whole).open_items == ()
    schedule = _schedule(told, whole)
    amounts = [Decimal(str(line["milestoneAmount"])) for line in schedule["milestone"]["items"]]
    assert sorted(amounts) == [*[Decimal(45000)] * 12, Decimal(60000)]
    given = {field: source.source for field, source in whole.provenance.items()}
    assert given["starts_on"] == "person:pia.novak"
    assert given["client.tax_id"] == "person:tomasz.wojcik"


def test_a_template_staffs_the_parts_and_a_person_says_which_vendor_it_is(told: Played) -> None:
    """Story c: two vendors of one name; procurement chooses (F031, F045, F047)."""
    (deal,) = told.of("c")
    whole = told.engagement(deal.name)
    chosen = [
        one
        for one in told.people.everything("/exceptions", state="resolved")
        if one["subject_id"] == whole.id and one["step"] == "create_requisitions"
    ]
    assert [(one["resolution"], one["resolved_by"]) for one in chosen] == [
        ("choose", "samir.patel")
    ]
    vendors = Ledger("netsuite-emea", told.rows).all("vendor")
    bought = {
        line["memo"].partition(",")[0]: vendors[line["poVendor"]["id"]]["companyName"]
        for requisition in _requisitions(told, whole)
        for line in requisition["expense"]["items"]
    }
    assert bought == {
        "Data Engineer": "Halden Testing GmbH",
        "Test Lead": "Nordwind Consulting AG",
    }
    assert not any(part.deal.roles for part in told.parts(deal).values())


def test_phases_have_each_a_commercial_model_and_a_regional_tax(told: Played) -> None:
    """Story d: reverse charge, out of scope, zero-rated and domestic."""
    kinds = {
        told.job(part)["custentity_fairlead_tax_kind"]: part.deal.country
        for deal in told.of("d")
        for part in told.parts(deal).values()
    }
    assert set(kinds) == {"reverse_charge", "export", "standard"}
    (ports, _) = told.of("d")
    methods = {
        name: told.job(part)["custentity_fairlead_revenue_method"]
        for name, part in told.parts(ports).items()
    }
    assert methods == {
        "Göteborg": "over_time_by_cost",
        "Immingham": "point_in_time",
        "Fremantle": "straight_line",
    }
    rates = [told.job(part)["custentity_fairlead_tax_rate"] for part in told.parts(ports).values()]
    assert [Decimal(str(rate)) for rate in rates] == [0, 0, 0]


def test_over_one_million_goes_to_the_controller_and_each_region_keeps_its_own_time(
    told: Played,
) -> None:
    """Story e: a rate far below the card, the threshold, and two retention classes."""
    america, europe = told.of("e")
    answered = told.answered(told.engagement(america.name))
    assert answered["rate_exception"]["answered_by"] == "hanna.lindqvist"
    assert answered["launch_approval"]["answered_by"] == "hanna.lindqvist"
    kept = {
        deal.region: told.engagement(deal.name).documents[0].retention for deal in (america, europe)
    }
    assert kept == {"AMER": "Engagement records 7 years", "EMEA": "Contracts 10 years"}
    part = told.parts(america)["Europe"]
    assert part.refs["client"] == told.engagement(europe.name).refs["client"]


def test_a_security_engagement_is_reviewed_before_the_win_and_judged_after_it(
    told: Played,
) -> None:
    """Story f (F002, F024, F025, F045)."""
    (deal,) = told.of("f")
    whole = told.engagement(deal.name)
    order = [event["type"] for event in told.read(whole, "log")]
    assert order.index("opportunity.in_review") < order.index("opportunity.closed_won")
    answered = told.answered(whole)
    assert {name: answered[name]["answered_by"] for name in deal.judged} == {
        "delivery_review": "ines.moreau",
        "legal_review": "grace.mbeki",
        "country_review": "yusuf.demir",
    }
    requisitions = _requisitions(told, whole)
    vendors = [line.get("poVendor") for one in requisitions for line in one["expense"]["items"]]
    assert len(requisitions) == 2
    assert vendors.count(None) == 1  # procurement chooses it


def test_the_crm_shows_number_and_state_of_each(told: Played) -> None:
    """F109."""
    for deal in told.book.deals:
        whole = told.engagement(deal.name)
        said = Ledger(deal.crm, told.rows).all("Opportunity")[whole.deal.ref.id]
        assert said["Fairlead_Engagement__c"] == whole.number
        assert said["Fairlead_State__c"] == "launched"


def test_everybody_concerned_hears_of_the_launch_once(told: Played) -> None:
    """F019: by Message-ID in the mail, and once in the channel."""
    mails = Ledger("mail", told.rows).made("messages")
    for deal in told.book.deals:
        number = told.engagement(deal.name).number
        kick_off = [m for m in mails if f"{number} is launched" in str(m["subject"])]
        assert len({mail["message_id"] for mail in kick_off}) == 1
        assert letters(deal.name) in letters(kick_off[0]["text"])


def _requisitions(told: Played, whole: Engagement) -> list[dict[str, Any]]:
    ref = whole.refs["ledger_project"]
    found = Ledger(ref.system, told.rows).made("purchaseRequisition")
    return [
        dict(body)
        for body in found
        if any(line["customer"]["id"] == ref.id for line in body["expense"]["items"])
    ]


def _schedule(told: Played, engagement: Engagement) -> dict[str, Any]:
    ref = engagement.refs["billing_schedule"]
    return dict(Ledger(ref.system, told.rows).all("billingSchedule")[ref.id])
