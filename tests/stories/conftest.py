"""One playing of the told deals, which the tests of a module look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playing import Played, played


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with played(tmp_path_factory.mktemp("told")) as found:
        yield found
