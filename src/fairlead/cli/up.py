"""`fairlead up`: one command that serves everything and keeps it running."""

from __future__ import annotations

import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import typer

from fairlead.bootstrap import Fairlead
from fairlead.cli.demo_deals import load_deals
from fairlead.cli.demo_seller import plant_deals
from fairlead.cli.processes import Child, stop_event, wait_until_ready
from fairlead.cli.sample_accounts import open_accounts
from fairlead.cli.sample_people import hire
from fairlead.cli.world import SandboxWorld, open_world
from fairlead.config import Settings
from fairlead.store.database import Database
from fairlead.store.server import EmbeddedServer


def serve_everything(settings: Settings, workers: int) -> int:
    """Until Ctrl-C or SIGTERM; the exit status. What dies meanwhile is started again."""
    stop = stop_event()
    url = f"http://{settings.host}:{settings.port}"
    world = open_world(settings.data, url) if settings.plays else None
    config = world.config if world else settings.config
    fairlead = Fairlead(settings.model_copy(update={"config": config}))
    password = None
    with fairlead.db.transaction() as tx:  # started and migrated before the children need it
        if world:
            password = open_accounts(tx, fairlead.people, settings.data)
    environment = {"FAIRLEAD_CONFIG": str(config), "FAIRLEAD_DATA": str(settings.data)}
    logs = settings.data / "logs"
    api = Child("serve", environment=environment, log=logs / "api.log")
    children = [api]
    try:
        wait_until_ready(url, api, stop)
        if world:  # before a worker asks HR who is there, which it then does once an hour
            hire(world.sandbox, config)
        children += [
            Child("worker", environment=environment, log=logs / f"worker-{n}.log")
            for n in range(1, workers + 1)
        ]
        _say(settings, url, world, logs, password)
        if world:
            today = datetime.now(UTC).date()
            new = plant_deals(world.sandbox, load_deals().begun(today))
            if new:
                typer.echo(f"Its sellers won {new} deals just now; their handoffs are under way.")
        _watch(children, stop)
    finally:
        fairlead.db.close()
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop()
        if world:
            world.stop()
        if settings.database_url is None:
            _stop_if_unused(settings)
    return 0


def _say(
    settings: Settings, url: str, world: SandboxWorld | None, logs: Path, password: str | None
) -> None:
    typer.echo(f"Fairlead serves at {url} (data in {settings.data}, logs in {logs}).")
    if world:
        typer.echo(f"The sandbox plays the systems of a made-up firm at {world.sandbox.url}.")
        typer.echo(
            f"Open {url} and sign in as ines.moreau (PMO lead) or pia.novak (sales operations), "
            f"as hanna.lindqvist (controller), omar.haddad (integration) … Password: {password}"
        )
    command = f"FAIRLEAD_DATA={settings.data} {sys.argv[0]} key create ines.moreau"
    typer.echo(f"A key for its API:  {command}")
    typer.echo(f"Then, for example:  curl -H 'Authorization: Bearer KEY' {url}/api/v1/engagements")
    typer.echo("Ctrl-C ends it; what is in hand goes on at the next start.")


def _watch(children: list[Child], stop: threading.Event) -> None:
    while not stop.wait(1):
        for child in children:
            if not child.alive:
                typer.echo(f"{child.arguments[0]} ended; starting it again. Log: {child.log}")
                child.start()
                time.sleep(1)


def _stop_if_unused(settings: Settings) -> None:
    """Another copy may still work on the same data directory; then the database stays."""
    server = EmbeddedServer(settings.data)
    with Database(server.start()).lock_connection() as session:
        row = session.execute(
            "SELECT count(*) AS others FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid()"
        ).fetchone()
    if row is None or not row["others"]:
        server.stop()
