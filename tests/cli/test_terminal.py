"""On a real terminal: colour, width, the pager, and nothing raw from outside."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import HOSTILE, Cli

Save = Callable[..., Session]

_STYLES = re.compile(r"\x1b\[[0-9;]*m")


def test_tables_fit_the_terminal_and_ids_stay_whole(cli: Cli, save: Save) -> None:
    """Titles give way to the width, with an ellipsis; an id, which one copies, does not."""
    save("one", "two", id="session-with-a-long-name-0123456789", title="说明 and more words " * 10, tags=["security"])
    code, told = cli.terminal("sessions", "list", COLUMNS="90")
    assert code == ExitCode.OK
    assert "\x1b[" in told
    rows = [_STYLES.sub("", row) for row in told.splitlines() if row.strip()]
    assert "session-with-a-long-name-0123456789" in rows[1]
    assert "…" in rows[1]
    assert all(len(row) <= 90 for row in rows)


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_none_is_wanted(cli: Cli, save: Save, variables: dict[str, str]) -> None:
    """NO_COLOR and a dumb terminal get plain text from every command."""
    save("hello", "hi", id="a", title="A")
    for command in (["list"], ["show", "a"], ["log", "a"], ["diff", "a"], ["search", "hello"], ["tree"]):
        code, told = cli.terminal("sessions", *command, **variables)
        assert code == ExitCode.OK
        assert "\x1b" not in told, command


def test_nothing_from_outside_reaches_the_terminal_raw(cli: Cli, save: Save) -> None:
    """Only our own styles are sent, whatever titles, tags and messages hold; markup of rich's is text."""
    save(HOSTILE, HOSTILE, id="a", title=HOSTILE, tags=[HOSTILE])
    for command in (["list"], ["show", "a"], ["log", "a"], ["diff", "a"], ["search", "owned"], ["tree"]):
        code, told = cli.terminal("sessions", *command, COLUMNS="300")
        assert code == ExitCode.OK
        plain = _STYLES.sub("", told)
        assert not set(plain) & set("\x1b\x07\x9b\u202e"), command
        assert "[bold]x[/bold]" in plain or command == ["log", "a"], command


def test_a_search_shows_what_matched(cli: Cli, save: Save) -> None:
    """The words found stand out, the text around them does not."""
    save("Fix the SQL injection", id="a")
    _, told = cli.terminal("sessions", "search", "sql")
    assert "Fix the \x1b[31m\x1b[1mSQL\x1b[0m injection" in told


def test_conversations_go_through_the_pager(cli: Cli, save: Save) -> None:
    """On a terminal `show` and `log` are given to $PAGER; JSON and short answers are not."""
    save("hello", id="a")
    for command, paged in (
        (["show", "a"], True),
        (["log", "a"], True),
        (["list"], False),
        (["show", "a", "--json"], False),
    ):
        _, told = cli.terminal("sessions", *command, PAGER="sed s/^/PAGED:/")
        assert ("PAGED:" in told) == paged, command
