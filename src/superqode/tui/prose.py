"""Markdown of a message as lines of a width, drawn by Rich from what the exporters' safe reader gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.style import Style
from rich.syntax import Syntax
from rich.theme import Theme

from superqode.session.exporters.html.prose import read_prose
from superqode.session.exporters.visible import visible
from superqode.tui.wrapping import quiet_console, wrap

__all__ = ["draw_prose"]

# Which role each of Rich's Markdown styles plays, and how it looks besides.
_LOOKS: Final[Mapping[str, tuple[str, str]]] = {
    "markdown.h1": ("accent", "bold underline"),
    "markdown.h2": ("accent", "bold"),
    "markdown.h3": ("accent", "bold"),
    "markdown.h4": ("accent", ""),
    "markdown.h5": ("accent", "italic"),
    "markdown.h6": ("dim", "italic"),
    "markdown.code": ("code", ""),
    "markdown.code_block": ("code", ""),
    "markdown.link": ("accent", "underline"),
    "markdown.link_url": ("dim", "underline"),
    "markdown.block_quote": ("dim", "italic"),
    "markdown.item.bullet": ("accent", "bold"),
    "markdown.item.number": ("accent", "bold"),
    "markdown.hr": ("dim", ""),
    "markdown.table.header": ("title", "bold"),
    "markdown.table.border": ("dim", ""),
}


class _LeftHeading(Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console, options
        yield self.text


class _Code(CodeBlock):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del console, options
        code = str(self.text).rstrip()
        yield Syntax(
            code, self.lexer_name, theme=self.theme, word_wrap=True, padding=(0, 1), background_color="default"
        )


class _Prose(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "fence": _Code,
        "code_block": _Code,
    }


def draw_prose(told: str, width: int, styles: Mapping[str, Style], code_theme: str) -> list[list[Segment]]:
    """Draw Markdown; as it stands where it is too long or too deep for prose.

    Args:
        told: the text, as it came from outside.
        width: in columns.
        styles: the style of each role.
        code_theme: Pygments' style for blocks of code.
    """
    tokens = read_prose(visible(told))
    if tokens is None:
        return wrap(told, width, styles.get("text"))
    drawn = _Prose("", code_theme=code_theme, hyperlinks=False, inline_code_lexer=None)
    drawn.parsed = [_kept(token) for token in tokens]
    looks = {name: styles.get(role, Style()) + Style.parse(look) for name, (role, look) in _LOOKS.items()}
    console = quiet_console(width, Theme(looks))
    lines = console.render_lines(drawn, console.options, pad=False)
    while lines and not any(segment.text.strip() for segment in lines[-1]):
        lines.pop()
    return lines


def _kept(token: Any) -> Any:
    """Line breaks of people stay line breaks."""
    changed: dict[str, Any] = {}
    if token.children:
        changed["children"] = [_kept(child) for child in token.children]
    if token.type == "softbreak":
        changed["type"] = "hardbreak"
    return token.copy(**changed) if changed else token
