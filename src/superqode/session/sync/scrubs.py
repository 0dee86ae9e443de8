"""Views without what scrubs replaced: each branch, snapshot and item of the trash that is built on it is written again.

Done to all three views before they are reconciled, so that the rules never meet an old history beside its new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from superqode.session.errors import CorruptObject, CorruptSession
from superqode.session.git.repository import Repository
from superqode.session.store.lines import just_after
from superqode.session.store.owners import owner_of
from superqode.session.store.replanting import Replanter
from superqode.session.store.scrubbed import Replaced, encode_mark, read_mark
from superqode.session.store.trash import TIME_FORMAT, moment_of
from superqode.session.sync.notes import Note
from superqode.session.sync.view import HEADS, PURGED, SCRUBBED, TAGS, TRASH, View

__all__ = ["Scrubs", "marks_of", "next_mark"]

_TIPS: Final = (HEADS, TAGS, TRASH)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def marks_of(views: Iterable[View]) -> dict[str, str]:
    """The marks of scrubs in some views, by their blobs: one of the names each has."""
    return {oid: name for view in views for name, oid in view.items() if name.startswith(SCRUBBED)}


class Scrubs:
    """What scrubs replaced, as some views tell.

    Args:
        repository: where the objects of all of them are, and where new ones are written.
        views: the views, ours first.
        clean: values that are known to be built on nothing that these marks replaced.

    Attributes:
        notes: what people should hear of.
        replaced: the objects that were replaced and are here.
    """

    def __init__(self, repository: Repository, views: Iterable[View], clean: Iterable[str] = ()) -> None:
        views = list(views)
        self._repository = repository
        self._names = marks_of(views)
        self.notes: list[Note] = []
        purged = any(name.startswith(PURGED) for view in views for name in view)
        marks = self._read()
        replanter = Replanter(repository.objects, marks, clean=clean, purged=purged) if marks else None
        self.replaced = replanter.present() if replanter is not None else []
        known = {oid for view in views for oid in view.values()}
        idle = replanter is None or not (self.replaced or any(replanter.kind(oid) for oid in known))
        self._replanter = None if idle else replanter
        self._values: dict[str, str] = {}

    def _read(self) -> list[Replaced]:
        marks: list[Replaced] = []
        for oid, name in sorted(self._names.items()):
            try:
                marks.append(read_mark(self._repository.objects, oid, name))
            except (CorruptObject, CorruptSession):
                self.notes.append(Note("unreadable", name))
        return marks

    def view(self, view: View) -> View:
        """A view without what was replaced. What cannot be read stays as it is: `verify` names it."""
        if self._replanter is None:
            return view
        made: View = {}
        for name, oid in view.items():
            value = self._value(oid) if name.startswith(_TIPS) else oid
            if value:
                made[name] = value
        return made

    def _value(self, oid: str) -> str:
        found = self._values.get(oid)
        if found is None:
            found = self._values[oid] = self._stands_for(oid)
        return found

    def _stands_for(self, oid: str) -> str:
        replanter = self._replanter
        if replanter is None:
            return oid
        try:
            # What was replaced may be gone here already; what stands for it is known all the same.
            kind = replanter.kind(oid) or self._repository.objects.read(oid)[0]
            return replanter.commit(oid) if kind == "commit" else replanter.tag(oid) if kind == "tag" else oid
        except (CorruptObject, CorruptSession):
            return oid

    def mark(self) -> View:
        """The mark of what was written again: another scrub may not know of it."""
        fresh = self._replanter.fresh if self._replanter is not None else Replaced()
        if not fresh:
            return {}
        return {next_mark(self._names.values()): self._repository.objects.write("blob", encode_mark(fresh))}

    def changed(self, view: View) -> Mapping[str, str]:
        """The names of a view whose value is another one, or gone, and the sessions they belong to."""
        if self._replanter is None:
            return {}
        return {
            name: owner_of(name) for name, oid in view.items() if name.startswith(_TIPS) and self._value(oid) != oid
        }


def next_mark(names: Iterable[str]) -> str:
    """The name that machines which find something out at once give it: right behind the latest of these marks.

    A mark whose name says a day that never was, which somebody else made, counts as the earliest.
    """
    told = [(moment_of(time) or _EPOCH, place) for place, _, time in (name.rpartition("/") for name in names)]
    latest, place = max(told)
    return f"{place}/{just_after(latest).strftime(TIME_FORMAT)}"
