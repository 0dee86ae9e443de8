"""What was said and done in a session of the protocol, in order."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from superqode.session.importers.acp.calls import Call
from superqode.session.importers.acp.drafts import (
    OPEN,
    OVER,
    SPOKEN,
    Answer,
    Draft,
    Drafts,
    entry_of,
    is_empty,
    keep,
    says_more,
)
from superqode.session.importers.origin import EntryIds
from superqode.session.importers.spool import KeyMap, KeySet, key_of
from superqode.session.models import Entry

__all__ = ["Story"]


class Story:
    """The drafts of a session, by their numbers.

    Args:
        drafts: where they stand; those of other sessions may be there, too.

    Attributes:
        ids: the ids of its entries.
    """

    def __init__(self, drafts: Drafts) -> None:
        self.ids = EntryIds(compact=drafts.big)
        self._drafts = drafts
        self._order = array("I")
        self._settled = 0

    def __bool__(self) -> bool:
        return any(True for _ in self._told(self._order))

    def add(self, draft: Draft) -> None:
        """Add a draft at the end."""
        self._order.append(self._drafts.append(draft))

    # -- what there is --------------------------------------------------------------------------------------

    def entries(self, agent: str, *, settled: bool) -> list[Entry]:
        """Give the entries as they are now; with `settled` only those that will not change any more."""
        made = [keep(draft, agent, self._drafts) for draft in self._told(self._order[: self._settled])]
        if not settled:
            made += [entry_of(draft, agent, self._drafts) for draft in self._told(self._order[self._settled :])]
        return made

    def stream(self, agent: str) -> Iterator[Entry]:
        """Give the entries one by one, as they are now; none of them is kept."""
        return (entry_of(draft, agent, self._drafts) for draft in self._told(self._order))

    def counts(self) -> tuple[int, int]:
        """How many messages and executions there are."""
        calls = sum(self._drafts.sort_of(number) != SPOKEN for number in self._order)
        return sum(1 for _ in self._told(self._order)) - calls, calls

    def calls(self, *sorts: int) -> Iterator[Call]:
        """Give the calls that are open or over, to be changed; each until the next."""
        for number in self._order:
            if self._drafts.sort_of(number) in sorts and isinstance(call := self._drafts[number], Call):
                yield call
                self._drafts.let_go()

    def last_said(self) -> Draft | None:
        """Give the last that is no call, to be changed; None where there is none."""
        said = (number for number in reversed(self._order) if self._drafts.sort_of(number) == SPOKEN)
        return next(map(self._drafts.__getitem__, said), None)

    def _told(self, numbers: Iterable[int]) -> Iterator[Draft]:
        """Give the drafts of some numbers that say or do anything."""
        return (draft for draft in map(self._drafts.peek, numbers) if not is_empty(draft))

    # -- what becomes of it ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """What is there will not change any more, and is kept as short as it is."""
        for number in self._order[self._settled :]:
            draft = self._drafts[number]
            if isinstance(draft, Call):
                draft.fold()
            elif isinstance(draft, Answer):
                draft.texts = [draft.text] if draft.texts else []
            self._drafts.let_go()
        self._settled = len(self._order)

    def mark_replayed(self) -> None:
        """Only the agent's own replay tells of its calls, so nothing tells how long they ran."""
        for call in self.calls(OPEN, OVER):
            call.replayed = True

    def absorb(self, other: Story, calls: KeyMap) -> Iterator[Draft]:
        """Add what only another telling of it has, each draft behind the one it follows there; gives what was taken.

        Args:
            other: the other telling.
            calls: the calls that are known, by their ids; what is taken is to be noted there at once.
        """
        places, said = KeyMap(), KeySet()
        for number, draft in enumerate(map(self._drafts.peek, self._order)):
            places[draft.entry_id] = number
            if isinstance(draft, Answer):
                said.add(_words(draft))
        merged = array("I")
        taken = 0
        for draft in map(self._drafts.peek, other._order):
            place = places.get(draft.entry_id)
            if place is not None:
                if says_more(draft, self._drafts.peek(self._order[place])):
                    self._order[place] = draft.number
                    yield draft
                merged += self._order[taken : place + 1]
                taken = max(taken, place + 1)
            elif not is_empty(draft) and not (isinstance(draft, Answer) and self._knows(draft, said, calls)):
                self.ids.claim(draft.entry_id)
                merged.append(draft.number)
                yield draft
        self._order = merged + self._order[taken:]

    def _knows(self, answer: Answer, said: KeySet, known: KeyMap) -> bool:
        """Whether a repeated answer is known under another id, or is nothing but calls that are known."""
        if answer.text or any(answer.thinking):
            return _words(answer) in said
        calls = map(self._drafts.peek, answer.calls)
        return all(call.id in known for call in calls if isinstance(call, Call))

    def branch(self) -> Story:
        """Give another one that begins with the same."""
        other = Story(self._drafts)
        other._order = self._order[:]
        for draft in map(self._drafts.peek, other._order):
            other.ids.claim(draft.entry_id)
        other._settled = len(other._order)
        return other


def _words(answer: Answer) -> int:
    """What tells by its words whether an answer is known."""
    return key_of(repr((answer.turn, answer.text or "".join(answer.thinking))))
