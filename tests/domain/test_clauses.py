"""Clauses that are not ours are told to a lawyer, each in its own words."""

from __future__ import annotations

from deals import a_contract
from fairlead.domain.model.contract import Clause
from fairlead.domain.rules.clauses import in_words, non_standard

OURS = Clause(code="payment", title="Payment", text="30 days net.")
LIABILITY = Clause(code="liability", title="Liability", text="Without any limit.", standard=False)


def test_only_clauses_that_depart_from_ours_are_told() -> None:
    contract = a_contract(clauses=(OURS, LIABILITY, LIABILITY))

    assert non_standard(contract) == (LIABILITY,)
    assert non_standard(a_contract()) == ()
    assert non_standard(None) == ()


def test_a_clause_is_told_by_its_name_and_its_words() -> None:
    assert in_words(LIABILITY) == (
        "clause liability (Liability) is not our standard wording: Without any limit."
    )


def test_a_long_clause_is_told_by_its_beginning() -> None:
    told = in_words(LIABILITY.model_copy(update={"text": "far " * 1000}))

    assert told.endswith("far…")
    assert len(told) < 300
