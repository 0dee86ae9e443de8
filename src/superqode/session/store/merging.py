"""Merging tips: the state of `lanes` becomes a commit with both tips as parents, made of nothing but these.

Whoever merges the same two tips of a session, on whatever machine and in whatever order, gets the same commit.
"""

from __future__ import annotations

from dataclasses import dataclass

from superqode.session.codec import layout, message
from superqode.session.codec.meta import encode_meta
from superqode.session.errors import CorruptObject, CorruptSession, NewerFormat
from superqode.session.git.history import Fork, diverged
from superqode.session.git.object_codec import BLOB, TREE, Commit, Ident, TreeEntry
from superqode.session.git.objects import Objects
from superqode.session.git.repository import Repository
from superqode.session.store.lanes import Merged, merge_fork
from superqode.session.store.lines import moment, ticks
from superqode.session.store.speakers import LAST_SECOND
from superqode.session.store.state import Tree, counts, is_damage, read_entries, read_tree, times
from superqode.session.store.timeline_tree import write_timeline

__all__ = ["Union", "is_whole", "mend_merge", "merge_tips", "rename_tip", "unite", "write_mended", "write_merge"]


@dataclass(frozen=True, slots=True)
class Union:
    """What two tips are together.

    Attributes:
        tip: the one that holds all of the other already; empty where neither does.
        parents: the tips, in the order a merge commit has them.
        fork: their histories since they were one; `None` where `tip` is one of them.
        merged: their common state; `None` where `tip` is one of them.
    """

    tip: str
    parents: tuple[str, str]
    fork: Fork | None = None
    merged: Merged | None = None


def merge_tips(repository: Repository, session_id: str, ours: str, theirs: str) -> str:
    """Merge two tips of a session; gives the commit that has both, which may be one of them. No ref moves.

    The answer depends on the two commits and the id alone, and `theirs` and `ours` may change places. What it writes is
    durable when the caller makes it so (`Repository.moving` or `flush`). Who moves a branch there gives a reason: the
    reflog tells `undo` which of the two was here.

    Args:
        repository: the store.
        session_id: the session whose tips they are; its title and birth count, where a fork's has others.
        ours: a commit.
        theirs: another.

    Raises:
        CorruptSession: something on the way is damaged; `superqode sessions repair` may help.
        NewerFormat: a newer superqode wrote some of it.
        InvalidSession: the histories branch and meet too often to be followed, or there are too many entries.
        OSError: the disk said no.
    """
    union = unite(repository.objects, session_id, ours, theirs)
    return union.tip or write_merge(repository.objects, session_id, union)


def unite(objects: Objects, session_id: str, ours: str, theirs: str) -> Union:
    """Say what two tips of a session are together, and write nothing; arguments and errors as `merge_tips`."""
    try:
        fork = diverged(objects, ours, theirs, when=ticks)
        if theirs in fork.reached(ours):
            return Union(ours, (ours, theirs))
        ids = [_readable(objects, session_id, oid)[1].meta.id for oid in (ours, theirs)]
        # A fork that is merely further on would bring its own id along.
        if (ids[1] == session_id or ids[0] == ids[1]) and ours in fork.reached(theirs):
            return Union(theirs, (ours, theirs))
        parents = _ordered(objects, session_id, (ours, theirs), ids)
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem
    return Union("", parents, fork, merge_fork(objects, session_id, fork))


def _readable(objects: Objects, session_id: str, oid: str) -> tuple[Commit, Tree]:
    """A commit and its tree; of a merge that plain git left unreadable, those of its first parent."""
    while True:
        commit = objects.commit(oid)
        try:
            tree = read_tree(objects, commit, session_id)
            if len(commit.parents) > 1 and message.parse(commit.message).messages is None:  # not one of ours
                read_entries(objects, tree, session_id)
        except CorruptSession as problem:
            if is_damage(commit, problem):
                raise
        else:
            return commit, tree
        oid = commit.parents[0]


def _ordered(objects: Objects, session_id: str, tips: tuple[str, str], ids: list[str]) -> tuple[str, str]:
    """The session's own tip first; of two such the one saved earlier."""
    one, other = tips
    if (ids[0] == session_id) != (ids[1] == session_id):
        return tips if ids[0] == session_id else (other, one)
    first, second = sorted(tips, key=lambda oid: (ticks(objects.commit(oid)), oid))
    return first, second


def write_merge(objects: Objects, session_id: str, union: Union) -> str:
    """Write the commit of a merge; gives its id. Arguments and errors as `merge_tips`."""
    merged = union.merged
    if merged is None:
        return union.tip
    commit, tree = _readable(objects, session_id, union.parents[0])
    spoken, called = counts(objects, commit, tree, session_id)
    grown = (merged.messages - spoken, merged.executions - called)
    other = message.parse(objects.commit(union.parents[1]).message).session_id
    told = "merge:" if other in ("", session_id) else f"merge: {other}"
    return _write(objects, session_id, union.parents, merged, told + _grown(grown), grown)


