"""The saves of a session that lie anywhere in a store, whatever refs say: what `repair` goes by where a ref is no help.

A session's id stands in copies of its saves as well: in those that a share masked, in what a public share is pushed as,
and in those that a scrub has replaced. None of them may take the session's place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple

from superqode.session.codec import message
from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.object_codec import TREE, Commit, Ident, parse_commit
from superqode.session.git.objects import Objects
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.redaction.marks import has_mark
from superqode.session.store.branches import is_gone
from superqode.session.store.ledger import SHARES
from superqode.session.store.scrubbed import SCRUBBED, Replaced, read_mark
from superqode.session.store.secrets import PREPARED
from superqode.session.store.state import saved_at
from superqode.session.store.trash import TRASH

__all__ = ["OwnSaves"]

_SHARED: Final = (PREPARED, f"refs/superqode/{SHARES}/")
_PUSHED: Final = b"\nSuperqode-Share: "
# What a share without its history begins with: title and tags alone.
_TITLE_ALONE: Final = "session: "


class _Save(NamedTuple):
    """A commit in the store; `reduced`: made for a share, whatever is in it."""

    session_id: str
    when: datetime
    parents: tuple[str, ...]
    reduced: bool


class OwnSaves:
    """All commits of a store, by session; they are read when first asked for.

    Args:
        repository: the store.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def of(self, session_id: str) -> list[str]:
        """A session's saves that can be read, newest first, and no copies of them."""
        known = self._known_by(session_id)
        names = {session_id} | {
            name
            for oid in known
            if (name := self._name(oid)) and is_gone(self._repository, name) and not self._is_in_trash(name)
        }
        replaced = {old for mark in self._marks.values() for old in mark.commits}
        found = {oid for name in names for oid in self._by_name.get(name, ())} - replaced
        copies = self._copies(found - known, known)
        return sorted(found - copies, key=lambda oid: (self._saves[oid].when, oid), reverse=True)

    def history(self, session_id: str) -> list[str]:
        """A session's saves and all before them, those of a session that it was forked off, too; in no order."""
        return sorted(oid for oid in self._behind(self.of(session_id)) if oid in self._saves)

    def others(self) -> list[str]:
        """All other commits that can be read: those of no session."""
        return sorted(self._by_name.get("", ()))

    def places(self, session_id: str) -> Iterator[tuple[str, str]]:
        """Where a session's branch may have been, the likeliest first: where it was found, and the commit.

        The reflog has no line for a save on top of another, so a later save is right where it follows its last line.
        """
        moves = self._repository.refs.log.moves(HEADS + session_id)
        logged = [new for _, new in moves if new]
        left = self._behind(old for old, _ in moves)
        own = [oid for oid in self.of(session_id) if oid not in left]
        if logged:
            later = self._following(logged[-1])
            yield from (("its commits", oid) for oid in own if oid in later)
            yield "the reflog", logged[-1]
        yield from (("its commits", oid) for oid in own)
        yield from (("the reflog", oid) for oid in reversed(logged))

    # -- what is in the store -----------------------------------------------------------------------------------------

    @cached_property
    def _saves(self) -> dict[str, _Save]:
        found: dict[str, _Save] = {}
        objects = self._repository.objects
        for oid in objects.every():
            with suppress(CorruptObject):
                kind, content = objects.read(oid)
                if kind == "commit":
                    found[oid] = _read(parse_commit(oid, content))
        return found

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for oid, save in self._saves.items():
            found.setdefault(save.session_id, []).append(oid)
        return found

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for oid, save in self._saves.items():
            for parent in save.parents:
                found.setdefault(parent, []).append(oid)
        return found

    @cached_property
    def _marks(self) -> dict[str, Replaced]:
        """What scrubs replaced, by the ref of each mark that can be read."""
        found: dict[str, Replaced] = {}
        for name, oid in self._repository.refs.items(SCRUBBED):
            with suppress(CorruptObject, CorruptSession):
                found[name] = read_mark(self._repository.objects, oid, name)
        return found

    @cached_property
    def _shared(self) -> set[str]:
        """Every commit that a share reaches."""
        return self._behind(oid for prefix in _SHARED for _, oid in self._repository.refs.items(prefix))

    def _name(self, oid: str) -> str:
        return self._saves[oid].session_id if oid in self._saves else ""

    def _is_in_trash(self, session_id: str) -> bool:
        return bool(self._repository.refs.names(f"{TRASH}{session_id}/"))

    def _behind(self, tips: Iterable[str]) -> set[str]:
        """Some commits and all before them, as far as they can be read."""
        waiting = [tip for tip in tips if tip]
        found: set[str] = set()
        while waiting:
            oid = waiting.pop()
            if oid not in found:
                found.add(oid)
                waiting += self._saves[oid].parents if oid in self._saves else ()
        return found

    def _following(self, oid: str) -> set[str]:
        """All commits that have this one somewhere before them."""
        waiting = [*self._children.get(oid, ())]
        found: set[str] = set()
        while waiting:
            oid = waiting.pop()
            if oid not in found:
                found.add(oid)
                waiting += self._children.get(oid, ())
        return found

    # -- whose it is --------------------------------------------------------------------------------------------------

    def _known_by(self, session_id: str) -> set[str]:
        """Every commit that the session's branch, reflog, snapshots, trash and scrubs tell of, and all before it."""
        refs, objects = self._repository.refs, self._repository.objects
        tips = [oid for move in refs.log.moves(HEADS + session_id) for oid in move]
        with suppress(CorruptObject):
            tips.append(refs.read(HEADS + session_id) or "")
        for prefix in (f"{TAGS}{session_id}/", f"{TRASH}{session_id}/"):
            for _, oid in refs.items(prefix):
                with suppress(CorruptObject):
                    tips.append(objects.peeled(oid) or oid)
        for name, mark in self._marks.items():
            if name.removeprefix(SCRUBBED).rpartition("/")[0] == session_id:
                tips += mark.commits.values()
        return self._behind(tips)

    def _copies(self, doubtful: set[str], known: set[str]) -> set[str]:
        """Those of some commits that are none of their session's: a share made them, or they follow such a one."""
        times: dict[tuple[str, datetime], int] = {}
        for oid in doubtful | known:
            if oid in self._saves:
                save = self._saves[oid]
                times[save.session_id, save.when] = times.get((save.session_id, save.when), 0) + 1

        def is_copy(oid: str) -> bool:
            save = self._saves[oid]
            is_shown = oid in self._shared or times.get((save.session_id, save.when), 0) > 1
            return save.reduced or (is_shown and _masks(self._repository.objects, oid))

        compared = (doubtful | {oid for oid in self._shared if oid in self._saves}) - known
        waiting = [oid for oid in compared if is_copy(oid)]
        found: set[str] = set()
        while waiting:
            oid = waiting.pop()
            if oid not in found:
                found.add(oid)
                waiting += [after for after in self._children.get(oid, ()) if after in compared]
        return found


