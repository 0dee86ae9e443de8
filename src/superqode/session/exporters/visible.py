r"""Text from outside that shows what it holds: controls, bidirectional and invisible characters stand as escapes.

A control could clear a screen, an override show another name than the real one, an invisible letter hide an order.
They become `\x1b` and `\u202e`. Joiners and variation selectors stay: emoji, Persian and Hindi are written with them.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["UNSAFE", "escape_of", "json_safe", "one_line", "visible"]

UNSAFE: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls but tab and line feed
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u3164\ufeff\uffa0"  # invisible
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional
    "\u2028\u2029\u2060-\u2065\u206a-\u206f\ufff9-\ufffb"  # line controls, invisible operators, annotations
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # lone surrogates, which no encoding has; noncharacters
    "\U000e0000-\U000e007f"  # tags: a whole text that nobody sees
)
"""The inside of a regular expression's class."""

_UNSAFE: Final = re.compile(f"[{UNSAFE}]")
_BREAKS: Final = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]+")


def escape_of(char: str) -> str:
    r"""Give the escape that stands for a character: `\x1b`, `\u202e`, `\U000e0041`."""
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """Give text of several lines: tabs and line feeds stay, every other control is an escape."""
    return _UNSAFE.sub(lambda found: escape_of(found[0]), text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = 0) -> str:
    """Give text as one line, cut to `limit` characters (0: uncut) with an ellipsis."""
    # Four times the limit is enough to fill it: a file in an argument is not looked through for its first words.
    plain = _BREAKS.sub(" ", text[: limit * 4] if limit else text).strip()
    if limit and (len(plain) > limit or len(text) > limit * 4):
        plain = plain[: limit - 1] + "…"
    return visible(plain)


def json_safe(text: str) -> str:
    """Give the same JSON text with controls and invisible characters as JSON's own escapes."""
    return _UNSAFE.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    # JSON escapes are UTF-16 units. Line breaks between values are no part of any string, and are not matched.
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
