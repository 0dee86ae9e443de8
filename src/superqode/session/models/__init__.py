"""The values people hold: `Session`, `Message`, `ToolExecution`, `Snapshot`. They know nothing of storage.

Names load when they are first used: pydantic takes longer to load than most questions to a store take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.session.models.entries import Entry as Entry
    from superqode.session.models.entries import Message as Message
    from superqode.session.models.entries import MessageRole as MessageRole
    from superqode.session.models.entries import ToolExecution as ToolExecution
    from superqode.session.models.entries import entry_from_dict as entry_from_dict
    from superqode.session.models.session import Session as Session
    from superqode.session.models.session import create_session as create_session
    from superqode.session.models.snapshots import Snapshot as Snapshot
    from superqode.session.models.snapshots import SnapshotState as SnapshotState
    from superqode.session.models.snapshots import Step as Step
    from superqode.session.models.values import FrozenDict as FrozenDict
    from superqode.session.models.values import FrozenList as FrozenList
    from superqode.session.models.values import freeze as freeze
    from superqode.session.models.values import thaw as thaw

_HOMES: Final = {
    "Entry": "superqode.session.models.entries",
    "FrozenDict": "superqode.session.models.values",
    "FrozenList": "superqode.session.models.values",
    "Message": "superqode.session.models.entries",
    "MessageRole": "superqode.session.models.entries",
    "Session": "superqode.session.models.session",
    "Snapshot": "superqode.session.models.snapshots",
    "SnapshotState": "superqode.session.models.snapshots",
    "Step": "superqode.session.models.snapshots",
    "ToolExecution": "superqode.session.models.entries",
    "create_session": "superqode.session.models.session",
    "entry_from_dict": "superqode.session.models.entries",
    "freeze": "superqode.session.models.values",
    "thaw": "superqode.session.models.values",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one table serves both
__getattr__, __dir__ = lazy_names(globals(), _HOMES)
