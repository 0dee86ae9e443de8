"""Which sessions are wanted, as conditions of SQL."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from superqode.session.git.refs import NAME_MAX
from superqode.session.lazy import lazy_modules
from superqode.session.models.severity import Severity
from superqode.session.store.index.moments import to_micros

if TYPE_CHECKING:
    from superqode.session.git.project import ProjectIdentity
    from superqode.session.store.index import projects
else:
    (projects,) = lazy_modules("superqode.session.store.index", "projects")

__all__ = ["Filter", "at_most", "folded", "storable"]

# With this behind a beginning, no name that begins so comes behind it.
_GREATEST: Final = "\U0010ffff" * NAME_MAX
_BETWEEN: Final = "BETWEEN ? AND ?"
_FEW: Final = 1000
_COUNT: Final = f"SELECT count(*) FROM (SELECT 1 FROM sessions WHERE name {_BETWEEN} LIMIT ?)"  # noqa: S608 - own text


class Filter:
    """Which sessions are wanted, as SQL conditions on the table `sessions`.

    Attributes:
        conditions, values: the conditions, with `?` for each value.
        during, moments: likewise, more conditions on the table `texts`: entries of that time.
    """

    def __init__(
        self,
        *,
        project_path: str | None = None,
        project: ProjectIdentity | None = None,
        tags: Iterable[str] | None = None,
        agent: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        parent: str | None = None,
        text: str | None = None,
        beginning: str = "",
        finding: Severity | None = None,
    ) -> None:
        self.conditions: list[str] = []
        self.values: list[Any] = []
        self.during = ""
        self.moments: list[int] = []
        if project_path is not None:
            condition, values = projects.same_project(project_path, project)
            self.conditions.append(condition)
            self.values += [storable(value) for value in values]
        if parent is not None:
            self._add("sessions.parent = ?", parent)
        for tag in tags or ():
            self._label("tag", tag)
        if agent is not None:
            self._label("agent", agent)
        if finding is not None:
            self._label("finding", *(level.value for level in Severity if level.at_least(finding)))
        for sign, moment in ((">=", since), ("<=", until)):
            if moment is not None:
                self._add(f"sessions.updated {sign} ?", _edge(moment))
                self.during += f" AND texts.moment {sign} ?"
                self.moments.append(_edge(moment))
        if text is not None:
            self._add("instr(sessions.folded, ?)", text.casefold())
        self._named = [storable(beginning), storable(beginning) + _GREATEST] if beginning else []
        self.values += self._named

    def _add(self, condition: str, value: Any) -> None:
        self.conditions.append(condition)
        self.values.append(storable(value) if isinstance(value, str) else value)

    def _label(self, kind: str, *labels: str) -> None:
        """Wanted are those with one of these labels."""
        has_label = "EXISTS (SELECT 1 FROM labels WHERE labels.session = sessions.id AND kind = ? AND label IN ({}))"
        self.conditions.append(has_label.format(", ".join("?" for _ in labels)))
        self.values += [kind, *map(storable, labels)]

    def where(self, connection: sqlite3.Connection | None = None) -> str:
        """The conditions as a WHERE clause, or an empty text; with a connection as those are found that are newest."""
        conditions = list(self.conditions)
        if self._named:
            # By name where few begin so; among many, the newest are soon met on the way through all of them.
            many = connection is not None and connection.execute(_COUNT, [*self._named, _FEW + 1]).fetchone()[0] > _FEW
            conditions.append(f"{'+' if many else ''}sessions.name {_BETWEEN}")
        return " WHERE " + " AND ".join(conditions) if conditions else ""


def _edge(moment: datetime) -> int:
    """A limit of time; the first and last days there are have no time in other zones."""
    try:
        return to_micros(moment.astimezone(UTC))
    except (OverflowError, ValueError):
        return to_micros(moment.replace(tzinfo=UTC))


def folded(title: str, tags: Iterable[str]) -> str:
    """What a text is looked for in, whatever the case; a separator that nobody types keeps it from crossing over."""
    return "\x1f".join([title, *tags]).casefold()


def at_most(limit: int) -> int:
    """A limit as SQLite and `islice` take it."""
    return min(max(0, limit), sys.maxsize)


def storable(text: str) -> str:
    """SQLite stores UTF-8 only."""
    return text.encode("utf-8", "replace").decode()
