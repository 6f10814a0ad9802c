"""Tryton's database: built and set up once for each lock file and office, then copied.

Building takes about a minute, a copy less than a second. What was built stays in the PostgreSQL
server that is given; the folder beside it keeps the passwords, for its owner only.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from fairlead.sandbox.tryton import office as setting_up
from fairlead.sandbox.tryton.installing import TrytonTrouble, alone, versions
from fairlead.sandbox.tryton.office import MODULES, Office, set_up
from fairlead.sandbox.tryton.server import TrytonServer, reaching


@dataclass(frozen=True)
class Keys:
    """How one gets into every copy of a template."""

    admin: str  #: password of the user `admin`
    rest: str  #: key of Fairlead's user, for the REST interface


@dataclass(frozen=True)
class Template:
    name: str
    keys: Keys


def template(home: Path, programs: Path, server: str, office: Office) -> Template:
    """The database to copy from, built where it is not there yet. Safe from many processes."""
    name, file = _named(home, office)
    with alone(home):
        if not is_built(home, server, office):
            _write(file, _build(home, programs, server, name, office))
    return Template(name, Keys(**json.loads(file.read_text("utf-8"))))


def is_built(home: Path, server: str, office: Office) -> bool:
    name, file = _named(home, office)
    return file.exists() and _exists(server, name)


def _named(home: Path, office: Office) -> tuple[str, Path]:
    """The template of an office, and where its passwords are kept."""
    name = f"tryton_{_digest(office)}"
    return name, home / f"{name}.json"


def copy(server: str, template: str, name: str) -> None:
    """A database of one's own, in the place of an earlier one of that name."""
    drop(server, name)
    made = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    _execute(server, made.format(sql.Identifier(name), sql.Identifier(template)))


def spare_the_disk(server: str) -> None:
    """Let this PostgreSQL wait for no disk: nothing in it is worth more than a minute."""
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        _execute(server, sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    _execute(server, sql.SQL("SELECT pg_reload_conf()").format())


def drop(server: str, name: str) -> None:
    gone = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    _execute(server, gone.format(sql.Identifier(name)))


def _build(home: Path, programs: Path, server: str, name: str, office: Office) -> Keys:
    """Under a name of its own until it is whole, so that half of it is never copied."""
    unfinished, admin = f"{name}_unfinished", secrets.token_urlsafe(24)
    drop(server, name)
    copy(server, "template0", unfinished)
    _activate(programs, server, unfinished, admin)
    with TrytonServer(programs, server, unfinished, home / "building.log") as running:
        person = running.sign_in("admin", admin)
        rest = set_up(person, office)
        person.close()
    whole = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    _execute(server, whole.format(sql.Identifier(unfinished), sql.Identifier(name)))
    return Keys(admin, rest)


def _activate(programs: Path, server: str, database: str, admin: str) -> None:
    """One `-u` with every module: a second one would replace the first."""
    with tempfile.NamedTemporaryFile("w", suffix=".password") as password:
        password.write(admin)
        password.flush()
        command = [
            str(programs / "trytond-admin"), "-d", database, "-u", *MODULES,
            "--activate-dependencies", "--email", "admin@tryton.example",
        ]  # fmt: skip
        environment = {"TRYTONPASSFILE": password.name, **reaching(server)}
        done = subprocess.run(
            command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise TrytonTrouble(f"Tryton's database could not be made: {done.stderr[-2000:]}")


def _digest(office: Office) -> str:
    """Of all that decides what is in it."""
    told = f"{versions()} {office!r} ".encode() + Path(setting_up.__file__).read_bytes()
    return hashlib.sha256(told).hexdigest()[:16]


def _exists(server: str, name: str) -> bool:
    with psycopg.connect(server) as connection:
        asked = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return asked.fetchone() is not None


def _execute(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


def _write(file: Path, keys: Keys) -> None:
    file.touch(mode=0o600)
    file.write_text(json.dumps(vars(keys)), "utf-8")
