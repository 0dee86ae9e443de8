"""The session library: `from superqode.session import SessionStore, Session, MessageRole`.

Names load when they are first used, so importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.session.aio import AsyncSessionSharingManager as AsyncSessionSharingManager
    from superqode.session.aio import AsyncSessionStore as AsyncSessionStore
    from superqode.session.aio import AsyncSessionSync as AsyncSessionSync
    from superqode.session.exporters.exported import ExportedSession as ExportedSession
    from superqode.session.models import Message as Message
    from superqode.session.models import MessageRole as MessageRole
    from superqode.session.models import Session as Session
    from superqode.session.models import Snapshot as Snapshot
    from superqode.session.models import ToolExecution as ToolExecution
    from superqode.session.models import create_session as create_session
    from superqode.session.sharing.manager import SessionSharingManager as SessionSharingManager
    from superqode.session.sharing.manager import create_quick_share as create_quick_share
    from superqode.session.sharing.models import ShareConfig as ShareConfig
    from superqode.session.sharing.models import SharedSession as SharedSession
    from superqode.session.sharing.models import ShareVisibility as ShareVisibility
    from superqode.session.store.store import SessionStore as SessionStore
    from superqode.session.sync.session_sync import SessionSync as SessionSync

_HOMES: Final = {
    "AsyncSessionSharingManager": "superqode.session.aio",
    "AsyncSessionStore": "superqode.session.aio",
    "AsyncSessionSync": "superqode.session.aio",
    "ExportedSession": "superqode.session.exporters.exported",
    "Message": "superqode.session.models",
    "MessageRole": "superqode.session.models",
    "Session": "superqode.session.models",
    "SessionSharingManager": "superqode.session.sharing.manager",
    "SessionStore": "superqode.session.store.store",
    "SessionSync": "superqode.session.sync.session_sync",
    "ShareConfig": "superqode.session.sharing.models",
    "ShareVisibility": "superqode.session.sharing.models",
    "SharedSession": "superqode.session.sharing.models",
    "Snapshot": "superqode.session.models",
    "ToolExecution": "superqode.session.models",
    "create_quick_share": "superqode.session.sharing.manager",
    "create_session": "superqode.session.models",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one table serves both
__getattr__, __dir__ = lazy_names(globals(), _HOMES)
