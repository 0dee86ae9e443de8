"""The catalogue of a store: which sessions there are and what is in them, from the index, right at any moment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from types import MappingProxyType
from typing import Any, Final, TypeVar

from superqode.session.codec import jsontext
from superqode.session.git.project import ProjectIdentity
from superqode.session.git.repository import Repository
from superqode.session.store.branches import is_session_branch, was_renamed
from superqode.session.store.index import texts
from superqode.session.store.index.database import Database
from superqode.session.store.index.entries import EntryCache
from superqode.session.store.index.filters import Filter, folded, storable
from superqode.session.store.index.known import Known
from superqode.session.store.index.projects import noted_at
from superqode.session.store.index.rows import Row, from_micros, row_of
from superqode.session.store.index.scan import DAMAGED, Branch, Changes, changed_since, scan, take_stamp
from superqode.session.store.results import SessionSummary

__all__ = ["Catalogue", "Progress"]

T = TypeVar("T")
Progress = Callable[[int, int, str], None]

# How many sessions are read before what is known of them is written.
_AT_ONCE: Final = 2_000
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
        self._known: Known | None = None
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
                    self._known, self._stamp = None, None
                    give_up()
            return action()

    def _refresh(self, progress: Progress | None) -> None:
        if self._known is None or self._stamp is None:
            self._remember()
        if self._is_fresh():
            return
        if self._stamp is not None and self._stamp != self._told_stamp():
            self._remember()  # another process looked meanwhile
            self.generation += 1
            if self._is_fresh():
                return
        known = self._known or Known(self.database)
        folders = _folders(self._stamp) if self._stamp else ["refs/heads/"]
        # The stamp is taken before anything is read: what changes meanwhile makes the next look different.
        stamp = take_stamp(self._repository, folders)
        packed_same = self._stamp is not None and _packed(self._stamp) == _packed(stamp) and not _racy(self._stamp)
        changes = scan(self._repository, known.loose, known.all, packed_same=packed_same)
        if set(changes.folders) != set(folders):
            stamp = take_stamp(self._repository, changes.folders)
            changes = scan(self._repository, known.loose, known.all, packed_same=False)
        self._store(known, changes, stamp, progress)

    def _is_fresh(self) -> bool:
        return self._known is not None and not self._troubled and not changed_since(self._repository, self._stamp)

    def _told_stamp(self) -> str | None:
        with self.database.reading() as connection:
            row = connection.execute("SELECT value FROM stamp").fetchone()
        return _checked(row[0]) if row else None

    def _remember(self) -> None:
        """Take up what an earlier process, or another one, knew."""
        self._stamp = self._told_stamp()
        self._known = Known(self.database)
        with self.database.reading() as connection:
            self._troubled = {name for (name,) in connection.execute("SELECT name FROM sessions WHERE problem != ''")}

    def _store(self, known: Known, changes: Changes, stamp: str, progress: Progress | None) -> None:
        changed = changes.changed
        before = {name: known.get(name) for name in (*changed, *changes.gone, *changes.damaged, *self._troubled)}
        moved = [name for name, branch in changed.items() if _differs(before[name], branch)]
        self._tell_vanished(
            {name: branch.oid for name in changes.gone if (branch := before[name]) is not None},
            [name for name in moved if before[name] is None],
        )
        troubled: set[str] = set()
        rows: list[Row] = []
        for number, name in enumerate(moved, 1):
            if is_session_branch(name):
                rows.append(row_of(self._repository, name, changed[name].oid))
            if number % _AT_ONCE == 0:  # a first look that is interrupted goes on from here
                troubled |= self._write(rows, {name: changed[name] for name in moved[number - _AT_ONCE : number]})
                rows = []
            if progress is not None:
                progress(number, len(moved), "reading sessions")
        rows += [Row(name, "", problem=f"its branch cannot be read: {why}") for name, why in changes.damaged.items()]
        for name in self._troubled - set(moved) - set(changes.gone) - changes.damaged.keys():
            branch = before[name]
            if branch is not None:
                rows.append(row_of(self._repository, name, branch.oid))  # it may be whole again
        unread = {name: _unread(before[name]) for name in changes.damaged}
        troubled |= self._write(rows, changed | unread, changes.gone, stamp)
        packed_moved = self._stamp is not None and _packed(self._stamp) != _packed(stamp)
        self.generation += bool(moved or changes.gone or packed_moved or troubled != self._troubled)
        self._troubled = troubled
        known.update(changed | unread, changes.gone)
        self._known, self._stamp = known, stamp

    def _write(
        self, rows: Sequence[Row], branches: Mapping[str, Branch], gone: Sequence[str] = (), stamp: str = ""
    ) -> set[str]:
        """Put rows and branches into the index; gives the names of those that cannot be read."""
        with self.database.writing() as connection:
            for row in rows:
                _put(connection, row)
            for name in gone:
                _drop(connection, name)
            connection.executemany(
                "INSERT OR REPLACE INTO refs VALUES (?, ?, ?, ?, ?)",
                [(name, branch.oid, *branch.file) for name, branch in branches.items()],
            )
            connection.executemany("DELETE FROM refs WHERE name = ?", [(name,) for name in gone])
            if stamp:
                connection.execute("INSERT OR REPLACE INTO stamp VALUES (0, ?)", (stamp,))
        return {row.name for row in rows if row.problem}

    def _tell_vanished(self, gone: Mapping[str, str], news: Sequence[str]) -> None:
        """Tell of branches that nobody took out on purpose: who deletes or purges takes them out of the index first."""
        if not gone:
            return
        with self.database.reading() as connection:
            found = [connection.execute("SELECT name FROM refs WHERE name = ?", (name,)).fetchone() for name in gone]
            listed = {row[0] for row in found if row is not None}
        for name, oid in gone.items():
            if (
                name in listed
                and oid
                and is_session_branch(name)
                and not any(was_renamed(self._repository, name, new) for new in news)
            ):
                self._vanished(name, oid)

    def forget(self, name: str) -> None:
        """Take a session out, so that its going is not noticed as a loss; part of deleting, renaming and purging."""
        self._guarded(lambda: self._forget(name))

    def _forget(self, name: str) -> None:
        with self.database.writing() as connection:
            _drop(connection, name)
            connection.execute("DELETE FROM refs WHERE name = ?", (name,))
        self.generation += 1
        if self._known is not None:
            self._known.update({}, [name])

    def discard(self) -> None:
        """Throw the index and the entries kept for loading away; the next question makes them anew."""
        with self._lock:
            self._known, self._stamp = None, None
            self.database.discard()
            EntryCache.of(self._repository).discard()

    # -- questions ------------------------------------------------------------------------------------------------

    def summaries(
        self,
        wanted: Filter,
        limit: int | None = None,
        progress: Progress | None = None,
        *,
        biggest: bool = False,
        known: Mapping[str, SessionSummary] = MappingProxyType({}),
    ) -> list[SessionSummary]:
        """List the wanted sessions, newest first, or those with the most entries; what is known is not made anew."""
        order = ("messages + executions DESC, " if biggest else "") + "updated DESC, name"
        query = f"SELECT {_COLUMNS} FROM sessions{wanted.where()} ORDER BY {order} LIMIT ?"  # noqa: S608 - own text
        brief = query.replace(_COLUMNS, "name, oid, problem, id", 1)
        values = [*wanted.values, -1 if limit is None else max(0, limit)]

        def ask() -> list[SessionSummary]:
            self._refresh(progress)
            with self.database.reading() as connection:
                if not known:
                    return [_summary(row) for row in connection.execute(query, values)]
                return [_known(connection, row, known) for row in connection.execute(brief, values).fetchall()]

        return self._guarded(ask)

    def project_at(self, path: str, progress: Progress | None = None) -> ProjectIdentity | None:
        """The project that sessions of a folder were in when it was noted last; for a folder that is not here."""

        def ask() -> ProjectIdentity | None:
            self._refresh(progress)
            with self.database.reading() as connection:
                return noted_at(connection, storable(path))

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


def _differs(before: Branch | None, now: Branch) -> bool:
    return before is None or before.oid != now.oid or before.file == DAMAGED


def _unread(before: Branch | None) -> Branch:
    """A branch whose file cannot be read; where it was stays known."""
    return Branch(before.oid if before is not None else "", DAMAGED)


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
        storable(folded(row.title, row.tags)),
    )
    name = storable(row.name)
    connection.execute(
        "INSERT INTO sessions (name, oid, title, created, updated, project, messages, executions, agents, tags, parent,"
        " problem, timeline, origin, folder, input, output, dollars, folded)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET (oid, title, created, updated, project, messages, executions, agents, tags,"
        " parent, problem, timeline, origin, folder, input, output, dollars, folded, indexed_title)"
        " = (excluded.oid, excluded.title, excluded.created, excluded.updated, excluded.project, excluded.messages,"
        " excluded.executions, excluded.agents, excluded.tags, excluded.parent, excluded.problem, excluded.timeline,"
        " excluded.origin, excluded.folder, excluded.input, excluded.output, excluded.dollars, excluded.folded, NULL)",
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


def _known(
    connection: sqlite3.Connection, row: tuple[str, str, str, int], known: Mapping[str, SessionSummary]
) -> SessionSummary:
    """The summary of an earlier listing where the session is as it was, else a new one."""
    name, oid, problem, session = row
    found = known.get(name)
    if found is not None and found.tip == oid and found.problem == problem:
        return found
    query = f"SELECT {_COLUMNS} FROM sessions WHERE id = ?"  # noqa: S608 - own text
    return _summary(connection.execute(query, (session,)).fetchone())


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
