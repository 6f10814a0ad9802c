"""Documentation under test: what there is has its place, what is shown loads, what is linked is."""

from __future__ import annotations

import ast
import re
import runpy
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml

from fairlead.api.refusals import HttpRefusal
from fairlead.bootstrap import Fairlead
from fairlead.capabilities.handoff.firm import load_firm
from fairlead.cli.demo_deals import load_deals
from fairlead.cli.main import app
from fairlead.config import SAMPLE, Serves, Settings, SystemConfig, Systems, load_systems
from fairlead.connectors.kit.declaration import ConnectorSettings, Level, Writes
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.domain.model.engagement import EngagementState
from fairlead.errors import FairleadError
from fairlead.flow.grammar import Kind
from fairlead.flow.passage import OverBudget
from fairlead.flow.playbook import compile
from fairlead.flow.playbook_yaml import load_playbook, load_variant
from fairlead.flow.states import EffectState, RunState, StepState
from fairlead.policy.publish import check
from fairlead.policy.tables import parse
from fairlead.ports.projects import Projects
from fairlead.sandbox.faults import CallKind, PushKind
from fairlead.store import gauges
from fairlead.store.database import Tx
from fairlead.trust.principals import load_people
from fairlead.wiring.systems import CONNECTORS
from fairlead.work.words import CauseClass, ExceptionAction

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SANDBOX = ROOT / "src/fairlead/sandbox/README.md"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *(ROOT / "src").rglob("README.md"),
    ]
)


def words(*names: str) -> set[str]:
    """All that stands `in code marks` in these pages."""
    return {
        word
        for name in names
        for span in re.findall(r"`([^`\n]+)`", (ROOT / name).read_text("utf-8"))
        for word in [span, *re.findall(r"[\w.-]+", span)]
    }


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    """The fenced code of a page, with the indentation of its fence taken off."""
    found: list[Block] = []
    text = page.read_text("utf-8")
    for match in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.M | re.S):
        indent, language, body = match.groups()
        body = re.sub(rf"^{indent}", "", body, flags=re.M)
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page.name, line, language, body))
    return tuple(found)


def of_language(language: str, *pages: str) -> list[Block]:
    chosen = [ROOT / page for page in pages] or PAGES
    return [block for page in chosen for block in blocks(page) if block.language == language]


# what there is has its place


def test_every_setting_of_the_environment_is_described() -> None:
    table = (DOCS / "configuration.md").read_text("utf-8")
    described = set(re.findall(r"^\| `FAIRLEAD_(\w+)` \|", table, re.M))
    assert described == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_default_of_a_setting_is_the_one_that_is_described(name: str) -> None:
    page = (DOCS / "configuration.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `FAIRLEAD_{name.upper()}"))
    default = Settings.model_fields[name].default
    of_words = {"database_url": "none", "origin": "none", "config": "the made-up firm"}
    said = of_words.get(name, f"`{default}`")
    assert row.split("|")[2].strip() == said


