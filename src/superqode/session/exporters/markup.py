"""Pieces of Markdown that hold any text, and let nothing of it out."""

from __future__ import annotations

import re
from typing import Final

from superqode.session.exporters.visible import visible

__all__ = ["code_span", "escaped", "fenced"]

_RUN: Final = re.compile("`+")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$@-])")


def fenced(text: str, language: str = "text") -> str:
    """A code block that holds the text, whatever stands in it."""
    shown = visible(text)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def code_span(line: str) -> str:
    """A code span that holds one line."""
    if not line:
        return "(none)"
    ticks = "`" * (_longest_run(line) + 1)
    room = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{room}{line}{room}{ticks}"


def escaped(line: str) -> str:
    """One line as text in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", line)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _RUN.findall(text)), default=0)
