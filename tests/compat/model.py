"""What a store should do, in memory and in a few lines: the measure for random programs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

Conversation = tuple[Any, ...]


def conversation(session: Any) -> Conversation:
    """What undo, redo and restore move: timeline, files and agents."""
    lists = (session.files_modified, session.files_created, session.agents_used)
    return (tuple(session.timeline), *map(tuple, lists))


def conversation_of(snapshot: Any) -> Conversation:
    """A snapshot's state, as `conversation` gives it."""
    state = snapshot.state
    return (
        tuple(state.entries),
        tuple(state.files_modified),
        tuple(state.files_created),
        tuple(state.agents_used),
    )


@dataclass
class Told:
    """One session as it should be.

    Attributes:
        tree_id: the id its tree records; another one than its branch's after plain `git branch`.
        commits: its history, so that a snapshot's commit can be looked for.
        past: conversations that undo goes back along, the present one last.
        future: conversations that redo goes on to, the next one last.
    """

    tree_id: str
    title: str
    parent: str | None
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    past: list[Conversation] = field(default_factory=list)
    future: list[Conversation] = field(default_factory=list)

    @property
    def now(self) -> Conversation:
        """The present conversation."""
        return self.past[-1]

    def copy(self) -> Told:
        """The same, to live on its own."""
        lists = {name: list(getattr(self, name)) for name in ("tags", "commits", "past", "future")}
        return replace(self, metadata=dict(self.metadata), **lists)


@dataclass(frozen=True)
class Mark:
    """A snapshot: the commit it names, and the conversation it goes back to."""

    commit: str
    state: Conversation


@dataclass
class Model:
    """A store: sessions by id, snapshots by the id they are filed under, and the trash, oldest first."""

    sessions: dict[str, Told] = field(default_factory=dict)
    marks: dict[str, dict[str, Mark]] = field(default_factory=dict)
    trash: list[tuple[str, Told, dict[str, Mark]]] = field(default_factory=list)

    def snapshots(self, session_id: str) -> dict[str, Mark]:
        """The snapshots a session shows: filed under its id, or under the one in its tree, and in its history."""
        told = self.sessions[session_id]
        found = self.marks.get(told.tree_id, {}) | self.marks.get(session_id, {})
        return {name: mark for name, mark in found.items() if mark.commit in told.commits}

    def saved(self, session_id: str, session: Any, result: Any) -> None:
        """A save made these commits of this session in memory."""
        if not result.commits:
            return
        told = self.sessions[session_id]
        first = told.tree_id != session_id
        if first:
            self.marks.setdefault(session_id, {}).update(self.snapshots(session_id))
        told.tree_id = session_id
        told.title, told.tags, told.metadata = session.title, list(session.tags), dict(session.metadata)
        told.commits += result.commits
        told.future.clear()
        state = conversation(session)
        if state != told.now:
            # Under a name that plain git gave, the past begins where the branch was when it was first saved.
            told.past = [told.now, state] if first else [*told.past, state]
        elif first:
            told.past = [state]  # a commit of its own says that the fork begins here

    def delete(self, session_id: str) -> None:
        """Move a session and what is filed under its id to the trash."""
        self.trash.append((session_id, self.sessions.pop(session_id), self.marks.pop(session_id, {})))

    def undelete(self, session_id: str) -> None:
        """Bring the newest deletion of a session back."""
        place = max(place for place, item in enumerate(self.trash) if item[0] == session_id)
        _, self.sessions[session_id], marks = self.trash.pop(place)
        self.marks[session_id] = marks | self.marks.get(session_id, {})

    def rename(self, old: str, new: str, commits: list[str], parents: dict[str, list[str]]) -> None:
        """Rename a session, and let its children know; `commits` and `parents` are the commits that made it so."""
        self.marks[new] = self.snapshots(old)
        told = self.sessions[new] = self.sessions.pop(old)
        self.marks.pop(old, None)
        told.tree_id = new
        told.commits += commits
        told.future.clear()
        self.trash = [(new if name == old else name, told, marks) for name, told, marks in self.trash]
        for child, made in parents.items():
            known = self.sessions[child]
            if known.tree_id != child:
                self.marks.setdefault(child, {}).update(self.snapshots(child))
                known.past = [known.now]
            known.parent, known.tree_id = new, child
            known.commits += made
            known.future.clear()