def mend_merge(objects: Objects, session_id: str, oid: str) -> Merged | None:
    """What a session should hold that plain git merged file by file, so that it cannot be read; `None` for any other.

    Raises:
        CorruptSession: what it was merged of is damaged, too.
        NewerFormat: a newer superqode wrote it, or some of what it was merged of.
    """
    try:
        commit = objects.commit(oid)
        while commit.parents and not is_whole(objects, session_id, commit):
            if len(commit.parents) > 1:
                return merge_fork(objects, session_id, diverged(objects, *commit.parents, when=ticks))
            commit = objects.commit(commit.parents[0])
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem
    return None


def is_whole(objects: Objects, session_id: str, commit: Commit) -> bool:
    """Whether a save can be read; else plain git merged it, or what it goes on from, file by file.

    Raises:
        CorruptSession: it is damaged.
        NewerFormat: a newer superqode wrote it.
    """
    try:
        tree = read_tree(objects, commit, session_id)
        if tree.newer:  # whole or not, it is not for us to write on top of it
            raise tree.newer_format(session_id)
        read_entries(objects, tree, session_id)
    except NewerFormat:
        raise
    except CorruptSession as problem:
        if isinstance(problem.__cause__, CorruptObject):
            raise
        return False
    return True


def write_mended(objects: Objects, session_id: str, oid: str, merged: Merged) -> str:
    """Write a commit on top of one that cannot be read, with what `mend_merge` gave; gives its id."""
    return _write(objects, session_id, (oid,), merged, "repair: what plain git merged", (0, 0))


def _write(
    objects: Objects, session_id: str, parents: tuple[str, ...], merged: Merged, subject: str, grown: tuple[int, int]
) -> str:
    """Write a commit that is made of its parents alone: its time is a moment after theirs, its author the later one."""
    tree = _tree(objects, merged)
    return _commit(
        objects, session_id, parents, tree, subject, ((merged.messages, grown[0]), (merged.executions, grown[1]))
    )


def rename_tip(objects: Objects, tip: str, old: str, new: str) -> str:
    """Write a save on top of a session's that gives it another id, made of nothing else; gives its id. No ref moves.

    Raises:
        CorruptObject, CorruptSession: it is damaged.
    """
    commit = objects.commit(tip)
    tree = read_tree(objects, commit, old)
    meta = objects.write("blob", encode_meta(tree.meta.model_copy(update={"id": new})))
    root = [entry._replace(oid=meta) if entry.name == layout.META_FILE else entry for entry in objects.tree(tree.oid)]
    spoken, called = counts(objects, commit, tree, old)
    subject = f"rename: {old} to {new}"
    return _commit(objects, new, (tip,), objects.write_tree(root), subject, ((spoken, 0), (called, 0)))


def _commit(
    objects: Objects,
    session_id: str,
    parents: tuple[str, ...],
    tree: str,
    subject: str,
    numbers: tuple[tuple[int, int], tuple[int, int]],
) -> str:
    commits = [objects.commit(oid) for oid in parents]
    later = max(zip(commits, parents, strict=True), key=lambda pair: (ticks(pair[0]), pair[1]))[0]
    saved = moment(ticks(later) + 1)
    updated = max(times(commit)[1] for commit in commits)
    story = message.Story(
        subject=subject,
        session_id=session_id,
        saved_at=saved,
        updated_at=None if updated == times(later)[0] else updated,
        messages=numbers[0],
        executions=numbers[1],
        agent=message.parse(later.message).agent,
    )
    seconds = min(max(0, int(saved.timestamp())), LAST_SECOND)
    who = Ident(later.committer.name, later.committer.email, seconds)
    return objects.write_commit(tree, parents, who, who, message.compose(story))


def _grown(grown: tuple[int, int]) -> str:
    counted = zip(grown, ("message", "tool"), strict=True)
    told = [f" +{count} {what}{'' if count == 1 else 's'}" for count, what in counted if count > 0]
    return "".join(told) or " nothing new"


def _tree(objects: Objects, merged: Merged) -> str:
    timeline = write_timeline(objects, merged.timeline, merged.keep, merged.entries)
    root = [
        TreeEntry(BLOB, layout.FORMAT_FILE, objects.write("blob", layout.format_bytes())),
        TreeEntry(BLOB, layout.META_FILE, objects.write("blob", encode_meta(merged.meta))),
    ]
    if timeline is not None:
        root.append(TreeEntry(TREE, layout.TIMELINE, timeline))
    return objects.write_tree(root)
