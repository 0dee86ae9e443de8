"""Text from outside that stands in a field: an input sends what it holds to the terminal as it is."""

from __future__ import annotations

from superqode.session.exporters.visible import visible

__all__ = ["field_text"]


def field_text(text: str) -> str:
    r"""Give text as one line without controls: they stand as escapes, line feeds and tabs too."""
    return visible(text).replace("\n", r"\n").replace("\t", r"\t")
