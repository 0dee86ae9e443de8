"""The verbs that move refs, and a store to do them in; known to the tests and to their workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from superqode.session import Session, SessionStore


def _snapshot(store: SessionStore) -> None:
    session = store.load("s")
    session.create_snapshot("another")
    store.save(session)


VERBS: dict[str, Callable[[SessionStore], object]] = {
    "delete": lambda store: store.delete("s"),
    "undelete": lambda store: store.undelete("gone"),
    "rename": lambda store: store.rename("s", "new"),
    "purge": lambda store: store.purge("gone"),
    "maintain": lambda store: store.maintain(),
    "fork": lambda store: store.fork("s", new_id="new"),
    "undo": lambda store: store.undo("two"),
    "snapshot": _snapshot,
    "merge": lambda store: store.merge("two", "life"),
}


# Where the other life of `two` stands that `make_lives` makes.
OTHER_LIFE = "refs/remotes/elsewhere/two"


def make_lives(place: Path, shape: str) -> None:
    """Make a store with a session `two` that another life went on from first: it was `forwarded`, or is `older`."""
    with SessionStore(place) as store:
        session = Session(id="two")
        session.add_message("user", "two")
        root = store.save(session).tip
        for text in ("otherwise", "and on"):
            session.add_message("user", text)
            tip = store.save(session).tip
        repository = store._open()
        ident = repository.committer()
        repository.refs.update(OTHER_LIFE, tip, None, ident=ident, reason="")
        repository.refs.update("refs/heads/two", root, tip, ident=ident, reason="")
    if shape == "older":
        with SessionStore(place) as store:
            session = store.load("two")
            session.add_message("user", "more")
            store.save(session)


def make_store(place: Path) -> None:
    """Make a store with sessions `s`, its fork, `two` of two saves, and `gone` in the trash; most have a snapshot.

    `life` is another life of `two`: it went on from the first save.
    """
    with SessionStore(place) as store:
        for name in ("s", "gone", "two"):
            session = Session(id=name)
            session.add_message("user", name)
            session.create_snapshot("kept")
            store.save(session)
        session.add_message("user", "more")
        store.save(session)
        store.fork("s", new_id="fork")
        session = store.fork("two", at="~1", new_id="life")
        session.add_message("user", "otherwise")
        store.save(session)
        store.delete("gone")
        store.list_sessions()
