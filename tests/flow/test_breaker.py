"""When the breaker of a system opens."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from fairlead.flow.breaker import Window


def opens_at(outcomes: Iterable[bool], every_s: float) -> int | None:
    """After how many outcomes (True: failed), one every so many seconds, it opens."""
    window = Window()
    for number, failed in enumerate(outcomes, start=1):
        if window.record(failed, number * every_s):
            return number
    return None


@pytest.mark.parametrize(
    ("outcomes", "every_s", "opens"),
    [
        pytest.param([True] * 4, 1, None, id="four-failures"),
        pytest.param([True] * 5, 1, 5, id="five-in-ten-seconds"),
        pytest.param([True, False] * 4 + [True], 1, 9, id="five-in-ten-seconds-between-others"),
        pytest.param([True, False] * 5, 3, None, id="five-spread-over-half-a-minute"),
        pytest.param([True] * 5, 60, 5, id="five-in-a-row-however-slow"),
        pytest.param([True, True, False] * 7, 60, 20, id="half-of-the-last-twenty"),
        pytest.param([True, False, False] * 20, 60, None, id="a-third-of-the-last-twenty"),
        pytest.param([False] * 100, 0.01, None, id="all-is-well"),
    ],
)
def test_it_opens_on_many_failures_close_together(
    outcomes: list[bool], every_s: float, opens: int | None
) -> None:
    assert opens_at(outcomes, every_s) == opens


def test_after_it_was_closed_old_failures_do_not_count() -> None:
    window = Window()
    for second in range(4):
        window.record(True, second)
    window.clear()

    assert not any(window.record(True, 4 + second) for second in range(4))


def test_a_good_answer_never_opens_it() -> None:
    window = Window()
    for second in range(10):
        window.record(True, second)

    assert window.record(False, 10) is False


def test_an_eighth_of_many_calls_failing_is_not_an_outage() -> None:
    window = Window()

    opened = [window.record(number % 8 == 0, number * 0.05) for number in range(400)]

    assert not any(opened)
