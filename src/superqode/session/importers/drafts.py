"""What a transcript's records become on their way to a session: a tree of things said and tools called.

Agents go back to an earlier point and on from there, so each draft knows the one it follows. The way up from the tip
is the conversation; what other ends there are were left for it, and are conversations of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from superqode.session.codec.jsontext import dump_text
from superqode.session.importers.origin import EntryIds
from superqode.session.importers.spool import Spool, with_heavy
from superqode.session.models import FrozenDict, MessageRole

__all__ = ["MOST_BRANCHES", "Call", "Draft", "Drafts", "Said", "Way"]

# How many conversations that were left are kept of one file; the last ones.
MOST_BRANCHES: Final = 256


@dataclass(slots=True, eq=False)
class Said:
    """A message.

    Attributes:
        role: who speaks.
        text: the words.
        time: when, aware UTC.
        id: the agent's own id; empty where it has none.
        answers: for a result that no call is known for: the call's id.
        thinking: the model's thoughts.
        calls: what the message asks for.
        details: metadata, JSON.
        records: how many records became part of it.
        follows: the draft before it; None for the first.
    """

    role: MessageRole
    text: str
    time: datetime
    id: str = ""
    answers: str = ""
    thinking: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    records: int = 0
    follows: Draft | None = None


@dataclass(slots=True, eq=False)
class Call:
    """A tool call; it stands where it was made, whenever its result comes.

    Attributes:
        id: the agent's own id; empty where it has none.
        name: the tool.
        arguments: what it was called with.
        time: when it was asked for.
        block: how the message asks for it, in the agent's own shape; empty where no message does.
        ended: when its result came; None while there is none.
        result: what it gave, as text.
        worked: whether it really did what it was asked to.
        touch: what happened to its file, where the result says so.
        duration_ms: how long it ran as recorded; negative where that is not recorded.
        by_person: whether a person ran it, not the model.
        details, records, follows: as for a message.
    """

    id: str
    name: str
    arguments: FrozenDict
    time: datetime
    block: FrozenDict = field(default_factory=FrozenDict)
    ended: datetime | None = None
    result: str = ""
    worked: bool = False
    touch: Literal["", "create", "modify"] = ""
    duration_ms: int = -1
    by_person: bool = False
    details: dict[str, Any] = field(default_factory=dict)
    records: int = 0
    follows: Draft | None = None


Draft = Said | Call


@dataclass(frozen=True, slots=True)
class Way:
    """A conversation: its drafts in order, of which those before `own` are another's, too."""

    drafts: list[Draft]
    own: int


class Drafts:
    """The drafts of one transcript.

    Attributes:
        every: all of them, in the order they came.
        tip: the one that what comes next follows; None at the beginning.
        big: whether they are those of a huge transcript: then what is long in them stands on disk.
    """

    def __init__(self, *, big: bool = False) -> None:
        self.big = big
        self._shelve = _shelf() if big else None
        self.every: list[Draft] = []
        self.tip: Draft | None = None
        self._open: dict[str, list[Call]] = {}

    def add(self, draft: Draft) -> None:
        """Add a draft behind the tip, and make it the tip."""
        if self._shelve is not None:
            self._shelve(draft)
        draft.follows = self.tip
        self.every.append(draft)
        self.tip = draft
        if isinstance(draft, Call):
            self._open.setdefault(draft.id, []).append(draft)

    def waiting(self, call_id: str) -> Call | None:
        """The latest call of an id that has no result; some servers give one id to many calls."""
        waiting = self._open.get(call_id, [])
        while waiting and waiting[-1].ended is not None:
            waiting.pop()
        return waiting[-1] if waiting else None

    def speaker(self) -> Said | None:
        """The last message of the model on the way to the tip, up to where a person spoke."""
        place = self.tip
        while place is not None and not (isinstance(place, Said) and place.role in _SPEAKERS):
            place = place.follows
        return place if isinstance(place, Said) and place.role is MessageRole.ASSISTANT else None

    def entry_ids(self) -> dict[int, str]:
        """Give each draft its entry's id, by the draft's `id()`; what came first keeps its id in a longer file."""
        ids = EntryIds(compact=self.big)
        return {id(draft): _entry_id(draft, ids) for draft in self.every}

    def ways(self) -> Iterator[Way]:
        """Give the conversations: the one that ends at the tip, then those that were left, in the order they ended.

        A conversation that was taken back to its beginning, with nothing said since, is still the conversation.
        """
        ends = self._ends()
        main = self.tip or (ends.pop() if ends else None)
        taken: set[int] = set()
        yield _way(main, taken)
        for end in ends[:-MOST_BRANCHES]:
            _way(end, taken)
        for end in ends[-MOST_BRANCHES:]:
            yield _way(end, taken)

    def too_old(self) -> list[Draft]:
        """The drafts of conversations that were left and are too many to keep."""
        if len(self._ends()) <= MOST_BRANCHES:
            return []
        kept = {id(draft) for way in self.ways() for draft in way.drafts}
        return [draft for draft in self.every if id(draft) not in kept]

    def _ends(self) -> list[Draft]:
        followed = {id(draft.follows) for draft in self.every}
        return [draft for draft in self.every if id(draft) not in followed and draft is not self.tip]


def _shelf() -> Callable[[Draft], None]:
    """Give what moves the long fields of a draft to disk, where they are read from as before."""
    spool = Spool()
    fields = {Said: ("text",), Call: ("arguments", "block", "result")}
    kinds: dict[type[Draft], type[Draft]] = {Said: with_heavy(Said, spool, *fields[Said])}
    kinds[Call] = with_heavy(Call, spool, *fields[Call])

    def shelve(draft: Draft) -> None:
        values = {name: getattr(draft, name) for name in fields[type(draft)]}
        draft.__class__ = kinds[type(draft)]
        for name, value in values.items():
            setattr(draft, name, value)

    return shelve


_SPEAKERS: Final = frozenset((MessageRole.ASSISTANT, MessageRole.USER))


def _way(end: Draft | None, taken: set[int]) -> Way:
    drafts: list[Draft] = []
    own = 0
    place = end
    while place is not None:
        own += id(place) not in taken
        drafts.append(place)
        place = place.follows
    drafts.reverse()
    taken.update(map(id, drafts))
    return Way(drafts, len(drafts) - own)


def _entry_id(draft: Draft, ids: EntryIds) -> str:
    if draft.id:
        return ids.claim(draft.id)
    if isinstance(draft, Call):
        return ids.derive("call", draft.name, dump_text(draft.arguments))
    if not draft.text and draft.calls and draft.calls[0].id:
        return ids.claim(f"msg-{draft.calls[0].id}")
    return ids.derive("msg", draft.role, draft.text)
