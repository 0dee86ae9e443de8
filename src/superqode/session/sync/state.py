"""What a store remembers of a remote: what both held when they last met. Disposable.

Without it the next sync takes longer, and what was deleted since may come back; nothing is lost. It stands in files
beside the refs, so that no backup carries it: a store that was restored to an older state has to start from nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from superqode.session import clock
from superqode.session.codec import jsontext
from superqode.session.git import durability
from superqode.session.git.repository import Repository
from superqode.session.sync.view import View, is_view_name

__all__ = [
    "State",
    "carry_state",
    "forget_state",
    "load_state",
    "remote_folder",
    "save_state",
    "sync_folder",
    "write_private",
]

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class State:
    """What is remembered.

    Attributes:
        sync: what it is synced with: a sealed sync's id, or `plain`.
        view: what both held.
        tip: the remote's commit then; empty in clear.
        generation: its number; 0 in clear.
        previous: the commits before it, newest first.
        segments: the trees of the segments whose objects are all here, by the segments' ids.
        settled: whether nothing in the view is built on what a scrub replaced that it has the mark of.
        synced_at: when the last sync ended.
    """

    sync: str
    view: View = field(default_factory=dict)
    tip: str = ""
    generation: int = 0
    previous: tuple[str, ...] = ()
    segments: Mapping[str, str] = field(default_factory=dict)
    settled: bool = False
    synced_at: datetime | None = None

    @property
    def is_known(self) -> bool:
        """Whether the two have met."""
        return self.synced_at is not None


def sync_folder(repository: Repository) -> Path:
    """Where everything about syncing stands, below the store."""
    return repository.own / "sync"


def remote_folder(repository: Repository, name: str) -> Path:
    """Where what is remembered of a remote stands; plain git may have given it any name."""
    return (
        sync_folder(repository) / "remotes" / hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    )


def load_state(repository: Repository, name: str, sync: str) -> State:
    """What is remembered of a remote; an empty one where that is nothing, damaged, or of another sync."""
    try:
        values = jsontext.load(_file(repository, name, sync).read_bytes())
        state = _read(values, sync) if values["version"] == _VERSION and values["sync"] == sync else State(sync)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State(sync)
    noted = _noted_time(repository, name, sync)
    is_later = noted is not None and state.synced_at is not None and noted > state.synced_at
    return replace(state, synced_at=noted) if is_later else state


def _read(values: Mapping[str, Any], sync: str) -> State:
    view = {str(name): str(oid) for name, oid in values["view"].items() if is_view_name(name)}
    return State(
        sync,
        view,
        str(values["tip"]),
        int(values["generation"]),
        tuple(map(str, values["previous"])),
        {str(segment): str(tree) for segment, tree in values["segments"].items()},
        values.get("settled") is True,
        datetime.fromisoformat(values["synced_at"]).astimezone(UTC),
    )


def save_state(repository: Repository, name: str, state: State, known: State | None = None) -> State:
    """Remember, durably; gives the state with the time.

    Args:
        repository: the store.
        name: the remote.
        state: what is to be remembered.
        known: what was loaded before; where that is the same but for its time, only the time is noted.

    Raises:
        OSError: the disk said no.
    """
    is_same = known is not None and known.is_known and replace(state, synced_at=known.synced_at) == known
    state = replace(state, synced_at=clock.now())
    if is_same:
        _note_time(repository, name, state)
    else:
        _write(repository, name, state)
    return state


def carry_state(repository: Repository, name: str, state: State, sync: str) -> None:
    """Remember what both held for the sync that took the place of another, and is known to hold all of that.

    Args:
        repository: the store.
        name: the remote's name.
        state: what is remembered of the other.
        sync: the id of the sync that goes on.

    Raises:
        OSError: the disk said no.
    """
    _write(repository, name, State(sync, state.view, settled=state.settled, synced_at=state.synced_at))


def _write(repository: Repository, name: str, state: State) -> None:
    folder = remote_folder(repository, name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    values = {
        "version": _VERSION,
        "sync": state.sync,
        "view": state.view,
        "tip": state.tip,
        "generation": state.generation,
        "previous": list(state.previous),
        "segments": dict(state.segments),
        "settled": state.settled,
        "synced_at": clock.format_time(state.synced_at or clock.now()),
    }
    write_private(_file(repository, name, state.sync), jsontext.dump_document(values))


def _note_time(repository: Repository, name: str, state: State) -> None:
    """Note when the last sync ended, in a file of its own: the other one is large where sessions are many."""
    partial = _time_file(repository, name, state.sync).with_suffix(".new")
    partial.write_text(f"{clock.format_time(state.synced_at or clock.now())}\n", "ascii")
    partial.replace(_time_file(repository, name, state.sync))


def _noted_time(repository: Repository, name: str, sync: str) -> datetime | None:
    try:
        told = _time_file(repository, name, sync).read_text("ascii")
        return datetime.fromisoformat(told.strip()).astimezone(UTC)
    except (OSError, ValueError):
        return None


def forget_state(repository: Repository, name: str, sync: str) -> None:
    """Forget what is remembered of a remote and a sync there, its ciphertext too."""
    _file(repository, name, sync).unlink(missing_ok=True)
    _time_file(repository, name, sync).unlink(missing_ok=True)
    for ending in (".git", ".told"):
        shutil.rmtree(remote_folder(repository, name) / f"{sync}{ending}", ignore_errors=True)


def _file(repository: Repository, name: str, sync: str) -> Path:
    return remote_folder(repository, name) / f"{sync}.json"


def _time_file(repository: Repository, name: str, sync: str) -> Path:
    return remote_folder(repository, name) / f"{sync}.time"


def write_private(path: Path, data: bytes) -> None:
    """Replace a file that only its owner may read, durably."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        durability.sync(file.fileno())
    partial.replace(path)
    durability.flush_each([str(path)])
