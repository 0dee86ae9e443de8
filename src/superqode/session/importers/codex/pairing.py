"""Finds the two records of one message: the model's (a response item) and the user interface's (an event).

Which of them comes first differs by version. The event is also the proof that a person typed a prompt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from superqode.session.importers.codex.speech import Said, pairing_key

__all__ = ["Pairing"]

# How far back a prompt may stand that an event repeats in other words, in messages.
_LOOK_BACK: Final = 16


@dataclass
class Pairing:
    """Messages whose other record is still to come.

    Attributes:
        prompts_are_told: whether events tell of prompts in this file, so that a prompt without one is none.
    """

    prompts_are_told: bool = False
    _heard: int = 0
    _untold: dict[tuple[str, str], list[Said]] = field(default_factory=dict)
    # By role and words: after how many drafts it was heard, as the how manieth of all, and what.
    _told: dict[tuple[str, str], deque[tuple[int, int, Said]]] = field(default_factory=dict)

    def claim(self, said: Said) -> Said | None:
        """Give, and forget, what an event told of this message before its own record; None where none did."""
        waiting = self._told.get((said.role, pairing_key(said.text)))
        return waiting.popleft()[2] if waiting else None

    def await_event(self, said: Said) -> None:
        """Remember a message that no event told of yet."""
        self._untold.setdefault((said.role, pairing_key(said.text)), []).append(said)

    def repeats(self, role: str, text: str) -> bool:
        """Whether an event tells of a message whose own record came before; that message is typed, then."""
        waiting = self._untold.get((role, pairing_key(text)), [])
        while waiting:
            said = waiting.pop()
            if not said.gone:
                said.typed = True
                return True
        return False

    def confirm(self, text: str, newest_first: Iterable[object]) -> bool:
        """Mark the prompt an event repeats as typed; False where its own record did not come yet."""
        self.prompts_are_told = True
        if self.repeats("user", text):
            return True
        key = pairing_key(text)
        for draft in islice(newest_first, _LOOK_BACK):
            if not isinstance(draft, Said) or draft.role == "assistant":
                return False
            if draft.role == "user" and not draft.injected and key and key in pairing_key(draft.text):
                draft.typed = True
                return True
        return False

    def hear(self, said: Said, place: int) -> None:
        """Remember a message an event told of, and after how many drafts."""
        self._told.setdefault((said.role, pairing_key(said.text)), deque()).append((place, self._heard, said))
        self._heard += 1

    def withdraw(self, place: int) -> list[Said]:
        """Forget what was heard after a place; gives it."""
        taken = [said for waiting in self._told.values() for heard, _, said in waiting if heard > place]
        for key, waiting in self._told.items():
            self._told[key] = deque(heard for heard in waiting if heard[0] <= place)
        return taken

    def leftovers(self) -> Iterator[tuple[int, Said]]:
        """Give the messages only an event told of, with their places in order, and forget them."""
        waiting = [heard for messages in self._told.values() for heard in messages]
        self._told.clear()
        for place, _, said in sorted(waiting, key=lambda heard: heard[:2]):
            yield place, said

    def is_prompt(self, said: Said) -> bool:
        """Whether a person typed this, as far as is known now."""
        if said.role != "user" or said.injected:
            return False
        return not self.prompts_are_told if said.typed is None else said.typed
