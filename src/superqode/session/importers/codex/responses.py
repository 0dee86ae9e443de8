"""Puts together what the model said in one response: thoughts, a text, calls. No record says where one ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from superqode.session.importers.codex.calls import Call
from superqode.session.importers.codex.speech import Block, Said, Thought
from superqode.session.importers.spool import Spool, with_heavy

__all__ = ["Draft", "Kinds", "Responses"]

Draft = Said | Call


@dataclass(frozen=True, slots=True)
class Kinds:
    """The classes that drafts are of: those of a huge rollout keep what is long on disk.

    Attributes:
        said: makes messages.
        call: makes calls.
        ask: takes what an answer asks for, and gives what stands for it in `Said.calls`.
        think: the same of a thought, for `Said.thinking`.
        big: whether this is for a huge rollout.
    """

    said: type[Said] = Said
    call: type[Call] = Call
    ask: Callable[[dict[str, Any]], Block] = lambda block: block
    think: Callable[[str], Thought] = lambda text: text
    big: bool = False

    @classmethod
    def on_disk(cls) -> Kinds:
        """Those for a huge rollout."""
        spool = Spool()
        said = with_heavy(Said, spool, "text", "metadata")
        said.look_up = staticmethod(spool.get)  # type: ignore[method-assign]  # the lines that were put away answer
        call = with_heavy(Call, spool, "arguments", "result", "changes", "metadata")
        return cls(said, call, spool.put, spool.put, big=True)


class Responses:
    """The answers among the drafts; one at a time is open.

    Attributes:
        usage: the last token count.
    """

    def __init__(self, drafts: list[Draft]) -> None:
        self.usage: dict[str, Any] = {}
        self._drafts = drafts
        self._open: Said | None = None
        self._delimited = False

    def at_hand(self, fresh: Said) -> Said:
        """The answer of the response at hand; the fresh one where there is none."""
        if self._open is None:
            self._open = fresh
            self._drafts.append(fresh)
        return self._open

    def speaking(self, fresh: Said) -> Said:
        """As `at_hand`, for a text: an answer that has text or calls already is followed by another."""
        if self._open is not None and (self._open.text or self._open.calls):
            self.end()
        return self.at_hand(fresh)

    def end(self) -> None:
        """What the model says next is another response."""
        self._open = None

    def delimit(self) -> None:
        """Take note of a record that stands only between responses: where there are such, results end none."""
        self._delimited = True
        self.end()

    def take_result(self) -> None:
        """Take note of a call's result; some versions write each right behind its call, within the response."""
        if not self._delimited:
            self.end()

    def take_usage(self, usage: dict[str, Any]) -> None:
        """Take note of a token count (empty where none is told): a new one belongs to a new response."""
        if usage and usage != self.usage:
            self.delimit()
            self.usage = usage
