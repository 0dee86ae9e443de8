"""One session → what a listing shows of it. A damaged session gets a row too, which says so."""

from __future__ import annotations

from dataclasses import dataclass

from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.project import ProjectIdentity
from superqode.session.git.repository import Repository
from superqode.session.models.severity import found_severities
from superqode.session.store.branches import parent_of
from superqode.session.store.index.moments import to_micros
from superqode.session.store.state import counts, read_tree, times
from superqode.session.store.usage import NOTHING, Usage, usage_of

__all__ = ["Row", "row_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """What the index keeps of a session; times in microseconds since 1970.

    `told` is the id that its save has, where that is another one: whether it is the parent depends on its being there.
    """

    name: str
    oid: str
    title: str = ""
    created: int = 0
    updated: int = 0
    project: str = ""
    messages: int = 0
    executions: int = 0
    agents: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    parent: str | None = None
    told: str | None = None
    problem: str = ""
    timeline: str | None = None
    identity: ProjectIdentity | None = None
    usage: Usage = NOTHING


def row_of(repository: Repository, name: str, oid: str) -> Row:
    """Read what a listing shows of a session."""
    objects = repository.objects
    try:
        commit = objects.commit(oid)
        tree = read_tree(objects, commit, name)
        updated_at = times(commit)[1]
        messages, executions = counts(objects, commit, tree, name)
        parent = parent_of(repository, name, tree.meta.id, tree.meta.parent_session_id)
    except (CorruptObject, CorruptSession) as problem:
        reason = problem.reason if isinstance(problem, CorruptSession) else str(problem)
        return Row(name, oid, problem=reason)
    meta = tree.meta
    return Row(
        name,
        oid,
        title=meta.title,
        created=to_micros(meta.created_at),
        updated=to_micros(updated_at),
        project=meta.project_path,
        messages=messages,
        executions=executions,
        agents=meta.agents_used,
        tags=meta.tags,
        findings=found_severities(meta.metadata),
        parent=parent,
        told=None if meta.id == name else meta.id,
        timeline=tree.timeline,
        identity=ProjectIdentity.noted(meta.metadata),
        usage=usage_of(meta.metadata),
    )
