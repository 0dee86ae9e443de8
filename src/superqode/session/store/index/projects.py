"""Sessions of one project, wherever its folder was: the conditions on the index that tell."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from superqode.session.git.project import ProjectIdentity

__all__ = ["noted_at", "same_project"]

_NO_ROOTS = "NOT EXISTS (SELECT 1 FROM labels WHERE labels.session = s.id AND kind = 'root')"


def same_project(path: str, identity: ProjectIdentity | None) -> tuple[str, list[str]]:
    """Give an SQL condition on `sessions`, and its values.

    Wanted are the sessions of the folder; those noted at the same place of the same project (the same beginning of
    history and no other origin; where one side does not know its beginning, the same origin); and those of a folder
    that such a session was in, if nothing was noted of them.
    """
    if identity is None:
        return "sessions.project = ?", [path]
    alternatives = list(_alternatives(identity))
    matching = " OR ".join(condition for condition, _ in alternatives)
    noted = f"SELECT s.id, s.project FROM sessions AS s WHERE s.folder = ? AND ({matching})"  # noqa: S608 - own text
    values = [identity.folder, *(value for _, more in alternatives for value in more)]
    beside = f"SELECT project FROM ({noted}) WHERE project != ''"  # noqa: S608 - own text
    alone = f"sessions.origin IS NULL AND sessions.project IN ({beside})"
    condition = f"(sessions.project = ? OR sessions.id IN (SELECT id FROM ({noted})) OR ({alone}))"  # noqa: S608 - own text
    return condition, [path, *values, *values]


def _alternatives(identity: ProjectIdentity) -> Iterator[tuple[str, list[str]]]:
    if identity.roots:
        marks = ", ".join("?" * len(identity.roots))
        begun = f"s.id IN (SELECT session FROM labels WHERE kind = 'root' AND label IN ({marks}))"  # noqa: S608 - own text
        origins = " AND s.origin IN ('', ?)" if identity.origin else ""
        yield begun + origins, [*identity.roots, *([identity.origin] if identity.origin else [])]
    if identity.origin:
        yield "s.origin = ?" + (f" AND {_NO_ROOTS}" if identity.roots else ""), [identity.origin]


def noted_at(connection: sqlite3.Connection, path: str) -> ProjectIdentity | None:
    """What was noted last of the project in a folder."""
    row = connection.execute(
        "SELECT id, origin, folder FROM sessions WHERE project = ? AND origin IS NOT NULL "
        " ORDER BY updated DESC LIMIT 1",
        (path,),
    ).fetchone()
    if row is None:
        return None
    roots = connection.execute("SELECT label FROM labels WHERE kind = 'root' AND session = ?", (row[0],)).fetchall()
    return ProjectIdentity(row[1], tuple(sorted(root for (root,) in roots)), row[2])
