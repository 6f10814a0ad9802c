"""One address for programs and people."""

from __future__ import annotations

import pytest
from starlette.types import Message, Receive, Scope, Send

from fairlead.web.front import Front, is_of_api


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/api", True),
        ("/api/v1/engagements", True),
        ("/hooks/salesforce-emea", True),
        ("/healthz", True),
        ("/readyz", True),
        ("/metrics", True),
        ("/", False),
        ("/apis", False),
        ("/apiary/x", False),
        ("/inbox", False),
        ("/metrics-of-ours", False),
        ("//api/v1", False),
    ],
)
def test_programs_go_to_the_api_and_people_to_the_pages(path: str, api: bool) -> None:
    assert is_of_api(path) is api


class Room:
    """An application that notes its beginning and end, and which paths it was asked for."""

    def __init__(self, *, starts: bool = True) -> None:
        self.noted, self._starts = list[str](), starts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self.noted.append(scope["path"])
            return
        self.noted.append((await receive())["type"])
        if not self._starts:
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            return
        await send({"type": "lifespan.startup.complete"})
        self.noted.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})


async def lives(front: Front) -> list[Message]:
    """What the server hears while it starts the front and stops it."""
    told = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    heard: list[Message] = []

    async def receive() -> Message:
        return next(told)

    async def send(message: Message) -> None:
        heard.append(message)

    await front({"type": "lifespan"}, receive, send)
    return heard


@pytest.mark.anyio
async def test_both_start_and_both_end() -> None:
    api, web = Room(), Room()
    heard = await lives(Front(api, web))

    assert [one["type"] for one in heard] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert api.noted == web.noted == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.anyio
async def test_one_that_does_not_start_stops_the_other_and_the_server_hears_why() -> None:
    api, web = Room(), Room(starts=False)
    heard = await lives(Front(api, web))

    assert heard[0] == {"type": "lifespan.startup.failed", "message": "no database"}
    assert api.noted[-1] == "lifespan.shutdown"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
