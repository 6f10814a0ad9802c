"""Webhooks in any order, any number of times, into a receiver that keeps dying."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from .world import FaultWorld, Firm, NewDatabase, free_port, names

pytestmark = [pytest.mark.slow, pytest.mark.takes(32)]


@dataclass
class Receiver:
    """A firm's API that is killed now and then and comes back at the same address."""

    firm: Firm
    port: int
    log: Path
    defects: tuple[str, ...] = ()
    kills: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "faults.receiver", *self.defects],
                env=self.firm.serving_at(self.port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=3).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise TimeoutError(self.log.read_text("utf-8", "replace")[-2000:])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @contextmanager
    def dying(
        self, kills: int, every_s: tuple[float, float], chance: random.Random
    ) -> Generator[None]:
        """Kill it so often while the block runs; at its end it lives."""

        def reap() -> None:
            while self.kills < kills and not self._stop.wait(chance.uniform(*every_s)):
                self.kill()
                self.kills += 1
                self.start()

        thread = threading.Thread(target=reap)
        thread.start()
        try:
            yield
        finally:
            thread.join()


@dataclass(frozen=True)
class Flood:
    events: int
    acknowledged: set[str]  #: ids that the sender was told are taken
    stored: set[str]
    kills: int


def flood(
    firm: Firm,
    receiver: Receiver,
    chance: random.Random,
    *,
    deals: int,
    changes: int,
    copies: int,
    kills: int,
    every_s: tuple[float, float] = (0.3, 1.0),
) -> Flood:
    """Deals change, are won last of all, and every webhook of it comes `copies` times, shuffled."""
    crm, sandbox = firm.system("salesforce"), firm.sandbox
    firm.faults("salesforce", {"kind": "drop_push"})  # not while the deals are being planted
    for index, name in enumerate(names("Deal", deals)):
        firm.win(name, client=f"Client {index // 3:04d}", stage="Negotiation/Review")
    firm.faults("salesforce", {"kind": "shuffle_push", "delay_s": 2, "seed": 1})
    receiver.start()
    with receiver.dying(kills, every_s, chance):
        for change in range(1, changes + 1):
            for id in firm.deals.values():
                last = change == changes
                amount = 90000 if last else chance.randrange(10000, 90000, 100)
                won = {"StageName": "Closed Won"} if last else {}
                sandbox.amend(crm, "Opportunity", id, {"Amount": amount, **won})
        told = {push["id"]: push["body"] for push in pushes(firm)}
        for number in range(copies - 1):
            firm.again(told, shuffled_by=chance.randrange(10**6) + number)
    end = time.monotonic() + 120
    while time.monotonic() < end and any(p["state"] == "waiting" for p in pushes(firm)):
        time.sleep(0.2)
    time.sleep(2)  # what a receiver does after its answer is over by now
    with firm.fairlead.db.transaction() as tx:
        stored = {row["message"] for row in tx.execute("SELECT message FROM inbox")}
    acknowledged = {push["id"] for push in pushes(firm) if push["state"] == "delivered"}
    return Flood(len(told), acknowledged, stored, receiver.kills)


def pushes(firm: Firm) -> list[dict[str, str]]:
    reply = firm.sandbox.control.get(f"/_sandbox/{firm.system('salesforce')}/pushes")
    return reply.json()["pushes"]


def test_webhooks_shuffled_doubled_and_into_a_dying_receiver_lead_to_the_state_of_the_source(
    tmp_path: Path, new_database: NewDatabase, chance: random.Random, whole: bool
) -> None:
    deals, changes, copies, kills = (400, 5, 10, 10) if whole else (12, 5, 3, 3)
    port = free_port()
    hook = f"http://127.0.0.1:{port}/hooks/salesforce-a0"
    with FaultWorld(tmp_path, new_database, at_once=8, webhook_url=hook) as world:
        firm = world.firms[0]
        firm.start_worker()
        receiver = Receiver(firm, port, tmp_path / "api.log")
        try:
            seen = flood(
                firm, receiver, chance, deals=deals, changes=changes, copies=copies, kills=kills
            )
            assert firm.carry_on(firm.all_ended, 600 if whole else 60), firm.troubles()
            firm.faults("salesforce", {"kind": "drop_push"})
            firm.win("Never told of")
            assert not firm.carry_on(firm.all_ended, 1)
            firm.look_now()
            assert firm.carry_on(firm.all_ended, 30), firm.troubles()
        finally:
            receiver.kill()
        with firm.fairlead.db.transaction() as tx:
            rows = tx.execute("SELECT body->'deal'->'value'->>'amount' AS amount FROM engagements")
            amounts = [Decimal(row["amount"]) for row in rows]
            runs = firm.ended()
        verdict, troubles = firm.verdict(), firm.troubles()
    print(
        f"{seen.events} events x {copies}, {seen.kills} kills, "
        f"{len(seen.acknowledged - seen.stored)} acknowledged but not stored; {verdict}"
    )
    assert seen.kills == kills
    assert len(seen.acknowledged) == seen.events
    assert seen.acknowledged <= seen.stored
    assert amounts == [90000] * (deals + 1)
    assert runs == deals + 1
    assert verdict.clean, verdict
    assert not troubles
