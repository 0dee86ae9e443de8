"""Which project a session begins in, noted in its metadata: paths change, what is noted does not."""

from __future__ import annotations

from superqode.session.git.project import NOTE, read_project
from superqode.session.models import Session

__all__ = ["note_project"]


def note_project(session: Session) -> None:
    """Note a new session's project, where its folder is here and in a Git repository; what is noted already stays."""
    if session.project_path and NOTE not in session.metadata:
        project = read_project(session.project_path)
        if project is not None:
            session.metadata = {**session.metadata, NOTE: project.to_dict()}
