"""Hand-offs: a session as files of an agent's own store, and the command that continues it there. Pure.

`WRITERS` has one writer for each agent; its `plan(session, place)` says what to write (`base.Writer`). What goes over
from any session to any agent is in `neutral`; what an agent wrote itself goes back to it as it was (`original`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.session.handoff.base import Handoff as Handoff
    from superqode.session.handoff.base import HandoffError as HandoffError
    from superqode.session.handoff.base import Place as Place
    from superqode.session.handoff.base import PlannedFile as PlannedFile
    from superqode.session.handoff.base import Receipt as Receipt
    from superqode.session.handoff.base import Writer as Writer
    from superqode.session.handoff.homes import HomeRule as HomeRule
    from superqode.session.handoff.writers import WRITERS as WRITERS

_HOMES: Final = {
    "WRITERS": "superqode.session.handoff.writers",
    "Handoff": "superqode.session.handoff.base",
    "HandoffError": "superqode.session.handoff.base",
    "HomeRule": "superqode.session.handoff.homes",
    "Place": "superqode.session.handoff.base",
    "PlannedFile": "superqode.session.handoff.base",
    "Receipt": "superqode.session.handoff.base",
    "Writer": "superqode.session.handoff.base",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one table serves both
__getattr__, __dir__ = lazy_names(globals(), _HOMES)
