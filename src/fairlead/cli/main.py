"""The command `fairlead`. Each command parses, calls one function and prints its result."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from fairlead.cli.processes import stop_event, stop_when_stdin_ends
from fairlead.errors import FairleadError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Carries an engagement from the signed deal to the paid invoice.",
)
_playbook = typer.Typer(no_args_is_help=True, help="Playbooks and their variants.")
_policy = typer.Typer(no_args_is_help=True, help="Decision tables.")
_audit = typer.Typer(no_args_is_help=True, help="The event log and its hash chain.")
_export = typer.Typer(no_args_is_help=True, help="Files for other tools.")
_key = typer.Typer(no_args_is_help=True, help="API keys.")
_account = typer.Typer(no_args_is_help=True, help="Local accounts of people.")
for name, group in {
    "playbook": _playbook,
    "policy": _policy,
    "audit": _audit,
    "export": _export,
    "key": _key,
    "account": _account,
}.items():
    app.add_typer(group, name=name)

UntilStdinEnds = Annotated[
    bool, typer.Option("--until-stdin-ends", help="Stop when standard input ends.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.callback()
def _start() -> None:
    level = logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


@contextmanager
def _told() -> Generator[None]:
    """Our own errors are words for a person and exit status 1, never a trace."""
    try:
        yield
    except FairleadError as refused:
        typer.echo(str(refused), err=True)
        for problem in getattr(refused, "problems", ()):
            typer.echo(f"  {problem.pointer.removeprefix('/')}: {problem.rule}", err=True)
        raise typer.Exit(1) from None


@app.command()
def worker(until_stdin_ends: UntilStdinEnds = False) -> None:
    """Carry work until told to stop. Any number may run on one database."""
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings

    with _told():
        stop = stop_event()
        if until_stdin_ends:
            stop_when_stdin_ends()
        engine = Fairlead(settings()).worker()
        engine.start()
        typer.echo(f"worker {engine.id} takes work")
        stop.wait()
        engine.stop()


@app.command()
def serve(until_stdin_ends: UntilStdinEnds = False) -> None:
    """Answer pages and API and take in webhooks, on FAIRLEAD_HOST and FAIRLEAD_PORT."""
    from fairlead.api.app import create as create_api
    from fairlead.api.serve import log_as_json, server
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings
    from fairlead.web.app import create as create_web
    from fairlead.web.front import Front

    with _told():
        if until_stdin_ends:
            stop_when_stdin_ends()
        found = settings()
        log_as_json(found.log_level)
        rooms = Fairlead(found)
        pages = create_web(rooms.web_parts())
        app = Front(create_api(rooms.api_parts()), pages)
        ending = pages.state.changes.close
        server(app, host=found.host, port=found.port, ending=ending).run()


@app.command()
def up(
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 2,
) -> None:
    """Serve everything: database, API and workers, until Ctrl-C.

    Without FAIRLEAD_CONFIG it serves a made-up firm whose systems a sandbox plays.
    """
    from fairlead.cli.up import serve_everything
    from fairlead.config import settings

    with _told():
        raise typer.Exit(serve_everything(settings(), workers))


@app.command()
def demo(
    as_json: AsJson = False,
    erp: Annotated[
        str,
        typer.Option(
            help="netsuite: two accounts that the sandbox plays. tryton: a real server, which is"
            " installed from the package index at its first use."
        ),
    ] = "netsuite",
    stay: Annotated[
        bool, typer.Option("--stay", help="Serve the pages of what it did, until Ctrl-C.")
    ] = False,
) -> None:
    """Run the main job on a made-up firm and prove it; exit status 1 where the proof fails."""
    from fairlead.cli import demo as main_job
    from fairlead.cli.demo_stage import Erp
    from fairlead.config import settings

    if erp not in set(Erp):
        raise typer.BadParameter(f"{erp}: it is one of {', '.join(Erp)}", param_hint="--erp")
    with _told():
        raise typer.Exit(main_job.run(settings(), as_json=as_json, erp=Erp(erp), stay=stay))


@app.command()
def sandbox(
    world: Annotated[Path, typer.Argument(help="A JSON file with the systems to play.")],
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    data: Annotated[Path | None, typer.Option(help="Keep the systems' books here.")] = None,
) -> None:
    """Play outside systems over HTTP, with faults on demand (see the sandbox's README)."""
    from fairlead.sandbox.server import serve as play
    from fairlead.sandbox.world import World

    def ready(url: str, _end: object) -> None:
        typer.echo(json.dumps({"url": url}))
        sys.stdout.flush()

    with _told():
        play(World.model_validate_json(world.read_text("utf-8")), data=data, port=port, ready=ready)


@_key.command("create")
def create_key(
    principal: Annotated[str, typer.Argument(help="An id of people.yaml.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good for.")] = 90,
    as_json: AsJson = False,
) -> None:
    """Make an API key for a person or service of people.yaml. It is shown once."""
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings
    from fairlead.store import api_keys
    from fairlead.store.database import database_time
    from fairlead.trust.principals import new_key

    with _told():
        fairlead = Fairlead(settings())
        with fairlead.db.transaction() as tx:
            now = database_time(tx)
            who = fairlead.people.principal(principal)
            end = now + timedelta(days=days)
            row, text = new_key(who, who.permissions, now=now, expires_at=end)
            api_keys.add(tx, row)
        secret = text.get_secret_value()
        typer.echo(json.dumps({"id": row.id, "key": secret}) if as_json else secret)


@_account.command("set-password")
def set_account_password(
    person: Annotated[str, typer.Argument(help="An id of people.yaml.")],
    password: Annotated[
        str,
        typer.Option(
            prompt="Password (12 characters or more)",
            hide_input=True,
            confirmation_prompt=True,
            help="Asked for where it is not given; what is given stays in the shell's history.",
        ),
    ],
) -> None:
    """Let a person sign in with a password; one that was set before is replaced."""
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings
    from fairlead.trust.accounts import set_password

    with _told():
        fairlead = Fairlead(settings())
        who = fairlead.people.person(person)
        with fairlead.db.transaction() as tx:
            set_password(tx, who, password)
        typer.echo(f"{who.name} can sign in as {who.id}.")


@_playbook.command("lint")
def lint_playbooks(
    files: Annotated[list[Path] | None, typer.Argument(help="Default: all that are used.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell every fault of playbooks and variants, by line. Changes nothing.

    Exit status 0: no fault. 1: at least one.
    """
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings

    with _told():
        faults = Fairlead(settings()).lint(files)
        _print_faults(faults, as_json)
        raise typer.Exit(1 if faults else 0)


@_policy.command("test")
def check_policies(
    name: Annotated[str | None, typer.Argument(help="Default: every policy.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check each version of a policy: every cell is compiled and its own cases are run.

    Exit status 0: all as expected. 1: a fault, or no such policy.
    """
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings
    from fairlead.policy.publish import check

    with _told():
        policies = Fairlead(settings()).policies
        chosen = policies.versions(name) if name else list(policies)
        faults = [fault for policy in chosen for fault in check(policy)]
        if not as_json:
            for policy in chosen:
                cases = len(policy.header.cases)
                typer.echo(f"{policy.name} version {policy.version}: {cases} cases")
        _print_faults(faults, as_json)
        raise typer.Exit(1 if faults else 0)


@_policy.command("show")
def show_policy(
    name: Annotated[str, typer.Argument(help="The policy.")],
    as_of: Annotated[
        datetime | None, typer.Option(help="A day, such as 2026-07-01; default: now.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the version of a policy that was in effect on a day (F103)."""
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings

    with _told():
        at = (as_of or datetime.now(UTC)).replace(tzinfo=UTC)
        found = Fairlead(settings()).policies.as_of(name, at)
        rows = [{"row": row.id, **row.conditions, **row.outputs} for row in found.rows]
        head = {
            "policy": found.name,
            "version": found.version,
            "owner": found.header.owner,
            "effective_from": found.header.effective_from.isoformat(),
            "first_match_wins": found.hit == "first",
        }
        if as_json:
            typer.echo(json.dumps({**head, "rows": rows}, ensure_ascii=False))
        else:
            typer.echo(_lines(head))
            for row in rows:
                typer.echo("  " + "; ".join(f"{k}: {v}" for k, v in row.items() if v))


@_audit.command("verify")
def verify(
    root: Annotated[
        str | None, typer.Option(help="The mark that an earlier check printed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every hash of the event log, and that nothing was cut off since `--root`.

    Exit status 0: nothing was altered. 1: it was, and this says where.
    """
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings
    from fairlead.trust.audit import audit_verify

    with _told():
        result = audit_verify(Fairlead(settings()).db, root)
        if as_json:
            typer.echo(json.dumps(result, default=str))
        else:
            findings = result.pop("findings")
            typer.echo(_lines(result))
            for finding in findings:
                typer.echo("  " + "; ".join(f"{k}: {v}" for k, v in finding.items()))
        raise typer.Exit(0 if result["intact"] else 1)


@_export.command("ocel")
def write_ocel(
    file: Annotated[Path, typer.Argument(help="Where to write; `.json`.")],
    as_json: AsJson = False,
) -> None:
    """Write the event log in the OCEL 2.0 JSON format, for any process-mining tool."""
    from fairlead.bootstrap import Fairlead
    from fairlead.config import settings
    from fairlead.insight.ocel import export_ocel

    with _told():
        exported = export_ocel(Fairlead(settings()).db, file)
        result = {"file": str(file), "events": exported.events, "objects": exported.objects}
        typer.echo(json.dumps(result) if as_json else _lines(result))


def _print_faults(faults: list[str], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"faults": faults}, ensure_ascii=False))
    else:
        typer.echo("\n".join(faults) if faults else "no fault")


def _lines(result: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in result.items())


if __name__ == "__main__":
    app()
