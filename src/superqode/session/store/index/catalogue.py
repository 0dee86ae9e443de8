"""The catalogue of a store: which sessions there are and what is in them, from the index, right at any moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from superqode.session.lazy import lazy_modules
from superqode.session.store import results
from superqode.session.store.branches import is_session_branch
from superqode.session.store.index.filters import Filter, at_most, storable
from superqode.session.store.index.freshness import Freshness, Progress
from superqode.session.store.index.summaries import COLUMNS, LABELS, LabelKind, known_summary, summary_of, told_by
from superqode.session.store.index.waiting import read_words

if TYPE_CHECKING:
    from superqode.session.git.project import ProjectIdentity
    from superqode.session.store.index import projects
    from superqode.session.store.results import ListChanges, SessionSummary
else:
    (projects,) = lazy_modules("superqode.session.store.index", "projects")

__all__ = ["Catalogue", "Progress"]

T = TypeVar("T")


class Catalogue(Freshness):
    """Lists sessions from the index, after bringing it up to date with the refs; arguments as `Freshness`."""

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
        values = [*wanted.values, -1 if limit is None else at_most(limit)]

        def ask() -> list[SessionSummary]:
            self._refresh(progress)
            with self.database.reading() as connection:
                query = f"SELECT {COLUMNS} FROM sessions{wanted.where(connection)} ORDER BY {order} LIMIT ?"  # noqa: S608 - own text
                brief = query.replace(COLUMNS, "name, oid, problem, parent, id", 1)
                if not known:
                    return [summary_of(row) for row in connection.execute(query, values)]
                return [known_summary(connection, row, known) for row in connection.execute(brief, values).fetchall()]

        return self._guarded(ask)

    def told_by(self, session_ids: Collection[str]) -> list[str]:
        """Branches that plain git made of these sessions, and that say their ids still; sorted."""

        def ask() -> list[str]:
            self._refresh(None)
            with self.database.reading() as connection:
                return sorted(told_by(connection, session_ids))

        return self._guarded(ask)

    def generation(self) -> int:
        """The number of the last change."""

        def ask() -> int:
            self._refresh(None)
            return self.generations.now

        return self._guarded(ask)

    def changes(self, generation: int) -> ListChanges | None:
        """What changed after a generation, all of one moment; `None` where that cannot be told."""
        query = f"SELECT {COLUMNS} FROM sessions WHERE name = ?"  # noqa: S608 - own text

        def ask() -> ListChanges | None:
            self._refresh(None)
            changed = self.generations.changed_since(generation)
            if changed is None:
                return None
            names = sorted(filter(is_session_branch, changed))
            with self.database.reading() as connection:
                found = [connection.execute(query, (storable(name),)).fetchone() for name in names]
            summaries = tuple(summary_of(row) for row in found if row is not None)
            return results.ListChanges(self.generations.now, tuple(names), summaries)

        return self._guarded(ask)

    def project_at(self, path: str, progress: Progress | None = None) -> ProjectIdentity | None:
        """The project that sessions of a folder were in when it was noted last; for a folder that is not here."""

        def ask() -> ProjectIdentity | None:
            self._refresh(progress)
            with self.database.reading() as connection:
                return projects.noted_at(connection, storable(path))

        return self._guarded(ask)

    def labels(self, kind: LabelKind) -> list[tuple[str, int]]:
        """Every project, tag or agent there is, and how many sessions have it, the most frequent first."""

        def ask() -> list[tuple[str, int]]:
            self._refresh(None)
            with self.database.reading() as connection:
                return connection.execute(LABELS[kind]).fetchall()

        return self._guarded(ask)

    def ask(
        self,
        question: Callable[[sqlite3.Connection], T],
        progress: Progress | None = None,
        patience: float | None = None,
    ) -> T:
        """Put a question to the index, after its words were brought up to date, too, for so many seconds at most."""

        def ask() -> T:
            self._refresh(progress)
            read_words(self.database, self._repository, progress, patience)
            with self.database.reading() as connection:
                return question(connection)

        return self._guarded(ask)

    def unread(self) -> int:
        """How many sessions' words are not in the index yet."""

        def ask() -> int:
            self._refresh(None)
            with self.database.reading() as connection:
                return int(
                    connection.execute("SELECT count(*) FROM sessions WHERE indexed_title IS NULL").fetchone()[0]
                )

        return self._guarded(ask)
