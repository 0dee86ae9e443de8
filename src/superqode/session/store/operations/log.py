"""The operation log as it is kept: a chain of commits at `refs/superqode/oplog`, read, extended, rewritten.

    refs/superqode/oplog → newest → … → oldest

A commit's first parent is the operation before; its other parents are what the refs named that it moved, so that
nothing an undo needs is pruned. Only the newest can be one that is merely known to have begun: whoever finds it so
while holding the log's lock settles it, by what its refs say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from superqode.session.codec.operation import (
    OPERATION_FILE,
    OPERATION_FORMAT,
    TAG_FILE,
    Entry,
    decode_entry,
    encode_entry,
    format_of,
    subject_of,
)
from superqode.session.errors import CorruptObject, NewerFormat, StoreError
from superqode.session.git.object_codec import BLOB, Commit, TreeEntry
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.refs import is_ref_name
from superqode.session.git.repository import Repository
from superqode.session.store.branches import is_session_branch

__all__ = ["OPLOG", "OperationLog", "Stored"]

OPLOG: Final = "refs/superqode/oplog"
_LOCK: Final = "oplog"
# How often the newest entry may change while it is read.
_TRIES: Final = 10
# Git's id for no object: what stands for an unreadable one in the file of a ref until it is written anew.
_NOTHING: Final = "0" * 40


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry of the log, and the commit it stands in.

    Attributes:
        oid: the commit's id.
        entry: what it says.
        files: what else it keeps, by name.
        commit: the commit.
    """

    oid: str
    entry: Entry
    commit: Commit
    files: Mapping[str, bytes] = field(default_factory=dict)


