"""Templates: they print, and a name that is not there is an error.

A page is a template with a context class. Its blocks are its fragments: the block `inbox_list`
holds the element with the id `inbox-list`, so that a page and its fragment are the same text.
Macros (`partials/_*.html`) are at hand as `ui.<name>` everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from fairlead.web import formats, hours
from fairlead.web.static import STATIC

_FOLDER = Path(__file__).parent / "templates"


def environment(folder: Path = _FOLDER) -> Environment:
    made = Environment(
        loader=FileSystemLoader(folder, encoding="utf-8"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    filters, names = cast("dict[str, Any]", made.filters), cast("dict[str, Any]", made.globals)
    filters |= {
        "amount": formats.amount,
        "money": formats.money_text,
        "percent": formats.percent,
        "points": formats.points,
        "hours": formats.hours,
        "clock": hours.shown,
        "span": formats.duration,
        "words": formats.words,
        "listed": formats.listed,
    }
    names |= {"static": STATIC.url, "formats": formats}
    names["ui"] = macros = SimpleNamespace()  # there before it is filled: macros use each other
    for file in sorted((folder / "partials").glob("_*.html")):
        module = made.get_template(f"partials/{file.name}").module
        vars(macros).update({name: one for name, one in vars(module).items() if callable(one)})
    return made


TEMPLATES = environment()


def names_of(context: object) -> dict[str, Any]:
    """The fields of a context class, not copied."""
    if isinstance(context, Mapping):
        return dict(cast("Mapping[str, Any]", context))
    assert is_dataclass(context), "a page's context is a dataclass"
    return {field.name: getattr(context, field.name) for field in fields(context)}


def block(template: Template, name: str, names: Mapping[str, Any]) -> str:
    """One block of a page alone. Raises KeyError where the template has none of this name."""
    return "".join(template.blocks[name](template.new_context(dict(names))))
