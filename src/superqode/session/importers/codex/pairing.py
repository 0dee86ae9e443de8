"""Finds the two records of one message: the model's (a response item) and the user interface's (an event).

Which of them comes first differs by version. The event is also the proof that a person typed a prompt.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from superqode.session.importers.codex.speech import Said, pairing_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    _untold: dict[str, list[Said]] = field(default_factory=dict)
    _told: dict[tuple[str, str], deque[tuple[int, Said]]] = field(default_factory=dict)

    def claim(self, said: Said) -> Said | None:
        """Give, and forget, what an event told of this message before its own record; None where none did."""
        waiting = self._told.get((said.role, pairing_key(said.text)))
        return waiting.popleft()[1] if waiting else None

    def await_event(self, prompt: Said) -> None:
        """Remember a prompt that nobody confirmed yet."""
        self._untold.setdefault(pairing_key(prompt.text), []).append(prompt)

    def confirm(self, text: str, newest_first: Iterable[object]) -> bool:
        """Mark the prompt an event repeats as typed; False where its own record did not come yet."""
        self.prompts_are_told = True
        key = pairing_key(text)
        waiting = self._untold.get(key, [])
        while waiting:
            said = waiting.pop()
            if not said.gone:
                said.typed = True
                return True
        for draft in islice(newest_first, _LOOK_BACK):
            if not isinstance(draft, Said) or draft.role == "assistant":
                return False
            if draft.role == "user" and not draft.injected and key and key in pairing_key(draft.text):
                draft.typed = True
                return True
        return False

    def hear(self, said: Said, place: int) -> None:
        """Remember a message an event told of, and after how many drafts."""
        self._told.setdefault((said.role, pairing_key(said.text)), deque()).append((place, said))

    def withdraw(self, place: int) -> list[Said]:
        """Forget what was heard after a place; gives it."""
        taken = [said for waiting in self._told.values() for heard, said in waiting if heard > place]
        for key, waiting in self._told.items():
            self._told[key] = deque((heard, said) for heard, said in waiting if heard <= place)
        return taken

    def leftovers(self) -> Iterator[tuple[int, Said]]:
        """Give the messages only an event told of, the last one first, and forget them."""
        waiting = [pair for messages in self._told.values() for pair in messages]
        self._told.clear()
        yield from sorted(waiting, key=lambda pair: pair[0], reverse=True)

    def is_prompt(self, said: Said) -> bool:
        """Whether a person typed this, as far as is known now."""
        if said.role != "user" or said.injected:
            return False
        return not self.prompts_are_told if said.typed is None else said.typed
