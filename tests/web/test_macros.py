"""Macros print what they are given, and never as markup."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from fairlead.domain.values import Money
from fairlead.web import static, templating
from fairlead.web.formats import Clock, Sla
from fairlead.web.visit import Toast

TEMPLATES = Path(templating.__file__).parent / "templates"
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</textarea><svg/onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202e<iframe>",
)
CLOCK = Clock(datetime(2025, 11, 18, 9, 42, tzinfo=UTC), ZoneInfo("UTC"))


def printed(text: str, **names: object) -> str:
    return templating.TEMPLATES.from_string(text).render(names)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize(
    "call",
    [
        "ui.status('ok', p)",
        "ui.who(p)",
        "ui.sys(p, owns=true)",
        "ui.id(p)",
        "ui.money(none, none_text=p)",
        "ui.masked(p)",
        "ui.delta(p, good=true)",
        "ui.meter(50, p)",
        "ui.sla(sla)",
        "ui.line([stage])",
        "ui.line_mini(['done'], p)",
        "ui.state_empty(p, p, action=(p, '/'))",
        "ui.state_error(p, p, reference=p, retry='/')",
        "ui.state_denied(p, p)",
        "ui.state_stale(p, p)",
        "ui.no_match(p, '/', drop=(p, '/', 3))",
        "ui.skeleton(3, p)",
        "ui.th(p)",
        "ui.pager('/?a=' ~ p, 3, p)",
        "ui.chip_set(p, '/')",
        "ui.seg(p, [(p, '/', 3, true)])",
        "ui.tabs(p, [(p, '/', 3, true)])",
        "ui.guard(p, version=p)",
        "ui.field('name', p, value=p, help=p)",
        "ui.field('name', p, error=p)",
        "ui.toast(toast)",
        "ui.note('ok', p)",
    ],
)
def test_what_is_printed_stays_text(call: str, payload: str) -> None:
    stage = SimpleNamespace(
        name=payload, state="run", detail=payload, elapsed=payload, limit=payload, used=40,
        progress=30,
    )  # fmt: skip
    shown = printed(
        "{{ " + call + " }}",
        p=payload,
        sla=Sla(payload, "warn", 80),
        stage=stage,
        toast=Toast(payload),
    )

    assert "<script" not in shown
    assert "<img" not in shown
    assert "<svg" not in shown
    assert "<iframe" not in shown
    assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', shown))
    assert "49" not in shown


def test_macros_print_the_reference_s_markup() -> None:
    assert printed("{{ ui.status('bad', 'Both', icon='ne') }}") == (
        '<span class="st" data-s="bad"><span class="i i-ne" aria-hidden="true"></span>Both</span>'
    )
    money = Money(amount=Decimal(864000), currency="EUR")
    assert printed("{{ ui.money(m) }}", m=money) == '<span class="m"><i>EUR</i>864,000</span>'
    assert printed("{{ ui.money(none) }}") == '<span class="m t3">no amount</span>'
    assert printed("{{ ui.meter(62, 'used', target=80) }}") == (
        '<span class="meter v62 mk80" role="img" aria-label="used 62\xa0%, target 80\xa0%"></span>'
    )
    assert 'class="d"' in printed("{{ ui.line_mini(['done', 'idle'], 'Deal') }}")
    assert printed("{{ ui.sla(none) }}") == '<span class="sla t3">no limit</span>'
    assert "datetime=" in printed("{{ ui.time(c, c.now) }}", c=CLOCK)
    assert 'aria-sort="ascending"' in printed(
        "{{ ui.th_sort('Due', 'due', 'due', href) }}", href="?sort={}".format
    )


def test_a_name_that_is_not_there_fails() -> None:
    with pytest.raises(UndefinedError):
        printed("{{ nothing }}")
    with pytest.raises(UndefinedError):
        printed("{{ ui.no_such_macro() }}")


FILES = sorted(TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TEMPLATES)))
def test_a_template_has_no_inline_style_or_script_and_every_form_its_guard(file: Path) -> None:
    text = file.read_text("utf-8")

    assert not re.search(r"\sstyle=|<style|\son\w+=|hx-on|js:|javascript:|\|\s*safe\b(?! if)", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.S):
        assert "ui.guard(" in form


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TEMPLATES)))
def test_every_icon_and_file_that_a_template_names_is_there(file: Path) -> None:
    text = file.read_text("utf-8")
    icons = static.STATIC.files["icons.css"].content.decode()

    for name in re.findall(r'class="i i-([a-z0-9-]+)[ "]', text):
        assert f".i-{name}" in icons
    for name in re.findall(r"static\('([^']+)'\)", text):
        assert name in static.STATIC.files


def test_scripts_of_others_are_those_that_the_readme_names() -> None:
    vendor = Path(static.__file__).parent / "vendor"
    readme = (vendor / "README.md").read_text("utf-8")
    scripts = sorted(vendor.glob("*.js"))

    assert scripts
    for script in scripts:
        digest = hashlib.sha256(script.read_bytes()).hexdigest()
        assert f"`{script.name}`" in readme
        assert digest in readme
