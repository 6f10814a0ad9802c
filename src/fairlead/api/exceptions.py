"""Exceptions: what cannot go on without a person, and what that person does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr
from starlette.responses import Response
from typing_extensions import TypeAliasType

from fairlead.api.commands import Commanding, IfMatch, Outcome, etag_of
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Filter, Id, PersonId, Reason, found, money
from fairlead.api.sign_in import Acting
from fairlead.domain.gates import Gap
from fairlead.domain.values import Money, Value
from fairlead.errors import InvalidInput, Problem
from fairlead.store.database import Tx
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Permission
from fairlead.work.words import CauseClass, ExceptionAction

