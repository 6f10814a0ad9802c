"""Facts of a client or vendor that systems write in different ways, brought to one."""

from __future__ import annotations

from urllib.parse import urlsplit

from fairlead.domain.model.client import Client

_SIGNS = dict.fromkeys(map(ord, " .-/"))


def bare(text: str) -> str:
    """A tax id in capitals without spaces, dots, hyphens and slashes."""
    return text.upper().translate(_SIGNS)


def tax_ids(client: Client) -> tuple[str, ...]:
    """Its tax id, bare; also with, or without, the prefix of its country."""
    bare_id = bare(client.tax_id or "")
    if not bare_id:
        return ()
    country, prefix = client.address.country, bare_id[:2]
    if prefix.isalpha() and bare_id[2:].isdigit():
        return (bare_id, bare_id[2:])
    return (bare_id, country + bare_id) if country and bare_id.isdigit() else (bare_id,)


def domain(web: str) -> str | None:
    """The host of a web site's address, without `www.`; null where it has none."""
    host = urlsplit(web if "//" in web else f"//{web}").hostname or ""
    return host.removeprefix("www.") or None
