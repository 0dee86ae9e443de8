"""A text as the rules see it: bytes with one byte a character, so that places in both are the same.

What is not ASCII becomes one control character, and what was masked before another, so no rule matches marks again.
Escapes of JSON become what they stand for, at the same length: a text is read alike alone and inside JSON.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from superqode.session.redaction import marks

__all__ = ["MARKED", "View", "view"]

# Stand for what is not ASCII text, and for the marks of secrets already masked.
_OTHER: Final = b"\x1a"
MARKED: Final = b"\x1c"
_CONTROLS: Final = bytes.maketrans(b"\x00" + MARKED, _OTHER * 2)
# The codec puts a question mark for what is not ASCII: those that are in the text step aside meanwhile.
_ASIDE: Final = "\x01"
_BACK: Final = bytes.maketrans(b"\x00" + MARKED + b"?\x01", _OTHER * 3 + b"?")
# Equal lengths on both sides. PHP and others escape the slashes of a URL.
_ESCAPES: Final = (
    (rb":\/\/", b"  ://"),
    (rb"\n", b" \n"),
    (rb"\r", b" \n"),
    (rb"\t", b"  "),
    (rb"\"", b' "'),
    (rb"\'", b" '"),
)
# What is left of the backslashes of JSON in JSON in JSON.
_LEVELS: Final = 6


class View(NamedTuple):
    """One text for the rules.

    Attributes:
        text: the text itself.
        raw: the text with marks blotted out, and with control characters for what is not ASCII.
        plain: `raw` without escapes; the same object where there are none.
        low: `plain` in lower case.
    """

    text: str
    raw: bytes
    plain: bytes
    low: bytes


def view(text: str) -> View:
    """Give the rules' view of a text."""
    if text.isascii():
        raw = text.encode("ascii").translate(_CONTROLS)
    else:
        raw = text.replace("?", _ASIDE).encode("ascii", "replace").translate(_BACK)
    plain = raw = marks.blot(raw, MARKED)
    if b"\\" in raw:
        for escape, meaning in _ESCAPES:
            plain = plain.replace(escape, meaning)
        levels = 0
        while levels < _LEVELS and b"\\ " in plain:
            plain = plain.replace(b"\\ ", b"  ")
            levels += 1
    return View(text, raw, plain, plain.lower())
