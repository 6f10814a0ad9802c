"""One spelling for company names that are written in many: for comparing, never for showing.

For a search that must miss nothing, `MÜLLER`, `Müller`, `Mueller` and `Muller` all become
`muller`; `Straße` and `Strasse` become `strase`; `same_name` then tells which of those found are
surely one name. A connector that searches by name says the same folding in its system's own words
from the one table here, so that both sides always agree.
"""

from __future__ import annotations

import re
import unicodedata

_EXTRAS = {"ß": "s", "æ": "a", "œ": "o", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "t", "ı": "i"}
_MARKS = "".join(chr(code) for code in range(0x0300, 0x0340))  # combining accents

#: Two letters that stand for one after folding: ae for ä, and ss for ß.
PAIRS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("ss", "s"))


def _accented() -> dict[str, str]:
    """Small Latin letters with a mark, and their letter without it."""
    found = dict(_EXTRAS)
    for code in range(0x00E0, 0x0250):
        letter = chr(code)
        base = unicodedata.normalize("NFD", letter)[0]
        if letter == letter.lower() and base != letter and base.isascii():
            found[letter] = base
    return found


_TABLE = _accented()
#: Letters to replace, and what replaces each; letters beyond the end of TO are dropped.
FROM = "".join(_TABLE) + _MARKS
TO = "".join(_TABLE.values())
_TRANSLATION = str.maketrans({**_TABLE, **dict.fromkeys(_MARKS, "")})

_WORD = re.compile(r"[^\W_]+")
_DOTTED = re.compile(
    r"(?<![^\W_])(?:[^\W\d_][./]\s?){1,4}[^\W\d_](?![^\W_])"
)  # S.p.A., A/S, z o.o.
_FILLER_WORDS = (
    "a an and co das de den der des di die el et het il l la las le les lo los of og och the und"
    " van y"
)
_FORMS_IN_ONE_SPELLING = (
    "ab ag aps as asa bhd bv bvba cv eg eurl ev gbr kft kg kgaa kk llc llp lp ltda nv ohg ooo oy"
    " oyj plc pte pty pvt sa sab sarl sas sasu sca sdn se sl slu snc sp spa srl sro ug zoo"
)
_FILLERS = frozenset(_FILLER_WORDS.split())
#: Ways to write a legal form, by the form that they mean.
_LEGAL_FORMS = {
    spelling: meant
    for meant, spellings in {
        "limited": "limited ltd",
        "incorporated": "inc incorporated",
        "corporation": "corp corporation",
        "company": "company cie",
        "gmbh": "gmbh mbh",
    }.items()
    for spelling in spellings.split()
} | {form: form for form in _FORMS_IN_ONE_SPELLING.split()}
#: Told apart from the company that bears the rest of the name, but of no use in a search.
_PARENTS = frozenset({"group", "gruppe", "holding", "holdings", "stiftung"})
_NOT_SIGNIFICANT = _FILLERS | frozenset(_LEGAL_FORMS) | _PARENTS


def fold(text: str) -> str:
    """The key under which all spellings of `text` meet."""
    folded = unicodedata.normalize("NFC", text).lower().translate(_TRANSLATION)
    for pair, single in PAIRS:
        folded = folded.replace(pair, single)
    return folded


def words(name: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(unicodedata.normalize("NFC", name)))


def first_significant_word(name: str) -> str:
    """Folded; legal forms and articles do not count, unless the name is nothing else.

    Empty where the name has no letter or digit at all.
    """
    found = words(name)
    telling = [word for word in found if word.lower() not in _NOT_SIGNIFICANT]
    return fold((telling or list(found) or [""])[0])


def core(name: str) -> str:
    """The folded significant words, in order: what is left when the legal form is gone.

    A holding keeps its word: it is not the company that it holds. A name without a letter or
    digit is itself.
    """
    return " ".join(fold(word) for word in _telling(name)) or name.strip()


def stem(name: str) -> str:
    """`core` without the words of a holding: for names that may belong to one group."""
    return " ".join(fold(w) for w in _telling(name) if w.lower() not in _PARENTS) or core(name)


def legal_form(name: str) -> str:
    """The legal form that a name states, in one spelling; empty where it states none."""
    stated = {_LEGAL_FORMS.get(word.lower()) for word in words(_joined(name))}
    return " ".join(sorted(form for form in stated if form))


def same_name(one: str, other: str) -> bool:
    """Surely one name, legal form set aside: an umlaut may be two letters, or lack its dots.

    Stricter than `core`, in which `Bauer` and `Baur` meet, two names that nobody confuses.
    """
    return core(one) == core(other) and bool(_spellings(one) & _spellings(other))


def spelling(name: str) -> str:
    """The significant words in ASCII, an umlaut as two letters, and the legal form if stated."""
    return (
        f"{_plain(name).translate(_TWO_LETTERS).translate(_ONE_LETTER)} {legal_form(name)}".strip()
    )


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(_telling(name)) or name.strip()).lower()


def _spellings(name: str) -> frozenset[str]:
    """As written in ASCII with umlauts as two letters, and with their dots left out."""
    plain = _plain(name)
    return frozenset(text.translate(_ONE_LETTER) for text in (plain, plain.translate(_TWO_LETTERS)))


_TWO_LETTERS = str.maketrans({"ä": "ae", "æ": "ae", "ö": "oe", "œ": "oe", "ø": "oe", "ü": "ue"})
_ONE_LETTER = str.maketrans({**_TABLE, **dict.fromkeys(_MARKS, ""), "ß": "ss"})


def _telling(name: str) -> list[str]:
    found = words(_joined(name))
    ignored = _FILLERS | frozenset(_LEGAL_FORMS)
    return [word for word in found if word.lower() not in ignored] or list(found)


def _joined(name: str) -> str:
    """`S.p.A.` as `SpA`. Not for searching: a system looks for what it has stored."""
    text = unicodedata.normalize("NFC", name)
    return _DOTTED.sub(lambda found: re.sub(r"[./\s]", "", found[0]), text)


def has_word(name: str, folded: str) -> bool:
    return folded in (fold(word) for word in words(name))
