"""Revenue by month: computed, proposed, approved by another; what the ledger is told of each."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fairlead.store import bulk

from .conftest import Desk
from .test_billing import XSS, text
from .test_engagement import statements

OURS = "/billing/revenue"
BATCH = f"{OURS}/batch-2001"


def row(desk: Desk) -> dict[str, Any]:
    with desk.db.transaction() as tx:
        found = tx.execute("SELECT * FROM revenue_batches WHERE id = 'batch-2001'").fetchone()
    assert found is not None
    return found


def act(desk: Desk, who: str, what: str, *, htmx: bool = False, **fields: str) -> Any:
    browser, now = desk.signed_in(who), row(desk)
    given = {"version": str(now["version"]), "digest": now["digest"] or "", **fields}
    return browser.post(f"{BATCH}/{what}", given, part="revenue-batch" if htmx else None)


def plain(page: str) -> str:
    return text(page).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("path", [OURS, BATCH, f"{OURS}/engagements/ENG-2001"])
def test_it_is_closed_to_who_has_no_part_in_billing(shared_desk: Desk, path: str) -> None:
    assert shared_desk.signed_in("consultant").get(path).status_code == 403
    assert shared_desk.signed_in("auditor").get(path).status_code == 200


@pytest.mark.parametrize("path", [BATCH, f"{OURS}/engagements/ENG-2001", f"{OURS}/none"])
def test_one_of_another_region_is_answered_as_one_that_does_not_exist(
    shared_desk: Desk, path: str
) -> None:
    browser = shared_desk.signed_in("finance.amer")

    assert browser.get(path).status_code == 404
    assert "No revenue computed yet" in browser.get(OURS).text
    for what in ("propose", "approve", "send-back"):
        answer = browser.post(f"{BATCH}/{what}", {"reason": "No", "version": "1"})
        assert answer.status_code in (403, 404)


def test_a_month_tells_company_state_and_what_the_ledger_is_told(shared_desk: Desk) -> None:
    browser = shared_desk.signed_in("finance")
    page = plain(browser.get(OURS).text)

    assert re.search(r"Feb 2026 ?no. 1 ?DE01 ?EMEA ?Computed ?finance|Computed ?you", page)
    assert "EUR 900.00" in page
    assert "batch-2001" in browser.get(f"{OURS}?state=computed&entity=DE01&month=2026-02").text
    for none in ("state=posted", "month=2026-01", "entity=US01"):
        assert "No month fits" in browser.get(f"{OURS}?{none}").text
    assert "batch-2001" in browser.get(f"{OURS}?state=none&month=0000-01&after=none").text


def test_each_line_names_its_method_the_paragraph_and_its_figures(shared_desk: Desk) -> None:
    page = plain(shared_desk.signed_in("auditor").get(BATCH).text)

    assert "as invoiced IFRS 15.B16, ASC 606-10-55-18" in re.sub(r" +", " ", page)
    assert re.search(r"EUR 900.00 ?900.00 ?900.00 ?0.00 ?0.00 ?Not approved yet", page)
    assert "Propose: Finance only. Ask " in page


def test_finance_proposes_and_the_controller_approves_what_was_shown(desk: Desk) -> None:
    proposed = act(desk, "finance", "propose", htmx=True)
    assert "Approve: Controller only. Ask " in plain(proposed.text)
    assert act(desk, "finance", "approve").status_code == 403
    other = act(desk, "controller", "approve", htmx=True, digest="0" * 64)
    assert (other.status_code, other.headers["hx-retarget"]) == (409, "#notice")

    approved = act(desk, "controller", "approve", htmx=True)

    assert approved.status_code == 200
    assert "Approved by you" in plain(approved.text)
    assert row(desk)["state"] == "approved"
    assert desk.count("runs", "subject_id = 'batch-2001'") == 1
    again = act(desk, "controller", "approve", htmx=True)
    assert again.status_code == 409
    assert desk.count("runs", "subject_id = 'batch-2001'") == 1


def test_whoever_had_it_computed_is_told_that_another_approves(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("""UPDATE revenue_batches SET computed_by = '["controller"]'""")
    act(desk, "finance", "propose")

    page = plain(desk.signed_in("controller").get(BATCH).text)

    assert "Approve: Not by you" in page
    assert ">Approve</button>" not in page
    refused = act(desk, "controller", "approve", htmx=True)
    assert (refused.status_code, row(desk)["state"]) == (409, "proposed")


def test_sent_back_it_needs_a_reason_which_finance_reads(desk: Desk) -> None:
    act(desk, "finance", "propose")

    assert act(desk, "controller", "send-back", reason=" ").status_code == 422
    assert act(desk, "controller", "send-back", reason=f"Too early {XSS}").status_code == 303

    page = desk.signed_in("finance").get(BATCH).text
    assert "Too early" in page
    assert XSS not in page
    assert row(desk)["state"] == "computed"


def test_a_month_that_is_over_is_computed_and_says_how_far_it_is(desk: Desk) -> None:
    browser = desk.signed_in("finance")

    answer = browser.post(f"{OURS}/compute", {"month": "2026-01"}, part="revenue-list")

    assert "Computing Jan 2026" in plain(answer.text)
    for wrong in ("2999-12", "", "2026-1"):
        assert browser.post(f"{OURS}/compute", {"month": wrong}).status_code == 422
    assert (
        desk.signed_in("controller").post(f"{OURS}/compute", {"month": "2026-01"}).status_code
        == 403
    )
    # a job of all regions tells how many engagements there are: it is not for who sees some
    assert "Computing" not in plain(desk.signed_in("finance.amer").get(OURS).text)


def test_an_engagements_wip_and_deferred_are_reconciled_at_any_day(desk: Desk) -> None:
    browser = desk.signed_in("finance")
    at = f"{OURS}/engagements/ENG-2001"

    now, then = plain(browser.get(at).text), plain(browser.get(f"{at}?on=2026-02-28").text)
    before = plain(browser.get(f"{at}?on=2026-01-31").text)

    assert "earned less billed is WIP less deferred" in now
    assert f'href="{at}"' in browser.get("/engagements/ENG-2001/money").text
    assert "At the end of 28 Feb 2026" in then
    assert "Feb 2026" in then
    assert "No month was computed by then" in before
    assert browser.get(f"{at}?on=none").status_code == 200
    with desk.db.transaction() as tx:
        tx.execute("DELETE FROM deliveries WHERE number = 'ENG-2001'")
    assert "No books yet" in browser.get(at).text


def test_lines_come_in_pages_and_none_is_left_out(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        entry = tx.execute("SELECT * FROM revenue_entries").fetchone()
        books = tx.execute("SELECT * FROM deliveries WHERE number = 'ENG-2001'").fetchone()
        assert entry is not None
        assert books is not None
        ids = [f"e-{n}" for n in range(3000, 3120)]
        bulk.insert(tx, "deliveries", [
            {**books, "engagement_id": id, "number": f"ENG-{id[2:]}", "code": id} for id in ids
        ])  # fmt: skip
        bulk.insert(tx, "revenue_entries", [{**entry, "engagement_id": id} for id in ids])
    browser = desk.signed_in("finance")
    seen = list[str]()
    path: str | None = BATCH
    while path:
        page = browser.get(path).text
        seen += re.findall(r"/billing/revenue/engagements/(ENG-\d+)", page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = found[1] if found else None

    assert len(seen) == len(set(seen)) == 121
    assert "EUR 108,900.00" in plain(browser.get(OURS).text)


@pytest.mark.parametrize("path", [OURS, BATCH])
def test_a_page_asks_at_most_six_queries(
    desk: Desk, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what every page asks."""
    act(desk, "finance", "propose")
    browser = desk.signed_in("controller")
    with statements(monkeypatch) as every_page:
        browser.get("/account")
    with statements(monkeypatch) as asked:
        answer = browser.get(path)

    assert answer.status_code == 200
    assert 0 < len(asked) - len(every_page) <= 6
