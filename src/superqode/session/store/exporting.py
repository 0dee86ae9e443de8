"""A stored session made ready for an exporter: selected, and masked with the store's own marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from superqode.session.exporters.selection import Selected, Selection
from superqode.session.store.loading import load_session
from superqode.session.store.secrets import store_redactor

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["select_session"]


def select_session(
    store: SessionStore, session_id: str, *, last: int | None = None, tools: bool = True, redact: bool = False
) -> Selected:
    """Load a session and select from it.

    Args:
        store: where it is.
        session_id: the session.
        last: as in `Selection`.
        tools: as in `Selection`.
        redact: mask secrets; equal ones have equal marks, here and in this store's shares.

    Raises:
        SessionNotFound, CorruptSession: as loading it.
    """
    repository = store._existing(session_id)
    session = load_session(repository, session_id)
    redactor = store_redactor(repository) if redact else None
    return Selection(last, tools=tools, redactor=redactor).apply(session)
