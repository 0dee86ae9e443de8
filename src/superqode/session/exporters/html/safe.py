"""What markdown-it-py makes of Markdown, written token by token as HTML that the page allows."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from superqode.session.exporters.html.blocks import diff_block, plain_block
from superqode.session.exporters.html.diffs import looks_like_diff, read_diff
from superqode.session.exporters.html.escape import attribute, text
from superqode.session.exporters.visible import one_line

__all__ = ["SafeRenderer"]

_LINK: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_LINK_MAX: Final = 2_000
_ALIGN: Final = re.compile(r"text-align:(left|right|center)")


class SafeRenderer(RendererHTML):
    """Writes tokens as HTML that the page allows."""

    def text(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """Text, escaped."""
        return text(tokens[idx].content)

    def code_inline(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """A code span."""
        return f"<code>{text(tokens[idx].content)}</code>"

    def code_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """An indented code block."""
        return "".join(plain_block(tokens[idx].content.removesuffix("\n"), "code"))

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """A fenced code block, under what its first line says; diffs in colour."""
        content = tokens[idx].content.removesuffix("\n")
        info = tokens[idx].info.strip()
        named = f'<p class="language">{text(one_line(info))}</p>' if info else ""
        if info in ("diff", "patch") or looks_like_diff(content):
            return named + "".join(diff_block(read_diff(content, whole=True)))
        return named + "".join(plain_block(content, "code"))

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: MutableMapping[str, Any]) -> str:
        """A picture as its description and address: nothing is loaded."""
        token = tokens[idx]
        described = self.renderInlineAsText(token.children or [], options, env)
        source = f"{str(token.attrs.get('src', ''))[:_LINK_MAX]} {token.attrs.get('title', '')}".rstrip()
        return f'<span class="image">Image: {text(described)} <span class="url">{text(source)}</span></span>'

    def link_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """The beginning of a link that leads to the web or to mail; of any other, its text alone."""
        target = str(tokens[idx].attrs.get("href", ""))
        shown = attribute(f"{target[:_LINK_MAX]} {tokens[idx].attrs.get('title', '')}".rstrip())
        if not _LINK.match(target):
            return f'<span class="reference" title="{shown}">'
        return f'<a href="{attribute(target)}" title="{shown}" target="_blank" rel="noopener noreferrer nofollow">'

    def link_close(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """The end of what `link_open` began."""
        depth = 0
        for token in reversed(tokens[:idx]):
            depth += (token.type == "link_close") - (token.type == "link_open")
            if depth < 0:
                return "</a>" if _LINK.match(str(token.attrs.get("href", ""))) else "</span>"
        return ""

    def heading_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """A heading, below the page's own."""
        return f"<{_lower(tokens[idx].tag)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        """The end of a heading."""
        return f"</{_lower(tokens[idx].tag)}>\n"

    def table_open(self, *_: Any) -> str:
        """A table that scrolls by itself where it is too wide."""
        return '<div class="table" tabindex="0"><table>\n'

    def table_close(self, *_: Any) -> str:
        """The end of a table."""
        return "</table></div>\n"

    @staticmethod
    def renderAttrs(token: Token) -> str:  # noqa: N802 - its name in markdown-it
        """The attributes of any other token."""
        return _attributes(token.attrs)


def _lower(tag: str) -> str:
    """The page has its title and the speakers as headings: those of a message stand below."""
    return f"h{min(6, int(tag[1:]) + 2)}"


def _attributes(attrs: Mapping[str, str | int | float]) -> str:
    """The few attributes that tokens may have: the first number of a list, and a cell's side as a class."""
    told = ""
    if "start" in attrs:
        told += f' start="{int(attrs["start"])}"'
    align = _ALIGN.fullmatch(str(attrs.get("style", "")))
    return f'{told} class="{align[1]}"' if align is not None else told
