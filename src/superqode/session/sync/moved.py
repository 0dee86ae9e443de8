"""The note in the place of a sync whose key was changed: which sync goes on, and what of this one that has."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from superqode.session.errors import SyncTampered
from superqode.session.sharing import wire
from superqode.session.sharing.tokens import InvalidToken, open_token, seal
from superqode.session.sync.keys import SyncKey
from superqode.session.sync.layout import SYNC_ID

__all__ = ["Moved", "open_moved", "seal_moved"]

_FORMAT: Final = "superqode-sync-moved"
_VERSION: Final = 1
_OID: Final = re.compile("[0-9a-f]{40}")


class Moved(NamedTuple):
    """What the note says.

    Attributes:
        to: the id of the sync that goes on; empty where the note does not say, as those of older versions.
        generation: the number of the last push here that the other one is known to have; 0 where it may have nothing.
        previous: the commit of that push and those before it, newest first, as far as they were known.
    """

    to: str = ""
    generation: int = 0
    previous: tuple[str, ...] = ()


def seal_moved(key: SyncKey, moved: Moved) -> bytes:
    """Give the note's bytes."""
    said: dict[str, object] = {"format": _FORMAT, "to": moved.to, "version": _VERSION}
    if moved.previous:
        said |= {"generation": moved.generation, "previous": list(moved.previous)}
    return seal(key.moved(), wire.canonical(said))


def open_moved(key: SyncKey, raw: bytes, shown: str) -> Moved:
    """Read a note; what it says in another way than this version does counts as not said.

    Args:
        key: the key that was changed.
        raw: the note's bytes.
        shown: the remote, in the words of an error.

    Raises:
        SyncTampered: nobody with the key wrote it.
    """
    try:
        values = wire.read_object(open_token(key.moved(), raw))
    except InvalidToken as problem:
        raise SyncTampered(shown, "it says that its key was changed, and that is not true") from problem
    except ValueError:
        return Moved()
    to, generation, previous = (values.get(name) for name in ("to", "generation", "previous"))
    if not isinstance(to, str) or not SYNC_ID.fullmatch(to):
        return Moved()
    if type(generation) is not int or not isinstance(previous, list):
        return Moved(to)
    commits = tuple(oid for oid in previous if isinstance(oid, str) and _OID.fullmatch(oid))
    return Moved(to, generation, commits) if len(commits) == len(previous) else Moved(to)
