"""The trash: deleted sessions under `refs/superqode/trash/<session-id>/<time>/`, their commits kept alive.

    refs/superqode/trash/<session-id>/20261122T100000.123456Z/branch
    refs/superqode/trash/<session-id>/20261122T100000.123456Z/tags/<snapshot-id>

New refs are made before old ones go, so a crash between leaves both and loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from superqode.session import clock
from superqode.session.errors import (
    AmbiguousId,
    CorruptObject,
    CorruptSession,
    RefConflict,
    SessionExists,
    SessionNotFound,
    StoreLocked,
)
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.store.branches import branch_ref, check_new_id, check_taggable
from superqode.session.store.operations.removals import went_with_operation
from superqode.session.store.results import TrashItem
from superqode.session.store.state import read_tree

__all__ = [
    "EMPTY",
    "TIME_FORMAT",
    "TRASH",
    "chosen",
    "copies",
    "find_item",
    "is_lost",
    "moment_of",
    "move_to_trash",
    "move_together",
    "move_trash",
    "rescue",
    "take_out",
    "throw_away",
    "title_at",
]

TRASH: Final = "refs/superqode/trash/"
TIME_FORMAT: Final = "%Y%m%dT%H%M%S.%fZ"
EMPTY: Final = " The trash is empty"
"""What is said of a name that it does not have."""
# How long a listing waits for who holds a session that was lost, in seconds.
_PATIENCE: Final = 1.0
# An id of plain git may have any folders, `tags` too, and so may a tag: the first time tells where the id ends.
_REF: Final = re.compile(re.escape(TRASH) + r"(.+?)/(\d{8}T\d{6}\.\d{6}Z)/(?:branch|tags/(.+))")


def move_to_trash(repository: Repository, session_id: str) -> bool:
    """Move a session's branch and tags to the trash; says whether there was one.

    The caller holds its lock, and flushes afterwards.
    """
    tip = repository.refs.read(branch_ref(session_id))
    if tip is None:
        return False
    tags = _copy(repository, session_id, tip)
    # The branch first: cut short here, what is in the trash is whole, and no session stands there without its tags.
    repository.refs.delete(HEADS + session_id, tip)
    repository.refs.delete_all(tags)
    repository.flush_later([str(repository.path / "HEAD")])
    return True


def move_together(repository: Repository, tips: Mapping[str, str]) -> list[str]:
    """Move sessions to the trash that are still where they are told to be, and give their ids.

    The caller holds their locks, and flushes afterwards.
    Many cost little more than one: their refs are made, and go, in `packed-refs`, which is written once for all.
    """
    refs = repository.refs
    copied = {
        session_id: copies(repository, session_id, tip)
        for session_id, tip in tips.items()
        if refs.read(branch_ref(session_id)) == tip
    }
    tagged = {session_id: refs.items(f"{TAGS}{session_id}/") for session_id in copied}
    made = {name: oid for copy in copied.values() for name, oid in copy.items()}
    if not made:
        return []
    refs.create_all({name: PackedRef(oid, repository.objects.peeled(oid)) for name, oid in made.items()})
    repository.flush([str(repository.path / "packed-refs")])
    # The branches first, as when there is one.
    gone = set(refs.delete_all({HEADS + session_id: tips[session_id] for session_id in copied}))
    moved = [session_id for session_id in copied if HEADS + session_id in gone]
    refs.delete_all(dict(pair for session_id in moved for pair in tagged[session_id]))
    stayed = [session_id for session_id in copied if session_id not in moved]  # plain git saved at this very moment
    refs.delete_all(dict(pair for session_id in stayed for pair in copied[session_id].items()))
    repository.flush_later([str(repository.path / "HEAD")])
    return moved


def copies(repository: Repository, session_id: str, tip: str) -> dict[str, str]:
    """The refs that a session has in the trash when it is deleted now, with their ids; the branch first."""
    refs = repository.refs
    moment = clock.now().astimezone(UTC)
    while refs.read(f"{TRASH}{session_id}/{moment.strftime(TIME_FORMAT)}/branch") is not None:
        moment += timedelta(microseconds=1)  # a clock that is coarse, or was set back
    folder = f"{TRASH}{session_id}/{moment.strftime(TIME_FORMAT)}"
    tags = refs.items(f"{TAGS}{session_id}/")
    prefix = f"{TAGS}{session_id}/"
    return {f"{folder}/branch": tip} | {f"{folder}/tags/{name.removeprefix(prefix)}": oid for name, oid in tags}


def _copy(repository: Repository, session_id: str, tip: str) -> dict[str, str]:
    """Put copies of a session's refs into the trash, durably; gives those of its tags that have one there."""
    ident = repository.committer()
    made = copies(repository, session_id, tip)
    for name, oid in made.items():
        repository.refs.update(name, oid, None, ident=ident, reason="trash: deleted")
    repository.flush([str(repository.path / name) for name in made])
    below = next(iter(made)).removesuffix("branch") + "tags/"
    return {
        f"{TAGS}{session_id}/{name.removeprefix(below)}": oid for name, oid in made.items() if name.startswith(below)
    }


