"""Field maps: what is written comes back the same, and what cannot be read says where."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import simplejson
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.kit.mapping import FieldMap, FieldRule, MappingTrouble
from fairlead.errors import InvalidDefinition

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
SINCE_1900 = datetime(1900, 1, 1, tzinfo=UTC)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(min_size=1),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=8, max_value=10**15,
                           min_value=-(10**15)),
    "integer": st.integers(-(10**18) + 1, 10**18 - 1),
    "date": st.dates(),
    # milliseconds are what leaves
    "datetime": st.integers(0, 10**13).map(lambda ms: SINCE_1900 + timedelta(milliseconds=ms)),
    "boolean": st.booleans(),
}  # fmt: skip


def rule(path: str, kind: str = "text", **more: Any) -> FieldRule:
    return FieldRule.model_validate({"path": path, "as": kind, **more})


def one(path: str, kind: str = "text", **more: Any) -> FieldMap:
    return FieldMap({"thing": {"ours": rule(path, kind, **more)}})


def over_the_wire(record: dict[str, Any]) -> dict[str, Any]:
    return simplejson.loads(simplejson.dumps(record, use_decimal=True), use_decimal=True)


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data(), path=PATHS)
def test_what_is_written_is_read_back_the_same(kind: str, data: st.DataObject, path: str) -> None:
    value = data.draw(VALUES[kind])
    fields = one(path, kind)
    there = over_the_wire(fields.write("thing", {"ours": value}))
    assert fields.read("thing", there) == {"ours": value}


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_an_instant_is_the_same_one_in_any_zone(when: datetime) -> None:
    kept = when.replace(microsecond=when.microsecond // 1000 * 1000)
    fields = one("At", "datetime")
    if SINCE_1900 < kept < datetime(9999, 1, 1, tzinfo=UTC):
        assert fields.read("thing", fields.write("thing", {"ours": kept})) == {"ours": kept}


@given(NAMES, NAMES, st.text(min_size=1))
def test_dotted_paths_walk_into_objects_on_both_sides(a: str, b: str, value: str) -> None:
    fields = FieldMap({"thing": {"x.y": rule(f"{a}.{b}")}})
    assert fields.write("thing", {"x.y": value}) == {a: {b: value}}
    assert fields.write("thing", {"x": {"y": value}}) == {a: {b: value}}
    assert fields.read("thing", {a: {b: value}}) == {"x": {"y": value}}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("record", [{}, {"A": None}, {"A": {}}, {"A": {"B": None}}, {"A": "text"}])
def test_what_is_absent_or_null_is_skipped(kind: str, record: dict[str, Any]) -> None:
    assert one("A.B", kind).read("thing", record) == {}
    assert one("A.B", kind).write("thing", {"ours": None}) == {}
    assert one("A.B", kind).write("thing", {}) == {}


NOTHING: dict[str, Any] = {}
NOWHERE: list[Any] = []
WRONG: dict[str, tuple[Any, ...]] = {
    "text": (True, 1.5, Decimal("1.5"), NOWHERE, NOTHING),
    "decimal": (
        True, "ten", "1,000", "1_000", "٣", " 1", "NaN", "Infinity", "sNaN", NOWHERE, NOTHING
    ),
    "integer": (True, "1.5", Decimal("1.5"), "one", "1_000", "٣", "1e999999", NOWHERE, NOTHING),
    "date": ("2026-13-01", "yesterday", 20260101, True, NOWHERE, "2026-03-02garb"),
    "datetime": (
        "2026-03-02T10:00:00", "2026-03-02", "now", 5, True, NOTHING,
        "0001-01-01T00:00:00+05:00",  # before the first instant that Python knows
    ),
    "boolean": ("true", 1, 0, "no", NOWHERE),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "raw"), [(kind, raw) for kind in WRONG for raw in WRONG[kind]])
def test_a_value_of_another_kind_names_the_path(kind: str, raw: Any) -> None:
    with pytest.raises(MappingTrouble, match=r"^Deal\.Field__c: not a"):
        one("Deal.Field__c", kind).read("thing", {"Deal": {"Field__c": raw}})


@given(raw=st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
), kind=st.sampled_from(list(VALUES)))  # fmt: skip
def test_any_answer_is_read_or_refused_by_path(raw: Any, kind: str) -> None:
    wanted = {"text": str, "decimal": Decimal, "integer": int, "boolean": bool,
              "date": date, "datetime": datetime}[kind]  # fmt: skip
    said = ""
    found: dict[str, Any] = {}
    try:
        found = one("A", kind).read("thing", {"A": raw})
    except MappingTrouble as trouble:
        said = str(trouble)
    assert not said or said == f"A: not a {kind}"
    assert not found or type(found["ours"]) is wanted


# -- words -------------------------------------------------------------------------------------

TYPES = {"Fixed Fee": "fixed_fee", "T&M": "time_and_materials"}


def test_words_are_translated_both_ways() -> None:
    fields = one("Type", values=TYPES)
    for theirs, ours in TYPES.items():
        assert fields.read("thing", {"Type": theirs}) == {"ours": ours}
        assert fields.write("thing", {"ours": ours}) == {"Type": theirs}


def test_a_word_that_the_map_does_not_know_names_the_path_and_the_known_ones() -> None:
    with pytest.raises(MappingTrouble, match=r"^Type: not one of Fixed Fee, T&M$"):
        one("Type", values=TYPES).read("thing", {"Type": "Retainer"})


# -- leaving -----------------------------------------------------------------------------------


@given(VALUES["decimal"])
def test_a_decimal_leaves_digit_for_digit(value: Decimal) -> None:
    as_text = one("A", "text").write("thing", {"ours": value})["A"]
    assert isinstance(as_text, str)
    assert Decimal(as_text) == value
    assert "E" not in as_text


# -- loading -----------------------------------------------------------------------------------


@pytest.fixture
def packaged(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        yaml.safe_dump({"deal": {"name": "Name", "amount": {"path": "Amount", "as": "decimal"}}}),
        "utf-8",
    )
    return path


def test_a_firms_changes_are_laid_over_entry_by_entry(packaged: Path) -> None:
    fields = FieldMap.load(packaged, changes={"deal": {"name": "Title"}, "note": {"text": "Body"}})
    assert fields.their_path("deal", "name") == "Title"
    assert set(fields.theirs("deal")) == {"Title", "Amount"}
    assert fields.theirs("note") == ("Body",)


@pytest.mark.parametrize(
    "entry",
    [
        {"path": "A", "as": "money"},
        {"path": ""},
        {"path": "A", "colour": "red"},
        {"as": "text"},
        "",
        5,
        ["A"],
        "A..B",
        ".A",
    ],
)
def test_an_entry_that_cannot_be_used_is_named(packaged: Path, entry: Any) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        FieldMap.load(packaged, changes={"deal": {"stage": entry}})
    assert any(fault.startswith("mapping.yaml: deal.stage: ") for fault in caught.value.faults)


def test_an_entry_that_a_firm_drops_is_neither_read_nor_written(packaged: Path) -> None:
    fields = FieldMap.load(packaged, changes={"deal": {"name": None}})
    assert not fields.has("deal", "name")
    assert fields.read("deal", {"Name": "Renewal", "Amount": "1"}) == {"amount": Decimal(1)}
    assert fields.write("deal", {"name": "Renewal"}) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"deal": {"name.first": "First"}},  # ours inside ours
        {"deal": {"owner": "Name.First"}},  # theirs inside theirs
    ],
)
def test_a_field_inside_a_value_is_refused_when_the_map_is_loaded(
    packaged: Path, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidDefinition, match=r"lies inside [Nn]ame"):
        FieldMap.load(packaged, changes=changes)


@pytest.mark.parametrize("changes", [{"deal": ["Name"]}, {"deal": None}, {"deal": "Name"}])
def test_changes_that_are_no_map_are_refused_by_name(packaged: Path, changes: Any) -> None:
    with pytest.raises(InvalidDefinition, match="deal is not a table"):
        FieldMap.load(packaged, changes=changes)


@pytest.mark.parametrize("text", ["- a list", "just words", "deal: [1]", "deal: words", "a: {b: "])
def test_a_file_that_is_no_map_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidDefinition, match=r"mapping\.yaml"):
        FieldMap.load(path)


@pytest.mark.parametrize("vendor", ["kantata", "netsuite", "salesforce"])
def test_the_packaged_maps_can_be_used(vendor: str) -> None:
    root = Path(__file__).parents[2] / "src/fairlead/connectors"
    FieldMap.load(root / vendor / "mapping.yaml")


def test_a_date_keeps_its_day() -> None:
    fields = one("On", "date")
    assert fields.read("thing", {"On": "2026-03-02T23:30:00-05:00"}) == {"ours": date(2026, 3, 2)}
