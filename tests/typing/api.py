"""How people use the library; checked by mypy, never run."""

from __future__ import annotations

from datetime import datetime

from superqode.session import (
    AsyncSessionSharingManager,
    AsyncSessionStore,
    Message,
    MessageRole,
    Session,
    SessionStore,
    Snapshot,
    create_session,
)


def use(store: SessionStore) -> str:
    """The contract's calls, with the types a user sees."""
    session = Session(id="session-123", title="Fix SQL injection", project_path="/path/to/project")
    message: Message = session.add_message(MessageRole.USER, "Fix it", tool_calls=[{"id": "call-1"}])
    result = store.save(session)
    commits: tuple[str, ...] = result.commits
    loaded: Session = store.load("session-123")
    latest: Session | None = store.load_latest()
    snapshot: Snapshot = loaded.create_snapshot("Before fix")
    loaded.restore_snapshot(snapshot.id)
    changed: datetime = store.list_sessions(tags=["security"], limit=5)[0].updated_at
    hits = [hit.snippet for hit in store.search("injection", agent="security_tester")]
    with store.autosave(create_session("Notes")) as notes:
        notes.add_message("assistant", "done")
    store.delete("old-session-id")
    return f"{message.id}{commits}{latest}{changed}{hits}"


async def use_async(store: AsyncSessionStore, sharing: AsyncSessionSharingManager) -> str:
    """The same for asyncio."""
    async with store:
        session = await store.load("session-123")
        result = await store.save(session)
        newest: str = (await store.list_sessions("/path/to/project", limit=1))[0].title
        forked: Session = await sharing.fork("token", title=newest)
        return f"{result.tip}{forked.id}"
