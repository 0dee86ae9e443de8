"""All sessions as the screens list them: made once, then kept up to date with what changed, however many there are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

from superqode.session.store.index.moments import to_micros
from superqode.tui.filtering import haystack

if TYPE_CHECKING:
    from superqode.session import SessionStore
    from superqode.session.store.results import SessionSummary

__all__ = ["Lister", "Listing"]

# More changes than these, and listing anew costs no more than putting each in its place.
_FEW: Final = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """All sessions, newest first, and beside each the text that words are looked for in."""

    summaries: Sequence[SessionSummary] = ()
    hays: Sequence[str] = field(default=(), repr=False)


class Lister:
    """Lists all sessions of a store, again and again.

    Args:
        store: the store.
    """

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._lock = Lock()  # threads of listings that nobody waits for any more may still run
        self._listing = Listing()
        self._generation: int | None = None
        self._known: dict[str, tuple[SessionSummary, str]] = {}

    def first(self, limit: int) -> Listing:
        """List so many, to have something to show; raises as `SessionStore.list_sessions`."""
        return _listed(self._store.list_sessions(limit=limit))

    def all(self) -> Listing:
        """List all sessions; what did not change since the last call is the same object.

        Raises as `SessionStore.list_sessions`.
        """
        with self._lock:
            if self._generation is None or not self._catch_up(self._generation):
                self._list()
            return self._listing

    def _list(self) -> None:
        self._generation = self._store.generation()  # before: what changes meanwhile is looked at again
        found = self._store.list_sessions(known={name: item for name, (item, _) in self._known.items()})
        told = [self._known.get(item.id, (None, "")) for item in found]
        hays = [old[1] if old[0] is item else haystack(item) for item, old in zip(found, told, strict=True)]
        self._known = {item.id: (item, hay) for item, hay in zip(found, hays, strict=True)}
        self._listing = Listing(found, hays)

    def _catch_up(self, generation: int) -> bool:
        """Put what changed in its place; says no where that cannot be told."""
        changes = self._store.list_changed(generation)
        if changes is None or len(changes.changed) > _FEW:
            return False
        summaries, hays = list(self._listing.summaries), list(self._listing.hays)
        for name in changes.changed:
            old = self._known.get(name)
            if old is not None:
                place = _place(summaries, old[0])
                if place == len(summaries) or summaries[place] is not old[0]:
                    return False
                del summaries[place], hays[place]
                del self._known[name]
        for item in changes.summaries:
            place = _place(summaries, item)
            hay = haystack(item)
            summaries.insert(place, item)
            hays.insert(place, hay)
            self._known[item.id] = item, hay
        self._listing, self._generation = Listing(summaries, hays), changes.generation
        return True


def _listed(found: Sequence[SessionSummary]) -> Listing:
    return Listing(found, [haystack(item) for item in found])


def _place(summaries: Sequence[SessionSummary], item: SessionSummary) -> int:
    """Where a session stands, or would: newest first, those of one moment by their id."""
    return bisect_left(summaries, _rank(item), key=_rank)


def _rank(item: SessionSummary) -> tuple[int, str]:
    return -to_micros(item.updated_at), item.id
