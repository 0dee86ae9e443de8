"""Two tips of a session and all that led to them → what they are together.

The answer depends on the saves alone, on no clock or machine that asks, and is the same whichever tip is named first.
What each save did to its parent is told to `Woven` (the entries, and each list of `session.json`) and to registers
(each entry's content, and each other field), for every save since all ways were one. A save that merged only counts
for what it did on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from superqode.session.codec import message
from superqode.session.codec.meta import Meta
from superqode.session.errors import CorruptObject, CorruptSession, InvalidEntry, NewerFormat
from superqode.session.git.history import Fork
from superqode.session.git.object_codec import Commit
from superqode.session.git.objects import Objects
from superqode.session.models import Entry, Message
from superqode.session.store.lines import Lines, in_order, ticks
from superqode.session.store.merge import without_created
from superqode.session.store.state import Tree, counts, is_damage, read_entry, read_tree
from superqode.session.store.timeline_files import EntryFiles, walk_timeline
from superqode.session.store.timeline_tree import common_entries, count_entries
from superqode.session.store.weave import Woven

__all__ = ["OWN", "Merged", "merge_fork"]

_LISTS: Final = ("files_modified", "files_created", "agents_used", "tags")
# A fork has its own; merged back, they stay those of the session that takes it in.
OWN: Final = ("id", "title", "created_at", "parent_session_id")
_GONE: Final = object()


@dataclass(frozen=True, slots=True)
class Merged:
    """What two tips are together.

    Attributes:
        timeline: the timeline whose first entries stay, as a tree.
        keep: how many of them.
        entries: those that follow.
        meta: `session.json`.
        messages: how many messages there are in all.
        executions: how many tool executions.
    """

    timeline: str | None
    keep: int
    entries: list[Entry]
    meta: Meta
    messages: int
    executions: int

    def followed_by(self, entry: Entry) -> Merged:
        """The same with one more entry at the end."""
        spoken = isinstance(entry, Message)
        return replace(
            self,
            entries=[*self.entries, entry],
            messages=self.messages + spoken,
            executions=self.executions + (not spoken),
        )


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a save holds; of what plain git merged into something unreadable, what its first parent holds."""

    timeline: str | None = None
    meta: Meta | None = None
    readable: bool = True


@dataclass(slots=True)
class _Register:
    """Values of one field, each with the change that set it, in the order of changes."""

    knows: Callable[[int, int], bool]
    events: list[tuple[int, Any]] = field(default_factory=list)

    def set(self, number: int, value: Any) -> None:
        self.events.append((number, value))

    def latest(self, tips: Sequence[int] = ()) -> Any:
        """What was set last, of all or of what some changes know of; `_GONE` where nothing was."""
        for number, value in reversed(self.events):
            if not tips or any(self.knows(tip, number) for tip in tips):
                return value
        return _GONE


def merge_fork(objects: Objects, session_id: str, fork: Fork) -> Merged:
    """Give what a session's tips are together, from all saves since they were one.

    Raises:
        CorruptSession: something on the way is damaged.
        NewerFormat: a newer superqode wrote some of it.
        InvalidSession: the histories are too tangled.
    """
    try:
        return _Lanes(objects, session_id, fork).merged()
    except CorruptObject as problem:
        raise CorruptSession(session_id, str(problem)) from problem


