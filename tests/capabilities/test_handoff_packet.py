"""The packet of real engagements: in each state, what waits, who accepted, how many queries."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from unicodedata import category

import pypdf
import pytest
from office import Office, firm

from deals import CRM, NOON, a_client, a_contract, a_deal, a_term, money
from fairlead.capabilities.handoff.packet_pdf import file_name, pdf_of
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.engagement import Engagement, EngagementState, Side
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.model.phase import Phase
from fairlead.domain.model.requisition import SubcontractNeed
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.packet import WITHHELD, Packet
from fairlead.domain.rules.packet_fields import Sources
from fairlead.domain.rules.packet_sections import packet
from fairlead.domain.values import ExternalRef
from fairlead.store import engagements
from fairlead.store.database import Tx
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Role

pytestmark = pytest.mark.takes(0.5)

APPROVER = "ines.moreau"


class Counting:
    """A transaction that counts what is asked of it."""

    def __init__(self, tx: Tx) -> None:
        self._tx, self.asked = tx, list[str]()

    def execute(self, query: Any, *more: Any) -> Any:
        self.asked.append(str(query))
        return self._tx.execute(query, *more)


def reader(role: Role = Role.PMO_LEAD, **limits: Any) -> Principal:
    return Principal(id="reader", name="Reader", kind="person", roles=frozenset({role}), **limits)


def read(
    office: Office, who: Principal | None = None, id: str = "", *, queries: int = 6
) -> Packet | None:
    """As this reader sees it; no more queries than that were made."""
    with office.db.transaction() as tx:
        counting = Counting(tx)
        found = firm().packets(
            cast(Tx, counting),
            who or reader(),
            id or office.engagement().number,
            now=datetime.now(UTC),
        )
    assert len(counting.asked) <= queries
    return found


def seen(office: Office, who: Principal | None = None, id: str = "") -> Packet:
    found = read(office, who, id)
    assert found is not None
    return found


def test_before_the_set_up_a_packet_names_what_is_missing_and_who_is_asked(
    office: Office,
) -> None:
    office.win(a_deal(starts_on=None, contract=a_contract(payment_days=None)))
    office.settle()
    found = seen(office)

    (item,) = found.open_items
    assert item.kind == "exception"
    assert {gap.field for gap in item.gaps} == {"starts_on", "contract.payment_days"}
    assert item.money_shown == "EUR 90,000.00"
    assert item.link.startswith("/exceptions/")
    assert not found.score.complete
    missing = {f.name for s in found.sections for f in s.fields if f.state == "missing"}
    assert missing == {"starts_on", "contract.payment_days"}


def test_an_engagement_that_is_set_up_waits_for_sales_then_for_the_launch(
    office: Office,
) -> None:
    office.win(
        a_deal(
            roles=(RoleDemand(role="Solution Architect", hours=Decimal(100), rate=money("220")),)
        )
    )
    office.settle()
    in_setup = seen(office)
    office.hand_over()
    handed = seen(office)
    office.answer(APPROVER)
    launched = seen(office)

    assert in_setup.score.complete
    (task,) = in_setup.open_items
    assert (task.kind, task.owner) == ("task", "Sales operations")
    assert task.link.startswith("/inbox/task-")
    assert [side.state for side in handed.acceptance.sides] == ["accepted", "open"]
    (approval,) = handed.open_items
    assert approval.kind == "approval"
    assert launched.acceptance.accepted
    assert [side.by for side in launched.acceptance.sides] == ["Pia Novák", "Inès Moreau"]
    assert launched.open_items == ()
    assert launched.head.state is EngagementState.LAUNCHED
    assert launched.head.people[0].name == "Pia Novák"
    objects = {one.name: one for s in launched.sections for one in s.objects}
    assert objects["ledger_project"].system == "netsuite-emea"
    tax = [f for s in launched.sections for f in s.fields if f.name == "plan.tax.basis"]
    assert tax[0].value


def test_a_reopened_packet_says_what_changed_since_it_was_accepted(office: Office) -> None:
    office.win()
    office.settle()
    office.hand_over()
    accepted = seen(office).digest
    changed = a_deal(ends_on=date(2027, 9, 30))
    whole = office.engagement().model_copy(update={"deal": changed})
    with office.db.transaction() as tx:
        firm().hooks.subjects["engagement"].save(tx, [whole])
    found = seen(office)

    sales = found.acceptance.sides[0]
    assert (sales.side, sales.state, sales.digest) == (Side.SALES, "reopened", accepted)
    (change,) = sales.changes
    assert (change.label, change.before, change.now) == (
        "End of the work",
        "31 Aug 2027",
        "30 Sep 2027",
    )
    assert office.rows("packets", digest=accepted)
    assert not office.rows("packets", digest=found.digest)


def in_two_parts(office: Office) -> None:
    phases = (
        Phase(name="Germany", value=money("50000")),
        Phase(name="Singapore", value=money("40000"), region="APAC", legal_entity="TH-PTE"),
    )
    office.win(a_deal(phases=phases))
    office.settle()


def test_parts_are_linked_with_what_is_open_in_them(office: Office) -> None:
    in_two_parts(office)
    found = seen(office)

    (parts,) = [section for section in found.sections if section.name == "parts"]
    assert [one.label for one in parts.objects] == ["Germany", "Singapore"]
    assert [row[0].link for row in parts.tables[0].rows] == [
        f"/engagements/{found.head.number}-1",
        f"/engagements/{found.head.number}-2",
    ]
    own = {item.engagement for item in found.open_items}
    assert own <= {found.head.number, f"{found.head.number}-1", f"{found.head.number}-2"}
    told = [(item.kind, item.id) for item in found.open_items]
    assert len(told) == len(set(told))
    open_tasks = {row["id"] for row in office.rows("tasks", state="open")}
    open_exceptions = {row["id"] for row in office.open_exceptions()}
    shown = {item.id for item in found.open_items if item.kind != "wait"}
    assert shown == open_tasks | open_exceptions
    part = seen(office, id=f"{found.head.number}-1")
    assert "Part of" in {f.label for s in part.sections for f in s.fields if f.value}


def test_what_is_waited_for_is_an_open_item_once(office: Office) -> None:
    in_two_parts(office)
    number = office.engagement().number
    waits = [item for item in seen(office).open_items if item.kind == "wait"]

    assert sorted((item.engagement, item.title) for item in waits) == [
        (f"{number}-1", "Launch of the whole"),
        (f"{number}-2", "Launch of the whole"),
    ]


def test_work_for_a_system_that_is_paused_is_waited_for(office: Office) -> None:
    office.win()
    with office.db.transaction() as tx:
        tx.execute("UPDATE systems SET paused_by = 'omar.haddad'")
    office.advance()

    (step,) = office.rows("steps", state="ready")

    (wait,) = seen(office).open_items

    assert (wait.kind, wait.why) == ("wait", f"{step['system']} was paused by omar.haddad")


def test_of_a_part_that_a_reader_may_not_see_only_the_state_is_told(office: Office) -> None:
    in_two_parts(office)
    found = seen(office, reader(regions=frozenset({"EMEA"})))

    (parts,) = [section for section in found.sections if section.name == "parts"]
    german, foreign = parts.tables[0].rows
    assert german[0].text == f"{found.head.number}-1"
    assert (foreign[0].text, foreign[0].link, foreign[3].text) == (
        "not yours to see",
        None,
        "no amount",
    )
    assert f"{found.head.number}-2" not in {item.engagement for item in found.open_items}
    assert read(office, reader(regions=frozenset({"EMEA"})), f"{found.head.number}-2") is None


def test_costs_are_for_those_who_may_see_them(office: Office) -> None:
    need = SubcontractNeed(role="Rigger", hours=Decimal(10), cost=money("12345.67"))
    office.win(a_deal(subcontracting=(need,)))
    office.settle()

    whole, cut = seen(office), seen(office, reader(Role.LEGAL))

    assert "EUR 12,345.67" in whole.model_dump_json()
    assert "345.67" not in cut.model_dump_json()
    assert "345.67" not in text_of(cut)
    assert WITHHELD in text_of(cut)


def test_exceptions_are_for_those_who_may_read_them(office: Office) -> None:
    office.win(a_deal(starts_on=None))
    office.settle()

    (item,) = seen(office, reader(Role.SERVICE)).open_items

    assert (item.title, item.why, item.gaps) == (WITHHELD, WITHHELD, ())


@pytest.mark.parametrize("state", list(EngagementState))
def test_an_engagement_of_which_nothing_is_known_has_a_packet_in_each_state(
    office: Office, state: EngagementState
) -> None:
    empty = Opportunity(
        ref=ExternalRef(system=CRM, kind="opportunity", id="O9"),
        revision="1",
        modified_at=NOON,
        name="?",
        stage=OpportunityStage.OPEN,
    )
    whole = Engagement(
        id=EngagementId("e-9"), number="ENG-9", state=state, deal=empty, opened_at=NOON
    )
    with office.db.transaction() as tx:
        assert engagements.add(tx, whole)
    found = seen(office, id="ENG-9")

    assert found.head.state is state
    assert found.score.have == 0
    assert "nothing is filed yet" in text_of(found).casefold()


# in print

NAMES = (
    "Łódź Żółć Ñandú Ștefan Tiếng Việt",
    "Ελληνική Εταιρεία",
    "Компания Ромашка",
    "株式会社日立製作所 カタカナ",
    "北京字节跳动科技 臺灣積體電路",
    "삼성전자 주식회사",
)
#: Scripts that are shaped: some glyphs are no letter of their own, and the text layer has a control
#: sign in their place.
WORDS = ("الاتصالات", "القابضة", "हिन्दी", "บริษัท", "החשמל")


def text_of(found: Packet) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf_of(found))).pages
    text = "\n".join(page.extract_text() for page in pages)
    return "".join(sign for sign in text if sign == "\n" or category(sign) != "Cc")


def printed(name: str) -> Packet:
    whole = Engagement(
        id=EngagementId("e-1"),
        number="ENG-2038",
        state=EngagementState.RECEIVED,
        deal=a_deal(
            client=a_client(name), contract=a_contract(billing_terms=(a_term("Done", share="1"),))
        ),
        opened_at=NOON,
    )
    return packet(Sources(whole, NOON + timedelta(days=1)))


@pytest.mark.parametrize("name", [*NAMES, *WORDS])
def test_a_name_of_any_script_can_be_read_in_print(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert name in text_of(printed(name))
    assert "missing" not in caplog.text  # fpdf2 tells of signs that no font of ours has


def test_a_print_says_what_it_is_and_when_it_was_made() -> None:
    found = printed("Kestrel")
    paper = pypdf.PdfReader(io.BytesIO(pdf_of(found)))
    width, height = paper.pages[0].mediabox[2:]

    assert (round(float(width)), round(float(height))) == (595, 842)  # A4 in points
    for number, page in enumerate(paper.pages, 1):
        foot = page.extract_text().splitlines()[-1]
        assert f"Page {number} of {len(paper.pages)}" in foot
        assert found.digest in foot
        assert "3 Nov 2026 12:00 UTC" in foot
    assert file_name(found) == "ENG-2038-packet.pdf"


def test_the_same_packet_is_the_same_bytes() -> None:
    found = printed("株式会社 Łódź")
    first = pdf_of(found)

    assert pdf_of(found) == first
    assert b"2026-11-03" in first or re.search(rb"D:20261103", first)


def test_a_file_name_has_nothing_that_a_header_could_trip_over() -> None:
    odd = printed("Kestrel")
    named = odd.model_copy(update={"head": odd.head.model_copy(update={"number": 'ENG "1"\r\n/é'})})

    assert re.fullmatch(r"[A-Za-z0-9-]+\.pdf", file_name(named))
