"""Files that a command line takes away for sure: `rm a b`, and the old name in `mv a b`; nothing cleverer."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["removed_files"]

_COMMAND_MAX: Final = 20_000
_PATTERN: Final = re.compile(r"[*?\[$`<>|&{~]")


def removed_files(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Give the files that the command of a successful call of a shell tool removed or renamed."""
    command = arguments.get("command")
    if not isinstance(command, str) or len(command) > _COMMAND_MAX:
        return
    for part in re.split(r"&&|;|\n", command):
        try:
            words = shlex.split(part)
        except ValueError:  # a quote that spans parts
            return
        if words[:1] in (["cd"], ["pushd"]):
            return  # what follows is relative to another folder
        words = words[1:] if words[:1] == ["git"] else words
        named = [word for word in words[1:] if word != "--"]
        # An option may mean folders (-r) or files that need not be there (-f).
        if any(word.startswith("-") or _PATTERN.search(word) for word in named):
            continue
        if words[:1] == ["rm"]:
            yield from named
        elif words[:1] == ["mv"] and len(named) == 2 and not named[1].endswith("/"):
            yield named[0]
