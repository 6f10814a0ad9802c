"""One thing that we and another system keep differently, or that only one of us keeps (F117)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from fairlead.domain.model import Entity
from fairlead.domain.values import Exact, Value


class Kept(StrEnum):
    """What is compared, record by record."""

    TIME = "time"
    EXPENSE = "expense"
    INVOICE = "invoice"
    REVENUE = "revenue"  #: journals of months
    COMMITMENT = "commitment"  #: purchase requisitions
    PAYROLL = "payroll"  #: hours that payroll holds of a person and month
    PAID = "paid"  #: hours that it has paid


class DiscrepancyKind(StrEnum):
    MISSING = "missing"  #: it never got there
    DELETED = "deleted"  #: it was there, and is no more
    UNKNOWN = "unknown"  #: it is there, and we have nothing that it could be
    TWICE = "twice"  #: it is there more than once
    AMOUNT = "amount"
    OTHER = "other"  #: it is of another person or client
    STATE = "state"
    DAY = "day"  #: it is of another day
    PLACE = "place"  #: it is on another project or task
    BILLABLE = "billable"  #: only one side would bill it
    DOUBLE = "double"  #: it is here more than once
    PARKED = "parked"  #: it is there, and was told to us, and could not be taken in


class Absence(Value):
    """How a record is told where the other side has none of it."""

    kind: DiscrepancyKind
    words: str


class Record(Value):
    """One record as one side keeps it."""

    key: str  #: what both sides know it by, of ours; empty where a record there names none
    ref: str  #: its id in the other system; of ours: the one that we were told, empty for none
    amount: Exact  #: hours, or money without tax
    unit: str  #: `hour`, or a currency (ISO 4217)
    on: date | None = None
    whose: str = ""  #: e-mail address in small letters; empty: not compared
    state: str = ""  #: empty: not compared
    pending: bool = False  #: of ours: on its way; that it is not there yet says nothing
    dated: bool = False  #: whether `on` is compared, where both sides say so
    place: str | None = None  #: code of the task, empty for none; null: not compared
    billable: bool | None = None  #: null: not compared
    absent: Absence | None = None  #: null: as missing, deleted or unknown


class Discrepancy(Entity):
    kept: Kept
    kind: DiscrepancyKind
    key: str
    refs: tuple[str, ...]  #: the records there that it is about
    ours: Exact | None  #: hours or money; null: we keep none
    theirs: Exact | None  #: null: it keeps none
    difference: Exact  #: theirs less ours
    unit: str
    on: date | None
    whose: str
    words: str  #: what differs
    remedy: str  #: what whoever settles it can do
