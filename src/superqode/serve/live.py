"""The stream that says when something changed: server-sent events (WHATWG HTML, section 9.2).

Whoever saves may be another process, so the store is asked again and again; that costs well under a millisecond where
nothing changed (`store/index/scan.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from superqode.session import SessionStore, clock
from superqode.session.errors import SessionError

__all__ = ["INTERVAL", "changes", "state_of"]

# How often the store is asked, in seconds.
INTERVAL: Final = 1.0
# How many rounds without a change before a sign of life, which finds out who is gone.
_QUIET_ROUNDS: Final = 15
_LISTED: Final = 200


def changes(store: SessionStore, session_id: str) -> Iterator[str]:
    """Give events for ever: one at the beginning, one for each change, and signs of life between.

    Args:
        store: the store.
        session_id: the session to follow; empty for the list of all.
    """
    told, quiet = "", 0
    while True:
        state = state_of(store, session_id)
        if state != told:
            told, quiet = state, 0
            yield f"data: {json.dumps({'state': state})}\n\n"
        elif quiet >= _QUIET_ROUNDS:
            quiet = 0
            yield ": still here\n\n"
        quiet += 1
        clock.sleep(INTERVAL)


def state_of(store: SessionStore, session_id: str = "") -> str:
    """Name the present state of a session, or of the list of all: equal states have equal names.

    A page tells the state it was made of, taken before anything else was read, so that nothing saved meanwhile is
    missed.
    """
    try:
        if session_id:
            saves = store.history(session_id, limit=1)
            return saves[0].commit if saves else ""
        listed = store.list_sessions(limit=_LISTED)
        return " ".join(f"{item.id}={item.tip[:12]}" for item in listed)
    except SessionError:
        return "gone"
