"""Markdown of messages as safe HTML.

markdown-it-py reads it, with HTML switched off. What it makes of it, `safe.py` writes token by token: text is escaped
so that controls are seen, headings step below the page's own, pictures become their descriptions (nothing is loaded),
links lead to http, https and mailto only, and nothing has a style of its own (the page's policy forbids that).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from superqode.session.exporters.html.blocks import plain_block
from superqode.session.exporters.html.escape import text
from superqode.session.exporters.visible import escape_of

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["prose", "read_prose"]

# Above this many characters a message is a pasted file, not prose, and Markdown takes its time with it.
_PROSE_MAX: Final = 24_000
# Deeper than this the parser drops what stands there; who writes so, hides something.
_NESTING_MAX: Final = 40
# A text without any of these is paragraphs, whatever Markdown knows.
_MARKUP: Final = re.compile(r"[\\`*_~#<>|&\[\]=]|^\s*(?:[-+]|\d+[.)])|^(?: {4}|\t)|  $", re.MULTILINE)
_BLANK: Final = re.compile(r"\n\s*\n")
# The parser drops NUL and cannot encode lone surrogates.
_UNREADABLE: Final = re.compile("[\0\ud800-\udfff]")
_FEED: Final = "\n"
_BREAK: Final = "<br>\n"


def prose(told: str) -> Iterator[str]:
    """Give Markdown as HTML; what is too long for prose as plain text."""
    if len(told) > _PROSE_MAX:
        yield from plain_block(told, "text prose-like")
    elif _MARKUP.search(told) is None:
        for paragraph in _BLANK.split(told.replace("\r\n", "\n")):
            if paragraph.strip():
                yield f"<p>{text(paragraph.strip()).replace(_FEED, _BREAK)}</p>\n"
    else:
        tokens = read_prose(told)
        if tokens is None:
            yield from plain_block(told, "text prose-like")
        else:
            yield _reader().renderer.render(tokens, _reader().options, {})


def read_prose(told: str) -> list[Token] | None:
    """Give Markdown as markdown-it's tokens; `None` where it is too long or too deep, and to be shown as it stands."""
    if len(told) > _PROSE_MAX:
        return None
    tokens = _reader().parse(_UNREADABLE.sub(lambda found: escape_of(found[0]), told))
    return None if any(token.level >= _NESTING_MAX - 1 for token in tokens) else tokens


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    from superqode.session.exporters.html.safe import SafeRenderer

    reader = MarkdownIt(
        "commonmark",
        {"html": False, "breaks": True, "linkify": False, "maxNesting": _NESTING_MAX},
        renderer_cls=SafeRenderer,
    )
    # Definitions of references would be there without being seen.
    return reader.enable(["table", "strikethrough"]).disable("reference")
