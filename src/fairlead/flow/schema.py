"""The JSON Schema of playbooks and variants, for editors: it completes keys and marks slips.

Generated from the models and kept beside them; `python -m fairlead.flow.schema` writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from pydantic.json_schema import models_json_schema

from fairlead.flow.grammar import Kind, Playbook, Variant

FILE = Path(__file__).with_name("playbook.schema.json")


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12. It knows the shape; what names mean is the linter's to judge."""
    _, whole = models_json_schema(
        [(Playbook, "validation"), (Variant, "validation")], by_alias=True
    )
    parts: dict[str, Any] = _without_null(whole["$defs"])
    one_verb = [{"required": [kind.value]} for kind in Kind]
    parts["StepSpec"]["oneOf"] = one_verb
    added = parts["Added"]
    added["oneOf"] = one_verb
    place = added["properties"].pop("after_stage") | {"description": "with new_stage: a stage"}
    added["properties"]["after"] = {"anyOf": [added["properties"]["after"], place]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Fairlead playbook or variant",
        "oneOf": [{"$ref": "#/$defs/Playbook"}, {"$ref": "#/$defs/Variant"}],
        "$defs": parts,
    }


def schema_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _without_null(part: Any) -> Any:
    """A key is left out rather than null, so `null` is no choice in the file."""
    if isinstance(part, list):
        return [_without_null(item) for item in cast("list[Any]", part)]
    if not isinstance(part, dict):
        return part
    whole = {
        key: _without_null(value)
        for key, value in cast("dict[str, Any]", part).items()
        if (key, value) != ("default", None)
    }
    choices = whole.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        left = [choice for choice in cast("list[Any]", choices) if choice != {"type": "null"}]
        del whole["anyOf"]
        whole |= left[0] if len(left) == 1 else {"anyOf": left}
    return whole


if __name__ == "__main__":
    FILE.write_text(schema_text(), encoding="utf-8")
