"""What a store must be like after a verb of `verbs.py` was cut short or failed, wherever it was."""

from __future__ import annotations

from pathlib import Path

from superqode.session import SessionStore
from superqode.session.errors import SessionError

from .life import texts
from .tally import Blocked, Lost, Unreadable
from .verbs import VERBS

# Which life comes first, the saves' times decide.
MERGED = {("two", "more", "otherwise"), ("two", "otherwise", "more")}
# Where the session goes, or its fork.
_GONE_TO = {"rename": "new", "fork": "new"}


def check(path: Path, verb: str) -> None:
    """Nothing but what the verb is about is different, and that is here, or there, or both, and whole."""
    with SessionStore(path) as store:
        listed = {row.id for row in store.list_sessions()}
        trashed = {item.session_id for item in store.trash()}
        there = _GONE_TO.get(verb, "s")
        here = {"s", there} if verb == "rename" else {"s"}
        if not here & (listed | (trashed if verb == "delete" else set())):
            raise Lost("the session s")
        if missing := {"fork", "two", "life"} - listed:
            raise Lost(f"the sessions {missing}")
        if verb != "purge" and "gone" not in listed | trashed:
            raise Lost("the session gone")
        for name in listed:
            try:
                said = texts(store.load(name))
                kept = [snapshot.description for snapshot in store.load(name).snapshots]
            except SessionError as problem:
                raise Unreadable(f"{name}: {problem}") from problem
            _check_session(verb, name, said)
            # Cut short between a session's old name and its new one, the snapshots may stand under either.
            if "kept" not in kept and not (there == "new" and there in listed and name in ("s", there)):
                raise Lost(f"the snapshot of {name}")
        if verb == "merge":
            _check_log(store)
        errors = [finding for finding in store.verify().findings if finding.severity == "error"]
        if errors:
            raise Unreadable(str(errors))


def _check_log(store: SessionStore) -> None:
    """The operation log says of a merge what the session says: it is there, once, or it is not."""
    told = [operation for operation in store.operations() if operation.verb == "merge" and operation.happened]
    if len(told) != (texts(store.load("two")) in MERGED):
        raise Lost(f"what the log says: {told}")


def _check_session(verb: str, name: str, said: tuple[str, ...]) -> None:
    right = {"two": {("two", "more")}, "life": {("two", "otherwise")}, "gone": {("gone",)}}.get(name, {("s",)})
    if verb == "merge" and name == "two":
        right |= MERGED
    if verb == "undo" and name == "two":
        right |= {("two",)}
    if said not in right:
        raise Lost(f"{name} says {said}")


def go_on(path: Path, verb: str) -> None:
    """The verb, and a save, work afterwards."""
    with SessionStore(path) as store:
        try:
            ready = {
                "undelete": not store.exists("gone"),
                "rename": not store.exists("new") and store.exists("s"),
                "fork": not store.exists("new"),
                "purge": bool(store.trash()),
                "delete": store.exists("s"),
                "undo": len(store.load("two").messages) == 2,
            }
            if ready.get(verb, True):
                VERBS[verb](store)
        except SessionError as problem:
            raise Blocked(f"{verb}: {problem}") from problem
    check(path, verb)
    with SessionStore(path) as store:
        try:
            session = store.load("fork")
            session.add_message("user", "and on")
            store.save(session)
        except SessionError as problem:
            raise Blocked(f"a save: {problem}") from problem
        if texts(store.load("fork")) != ("s", "and on"):
            raise Lost("a save after it")
