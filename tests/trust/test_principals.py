"""Who may do what, which duties one person may not hold together, and what a key is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from pydantic import ValidationError

from fairlead.domain.values import Money
from fairlead.errors import InvalidDefinition, NotAllowed, NotFound
from fairlead.trust.principals import (
    KeyRow,
    People,
    Service,
    load_people,
    new_key,
    parse_key,
    verify_key,
)
from fairlead.trust.roles import FORBIDDEN, PERMISSIONS, Permission, Role, conflicts

NOW = datetime(2026, 7, 2, 9, 30, tzinfo=UTC)
PEOPLE = """\
people:
  - id: mara
    name: Mara Lind
    roles: [pmo_lead, consultant]
    regions: [EMEA]
    teams: [delivery]
    approval_limits: {EUR: "50000.00"}
  - {id: tom, name: Tom Iyer, roles: [controller]}
  - {id: gone, name: Ida Gone, roles: [pmo_lead], active: false}
services:
  - {id: warehouse, name: The warehouse, legal_entities: [TH-GMBH]}
"""

READ = Permission.ENGAGEMENTS_READ
SEND = Permission.EVENTS_SEND


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    return tmp_path


@pytest.fixture
def people(folder: Path) -> People:
    return load_people(folder)


def test_a_person_may_what_their_roles_permit_and_sees_their_regions(people: People) -> None:
    mara = people.principal("mara")

    assert mara.may(Permission.EXCEPTIONS_RESOLVE)
    with pytest.raises(NotAllowed, match=r"keys\.manage"):
        mara.must(Permission.KEYS_MANAGE)
    assert mara.sees(region="EMEA", legal_entity="TH-GMBH")
    assert not mara.sees(region="AMER", legal_entity="TH-INC")
    assert not mara.sees(region=None, legal_entity=None)


def test_no_list_of_regions_means_all(people: People) -> None:
    assert people.principal("tom").sees(region="AMER", legal_entity="TH-INC")
    assert people.principal("tom").sees(region=None, legal_entity=None)


def test_a_program_is_limited_to_its_legal_entities(people: People) -> None:
    program = people.principal("warehouse")

    assert program.sees(region="EMEA", legal_entity="TH-GMBH")
    assert not program.sees(region="EMEA", legal_entity="TH-LTD")


@pytest.mark.parametrize(
    ("amount", "currency", "may"),
    [
        pytest.param("50000.00", "EUR", True, id="exactly-the-limit"),
        pytest.param("50000.01", "EUR", False, id="a-cent-over"),
        pytest.param("0.01", "USD", False, id="no-limit-in-that-currency"),
    ],
)
def test_an_approval_limit(people: People, amount: str, currency: str, may: bool) -> None:
    money = Money(amount=Decimal(amount), currency=currency)

    assert people.person("mara").may_approve(money) is may


def test_who_holds_a_role_here(people: People) -> None:
    def holding(role: Role, region: str | None = None, team: str | None = None) -> list[str]:
        return [person.id for person in people.holding(role, region=region, team=team)]

    assert holding(Role.PMO_LEAD, "EMEA") == ["mara"]  # not the one who left
    assert holding(Role.PMO_LEAD, "AMER") == []
    assert holding(Role.CONTROLLER, "AMER") == ["tom"]
    assert holding(Role.PMO_LEAD, "EMEA", "delivery") == ["mara"]
    assert holding(Role.PMO_LEAD, "EMEA", "advisory") == []


def test_somebody_unknown_or_gone_may_nothing(people: People) -> None:
    for name in ("nobody", "gone"):
        with pytest.raises(NotAllowed):
            people.principal(name)
    with pytest.raises(NotFound):
        people.person("warehouse")


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        pytest.param("[controller]", "[controller, finance]", "finance with controller", id="sod"),
        pytest.param("[controller]", "[service]", "list the program", id="person-as-program"),
        pytest.param("[controller]", "[boss]", "people.yaml:8:", id="unknown-role"),
        pytest.param("id: tom", "id: mara", "two have the id mara", id="same-id"),
        pytest.param("id: warehouse", "id: mara", "two have the id mara", id="program-and-person"),
        pytest.param('"50000.00"', "50000.5", "people.yaml:7:", id="a-limit-as-binary-number"),
    ],
)
def test_a_mistake_in_the_list_is_told(folder: Path, was: str, becomes: str, fault: str) -> None:
    (folder / "people.yaml").write_text(PEOPLE.replace(was, becomes, 1))

    with pytest.raises(InvalidDefinition, match=fault):
        load_people(folder)


def test_every_pair_of_roles_is_decided() -> None:
    persons = [role for role in Role if role != Role.SERVICE]
    pairs = [frozenset(pair) for pair in combinations(persons, 2)]

    assert len(pairs) == 105
    assert sum(pair in FORBIDDEN for pair in pairs) == 45
    assert all(frozenset({role, Role.SERVICE}) in FORBIDDEN for role in persons)
    assert all(len(pair) == 2 for pair in FORBIDDEN)


def test_an_auditor_changes_nothing_and_works_with_nobody_elses_hands() -> None:
    writes = {"answer", "correct", "resolve", "replay", "settle", "operate", "send", "manage"}

    assert not {permission.partition(".")[2] for permission in PERMISSIONS[Role.AUDITOR]} & writes
    apart = {role for role in Role if conflicts([role, Role.AUDITOR])}
    assert apart == set(Role) - {Role.AUDITOR, Role.CONSULTANT}


def test_every_permission_is_held_by_some_role_and_no_role_holds_all() -> None:
    assert set().union(*PERMISSIONS.values()) == set(Permission)
    assert set(PERMISSIONS) == set(Role)
    assert all(held < set(Permission) for held in PERMISSIONS.values())


def a_key(people: People) -> tuple[KeyRow, str]:
    row, text = new_key(
        people.principal("warehouse"), [READ], now=NOW, expires_at=NOW + timedelta(days=1)
    )
    return row, text.get_secret_value()


def test_a_key_acts_for_its_program_within_its_scopes(people: People) -> None:
    row, text = a_key(people)
    caller = verify_key(row, parse_key(text), people, NOW)

    assert (caller.id, caller.kind) == ("warehouse", "service")
    assert caller.may(READ)
    assert not caller.may(SEND)  # its role may, its key may not
    assert not caller.sees(region="EMEA", legal_entity="TH-LTD")


def test_a_key_is_long_enough_to_be_random_and_is_not_stored(people: People) -> None:
    row, text = a_key(people)

    assert len(parse_key(text).secret.get_secret_value()) * 5 >= 128
    assert parse_key(text).secret.get_secret_value().encode() not in row.secret_hash
    assert text != a_key(people)[1]
    assert text not in repr(parse_key(text))


def test_a_key_has_no_scope_that_its_owner_lacks(people: People) -> None:
    with pytest.raises(NotAllowed, match=r"keys\.manage"):
        new_key(people.principal("warehouse"), [Permission.KEYS_MANAGE], now=NOW, expires_at=None)


def test_a_role_that_is_taken_away_takes_its_keys_along(people: People) -> None:
    row, text = new_key(
        people.principal("tom"), list(PERMISSIONS[Role.CONTROLLER]), now=NOW, expires_at=None
    )
    tom = people.person("tom").model_copy(update={"roles": frozenset({Role.CONSULTANT})})

    caller = verify_key(row, parse_key(text.get_secret_value()), People([tom]), NOW)

    assert caller.permissions == PERMISSIONS[Role.CONSULTANT]


@pytest.mark.parametrize(
    ("change", "later"),
    [
        pytest.param({}, timedelta(days=1), id="at-the-moment-it-expires"),
        pytest.param({"revoked_at": NOW}, timedelta(0), id="revoked"),
        pytest.param({"principal": "gone"}, timedelta(0), id="owner-has-left"),
        pytest.param({"secret_hash": b"\0" * 32}, timedelta(0), id="wrong-secret"),
    ],
)
def test_a_key_that_is_worth_nothing(
    people: People, change: dict[str, object], later: timedelta
) -> None:
    row, text = a_key(people)

    with pytest.raises(NotAllowed):
        verify_key(row.model_copy(update=change), parse_key(text), people, NOW + later)


def test_an_unknown_id_and_a_wrong_secret_look_the_same(people: People) -> None:
    row, text = a_key(people)
    said: set[str] = set()
    for found in (None, row.model_copy(update={"secret_hash": b"\0" * 32})):
        with pytest.raises(NotAllowed) as caught:
            verify_key(found, parse_key(text), people, NOW)
        said.add(caught.value.detail)

    assert len(said) == 1


@pytest.mark.parametrize("text", ["", "fl_", "fl__x", "fl_x_", "xx_a_b", "fl_a_b_c", "fl_ä_b"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NotAllowed):
        parse_key(text)


def test_a_program_is_given_more_to_read_and_nothing_else() -> None:
    """Invoices, say; within the scopes of its key, as all that it may."""
    reader = Service(id="ledger", name="Ledger", reads=frozenset({Permission.BILLING_READ}))
    assert reader.principal().may(Permission.BILLING_READ)
    assert not Service(id="relay", name="Relay").principal().may(Permission.BILLING_READ)
    scoped = reader.principal().model_copy(update={"scopes": frozenset({Permission.TIME_READ})})
    assert not scoped.may(Permission.BILLING_READ)
    with pytest.raises(ValidationError, match=r"what ends in \.read, not billing\.release"):
        Service(id="ledger", name="Ledger", reads=frozenset({Permission.BILLING_RELEASE}))
