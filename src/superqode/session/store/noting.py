"""Which project a session begins in, noted in its metadata: paths change, what is noted does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superqode.session.git.project import NOTE, ProjectIdentity, read_project
from superqode.session.git.project_urls import normalised_origin
from superqode.session.models import Session

__all__ = ["note_project"]


def note_project(session: Session) -> None:
    """Note a new session's project; what is noted already stays.

    Its folder tells, where that is here and in a Git repository; else what Codex recorded of the repository.
    """
    if NOTE in session.metadata:
        return
    project = read_project(session.project_path) if session.project_path else None
    if project is None:
        project = _recorded(session.metadata)
    if project is not None:
        session.metadata = {**session.metadata, NOTE: project.to_dict()}


def _recorded(metadata: Mapping[str, Any]) -> ProjectIdentity | None:
    """What a rollout's `session_meta.git.repository_url` tells (importers/codex/meta.py)."""
    told: Any = metadata
    for name in ("codex", "git", "repository_url"):
        told = told.get(name) if isinstance(told, Mapping) else None
    origin = normalised_origin(told) if isinstance(told, str) else ""
    return ProjectIdentity(origin) if origin else None
