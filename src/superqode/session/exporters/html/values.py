"""What a tool was called with, as people read it: text as it is, edits as diffs, objects by their keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from superqode.session.exporters.html.blocks import block, diff_block
from superqode.session.exporters.html.diffs import edit_diff, split_edits
from superqode.session.exporters.html.escape import text
from superqode.session.exporters.reading import json_text
from superqode.session.exporters.visible import one_line

__all__ = ["show_arguments", "show_value"]

_DEPTH_MAX: Final = 3
_SHORT: Final = 80


def show_arguments(arguments: Any) -> Iterator[str]:
    """Give a call's arguments: its edits first, then the rest by their names."""
    if not isinstance(arguments, dict):
        yield from show_value(arguments)
        return
    edits, rest = split_edits(arguments)
    if rest:
        yield from show_value(rest)
    for edit in edits:
        yield from diff_block(edit_diff(edit))


def show_value(value: Any, depth: int = 0) -> Iterator[str]:
    """Give any JSON value: objects by their keys down to a depth, text as text, the rest as JSON."""
    if isinstance(value, dict) and value and depth < _DEPTH_MAX:
        yield '<dl class="fields">\n'
        for key, inner in value.items():
            yield f'<div class="{"short" if _short(inner) is not None else "long"}"><dt>{text(one_line(key))}</dt><dd>'
            yield from show_value(inner, depth + 1)
            yield "</dd></div>\n"
        yield "</dl>\n"
        return
    short = _short(value)
    if short is not None:
        yield f'<code dir="auto">{text(short)}</code>'
    else:
        yield from block(value if isinstance(value, str) else json_text(value))


def _short(value: Any) -> str | None:
    """What fits on a line, as it stands there; `None` for what does not."""
    if isinstance(value, dict | list) and value:
        return None
    told = value if isinstance(value, str) else json_text(value)
    return told if told and len(told) <= _SHORT and "\n" not in told else None
