"""Answers about commits, for `reconcile`: asked of a store's own objects, each once."""

from __future__ import annotations

from typing import Final

from superqode.session.codec import message
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.history import first_parents, is_ancestor
from superqode.session.git.objects import Objects
from superqode.session.git.repository import Repository
from superqode.session.store.sources import original_at

__all__ = ["Commits"]

# A rename is one of the last saves; further back it was seen long ago.
_FAR: Final = 10_000


class Commits:
    """A `History` over a repository; see there.

    Args:
        repository: where the commits of both sides are.
    """

    def __init__(self, repository: Repository) -> None:
        self._objects: Objects = repository.objects
        self._known: dict[tuple[str, str], bool] = {}

    def contains(self, new: str, old: str) -> bool:
        """Whether `old` is `new` or one of its ancestors."""
        if new == old:
            return True
        found = self._known.get((new, old))
        if found is None:
            try:
                found = is_ancestor(self._objects, old, new)
            except CorruptObject:
                found = False
            self._known[new, old] = found
        return found

    def was_renamed(self, session_id: str, new_id: str, tip: str, since: str) -> bool:
        """Whether a commit between the two renames the session."""
        subject = message.subject_line(f"rename: {session_id} to {new_id}")
        try:
            for number, (oid, commit) in enumerate(first_parents(self._objects, tip)):
                if oid == since or number > _FAR:
                    return False
                story = message.parse(commit.message)
                if (story.session_id, story.subject) == (new_id, subject):
                    return True
        except CorruptObject:
            return False
        return False

    def original_rank(self, commit: str) -> tuple[int, int, str]:
        """A dropped one first, so that what was scrubbed does not come back; then the longer; then the greater id."""
        try:
            original = original_at(self._objects, commit, "")
        except CorruptSession:
            return 0, 0, commit
        return (2 if original.dropped else 1), sum(file.size for file in original.files), commit
