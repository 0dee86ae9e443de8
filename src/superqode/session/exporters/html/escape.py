"""Text from outside as HTML that is nothing but text; controls and invisible characters are seen."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from superqode.session.exporters.visible import UNSAFE, escape_of, visible

__all__ = ["attribute", "text"]

# Terminals' colours (ECMA-48, SGR) come in nearly every test run: told as a whole, and quietly.
_COLOUR: Final = r"\x1b\[[0-9;:]{0,40}m"
_MEANING: Final = re.compile(f"{_COLOUR}|[&<>\"'{UNSAFE}]")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_BARE: Final = re.compile("[&<>\"']")


def text(told: str) -> str:
    """Give text as the content of an element; a control stands as its escape, with its name to hover over."""
    return _MEANING.sub(_shown, told.replace("\r\n", "\n"))


def _shown(found: re.Match[str]) -> str:
    if len(found[0]) > 1:
        return f'<span class="control colour" title="colour in a terminal">{visible(found[0])}</span>'
    return _ENTITIES.get(found[0]) or _control(found[0])


@lru_cache(maxsize=256)
def _control(char: str) -> str:
    name = f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()
    return f'<span class="control" title="{name}">{escape_of(char)}</span>'


def attribute(told: str) -> str:
    """Give text as the value of an attribute, for between quotes."""
    return _BARE.sub(lambda found: _ENTITIES[found[0]], visible(told))
