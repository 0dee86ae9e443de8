"""What a look at a remote tells, and how far it can be built on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from superqode.session.sync.manifest import Manifest
from superqode.session.sync.notes import Note
from superqode.session.sync.state import State
from superqode.session.sync.view import View

__all__ = ["Pushed", "Seen", "Trust", "after_push", "leads_on", "previous", "standing"]

_REMEMBERED: Final = 256


class Trust(NamedTuple):
    """How the remote stands to what was remembered of it.

    Attributes:
        kind: `same`: nothing happened there; `newer`: it builds on what was remembered; `new`: the two never met;
            `older`: it was put back to a state that was seen before; `parted`: it was put back, and went on from there;
            `lost`: it has nothing any more; `plain`: nobody can tell, as it is in clear.
        base: the view that both held last.
    """

    kind: Literal["same", "newer", "new", "older", "parted", "lost", "plain"]
    base: View

    @property
    def trusted(self) -> bool:
        """Whether what is absent there was removed."""
        return self.kind in ("same", "newer")


class Seen(NamedTuple):
    """What a remote holds.

    Attributes:
        view: the view.
        trust: how it stands to what was remembered.
        tip: the commit; empty where there is none, and in clear.
        generation: its number.
    """

    view: View
    trust: Trust
    tip: str = ""
    generation: int = 0


class Pushed(NamedTuple):
    """What a push left on the remote.

    Attributes:
        view: what it holds now: without what could not be sent.
        notes: what people should hear of.
        tip: the commit; empty in clear.
        generation: its number.
        previous: the commits before it.
        segments: the trees of its segments, by their ids.
        size: bytes of ciphertext that were new.
    """

    view: View
    notes: Sequence[Note] = ()
    tip: str = ""
    generation: int = 0
    previous: tuple[str, ...] = ()
    segments: Mapping[str, str] = MappingProxyType({})
    size: int = 0


def standing(state: State, tip: str, manifest: Manifest) -> Trust:
    """How a commit of a sealed sync stands to what was remembered."""
    if not state.is_known:
        return Trust("new", {})
    if tip == state.tip:
        return Trust("same", state.view)
    # What is remembered without a commit is of the sync before the key was changed: this one holds all of that.
    if not state.tip or leads_on(state, manifest.generation, (tip, *manifest.previous)):
        return Trust("newer", state.view)
    return Trust("older" if tip in state.previous else "parted", state.view)


def leads_on(state: State, generation: int, line: Sequence[str]) -> bool:
    """Whether a commit builds on the one that was remembered.

    Args:
        state: what is remembered.
        generation: the commit's number.
        line: the commit and those before it, newest first, as far as they are told.
    """
    # Further back than that: it may be trusted that far ahead is ahead.
    return bool(state.tip) and (state.tip in line or generation - state.generation >= len(line))


def after_push(state: State, pushed: Pushed, wanted: View) -> State:
    """What is to be remembered after a push that was to leave a view on the remote."""
    return replace(
        state,
        view=pushed.view,
        tip=pushed.tip,
        generation=pushed.generation,
        previous=pushed.previous,
        segments=pushed.segments,
        settled=pushed.view == wanted,
    )


def previous(state: State, seen: Seen) -> tuple[str, ...]:
    """The commits before the one that was seen, as far as they matter to tell an older state from a new one."""
    before = (state.tip, *state.previous) if state.tip and state.tip != seen.tip else state.previous
    return before[:_REMEMBERED]