def rescue(repository: Repository, session_id: str, tip: str) -> bool:
    """Put a branch into the trash that plain git deleted, unless it is there already or its commit is gone.

    Says no where another process holds the session: a listing does not wait for that, and the next one tries again.
    A listing may look between the moment that a renaming or a sync removes a branch and the one that it takes it out
    of the index: the operation log tells that apart, which is written before any ref moves.
    """
    try:
        with repository.writing(session_id, timeout=_PATIENCE):
            if is_lost(repository, session_id, tip):
                repository.refs.delete_all(_copy(repository, session_id, tip))
    except StoreLocked:
        return False
    return True


def is_lost(repository: Repository, session_id: str, tip: str) -> bool:
    """Whether plain git deleted a session whose branch was last seen at a commit, and it is in no trash."""
    if repository.refs.read(branch_ref(session_id)) is not None:
        return False
    if any(oid == tip for _, oid in repository.refs.items(f"{TRASH}{session_id}/")):
        return False
    return repository.objects.has(tip) and not went_with_operation(repository, session_id, tip)


class _Lying(NamedTuple):
    """What the refs alone tell of an item: whose it is, when it was deleted, where its branch is, its snapshots."""

    session_id: str
    time: str
    deleted_at: datetime
    tip: str
    snapshots: tuple[str, ...]

    def item(self, repository: Repository) -> TrashItem:
        """The item with its title, which takes reading its last save."""
        title = title_at(repository, self.tip)
        key = f"{self.session_id}/{self.time}"
        return TrashItem(self.session_id, key, self.deleted_at, title, self.tip, self.snapshots)


def _lying(repository: Repository, beginning: str = "") -> list[_Lying]:
    """All of it whose names begin so, newest first."""
    branches: list[tuple[str, str, datetime, str]] = []
    tags: dict[tuple[str, str], list[str]] = {}
    for name, oid in repository.refs.items(TRASH):
        found = _REF.fullmatch(name) if name.startswith(TRASH + beginning) else None
        if found is None:
            continue
        session_id, time, tag = found.groups()
        if tag is not None:
            tags.setdefault((session_id, time), []).append(tag)
        elif (deleted_at := moment_of(time)) is not None:
            branches.append((session_id, time, deleted_at, oid))
    items = [
        _Lying(session_id, time, deleted_at, oid, tuple(tags.get((session_id, time), ())))
        for session_id, time, deleted_at, oid in branches
    ]
    return sorted(items, key=lambda item: item.deleted_at, reverse=True)


