"""`stats`: a store in numbers, as tables, with bars on a terminal, and as data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]


def test_numbers_are_told_plainly_in_a_pipe(cli: Cli, save: Save) -> None:
    """Totals, every table, the disk; no bars and no colour outside a terminal."""
    save("hello", "hi", "thanks", id="a", title="First", tags=["security"], project_path="/code/demo")
    told = cli.run("sessions", "stats").stdout
    assert told.startswith("1 session, 3 messages, 0 tool calls\n")
    for part in ("MESSAGES", "codex", "/code/demo", "security", "BIGGEST", "First", "loose objects"):
        assert part in told
    assert "█" not in told
    assert "TOOL  " not in told  # nothing was called: no empty table


def test_bars_are_drawn_on_a_terminal(cli: Cli, save: Save) -> None:
    """The busiest period has the longest bar, and a narrow terminal is not overrun."""
    save("hello", id="a", title="wide 说明 " * 30)
    code, told = cli.terminal("sessions", "stats", NO_COLOR="1", COLUMNS="80")
    assert code == ExitCode.OK
    assert "█" * 24 in told
    assert all(len(row) <= 80 for row in told.replace("\r", "").splitlines())


def test_filters_and_units(cli: Cli, save: Save) -> None:
    """The filters of listings hold, --by names the unit, and what is not there is told in a note."""
    save("hello", "hi", id="a", tags=["x"])
    save("hello", id="b")
    assert cli.json("sessions", "stats", "--tag", "x")["sessions"] == 1
    assert cli.json("sessions", "stats", "--by", "month")["unit"] == "month"
    assert "no sessions" in cli.run("sessions", "stats", "--agent", "nobody").stderr
    assert [one["id"] for one in cli.json("sessions", "stats", "--top", "1")["biggest"]] == ["a"]


def test_hostile_names_are_shown_and_not_obeyed(cli: Cli, save: Save) -> None:
    """Titles, tags, projects and agents are safe text in every table."""
    save(HOSTILE, id="a", title=HOSTILE, tags=[HOSTILE], project_path=HOSTILE)
    _, told = cli.terminal("sessions", "stats", NO_COLOR="1", COLUMNS="300")
    assert "\x1b" not in told
    assert "\u202e" not in told


@pytest.mark.parametrize("columns", [20, 50, 60])
def test_a_terminal_too_narrow_for_the_bars_is_overrun_and_no_failure(cli: Cli, save: Save, columns: int) -> None:
    """Tables in which nothing can be narrowed are shown whole."""
    save("hello", id="a")
    code, told = cli.terminal("sessions", "stats", NO_COLOR="1", COLUMNS=str(columns))
    assert code == ExitCode.OK, told
    assert "█" in told
