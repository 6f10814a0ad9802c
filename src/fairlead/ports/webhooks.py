"""How word of a change reaches us when a system pushes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fairlead.ports.contracts import AgreementChanged
from fairlead.ports.crm import OpportunityChanged

#: Reads what a vendor pushes. Pure: bytes in, word of changes out; empty where it is of no
#: interest to us. Raises `InvalidInput` where the body is not of the vendor's shape.
ReadsWebhook = Callable[[bytes], Sequence[OpportunityChanged | AgreementChanged]]
