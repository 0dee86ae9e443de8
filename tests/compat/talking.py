"""Sessions to look at with git, and how to look at them with the library."""

from __future__ import annotations

from superqode.session import Session


def talk(store, session_id="s", count=2, **fields):
    """Make a session with some messages and a tool call, one save each."""
    session = Session(id=session_id, title=f"Title of {session_id}", **fields)
    for number in range(count):
        session.add_message("user", f"{session_id} {number}")
        store.save(session)
    session.add_tool_execution("write_file", {"path": "a.py"}, "written", True, agent_name="coder")
    store.save(session)
    return session


def said(session):
    return [message.content for message in session.messages]


def listed(store):
    return {row.id: row for row in store.list_sessions()}
