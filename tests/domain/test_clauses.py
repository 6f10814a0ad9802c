"""A clause that is not ours waits for a lawyer, and again once its words change."""

from __future__ import annotations

from deals import a_contract, a_deal
from fairlead.domain.gates import Blocked, Clear
from fairlead.domain.model.contract import Clause
from fairlead.domain.rules.clauses import clause_gaps, facts_of, mark, non_standard

OURS = Clause(code="payment", title="Payment", text="30 days net.")
LIABILITY = Clause(code="liability", title="Liability", text="Without any limit.", standard=False)


def test_only_clauses_that_depart_from_ours_are_told() -> None:
    contract = a_contract(clauses=(OURS, LIABILITY, LIABILITY))

    assert non_standard(contract) == (LIABILITY,)
    assert non_standard(None) == ()


def test_each_one_is_a_gap_of_the_lawyers_until_it_is_agreed_to() -> None:
    contract = a_contract(clauses=(OURS, LIABILITY))

    found = clause_gaps(contract)

    assert isinstance(found, Blocked)
    (gap,) = found.gaps
    assert (gap.owner, gap.suppliable) == ("legal", False)
    assert "liability (Liability)" in gap.problem
    assert "Without any limit." in gap.problem
    assert isinstance(clause_gaps(contract, reviewed={mark(LIABILITY)}), Clear)


def test_other_words_are_looked_at_again() -> None:
    changed = LIABILITY.model_copy(update={"text": "Without any limit, twice."})

    found = clause_gaps(a_contract(clauses=(changed,)), reviewed={mark(LIABILITY)})

    assert isinstance(found, Blocked)


def test_a_long_clause_is_told_by_its_beginning() -> None:
    long = LIABILITY.model_copy(update={"text": "far " * 1000})

    found = clause_gaps(a_contract(clauses=(long,)))

    assert isinstance(found, Blocked)
    assert found.gaps[0].problem.endswith("far…")
    assert len(found.gaps[0].problem) < 300


def test_a_contract_without_clauses_waits_for_nobody() -> None:
    assert isinstance(clause_gaps(a_contract()), Clear)
    assert isinstance(clause_gaps(None), Clear)


def test_a_policy_is_told_what_it_may_ask() -> None:
    facts = facts_of(a_deal(region=None, value=None), LIABILITY)

    assert (facts.code, facts.standard, facts.country) == ("liability", False, "DE")
    assert (facts.region, facts.value, facts.currency) == ("", 0, "")