def test_every_key_of_a_system_is_described() -> None:
    described = words("docs/configuration.md")
    wanted = {*SystemConfig.model_fields, *Serves.model_fields}
    assert sorted(wanted - described) == []


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command below this one; groups have `commands`."""
    inner: dict[str, Any] | None = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from _commands(one, f"{path} {name}")


COMMANDS = dict(_commands(typer.main.get_command(app), "fairlead"))


def test_every_command_and_no_other_is_in_the_operators_table() -> None:
    page = (DOCS / "operate.md").read_text("utf-8")
    told = re.findall(r"^\| `(fairlead [a-z -]+?)(?: \[?[A-Z]+\]?)*` \|", page, re.M)
    table = page.partition("## Commands")[2].partition("\n## ")[0]
    in_table = {command for command in told if f"| `{command}" in table}
    assert in_table == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_the_options_of_a_command_are_in_its_row(path: str) -> None:
    page = (DOCS / "operate.md").read_text("utf-8")
    table = page.partition("## Commands")[2].partition("\n## ")[0]
    row = next(line for line in table.splitlines() if line.startswith(f"| `{path}"))
    options = {
        option
        for parameter in COMMANDS[path].params
        if not getattr(parameter, "hidden", False)
        for option in parameter.opts
        if option.startswith("--")
    }
    common = {"--json", "--help", "--until-stdin-ends"}  # said once, below the table
    assert sorted(options - common - set(re.findall(r"--[a-z-]+", row))) == []


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_connector_has_its_readme_and_its_row(name: str) -> None:
    connector = CONNECTORS[name]
    assert (ROOT / f"src/fairlead/connectors/{name}/README.md").is_file()
    page = (DOCS / "connectors.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| [`{name}`]"))
    assert {port for port in connector.ports if f"`{port}`" in row} == set(connector.ports)
    levels = {o.level.name for o in connector.operations.values() if isinstance(o, Writes)}
    assert set(re.findall(r"\bL\d\b", row)) == levels


@pytest.mark.parametrize("name", CONNECTORS)
def test_the_readme_of_a_connector_names_its_settings(name: str) -> None:
    own = set(CONNECTORS[name].settings.model_fields)
    told = words(f"src/fairlead/connectors/{name}/README.md", "docs/configuration.md")
    text = (ROOT / f"src/fairlead/connectors/{name}/README.md").read_text("utf-8")
    assert sorted(setting for setting in own - told if setting not in text) == []


def test_every_level_is_explained() -> None:
    page = (DOCS / "connectors.md").read_text("utf-8")
    assert set(re.findall(r"^\| (L\d) \|", page, re.M)) == {level.name for level in Level}


@pytest.fixture(scope="module")
def fairlead() -> Fairlead:
    return Fairlead(Settings())


def test_every_policy_with_its_facts_and_answers_is_described(fairlead: Fairlead) -> None:
    page = (DOCS / "policies.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", page, re.M))
    assert set(fairlead.policies.names()) <= set(rows)
    for policy in fairlead.policies:
        missing = [fact for fact in policy.inputs if f"`{fact}`" not in rows[policy.name]]
        assert missing == [], policy.name


def test_every_playbook_and_variant_is_described(fairlead: Fairlead) -> None:
    table = (DOCS / "configuration.md").read_text("utf-8").partition("## Policies and playbooks")[2]
    for playbook in fairlead.library.playbooks:
        assert f"| `{playbook.playbook}` | `{playbook.starts_on}` |" in table
    for variant in fairlead.library.variants:
        assert f"`{variant.variant}`" in table


def test_every_event_that_starts_something_is_one_that_we_take(fairlead: Fairlead) -> None:
    table = (DOCS / "configuration.md").read_text("utf-8").partition("## Policies and playbooks")[2]
    named = set(re.findall(r"^\| `[a-z-]+` \| `([a-z_.]+)` \|", table, re.M))
    assert named
    assert named <= fairlead.events


def _subclasses(root: type[FairleadError]) -> Iterator[type[FairleadError]]:
    for inner in root.__subclasses__():
        yield inner
        yield from _subclasses(inner)


def test_every_code_of_an_error_is_explained() -> None:
    """The tree, and those that rooms add to it (`over_budget`, HTTP's own)."""
    known = {c for c in _subclasses(FairleadError) if c.__module__.startswith("fairlead.")}
    assert {HttpRefusal, OverBudget} <= known
    codes = {FairleadError.code, *(error.code for error in known)}
    assert sorted(codes - words("docs/operate.md", "docs/api.md")) == []


def test_every_fault_of_the_sandbox_is_in_its_table() -> None:
    page = SANDBOX.read_text("utf-8").partition("## Faults")[2]
    kinds = {*get_args(CallKind), *get_args(PushKind)}
    cells = re.findall(r"^\| (`.+?) \|", page, re.M)
    told = {word for cell in cells for word in re.findall(r"`([a-z_]+)`", cell)}
    assert sorted(kinds - told) == []


@pytest.mark.parametrize("kind", CauseClass)
def test_every_class_of_exception_says_what_to_do(kind: CauseClass) -> None:
    page = (DOCS / "operate.md").read_text("utf-8")
    assert re.search(rf"^\| `{kind}` \| .+ \| .+ \|$", page, re.M)


@pytest.mark.parametrize("action", ExceptionAction)
def test_every_action_on_an_exception_is_explained(action: ExceptionAction) -> None:
    page = (DOCS / "operate.md").read_text("utf-8")
    assert re.search(rf"^\| `{action}` \| .+ \|$", page, re.M)


def test_every_metric_is_in_the_operators_table(tx: Tx) -> None:
    told = words("docs/operate.md")
    assert sorted({f"fairlead_{name}" for name in gauges.read(tx)} - told) == []


# words


def test_the_glossary_names_the_states_as_the_code_does() -> None:
    told = words("docs/glossary.md")
    for states in (EngagementState, EffectState):
        assert sorted(str(state) for state in states if str(state) not in told) == []


def test_the_glossary_knows_every_kind_of_step() -> None:
    page = (DOCS / "glossary.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| step |"))
    assert [str(kind) for kind in Kind if str(kind) not in row] == []


