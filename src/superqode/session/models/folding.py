"""What lets a session be opened by its end: its lists are made, and its beginning read, when somebody asks for them.

Nothing of the beginning can be lost by that: the order always counts all entries, and whoever asks for a list, an entry
before those at hand, a copy or a dump gets the whole. A `repr` reads nothing, and tells how many there are. Threads may
read a session at once, also while one of them makes it whole; changes are for one at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, PrivateAttr, SerializerFunctionWrapHandler, model_serializer

from superqode.session.models.entries import Entry, Message, ToolExecution
from superqode.session.models.timeline import EntryList, Timeline
from superqode.session.models.window import Window

__all__ = ["Folding"]

_LISTS: Final = ("messages", "tool_executions")


class _Unread:
    """What a `repr` shows in place of a list that was not asked for yet."""

    __slots__ = ("_count",)

    def __init__(self, count: int) -> None:
        self._count = count

    def __repr__(self) -> str:
        return f"<{self._count}, not all read yet>"


class Folding(BaseModel):
    """The part of `Session` that knows its timeline."""

    _timeline: Timeline = PrivateAttr(default_factory=Timeline)

    if not TYPE_CHECKING:  # or every attribute would be of any type

        def __getattr__(self, name: str) -> Any:
            """Read the beginning of a session that was loaded by its end, when one of its lists is asked for."""
            # What is private comes first: a save asks for it twenty times, and pydantic takes a while to get there.
            private = object.__getattribute__(self, "__pydantic_private__")
            if private is not None and name in private:
                return private[name]
            if name in _LISTS and self._timeline.is_folded:
                self._unfold()
            if name in self.__dict__:
                return self.__dict__[name]
            return super().__getattr__(name)

    def _fold(self, entries: Window, messages: int) -> None:
        """Be as saved, with so many messages among these entries; the lists are made when they are asked for."""
        self._timeline.fold(entries, messages)
        for name in _LISTS:
            del self.__dict__[name]

    def _unfold(self) -> None:
        if self._timeline.is_folded:
            self._timeline.unfold(self._put_lists)

    def _put_lists(self, messages: EntryList[Message], calls: EntryList[ToolExecution]) -> None:
        """Put the lists where they stand in a session that was loaded whole; one that somebody put there stays."""
        fields = {**dict(zip(_LISTS, (messages, calls), strict=True)), **self.__dict__}
        # At once, so that another thread sees neither one list alone nor a dictionary that changes.
        ordered = {name: fields[name] for name in type(self).model_fields if name in fields}
        object.__setattr__(self, "__dict__", ordered)

    @property
    def is_whole(self) -> bool:
        """Whether all entries are in memory; otherwise `messages`, `tool_executions` and `timeline` read the rest."""
        entries = self._timeline.entries
        return not isinstance(entries, Window) or entries.start == 0

    @property
    def at_hand(self) -> list[Entry]:
        """The messages and tool executions that are in memory: all, or the last ones; reads nothing."""
        order = self._order()
        return list(order.held if isinstance(order, Window) else order)

    @property
    def message_count(self) -> int:
        """How many messages there are; reads nothing."""
        self._order()
        return self._timeline.messages

    @property
    def execution_count(self) -> int:
        """How many tool executions there are; reads nothing."""
        return len(self._order()) - self._timeline.messages

    def ending(self, number: int) -> list[Entry]:
        """The last so many messages and tool executions; reads more only where fewer are in memory."""
        order = self._order()
        return list(order[max(0, len(order) - number) :])

    def _order(self) -> Sequence[Entry]:
        timeline = self._timeline
        if timeline.is_folded:
            if self.__dict__.keys().isdisjoint(_LISTS):
                return timeline.entries
            self._unfold()  # somebody set one, or another thread is at it
        messages, calls = [getattr(self, name) for name in _LISTS]
        return timeline.follow(messages, calls, self.__dict__["id"])

    # -- what pydantic would take from the fields alone -----------------------------------------------------------

    def __iter__(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override] # pydantic's own is a generator
        self._unfold()
        yield from super().__iter__()

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        timeline = self._timeline
        unread = (timeline.messages, len(timeline.entries) - timeline.messages)
        shown: dict[str | None, Any] = dict(zip(_LISTS, map(_Unread, unread), strict=True))
        shown.update(super().__repr_args__())
        return [(name, shown[name]) for name in type(self).model_fields if name in shown]

    def __getstate__(self) -> dict[Any, Any]:
        self._unfold()
        return super().__getstate__()

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        self._unfold()
        dumped: dict[str, Any] = dump(self)
        return dumped