class _Lanes:
    def __init__(self, objects: Objects, session_id: str, fork: Fork) -> None:
        self._objects = objects
        self._session_id = session_id
        self._fork = fork
        self._lines = Lines()
        self._entries: dict[str, Entry] = {}
        self._root_commit = objects.commit(fork.root) if fork.root is not None else None
        root = self._tree(self._root_commit) if self._root_commit is not None else None
        self._root = root
        self._begin = _Shape() if root is None else _Shape(root.timeline, root.meta)
        self._shapes: dict[str, _Shape] = {} if fork.root is None else {fork.root: self._begin}
        self._numbers: dict[str, int] = {} if fork.root is None else {fork.root: 0}
        # Ids that are one session's, since a save renamed it: each to one of them.
        self._ids: dict[str, str] = {}
        self._order = in_order(fork.commits, ticks(self._root_commit) if self._root_commit is not None else 0)
        self._common: dict[str, int] = {}
        self._kept = self._untouched()
        knows = self._lines.knows
        try:
            begun = self._tail(self._begin.timeline, self._kept)
        except InvalidEntry as problem:
            raise self._damaged(str(fork.root), problem) from problem
        self._begun = begun
        self._woven: Woven[str] = Woven(begun, knows)
        self._contents = {name: _Register(knows, [(0, files)]) for name, files in begun.items()}
        told = self._begin.meta
        self._lists: dict[str, Woven[str]] = {
            name: Woven(getattr(told, name) if told is not None else (), knows) for name in _LISTS
        }
        self._fields: dict[tuple[str, ...], _Register] = {}
        if told is not None:
            for name, value in self._values(told).items():
                self._field(name).set(0, value)

    # -- reading ------------------------------------------------------------------------------------------------------

    def _tree(self, commit: Commit) -> Tree:
        tree = read_tree(self._objects, commit, self._session_id)
        if tree.newer:
            raise tree.newer_format(self._session_id)
        return tree

    def _untouched(self) -> int:
        """Look at each save's tree; gives how many leading entries no save changed."""
        kept = count_entries(self._objects, self._begin.timeline)
        for oid in self._order:
            commit = self._fork.commits[oid]
            before = self._before(commit)
            try:
                tree = self._tree(commit)
                shape = _Shape(tree.timeline, tree.meta)
                common = common_entries(self._objects, before.timeline, shape.timeline)
                self._tail(shape.timeline, common)
            except NewerFormat:
                raise
            except (CorruptSession, InvalidEntry) as problem:
                # What plain git merged file by file can be told from its parents; all else is damage.
                if is_damage(commit, problem) and before.readable:
                    raise self._damaged(oid, problem) from problem
                shape = _Shape(before.timeline, before.meta, readable=False)
                common = count_entries(self._objects, before.timeline)
            self._notice_renaming(commit, before.meta, shape.meta)
            self._shapes[oid] = shape
            self._common[oid] = common
            kept = min(kept, common)
        return kept

    def _damaged(self, oid: str, problem: CorruptSession | InvalidEntry) -> CorruptSession:
        told, path = (str(problem), "") if isinstance(problem, InvalidEntry) else (problem.reason, problem.path)
        return CorruptSession(self._session_id, f"its save {oid[:12]}: {told}", path=path)

    def _notice_renaming(self, commit: Commit, before: Meta | None, meta: Meta | None) -> None:
        if before is None or meta is None or before.id == meta.id:
            return
        if message.parse(commit.message).subject == message.subject_line(f"rename: {before.id} to {meta.id}"):
            one, other = sorted((self._one_id(before.id), self._one_id(meta.id)))
            self._ids[other] = one

    def _one_id(self, session_id: str) -> str:
        while self._ids.get(session_id, session_id) != session_id:
            session_id = self._ids[session_id]
        return session_id

    def _before(self, commit: Commit) -> _Shape:
        return self._shapes[commit.parents[0]] if commit.parents else _Shape()

    def _tail(self, timeline: str | None, start: int) -> dict[str, EntryFiles]:
        """The entries of a timeline from a place on, by id.

        Raises:
            InvalidEntry: they are not as the format says.
        """
        return {self._entry(files).id: files for files in walk_timeline(self._objects, timeline, start)}

    def _entry(self, files: EntryFiles) -> Entry:
        found = self._entries.get(files.key)
        if found is None:
            found = self._entries[files.key] = read_entry(self._objects, files)
        return found

    # -- what each save did -------------------------------------------------------------------------------------------

    def merged(self) -> Merged:
        for oid in self._order:
            commit = self._fork.commits[oid]
            number = self._numbers[oid] = self._lines.add(tuple(self._numbers[parent] for parent in commit.parents))
            self._tell(number, oid, commit)
        return self._together()

    def _tell(self, number: int, oid: str, commit: Commit) -> None:
        before, shape = self._before(commit), self._shapes[oid]
        if not shape.readable:
            return
        start = self._common[oid]
        left = start - 1 if start > self._kept else start
        old = self._tail(before.timeline, start)
        new = self._tail(shape.timeline, left)
        merges = [self._numbers[parent] for parent in commit.parents]
        alone = len(merges) < 2 and before.readable
        behind = next(iter(new), None) if left < start else None
        if behind is not None:
            del new[behind]
        self._woven.place(number, behind, tuple(old), tuple(new), merges=not alone)
        if alone:
            self._changed(number, old, new)
        else:
            self._settle(number, merges, self._tail(shape.timeline, self._kept))
        if shape.meta is not None:
            self._meta(number, merges, before.meta, shape.meta, alone=alone)

    def _changed(self, number: int, old: Mapping[str, EntryFiles], new: Mapping[str, EntryFiles]) -> None:
        edited = [name for name, files in new.items() if name not in old or old[name].key != files.key]
        self._woven.mark(number, edited)
        self._woven.drop(number, [name for name in old if name not in new])
        for name in edited:
            self._content(name).set(number, new[name])

    def _settle(self, number: int, parents: Sequence[int], whole: Mapping[str, EntryFiles]) -> None:
        """What a save that merged did on its own."""
        expected = self._woven.held(parents)
        self._woven.drop(number, sorted(expected - whole.keys()))
        for name, files in whole.items():
            content = self._content(name)
            known = content.latest(parents)
            if name not in expected or known is _GONE or known.key != files.key:
                self._woven.mark(number, [name])
                content.set(number, files)

    def _meta(self, number: int, parents: Sequence[int], before: Meta | None, meta: Meta, *, alone: bool) -> None:
        if alone and before == meta:
            return
        for name, woven in self._lists.items():
            old = tuple(dict.fromkeys(getattr(before, name) if before is not None else ()))
            new = tuple(dict.fromkeys(getattr(meta, name)))
            if old != new:
                woven.place(number, None, old, new, merges=not alone)
            expected = set(old) if alone else woven.held(parents)
            if name == "files_modified" and not alone:
                expected -= set(meta.files_created)  # left out by the merge, and not by anybody
            woven.mark(number, [item for item in new if item not in expected])
            woven.drop(number, sorted(expected - set(new)))
        told = self._values(meta)
        if alone:
            known = self._values(before) if before is not None else {}
        else:
            known = {name: register.latest(parents) for name, register in self._fields.items()}
        fields = {place for place in known if place[0] not in OWN or place[1] == self._one_id(meta.id)}
        for place in fields.union(told):
            value, was = told.get(place, _GONE), known.get(place, _GONE)
            if value is not was and value != was:
                self._field(place).set(number, value)

    def _field(self, name: tuple[str, ...]) -> _Register:
        return self._fields.setdefault(name, _Register(self._lines.knows))

    def _content(self, name: str) -> _Register:
        return self._contents.setdefault(name, _Register(self._lines.knows))

    # -- what they are together ---------------------------------------------------------------------------------------

    def _together(self) -> Merged:
        entries = [self._entry(self._content(name).latest()) for name in self._woven.order()]
        spoken = sum(1 for entry in entries if isinstance(entry, Message))
        kept = self._kept_messages()
        return Merged(
            self._begin.timeline,
            self._kept,
            entries,
            self._together_meta(),
            kept + spoken,
            self._kept - kept + len(entries) - spoken,
        )

    def _kept_messages(self) -> int:
        if self._root_commit is None or self._root is None or not self._kept:
            return 0
        spoken, _ = counts(self._objects, self._root_commit, self._root, self._session_id)
        return spoken - sum(1 for files in self._begun.values() if isinstance(self._entry(files), Message))

    def _together_meta(self) -> Meta:
        owner = self._owner()
        values: dict[str, Any] = {name: tuple(woven.order()) for name, woven in self._lists.items()}
        values["metadata"] = {}
        for name, register in self._fields.items():
            value = register.latest()
            if value is _GONE:
                continue
            if name[0] == "metadata":
                values["metadata"][name[1]] = value
            elif name[0] not in OWN or name[1] == owner:
                values[name[0]] = value
        if self._ids and self._one_id(self._session_id) == owner:
            values["id"] = self._session_id
        return without_created(values)

    def _owner(self) -> str:
        """The session whose title and birth count: the one asked for, where any save says its id."""
        named = [(register.events[-1][0], name[1]) for name, register in self._fields.items() if name[0] == "id"]
        owners = [owner for _, owner in named]
        asked = self._one_id(self._session_id)
        return asked if asked in owners else max(named)[1]

    def _values(self, meta: Meta) -> dict[tuple[str, ...], Any]:
        """What is one value each: a session's own fields under its id, metadata by key."""
        owner = self._one_id(meta.id)
        found: dict[tuple[str, ...], Any] = {(name, owner): getattr(meta, name) for name in OWN}
        found["project_path",] = meta.project_path
        for key, value in meta.metadata.items():
            found["metadata", key] = value
        return found
