"""People who sign in with a password of ours, and how long a guesser must wait.

Passwords follow NIST SP 800-63B, 3.1.1: length and a list of what is guessed first, no rules of
composition, no expiry. They are kept as Argon2id (RFC 9106) and nothing else is known of them.
"""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fairlead.errors import InvalidInput, Problem, Refused
from fairlead.store import accounts
from fairlead.store.accounts import Failures
from fairlead.store.database import Database, Tx
from fairlead.trust.principals import People, Person

SHORTEST = 12
LONGEST = 256

#: What people choose who must choose something long; compared without case, blanks and signs.
_OFTEN_CHOSEN = """
    passwordpassword password1234 password12345 password123456 passw0rdpassw0rd adminadminadmin
    administrator administrator1 changemechangeme changeme1234 letmeinletmein qwertyuiop12
    qwertyuiopasdf qwertyqwerty qwerty123456 qwerty1234567 1q2w3e4r5t6y 1qaz2wsx3edc
    123456789012 1234567890123 12345678901234 123456123456 123123123123 111111111111
    000000000000 abcdefghijkl abcd1234abcd iloveyouiloveyou welcome12345 welcome123456
    welcomewelcome trustno1trustno1 correcthorsebatterystaple fairleadfairlead fairlead1234
    fairlead12345 asdfghjkl123 asdfasdfasdf zxcvbnmasdfg monkeymonkey dragondragon
    footballfootball baseballbaseball sunshine1234 princess1234 summer2025summer summer2026summer
    winter2025winter winter2026winter
"""
_COMMON = frozenset(_OFTEN_CHOSEN.split())

_HASHER = PasswordHasher()  # the library's profile: RFC 9106, second choice (64 MiB)
#: Each check takes 64 MiB; more at once than this wait for each other.
_AT_ONCE = threading.BoundedSemaphore(4)

_FREE = {"account": 5, "address": 30}  #: failures before the first wait
_FIRST_WAIT_S = 1
_LONGEST_WAIT_S = 300
_FORGOTTEN_AFTER = timedelta(days=1)
#: A row on which nobody failed for so long is as good as new.
_CALM_AFTER = timedelta(hours=1)


class NotRecognised(Refused):
    """In the same words for somebody unknown, gone, without a password and with a wrong one."""

    code, status = "not_recognised", 401


class TooSoon(Refused):
    code, status, retry = "too_many_requests", 429, True

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many attempts. Wait {wait_s} s.")
        self.wait_s = wait_s


def set_password(tx: Tx, person: Person, password: str) -> None:
    """Give a person a password, or another. Raises `InvalidInput` naming every fault."""
    if faults := password_faults(person, password):
        raise InvalidInput(
            "This password cannot be used:", [Problem("/password", fault) for fault in faults]
        )
    accounts.put_password(tx, person.id, _HASHER.hash(_normal(password)))


def password_faults(person: Person, password: str) -> list[str]:
    """Every rule that it breaks, in words for whoever chose it."""
    faults: list[str] = []
    normal = _normal(password)
    if len(normal) < SHORTEST:
        faults.append(f"has {SHORTEST} characters or more")
    if len(normal) > LONGEST:
        faults.append(f"has {LONGEST} characters at most")
    plain = _plain(normal)
    if plain in _COMMON or len(set(plain)) < 4:
        faults.append("is not one that many people choose")
    email = person.email or ""
    own = {_plain(one) for one in (person.id, person.name, email, email.partition("@")[0])} - {""}
    if plain in own or plain in {one + one for one in own}:
        faults.append("is not your name or e-mail address")
    return faults


@dataclass(frozen=True)
class Attempt:
    """One try to sign in. `name` is what was typed: an id of people.yaml or an e-mail address."""

    name: str
    password: str
    address: str  #: where it came from


def recognise(db: Database, people: People, attempt: Attempt, now: datetime) -> Person:
    """Whoever has this name and password. A failure is on record before the password is looked
    at, so that many attempts at once cannot all pass.

    Raises `NotRecognised`, `TooSoon`, `Busy`. It takes the same time whether the name is known.
    """
    typed = _normal(attempt.name).strip().casefold()
    account, address = _key("account", typed), _key("address", attempt.address)
    person = _found(people, typed)
    with db.transaction() as tx:
        wait_s = _begin(tx, {"account": account, "address": address}, now)
        stored = accounts.password_hash(tx, person.id if person else "")
    if wait_s:
        raise TooSoon(wait_s)
    nobody = _nobody()
    right = _fits(stored or nobody, _normal(attempt.password))
    if not right or stored is None or person is None or not person.active:
        raise NotRecognised("This name and password do not fit together.")
    with db.transaction() as tx:
        accounts.put_failures(tx, account, 0, now)
        accounts.one_failure_less(tx, address)
        if _HASHER.check_needs_rehash(stored):
            accounts.put_password(tx, person.id, _HASHER.hash(_normal(attempt.password)))
    return person


def _begin(tx: Tx, names: dict[str, bytes], now: datetime) -> int:
    """Count one failure to be, or say for how many seconds nothing is even looked at."""
    accounts.forget_failures_before(tx, now - _FORGOTTEN_AFTER)
    known = accounts.lock_failures(tx, list(names.values()), now)
    waits = [wait_after(known[key], _FREE[kind], now) for kind, key in names.items()]
    if longest := max(waits):
        return longest
    for key in names.values():
        before = known[key]
        calm = now - before.last_at > _CALM_AFTER
        accounts.put_failures(tx, key, 1 if calm else before.count + 1, now)
    return 0


def wait_after(failures: Failures, free: int, now: datetime) -> int:
    """Seconds until the next attempt: none after `free` failures, then twice as long each time."""
    over = failures.count - free
    if over < 0:
        return 0
    wait = min(_FIRST_WAIT_S * 2 ** min(over, 30), _LONGEST_WAIT_S)
    left = failures.last_at + timedelta(seconds=wait) - now
    return max(0, -(-left // timedelta(seconds=1)))


def _found(people: People, typed: str) -> Person | None:
    for person in people.all():
        if typed in (person.id, (person.email or "").casefold()) and typed:
            return person
    return None


@cache
def _nobody() -> str:
    """A hash to look at where there is none, so that it takes as long."""
    return _HASHER.hash("")


def _fits(stored: str, password: str) -> bool:
    if len(password) > LONGEST:
        password = ""  # as long as any other to refuse
    with _AT_ONCE:
        try:
            return _HASHER.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _key(kind: str, name: str) -> bytes:
    return hashlib.sha256(f"{kind}:{name}".encode()).digest()


def _normal(text: str) -> str:
    """The same letters typed on another keyboard are the same (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", text)


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
