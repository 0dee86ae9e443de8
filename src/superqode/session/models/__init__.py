"""The values people hold: `Session`, `Message`, `ToolExecution`, `Snapshot`. They know nothing of storage."""

from superqode.session.models.entries import Entry, Message, MessageRole, ToolExecution, entry_from_dict
from superqode.session.models.session import Session, create_session
from superqode.session.models.snapshots import Snapshot, SnapshotState, Step
from superqode.session.models.values import FrozenDict, FrozenList, freeze, thaw

__all__ = [
    "Entry",
    "FrozenDict",
    "FrozenList",
    "Message",
    "MessageRole",
    "Session",
    "Snapshot",
    "SnapshotState",
    "Step",
    "ToolExecution",
    "create_session",
    "entry_from_dict",
    "freeze",
    "thaw",
]
