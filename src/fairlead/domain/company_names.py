"""One spelling for company names that are written in many: for comparing, never for showing.

`MÜLLER`, `Müller`, `Mueller` and `Muller` all become `muller`; `Straße` and `Strasse` become
`strase`. A connector that searches by name says the same folding in its system's own words from
the one table here, so that both sides always agree.
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
_FILLERS = "a an and co das de den der des di die el het il l la las le les lo los of the und van y"
_LEGAL_FORMS = (
    "ab ag aps as asa bhd bv bvba cie company corp corporation cv eg eurl ev gbr gmbh group gruppe"
    " holding holdings inc incorporated kft kg kgaa kk limited llc llp lp ltd ltda mbh nv ohg ooo"
    " oy oyj plc pte pty pvt sa sab sarl sas sasu sca sdn se sl slu snc sp spa srl sro stiftung ug"
    " zoo"
)
_NOT_SIGNIFICANT = frozenset([*_FILLERS.split(), *_LEGAL_FORMS.split()])


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
    """The folded significant words, in order: what is left when the legal form is gone."""
    found = words(name)
    telling = [word for word in found if word.lower() not in _NOT_SIGNIFICANT]
    return " ".join(fold(word) for word in (telling or found))


def has_word(name: str, folded: str) -> bool:
    return folded in (fold(word) for word in words(name))

