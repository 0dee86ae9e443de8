"""What the fault tests run beside themselves, to be killed, starved, traced or raced: `worker.py VERB STORE ARGUMENT…`.

Each verb tells its steps on standard output, one line each, and only after the library acknowledged them.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable

from superqode.session import Session, SessionStore
from superqode.session.errors import SaveFailed, SessionError
from superqode.session.git import durability
from superqode.session.store import saving


def tell(*words: object) -> None:
    """Print a line with one system call that no save makes, so that faults can be aimed at the save's own."""
    os.writev(1, [(" ".join(map(str, words)) + "\n").encode()])


def opened(store: SessionStore, session_id: str) -> Session:
    """The session, new if it is not there."""
    return store.load(session_id) if store.exists(session_id) else Session(id=session_id, title=f"Session {session_id}")


def save(store: SessionStore, session_id: str, prefix: str, count: str) -> None:
    """Add messages and save each; tell each once it is acknowledged."""
    session = opened(store, session_id)
    for number in range(int(count)):
        session.add_message("user", f"{prefix} {number}")
        store.save(session)
        tell(f"{prefix} {number}")


def steps(store: SessionStore, session_id: str) -> None:
    """For each line read, add it as a message and save; tell how that ended."""
    session = opened(store, session_id)
    session.add_message("user", "warm")  # loads every module a save needs
    store.save(session)
    tell("ready")
    for line in sys.stdin:
        if line.strip() != "again":
            session.add_message("user", line.strip())
        try:
            store.save(session)
        except SaveFailed as problem:
            tell(problem.outcome, "|", problem)
        except SessionError as problem:
            tell("refused", "|", type(problem).__name__, problem)
        else:
            tell("done")


def zygote(store: SessionStore, session_id: str) -> None:
    """For each line read, start a process that saves until it is killed; tell its number."""
    opened(store, session_id)
    tell("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            tell("pid", os.getpid())
            save(SessionStore(store.path), session_id, line.strip(), "100000")
        os.waitpid(child, 0)
        tell("dead")


def create(store: SessionStore, prefix: str) -> None:
    """Make one session after another until standard input ends."""
    until_told(lambda number: store.save(Session(id=f"{prefix}-{number}")) and tell(f"{prefix}-{number}"))


def remove(store: SessionStore, prefix: str) -> None:
    """Make, rename, pack and delete sessions until standard input ends; tell those that are gone for good."""

    def step(number: int) -> None:
        name = f"{prefix}-{number}"
        store.save(Session(id=name, title=name))
        if number % 3 == 0:
            store.rename(name, f"{name}-renamed")
            tell(name)
            name += "-renamed"
        if number % 2 == 0:
            store.maintain()
        store.delete(name)
        tell(name)

    until_told(step)


def churn(store: SessionStore, prefix: str) -> None:
    """Delete, undelete, fork and purge sessions of its own until standard input ends; tell what is gone for good."""
    kept = store.fork(f"{prefix}-origin", new_id=f"{prefix}-kept")

    def step(number: int) -> None:
        fork = store.fork(kept.id, new_id=f"{prefix}-fork-{number}")
        store.delete(fork.id)
        store.undelete(fork.id)
        store.delete(fork.id)
        if number % 2:
            store.purge(fork.id)
        tell(fork.id)
        store.delete(kept.id)
        store.undelete(kept.id)

    until_told(step)


def take_back(store: SessionStore, operation: str) -> None:
    """Take an operation back; tell how that ended."""
    try:
        store.undo_operation(operation)
    except SessionError as problem:
        tell("refused", type(problem).__name__)
    else:
        tell("done")


def back_and_forth(store: SessionStore, name: str, count: str) -> None:
    """Delete a session and bring it back, so many times."""
    for _ in range(int(count)):
        store.delete(name)
        store.undelete(name)


def maintain(store: SessionStore) -> None:
    """Maintain the store again and again until standard input ends."""
    until_told(lambda number: tell(number, *store.maintain().skipped))


def until_told(step: Callable[[int], object]) -> None:
    """Repeat a step until standard input ends."""
    os.set_blocking(0, False)
    tell("ready")
    number = 0
    while sys.stdin.buffer.raw.read(1) is None:  # type: ignore[attr-defined]
        step(number)
        number += 1


def look(store: SessionStore, *session_ids: str) -> None:
    """Load, list and verify; tell what was found, as JSON."""
    loaded: dict[str, str] = {}
    for session_id in session_ids:
        try:
            loaded[session_id] = " ".join(message.content for message in store.load(session_id).messages)
        except SessionError as problem:
            loaded[session_id] = f"{type(problem).__name__}: {problem}"
    listed = {row.id: row.problem for row in store.list_sessions()}
    findings = [[found.severity, found.session_id, found.path] for found in store.verify().findings]
    tell(json.dumps({"loaded": loaded, "listed": listed, "findings": findings}))


VERBS = {
    verb.__name__: verb
    for verb in (save, steps, zygote, create, remove, churn, take_back, back_and_forth, maintain, look)
}

if __name__ == "__main__":
    random.seed(time.time_ns())
    FLUSH = os.environ.get("SUPERQODE_TEST_FLUSH")
    if FLUSH in ("together", "each"):
        saving.JOURNAL_MOST = 0  # as a save that is too large for the journal
    if FLUSH == "each":
        durability._syncfs = lambda: None  # as on a system without syncfs
    with SessionStore(sys.argv[2]) as opened_store:
        VERBS[sys.argv[1]](opened_store, *sys.argv[3:])
