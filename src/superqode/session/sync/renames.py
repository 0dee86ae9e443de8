"""A session that was renamed on one side goes under its new id in all three views, whatever the other side did. Pure.

Then what the other side changed, deleted, brought back under its own id or snapped of it is of the same session, and
the usual rules hold. Renamed on both sides, it goes under the lesser of the two ids. A session is known again by its
renamings, or by the save that it began with.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from superqode.session.store.owners import owner_of, trash_parts
from superqode.session.sync.names import other_name
from superqode.session.sync.view import HEADS, KEPT, PURGED, TAGS, TRASH, View

__all__ = ["Followed", "Renamings", "follow", "renamed_to"]


class Renamings(Protocol):
    """What is asked about commits."""

    def contains(self, new: str, old: str) -> bool:
        """Whether `old` is `new` or one of its ancestors; no where either is not there."""

    def was_renamed(self, session_id: str, new_id: str, tip: str, since: str) -> bool:
        """Whether commits that `tip` has and `since` has not rename the session to `new_id`."""

    def begun(self, tip: str) -> frozenset[str]:
        """The first saves of the session that a commit is of, whatever its id was; a fork's is its own."""


@dataclass(slots=True)
class Followed:
    """Three views in which a session has one id.

    Attributes:
        base, ours, theirs: the views.
        both: ids that sessions were given elsewhere and do not keep, by those that they keep.
    """

    base: View
    ours: View
    theirs: View
    both: dict[str, str] = field(default_factory=dict)


def follow(base: View, ours: View, theirs: View, history: Renamings, *, leave: Container[str] = ()) -> Followed:
    """Let every session go under the id that it was renamed to.

    Args:
        base: what both held when they last met.
        ours: what is here.
        theirs: what is there.
        history: answers about commits of both sides.
        leave: names that stay as they are.
    """
    done = Followed(base, ours, theirs)
    known = _tips(base)
    sides = [_Side(view, base, known, history) for view in (ours, theirs)]
    for session_id in sorted(known):
        if HEADS + session_id not in leave:
            found = [side.new_id(session_id, known[session_id]) for side in sides]
            if any(found):
                _let_follow(done, session_id, *found)
    return done


def _tips(view: View) -> dict[str, list[str]]:
    """The tips that sessions have in a view, alive before those in the trash, by their ids."""
    tips = {name.removeprefix(HEADS): [oid] for name, oid in view.items() if name.startswith(HEADS)}
    for name in sorted(name for name in view if name.startswith(TRASH) and name.endswith("/branch")):
        tips.setdefault(trash_parts(name)[0], []).append(view[name])
    return tips


class _Side:
    """A view, and what is new in it since the base; of what was deleted again, too."""

    def __init__(self, view: View, base: View, known: Container[str], history: Renamings) -> None:
        self._tips = _tips(view)
        self._purged = {
            name.removeprefix(PURGED).rpartition("/")[0]
            for name in view
            if name.startswith(PURGED) and name not in base
        }
        self._known = known
        self._history = history
        self._fresh: dict[str, list[tuple[str, str]]] | None = None

    def new_id(self, session_id: str, tips: Sequence[str]) -> str:
        """The id that a session has here instead of the one it had at the base; empty where it has none.

        Args:
            session_id: the one it had.
            tips: its tips at the base: alive first, then those in the trash.
        """
        # Here under its own id, or in the trash: most that are not there are. Or it is gone for good.
        if session_id in self._tips or session_id in self._purged:
            return ""
        pairs = self._begun_like(tips[0])
        # A save that says so counts more: a branch that plain git made beside it is the same session for us.
        for new_id, oid in pairs:
            if _is_told(session_id, new_id, oid, tips[0], self._history):
                return new_id
        # Several sessions may have had that id, one after the other.
        began = self._history.begun(tips[0])
        return pairs[0][0] if pairs and all(self._history.begun(tip) & began for tip in tips[1:]) else ""

    def _begun_like(self, tip: str) -> list[tuple[str, str]]:
        """The new ids and tips whose sessions began as a tip's."""
        if self._fresh is None:
            self._fresh = {}
            for session_id in sorted(self._tips):
                if session_id not in self._known:
                    for oid in self._tips[session_id]:
                        for first in self._history.begun(oid):
                            self._fresh.setdefault(first, []).append((session_id, oid))
        if not self._fresh:
            return []
        return sorted({pair for first in self._history.begun(tip) for pair in self._fresh.get(first, ())})


def _is_told(session_id: str, new_id: str, oid: str, tip: str, history: Renamings) -> bool:
    return history.contains(oid, tip) and _says_so(session_id, new_id, oid, tip, history)


def _says_so(session_id: str, new_id: str, oid: str, tip: str, history: Renamings) -> bool:
    return new_id == other_name(session_id, tip) or history.was_renamed(session_id, new_id, oid, tip)


def _let_follow(done: Followed, session_id: str, ours: str, theirs: str) -> None:
    chosen = min(name for name in (ours, theirs) if name)
    old = {"base": session_id, "ours": ours or session_id, "theirs": theirs or session_id}
    views: dict[str, View] = {which: getattr(done, which) for which in old}
    if any(old[which] != chosen and HEADS + chosen in view for which, view in views.items()):
        return  # another session has that id there: both names stay
    for which, view in views.items():
        setattr(done, which, _under(view, old[which], chosen))
    if ours and theirs and ours != theirs:
        done.both[chosen] = max(ours, theirs)


def _under(view: View, old: str, new: str) -> View:
    """A view in which all that is a session's has another id."""
    if old == new:
        return view
    whole = {HEADS + old: HEADS + new, KEPT + old: KEPT + new}
    below = ((f"{TAGS}{old}/", f"{TAGS}{new}/"), (f"{TRASH}{old}/", f"{TRASH}{new}/"))
    made: View = {}
    for name, oid in view.items():
        moved = whole.get(name, name)
        for start, other in below:
            if name.startswith(start) and owner_of(name) == old:
                moved = other + name.removeprefix(start)
        made[moved] = oid
    return made


def renamed_to(session_id: str, tip: str, view: View, base: View, history: Renamings) -> str | None:
    """The id under which a side that lacks a session has it, all of it up to `tip`; `None` where it has not."""
    for name, oid in view.items():
        new_id = name.removeprefix(HEADS)
        if name.startswith(HEADS) and base.get(name) != oid and _is_told(session_id, new_id, oid, tip, history):
            return new_id
    return None
