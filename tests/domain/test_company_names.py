"""A search finds every spelling of a name; only what is surely one name is called the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.company_names import (
    core,
    first_significant_word,
    fold,
    has_word,
    latin,
    legal_form,
    romanised,
    same_name,
    spelling,
)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["Müller", "MÜLLER", "Mueller", "Muller", "Mu\u0308ller"], id="umlaut"),
        pytest.param(["Straße", "Strasse", "STRASSE"], id="sharp-s"),
        pytest.param(["Ørsted", "Oersted", "Orsted"], id="slashed-o"),
        pytest.param(["Łódź", "Lodz"], id="barred-l"),
        pytest.param(["Société", "Societe", "SOCIÉTÉ"], id="accents"),
    ],
)
def test_all_spellings_meet_in_a_search(names: list[str]) -> None:
    assert len({fold(name) for name in names}) == 1


@given(st.text(max_size=30))
def test_folding_again_changes_nothing_that_a_search_would_see(name: str) -> None:
    word = first_significant_word(name)

    assert not word or has_word(name, word)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("The Larkspur Company", "larkspur"),
        ("La Société des Velours", "societe"),
        ("Kestrel Holding GmbH", "kestrel"),
        ("3M", "3m"),
        ("The Company Ltd", "the"),
        ("!!!", ""),
        ("株式会社星見", "星見"),
        ("ООО Ромашка", "ромашка"),
        ("Limited Edition Wines GmbH", "limited"),
    ],
)
def test_the_word_that_is_searched_is_the_telling_one(name: str, word: str) -> None:
    assert first_significant_word(name) == word


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller & Söhne Maschinenbau AG", "Mueller und Soehne Maschinenbau"),
        ("Müller", "Muller"),
        ("Cartiera d’Istrana S.p.A.", "CARTIERA D'ISTRANA SpA"),
        ("Øresund Vandkraft A/S", "Oresund Vandkraft AS"),
        ("Harrow & Pell", "Harrow and Pell"),
        ("Fischer & Fils", "Fischer et Fils"),
        ("The Bluff Corp.", "Bluff Corporation"),
        ("Tulpenhof Zorg B.V.", "Tulpenhof Zorg BV"),
        ("株式会社星見", "星見（株）"),
        ("㈜한빛해운", "한빛해운 주식회사"),
        ("Αιγαίο Α.Ε.", "ΑΙΓΑΙΟ ΑΕ"),
        ("Papiernie sp. z o.o.", "Papiernie Sp. z o. o."),
        ("ABC Ltd (UK)", "ABC (UK) Limited"),
    ],
)
def test_one_name_in_two_spellings(one: str, other: str) -> None:
    assert same_name(one, other)
    assert core(one) == core(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Bauer GmbH", "Baur GmbH", id="two-surnames"),
        pytest.param("Hasse AG", "Hase AG", id="a-letter-twice"),
        pytest.param("Kestrel Holding GmbH", "Kestrel GmbH", id="holding"),
        pytest.param("Kestrel Group", "Kestrel", id="group"),
        pytest.param("Fonds 1", "Fonds 2", id="numbers"),
        pytest.param("!!", "??", id="no-letter-at-all"),
        pytest.param("Дунав Агро", "Dunav Agro", id="another-script"),
        pytest.param("Fund A", "Fund", id="a-class"),
        pytest.param("SA Power", "Power SA", id="a-word-like-a-legal-form"),
        pytest.param("Йота", "Иота", id="a-letter-and-not-an-accent"),
    ],
)
def test_two_names_that_look_alike(one: str, other: str) -> None:
    assert not same_name(one, other)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Kestrel G.m.b.H.", "gmbh"),
        ("Kestrel Ltd.", "limited"),
        ("Kestrel Limited", "limited"),
        ("Larkspur Inc", "incorporated"),
        ("Larkspur", ""),
        ("Kestrel GmbH & Co. KG", "gmbh kg"),
        ("Cóndor S.A. de C.V.", "cv sa"),
        ("株式会社星見", "kk"),
        ("Hoshimi K.K.", "kk"),
        ("SA Power", ""),
        ("Kestrel Aktiengesellschaft", "ag"),
    ],
)
def test_the_legal_form_that_is_stated(name: str, form: str) -> None:
    assert legal_form(name) == form


def test_one_spelling_for_umlauts_but_not_for_other_letters() -> None:
    assert spelling("Müller AG") == spelling("MUELLER A.G.")
    assert spelling("Bauer AG") != spelling("Baur AG")


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Дунав Агро ООД", "dunav agro"),
        ("ホシミ株式会社", "hoshimi"),
        ("Halcyon Fund III", "halcyon fund 3"),
        ("Kestrel Holding AG", "kestrel"),
        ("!!", ""),
    ],
)
def test_a_name_in_latin_letters(name: str, letters: str) -> None:
    assert romanised(name) == letters


@given(st.text(max_size=30))
def test_every_name_has_letters_that_can_be_compared(text: str) -> None:
    assert latin(text).isascii()
    assert latin(text) == latin(text).casefold()


@given(st.text(max_size=30))
def test_a_name_is_its_own_name_also_in_one_spelling(name: str) -> None:
    assert same_name(name, name)
    assert same_name(name.upper(), name.upper().lower())
