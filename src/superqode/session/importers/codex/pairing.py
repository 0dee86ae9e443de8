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
from superqode.session.importers.spool import key_of

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
    _untold: dict[tuple[str, int], list[Said]] = field(default_factory=dict)
    _told: dict[tuple[str, int], deque[Said]] = field(default_factory=dict)
    # All that was told, in order, each with the number of drafts before it.
    _heard: list[tuple[int, Said]] = field(default_factory=list)

    def claim(self, said: Said) -> Said | None:
        """Give, and forget, what an event told of this message before its own record; None where none did."""
        key = _key(said.role, said.text)
        while waiting := self._told.get(key):
            told = waiting.popleft()
            if not waiting:
                del self._told[key]
            if not told.gone:
                return told
        return None

    def await_event(self, said: Said) -> None:
        """Remember a message that no event told of yet."""
        self._untold.setdefault(_key(said.role, said.text), []).append(said)

    def repeats(self, role: str, text: str) -> bool:
        """Whether an event tells of a message whose own record came before; that message is typed, then."""
        key = _key(role, text)
        while waiting := self._untold.get(key):
            said = waiting.pop()
            if not waiting:
                del self._untold[key]
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
            open_prompt = draft.role == "user" and not draft.injected and not draft.typed
            if open_prompt and key and key in pairing_key(draft.text):
                draft.typed = True
                return True
        return False

    def hear(self, said: Said, place: int) -> None:
        """Remember a message an event told of, and after how many drafts."""
        self._told.setdefault(_key(said.role, said.text), deque()).append(said)
        self._heard.append((place, said))

    def withdraw(self, place: int) -> Iterator[Said]:
        """Forget what was heard after a place; gives what of it is not gone yet."""
        while self._heard and self._heard[-1][0] > place:
            said = self._heard.pop()[1]
            if not said.gone:
                yield said

    def leftovers(self) -> list[tuple[int, Said]]:
        """Give the messages only an event told of, in order, with their places; and forget them."""
        left = [(place, said) for place, said in self._heard if not said.gone]
        self._heard.clear()
        self._told.clear()
        return left

    def is_prompt(self, said: Said) -> bool:
        """Whether a person typed this, as far as is known now."""
        if said.role != "user" or said.injected:
            return False
        return not self.prompts_are_told if said.typed is None else said.typed


def _key(role: str, text: str) -> tuple[str, int]:
    return role, key_of(pairing_key(text))
