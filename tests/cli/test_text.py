"""Text from outside never reaches a terminal raw, and times read as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.cli import params
from superqode.cli.text import block, line, width
from superqode.cli.times import ago, local

_NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)  # where `still_clock` stands


@given(st.text())
def test_a_line_holds_no_control(text: str) -> None:
    """Whatever comes in, a line has no control character, no break, and can be encoded."""
    shown = line(text)
    assert not [char for char in shown if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0]
    assert len(shown.splitlines()) <= 1
    shown.encode()


@given(st.text(alphabet=st.characters()))
def test_a_block_keeps_breaks_and_nothing_else(text: str) -> None:
    """In a block, line breaks and tabs are the only controls left."""
    controls = {char for char in block(text) if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0}
    assert controls <= {"\n", "\t"}
    block(text).encode()


def test_controls_are_shown_not_dropped() -> None:
    """A reader sees that something was there: escapes, overrides and lone surrogates are spelt out."""
    assert line("a\x1b[2Jb") == "a\\x1b[2Jb"
    assert line("\u202egnp.exe") == "\\u202egnp.exe"
    assert line("\udcff") == "\\udcff"
    assert line("\x9b31m") == "\\x9b31m"
    assert block("one\r\ntwo\rthree") == "one\ntwo\\x0dthree"
    assert line("one\ntwo\tthree") == "one two three"


def test_ordinary_text_stays_as_it_is() -> None:
    """Chinese, emoji with joiners and right-to-left text are nobody's attack."""
    for text in ("说明 🎉", "👩‍💻 at work", "שלום", "naïve “quotes”"):
        assert line(text) == text
        assert block(text) == text


def test_a_line_is_cut_with_an_ellipsis() -> None:
    """A limit counts the ellipsis."""
    assert line("abcdef", 4) == "abc…"
    assert line("abcd", 4) == "abcd"


def test_wide_characters_take_two_columns() -> None:
    """Columns line up below Chinese text, and an accent of its own takes no place."""
    assert width("说明") == 4
    assert width("e\u0301") == 1


@pytest.mark.usefixtures("still_clock")
@pytest.mark.parametrize(
    ("passed", "told"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=-3), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3, minutes=50), "3 h ago"),
        (timedelta(days=1, hours=1), "1 day ago"),
        (timedelta(days=29), "29 days ago"),
    ],
)
def test_times_are_told_by_their_distance(passed: timedelta, told: str) -> None:
    """What is near is told as a distance."""
    assert ago(_NOW - passed) == told


@pytest.mark.usefixtures("still_clock")
def test_far_times_are_dates() -> None:
    """What is long ago, to come, or at the calendar's ends is a date, and never an error."""
    assert ago(_NOW - timedelta(days=40))[:7] == "2026-10"
    assert ago(_NOW + timedelta(days=40))[:4] == "2027"
    assert local(datetime.min.replace(tzinfo=UTC))
    assert local(datetime.max.replace(tzinfo=UTC))


@pytest.mark.usefixtures("still_clock")
def test_times_can_be_typed_in_several_ways() -> None:
    """A day is its beginning for --since and its end for --until; an age counts back from now."""
    assert params.since("2d") == _NOW - timedelta(days=2)
    assert params.since("2026-11-22T10:00:00Z") == datetime(2026, 11, 22, 10, tzinfo=UTC)
    day = params.until("2026-11-20") - params.since("2026-11-20")
    assert timedelta(hours=22) < day < timedelta(hours=26)  # a day that changes the hour is longer or shorter


@pytest.mark.parametrize(
    "typed", ["", "soon", "2026-13-01", "9999999d", "999999w", "-3d", "0001-01-01T00:00+14:00", "٣d"]
)
def test_what_is_no_time_is_refused(typed: str) -> None:
    """A time that cannot be read or told is a usage error, never another exception."""
    with pytest.raises(click.BadParameter):
        params.since(typed)


@pytest.mark.parametrize("typed", ["", "30", "d", "1y", "-1d", "1.5h"])
def test_what_is_no_age_is_refused(typed: str) -> None:
    """An age names its unit."""
    with pytest.raises(click.BadParameter):
        params.age(typed)
