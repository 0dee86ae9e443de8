"""What two stores that parted shall both hold: base, ours, theirs → one view, and what has to be merged for it. Pure.

The rules, in the order in which they are tried. A *session* is a branch with its snapshots.

- A branch that contains the other one wins; else the side that did not change since the base gives way; else both are
  merged.
- What is absent was removed only where its side says so: a session by its item in the trash, by a mark that it was
  purged, or by a commit that renamed it. What vanished without a word (a remote that was put back, a damaged ref) comes
  back from the other side.
- A session that was renamed on one side goes under its new id on both, with all that the other changed; renamed to two
  ids, under the lesser one.
- A session that was deleted on one side and changed or renamed on the other stays: the change wins.
- A snapshot that was made of a session while it was deleted elsewhere goes into the trash with it.
- What was purged is gone on both sides, unless it was changed or brought back on the other, or a snapshot made of it
  there. Its mark names an item of the trash: that is gone wherever it turns up.
- Anything else is the one value that changed; where both did, the later of the two in its own order.

Neither clocks nor the names of machines count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from superqode.session.store.owners import owner_of, trash_parts
from superqode.session.sync.names import settle_names
from superqode.session.sync.notes import Note
from superqode.session.sync.renames import Renamings, follow, renamed_to
from superqode.session.sync.view import HEADS, KEPT, LEDGER_FOLDER, PURGED, SCRUBBED, SHARE_REFS, TAGS, TRASH, View

__all__ = ["History", "Plan", "reconcile"]

Fate = Literal["normal", "kept", "gone"]


class History(Renamings, Protocol):
    """What is asked about commits."""

    def original_rank(self, commit: str) -> tuple[int, int, str]:
        """Which of two kept originals of one session counts: the greater."""


@dataclass(slots=True)
class Plan:
    """What shall be.

    Attributes:
        result: the view that both sides shall hold, but for what has to be merged first.
        merges: sessions' branches that need a merge of two commits, ours and theirs.
        named: ids that sessions were given on one side and do not keep, by their branches: a save has to say so.
        documents: documents of the ledger that need one of two blobs.
        shares: refs of shares that are not the same on both sides, ours and theirs: each goes with its document.
        notes: what people should hear of.
    """

    result: View
    merges: dict[str, tuple[str, str]] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    shares: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def reconcile(
    base: View,
    ours: View,
    theirs: View,
    history: History,
    *,
    trusted: bool,
    unreadable: frozenset[str] = frozenset(),
) -> Plan:
    """Find what both sides shall hold.

    Args:
        base: what both held when they last met; empty where that is not known.
        ours: what is here.
        theirs: what is there.
        history: answers about commits of both sides.
        trusted: whether their side is known to build on the base, so that what is absent there was removed.
        unreadable: names of ours whose value cannot be read: as if they were at the base.
    """
    ours = ours | {name: base[name] for name in unreadable if name in base}
    found = follow(base, ours, theirs, history, leave=unreadable)
    work = _Reconciler(found.base, found.ours, found.theirs, history, trusted=trusted)
    plan = work.plan()
    plan.named = {HEADS + kept: lost for kept, lost in found.both.items() if HEADS + kept in plan.result}
    plan.notes += [Note("named", lost, kept) for kept, lost in found.both.items()]
    for name in unreadable:
        plan.merges.pop(name, None)
        plan.result.pop(name, None)
        plan.result |= {name: ours[name]} if name in ours else {}
    plan.notes += [Note("unreadable", name) for name in sorted(unreadable)]
    return plan


class _Reconciler:
    def __init__(self, base: View, ours: View, theirs: View, history: History, *, trusted: bool) -> None:
        self._base, self._ours, self._theirs = base, ours, theirs
        self._history = history
        self._trusted = trusted
        self._fates: dict[str, Fate] = {}
        self._plan = Plan({})
        self._result = self._plan.result
        self._items = {id(view): _trash_items(view) for view in (ours, theirs)}

    def plan(self) -> Plan:
        names = sorted({*self._base, *self._ours, *self._theirs})
        for name in names:
            if name.startswith(HEADS):
                self._branch(name)
        self._trash()
        for name in names:
            if name.startswith(TAGS):
                self._tag(name)
            elif name.startswith(KEPT):
                self._original(name)
            elif name.startswith(PURGED):
                self._result[name] = self._ours.get(name) or self._theirs.get(name) or self._base[name]
            elif name.startswith(SCRUBBED):
                self._mark(name)
            elif name.startswith(SHARE_REFS):
                self._share(name)
            elif name.startswith(LEDGER_FOLDER):
                self._document(name)
        renamed = settle_names(self._result, self._ours)
        self._plan.notes += [Note("renamed", old, new) for old, new in renamed.items()]
        self._plan.merges = {
            HEADS + renamed.get(name.removeprefix(HEADS), name.removeprefix(HEADS)): pair
            for name, pair in self._plan.merges.items()
        }
        return self._plan

    # -- sessions -------------------------------------------------------------------------------------------------

    def _branch(self, name: str) -> None:
        session_id = name.removeprefix(HEADS)
        base, ours, theirs = self._base.get(name), self._ours.get(name), self._theirs.get(name)
        if ours is not None and theirs is not None:
            self._fates[session_id] = "normal"
            self._result[name] = self._one_of(name, base, ours, theirs)
        elif ours is not None:
            self._absent(name, base, ours, self._theirs, mine=True)
        elif theirs is not None:
            self._absent(name, base, theirs, self._ours, mine=False)

    def _one_of(self, name: str, base: str | None, ours: str, theirs: str) -> str:
        if self._history.contains(ours, theirs):
            return ours
        if self._history.contains(theirs, ours):
            return theirs
        if theirs == base:
            return ours  # rewritten here, to take a secret out of its history
        if ours == base and self._trusted:
            return theirs
        self._plan.merges[name] = (ours, theirs)
        return ours

    def _absent(self, name: str, base: str | None, tip: str, other: View, *, mine: bool) -> None:
        """A session that only one side has, at `tip`; `other` is the side that lacks it."""
        session_id = name.removeprefix(HEADS)
        self._fates[session_id] = "normal"
        if base is not None:
            if self._is_removed(session_id, base, tip, other, self._ours if mine else self._theirs):
                self._fates[session_id] = "gone"
                return
            told = self._is_removed(session_id, base, base, other, self._base)
            self._fates[session_id] = "kept"
            self._plan.notes.append(Note("kept" if told else "returned" if mine else "revived", session_id))
        elif self._items[id(other)].get(session_id):
            self._fates[session_id] = "kept"
        self._result[name] = tip

    def _is_snapped(self, session_id: str, view: View) -> bool:
        """Whether a side made a snapshot of a session since the base."""
        tags = f"{TAGS}{session_id}/"
        return any(
            name.startswith(tags) and owner_of(name) == session_id and self._base.get(name) != oid
            for name, oid in view.items()
        )

    def _is_removed(self, session_id: str, base: str, tip: str, view: View, holding: View) -> bool:
        """Whether a side that lacks a session says that it removed all of it up to `tip`, as another view holds it."""
        contains = self._history.contains
        if any(
            contains(item["branch"], tip)
            for item in self._items[id(view)].get(session_id, {}).values()
            if "branch" in item
        ):
            return True
        if tip == base or contains(base, tip):
            marks = f"{PURGED}{session_id}/"
            marked = any(name.startswith(marks) and name not in self._base for name in view)
            if marked and not self._is_snapped(session_id, holding):
                return True
        return renamed_to(session_id, tip, view, self._base, self._history) is not None

    # -- the trash ------------------------------------------------------------------------------------------------

    def _trash(self) -> None:
        base = _trash_items(self._base)
        ours, theirs = self._items[id(self._ours)], self._items[id(self._theirs)]
        for session_id in sorted({*ours, *theirs}):
            for folder in sorted({*ours.get(session_id, {}), *theirs.get(session_id, {})}):
                mine, other = ours.get(session_id, {}).get(folder), theirs.get(session_id, {}).get(folder)
                known = folder in base.get(session_id, {})
                if mine is not None and other is not None:
                    self._both_deleted(folder, mine, other)
                elif mine is not None:
                    self._one_deleted(session_id, folder, mine, self._theirs, known=known, trusted=self._trusted)
                elif other is not None:
                    self._one_deleted(session_id, folder, other, self._ours, known=known, trusted=False)

    def _both_deleted(self, folder: str, mine: View, other: View) -> None:
        if mine.get("branch") == other.get("branch"):
            self._put_item(folder, other | mine)
            return
        # Two deletions that two clocks put at one moment.
        self._put_item(folder, other)
        self._put_item(self._free_folder(folder), mine)

    def _free_folder(self, folder: str) -> str:
        start, _, time = folder.removesuffix("/").rpartition("/")
        day, _, rest = time.partition(".")
        number = int(rest.removesuffix("Z"))
        while True:
            number = (number + 1) % 1_000_000
            free = f"{start}/{day}.{number:06d}Z/"
            views = (self._ours, self._theirs, self._result)
            if not any(f"{name}/".startswith(free) for view in views for name in view):
                return free

    def _one_deleted(
        self, session_id: str, folder: str, item: View, lacking: View, *, known: bool, trusted: bool
    ) -> None:
        """An item that only one side has; `lacking` is the other."""
        live = self._result.get(HEADS + session_id)
        tip = item.get("branch", "")
        if known:
            place = self._went_to(session_id, folder, tip, lacking)
            fresh = {rest: oid for rest, oid in item.items() if self._base.get(folder + rest) != oid}
            if place:
                self._bring_back(place, fresh)
            # A snapshot that got into it meanwhile is a change, and wins.
            if not fresh and (trusted or place is not None):
                return
            if place:
                return
        elif _mark_of(folder) in lacking:
            return  # purged there, and this side did not know it yet
        elif self._fates.get(session_id) == "kept" and live is not None and self._history.contains(live, tip):
            self._bring_back(f"{TAGS}{session_id}/", item)
            return
        self._put_item(folder, item)

    def _went_to(self, session_id: str, folder: str, tip: str, lacking: View) -> str | None:
        """Where a side has the snapshots of an item that it has no more: empty: purged; `None`: nobody knows."""
        contains = self._history.contains
        back = lacking.get(HEADS + session_id)
        if back is not None and contains(back, tip):
            return f"{TAGS}{session_id}/"
        for name, oid in lacking.items():  # brought back under another id, or renamed while it was in the trash
            if name.startswith(HEADS) and self._base.get(name) != oid and contains(oid, tip):
                return f"{TAGS}{name.removeprefix(HEADS)}/"
        time = folder.removesuffix("/").rpartition("/")[2]
        for items in self._items[id(lacking)].values():
            for other, item in items.items():
                if other.endswith(f"/{time}/") and item.get("branch") == tip:
                    return f"{other}tags/"
        return "" if _mark_of(folder) in lacking else None

    def _put_item(self, folder: str, item: View) -> None:
        self._result.update({folder + rest: oid for rest, oid in item.items()})

    def _bring_back(self, place: str, item: View) -> None:
        """The snapshots of a deletion that does not count, to where they belong."""
        for rest, oid in item.items():
            if rest.startswith("tags/"):
                self._result.setdefault(place + rest.removeprefix("tags/"), oid)

    # -- snapshots ------------------------------------------------------------------------------------------------

    def _tag(self, name: str) -> None:
        session_id = name.removeprefix(TAGS).rpartition("/")[0]
        base, ours, theirs = self._base.get(name), self._ours.get(name), self._theirs.get(name)
        fate = self._fates.get(session_id, "normal")
        if fate == "gone":
            self._leave_behind(session_id, name, base, ours or theirs)
        elif ours is not None and theirs is not None and ours != theirs and base not in (ours, theirs):
            self._result[name] = theirs
            self._result[f"{name}-{ours[:8]}"] = ours
        elif ours is not None and theirs is not None:
            self._result[name] = ours if theirs == base else theirs
        elif fate == "kept":
            self._result.setdefault(name, ours or theirs or base or "")
            if not self._result[name]:
                del self._result[name]
        elif ours is not None and not (ours == base and self._trusted):
            self._result[name] = ours
        elif theirs is not None and theirs != base:
            self._result[name] = theirs

    def _leave_behind(self, session_id: str, name: str, base: str | None, oid: str | None) -> None:
        """A snapshot of a session that is gone: in the trash with it, under its new name, or else as it is."""
        if oid is None:
            return
        items = {name: item for side in self._items.values() for name, item in side.get(session_id, {}).items()}
        if any(oid in item.values() for item in items.values()) or oid == base:
            return
        snapshot = name.rpartition("/")[2]
        there = [folder for folder in sorted(items, reverse=True) if folder + "branch" in self._result]
        if there:
            self._result.setdefault(f"{there[0]}tags/{snapshot}", oid)
            return
        for view in (self._ours, self._theirs):
            tip = self._base.get(HEADS + session_id)
            new_id = renamed_to(session_id, tip, view, self._base, self._history) if tip is not None else None
            if new_id is not None:
                self._result.setdefault(f"{TAGS}{new_id}/{snapshot}", oid)
                return
        self._result[name] = oid

    def _mark(self, name: str) -> None:
        """A mark of a scrub stays for ever, under another moment where two clocks gave one to two."""
        values = dict.fromkeys(view[name] for view in (self._theirs, self._ours, self._base) if name in view)
        for oid in values:
            if self._result.get(name, oid) != oid:
                self._result[self._free_folder(f"{name}/").removesuffix("/")] = oid
            else:
                self._result[name] = oid

    # -- the rest -------------------------------------------------------------------------------------------------

    def _original(self, name: str) -> None:
        """A kept original goes where its session goes; of two the one that counts."""
        session_id = name.removeprefix(KEPT)
        trash = f"{TRASH}{session_id}/"
        there = HEADS + session_id in self._result or any(key.startswith(trash) for key in self._result)
        if not there and (self._fates.get(session_id) == "gone" or self._was_purged(session_id)):
            return  # whether or not their side is known to build on the base
        rank = self._history.original_rank
        self._plainly(name, lambda ours, theirs: max(ours, theirs, key=rank), keep=there)

    def _was_purged(self, session_id: str) -> bool:
        return any(name.startswith(f"{PURGED}{session_id}/") for name in (*self._ours, *self._theirs))

    def _share(self, name: str) -> None:
        ours, theirs = self._ours.get(name), self._theirs.get(name)
        if ours != theirs:
            self._plan.shares[name] = (ours, theirs)
        self._plainly(name, lambda ours, theirs: ours if self._history.contains(ours, theirs) else theirs)

    def _document(self, name: str) -> None:
        base, ours, theirs = self._base.get(name), self._ours.get(name), self._theirs.get(name)
        if ours is not None and theirs is not None and ours != theirs and base not in (ours, theirs):
            self._plan.documents[name] = (ours, theirs)
        self._plainly(name, lambda ours, _theirs: ours)

    def _plainly(self, name: str, choose: Callable[[str, str], str], *, keep: bool = False) -> None:
        """Three-way: the side that changed; both did: what `choose` says; absent: removed where that is known."""
        base, ours, theirs = self._base.get(name), self._ours.get(name), self._theirs.get(name)
        if ours is not None and theirs is not None:
            self._result[name] = theirs if ours in (base, theirs) else ours if theirs == base else choose(ours, theirs)
        elif ours is not None and (keep or not (ours == base and self._trusted)):
            self._result[name] = ours
        elif theirs is not None and (keep or theirs != base):
            self._result[name] = theirs


def _mark_of(folder: str) -> str:
    """The mark that an item of the trash was purged."""
    return PURGED + folder.removeprefix(TRASH).removesuffix("/")


def _trash_items(view: View) -> dict[str, dict[str, View]]:
    """What is in the trash: session → folder of the item → what of it → object."""
    found: dict[str, dict[str, View]] = {}
    for name, oid in view.items():
        if name.startswith(TRASH):
            session_id, folder, rest = trash_parts(name)
            found.setdefault(session_id, {}).setdefault(folder, {})[rest] = oid
    return found
