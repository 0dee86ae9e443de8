"""What the store remembers of a session between load and save, and how a state is read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from superqode.session.codec import layout, message
from superqode.session.codec.entry import decode_entry
from superqode.session.codec.meta import Meta, decode_meta
from superqode.session.errors import CorruptObject, CorruptSession, InvalidEntry, InvalidSession, NewerFormat
from superqode.session.git.object_codec import TREE, Commit
from superqode.session.git.objects import Objects
from superqode.session.models import Entry, Message, SnapshotState
from superqode.session.store.timeline_files import EntryFiles, RawEntry, read_batches, read_files, walk_timeline

__all__ = [
    "Saved",
    "Tree",
    "check_names",
    "counts",
    "is_damage",
    "merged_by_git",
    "read_entries",
    "read_entry",
    "read_state",
    "read_tree",
    "saved_at",
    "times",
]


@dataclass(frozen=True, slots=True)
class Tree:
    """A session's tree, looked at without its timeline.

    Attributes:
        oid: the root tree's id.
        format_oid: the id of the file `format`.
        meta_oid: the id of `session.json`.
        timeline: the timeline's tree, or `None` where it is empty.
        meta: `session.json`, decoded.
        newer: the format is newer than what we write.
        format_text: what `format` says.
    """

    oid: str
    format_oid: str
    meta_oid: str
    timeline: str | None
    meta: Meta
    newer: bool
    format_text: str

    def newer_format(self, session_id: str) -> NewerFormat:
        """The error of who would have to write on top of it, or to read what only the newer format tells."""
        return NewerFormat(f"Session {session_id}", self.format_text, layout.FORMAT_NUMBER)


@dataclass(frozen=True, slots=True)
class Saved:
    """The commit a session in memory goes back to.

    Attributes:
        store: the store's path, as text.
        branch: the session's branch, or `None` for a fork that has none yet.
        commit: the commit.
        tree: its tree.
        entries: how many entries its timeline has.
        messages: how many of them are messages.
        saved_at: when it was saved.
        updated_at: what its session says of its last change.
    """

    store: str
    branch: str | None
    commit: str
    tree: Tree
    entries: int
    messages: int
    saved_at: datetime
    updated_at: datetime

    def forked(self) -> Saved:
        """The same commit as the beginning of another branch."""
        return replace(self, branch=None)


def read_tree(objects: Objects, commit: Commit, session_id: str) -> Tree:
    """Look at a commit's tree.

    Raises:
        CorruptSession: it is no session, or damaged.
    """
    try:
        root = {entry.name: entry for entry in objects.tree(commit.tree)}
        for name in (layout.FORMAT_FILE, layout.META_FILE):
            if name not in root:
                raise CorruptSession(session_id, f"its tree has no file {name}", path=name)
        format_bytes = objects.blob(root[layout.FORMAT_FILE].oid)
        number = layout.parse_format(format_bytes)
        if number is None:
            raise CorruptSession(session_id, "its format file is none of ours", path=layout.FORMAT_FILE)
        newer = number > layout.FORMAT_NUMBER
        meta = decode_meta(objects.blob(root[layout.META_FILE].oid), newer=newer)
    except (CorruptObject, InvalidSession) as problem:
        raise CorruptSession(session_id, str(problem), path=layout.META_FILE) from problem
    timeline = root.get(layout.TIMELINE)
    return Tree(
        oid=commit.tree,
        format_oid=root[layout.FORMAT_FILE].oid,
        meta_oid=root[layout.META_FILE].oid,
        timeline=timeline.oid if timeline is not None and timeline.mode == TREE else None,
        meta=meta,
        newer=newer,
        format_text=str(number),
    )


def read_entry(objects: Objects, files: EntryFiles) -> Entry:
    """Read one entry.

    Raises:
        InvalidEntry, CorruptObject: it is damaged.
    """
    raw = read_files(objects, files)
    return decode_entry(raw.json, raw.label, raw.side)


def read_entries(
    objects: Objects,
    tree: Tree,
    session_id: str,
    start: int = 0,
    *,
    keep: Callable[[RawEntry], None] | None = None,
) -> list[Entry]:
    """Read a timeline from entry `start` on; `keep` gets what each is decoded from.

    Raises:
        CorruptSession: an entry is damaged or missing, or names are not the format's; the path is in the error.
        NewerFormat: a newer superqode wrote what cannot be read.
    """
    entries: list[Entry] = []
    newer = tree.newer
    try:
        with objects.reading_many():
            for batch in read_batches(objects, tree.timeline, start):
                for raw in batch:
                    entries.append(decode_entry(raw.json, raw.label, raw.side, newer=newer))  # noqa: PERF401 - the count names the culprit
                if keep is not None:
                    for raw in batch:
                        keep(raw)
    except (InvalidEntry, CorruptObject) as problem:
        raise _damaged_at(session_id, tree, start + len(entries), problem) from problem
    return entries


def check_names(objects: Objects, tree: Tree, session_id: str) -> None:
    """Check that a timeline's directories and files have the names of the format; reads no entry.

    Raises:
        CorruptSession: they have not, or a tree is damaged.
        NewerFormat: a newer superqode gave them others.
    """
    number = 0
    try:
        for number, _ in enumerate(walk_timeline(objects, tree.timeline), 1):  # noqa: B007 - the count names the culprit
            pass
    except (InvalidEntry, CorruptObject) as problem:
        raise _damaged_at(session_id, tree, number, problem) from problem


def _damaged_at(session_id: str, tree: Tree, number: int, problem: Exception) -> CorruptSession:
    if tree.newer and isinstance(problem, InvalidEntry):
        return tree.newer_format(session_id)
    place = layout.Place.of(number)
    where = f"{layout.TIMELINE}/{place.top}/{place.middle}/{place.digits}"
    return CorruptSession(session_id, f"entry {number}: {problem}", path=where)


def is_damage(commit: Commit, problem: Exception) -> bool:
    """Whether a save cannot be read for damage; else plain git merged it file by file, and its parents tell more."""
    if isinstance(problem, NewerFormat):
        return True  # all that can be said of it here
    return len(commit.parents) < 2 or isinstance(problem.__cause__, CorruptObject)


def merged_by_git(commit: Commit, problem: CorruptSession) -> CorruptSession:
    """Give the error of a save that cannot be read, with what to do where plain git merged it file by file."""
    if is_damage(commit, problem):
        return problem
    told = "plain git merged this session file by file. `superqode sessions repair` merges it entry by entry"
    return CorruptSession(problem.session_id, f"{problem.reason}; {told}", path=problem.path)


def read_state(objects: Objects, commit_oid: str, session_id: str) -> SnapshotState:
    """Read the state a commit holds.

    Raises:
        CorruptSession: it is damaged.
    """
    try:
        commit = objects.commit(commit_oid)
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem
    tree = read_tree(objects, commit, session_id)
    return SnapshotState(
        tuple(read_entries(objects, tree, session_id)),
        tree.meta.files_modified,
        tree.meta.files_created,
        tree.meta.agents_used,
    )


def counts(objects: Objects, commit: Commit, tree: Tree, session_id: str) -> tuple[int, int]:
    """How many messages and tool executions a commit's session has.

    Raises:
        CorruptSession: it has to be read for that, and is damaged.
    """
    story = message.parse(commit.message)
    if story.messages is not None and story.executions is not None:
        return story.messages[0], story.executions[0]
    entries = read_entries(objects, tree, session_id)  # a commit that plain git made
    spoken = sum(1 for entry in entries if isinstance(entry, Message))
    return spoken, len(entries) - spoken


def saved_at(commit: Commit, story: message.Story) -> datetime:
    """When a commit was saved, with microseconds where its trailers tell."""
    if story.saved_at is not None:
        return story.saved_at
    try:
        return datetime.fromtimestamp(commit.committer.seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def times(commit: Commit) -> tuple[datetime, datetime]:
    """When a commit was saved, and when its session last changed."""
    story = message.parse(commit.message)
    saved = saved_at(commit, story)
    return saved, story.updated_at or saved
