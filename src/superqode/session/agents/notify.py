"""Codex's `notify` in its config.toml: a program and arguments, to which Codex adds the report as the last argument.

It is a key of the outermost table, so it has to stand before the first `[…]` (TOML 1.0). The rest of the file keeps
every byte. What was there before is run by ours.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, Final

from superqode.session.agents.shim import THEN, earlier, is_shim

__all__ = ["Notify"]

_KEY: Final = "notify"
_BEGIN: Final = re.compile(r"""\s*(["']?)notify\1\s*=""")
# The longest that a list of words is written over, in lines.
_LINES_MAX: Final = 200


class Notify:
    """Our `notify`."""

    agent: Final = "codex"

    def found(self, text: str) -> list[str]:
        """Give our command as it stands there.

        Raises:
            ValueError: the file cannot be edited, and why.
        """
        notify = _parsed(text).get(_KEY)
        return [_listed(notify)] if isinstance(notify, list) and is_shim(notify) else []

    def added(self, text: str, shim: str) -> str:
        """Put our command in; one that is there is run by ours from now on.

        Raises:
            ValueError: the file cannot be edited, and why.
        """
        before = _words(_parsed(text).get(_KEY, []))
        kept = earlier(before) if is_shim(before) else before
        command = [shim, self.agent, *([THEN, *kept] if kept else [])]
        if command == before:
            return text
        line = f"{_KEY} = {_listed(command)}" + ("\r\n" if "\r\n" in text else "\n")
        if not before and _KEY not in _parsed(text):
            return line + text
        start, end = _span(text)
        return text[:start] + line + text[end:]

    def removed(self, text: str) -> str:
        """Take our command out, and put back what was there before.

        Raises:
            ValueError: the file cannot be edited, and why.
        """
        before = _parsed(text).get(_KEY, [])
        if not (isinstance(before, list) and is_shim(before)):
            return text
        start, end = _span(text)
        kept = earlier(_words(before))
        line = f"{_KEY} = {_listed(kept)}" + ("\r\n" if "\r\n" in text else "\n") if kept else ""
        return text[:start] + line + text[end:]


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise ValueError(f"it is no TOML ({problem})") from problem


def _words(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError("its notify is no list of words")
    return list(value)


def _listed(words: list[str]) -> str:
    """A TOML array of basic strings, whose escapes are JSON's."""
    if any("\x7f" in word or not word.isprintable() for word in words):
        raise ValueError("a control character stands in a path or in its notify")
    return "[" + ", ".join(json.dumps(word, ensure_ascii=False) for word in words) + "]"


def _span(text: str) -> tuple[int, int]:
    """Where `notify` stands, in whole lines: what can go without changing any other value."""
    rest = {key: value for key, value in _parsed(text).items() if key != _KEY}
    lines = text.splitlines(keepends=True)
    for first, line in enumerate(lines):
        if not _BEGIN.match(line):
            continue
        for last in range(first + 1, min(first + _LINES_MAX, len(lines)) + 1):
            if _means("".join([*lines[:first], *lines[last:]]), rest):
                return sum(map(len, lines[:first])), sum(map(len, lines[:last]))
    raise ValueError("its notify cannot be told from what stands around it")


def _means(text: str, values: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == values
    except tomllib.TOMLDecodeError:
        return False