def _read(commit: Commit) -> _Save:
    story = message.parse(commit.message)
    alone = not commit.parents and story.subject.startswith(_TITLE_ALONE)
    return _Save(story.session_id, saved_at(commit, story), commit.parents, alone or _PUSHED in commit.message)


def _masks(objects: Objects, oid: str) -> bool:
    """Whether a secret was masked in what a commit brings; what cannot be read masks nothing."""
    with suppress(CorruptObject):
        commit = objects.commit(oid)
        if has_mark(commit.message) or any(has_mark(_said(ident)) for ident in (commit.author, commit.committer)):
            return True
        before = ""
        with suppress(CorruptObject):
            before = objects.commit(commit.parents[0]).tree if commit.parents else ""
        return any(map(has_mark, _news(objects, commit.tree, before)))
    return False


def _said(ident: Ident) -> bytes:
    return f"{ident.name} {ident.email}".encode("utf-8", "surrogatepass")


def _news(objects: Objects, tree: str, before: str) -> Iterator[bytes]:
    """The names, and the contents of the files, that a tree has and another one has not."""
    old: dict[str, str] = {}
    with suppress(CorruptObject):
        old = {entry.name: entry.oid for entry in objects.tree(before)} if before else {}
    for entry in objects.tree(tree):
        if old.get(entry.name) != entry.oid:
            yield entry.name.encode("utf-8", "surrogateescape")
            if entry.mode == TREE:
                yield from _news(objects, entry.oid, old.get(entry.name, ""))
            else:
                with suppress(CorruptObject):
                    yield objects.blob(entry.oid)
