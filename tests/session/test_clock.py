"""The one clock: aware UTC, replaceable, and one way to write a time."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given

from strategies import moments
from superqode.session import clock


def test_now_is_aware_utc():
    """The present moment is an aware UTC time close to the system's."""
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_tests_can_hold_time_still():
    """A replaced clock is the only source of time, until it is put back."""
    moment = datetime(2001, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    clock.set_clock(lambda: moment)
    try:
        assert clock.now() is moment
    finally:
        clock.set_clock(None)
    assert clock.now().year > 2001


@given(moments)
def test_a_written_time_reads_back_exactly(moment):
    """Every time a session can hold is written with six digits in 27 characters and read back the same."""
    text = clock.format_time(moment)

    assert len(text) == 27
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment


def test_times_are_written_in_utc():
    """A time of another zone is written as UTC; years below 1000 keep their four digits."""
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))

    assert clock.format_time(summer) == "2026-07-01T10:00:00.000000Z"
    assert clock.format_time(datetime(33, 4, 3, 15, 0, tzinfo=UTC)) == "0033-04-03T15:00:00.000000Z"


def test_waiting_goes_by_a_clock_that_never_goes_back():
    """The clock for waiting only goes on, and sleeping takes its time."""
    before = clock.monotonic()
    clock.sleep(0.01)

    assert clock.monotonic() - before >= 0.009
