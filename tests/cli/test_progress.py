"""What is going on is told on a terminal, only after a while, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from superqode.cli.exit_codes import ExitCode
from superqode.session import Session

from .conftest import Cli

Save = Callable[..., Session]

_IMPATIENT = "import superqode.cli.progress as drawn; drawn._PATIENCE = 0.0; "


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (["sessions", "list"], "Reading"),
        (["sessions", "search", "hello"], "Indexing"),
        (["sessions", "stats"], "Counting"),
        (["sessions", "show", "@latest"], "Reading"),
    ],
)
def test_long_readings_draw_a_bar(cli: Cli, save: Save, words: list[str], label: str) -> None:
    """The first reading of a store draws its bar, also where it is made for a name."""
    save("hello", id="a")
    code, told = cli.terminal(*words, before=_IMPATIENT)
    assert code == ExitCode.OK
    assert label in told


def test_quiet_draws_no_bar(cli: Cli, save: Save) -> None:
    """--quiet leaves it out; the answer stays."""
    save("hello", id="a")
    _, told = cli.terminal("--quiet", "sessions", "list", before=_IMPATIENT)
    assert "Reading" not in told
    assert "TITLE" in told


def test_what_has_no_steps_says_what_it_waits_for(cli: Cli, save: Save) -> None:
    """The word stands there while it lasts, and is wiped away before the answer."""
    save("hello", id="a")
    cli.run("sessions", "delete", "a")
    slow = "from superqode.session import SessionStore; import time; purge = SessionStore.purge; SessionStore.purge = lambda *a, **k: (time.sleep(0.3), purge(*a, **k))[1]; "
    code, told = cli.terminal("sessions", "purge", "--yes", before=_IMPATIENT + slow)
    assert code == ExitCode.OK
    assert "Forgetting…\r" in told
    assert told.rpartition("\r")[0].rstrip().endswith("Forgot 1 deleted session")
