"""What the fault tests run beside themselves, to be killed, starved, traced or raced: `worker.py VERB STORE ARGUMENT…`.

Each verb tells its steps on standard output, one line each, and only after the library acknowledged them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import examiner as examining
from verbs import VERBS, make_store

from superqode.session import Session, SessionStore, clock
from superqode.session.errors import SaveFailed, SessionError
from superqode.session.git import durability, renames
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


def zygote(store: SessionStore) -> None:
    """For each line read, `SESSION PREFIX`, start a process that saves until it is killed; tell its number."""
    store.save(Session(id="warm"))  # loads every module a save needs
    tell("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            tell("pid", os.getpid())
            save(SessionStore(store.path), *line.split(), "100000")
        os.waitpid(child, 0)
        tell("dead")


def verbs(_store: SessionStore) -> None:
    """For each line read, `VERB PATH`, start a process that does it there once it read another; tell number and end."""
    for number, verb in enumerate(VERBS.values()):  # loads every module that a verb needs
        with tempfile.TemporaryDirectory() as folder:
            make_store(Path(folder, str(number)))
            with SessionStore(Path(folder, str(number))) as store:
                verb(store)
    tell("ready")
    for line in sys.stdin:
        verb, path = line.split()
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            with SessionStore(path) as store:
                store.exists("s")
                tell("pid", os.getpid())
                sys.stdin.readline()
                tell(_ended(store, verb))
                os._exit(0)
        status = os.waitpid(child, 0)[1]
        tell("dead", os.waitstatus_to_exitcode(status))


def _ended(store: SessionStore, verb: str) -> str:
    try:
        VERBS[verb](store)
    except SaveFailed as problem:
        return f"{problem.outcome} | {problem}"
    except SessionError as problem:
        return f"refused | {type(problem).__name__} {problem}"
    except Exception:  # noqa: BLE001 - told to the test, which fails of it
        return "raw | " + traceback.format_exc().replace("\n", " ")[-900:]
    return "done |"


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


def read(store: SessionStore, session_id: str) -> None:
    """Load, list and search until standard input ends: what was there once never goes; tell how often."""
    known: list[str] = []

    def step(number: int) -> None:
        said = [message.content for message in store.load(session_id).messages]
        if said[: len(known)] != known:
            raise AssertionError(f"{session_id} went back to {said[-3:]} from {known[-3:]}")
        known[:] = said
        rows = {row.id: row.problem for row in store.list_sessions()}
        if rows.get(session_id) != "":
            raise AssertionError(f"{session_id} is listed as {rows.get(session_id)}")
        if number % 5 == 0:
            store.search("w0")
        tell(number, len(said))

    until_told(step)


def branch(store: SessionStore, session_id: str, prefix: str) -> None:
    """Fork a session again and again, and save into the fork, until standard input ends; tell each fork."""

    def step(number: int) -> None:
        fork = store.fork(session_id, new_id=f"{prefix}-{number}")
        count = len(fork.messages)
        fork.add_message("user", f"{prefix} {number}")
        store.save(fork)
        tell(fork.id, count + 1)

    until_told(step)


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


def examiner(_store: SessionStore) -> None:
    """For each line read, let a child be the witness of a harm."""
    examining.serve(tell)


TASKS = {
    verb.__name__: verb
    for verb in (
        save,
        steps,
        zygote,
        create,
        remove,
        churn,
        take_back,
        back_and_forth,
        maintain,
        look,
        read,
        branch,
        examiner,
        verbs,
    )
}

if __name__ == "__main__":
    random.seed(time.time_ns())
    FLUSH = os.environ.get("SUPERQODE_TEST_FLUSH")
    if FLUSH in ("together", "each"):
        saving.JOURNAL_MOST = 0  # as a save that is too large for the journal
    if FLUSH == "renames":
        renames._renameat2 = lambda: None  # as on a system where a name can neither be claimed nor exchanged
    if FLUSH == "each":
        durability._syncfs = lambda: None  # as on a system without syncfs
    HOURS = timedelta(hours=int(os.environ.get("SUPERQODE_TEST_CLOCK", "0")))
    if HOURS:
        clock.set_clock(lambda: datetime.now(UTC) + HOURS)
    with SessionStore(sys.argv[2]) as opened_store:
        TASKS[sys.argv[1]](opened_store, *sys.argv[3:])
