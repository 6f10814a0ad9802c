"""Read the YAML of a playbook or a variant, keeping the line of every key and value.

A word means itself here: `on`, `off`, `yes` and `no` are text, as in YAML 1.2, so that `on:` may
be a key and `NO` is Norway. What YAML has and a playbook never needs is refused: anchors and
aliases (with which a small file can unfold to gigabytes), tags, keys that are given twice, keys
that are not text, deep nesting, a second document, and more than 256 KB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from fairlead.domain.values import Value
from fairlead.errors import InvalidDefinition
from fairlead.flow.grammar import (
    Added,
    By,
    Change,
    OnRefusal,
    Playbook,
    Selectors,
    Stage,
    StepSpec,
    Tightening,
    Variant,
)
from fairlead.flow.registry import did_you_mean, nearest
from fairlead.flow.trouble import Path

MAX_BYTES = 256 * 1024
_MAX_DEPTH = 20


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a file, as an editor counts: both from 1."""

    line: int
    column: int


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong in a file, where, and what to do."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}"


@dataclass
class Document:
    """Plain data, and where each part of it stands."""

    data: Any = None
    keys: dict[Path, Mark] = field(default_factory=dict[Path, Mark])
    values: dict[Path, Mark] = field(default_factory=dict[Path, Mark])
    faults: list[Fault] = field(default_factory=list[Fault])

    def mark(self, path: Sequence[str | int]) -> Mark:
        """The place of a key or list item; where it is not there, of the nearest thing around."""
        whole = tuple(path)
        for end in range(len(whole), -1, -1):
            if found := self.keys.get(whole[:end]) or self.values.get(whole[:end]):
                return found
        return Mark(1, 1)

    def put(self, path: Path, value: Any) -> None:
        """Set a key that is missing in a mapping that is there."""
        parent = self.data
        for part in path[:-1]:
            parent = parent[part]
        parent[path[-1]] = value

    def without(self, parts: Set[Path]) -> Document:
        """The same without some keys or list items; what is left keeps its place in the file."""
        rest = Document(faults=self.faults)
        rest.data = self._copy(self.data, (), (), parts, rest)
        return rest

    def _copy(self, data: Any, old: Path, new: Path, parts: Set[Path], rest: Document) -> Any:
        for marks, copied in ((self.keys, rest.keys), (self.values, rest.values)):
            if old in marks:
                copied[new] = marks[old]
        if isinstance(data, dict):
            whole = cast("dict[str, Any]", data)
            return {
                key: self._copy(value, (*old, key), (*new, key), parts, rest)
                for key, value in whole.items()
                if (*old, key) not in parts
            }
        if isinstance(data, list):
            items = [
                (i, item)
                for i, item in enumerate(cast("list[Any]", data))
                if (*old, i) not in parts
            ]
            return [
                self._copy(item, (*old, i), (*new, at), parts, rest)
                for at, (i, item) in enumerate(items)
            ]
        return data

    def fault(self, path: Sequence[str | int], message: str) -> Fault:
        mark = self.mark(path)
        return Fault(mark.line, mark.column, message)


class _Loader(yaml.SafeLoader):
    """SafeLoader, with only those plain words turned into something else that YAML 1.2 turns."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,17})$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+\.[0-9]+$", "-+0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def read(text: str) -> Document:
    """Never raises: what cannot be read is told in `faults`, and `data` has what could."""
    document = Document()
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        document.faults.append(Fault(1, 1, f"the file is over {MAX_BYTES // 1024} KB: split it"))
        return document
    if unsafe := _unsafe(text):
        document.faults.append(unsafe)
        return document
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = " ".join(part for part in (error.context, error.problem) if part)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.faults.append(Fault(line, column, f"this is no YAML: {why}"))
        return document
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.faults.append(Fault(line, 1, "there is a character that YAML does not allow"))
        return document
    except (yaml.YAMLError, ValueError) as error:
        document.faults.append(Fault(1, 1, f"this is no YAML: {str(error)[:200]}"))
        return document
    if root is None or not root.value:
        document.faults.append(Fault(1, 1, "the file is empty"))
    else:
        document.data = _plain(root, (), document)
    return document


def _unsafe(text: str) -> Fault | None:
    """Found in the stream of events, before anything is unfolded or nested in memory."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            mark = event.start_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                return Fault(line, column, "anchors and aliases are not allowed: write it out")
            if getattr(event, "tag", None):
                return Fault(line, column, "tags are not allowed: take out the `!`")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _MAX_DEPTH:
                return Fault(line, column, "this is nested too deeply to be a playbook")
    except (yaml.YAMLError, ValueError):
        return None  # `compose` meets the same fault and tells it
    return None


