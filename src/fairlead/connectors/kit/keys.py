"""Private keys that assertions are signed with."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jwt


@lru_cache(maxsize=64)
def signing_key(algorithm: str, pem: str) -> Any:
    """The key for `jwt.encode`. Raises what `jwt.encode` raises for the text itself.

    Reading an RSA key proves its primes: a tenth of a second for 3072 bits. A process that signs
    in again and again does it once.
    """
    return jwt.get_algorithm_by_name(algorithm).prepare_key(pem)
