"""How long each page takes with a large firm behind it.

Pages are asked for one after the other, as a signed-in person, over HTTP on one uvicorn process.
The time is of the whole request on loopback; the page of one's own settings, which reads next to
nothing, is the bound in the same run. Aim: p95 under 100 ms.

    python benchmarks/pages.py [--engagements 10000] [--entries 100000] [--times 40]
"""

from __future__ import annotations

import argparse
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from fairlead.api.serve import server
from fairlead.bootstrap import Fairlead
from fairlead.config import Settings
from fairlead.store.server import EmbeddedServer
from fairlead.web import sessions
from fairlead.web.app import create
from large_firm import fill
from large_time import CONSULTANT
from large_time import fill as fill_time
from measure import percentile

WHO = {
    "ines.moreau": "a PMO lead of two regions",
    "marta.silva": "an auditor, who sees all",
    CONSULTANT: "a consultant",
}


@contextmanager
def serving(fairlead: Fairlead) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = server(create(fairlead.web_parts()), host="127.0.0.1", port=port)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(10)


def signed_in(fairlead: Fairlead, url: str, person: str) -> httpx.Client:
    """A browser whose session has just begun. Its cookie is for HTTPS, so it is sent by hand."""
    with fairlead.db.transaction() as tx:
        id = sessions.begin(tx, fairlead.people.person(person), datetime.now(UTC))
    headers = {"cookie": f"{sessions.COOKIE}={id}"}
    return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engagements", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fairlead-pages-") as folder:
        fairlead = Fairlead(Settings(data=Path(folder)))
        try:
            began = time.monotonic()
            fill(fairlead, given.engagements)
            result: dict[str, object] = {"engagements": given.engagements}
            result["entries"] = fill_time(fairlead, given.entries)
            result["fill_s"] = round(time.monotonic() - began)
            with serving(fairlead) as url:
                result["pages"] = {
                    who: measure(signed_in(fairlead, url, who), given.times) for who in WHO
                }
            print(json.dumps(result, indent=1))
        finally:
            fairlead.db.close()
            EmbeddedServer(Path(folder)).stop()


PAGES = (
    "/account",
    "/inbox",
    "/engagements",
    "/engagements?q=cedar&sort=value",
    "/engagements?state=awaiting_launch",
    "/engagements/ENG-100001",
    "/engagements/ENG-100001/packet",
    "/engagements/ENG-100001/timeline",
    "/engagements/ENG-100001/systems",
    "/engagements/ENG-100001/decisions",
    "/engagements/ENG-100001/documents",
    "/exceptions",
    "/exceptions?sort=risk",
    "/integrations",
    "/find?q=birch",
    "/my-time",
    "/my-time?week={last_week}",
    "/time",
    "/time?tab=clean",
    "/time?tab=missing",
    "/time?tab=decided",
    "/time?week={last_week}&rule=T-17",
)


def measure(client: httpx.Client, times: int) -> dict[str, object]:
    found: dict[str, object] = {}
    last_week = datetime.now(UTC).date() - timedelta(days=7)
    for path in (path.format(last_week=last_week) for path in PAGES):
        taken: list[float] = []
        answer = client.get(path)
        if answer.status_code == 403:
            continue  # not open to this person
        for _ in range(times):
            began = time.perf_counter()
            answer = client.get(path)
            taken.append((time.perf_counter() - began) * 1000)
        found[path] = {
            "status": answer.status_code,
            "kb": round(len(answer.content) / 1024),
            "p50_ms": round(percentile(taken, 0.5), 1),
            "p95_ms": round(percentile(taken, 0.95), 1),
        }
    return found


if __name__ == "__main__":
    main()
