"""`superqode demo`: what this is about, shown on a small session that Codex really wrote.

The session is a file beside this one. Everything happens in a store of the demo's own, with the calls that the
commands make; only the `git log` at the end needs the `git` program.
"""

from __future__ import annotations

import shlex
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from superqode.cli.lazy import Command, examples
from superqode.cli.options import named_store, store_option
from superqode.cli.output import emit, style
from superqode.cli.text import block, line

if TYPE_CHECKING:
    from superqode.session import SessionStore

__all__ = ["demo"]

_TRANSCRIPT: Final = "demo_session.jsonl"


@click.command(
    "demo",
    cls=Command,
    see=("sessions import", "sessions list"),
    epilog=examples("superqode demo", "superqode demo --store ~/superqode-demo"),
)
@store_option
def demo() -> None:
    """Show the whole thing on a small real session.

    It imports a session, takes a snapshot, adds to it, undoes that, forks it, and shows what `git log` says, in
    a store of its own: a new temporary folder, or --store.
    """
    from superqode.session import SessionStore

    folder = named_store() or Path(tempfile.mkdtemp(prefix="superqode-demo-"))
    with SessionStore(folder) as store:
        emit(f"A store of its own: {line(store.path)}\n")
        session_id = _import(store)
        snapshot_id = _snapshot(store, session_id)
        _add(store, session_id)
        _undo(store, session_id)
        fork_id = _fork(store, session_id, snapshot_id)
        _show_log(store, session_id, fork_id)
        _next(store, session_id, snapshot_id, fork_id)


def _step(told: str, command: str) -> None:
    emit(f"• {told}\n    {style(command, fg='cyan')}")


def _import(store: SessionStore) -> str:
    with as_file(files(__package__) / _TRANSCRIPT) as transcript:
        outcome = store.import_sources([transcript]).sessions[0]
    session_id: str = outcome.session_id
    counts = f"{outcome.messages} messages, {outcome.executions} tool calls"
    _step(f"Imported a session that Codex wrote ({counts}).", "superqode sessions import ~/.codex")
    return session_id


def _snapshot(store: SessionStore, session_id: str) -> str:
    session = store.load(session_id)
    made = session.create_snapshot("Before the review")
    store.save(session)
    _step("Took a snapshot: a tag.", f'superqode sessions snapshot {session_id} "Before the review"')
    return made.id


def _add(store: SessionStore, session_id: str) -> None:
    session = store.load(session_id)
    session.add_message("user", "Please greet in upper case as well.")
    store.save(session)
    _step("Added a message and saved: a commit.", 'session.add_message("user", …); store.save(session)')


def _undo(store: SessionStore, session_id: str) -> None:
    store.undo(session_id)
    _step("Undid it: one more commit, nothing is lost.", f"superqode sessions undo {session_id}")


def _fork(store: SessionStore, session_id: str, snapshot_id: str) -> str:
    forked = store.fork(session_id, title="Another way", at=snapshot_id)
    _step("Forked the snapshot: a branch.", f"superqode sessions fork {session_id} --at {snapshot_id}")
    return forked.id


def _show_log(store: SessionStore, session_id: str, fork_id: str) -> None:
    from superqode.session.errors import GitError
    from superqode.session.git import program

    arguments = ["log", "--oneline", "--graph", session_id, fork_id]
    emit("\nAnd to git it is ordinary history:\n")
    emit(f"    $ git -C {shlex.quote(str(store.path))} {shlex.join(arguments)}")
    try:
        told = program.run(store.path, [*arguments, "--"], purpose="Showing the log")
    except GitError as problem:
        emit(f"    ({line(problem)})")
        return
    emit("\n".join(f"    {row}" for row in block(told.decode("utf-8", "replace")).splitlines()))


def _next(store: SessionStore, session_id: str, snapshot_id: str, fork_id: str) -> None:
    named = f"--store {shlex.quote(str(store.path))}"
    emit(
        "\nGo on with:\n\n"
        f"    superqode sessions list {named}\n"
        f"    superqode sessions show {session_id} --tools {named}\n"
        f"    superqode sessions search typo {named}\n"
        f"    superqode sessions redo {session_id} {named}\n"
        f"    superqode sessions restore {session_id} {snapshot_id} {named}\n"
        f"    superqode sessions diff {session_id} {fork_id} {named}\n"
        f"    superqode sessions tree {named}\n\n"
        "and, for your own sessions:\n\n"
        "    superqode sessions import ~/.codex ~/.claude"
    )