def moment_of(time: str) -> datetime | None:
    """When that was, or `None` where a ref that somebody else made says a day that never was."""
    try:
        return datetime.strptime(time, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def title_at(repository: Repository, tip: str) -> str:
    """The title that a session has at a commit; empty where it cannot be read."""
    try:
        return read_tree(repository.objects, repository.objects.commit(tip), "").meta.title
    except (CorruptObject, CorruptSession):
        return ""


def find_item(repository: Repository, text: str) -> TrashItem:
    """The item a text names: a key, a session's id (its newest deletion), or the beginning of exactly one id.

    Raises:
        SessionNotFound, AmbiguousId.
    """
    return _found(_lying(repository), text).item(repository)


def _found(items: Sequence[_Lying], text: str) -> _Lying:
    exact = next((item for item in items if text in (f"{item.session_id}/{item.time}", item.session_id)), None)
    if exact is not None:
        return exact
    begun = sorted({item.session_id for item in items if text and item.session_id.startswith(text)})
    if len(begun) > 1:
        raise AmbiguousId(text, begun)
    if not begun:
        known = sorted({item.session_id for item in items})[:3]
        hint = " The trash has: " + ", ".join(known) if known else EMPTY
        raise SessionNotFound(text, hint=hint)
    return next(item for item in items if item.session_id == begun[0])


def chosen(
    repository: Repository,
    name: str | None,
    older_than: timedelta | None,
    beginning: str = "",
    limit: int | None = None,
) -> list[TrashItem]:
    """Give what is in the trash, newest first.

    Args:
        repository: the store.
        name: only the item that this names.
        older_than: only items deleted longer ago.
        beginning: only those of sessions whose ids begin so.
        limit: at most so many.

    Raises:
        SessionNotFound, AmbiguousId: as `find_item`.
    """
    before = clock.now() - older_than if older_than is not None else None
    found = _lying(repository, beginning) if name is None else [_found(_lying(repository), name)]
    left = [
        lying
        for lying in found
        if lying.session_id.startswith(beginning) and (before is None or lying.deleted_at < before)
    ]
    return [lying.item(repository) for lying in left[:limit]]


def take_out(repository: Repository, item: TrashItem, session_id: str) -> None:
    """Bring a session back under an id that is free. The caller holds that id's lock.

    Raises:
        SessionExists: the id is taken.
        SessionNotFound: the item was purged since it was found.
        InvalidSession: a tag stands where its snapshots would.
    """
    found = repository.refs.read(branch_ref(session_id))
    if found is None and repository.refs.read(f"{TRASH}{item.key}/branch") != item.tip:
        raise SessionNotFound(item.key, hint=" It is not in the trash any more")
    # At the very commit: an undelete that was cut short, and goes on.
    if found not in (None, item.tip):
        raise SessionExists.taken(session_id, "Bring it back under another id (--id)")
    if session_id != item.session_id:
        check_new_id(repository, session_id)
    refs, ident = repository.refs, repository.committer()
    folder = f"{TRASH}{item.key}/"
    if item.snapshots:
        check_taggable(repository, session_id)
    # The snapshots first: cut short here, nothing is back yet, and the next try finds all of it.
    for name, oid in refs.items(folder + "tags/"):
        snapshot_id = name.removeprefix(folder + "tags/")
        try:
            refs.update(f"{TAGS}{session_id}/{snapshot_id}", oid, None, ident=ident, reason="trash: brought back")
        except RefConflict:
            continue  # somebody made a tag of that name meanwhile: theirs stays, ours is in the trash's reflog
    if found is None:
        refs.update(branch_ref(session_id), item.tip, None, ident=ident, reason="trash: brought back")
    # Packed as well: a `git pack-refs` that saw the ref before it was deleted takes the file for what it has packed.
    back = {branch_ref(session_id): PackedRef(item.tip)}
    back |= {name: PackedRef(oid, repository.objects.peeled(oid)) for name, oid in refs.items(f"{TAGS}{session_id}/")}
    refs.create_all(back)
    repository.flush([str(repository.path / "packed-refs")])
    throw_away(repository, [item])


def throw_away(repository: Repository, items: Iterable[TrashItem]) -> None:
    """Remove the refs of items from the trash."""
    repository.refs.delete_all(dict(pair for item in items for pair in repository.refs.items(f"{TRASH}{item.key}/")))


def move_trash(repository: Repository, old: str, new: str) -> None:
    """Let earlier deletions of a session follow its renaming."""
    refs, ident = repository.refs, repository.committer()
    there = refs.items(f"{TRASH}{old}/")
    for name, oid in there:
        target = name.replace(f"{TRASH}{old}/", f"{TRASH}{new}/", 1)
        if refs.read(target) != oid:  # as it is where the renaming was cut short
            refs.update(target, oid, None, ident=ident, reason="trash: renamed")
    refs.delete_all(dict(there))
