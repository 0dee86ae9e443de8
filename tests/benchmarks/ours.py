"""This library behind the calls of `peers.Store`: one session, its objects in packs or each in a file of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from peers import run_git
from workload import BEGAN, PROJECT, Record

from superqode.session import Message, Session, SessionStore, ToolExecution

__all__ = ["LooseOurs", "Ours", "make_session", "to_entry"]

_SESSION: Final = "measured"
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


class Ours:
    """A store as it is after maintenance: everything in packs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._store = SessionStore(root, user=USER)
        self._session: Session | None = None

    def seed(self, turns: Iterable[list[Record]]) -> None:
        with SessionStore(self.root, durability="fast", user=USER) as store:
            store.save(make_session(_SESSION, turns))
            store.maintain()

    def load(self) -> Session:
        return self._store.load(_SESSION)

    def open(self) -> None:
        self._session = self.load()

    def prepare(self, message: Record) -> Message | ToolExecution:
        return to_entry(message)

    def save(self, prepared: Message | ToolExecution) -> None:
        if self._session is None:
            raise AssertionError("it has to be opened first")
        self._session.add(prepared)
        self._store.save(self._session)


class LooseOurs(Ours):
    """A copy of the store beside it with each object in a file of its own, which maintenance leaves in no large one."""

    def seed(self, turns: Iterable[list[Record]]) -> None:
        del turns  # those of the store beside it
        packed = self.root.with_name(self.root.name.replace("ours-loose", "ours"))
        shutil.copytree(packed, self.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.pack", "*.idx"))
        for pack in packed.glob("objects/pack/*.pack"):
            run_git(self.root, "unpack-objects", "-q", data=pack.read_bytes())