def test_a_word_of_the_glossary_that_points_to_code_is_there() -> None:
    """Class names of the second column are classes of the package."""
    page = (DOCS / "glossary.md").read_text("utf-8")
    source = "\n".join(file.read_text("utf-8") for file in (ROOT / "src/fairlead").rglob("*.py"))
    cells = [line.split("|")[2] for line in page.splitlines() if line.startswith("| ")]
    named = {
        name.rpartition(".")[2]
        for cell in cells
        for name in re.findall(r"`([\w.]+)`", cell)
        if name.rpartition(".")[2][:1].isupper()
    }
    assert len(named) > 30
    assert sorted(n for n in named if not re.search(rf"^class {n}\b", source, re.M)) == []


def test_the_states_of_runs_and_steps_are_not_called_otherwise() -> None:
    """A step is done, a run is completed, an effect is confirmed: one word each."""
    assert {str(s) for s in EffectState} & {str(s) for s in RunState} == set()
    assert StepState.DONE not in {str(s) for s in RunState}


# what is shown loads


def _named(blocks: list[Block], file: str) -> list[Block]:
    return [block for block in blocks if block.text.startswith(f"# {file}\n")]


CONFIGURATIONS = of_language("yaml", "docs/configuration.md", "docs/connectors.md")


@pytest.mark.parametrize("block", _named(CONFIGURATIONS, "systems.yaml"), ids=str)
def test_systems_that_are_shown_load(block: Block, tmp_path: Path) -> None:
    (tmp_path / "systems.yaml").write_text(block.text, "utf-8")
    for system in load_systems(tmp_path):
        connector = CONNECTORS[system.connector]
        secret = dict.fromkeys(system.secrets, "secret")
        settings = connector.settings.model_validate({**system.settings, **secret})
        if isinstance(settings, ConnectorSettings):
            assert str(settings.base_url).startswith("https://")
        assert {serves.port for serves in system.serves} <= set(connector.ports)
        FieldMap.load(connector.mapping, changes=system.mapping)


def test_the_second_erp_that_is_shown_serves_its_region_alone(tmp_path: Path) -> None:
    section = (DOCS / "configuration.md").read_text("utf-8")
    shown = section.partition("## A second ERP for a region")[2]
    block = next(b for b in _named(CONFIGURATIONS, "systems.yaml") if b.text in shown)
    (tmp_path / "systems.yaml").write_text(block.text, "utf-8")
    systems = Systems(load_systems(tmp_path))
    assert systems.route("ledger", {"region": "APAC"}) == "netsuite-apac"
    assert systems.route("ledger", {"region": "EMEA"}) == "netsuite-emea"


def test_the_mapping_that_is_shown_moves_and_drops_a_field(tmp_path: Path) -> None:
    (block,) = _named(of_language("yaml", "docs/connectors.md"), "systems.yaml")
    (tmp_path / "systems.yaml").write_text(block.text, "utf-8")
    (system,) = load_systems(tmp_path)
    fields = FieldMap.load(CONNECTORS[system.connector].mapping, changes=system.mapping)
    assert fields.their_path("opportunity", "contract_type") == "Vertragsart__c"
    assert not fields.has("opportunity", "client_tier")


def test_people_that_are_shown_load(tmp_path: Path) -> None:
    (block,) = _named(CONFIGURATIONS, "people.yaml")
    (tmp_path / "people.yaml").write_text(block.text, "utf-8")
    assert load_people(tmp_path).person("ana.reyes").may_approve


def test_the_firm_that_is_shown_loads(tmp_path: Path, fairlead: Fairlead) -> None:
    (block,) = _named(CONFIGURATIONS, "firm.yaml")
    (tmp_path / "firm.yaml").write_text(block.text, "utf-8")
    firm = load_firm(tmp_path)
    owners = {
        str(step.owner)
        for playbook in fairlead.library.playbooks
        for step in compile(playbook, ()).steps
    }
    assert sorted(owners - set(firm.teams)) == []  # a copy of the page runs what comes with it


def test_every_yaml_that_is_shown_is_yaml() -> None:
    for block in of_language("yaml"):
        assert isinstance(yaml.safe_load(block.text), dict), str(block)


def test_every_python_that_is_shown_is_python() -> None:
    found = of_language("python")
    assert found
    for block in found:
        ast.parse(block.text, str(block))


