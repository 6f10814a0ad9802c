"""Answers with style sheets, scripts and the mark."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fairlead.web.static import STATIC

_FOR_EVER = "public, max-age=31536000, immutable"


def routes() -> list[Route]:
    return [
        Route("/static/{version}/{name:path}", _file, methods=["GET"]),
        Route("/favicon.ico", _favicon, methods=["GET"]),
    ]


async def _file(request: Request) -> Response:
    """A path of another version answers too, for a page that was open while we were replaced;
    but nobody may keep that."""
    file = STATIC.files.get(request.path_params["name"])
    if file is None:
        raise HTTPException(404)
    current = request.path_params["version"] == STATIC.version
    headers = {"Cache-Control": _FOR_EVER if current else "no-cache", "Vary": "Accept-Encoding"}
    return Response(file.content, media_type=file.media_type, headers=headers)


async def _favicon(_: Request) -> Response:
    return RedirectResponse(STATIC.url("logo.svg"), status_code=307)
