"""The catalogue of a store: which sessions there are and what is in them, from the index, right at any moment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from superqode.session.codec import jsontext
from superqode.session.git.repository import Repository
from superqode.session.lazy import lazy_modules
from superqode.session.store.branches import is_session_branch, was_renamed
from superqode.session.store.index.database import Database
from superqode.session.store.index.filters import Filter, storable
from superqode.session.store.index.moments import from_micros
from superqode.session.store.index.scan import DAMAGED, PACKED, Branch, Changes, changed_since, scan, take_stamp
from superqode.session.store.results import SessionSummary

if TYPE_CHECKING:
    from superqode.session.git.project import ProjectIdentity
    from superqode.session.store.index import entries, projects, rows, texts
    from superqode.session.store.index.rows import Row
else:
    entries, projects, rows, texts = lazy_modules(
        "superqode.session.store.index", "entries", "projects", "rows", "texts"
    )

__all__ = ["Catalogue", "Progress"]

T = TypeVar("T")
Progress = Callable[[int, int, str], None]

_COLUMNS = "name, oid, title, created, updated, project, messages, executions, agents, tags, parent, problem"


class Catalogue:
    """Lists sessions from the index, after bringing it up to date with the refs.

    Args:
        repository: the store.
        vanished: called with name and last commit of a branch that somebody deleted behind our back.
    """

    def __init__(self, repository: Repository, vanished: Callable[[str, str], None]) -> None:
        self._repository = repository
        self._vanished = vanished
        self.database = Database(repository.own / "index.sqlite")
        self._lock = RLock()
        self._branches: dict[str, Branch] | None = None
        self._loose: set[str] = set()
        self._stamp: str | None = None
        self._troubled: set[str] = set()
        self.generation = 0  # grows with every change that `refresh` sees

    # -- freshness ------------------------------------------------------------------------------------------------

    def refresh(self, progress: Progress | None = None) -> None:
        """Bring the rows up to date; costs a few file times when nothing changed."""
        self._guarded(lambda: self._refresh(progress))

    def _guarded(self, action: Callable[[], T]) -> T:
        """Run an action on the index; one that fails is opened anew, then made anew, and the action run again."""
        with self._lock:
            for give_up in (self.database.close, self.database.discard, self.database.leave_disk):
                try:
                    return action()
                except sqlite3.DatabaseError:
                    self._branches, self._stamp = None, None
                    give_up()
            return action()

    def _refresh(self, progress: Progress | None) -> None:
        if self._stamp is None:
            self._stamp = self._last_stamp()
        if self._stamp is not None and not self._troubled and not changed_since(self._repository, self._stamp):
            return
        known = self._branches if self._branches is not None else self._remembered()
        folders = _folders(self._stamp) if self._stamp else ["refs/heads/"]
        # The stamp is taken before anything is read: what changes meanwhile makes the next look different.
        stamp = take_stamp(self._repository, folders)
        packed_same = self._stamp is not None and _packed(self._stamp) == _packed(stamp) and not _racy(self._stamp)
        changes = scan(self._repository, known, self._loose, packed_same=packed_same)
        if set(changes.folders) != set(folders):
            stamp = take_stamp(self._repository, changes.folders)
            changes = scan(self._repository, known, self._loose, packed_same=False)
        self._store(known, changes, stamp, progress)

    def _last_stamp(self) -> str | None:
        """Take up how all looked to the last process; where it looks the same still, no branch needs to be known."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT value FROM stamp").fetchone()
            self._troubled = {name for (name,) in connection.execute("SELECT name FROM sessions WHERE problem != ''")}
        return _checked(row[0]) if row else None

    def _remembered(self) -> dict[str, Branch]:
        """Take up the branches that the last process knew."""
        stamp = self._last_stamp()
        # What another process took note of since our first look is news here, too.
        self.generation += self._stamp is not None and stamp != self._stamp
        self._stamp = stamp
        with self.database.reading() as connection:
            refs = connection.execute("SELECT name, oid, inode, time, size FROM refs").fetchall()
        self._loose = {name for name, _, *file in refs if tuple(file) != PACKED}
        return {name: Branch(oid, (inode, time, size)) for name, oid, inode, time, size in refs}

    def _store(self, known: dict[str, Branch], changes: Changes, stamp: str, progress: Progress | None) -> None:
        changed = changes.changed
        moved = [name for name, branch in changed.items() if name not in known or _differs(known[name], branch)]
        found: list[Row] = []
        for number, name in enumerate(moved):
            if is_session_branch(name):
                found.append(rows.row_of(self._repository, name, changed[name].oid))
            if progress is not None:
                progress(number + 1, len(moved), "reading sessions")
        found += [
            rows.Row(name, "", problem=f"its branch cannot be read: {why}") for name, why in changes.damaged.items()
        ]
        for name in self._troubled & known.keys() - set(moved) - set(changes.gone) - changes.damaged.keys():
            found.append(rows.row_of(self._repository, name, known[name].oid))  # it may be whole again
        news = [name for name in moved if name not in known]
        for name in self._still_listed(changes.gone):
            if (
                known[name].oid
                and is_session_branch(name)
                and not any(was_renamed(self._repository, name, new) for new in news)
            ):
                self._vanished(name, known[name].oid)
        unread = {name: Branch(known[name].oid if name in known else "", DAMAGED) for name in changes.damaged}
        changed = changed | unread
        with self.database.writing() as connection:
            for row in found:
                _put(connection, row)
            for name in changes.gone:
                _drop(connection, name)
            connection.executemany(
                "INSERT OR REPLACE INTO refs VALUES (?, ?, ?, ?, ?)",
                [(name, branch.oid, *branch.file) for name, branch in changed.items()],
            )
            connection.executemany("DELETE FROM refs WHERE name = ?", [(name,) for name in changes.gone])
            connection.execute("INSERT OR REPLACE INTO stamp VALUES (0, ?)", (stamp,))
        troubled = {row.name for row in found if row.problem}
        self.generation += bool(moved or changes.gone or troubled != self._troubled)
        self._troubled = troubled
        known.update(changed)
        for name in changes.gone:
            known.pop(name, None)
        self._branches, self._loose, self._stamp = known, changes.loose, stamp

    def _still_listed(self, gone: list[str]) -> list[str]:
        """Those that nobody took out on purpose: another process that deletes or purges takes them out here first."""
        if not gone:
            return []
        with self.database.reading() as connection:
            listed = {name for (name,) in connection.execute("SELECT name FROM refs")}
        return [name for name in gone if name in listed]

    def forget(self, name: str) -> None:
        """Take a session out, so that its going is not noticed as a loss; part of deleting, renaming and purging."""
        self._guarded(lambda: self._forget(name))

    def _forget(self, name: str) -> None:
        with self.database.writing() as connection:
            _drop(connection, name)
            connection.execute("DELETE FROM refs WHERE name = ?", (name,))
        self.generation += 1
        if self._branches is not None:
            self._branches.pop(name, None)
            self._loose.discard(name)

    def discard(self) -> None:
        """Throw the index and the entries kept for loading away; the next question makes them anew."""
        with self._lock:
            self._branches, self._stamp = None, None
            self.database.discard()
            entries.EntryCache.of(self._repository).discard()

    # -- questions ------------------------------------------------------------------------------------------------

    def summaries(
        self, wanted: Filter, limit: int | None = None, progress: Progress | None = None
    ) -> list[SessionSummary]:
        """List the wanted sessions, newest first."""
        query = f"SELECT {_COLUMNS} FROM sessions{wanted.where()} ORDER BY updated DESC, name LIMIT ?"  # noqa: S608 - own text
        values = [*wanted.values, -1 if limit is None else max(0, limit)]

        def ask() -> list[SessionSummary]:
            self._refresh(progress)
            with self.database.reading() as connection:
                return [_summary(row) for row in connection.execute(query, values)]

        return self._guarded(ask)

    def project_at(self, path: str, progress: Progress | None = None) -> ProjectIdentity | None:
        """The project that sessions of a folder were in when it was noted last; for a folder that is not here."""

        def ask() -> ProjectIdentity | None:
            self._refresh(progress)
            with self.database.reading() as connection:
                return projects.noted_at(connection, storable(path))

        return self._guarded(ask)

    def project_folders(self) -> list[str]:
        """Every project path that sessions name, sorted."""

        def ask() -> list[str]:
            self._refresh(None)
            with self.database.reading() as connection:
                found = connection.execute("SELECT DISTINCT project FROM sessions WHERE project != '' ORDER BY project")
                return [path for (path,) in found]

        return self._guarded(ask)

    def ask(self, question: Callable[[sqlite3.Connection], T], progress: Progress | None = None) -> T:
        """Put a question to the index, after its words were brought up to date, too."""

        def ask() -> T:
            self._refresh(progress)
            self._refresh_texts(progress)
            with self.database.reading() as connection:
                return question(connection)

        return self._guarded(ask)

    def _refresh_texts(self, progress: Progress | None) -> None:
        with self.database.reading() as connection:
            waiting = connection.execute("SELECT id, name FROM sessions WHERE indexed_title IS NULL").fetchall()
        for number, (session, name) in enumerate(waiting):
            # A transaction a session: an interrupted first search goes on where it was.
            with self.database.writing() as connection:
                texts.index_session(connection, self._repository, session, name)
            if progress is not None:
                progress(number + 1, len(waiting), "indexing words")


