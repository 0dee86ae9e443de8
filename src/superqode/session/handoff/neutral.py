"""A session as what every agent understands: prompts, answers, calls with their results. Nothing else goes over.

Items are one flat list (`reading.read_items` makes it), of which a later state of a session has more: so a second
hand-off can tell what is new. `turns_of` puts them together as an agent's file has them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from superqode.session.codec.jsontext import dump_text
from superqode.session.handoff.base import Receipt
from superqode.session.handoff.paths import PathMap

__all__ = [
    "NO_ANSWER",
    "NO_RESULT",
    "OPENING",
    "Answer",
    "Call",
    "Item",
    "Prompt",
    "Role",
    "Said",
    "Turn",
    "count_kept",
    "fingerprint",
    "mapped",
    "same_items",
    "time_of",
    "turns_of",
]

# What stands where an agent needs something and the session has nothing.
NO_RESULT: Final = "(No result of this call was recorded.)"
NO_ANSWER: Final = "(No answer was recorded.)"
OPENING: Final = "(The conversation begins with the answer below.)"

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Said:
    """A prompt or the text of an answer; never blank.

    Attributes:
        role: who says it.
        text: the words, exactly as in the session.
        time: when, aware UTC, not in the future.
        id: the entry's id.
    """

    role: Role
    text: str
    time: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its result; there always is one.

    Attributes:
        id: `[A-Za-z0-9_-]`, at most 64, unique in the session.
        name: `[A-Za-z0-9_-]`, at most 64, beginning with a letter or `_`.
        arguments: what it was called with.
        result: what it gave, as text, which may be empty.
        success: whether it worked.
        asked: when it was asked for, aware UTC, not in the future.
        ended: when its result came.
        exit_code: the command's exit code, where one is known.
        apart: whether the model asked for it in an answer of its own, and not together with what is before it.
    """

    id: str
    name: str
    arguments: Mapping[str, Any]
    result: str
    success: bool
    asked: datetime
    ended: datetime
    exit_code: int | None = None
    apart: bool = False


Item = Said | Call


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person said."""

    text: str
    time: datetime
    id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said and asked for in one go: a text that is not blank, or calls, or both.

    Attributes:
        text: the words; empty where it only calls tools.
        calls: the calls, each with its result, which stand together behind the answer.
        time: when, aware UTC.
        id: the entry's id; empty where no message of the session stands for it.
    """

    text: str
    calls: tuple[Call, ...]
    time: datetime
    id: str = ""


Turn = Prompt | Answer


def turns_of(items: Sequence[Item], receipt: Receipt, *, begins: bool = True) -> list[Turn]:
    """Put items together: each call with the answer it belongs to; the last turn is an answer with a text.

    Args:
        items: the items.
        receipt: where to count what goes over and what is added.
        begins: whether the conversation begins with them; then a prompt is the first turn.
    """
    groups: list[list[Item]] = []
    for item in items:
        last = groups[-1] if groups else []
        if isinstance(item, Call) and last and not item.apart and not _is_prompt(last[0]):
            last.append(item)
        else:
            groups.append([item])
    turns = list(map(_turn, groups))
    if begins and items and not _is_prompt(items[0]):
        receipt.add("prompts before the first answer")
        turns.insert(0, Prompt(OPENING, time_of(items[0])))
    if items and (isinstance(items[-1], Call) or _is_prompt(items[-1])):
        receipt.add("answers after the last prompt or result")
        turns.append(Answer(NO_ANSWER, (), time_of(items[-1])))
    count_kept(items, receipt)
    return turns


def count_kept(items: Sequence[Item], receipt: Receipt) -> None:
    """Count what goes over."""
    for item in items:
        receipt.keep(_what(item))
        receipt.keep("results", int(isinstance(item, Call) and item.result != NO_RESULT))


def _turn(group: list[Item]) -> Turn:
    first = group[0]
    calls = tuple(item for item in group if isinstance(item, Call))
    if isinstance(first, Call):
        return Answer("", calls, first.asked)
    if first.role == "user":
        return Prompt(first.text, first.time, first.id)
    return Answer(first.text, calls, first.time, first.id)


def _is_prompt(item: Item) -> bool:
    return isinstance(item, Said) and item.role == "user"


def _what(item: Item) -> str:
    return "calls" if isinstance(item, Call) else "prompts" if item.role == "user" else "answers"


def mapped(items: Sequence[Item], paths: PathMap) -> list[Item]:
    """Give the items with the project's path changed."""
    if not paths:
        return list(items)
    return [
        replace(item, text=paths.text(item.text))
        if isinstance(item, Said)
        else replace(item, arguments=paths.value(item.arguments), result=paths.text(item.result))
        for item in items
    ]


def fingerprint(items: Sequence[Item]) -> str:
    """Give a SHA-256, in hex, of what items say; the same for the same prompts, answers, calls and results."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(dump_text(_content(item)).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def same_items(some: Sequence[Item], others: Sequence[Item]) -> bool:
    """Whether two lists say the same; ids, times and which calls were asked for together do not count."""
    return len(some) == len(others) and all(map(_equal, some, others))


def _equal(one: Item, other: Item) -> bool:
    return _content(one) == _content(other)


def _content(item: Item) -> list[Any]:
    if isinstance(item, Said):
        return [item.role, item.text]
    return ["call", item.name, dict(item.arguments), item.result, item.success]


def time_of(item: Item) -> datetime:
    """When an item was over."""
    return item.ended if isinstance(item, Call) else item.time
