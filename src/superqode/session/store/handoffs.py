"""What a store remembers of hand-offs: which of an agent's sessions is which of its own, in the ledger.

It stays in this store: it says what lies on this machine, so neither forks nor shares of the session have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from superqode.session import clock
from superqode.session.errors import StoreError
from superqode.session.store.ledger import HANDOFFS, Ledger

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository
    from superqode.session.handoff import Handoff
    from superqode.session.models import Session
    from superqode.session.store.store import SessionStore

__all__ = ["RELATION", "last_state", "link_to_origin", "remember"]

# How a session that an agent went on with belongs to the one that was handed over (`metadata["relation"]`).
RELATION: Final = "handoff"


def remember(repository: Repository, session_id: str, project: str, handoff: Handoff) -> None:
    """Remember a hand-off, durably; one that changed nothing costs nothing.

    Args:
        repository: the store.
        session_id: the session.
        project: the folder it goes on in.
        handoff: what was done.
    """
    ledger = Ledger(repository)
    name = _name(handoff.agent, handoff.session_id)
    told = {"agent": handoff.agent, "project": project, "session_id": session_id, "state": handoff.state}
    before = ledger.document(HANDOFFS, name)
    if before is None or {**before, "at": ""} != {**told, "at": ""}:
        document = {**told, "at": clock.format_time(clock.now())}
        ledger.put(HANDOFFS, {name: document}, f"ledger: {handoff.agent} was handed a session")


def last_state(repository: Repository, session_id: str, agent: str, project: str) -> Mapping[str, Any] | None:
    """Give the state of the last hand-off of a session to an agent in a folder; `None` where there was none.

    Raises:
        StoreError, NewerFormat: as reading the ledger.
    """
    wanted = {"agent": agent, "project": project, "session_id": session_id}
    found = [
        document
        for document in Ledger(repository).documents(HANDOFFS).values()
        if all(document.get(name) == value for name, value in wanted.items())
    ]
    state = max(found, key=lambda document: str(document.get("at")), default={}).get("state")
    return state if isinstance(state, dict) else None


def link_to_origin(store: SessionStore, session: Session) -> None:
    """Let a session that is imported for the first time name the one it was handed over from, where that is here.

    A damaged ledger is no reason not to import: then it stands for itself.
    """
    from superqode.session.handoff import WRITERS

    about = session.metadata.get("imported")
    repository = store._open()
    if session.parent_session_id or repository is None or not isinstance(about, dict):
        return
    agent = next((writer.name for writer in WRITERS if writer.format == about.get("format")), "")
    try:
        document = Ledger(repository).document(HANDOFFS, _name(agent, str(about.get("source_session_id"))))
    except StoreError:
        return
    origin = document.get("session_id") if document is not None else None
    if isinstance(origin, str) and origin != session.id and store.exists(origin):
        session.parent_session_id = origin
        session.metadata = {**session.metadata, "relation": RELATION}


def _name(agent: str, agent_session_id: str) -> str:
    return f"{agent}.{agent_session_id}"