def test_the_declaration_that_is_shown_lists_every_operation_of_its_port(tmp_path: Path) -> None:
    shown = of_language("python", "docs/connectors.md")
    file = tmp_path / "declaration.py"
    file.write_text("\n".join(block.text for block in shown), "utf-8")
    declared = runpy.run_path(str(file), init_globals={"AcmeProjects": object})["CONNECTOR"]
    methods = {f"projects.{name}" for name in vars(Projects) if not name.startswith("_")}
    assert set(declared.operations) == methods
    finders = [o.find for o in declared.operations.values() if isinstance(o, Writes)]
    assert set(finders) <= methods


def test_playbooks_and_variants_that_are_shown_load_and_join() -> None:
    shown = of_language("yaml", "docs/playbooks.md")
    playbooks = [load_playbook(b.text, str(b)) for b in shown if b.text.startswith("playbook:")]
    variants = [load_variant(b.text, str(b)) for b in shown if b.text.startswith("variant_of:")]
    assert playbooks
    assert variants
    for variant in variants:
        base = next(p for p in playbooks if p.playbook == variant.variant_of)
        assert compile(base, (variant,)).steps


def test_the_playbook_of_the_readme_is_the_beginning_of_the_real_one() -> None:
    (block,) = of_language("yaml", "README.md")
    real = ROOT / "src/fairlead/capabilities/handoff/playbooks/deal-to-delivery.yaml"
    lines = [line for line in real.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert block.text.splitlines() == lines[: len(block.text.splitlines())]
    assert load_playbook(block.text, "README.md").playbook == "deal-to-delivery"


def test_the_readme_counts_the_deals_that_the_demo_wins() -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    told = {int(number) for number in re.findall(r"(\d+) deals", page)}
    assert told == {len(load_deals().deals)}


def test_the_policy_that_is_shown_may_be_published(fairlead: Fairlead) -> None:
    (block,) = of_language("json", "docs/policies.md")
    policy = parse(block.text, "shown.json")
    assert list(check(policy)) == []
    assert policy.version == fairlead.policies.versions(policy.name)[-1].version + 1


def test_commands_that_are_shown_exist() -> None:
    """`fairlead …` and `make …` in shell blocks."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for block in of_language("sh"):
        for line in block.text.splitlines():
            plain = line.partition("#")[0]
            if found := re.search(r"\bmake ([a-z-]+)", plain):
                assert found[1] in targets, f"{block}: {line}"
            if found := re.search(r"(?:^|bin/|\$\()fairlead ((?:[a-z-]+ ?)+)", plain):
                path = f"fairlead {found[1]}".strip()
                assert any(path == c or path.startswith(f"{c} ") for c in COMMANDS), (
                    f"{block}: {line}"
                )


# what is linked is there


def _anchors(page: Path) -> set[str]:
    """As GitHub makes them from headings."""
    outside_code = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", outside_code, re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    broken: list[str] = []
    for link in re.findall(r"\]\(<?([^)>\s]+)>?\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (
            anchor and target.suffix == ".md" and anchor not in _anchors(target)
        ):
            broken.append(link)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    """By links, one after the other; a folder stands for all pages in it."""
    ahead, reached = [ROOT / "README.md"], set[Path]()
    while ahead:
        page = ahead.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in re.findall(r"\]\(<?([^)>\s]+)>?\)", page.read_text("utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.is_dir():
                ahead += target.glob("*.md")
            elif target.suffix == ".md" and target.is_file():
                ahead.append(target)
    assert sorted(str(page.relative_to(ROOT)) for page in set(PAGES) - reached) == []


def test_decisions_are_numbered_without_a_gap_and_say_four_things() -> None:
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{n:04d}" for n in range(1, len(pages) + 1)]
    for page in pages:
        headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.M)
        assert headings == ["Context", "Decision", "Why", "Consequences"], page.name


def test_the_picture_stands_alone() -> None:
    """No script, no font and no address from elsewhere; a background of its own."""
    text = (DOCS / "picture.svg").read_text("utf-8")
    outside: list[Any] = re.findall(r"(?:href|src|url)\s*[=(]\s*[\"']?(https?:[^\"')]+)", text)
    assert outside == []
    assert "<script" not in text
    assert 'class="card"' in text


def test_the_playbooks_that_are_shown_have_no_fault_in_the_sample_firm(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "playbooks.md").read_text("utf-8")
    blocks = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    whole = [block for block in blocks if block.startswith(("playbook:", "variant_of:"))]
    firm = tmp_path / "firm"
    shutil.copytree(SAMPLE, firm)
    (firm / "playbooks").mkdir(exist_ok=True)
    for number, block in enumerate(whole):
        (firm / "playbooks" / f"shown-{number}.yaml").write_text(block, "utf-8")

    assert len(whole) >= 2
    assert Fairlead(Settings(config=firm)).lint() == []
