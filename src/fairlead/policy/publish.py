"""What must be true before a policy is published.

zen-engine lets a cell that does not parse, or that names an unknown fact, match nothing without
a word. So every cell is compiled here, every name is looked up, and the cases are run.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import zen

from fairlead.errors import InvalidDefinition
from fairlead.policy.tables import Policies, Policy, load

_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
_TEMPLATE = re.compile(r"`([^`]*)`")
_HOLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"(?<![\w.$#])([A-Za-z_]\w*)(?!\w)(?!\s*\()")
_WORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})  #: of the expressions


def load_all(folders: Iterable[Path]) -> Policies:
    """Every `*.json` of the folders, checked. Raises `InvalidDefinition` with every fault."""
    policies: list[Policy] = []
    faults: list[str] = []
    for file in sorted(file for folder in folders for file in folder.glob("*.json")):
        try:
            policy = load(file)
        except InvalidDefinition as bad:
            faults.extend(bad.faults)
            continue
        faults.extend(check(policy))
        policies.append(policy)
    if faults:
        raise InvalidDefinition("The policies cannot be used:", faults)
    return Policies(policies)


def check(policy: Policy) -> Sequence[str]:
    """Every reason not to publish this policy; empty where there is none."""
    return tuple(
        f"{policy.file}: {fault}"
        for fault in (
            *_faults_of_rows(policy),
            *_faults_of_cells(policy),
            *_faults_of_cases(policy),
        )
    )


def _faults_of_rows(policy: Policy) -> Iterator[str]:
    for row, times in Counter(row.id for row in policy.rows).items():
        if times > 1:
            yield f"{times} rows have the id {row}"
    for side, columns in (("input", policy.inputs), ("output", policy.outputs)):
        for column, times in Counter(columns).items():
            if times > 1:
                yield f"{times} {side} columns are called {column}"
    open_rows = [row.id for row in policy.rows if not any(row.conditions.values())]
    if policy.hit == "collect":
        return
    last = policy.rows[-1].id if policy.rows else ""
    if policy.header.otherwise == "row" and last not in open_rows:
        yield "the last row has conditions, so some facts get no answer; `otherwise` may say so"
    for row in open_rows:
        if row != last:
            yield f"row {row} has no condition, so no row after it is ever reached"


def _faults_of_cells(policy: Policy) -> Iterator[str]:
    known = {name.split(".")[0] for name in policy.inputs}
    for row in policy.rows:
        for field, cell in row.conditions.items():
            if cell:
                yield from _fault(row.id, field, cell, known, zen.compile_unary_expression)
        for field, cell in row.outputs.items():
            if not cell:
                yield f"row {row.id}: {field} is empty; give a value, perhaps null"
            else:
                yield from _fault(row.id, field, cell, known, zen.compile_expression)


def _fault(
    row: str, field: str, cell: str, known: set[str], compiles: Callable[[str], object]
) -> Iterator[str]:
    try:
        compiles(cell)
    except Exception as bad:  # zen-engine has no error of its own: it raises plain exceptions
        yield f"row {row}: {field}: {cell!r}: {_reason(bad)}"
        return
    for name in sorted(_names(cell) - known - _WORDS):
        yield f"row {row}: {field}: {cell!r}: no column is called {name}"


def _reason(bad: Exception) -> str:
    """What zen-engine says, without the stack of its own that it adds."""
    first = str(bad).partition("\n")[0]
    try:
        return str(json.loads(first)["source"])
    except (ValueError, KeyError, TypeError):
        return first


def _names(cell: str) -> set[str]:
    """The facts that an expression asks for by name; not its texts, nor its functions."""
    holes = [hole for text in _TEMPLATE.findall(cell) for hole in _HOLE.findall(text)]
    plain = _TEXT.sub(" ", _TEMPLATE.sub(" ", cell))
    return {name for part in [plain, *holes] for name in _NAME.findall(_TEXT.sub(" ", part))}


def _faults_of_cases(policy: Policy) -> Iterator[str]:
    asked = {name.split(".")[0] for name in policy.inputs}
    seen: set[str] = set()
    for number, case in enumerate(policy.header.cases, 1):
        if missing := sorted(asked - set(case.facts)):
            yield f"case {number} does not say {', '.join(missing)}"
            continue
        try:
            fired = policy.ask(case.facts)
        except Exception as bad:  # from a broken cell, which is a fault already, or broken facts
            yield f"case {number}: {_reason(bad)}"
            continue
        rows = tuple(row for row, _ in fired)
        seen.update(rows)
        if rows != case.expected:
            wanted, got = ", ".join(case.expected) or "none", ", ".join(rows) or "none"
            yield f"case {number} expects the row {wanted}; {got} fires"
        elif case.answer is not None and case.answer != fired[0][1]:
            yield f"case {number} expects the answer {case.answer}; it is {fired[0][1]}"
    for row in policy.rows:
        if row.id not in seen:
            yield f"no case reaches the row {row.id}"
