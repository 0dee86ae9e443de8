"""What is asked often is answered from the index, by a process that loads none of the libraries that take long to load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from session.store.homes import make_home
from superqode.session import MessageRole, Session, SessionStore

from .conftest import Cli

_HEAVY = ("cryptography", "markdown_it", "pydantic", "pydantic_core", "pygit2", "rich", "textual", "_cffi_backend")
# What else no answer from the index needs, and what it would bring: email and zipfile, hmac and random.
_NEEDLESS = ("ctypes", "difflib", "importlib.metadata", "secrets", "subprocess", "superqode.session.models.entries")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose index knows all there is, titles' words and messages' too."""
    path = tmp_path_factory.mktemp("startup") / "store"
    with SessionStore(path) as opened:
        for number in range(3):
            session = Session(id=f"session-{number}", title=f"Title {number}", tags=["tagged"])
            session.add_message(MessageRole.USER, f"needle {number}")
            session.add_tool_execution("read_file", {"path": "needle"}, "found", True)
            opened.save(session)
        opened.search("needle")
    return path


def _loaded(program: str, *args: str, **variables: str) -> tuple[str, list[str]]:
    """What a process printed, and the modules it had at its end."""
    told = "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    done = subprocess.run(
        [sys.executable, "-c", told + program, *args],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr.split()


def _heavy(loaded: list[str]) -> list[str]:
    return [name for name in loaded if name in (*_HEAVY, *_NEEDLESS)]


@pytest.mark.parametrize(
    "args",
    [
        ["list"],
        ["list", "--json"],
        ["list", "--tag", "tagged", "--text", "title", "--since", "1d"],
        ["tree"],
        ["search", "title"],
        ["search", "needle"],
        ["search", "--json", "no-such-word"],
    ],
    ids=" ".join,
)
def test_what_the_index_answers_loads_nothing_heavy(store: Path, args: list[str]) -> None:
    """Listing and searching load neither pydantic nor pygit2, and no table of rich's where no terminal is."""
    program = "from superqode.cli import main; main()"
    shown, loaded = _loaded(program, "sessions", "--store", str(store), *args)
    assert "superqode.session.store.index.catalogue" in loaded
    assert ("session-1" in shown) is ("no-such-word" not in args)
    assert _heavy(loaded) == []


@pytest.mark.parametrize("typed", ["session-", "@", "itle"])
def test_completing_an_id_loads_nothing_heavy(store: Path, typed: str) -> None:
    """A shell that completes waits at each key: ids, and titles, come from the index alone."""
    line = f"superqode sessions --store {store} show {typed}"
    shown, loaded = _loaded(
        "from superqode.cli import main; main(prog_name='superqode')",
        _SUPERQODE_COMPLETE="bash_complete",
        COMP_WORDS=line,
        COMP_CWORD="0",
    )
    assert ("@latest" if typed == "@" else "session-1") in shown
    assert _heavy(loaded) == []


@pytest.mark.parametrize(
    "question",
    [
        "print(store.exists('session-1'))",
        "print(store.resolve('@latest') == 'session-2')",
        "print(store.resolve('session-1') == 'session-1')",
        "print(store.resolve('title 1') == 'session-1')",
        "print([item.id for item in store.list_sessions(limit=1)] == ['session-2'])",
        "print([hit.session_id for hit in store.search('title 1')] == ['session-1'])",
        "print(store.generation() >= 0)",
    ],
)
def test_the_library_answers_from_the_index_alone(store: Path, question: str) -> None:
    """The same questions asked by a program load as little as from the command line, and no `dataclasses` either."""
    program = "from superqode.session import SessionStore\nwith SessionStore(sys.argv[1]) as store:\n    "
    shown, loaded = _loaded(program + question, str(store))
    assert shown == "True\n"
    assert _heavy(loaded) == []
    assert ("dataclasses" in loaded) is ("search" in question)


@pytest.mark.parametrize("reported", [b"", b"{}"], ids=["nothing", "an-old-turn"])
def test_a_hook_that_reports_nothing_new_loads_nothing_heavy(cli: Cli, home: Path, reported: bytes) -> None:
    """What runs behind an agent's back after each turn is light where another run did the work already."""
    make_home(home)
    cli.run("sessions", "rescue")
    if reported:
        inbox = cli.store / "superqode" / "agents" / "inbox"
        inbox.mkdir(parents=True)
        (inbox / "opencode.1.json").write_bytes(reported)
    program = "from superqode.cli import main; main()"
    shown, loaded = _loaded(program, "--store", str(cli.store), "sessions", "rescue", "--reported")
    assert shown == ""
    assert ("superqode.session.store.rescue" in loaded) is bool(reported)
    assert _heavy(loaded) == []


def test_a_rescue_of_nothing_new_loads_nothing_heavy(cli: Cli, home: Path) -> None:
    """Looking over all agents' folders again costs file times, and no model of a session."""
    make_home(home)
    cli.run("sessions", "rescue")
    shown, loaded = _loaded("from superqode.cli import main; main()", "--store", str(cli.store), "sessions", "rescue")
    assert "0 that went on; 5 were here" in shown
    assert _heavy(loaded) == []
