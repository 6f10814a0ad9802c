"""The ASGI application: each system at `/{id}`, struck by its faults; the controls beside them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Thread
from typing import Any, Literal

import simplejson
from starlette.types import ASGIApp, Receive, Scope, Send

from fairlead.sandbox import spoil
from fairlead.sandbox.dialect import Answer, Dialect
from fairlead.sandbox.door import Ask
from fairlead.sandbox.faults import Rule, Trap
from fairlead.sandbox.system import Asked, System
from fairlead.sandbox.wire import Payload, Wire

_HTML = {"content-type": "text/html; charset=utf-8"}
_THREADS = 64
_NO_SYSTEM = Answer(404, {"message": "There is no such sandbox system."})


class Sandbox:
    """Takes every call. Work is done on threads, waiting on the event loop."""

    def __init__(self, systems: Mapping[str, System], controls: ASGIApp) -> None:
        self._systems, self._controls = systems, controls
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="work")
        self._in_hand: set[asyncio.Future[Out]] = set()

    def stop(self) -> None:
        """Wait for the work in hand. Nothing may be asked afterwards."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope["raw_path"].decode("latin-1")
        _, name, *rest = raw.split("/", 2)
        if name == "_sandbox":
            await self._controls(scope, receive, send)
            return
        wire = Wire(scope, receive, send)
        body = await wire.read()
        if body is None:
            return
        system = self._systems.get(name)
        if system is None:
            await wire.reply(Payload.of(_NO_SYSTEM))
            return
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        path = "/" + "".join(rest)
        asked = system.asked(scope["method"], path, scope["query_string"], headers, body)
        await _deliver(await self._taken(system, asked), wire)

    def asking(self, system: System) -> Ask:
        """How the door of a system asks it."""

        async def ask(method: str, path: str, body: Mapping[str, Any]) -> Answer | None:
            content = simplejson.dumps(body, use_decimal=True).encode()
            asked = system.asked(method, path, b"", {}, content)
            taken = asyncio.ensure_future(self._taken(system, asked))
            self._in_hand.add(taken)
            taken.add_done_callback(self._in_hand.discard)
            out = await asyncio.shield(taken)  # as over HTTP, who hangs up stops no work
            if out.payload is None or out.outcome == "cut":
                return None
            return out.payload.answer()

        return ask

    async def _taken(self, system: System, asked: Asked) -> Out:
        """One call under the system's faults, and counted."""
        trap = None if system.faults.none else system.faults.of_call(asked.facts())
        if trap is None:
            out = Out(Payload.of(await self._do(lambda: system.work(asked))))
        else:
            out = await self._struck(trap, system, asked)
        # Counted before it is sent, so that who has the answer also finds the count.
        fault = trap.rule.kind if trap else None
        call = asked.call
        system.calls.add(asked.operation, call.method, call.path, out.outcome, fault)
        return out

    async def _do(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _struck(self, trap: Trap, system: System, asked: Asked) -> Out:
        """One call under one fault: what is done of it, and what goes back."""
        rule, dialect, era_ended = trap.rule, system.dialect, system.era_ended

        def work() -> Answer:
            return system.work(asked)

        match rule.kind:
            case "lose_request":
                return await _after(rule.delay_s, Out(None))
            case "down" if rule.status is None:
                return await _after(rule.delay_s, Out(None))
            case "lose_answer":
                await self._do(work)
                return await _after(rule.delay_s, Out(None))
            case "half_answer":
                how = rule.how if rule.how in ("chunk", "gzip") else "cut"
                return Out(Payload.of(await self._do(work)), how)
            case "late_commit":
                late = await asyncio.wrap_future(_later(rule.delay_s, era_ended, work))
                return Out(Payload.of(late) if late else None)
            case "slow":
                await asyncio.sleep(rule.delay_s)
                if era_ended.is_set():
                    return Out(None)
                answer = await self._do(work)
                return Out(Payload.of(answer), "drip" if rule.drip_s else "whole", rule.drip_s)
            case "stale_read":
                answer = await self._do(lambda: system.work(asked, behind_s=rule.delay_s))
            case "expire_tokens":
                dialect.revoke_tokens()
                answer = await self._do(work)
            case "partial_page" | "drift":
                answer = await self._do(work)
                change = spoil.drift if rule.kind == "drift" else spoil.partial_page
                if answer.status < 300 and answer.body is not None:
                    answer = replace(answer, body=change(_plain(answer.body), rule))
            case "rate_limit" | "quota":
                await asyncio.sleep(rule.delay_s)
                free_in = trap.quota_free_in(time.monotonic()) if rule.kind == "quota" else None
                answer = _too_many(dialect, rule.retry_after, free_in)
            case "html" | "bad_json" | "wrong_success":
                works = rule.kind == "bad_json" if rule.after is None else rule.after
                done = await self._do(work) if works else None
                return await _after(rule.delay_s, Out(_nonsense(rule, done)))
            case _:  # status, status_after, and down with a status
                if rule.kind == "status_after" or rule.after:
                    await self._do(work)
                await asyncio.sleep(rule.delay_s)
                answer = dialect.broken(rule.status or 503)
                if rule.body is not None:
                    answer = replace(answer, body=rule.body)
        return Out(Payload.of(answer))


@dataclass(frozen=True)
class Out:
    """What goes back, and in what manner; without a payload the connection is reset."""

    payload: Payload | None
    manner: Literal["whole", "cut", "chunk", "gzip", "drip"] = "whole"
    pause_s: float = 0  #: before each byte of a drip

    @property
    def outcome(self) -> str:
        """For the counts: the status, or why there is none."""
        if self.payload is None:
            return "reset"
        return "cut" if self.manner in ("cut", "chunk") else str(self.payload.status)


async def _deliver(out: Out, wire: Wire) -> None:
    if out.payload is None:
        await wire.reset()
    elif out.manner == "whole":
        await wire.reply(out.payload)
    elif out.manner == "drip":
        await wire.drip(out.payload, out.pause_s)
    else:
        await wire.halve(out.payload, out.manner)


async def _after(delay_s: float, out: Out) -> Out:
    await asyncio.sleep(delay_s)
    return out


def _nonsense(rule: Rule, done: Answer | None) -> Payload:
    """A success that is none: a page, an error in a 200, or broken JSON."""
    if rule.kind == "html":
        return Payload(200, _HTML, spoil.CAPTIVE_PORTAL)
    if rule.kind == "wrong_success":
        body = rule.body if rule.body is not None else spoil.WRONG_SUCCESS
        return Payload.of(Answer(200, body))
    whole = Payload.of(done if done and done.body is not None else Answer(200, {"id": "1"}))
    return replace(whole, content=whole.content[: max(1, len(whole.content) * 2 // 3)])


def _later(delay_s: float, ended: Event, work: Callable[[], Answer]) -> Future[Answer | None]:
    """Work that happens after a while, whether or not anybody still waits for it.

    None: it never happened, because the system was reset or the server ended before.
    """
    result: Future[Answer | None] = Future()

    def run() -> None:
        answer = None if ended.wait(delay_s) else work()
        if result.set_running_or_notify_cancel():
            result.set_result(answer)

    Thread(target=run, name="late-commit", daemon=True).start()
    return result


def _plain(body: Any) -> Any:
    """The body as its reader will parse it, so that a path means the same to both."""
    return simplejson.loads(simplejson.dumps(body, use_decimal=True), use_decimal=True)


def _too_many(dialect: Dialect, retry_after: float | str | None, free_in: float | None) -> Answer:
    """The vendor's 429, with the `Retry-After` that the rule wants, however much of a lie."""
    match retry_after:
        case None:
            return dialect.too_many(free_in)
        case "none":
            answer, text = dialect.too_many(None), None
        case "date":
            answer = dialect.too_many(1)
            text = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        case str():
            answer, text = dialect.too_many(1), retry_after
        case _:
            answer, text = dialect.too_many(retry_after), f"{retry_after:g}"
    headers = {
        name: value for name, value in answer.headers.items() if name.lower() != "retry-after"
    }
    return replace(answer, headers=headers if text is None else {**headers, "retry-after": text})
