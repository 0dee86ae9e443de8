"""Conversations of the protocol in the store: found again, brought up to date, saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from superqode.session import ids
from superqode.session.importers.acp import Conversation, Traffic, parts_of, stored_id, take_touches
from superqode.session.importers.assembly import make_session
from superqode.session.importers.balance import FileBalance
from superqode.session.models import Entry, Session
from superqode.session.store.growing import Told, grow
from superqode.session.store.store import SessionStore

__all__ = ["RecordedSessions"]

# What in a session's metadata the conversation tells; the rest is other people's.
_TOLD: Final = ("recorded", "acp", "relation", "files_deleted")


@dataclass(slots=True)
class _Kept:
    """A session at hand: as it is stored, what was told of it last, and as it was when the connection began."""

    session: Session
    told: Told
    at_first: Session


class RecordedSessions:
    """Keeps the sessions of one connection in a store, under the ids that importing a log of it gives them.

    `session.metadata["recorded"]` holds `format` (`acp`), `source_session_id` (the agent's own) and `title` (as
    recorded, to notice a later edit); `metadata["acp"]` is as the importer writes it.

    Args:
        storage_dir: the store's folder; None is the default store.
        title: the title of sessions that begin here; empty takes the agent's, or the first prompt.
        project_path: the folder sessions that begin here belong to; empty takes what the client says.
    """

    def __init__(self, storage_dir: Path | None, *, title: str = "", project_path: str = "") -> None:
        self._storage_dir = storage_dir
        self._title = title
        self._project_path = project_path
        self._opened: SessionStore | None = None
        self._kept: dict[str, _Kept] = {}
        # Sessions whose last save failed.
        self._unsaved: set[str] = set()

    def recall(self, agent_session_id: str) -> Iterable[Entry]:
        """Give what the store has of a session; people's own entries are not the agent's to repeat.

        Raises:
            SessionError, OSError: the store, or the session in it, cannot be read.
        """
        kept = self._find(agent_session_id)
        return [entry for entry in kept.session.timeline if not ids.is_own_entry_id(entry.id)] if kept else []

    def save(self, traffic: Traffic, talk: Conversation) -> None:
        """Save what a conversation has come to; nothing happens where that is stored already.

        Raises:
            SessionError, OSError: it is not saved. What was said is still there to be saved again.
            ValueError: something in it cannot be stored.
        """
        entries = talk.entries(traffic.agent_name)
        if not entries:
            return
        kept = self._find(talk.id)
        told = self._told(traffic, talk, entries, kept)
        if kept is None:
            kept = self._kept[talk.id] = _Kept(told, Told.by(told), Session(project_path=told.project_path))
        else:
            before, title = kept.session.timeline, kept.session.title
            grow(kept.session, told, kept.told)
            kept.told = Told.by(told)
            if kept.session.timeline == before and kept.session.title == title and talk.id not in self._unsaved:
                return  # token counts, or what was loaded: the next turn's save takes it along
        self._unsaved.add(talk.id)
        self._store.save(kept.session)
        self._unsaved.discard(talk.id)

    def close(self) -> None:
        """Close the store."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _store(self) -> SessionStore:
        if self._opened is None:
            self._opened = SessionStore(self._storage_dir)
        return self._opened

    def _find(self, agent_session_id: str) -> _Kept | None:
        kept = self._kept.get(agent_session_id)
        if kept is None and self._store.exists(stored_id(agent_session_id)):
            session = self._store.load(stored_id(agent_session_id))
            kept = self._kept[agent_session_id] = _Kept(session, _told_before(session), session.model_copy())
        return kept

    def _told(self, traffic: Traffic, talk: Conversation, entries: list[Entry], kept: _Kept | None) -> Session:
        """Make the session as the conversation tells it, with what it had before this connection."""
        parts = parts_of(traffic, talk, entries)
        if kept is None or not kept.at_first.timeline:
            parts.title = self._title or parts.title
            parts.project_path = self._project_path or parts.project_path
        files = FileBalance.onto(kept.at_first) if kept is not None else FileBalance(parts.project_path)
        recorded: dict[str, Any] = {"format": "acp", "source_session_id": talk.id, "title": parts.title}
        parts.metadata = {"recorded": recorded, **parts.metadata}
        if kept is not None and isinstance(known := kept.at_first.metadata.get("acp"), dict):
            parts.metadata["acp"] = {**known, **parts.metadata["acp"]}
        told = make_session(parts, entries, take_touches(files, talk))
        if kept is not None:
            told.agents_used = list(dict.fromkeys([*kept.at_first.agents_used, *told.agents_used]))
        return told


def _told_before(session: Session) -> Told:
    """Tell apart what a recorder or an importer stored and what is a person's own."""
    stored = Told.by(session)
    metadata = {name: value for name, value in stored.metadata.items() if name in _TOLD}
    makers = [told for name in ("imported", "recorded") if isinstance(told := stored.metadata.get(name), dict)]
    titles = [title for told in makers if isinstance(title := told.get("title"), str)]
    return replace(stored, metadata=metadata, title=titles[-1] if titles else "")
