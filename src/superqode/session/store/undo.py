"""Undo and redo: new commits that go back and forth along the saves, found by the trailers of their messages.

A save's position is itself; the position of an undo or redo is the save it went to. Undo goes to the last save before
the position whose conversation differs; redo goes the same way back, until something new is saved. Before a merge was
what this machine had: the parent at which the branch stood when it moved to the merge, else the first one. A merge of
plain git's that nothing can read is passed over.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from superqode.session.codec import message
from superqode.session.errors import CorruptObject, CorruptSession, NothingToRedo, NothingToUndo
from superqode.session.git.object_codec import Commit
from superqode.session.git.repository import HEADS, Repository
from superqode.session.models import Session, Snapshot, Step
from superqode.session.store.merging import is_whole
from superqode.session.store.state import Tree, read_state, read_tree, saved_at

__all__ = ["prepare_redo", "prepare_restore", "prepare_undo"]

_MOVES = ("undo", "redo")


class _Saves:
    def __init__(self, repository: Repository, session_id: str, tip: str) -> None:
        self._objects = repository.objects
        self._refs = repository.refs
        self._session_id = session_id
        self._tip = tip

    def commit(self, oid: str) -> Commit:
        try:
            return self._objects.commit(oid)
        except CorruptObject as problem:
            raise CorruptSession(self._session_id, str(problem)) from problem

    def story(self, oid: str) -> message.Story:
        return message.parse(self.commit(oid).message)

    def tree(self, oid: str) -> Tree:
        return read_tree(self._objects, self.commit(oid), self._session_id)

    def parent(self, oid: str) -> str:
        """The save before a commit, as this machine saw it; empty where there is none."""
        parents = self.commit(oid).parents
        if len(parents) > 1:
            return next((old for old, new in self._moves if new == oid and old in parents), parents[0])
        return parents[0] if parents else ""

    @cached_property
    def _moves(self) -> list[tuple[str, str]]:
        return self._refs.log.moves(HEADS + self._session_id)

    def position(self, oid: str) -> str:
        """The save that a commit shows."""
        seen: set[str] = set()
        while oid not in seen:
            seen.add(oid)
            story = self.story(oid)
            if story.action not in _MOVES or not story.restores:
                break
            oid = story.restores
        return oid

    def before(self, oid: str) -> str | None:
        """The last save before this one with another conversation, or `None`: a fork begins where it branched off."""
        if self.story(oid).session_id != self._session_id and oid == self._branched_off():
            return None
        shown = self._shown(oid)
        while True:
            parent = self.parent(oid)
            if not parent:
                return None
            begins = self._begins(oid, parent)
            oid = parent if begins else self.position(parent)
            if self._is_readable(oid) and self._shown(oid) != shown:
                return oid
            if begins:
                return None

    def _is_readable(self, oid: str) -> bool:
        """Whether there is anything to go back to: not where plain git merged file by file, until it was repaired."""
        ours = self.story(oid).messages is not None
        return ours or is_whole(self._objects, self._session_id, self.commit(oid))

    def _branched_off(self) -> str | None:
        """The commit of another session that this one goes on from; `None` where it is nobody's fork."""
        oid = self._tip
        while parent := self.parent(oid):
            if self._begins(oid, parent):
                return parent
            oid = parent
        return None

    def _begins(self, oid: str, parent: str) -> bool:
        """Whether a commit is the first of its session: a fork's, whose parent is another session's."""
        story, before = self.story(oid), self.story(parent)
        other = bool(story.session_id and before.session_id) and story.session_id != before.session_id
        return story.action == "fork" or (other and not story.subject.startswith("rename: "))

    def _shown(self, oid: str) -> tuple[object, ...]:
        tree = self.tree(oid)
        return tree.timeline, tree.meta.files_modified, tree.meta.files_created, tree.meta.agents_used

    def last_save(self, tip: str) -> str:
        """The newest commit that is neither an undo nor a redo."""
        while self.story(tip).action in _MOVES:
            tip = self.parent(tip)
        return tip


def prepare_undo(repository: Repository, session: Session, tip: str) -> None:
    """Make the session in memory what it was one save ago; saving it makes the commit.

    Raises:
        NothingToUndo: it is at its first save.
    """
    saves = _Saves(repository, session.id, tip)
    target = saves.before(saves.position(tip))
    if target is None:
        raise NothingToUndo(session.id)
    _move(repository, session, "undo", target)


def prepare_redo(repository: Repository, session: Session, tip: str) -> None:
    """Make the session in memory what it was before the last undo.

    Raises:
        NothingToRedo: nothing was undone since the last save.
    """
    saves = _Saves(repository, session.id, tip)
    position = saves.position(tip)
    ahead = saves.last_save(tip)
    if position == ahead:
        raise NothingToRedo(session.id)
    while True:
        behind = saves.before(ahead)
        if behind is None:
            raise NothingToRedo(session.id)
        if behind == position:
            break
        ahead = behind
    _move(repository, session, "redo", ahead)


def prepare_restore(repository: Repository, session: Session, target: str) -> None:
    """Make the session in memory what it was at a commit; saving it makes the commit."""
    _move(repository, session, "restore", target)


def _move(repository: Repository, session: Session, kind: Literal["restore", "undo", "redo"], target: str) -> None:
    state = read_state(repository.objects, target, session.id)
    commit = repository.objects.commit(target)
    story = message.parse(commit.message)
    place = Snapshot(target[:12], story.subject, saved_at(commit, story), state=state, commit=target)
    session._steps.append(Step(kind, state, place))
    session._apply(state)