def _checked(stamp: str) -> str:
    """The stamp of an earlier process; raises `sqlite3.DatabaseError` where it is none."""
    try:
        told = json.loads(stamp)
        whole = all(len(look) == 3 for look in told["seen"].values()) and "packed-refs" in told["seen"]
        if not (isinstance(told["at"], int) and whole):
            raise ValueError("it is no stamp")  # noqa: TRY301
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise sqlite3.DatabaseError("the stamp in the index cannot be read") from problem
    return stamp


def _labels(text: str) -> tuple[str, ...]:
    try:
        return tuple(json.loads(text))
    except (ValueError, TypeError) as problem:
        raise sqlite3.DatabaseError("a row of the index cannot be read") from problem


def _differs(before: Branch, now: Branch) -> bool:
    return before.oid != now.oid or before.file == DAMAGED


def _folders(stamp: str) -> list[str]:
    return [name for name in json.loads(stamp)["seen"] if name != "packed-refs"]


def _packed(stamp: str) -> Any:
    return json.loads(stamp)["seen"].get("packed-refs")


def _racy(stamp: str) -> bool:
    told = json.loads(stamp)
    return bool(told["at"] - told["seen"]["packed-refs"][0] < 2_000_000_000)


def _put(connection: sqlite3.Connection, row: Row) -> None:
    """Insert or update a session's row and labels; its texts are to be looked at again."""
    values = (
        row.oid,
        storable(row.title),
        row.created,
        row.updated,
        storable(row.project),
        row.messages,
        row.executions,
        storable(jsontext.dump_text(list(row.agents))),
        storable(jsontext.dump_text(list(row.tags))),
        None if row.parent is None else storable(row.parent),
        storable(row.problem),
        row.timeline,
        None if row.identity is None else storable(row.identity.origin),
        None if row.identity is None else storable(row.identity.folder),
        row.usage.input_tokens,
        row.usage.output_tokens,
        row.usage.dollars,
    )
    name = storable(row.name)
    connection.execute(
        "INSERT INTO sessions (name, oid, title, created, updated, project, messages, executions, agents, tags, parent,"
        " problem, timeline, origin, folder, input, output, dollars)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET (oid, title, created, updated, project, messages, executions, agents, tags,"
        " parent, problem, timeline, origin, folder, input, output, dollars, indexed_title)"
        " = (excluded.oid, excluded.title, excluded.created, excluded.updated, excluded.project, excluded.messages,"
        " excluded.executions, excluded.agents, excluded.tags, excluded.parent, excluded.problem, excluded.timeline,"
        " excluded.origin, excluded.folder, excluded.input, excluded.output, excluded.dollars, NULL)",
        (name, *values),
    )
    session = connection.execute("SELECT id FROM sessions WHERE name = ?", (name,)).fetchone()[0]
    connection.execute("DELETE FROM labels WHERE session = ?", (session,))
    labels = {("tag", storable(tag)) for tag in row.tags} | {("agent", storable(agent)) for agent in row.agents}
    labels |= {("root", root) for root in row.identity.roots} if row.identity is not None else set()
    labels |= {("finding", severity) for severity in row.findings}
    connection.executemany("INSERT INTO labels VALUES (?, ?, ?)", [(*label, session) for label in sorted(labels)])


def _drop(connection: sqlite3.Connection, name: str) -> None:
    found = connection.execute("SELECT id FROM sessions WHERE name = ?", (storable(name),)).fetchone()
    if found is None:
        return
    texts.forget_session(connection, found[0])
    connection.execute("DELETE FROM labels WHERE session = ?", found)
    connection.execute("DELETE FROM sessions WHERE id = ?", found)


def _summary(row: tuple[Any, ...]) -> SessionSummary:
    name, oid, title, created, updated, project, messages, executions, agents, tags, parent, problem = row
    return SessionSummary(
        id=name,
        title=title,
        created_at=from_micros(created),
        updated_at=from_micros(updated),
        project_path=project,
        message_count=messages,
        execution_count=executions,
        agents_used=_labels(agents),
        tags=_labels(tags),
        parent_session_id=parent,
        tip=oid,
        problem=problem,
    )
