"""Accounts for the made-up people of the sample firm: one password, made once, for all of them."""

from __future__ import annotations

import secrets
from pathlib import Path

from fairlead.store import accounts
from fairlead.store.database import Tx
from fairlead.trust.accounts import set_password
from fairlead.trust.principals import People


def open_accounts(tx: Tx, people: People, data: Path) -> str:
    """Let everybody sign in who cannot yet; the password. It is kept in the data directory, where
    only its owner reads it."""
    file = data / "world" / "secrets" / "people.password"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_text("-".join(secrets.token_hex(2) for _ in range(4)), "utf-8")
    password = file.read_text("utf-8").strip()
    for person in people.all():
        if person.active and accounts.password_hash(tx, person.id) is None:
            set_password(tx, person, password)
    return password
