"""Requests that change something come from our own pages only (OWASP, CSRF prevention).

Two proofs, both needed: the browser says so (`Sec-Fetch-Site`, or `Origin` where it does not know
that header), and the request carries the token of its session.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from fairlead.web.refusals import CrossSite

HEADER = "x-csrf-token"
FIELD = "csrf"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_ours(host: str, origin: str | None) -> bool:
    """Whether a request to this `Host` means us. Without an `origin` only this machine does, so
    that no name of somebody else's can be pointed at us (DNS rebinding)."""
    if origin is not None:
        return host.casefold() == urlsplit(origin).netloc.casefold()
    try:
        return urlsplit(f"//{host}").hostname in _LOOPBACK
    except ValueError:
        return False


def must_be_our_page(headers: Headers, origin: str | None) -> None:
    """Raises `CrossSite`."""
    site, said = headers.get("sec-fetch-site"), headers.get("origin")
    ours = origin or f"http://{headers.get('host', '')}"
    if site not in (None, "same-origin") or said not in (None, ours):
        raise CrossSite("Another site sent this; nothing was changed.")
    if site is None and said is None:
        raise CrossSite("It cannot be told which page sent this; nothing was changed.")
