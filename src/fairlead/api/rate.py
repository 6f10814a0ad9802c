"""How much one principal may ask for."""

from __future__ import annotations

from fairlead.api.refusals import TooMany
from fairlead.trust import rate


class Buckets(rate.Buckets):
    """One per principal, in this process."""

    def take(self, name: str, now_s: float) -> None:
        """One request at `now_s` (monotonic seconds). Raises `TooMany`, saying when to return."""
        wait = self.wait_s(name, now_s)
        if wait:
            raise TooMany(
                f"At most {self.per_s:g} requests a second. Come back in {wait} s.",
                headers={"Retry-After": str(wait), "Cache-Control": "no-store"},
            )
