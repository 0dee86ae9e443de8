"""Which conversation each row belongs to, in a file that is a tree.

Going back to an earlier prompt writes nothing: the next prompt only follows an older record, and what came
after that stays in the file. But branches grow for other reasons too (parallel calls, hooks, several lines of
one message), and a plain walk up from the last record would lose those. So only what a person does opens a
branch: two turns exclude each other when the later one follows a record from before the earlier one. The one
that went on longest is the conversation; the others are conversations of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from superqode.session.importers.claude_code.rows import Row

__all__ = ["Branch", "Layout", "arrange", "side_chains"]

_NOWHERE: Final = -1


@dataclass(frozen=True, slots=True)
class Branch:
    """A conversation of the file: the main one, or one that was left for another.

    Attributes:
        start: the row of its first own prompt; -1 for the main one.
        follows: the last row it shares with the conversation it left; -1 for none.
        origin: that conversation's number.
    """

    start: int
    follows: int
    origin: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The conversations of a file, numbered from 0, the main one.

    Attributes:
        owners: for each row the conversation it belongs to.
        branches: the conversations.
        lasts: for each conversation that has rows of its own the last of them.
    """

    owners: Sequence[int]
    branches: Sequence[Branch]
    lasts: Mapping[int, int]

    def limits(self, number: int) -> dict[int, int]:
        """Give the last row that a conversation has of each one it shares rows with; its own comes last of all."""
        limits = {number: self.lasts.get(number, _NOWHERE)}
        while number:
            branch = self.branches[number]
            number = branch.origin
            limits[number] = branch.follows
        return limits


@dataclass(slots=True)
class _Turn:
    """What a person started, and everything until they start something else.

    Attributes:
        start: its first row.
        follows: the row it follows.
        parent: the number of the turn that row is in.
        last: the last row said in it or in a turn after it.
        rivals: groups of turns that follow this one and exclude each other.
        owner: its conversation.
    """

    start: int
    follows: int
    parent: int
    last: int
    rivals: list[list[int]] = field(default_factory=list)
    owner: int = 0


def arrange(rows: Sequence[Row]) -> Layout:
    """Sort the rows of a main conversation, in the file's order, into conversations."""
    turns, turn_of = _turns(rows)
    for number in range(len(turns) - 1, 0, -1):
        parent = turns[turns[number].parent]
        parent.last = max(parent.last, turns[number].last)
    left = {
        number
        for turn in turns
        for group in turn.rivals
        for number in sorted(group, key=lambda rival: turns[rival].last)[:-1]
    }
    branches = [Branch(_NOWHERE, _NOWHERE, 0)]
    for number, turn in enumerate(turns[1:], start=1):
        turn.owner = turns[turn.parent].owner
        if number in left:
            branches.append(Branch(turn.start, turn.follows, turn.owner))
            turn.owner = len(branches) - 1
    owners = [turns[number].owner for number in turn_of]
    return Layout(owners, branches, {owner: place for place, owner in enumerate(owners)})


def _turns(rows: Sequence[Row]) -> tuple[list[_Turn], list[int]]:
    """Give the turns, the first being what stands before any prompt, and the number of each row's turn."""
    turns = [_Turn(_NOWHERE, _NOWHERE, 0, _NOWHERE)]
    turn_of: list[int] = []
    places: dict[str, int] = {}
    for place, row in enumerate(rows):
        follows = _followed(row, place, places)
        number = turn_of[follows] if follows >= 0 else 0
        if row.kind in ("prompt", "command"):
            turns.append(_Turn(place, follows, number, place))
            _join(turns, len(turns) - 1)
            number = len(turns) - 1
        elif row.calls or row.results or row.kind == "assistant":
            turns[number].last = place
        turn_of.append(number)
        places.setdefault(row.uuid, place)
    return turns, turn_of


def _followed(row: Row, place: int, places: dict[str, int]) -> int:
    """Find the row a row follows; where the record is silent or its parent is lost, the one before it."""
    if row.parent is None and row.kind in ("prompt", "command"):
        return places.get(row.other_parent, _NOWHERE)
    return places.get(row.parent or row.other_parent, places.get(row.other_parent, place - 1))


def _join(turns: list[_Turn], number: int) -> None:
    """Put a turn among its rivals: those whose first prompt came after the record this one follows."""
    turn = turns[number]
    groups = turns[turn.parent].rivals
    rivals: list[list[int]] = []
    while groups and turns[groups[-1][0]].start > turn.follows:
        rivals.append(groups.pop())
    joined = [member for group in reversed(rivals[:-1]) for member in group]
    earliest = rivals[-1] if rivals else []
    earliest += [*joined, number]
    groups.append(earliest)


def side_chains(rows: Sequence[Row]) -> list[list[Row]]:
    """Group the rows of sub-agents: by the agent's id, or in old versions by the prompt they descend from."""
    chains: dict[str, list[Row]] = {}
    chain_of: dict[str, str] = {}
    latest = ""
    for row in rows:
        opens = row.kind == "prompt" and row.parent not in chain_of
        chain = row.agent_id or chain_of.get(row.parent or "") or (row.uuid if opens or not latest else latest)
        chain_of.setdefault(row.uuid, chain)
        chains.setdefault(chain, []).append(row)
        latest = chain
    return list(chains.values())
