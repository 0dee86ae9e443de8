"""Files that a command line takes away for sure: `rm a b`, and the old name in `mv a b`; nothing cleverer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from superqode.session.models.files import command_line, plain_commands

__all__ = ["removed_files"]

_PATTERN: Final = re.compile(r"[*?\[$`<>|&{~]")


def removed_files(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Give the files that the command of a successful call of a shell tool removed or renamed."""
    command = command_line(arguments)
    for words in plain_commands(command if "rm" in command or "mv" in command else ""):
        verb, *operands = (words[1:] if words[:1] == ["git"] else words) or [""]
        named = [word for word in operands if word != "--"]
        # An option may mean folders (-r) or files that need not be there (-f).
        if any(word.startswith("-") or _PATTERN.search(word) for word in named):
            continue
        if verb == "rm":
            yield from named
        elif verb == "mv" and len(named) == 2 and not named[1].endswith("/"):
            yield named[0]
