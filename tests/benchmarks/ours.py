"""This library behind the calls of `peers.Store`: from its cache, from packs, from a file for each object."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from peers import SESSION, run_git
from workload import BEGAN, PROJECT, Record

from superqode.session import Message, Session, SessionStore, ToolExecution

__all__ = ["LooseOurs", "Ours", "PackedOurs", "make_session", "remove_entries", "to_entry"]

USER: Final = ("A", "a@example.invalid")


def to_entry(record: Record) -> Message | ToolExecution:
    """Make an entry from a record of the workload."""
    return (Message if record["kind"] == "message" else ToolExecution).model_validate(record)


def make_session(session_id: str, turns: Iterable[list[Record]], **fields: Any) -> Session:
    """Make a session of these turns, not saved yet."""
    described: Mapping[str, Any] = {"title": "Measured", "project_path": PROJECT} | fields
    session = Session(id=session_id, created_at=BEGAN, **described)
    for record in (record for turn in turns for record in turn):
        session.add(to_entry(record))
    return session


def remove_entries(root: Path) -> None:
    """Remove the entries that earlier loads have kept for the next ones, as anybody may."""
    shutil.rmtree(root / "superqode" / "entries", ignore_errors=True)


class Ours:
    """A store as it is after maintenance: everything in packs; what was loaded is in the cache of entries."""

    def __init__(self, root: Path, session: str = SESSION) -> None:
        self.root = root
        self.session = session
        self._store = SessionStore(root, user=USER)
        self._session: Session | None = None

    def seed(self, turns: Iterable[list[Record]]) -> None:
        with SessionStore(self.root, durability="fast", user=USER) as store:
            store.save(make_session(self.session, turns))
            if skipped := store.maintain().skipped:
                raise RuntimeError(f"the store could not be packed: {skipped}")

    def forget(self) -> None:
        """The cache stays."""

    def load(self) -> Session:
        return self._store.load(self.session)

    def texts(self) -> list[str]:
        return [message.content for message in self.load().messages]

    def open(self) -> None:
        self._session = self.load()

    def prepare(self, message: Record) -> Message | ToolExecution:
        return to_entry(message)

    def save(self, prepared: Message | ToolExecution) -> None:
        if self._session is None:
            raise AssertionError("it has to be opened first")
        self._session.add(prepared)
        self._store.save(self._session)


class PackedOurs(Ours):
    """A copy of the store beside it, without the cache: a load reads packs, and fills it."""

    def seed(self, turns: Iterable[list[Record]]) -> None:
        del turns  # those of the store beside it
        shutil.copytree(self._beside(), self.root, dirs_exist_ok=True)

    def forget(self) -> None:
        remove_entries(self.root)

    def _beside(self) -> Path:
        _, _, size = self.root.name.rpartition("-")
        return self.root.with_name(f"ours-{size}")


class LooseOurs(PackedOurs):
    """The same with each object in a file of its own, which maintenance leaves in no large store."""

    def seed(self, turns: Iterable[list[Record]]) -> None:
        del turns
        packed = self._beside()
        shutil.copytree(packed, self.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.pack", "*.idx"))
        for pack in packed.glob("objects/pack/pack-*.pack"):
            run_git(self.root, "unpack-objects", "-q", data=pack.read_bytes())