def _plain(node: yaml.Node, path: Path, document: Document) -> Any:
    document.values[path] = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, i), document) for i, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, document: Document) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        at = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            document.faults.append(Fault(at.line, at.column, "a key must be a word"))
        elif key in result:
            first = document.keys[(*path, key)].line
            document.faults.append(
                Fault(at.line, at.column, f"`{key}` is given twice here, first on line {first}")
            )
        else:
            document.keys[(*path, key)] = at
            value = _plain(value_node, (*path, key), document)
            if value is None:
                document.faults.append(
                    Fault(at.line, at.column, f"`{key}` has no value: give one, or remove the key")
                )
            result[key] = value
    return result


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    match node.tag.rpartition(":")[2]:
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
        case "null":
            return None
        case _:
            return text


# From plain data to models -----------------------------------------------------------------------

Model = TypeVar("Model", Playbook, Variant)


@dataclass(frozen=True)
class Misfit:
    """One part of the data that is not of the shape of its model."""

    path: Path
    message: str
    meant: tuple[str, ...] = ()  #: keys beside it that may have been meant by an unknown one


def fit(model: type[Model], data: Any) -> Model | list[Misfit]:
    """The model, or everything that keeps the data from being one."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = [
            _misfit(model, detail)
            for detail in error.errors(include_url=False)
            if not (detail["type"] == "too_short" and detail["input"])  # its items are at fault
        ]
        return list({misfit.path: misfit for misfit in reversed(found)}.values())[::-1]


_PARTS: dict[str, type[Value]] = {
    "stages": Stage,
    "steps": StepSpec,
    "by": By,
    "on_refusal": OnRefusal,
    "when": Selectors,
    "add": Added,
    "tighten": Tightening,
    "change": Change,
}

_WORDS = {
    "string_type": "this must be text",
    "string_too_short": "this must not be empty",
    "string_too_long": "this is too long",
    "int_type": "this must be a whole number, without quotes",
    "greater_than_equal": "this number is too small: count from 1",
    "less_than_equal": "this number is too large",
    "bool_type": "this must be true or false",
    "tuple_type": "this must be a list, such as [a, b]",
    "too_long": "this list is too long: split it",
    "too_short": "this list must not be empty",
    "dict_type": "this must be a mapping, `key: value`",
    "model_type": "this must be a mapping, `key: value`",
    "string_pattern_mismatch": "this must be lower-case words joined by _ or -",
}


def _misfit(model: type[Value], detail: ErrorDetails) -> Misfit:
    path = _path_in(detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_of(model, path)
        unknown = str(path[-1]) if path else ""
        near = did_you_mean(unknown, known)
        told = f"`{unknown[:40]}` is no key here{near}; use {', '.join(known)}"
        return Misfit(path, told, tuple(nearest(unknown, known)))
    if kind == "missing":
        return Misfit(path, f"`{path[-1] if path else ''}` is missing")
    if kind == "value_error":
        return Misfit(path, str(context.get("error", detail["msg"])))
    if kind in ("enum", "literal_error"):
        return Misfit(path, f"this must be {context.get('expected', detail['msg'])}")
    return Misfit(path, _WORDS.get(kind, detail["msg"]))


def _path_in(location: tuple[int | str, ...]) -> Path:
    """pydantic's location, in the terms of the YAML."""
    path: list[str | int] = []
    for part in location:
        if part == "[key]":
            break  # the key itself is wrong, and it is the last of the path
        path.append("after" if part == "after_stage" else part)
    return tuple(path)


def _keys_of(model: type[Value], path: Path) -> list[str]:
    """The keys that a mapping may have, given the path of one that it may not."""
    part = next((_PARTS[key] for key in reversed(path[:-1]) if key in _PARTS), model)
    hidden = {"after_stage"}
    return [field.alias or name for name, field in part.model_fields.items() if name not in hidden]


def load_playbook(text: str, file: str = "playbook.yaml") -> Playbook:
    """Raises InvalidDefinition with a line per fault of shape; `compile` tells those of meaning."""
    return _load(Playbook, text, file)


def load_variant(text: str, file: str = "variant.yaml") -> Variant:
    """Raises InvalidDefinition, as `load_playbook`."""
    return _load(Variant, text, file)


def _load(model: type[Model], text: str, file: str) -> Model:
    document = read(text)
    faults = list(document.faults)
    if not faults:
        fitted = fit(model, document.data)
        if not isinstance(fitted, list):
            return fitted
        faults = [document.fault(misfit.path, misfit.message) for misfit in fitted]
    raise InvalidDefinition(
        f"{file} cannot be read as a {model.__name__.lower()}.",
        [f"{file}:{fault}" for fault in sorted(faults)],
    )
