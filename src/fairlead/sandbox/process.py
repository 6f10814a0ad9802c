"""A sandbox in a process of its own, for tests and rehearsals."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx
import simplejson

from fairlead.sandbox.world import World

_ENDS_WITHIN_S = 15


class SandboxProcess:
    """A running sandbox and its controls. It ends with `stop`, or when this process ends."""

    def __init__(
        self,
        world: World,
        *,
        data: Path | None = None,
        port: int = 0,
        import_from: tuple[Path, ...] = (),
    ) -> None:
        """`import_from`: folders with dialects of your own. Raises RuntimeError with what the
        server said where it does not start."""
        self.world = world
        self._data, self._port, self._import_from = data, port, import_from
        self.ports: dict[str, int] = {}  #: system → its own port, where it does not speak HTTP
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    # -- the process -----------------------------------------------------------------------

    def stop(self) -> int:
        """End it in an orderly way; how it ended, as an exit status."""
        self.control.close()
        self._process.terminate()
        return self._ended()

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self.control.close()
        self._process.kill()
        self._ended()

    def start_again(self) -> None:
        """After `stop` or `kill`: at the same address, with what is in its folder."""
        self._port = httpx.URL(self.url).port or 0
        self._start()

    def _start(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = Path(folder) / "world.json"
            world.write_text(simplejson.dumps(self._world(), use_decimal=True), "utf-8")
            asked = ["--world", str(world), "--port", str(self._port), "--until-stdin-ends"]
            if self._data:
                asked += ["--data", str(self._data)]
            paths = [str(path) for path in self._import_from]
            known = os.environ.get("PYTHONPATH")
            searched = os.pathsep.join(paths + ([known] if known else []))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fairlead.sandbox", *asked],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": searched},
                text=True,
            )
            line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"The sandbox did not start (exit status {self._ended()}).")
        self.url = str(simplejson.loads(line)["url"])
        self.control = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        found = self._json("GET", "/_sandbox/systems")["systems"]
        self.ports = {system["id"]: system["port"] for system in found if "port" in system}

    def _world(self) -> dict[str, Any]:
        """As it was asked for, with the ports that were given out at an earlier start."""
        world = self.world.model_dump()
        for system in world["systems"]:
            if system["id"] in self.ports:
                system["settings"] = {**system["settings"], "port": self.ports[system["id"]]}
        return world

    def _ended(self) -> int:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self._process.wait(_ENDS_WITHIN_S)

    # -- the controls ----------------------------------------------------------------------

    def client_settings(self, system: str) -> dict[str, Any]:
        """What a connector needs to sign in to a system, its address included."""
        spec = next(spec for spec in self.world.systems if spec.id == system)
        known = cast("Mapping[str, Any]", spec.settings.get("client", {}))
        if system in self.ports:
            return {"host": "127.0.0.1", "port": self.ports[system], **known}
        return {"base_url": f"{self.url}/{system}", **known}

    def ledger(self, system: str | None = None, object: str | None = None) -> list[dict[str, Any]]:
        """Every ledger row, in order."""
        query = {"system": system, "object": object}
        asked = {name: value for name, value in query.items() if value}
        rows: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self._json("GET", f"/_sandbox/ledger?limit=10000&after={after}", params=asked)
            rows += page["rows"]
            after = page["next"]
        return rows

    def faults(self, system: str, *rules: Mapping[str, Any]) -> None:
        """Replace a system's faults; none are left where none are given."""
        self._json("PUT", f"/_sandbox/{system}/faults", body=list(rules))

    def fired(self, system: str) -> list[int]:
        """How often each rule struck, in the order in which they were set."""
        rules = self._json("GET", f"/_sandbox/{system}/faults")["rules"]
        return [rule["fired"] for rule in rules]

    def calls(self, system: str) -> dict[str, Any]:
        """`counts` per operation and status, and the `last` thousand calls."""
        answer = self._json("GET", "/_sandbox/calls", params={"system": system})
        return cast("dict[str, Any]", answer["systems"][system])

    def plant(self, system: str, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A person adds a record in that system."""
        return self._json("POST", f"/_sandbox/{system}/records/{kind}", body=body)

    def amend(self, system: str, kind: str, id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A person changes a record in that system."""
        return self._json("PATCH", f"/_sandbox/{system}/records/{kind}/{id}", body=body)

    def discard(self, system: str, kind: str, id: str) -> None:
        """A person deletes a record in that system."""
        self._json("DELETE", f"/_sandbox/{system}/records/{kind}/{id}")

    def records(self, system: str, kind: str, **fields: str) -> list[dict[str, Any]]:
        answer = self._json("GET", f"/_sandbox/{system}/records/{kind}", params=fields)
        return cast("list[dict[str, Any]]", answer["records"])

    def clear(self) -> None:
        """All systems as new accounts, without faults."""
        self._json("POST", "/_sandbox/reset")

    def _json(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None
    ) -> dict[str, Any]:
        content = None if body is None else simplejson.dumps(body, use_decimal=True)
        url = httpx.URL(path).copy_merge_params(params or {})
        reply = self.control.request(method, url, content=content)
        if reply.is_error:
            raise RuntimeError(f"{method} {path} answered {reply.status_code}: {reply.text}")
        return cast("dict[str, Any]", simplejson.loads(reply.text, use_decimal=True))
