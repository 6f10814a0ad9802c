"""A sound playbook, its words and its registry, for tests to spoil one thing at a time."""

from pathlib import Path

from fairlead.flow.lint import Vocabulary
from fairlead.flow.playbook import Playbook, Variant
from fairlead.flow.playbook_yaml import load_playbook, load_variant
from fairlead.flow.registry import Registry

TEXT = (Path(__file__).parent / "deal.yaml").read_text()

VARIANT = """\
variant_of: deal-to-delivery
variant: dach
version: 1
owner: pmo
when: {region: EMEA, country: [DE, AT]}
add:
  - {stage: Launch, approval: works_council, by: {role: works_council}, within: P5D}
tighten:
  launch: {within: PT4H}
change:
  collect_po: {within: P4D}
remove: [cool_off]
"""

WORDS = Vocabulary(
    policies={"launch-approval"},
    roles={"sales_operations", "delivery_lead", "works_council"},
    teams={"delivery-operations", "sales-operations", "finance-operations", "pmo"},
    events={"opportunity.closed_won", "contract.signed"},
)


def nothing() -> None:
    """Stands for a function; here only names count."""


def a_registry() -> Registry:
    registry = Registry()
    registry.gate("commercial_data")(nothing)
    registry.action("match_client", on="ledger", safe="looked up by our key first")(nothing)
    for local in ("decline", "open_books"):
        registry.action(local)(nothing)
    for condition in ("has_po", "needs_handover"):
        registry.condition(condition)(nothing)
    registry.notice("engagement_launched")(nothing)
    return registry


def a_playbook(*changes: tuple[str, str]) -> Playbook:
    return load_playbook(spoilt(TEXT, *changes))


def a_variant(*changes: tuple[str, str]) -> Variant:
    return load_variant(spoilt(VARIANT, *changes))


def a_bare_variant(rest: str, name: str = "bare", when: str = "{region: EMEA}") -> str:
    return (
        f"variant_of: deal-to-delivery\nvariant: {name}\nversion: 1\nowner: pmo\nwhen: {when}\n"
        f"{rest}\n"
    )


def spoilt(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, f"the test wants to replace {old!r}, which is not there"
        text = text.replace(old, new, 1)
    return text


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1