class OperationLog:
    """The operation log of one store; readers need no lock, writers hold `alone`.

    Args:
        repository: the store.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._objects = repository.objects

    @contextmanager
    def alone(self, timeout: float = 600.0) -> Iterator[None]:
        """Keep other writers of the log out; whoever holds a session's lock must not wait for this one.

        Args:
            timeout: how long to wait, in seconds.

        Raises:
            StoreLocked: another process was at it all that time.
        """
        with self._repository.alone(_LOCK, timeout=timeout):
            yield

    def is_extended(self) -> bool:
        """Whether somebody is at it right now: an operation that only began runs, and was not cut short."""
        return self._repository.is_held(_LOCK)

    # -- reading --------------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[Stored]:
        """Give the entries, newest first.

        Raises:
            StoreError: the log is damaged.
            NewerFormat: a newer superqode wrote it.
        """
        oid, stored = self._newest()
        seen: set[str] = set()
        while oid is not None and oid not in seen:
            seen.add(oid)
            if stored is None:
                stored = self._read(oid)
            yield stored
            parents = stored.commit.parents
            if stored.entry.previous and not parents:
                raise _damaged(f"the operation {stored.entry.id} names one before it, and its commit does not")
            oid, stored = (parents[0] if stored.entry.previous else None), None

    def _newest(self) -> tuple[str | None, Stored | None]:
        """The commit that the ref names, and its entry; one that had only begun may be settled and gone meanwhile."""
        oid = self._tip()
        for _ in range(_TRIES):
            if oid is None:
                break
            try:
                return oid, self._read(oid)
            except StoreError:
                now = self._tip()
                if now == oid:
                    raise
                oid = now
        return oid, None

    def _tip(self) -> str | None:
        try:
            return self._repository.refs.read(OPLOG)
        except CorruptObject as problem:
            raise _damaged(str(problem)) from problem

    def newest(self) -> Stored | None:
        """The newest entry; raises as `entries`."""
        return next(self.entries(), None)

    def _read(self, oid: str) -> Stored:
        try:
            commit = self._objects.commit(oid)
            files = {item.name: self._objects.blob(item.oid) for item in self._objects.tree(commit.tree)}
            told = files.pop(OPERATION_FILE, b"")
            if format_of(told) > OPERATION_FORMAT:
                raise NewerFormat("The store's operation log", str(format_of(told)), OPERATION_FORMAT)
            entry = decode_entry(told)
        except (CorruptObject, ValueError) as problem:
            if isinstance(problem, NewerFormat):
                raise
            raise _damaged(f"{oid}: {problem}") from problem
        named = [name for name, _ in entry.before] + [move.name for move in entry.moves]
        strange = next((name for name in named if not is_ref_name(name)), None)
        if strange is not None:
            raise _damaged(f"{oid} names {strange[:80]!r}, which is no ref")
        owners = [session_id for session_id, _ in entry.sessions]
        strange = next((name for name in owners if not is_session_branch(name)), None)
        if strange is not None:
            raise _damaged(f"{oid} names {strange[:80]!r}, which is no session's id")
        if not set(entry.renamed) <= set(owners):
            raise _damaged(f"{oid} renames sessions that it was not done to")
        return Stored(oid, entry, commit, files)

    # -- writing --------------------------------------------------------------------------------------------------

    def append(self, entry: Entry, files: Mapping[str, bytes] | None = None, *, flushed_later: bool = False) -> Stored:
        """Put an entry on top, durably; over a log that is damaged a new one begins. The caller is `alone`.

        Args:
            entry: the entry.
            files: what else it keeps, by name.
            flushed_later: whether the caller flushes before it does anything that the entry has to tell of.

        Raises:
            NewerFormat: a newer superqode wrote it.
            OSError: the disk said no.
        """
        try:
            top = self.newest()
        except NewerFormat:
            raise
        except StoreError:
            top = None
        entry = replace(entry, previous=top.entry.id if top is not None else "")
        with self._repository.writing():
            made = self._write(entry, files or {}, top.oid if top is not None else None)
            self._point(made.oid, top.oid if top is not None else self._broken(), flushed_later=flushed_later)
        return made

    def settle(self, begun: Stored, entry: Entry | None) -> Stored | None:
        """Put in the place of the newest entry what became of it; nothing where it came to nothing."""
        before = begun.commit.parents[0] if begun.entry.previous else None
        made: Stored | None = None
        with self._repository.writing():
            if entry is not None:
                made = self._write(replace(entry, previous=begun.entry.previous), begun.files, before)
                self._point(made.oid, begun.oid)
            elif before is not None:
                self._point(before, begun.oid)
            else:
                self._remove(begun.oid)
            self._clear(begun)
        return made

    def _clear(self, begun: Stored) -> None:
        """Remove what only an entry that had begun was made of, or it would lie about until it is pruned by age."""
        told = [item.oid for item in self._objects.tree(begun.commit.tree) if item.name == OPERATION_FILE]
        # These name the operation's id, so nothing else is made of them.
        for oid in (begun.oid, begun.commit.tree, *told):
            Path(self._objects.loose.path(oid)).unlink(missing_ok=True)

    def rewrite(self, change: Callable[[Stored], Entry | None]) -> int:
        """Write the log anew from the oldest entry on that is to change; gives how many did. The caller is `alone`.

        What it was can be read nowhere in the store's refs after that.

        Args:
            change: gives an entry as it shall be, or `None`: it goes, and so do all before it.
        """
        kept: list[tuple[Stored, Entry]] = []
        tip = ""
        changed, cut = 0, False
        for stored in self.entries():
            tip = tip or stored.oid
            wanted = change(stored)
            if wanted is None:
                cut = True
                break
            changed += wanted != stored.entry
            kept.append((stored, wanted))
        if not changed and not cut:
            return 0
        with self._repository.writing():
            self._rebuild(kept, tip, cut=cut)
        return changed + cut

    def _rebuild(self, kept: list[tuple[Stored, Entry]], tip: str, *, cut: bool) -> None:
        before: str | None = None
        same = not cut
        for stored, wanted in reversed(kept):
            if same and wanted == stored.entry:
                before = stored.oid
                continue
            same = False
            previous = wanted.previous if before is not None else ""
            # What was kept beside an entry goes with what it would be needed for.
            files = {} if wanted.final and not stored.entry.final else stored.files
            before = self._write(replace(wanted, previous=previous), files, before, like=stored.commit).oid
        if before is None:
            self._remove(tip)
            return
        self._point(before, tip)
        # Packed as well, so that the old value is in no file any more.
        self._repository.refs.create_all({OPLOG: PackedRef(before)})

    def _write(
        self, entry: Entry, files: Mapping[str, bytes], before: str | None, *, like: Commit | None = None
    ) -> Stored:
        objects = self._objects
        commits, tags = self._needed(entry)
        kept = {name: data for name, data in files.items() if not name.startswith(TAG_FILE)}
        # Nothing of Git's but a ref keeps a tag, so its bytes stand beside the entry.
        kept |= {TAG_FILE + oid: files.get(TAG_FILE + oid) or objects.read(oid)[1] for oid in tags}
        whole = {**kept, OPERATION_FILE: encode_entry(entry)}
        tree = objects.write_tree(TreeEntry(BLOB, name, objects.write("blob", data)) for name, data in whole.items())
        parents = [before] if before is not None else []
        parents += [oid for oid in commits if oid != before]
        author = like.author if like is not None else self._repository.committer()
        committer = like.committer if like is not None else author
        message = f"{subject_of(entry)}\n".encode()
        oid = objects.write_commit(tree, parents, author, committer, message)
        return Stored(oid, entry, Commit(tree, tuple(parents), author, committer, message), kept)

    def _needed(self, entry: Entry) -> tuple[list[str], list[str]]:
        """The commits and the tags that taking an operation back needs, sorted; what is damaged is left out."""
        if entry.final:
            return [], []
        named = [oid for _, oid in entry.before] + [move.old for move in entry.moves]
        commits: set[str] = set()
        tags: set[str] = set()
        for oid in filter(None, named):
            target = self._objects.peeled(oid)
            if target:
                tags.add(oid)
            try:
                if self._objects.read(target or oid)[0] == "commit":
                    commits.add(target or oid)
            except CorruptObject:
                continue
        return sorted(commits), sorted(tags)

    # -- the ref --------------------------------------------------------------------------------------------------

    def _point(self, oid: str, expected: str | None, *, flushed_later: bool = False) -> None:
        """Point the ref at a commit, durably; without a reason, so that no reflog keeps what is to be forgotten."""
        repository = self._repository
        repository.flush()
        repository.refs.update(OPLOG, oid, expected, ident=repository.committer(), reason="")
        repository.flush_later([str(repository.path / OPLOG)])
        if not flushed_later:
            repository.flush()

    def _remove(self, oid: str) -> None:
        self._repository.refs.delete(OPLOG, oid)
        self._repository.flush([str(self._repository.path / "HEAD")])

    def _broken(self) -> str | None:
        """What the ref of a log says that cannot be read; nothing where there is no log."""
        refs = self._repository.refs
        try:
            return refs.read(OPLOG)
        except CorruptObject:
            refs.mend(OPLOG, _NOTHING)
            return _NOTHING


def _damaged(what: str) -> StoreError:
    return StoreError(
        f"The store's operation log is damaged: {what}. Sessions are not touched by that, and the next operation"
        f" begins a new one; take it from a backup: `git fetch --force BACKUP {OPLOG}:{OPLOG}` in the store"
    )
