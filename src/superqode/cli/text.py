r"""Text from outside made safe for a terminal: titles, messages and file names may hold anything.

Control characters could clear the screen, retitle the window or fake output; bidirectional overrides could
show a name other than the real one. They are shown as escapes (`\x1b`, `\u202e`), never sent.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["block", "count", "line", "size", "width"]

# C0 and C1 controls, line and bidirectional controls, lone surrogates (no encoding has those).
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BREAKS: Final = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]+")


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def block(text: str) -> str:
    """Give text of several lines: line breaks and tabs stay, every other control is shown as an escape."""
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def line(text: object, limit: int = 0) -> str:
    """Give text as one line, cut to `limit` characters (0: uncut) with an ellipsis."""
    plain = _BREAKS.sub(" ", str(text)).strip()
    if limit and len(plain) > limit:
        plain = plain[: limit - 1] + "…"
    return _UNSAFE.sub(_escape, plain)


def width(text: str) -> int:
    """How many columns a line takes: two for wide characters (Chinese, emoji), none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def count(number: int, thing: str) -> str:
    """Give `1 message`, `2 messages`, `12,000 messages`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def size(number: int) -> str:
    """Give bytes as `512 B`, `1.5 kB`, `20 MB`, in powers of 1000 as disks are sold."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"
