"""One spelling for company names that are written in many: for comparing, never for showing.

For a search that must miss nothing, `MÜLLER`, `Müller`, `Mueller` and `Muller` all become
`muller`; `Straße` and `Strasse` become `strase`; `same_name` then tells which of those found are
surely one name. A connector that searches by name says the same folding in its system's own words
from the one table here, so that both sides always agree.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_EXTRAS = {
    "ß": "s", "æ": "a", "œ": "o", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "t", "ı": "i",
    "ά": "α", "έ": "ε", "ή": "η", "ί": "ι", "ϊ": "ι", "ΐ": "ι", "ό": "ο", "ύ": "υ", "ϋ": "υ",
    "ΰ": "υ", "ώ": "ω", "ς": "σ",
}  # fmt: skip
_MARKS = "".join(chr(code) for code in range(0x0300, 0x0340))  # combining accents

#: Two letters that stand for one after folding: ae for ä, and ss for ß.
PAIRS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("ss", "s"))


def _accented() -> dict[str, str]:
    """Small Latin and Greek letters with a mark, and their letter without it."""
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

#: Vowels and tones of Indic, Thai and other scripts, which belong to the letter before.
_SIGNS = "".join(
    chr(code) for code in range(0x0483, 0xFE00) if unicodedata.category(chr(code)) in {"Mn", "Mc"}
)
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_SIGNS}])*")
_DOTTED = re.compile(
    r"(?<![^\W_])(?:[^\W\d_][./]\s?){1,4}[^\W\d_](?![^\W_])"
)  # S.p.A., A/S, z o.o.
_FILLER_WORDS = (
    "an and co das de den der des di die el et het il l la las le les lo los of og och the und van"
    " y"
)
_FILLERS = frozenset(_FILLER_WORDS.split())
#: Legal forms at the end of a name, each in one spelling or in the one that it is set equal to.
_FORMS_IN_ONE_SPELLING = (
    "ab ag ans aps as asa bhd bv bvba cic cv dac eg ehf ek eood eurl ev gbr gk gs hb hf ik is"
    " kb kda kft kg kgaa kk ks lda llc llp lp ltda nv nyrt ogaut ohg oü oy oyj pao partg pbc plc"
    " pllc pt pty pvt sa sab sapi sarl sas sasu sca scrl sdn se sia slu sl snc sp spa sro srl tbk"
    " uab ug ulc vof yk zrt ад ао зао ип оао пао тов тоо еад"
    " ет οε ικε"
)
_LEGAL_FORMS = {
    spelling: meant
    for meant, spellings in {
        "limited": "limited ltd",
        "incorporated": "inc incorporated",
        "corporation": "corp corporation",
        "company": "company cie",
        "gmbh": "gmbh mbh",
        "pte": "pte private",
        "pvt": "pvt",
        "aş": "aş",
        "şti": "şti sti şirketi",
        "zoo": "zoo spzoo",
        "doo": "doo доо",
        "ooo": "ooo ооо",
        "ood": "ood оод",
        "eood": "еоод",
        "kk": "kk 株式会社",
        "yk": "yk 有限会社",
        "gk": "gk 合同会社",
        "주식회사": "주식회사",
        "유한회사": "유한회사",
        "有限公司": "有限公司",
        "股份有限公司": "股份有限公司",
        "จำกัด": "จํากัด จำกัด",
        "ذمم": "ذمم",
        "شمم": "شمم",
        "ae": "αε",
        "epe": "επε",
    }.items()
    for spelling in spellings.split()
} | {form: form for form in _FORMS_IN_ONE_SPELLING.split()}
#: Legal forms that stand before the name.
_LEADING_WORDS = "ао зао ип оао ооо пао тов тоо pt 株式会社 有限会社 合同会社 주식회사 유한회사"
_LEADING_FORMS = frozenset(_LEADING_WORDS.split())
#: Words that only tie the parts of a legal form together: `GmbH & Co. KG`, `S.A. de C.V.`
_TIES = frozenset({"co", "and", "und", "et", "de"})
#: Legal forms of several words, or written without a space beside the name.
_WRITTEN_OUT = tuple(
    (re.compile(pattern, re.IGNORECASE), f" {meant} ")
    for pattern, meant in (
        (r"\bsp[.\s]*z[.\s]*o[.\s]*o\b\.?", "spzoo"),
        (r"\bspol\.?\s*s\s*r\.?\s*o\b\.?", "sro"),
        (r"\bs\.?\s*de\s*r\.?\s*l\b\.?", "srl"),
        (r"\blimited liability company\b", "llc"),
        (r"\blimited liability partnership\b", "llp"),
        (r"\bpublic limited company\b", "plc"),
        (r"\bproprietary limited\b", "pty ltd"),
        (r"\bgesellschaft mit beschränkter haftung\b", "gmbh"),
        (r"\baktiengesellschaft\b", "ag"),
        (r"\bkommanditgesellschaft\b", "kg"),
        (r"\bsociété anonyme\b", "sa"),
        (r"\bsociété à responsabilité limitée\b", "sarl"),
        (r"\bsociedad anónima\b", "sa"),
        (r"\bsociedad limitada\b", "sl"),
        (r"\bsocietà per azioni\b", "spa"),
        (r"\bnaamloze vennootschap\b", "nv"),
        (r"\bbesloten vennootschap\b", "bv"),
        (r"\baktiebolag\b", "ab"),
        (r"\bosakeyhtiö\b", "oy"),
        (r"\bkabushiki (kaisha|gaisha)\b", "kk"),
        (r"株式会社|[(（]株[)）]|㈱", "株式会社"),
        (r"有限会社|[(（]有[)）]|㈲", "有限会社"),
        (r"合同会社", "合同会社"),
        (r"주식회사|[(（]주[)）]|㈜", "주식회사"),
        (r"유한회사|[(（]유[)）]", "유한회사"),
        (r"股份有限公司", "股份有限公司"),
        (r"有限责任公司|有限責任公司|(?<!股份)有限公司", "有限公司"),
        (r"^\s*บริษัท", ""),
        (r"จำกัด(\s*[(]มหาชน[)])?\s*$", "จำกัด"),
        (r"ذ\s*\.\s*م\s*\.\s*م\.?", "ذمم"),
        (r"ش\s*\.\s*م\s*\.\s*م\.?", "شمم"),
        (r"प्रा(\.|इवेट)?\s*लि(\.|मिटेड)?\s*$", "pvt ltd"),
        (r"लि(\.|मिटेड)\s*$", "ltd"),
    )
)
#: Told apart from the company that bears the rest of the name, but of no use in a search.
_PARENTS = frozenset({"group", "gruppe", "groupe", "holding", "holdings", "stiftung"})


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
    found = list(words(_spaced(name)))
    telling = [word for word in _without_forms(found)[0] if word.lower() not in _PARENTS]
    return fold((telling or found or [""])[0])


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
    return " ".join(sorted({_LEGAL_FORMS[word.lower()] for word in _parts(name)[1]}))


def romanised(name: str) -> str:
    """The significant words, without those of a holding, in Latin letters and one spelling.

    For showing what may be one name, never for saying that it is: Chinese characters are given
    their Chinese sound whatever the language, and Arabic has no vowels. II to X are numbers.
    """
    telling = [word for word in _telling(name) if word.lower() not in _PARENTS] or _telling(name)
    folded = (latin(word) for word in telling)
    return " ".join(_ROMAN.get(word, word) for word in folded)


def latin(text: str) -> str:
    """Folded, in Latin letters."""
    return fold(anyascii(unicodedata.normalize("NFC", text)))


_NUMERALS = ("ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
_ROMAN = {roman: str(number) for number, roman in enumerate(_NUMERALS, 2)}


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
    return _parts(name)[0]


def _parts(name: str) -> tuple[list[str], list[str]]:
    """The words that tell a name, and those of its legal form. Both as they are written.

    What is in brackets at the end belongs to the name, also where it follows the legal form.
    """
    text = _joined(name)
    bracketed = _BRACKETS.fullmatch(text)
    head, tail = bracketed.groups() if bracketed else (text, "")
    if not _WORD.search(head):
        head, tail = text, ""
    telling, forms = _without_forms(list(words(head)))
    return [*telling, *words(tail)], forms


_BRACKETS = re.compile(r"(.*\S)\s*[(（]([^()（）]+)[)）]\s*", re.DOTALL)


def _without_forms(found: list[str]) -> tuple[list[str], list[str]]:
    """A legal form stands at the end, and some before the name; elsewhere the word is the name's.

    A name that is nothing but such words keeps them all.
    """
    first, end = 0, len(found)
    while end and found[end - 1].lower() in _FORMS_AND_TIES:
        end -= 1
    while first < end and found[first].lower() in _LEADING_FORMS:
        first += 1
    stated = [word for word in found[:first] + found[end:] if word.lower() in _LEGAL_FORMS]
    kept = found[first:end]
    telling = [word for at, word in enumerate(kept) if _tells(word.lower(), at, len(kept))]
    return (telling, stated) if telling else (list(found), [])


def _tells(word: str, at: int, count: int) -> bool:
    if len(word) == 1 and at == count - 1:
        return True  # `Series L` is not `Series`
    return word not in _FILLERS and not (word == "a" and at == 0)


_FORMS_AND_TIES = _LEGAL_FORMS.keys() | _TIES


def _joined(name: str) -> str:
    """`S.p.A.` as `SpA`. Not for searching: a system looks for what it has stored."""
    text = unicodedata.normalize("NFKC", _spaced(name))
    return _DOTTED.sub(lambda found: re.sub(r"[./\s]", "", found[0]), text)


def _spaced(name: str) -> str:
    """Legal forms of several words as one, and those that touch the name with spaces around."""
    text = unicodedata.normalize("NFC", name)
    for pattern, meant in _WRITTEN_OUT:
        text = pattern.sub(meant, text)
    return text


def has_word(name: str, folded: str) -> bool:
    """Also where a legal form that touches the word is set aside."""
    return any(folded == fold(word) for text in (name, _spaced(name)) for word in words(text))
