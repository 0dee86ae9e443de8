"""The sessions that are measured: always the same ones, in the shape real ones have.

Messages alternate between user and assistant; their text has a median of 1 KB (log-normal, at most 30 KB). Each
assistant message comes with two tool executions, whose results have a median of 3 KB (log-normal, at most 100 KB).
That is 9 KB of JSON a message, and zlib makes a third of it. Only the standard library is used: any Python runs it.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

__all__ = ["BEGAN", "PROJECT", "Workload", "json_line", "make_pool"]

Record = dict[str, Any]

BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT: Final = "/home/dev/project"
AGENT: Final = "fullstack"
_TOOLS: Final = ("read_file", "bash", "grep", "edit_file", "list_dir")
_WORD: Final = re.compile(r"[\w.,()'\"-]+")
# How often the text leaves what was written before it; without, it would recite.
_JUMP: Final = 0.12
_LINE_END: Final = 0.02
_APPENDED: Final = 1000
_SHORT: Final = 300
_PART: Final = 100_000


def make_pool(size: int) -> str:
    """Give English text of so many characters, made word by word from Python's own help (an order-2 Markov chain)."""
    from pydoc_data.topics import topics

    words = [word for name in sorted(topics) for word in topics[name].split() if _WORD.fullmatch(word)]
    following: dict[tuple[str, str], list[str]] = {}
    for first, second, third in zip(words, words[1:], words[2:], strict=False):
        following.setdefault((first, second), []).append(third)
    pairs = sorted(following)
    dice = random.Random(42)
    last = pairs[0]
    parts: list[str] = []
    length = 0
    while length < size:
        if last not in following or dice.random() < _JUMP:
            last = dice.choice(pairs)
            part = " ".join(last)
        else:
            part = dice.choice(following[last])
            last = (last[1], part)
        part += "\n" if dice.random() < _LINE_END else " "
        parts.append(part)
        length += len(part)
    return "".join(parts)[:size]


class Workload:
    """Turns of a session by their number, each made from that number alone.

    Args:
        pool: the text that messages and results are cut from; longer than 200,000 characters.
        seed: another seed, another session.
    """

    def __init__(self, pool: str, seed: int = 0) -> None:
        self._pool = pool
        self._seed = seed

    def turns(self, count: int, start: int = 0) -> Iterator[list[Record]]:
        """Give the turns of messages `start` to `start + count`."""
        return (self.turn(number) for number in range(start, start + count))

    def turn(self, number: int) -> list[Record]:
        """Give message `number` (from 0: even from the user, odd from the agent) and its tool executions."""
        dice = random.Random(self._seed * 1_000_003 + number)
        message = self._message(number, self._text(dice, _size(dice, 1000, 1.0, 30_000)))
        if message["role"] == "user":
            return [message]
        calls = [self._call(dice, f"call-{number}-{place}", message["timestamp"]) for place in range(2)]
        message["tool_calls"] = [{"id": call["id"], "type": "function"} for call in calls]
        return [message, *calls]

    def appended(self, number: int) -> Record:
        """Give a user message of 1,000 characters; any number is fine."""
        dice = random.Random(-1 - number)
        return self._message(2 * number, self._text(dice, _APPENDED)) | {"id": f"appended-{number}"}

    def small(self, count: int) -> Iterator[list[Record]]:
        """Give turns of messages of 300 characters, and no tool executions: short talk."""
        for number in range(count):
            dice = random.Random(self._seed * 1_000_003 + number)
            yield [self._message(number, self._text(dice, _SHORT))]

    def large(self, number: int, size: int) -> Record:
        """Give a tool execution whose result has so many characters; another number, another result."""
        dice = random.Random(-1 - number)
        parts = [self._text(dice, _PART) for _ in range(-(-size // _PART))]
        call = self._call(dice, f"large-{number}", BEGAN.isoformat())
        return call | {"result": "".join(parts)[:size], "success": True}

    def _message(self, number: int, content: str) -> Record:
        spoken = number % 2 == 0
        return {
            "kind": "message",
            "id": f"msg-{number}",
            "role": "user" if spoken else "assistant",
            "content": content,
            "timestamp": (BEGAN + timedelta(seconds=7 * number)).isoformat(),
            "agent_name": None if spoken else AGENT,
            "tool_calls": None,
            "tool_call_id": None,
            "metadata": {},
        }

    def _call(self, dice: random.Random, call_id: str, timestamp: str) -> Record:
        length = _size(dice, 3000, 1.3, 100_000)
        return {
            "kind": "call",
            "id": call_id,
            "tool_name": dice.choice(_TOOLS),
            "arguments": {"path": f"src/module_{dice.randrange(40)}.py", "query": self._text(dice, 30)},
            "result": self._listing(dice, length) if dice.random() < 0.5 else self._text(dice, length),
            "success": dice.random() < 0.95,
            "timestamp": timestamp,
            "duration_ms": dice.randrange(4000),
            "agent_name": AGENT,
        }

    def _text(self, dice: random.Random, length: int) -> str:
        start = dice.randrange(len(self._pool) - length)
        return self._pool[start : start + length]

    def _listing(self, dice: random.Random, length: int) -> str:
        """Text as `grep -n` shows it: a path and a line number before each line."""
        path = f"{PROJECT}/src/module_{dice.randrange(40)}.py"
        first = dice.randrange(900)
        lines = re.findall(r".{1,70}", self._text(dice, length))
        return "\n".join(f"{path}:{first + number}: {line}" for number, line in enumerate(lines))[:length]


def _size(dice: random.Random, median: int, spread: float, most: int) -> int:
    return max(20, min(most, int(median * math.exp(dice.gauss(0, spread)))))


def json_line(record: Record) -> bytes:
    """Give a record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
