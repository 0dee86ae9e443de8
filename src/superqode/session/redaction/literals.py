"""Known secrets to take out of texts, in the forms they take there: as they are, in JSON, in a URL, in base64."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from superqode.session.redaction.spans import TOLD, Span

__all__ = ["RULE", "Literals"]

RULE: Final = "scrubbed"
# Shorter ones are found in base64 by chance.
_BASE64_MIN: Final = 8


class Literals:
    """Exact strings to find.

    Args:
        literals: the strings; empty ones and those of blanks only are left out, as they are everywhere.
    """

    def __init__(self, literals: Sequence[str]) -> None:
        self._meaning: dict[str, str] = {}
        for literal in literals:
            if literal.strip():
                for form in _forms(literal):
                    self._meaning.setdefault(form, literal)
        longest_first = sorted(self._meaning, key=lambda form: (-len(form), form))
        self._shape = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def find(self, text: str) -> Iterator[Span]:
        """Give every place of every literal."""
        if self._shape is not None:
            for found in self._shape.finditer(text):
                yield Span(found.start(), found.end(), TOLD, RULE)

    def meaning(self, secret: str) -> str:
        """Give the literal that a form of it stands for; other text as it is."""
        return self._meaning.get(secret, secret)


def _forms(literal: str) -> Iterator[str]:
    yield literal
    yield " ".join(literal.split())  # as it stands in a commit's subject
    escaped = {literal}
    for _ in range(2):  # JSON may hold JSON
        escaped |= {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in escaped for ascii_only in (True, False)}
    yield from sorted(escaped)
    data = literal.encode("utf-8", "surrogatepass")
    yield quote(data, safe="")
    yield quote(data)
    if len(data) >= _BASE64_MIN:
        yield from _base64_forms(data)


def _base64_forms(data: bytes) -> Iterator[str]:
    """What of the base64 is the same whatever stands around the literal, for each of the three places it can begin."""
    for before in range(3):
        known = (-before) % 3
        whole = data[known : known + (len(data) - known) // 3 * 3]
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(whole).decode("ascii")
