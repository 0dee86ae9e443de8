"""The index in step with the refs: what was saved, made, renamed or lost since the last look is read, and put in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Final, TypeVar

from superqode.session.git.repository import Repository
from superqode.session.lazy import lazy_modules
from superqode.session.store.branches import is_gone, is_session_branch, was_renamed
from superqode.session.store.index.database import Database
from superqode.session.store.index.files import INDEX
from superqode.session.store.index.filters import storable
from superqode.session.store.index.generations import Generations
from superqode.session.store.index.known import Known
from superqode.session.store.index.scan import (
    Branch,
    Changes,
    as_good,
    changed_since,
    checked,
    differs,
    folders_of,
    packed_moved,
    packed_same,
    scan,
    take_stamp,
    unread,
    with_symbolic,
)
from superqode.session.store.index.summaries import told_by

if TYPE_CHECKING:
    from superqode.session.store.index import entries, projects, putting, rows
    from superqode.session.store.index.rows import Row
else:
    entries, projects, putting, rows = lazy_modules(
        "superqode.session.store.index", "entries", "projects", "putting", "rows"
    )

__all__ = ["Freshness", "Progress"]

T = TypeVar("T")
Progress = Callable[[int, int, str], None]
# Where a session is that cannot be read, and why.
Trouble = tuple[str, str]

# How often a look begins anew because another process wrote meanwhile; then it writes what it saw.
_ATTEMPTS: Final = 10
# How many sessions are read before what is known of them is written.
_AT_ONCE: Final = 2_000
# Of so few, each is looked for among loose files, where it mostly is.
_FEW: Final = 20


class Freshness:
    """An index that is brought up to date with the refs before anything is asked of it.

    Args:
        repository: the store.
        vanished: called with name and last commit of a branch that somebody deleted behind our back; says no where it
            has to be told again.
    """

    def __init__(self, repository: Repository, vanished: Callable[[str, str], bool]) -> None:
        self._repository = repository
        self._vanished = vanished
        self.database = Database(repository.own / INDEX)
        self._lock = RLock()
        self._known: Known | None = None
        self._stamp: str | None = None
        self._seen = -1
        self._troubled: dict[str, Trouble] = {}
        self.generations = Generations()

    # -- freshness ------------------------------------------------------------------------------------------------

    def refresh(self, progress: Progress | None = None) -> None:
        """Bring the rows up to date; costs a few file times when nothing changed."""
        self._guarded(lambda: self._refresh(progress))

    def _guarded(self, action: Callable[[], T]) -> T:
        """Run an action on the index; one that fails is opened anew, then made anew, and the action run again."""
        with self._lock:
            return self.database.guarded(action, self._forget_all)

    def _forget_all(self) -> None:
        """Nothing is known any more of what the index has."""
        self._known, self._stamp = None, None
        self.generations.note(None)

    def _refresh(self, progress: Progress | None) -> None:
        for attempt in range(_ATTEMPTS):
            if self._look_again(progress, final=attempt == _ATTEMPTS - 1):
                return

    def _look_again(self, progress: Progress | None, *, final: bool) -> bool:
        """Bring the index up to date; says no where another process did so meanwhile, but in the final attempt."""
        version, known = self._version(), self._known
        if self._stamp is None or known is None or version != self._seen:
            # Another process may have put in or taken out what this one knows.
            known = self._remember()
            if self._seen not in (-1, version):
                self.generations.note(None)
            self._seen = version
        if not self._troubled and not changed_since(self._repository, self._stamp):
            return True
        folders = folders_of(self._stamp) if self._stamp else ["refs/heads/"]
        # The stamp is taken before anything is read: what changes meanwhile makes the next look different.
        stamp = take_stamp(self._repository, folders)
        same = self._stamp is not None and packed_same(self._stamp, stamp)
        changes = scan(self._repository, known.loose, known.packed, packed_same=same)
        if set(changes.folders) != set(folders):
            stamp = take_stamp(self._repository, changes.folders)
            changes = scan(self._repository, known.loose, known.packed, packed_same=False)
        if changes.symbolic:
            stamp = with_symbolic(stamp)
        return self._store(known, changes, stamp, progress, final=final)

    def _version(self) -> int:
        """What differs when another process has written to the index (PRAGMA data_version)."""
        with self.database.reading() as connection:
            return _data_version(connection)

    def _remember(self) -> Known:
        """Take up how all looked to an earlier process, or another one; branches are read when they are asked for."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT value FROM stamp").fetchone()
            found = connection.execute("SELECT name, oid, problem FROM sessions WHERE problem != ''")
            self._troubled = {name: (oid, problem) for name, oid, problem in found}
        self._stamp = checked(row[0]) if row else None
        self._known = Known(self.database)
        return self._known

    def _store(self, known: Known, changes: Changes, stamp: str, progress: Progress | None, *, final: bool) -> bool:
        """Write what changed, unless what it was compared with is not what there is any more."""
        changed = changes.changed
        before = known.of((*changed, *changes.gone, *changes.damaged, *self._troubled))
        moved = [name for name, branch in changed.items() if differs(before[name], branch)]
        whole = len(moved) - len(moved) % _AT_ONCE
        told = None if progress is None else partial(_tell, progress, len(moved))
        with self._repository.objects.reading_many() if len(moved) > _FEW else nullcontext():
            troubled = self._store_parts(moved[:whole], changed, told, final=final)
            if troubled is None:
                return False
            read = self._read(enumerate(moved[whole:], whole + 1), changed, told)
        read += [
            rows.Row(name, "", problem=f"its branch cannot be read: {why}") for name, why in changes.damaged.items()
        ]
        for name in self._troubled.keys() - set(moved) - set(changes.gone) - changes.damaged.keys():
            branch = before[name]
            if branch is not None:
                read.append(rows.row_of(self._repository, name, branch.oid))  # it may be whole again
        if self._version() != self._seen and not final:
            return False
        new = [name for name in moved if before[name] is None]
        lost = {name: branch.oid for name in changes.gone if (branch := before[name]) is not None}
        again = self._tell_vanished(known, lost, new)
        gone = [name for name in changes.gone if name not in again]
        with self.database.reading() as connection:
            children = told_by(connection, {*new, *gone})  # their parent is another one now
        read += [rows.row_of(self._repository, name, children[name]) for name in children.keys() - {*moved, *lost}]
        found = changed | {name: unread(before[name]) for name in changes.damaged}
        # Each write makes other processes look at all anew: what stands there already is not written again.
        problems = _troubled(read)
        news = [row for row in read if not row.problem or self._troubled.get(row.name) != problems[row.name]]
        elsewhere = {name: branch for name, branch in found.items() if before[name] != branch}
        if news or elsewhere or gone or self._stamp is None or not as_good(self._stamp, stamp):
            # Without the stamp, the next look looks again.
            if not self._write(news, elsewhere, gone, "" if again else stamp, final=final):
                return False
        else:
            stamp = self._stamp
        troubled |= problems
        packed = self._stamp is not None and packed_moved(self._stamp, stamp)
        others = {name for name, _ in troubled.items() ^ self._troubled.items()}
        if moved or gone or packed or others:
            self.generations.note({*moved[whole:], *gone, *others, *children})
        self._troubled = troubled
        known.update(found, gone)
        self._known, self._stamp = known, self._stamp if again else stamp
        return True

    def _store_parts(
        self, moved: Sequence[str], changed: Mapping[str, Branch], told: Callable[[int], None] | None, *, final: bool
    ) -> dict[str, Trouble] | None:
        """Read and write in parts, so that a first look that is interrupted goes on; `None`: another process wrote."""
        troubled: dict[str, Trouble] = {}
        for start in range(0, len(moved), _AT_ONCE):
            part = moved[start : start + _AT_ONCE]
            read = self._read(enumerate(part, start + 1), changed, told)
            if not self._write(read, {name: changed[name] for name in part}, final=final):
                return None
            self.generations.note(part)
            troubled |= _troubled(read)
        return troubled

    def _read(
        self, numbered: Iterable[tuple[int, str]], changed: Mapping[str, Branch], told: Callable[[int], None] | None
    ) -> list[Row]:
        read: list[Row] = []
        for number, name in numbered:
            if is_session_branch(name):
                read.append(rows.row_of(self._repository, name, changed[name].oid))
            if told is not None:
                told(number)
        return read

    def _write(
        self,
        found: Sequence[Row],
        branches: Mapping[str, Branch],
        gone: Sequence[str] = (),
        stamp: str = "",
        *,
        final: bool,
    ) -> bool:
        """Put rows and branches into the index; says no where another process wrote there meanwhile."""
        with self.database.writing() as connection:
            if _data_version(connection) != self._seen and not final:
                return False
            for row in found:
                putting.put_row(connection, row)
            for name in gone:
                putting.drop_session(connection, name)
            connection.executemany(
                "INSERT OR REPLACE INTO refs VALUES (?, ?, ?, ?, ?)",
                [(name, branch.oid, *branch.file) for name, branch in branches.items()],
            )
            connection.executemany("DELETE FROM refs WHERE name = ?", [(name,) for name in gone])
            if stamp:
                connection.execute("INSERT OR REPLACE INTO stamp VALUES (0, ?)", (stamp,))
        return True

    def _tell_vanished(self, known: Known, gone: Mapping[str, str], news: Sequence[str]) -> set[str]:
        """Tell of branches that nobody took out on purpose: who deletes or purges takes them out of the index first.

        Gives those that have to be told again; they stay listed until then.
        """
        again: set[str] = set()
        listed = (name for name, branch in known.of(gone).items() if branch is not None)
        for name in filter(is_session_branch, listed):
            renamed = any(was_renamed(self._repository, name, new) for new in news)
            if gone[name] and not renamed and not self._vanished(name, gone[name]):
                again.add(name)
        return again

    def forget(self, *names: str, going: bool = False) -> None:
        """Take sessions out, so that their going is not noticed as a loss; part of deleting, renaming and purging.

        What another process brought back stays; of those that are `going` next, the next look puts in what stayed.
        """
        if names:
            self._guarded(lambda: self._forget(names, going))

    def _forget(self, names: Sequence[str], going: bool) -> None:
        with self.database.writing() as connection:
            connection.execute("DELETE FROM stamp WHERE ?", (going,))
            # Looked at where nobody else can write: who brings one back later looks, and puts it in, after this.
            names = [name for name in names if going or is_gone(self._repository, name)]
            for name in names:
                putting.drop_session(connection, name)
                connection.execute("DELETE FROM refs WHERE name = ?", (name,))
            children = told_by(connection, names)
            for name, oid in children.items():
                putting.put_row(connection, rows.row_of(self._repository, name, oid))
        self.generations.note([*names, *children])
        for name in names:
            self._troubled.pop(name, None)
        if self._known is not None:
            self._known.update({}, names)
        self._stamp = None if going else self._stamp

    def discard(self) -> None:
        """Throw the index and the entries kept for loading away; the next question makes them anew."""
        with self._lock:
            self._forget_all()
            self.database.discard(every=True)
            entries.EntryCache.of(self._repository).discard()

    def discard_words(self) -> None:
        """As `discard`, but for what a listing gives: sessions that are gone have no part in that."""
        with self._lock:
            if not self.database.rewrite(putting.drop_words):
                self._forget_all()
            entries.EntryCache.of(self._repository).discard()


def _tell(progress: Progress, total: int, number: int) -> None:
    progress(number, total, "reading sessions")


def _data_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _troubled(found: Sequence[Row]) -> dict[str, Trouble]:
    """Those that cannot be read."""
    return {row.name: (row.oid, storable(row.problem)) for row in found if row.problem}
