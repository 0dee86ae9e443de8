"""What the store remembers of a session between load and save, and how a state is read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from superqode.session.codec import layout, message
from superqode.session.codec.entry import decode_entry
from superqode.session.codec.meta import Meta, decode_meta
from superqode.session.errors import CorruptObject, CorruptSession, InvalidEntry, InvalidSession
from superqode.session.git.objects import TREE, Commit, Objects, TreeEntry
from superqode.session.models import Entry, Message, SnapshotState

__all__ = [
    "EntryFiles",
    "Saved",
    "Tree",
    "check_names",
    "counts",
    "entry_files",
    "is_damage",
    "merged_by_git",
    "read_entries",
    "read_entry",
    "read_state",
    "read_tree",
    "saved_at",
    "times",
    "walk_timeline",
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


@dataclass(slots=True)
class EntryFiles:
    """The files of one entry: its name's label, its JSON file, the parts of its side text."""

    label: str
    json: str
    sides: list[str]

    @property
    def key(self) -> str:
        """Names the entry's content: equal keys, equal entries."""
        return ":".join([self.json, *self.sides])


def walk_timeline(objects: Objects, timeline: str | None, start: int = 0) -> Iterator[EntryFiles]:
    """Give the files of each entry from `start` on, in order.

    Raises:
        InvalidEntry: the names do not follow the format.
        CorruptObject: a tree is damaged or missing.
    """
    if timeline is None:
        return
    place = layout.Place.of(start)
    index = start - start % layout.FANOUT
    short = False
    for top in objects.tree(timeline):
        if top.name < place.top:
            continue
        for middle in objects.tree(top.oid):
            if top.name == place.top and middle.name < place.middle:
                continue
            expected = layout.Place.of(index)
            if short or (top.name, middle.name) != (expected.top, expected.middle):
                raise InvalidEntry(
                    f"the directory {top.name}/{middle.name} stands where {expected.top}/{expected.middle} should"
                )
            number = -1
            for number, files in enumerate(entry_files(objects.tree(middle.oid))):
                if index + number >= start:
                    yield files
            short = number + 1 < layout.FANOUT  # only the last directory may be
            index += layout.FANOUT


def entry_files(entries: tuple[TreeEntry, ...]) -> Iterator[EntryFiles]:
    """Give the files of each entry in a last directory of a timeline, in order.

    Raises:
        InvalidEntry: the names do not follow the format.
    """
    found: EntryFiles | None = None
    number = -1
    for entry in entries:
        name = layout.parse_name(entry.name)
        if name is None:
            raise InvalidEntry(f"the name {entry.name!r} is none of the format's")
        if int(name.digits) == number + 1:
            if found is not None:
                yield found
            number += 1
            found = EntryFiles(name.label, "", [])
        if found is None or int(name.digits) != number or name.label != found.label:
            twice = found is not None and int(name.digits) == number
            why = f"stands where {name.digits}-{found.label}.json does" if twice and found else "is out of order"
            raise InvalidEntry(f"{entry.name} {why}")
        if not name.field:
            found.json = entry.oid
        else:
            found.sides.append(entry.oid)
    if found is not None:
        yield found


def read_entry(objects: Objects, files: EntryFiles, *, newer: bool = False) -> Entry:
    """Read one entry.

    Raises:
        InvalidEntry, CorruptObject: it is damaged.
    """
    if not files.json:
        raise InvalidEntry("its JSON file is missing")
    side = b"".join([objects.blob(oid) for oid in files.sides]) if files.sides else None
    return decode_entry(objects.blob(files.json), files.label, side, newer=newer)


def read_entries(objects: Objects, tree: Tree, session_id: str, start: int = 0) -> list[Entry]:
    """Read a timeline from entry `start` on.

    Raises:
        CorruptSession: an entry is damaged or missing, or names are not the format's; the path is in the error.
    """
    entries: list[Entry] = []
    newer = tree.newer
    try:
        with objects.reading_many():
            for files in walk_timeline(objects, tree.timeline, start):
                entries.append(read_entry(objects, files, newer=newer))  # noqa: PERF401 - the count names the culprit
    except (InvalidEntry, CorruptObject) as problem:
        raise _damaged_at(session_id, start + len(entries), problem) from problem
    return entries


def check_names(objects: Objects, tree: Tree, session_id: str) -> None:
    """Check that a timeline's directories and files have the names of the format; reads no entry.

    Raises:
        CorruptSession: they have not, or a tree is damaged.
    """
    number = 0
    try:
        for number, _ in enumerate(walk_timeline(objects, tree.timeline), 1):  # noqa: B007 - the count names the culprit
            pass
    except (InvalidEntry, CorruptObject) as problem:
        raise _damaged_at(session_id, number, problem) from problem


def _damaged_at(session_id: str, number: int, problem: Exception) -> CorruptSession:
    place = layout.Place.of(number)
    where = f"{layout.TIMELINE}/{place.top}/{place.middle}/{place.digits}"
    return CorruptSession(session_id, f"entry {number}: {problem}", path=where)


def is_damage(commit: Commit, problem: Exception) -> bool:
    """Whether a save cannot be read for damage; else plain git merged it file by file, and its parents tell more."""
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
