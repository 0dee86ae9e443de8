"""A machine for random programs: two store objects on one store, git, and the model they must all agree with."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine, invariant

from superqode.session import Session, SessionStore

from .model import Model, conversation


class Machine(RuleBasedStateMachine):
    """Two store objects on one store, and git; after each step both list what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name) / "store"
        self.stores = [SessionStore(self.path), SessionStore(self.path)]
        self.model = Model()
        self.held: dict[str, Session] = {}
        self.count = 0
        self.turn = 0

    # -- helpers --------------------------------------------------------------------------------------------------

    @property
    def store(self) -> SessionStore:
        """One of the two, in turns."""
        self.turn += 1
        return self.stores[self.turn % 2]

    def name(self) -> str:
        """An id that was never used."""
        self.count += 1
        return f"s{self.count}"

    def git(self, *arguments: str) -> str:
        """Run git on the store."""
        return subprocess.run(
            ["git", "-C", str(self.path), *arguments], capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()

    def here(self, session_id: str) -> bool:
        """Whether the session is a branch now."""
        return session_id in self.model.sessions

    def edit(self, session_id: str, change) -> None:
        """Load, change, save, and tell the model."""
        if not self.here(session_id):
            return
        store = self.store
        session = store.load(session_id)
        change(session)
        result = store.save(session)
        self.model.saved(session_id, session, result)
        self.check_loaded(session_id)

    def check_loaded(self, session_id: str) -> None:
        """A session as both stores load it, against the model."""
        told = self.model.sessions[session_id]
        for store in self.stores:
            loaded = store.load(session_id)
            assert conversation(loaded) == told.now
            assert (loaded.title, loaded.tags, loaded.metadata) == (told.title, told.tags, told.metadata)
            assert loaded.parent_session_id == told.parent
            expected = self.model.snapshots(session_id)
            assert {snapshot.id: snapshot.commit for snapshot in loaded.snapshots} == {
                name: mark.commit for name, mark in expected.items()
            }

    def moved(self, session_id, result):
        """An undo or redo is a save, too: the first one under a new name takes the snapshots along."""
        told = self.model.sessions[session_id]
        if told.tree_id != session_id:
            self.model.marks.setdefault(session_id, {}).update(self.model.snapshots(session_id))
            told.tree_id = session_id
        told.commits += result.commits

    def news(self, old: str, branch: str) -> list[str]:
        """The commits of a branch since an older one."""
        return self.git("rev-list", "--reverse", f"{old}..{branch}").split()

    # -- what holds after every step ------------------------------------------------------------------------------

    @invariant()
    def listed(self):
        """Both stores list the sessions of the model, with their counts, titles, tags and parents."""
        expected = {
            name: (
                told.title,
                tuple(told.tags),
                told.parent,
                sum(1 for entry in told.now[0] if hasattr(entry, "role")),
                sum(1 for entry in told.now[0] if not hasattr(entry, "role")),
                "",
            )
            for name, told in self.model.sessions.items()
        }
        for store in self.stores:
            assert {
                row.id: (
                    row.title,
                    tuple(row.tags),
                    row.parent_session_id,
                    row.message_count,
                    row.execution_count,
                    row.problem,
                )
                for row in store.list_sessions()
            } == expected

    @invariant()
    def trashed(self):
        """Both see the trash of the model."""
        expected = sorted((name, told.title, tuple(sorted(marks))) for name, told, marks in self.model.trash)
        for store in self.stores:
            assert sorted((item.session_id, item.title, item.snapshots) for item in store.trash()) == expected

    def teardown(self):
        """At the end everything loads, searches and verifies, also for git."""
        try:
            for name in self.model.sessions:
                self.check_loaded(name)
            if self.model.sessions:
                assert [found for found in self.stores[0].verify().findings if found.severity == "error"] == []
                self.git("fsck", "--strict")
                alpha = {name for name, told in self.model.sessions.items() if "alpha" in told.title}
                hits = self.stores[1].search("alpha", limit=1000)
                assert alpha <= {hit.session_id for hit in hits}
                assert {hit.session_id for hit in hits} <= set(self.model.sessions)
        finally:
            for store in self.stores:
                store.close()
            self._folder.cleanup()
