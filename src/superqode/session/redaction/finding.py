"""Where secrets stand in a text: all rules over it, until nothing is left to find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from superqode.session.redaction import marks
from superqode.session.redaction.assignments import find_assigned
from superqode.session.redaction.carriers import find_carried
from superqode.session.redaction.library import find_listed, library_version
from superqode.session.redaction.literals import Literals
from superqode.session.redaction.shapes import find_shapes
from superqode.session.redaction.spans import Span
from superqode.session.redaction.view import MARKED, View, view

__all__ = ["PASSES", "RULES", "Found", "find", "search", "with_marks"]

RULES: Final = f"1+kingfisher-{library_version()}"
"""The version of the verdicts: another one where our rules or the library's changed."""

_SHORTEST: Final = 4
# What one pass leaves, the next finds; each takes away at least one secret, and more than two passes are an attack's.
PASSES: Final = 16
_NO_MARK: Final = "0" * 8


class Found(NamedTuple):
    """One secret.

    Attributes:
        start, end: its place in the text, in characters.
        rule: what found it: `[a-z0-9-]+`.
    """

    start: int
    end: int
    rule: str


def find(
    text: str, *, literals: Sequence[str] = (), detect: bool = True, rules_cache: Path | None = None
) -> list[Found]:
    """Find the secrets in a text.

    Args:
        text: any text; what stands in marks of earlier redaction is not looked at.
        literals: exact strings to find, with the rule `scrubbed`.
        detect: whether to look for anything but them.
        rules_cache: as for `Redactor`.

    Returns:
        The places, sorted, without overlaps. A text where they are masked has no more secrets to find.
    """
    return search(text, Literals(literals), detect=detect, rules_cache=rules_cache)


def search(text: str, literals: Literals, *, detect: bool, rules_cache: Path | None) -> list[Found]:
    """As `find`, with the literals ready."""
    found: list[Found] = []
    for _ in range(PASSES):
        masked = with_marks(text, found)
        new = _once(masked.text, literals, detect=detect, rules_cache=rules_cache)
        if not new:
            break
        found = masked.add([Found(span.start, span.end, span.rule) for span in new])
    return found


def _once(text: str, literals: Literals, *, detect: bool, rules_cache: Path | None) -> list[Span]:
    """One pass of all rules: joined, and without what is a mark or blank."""
    spans = [*literals.find(text)]
    seen: View | None = None
    if detect and len(text) > _SHORTEST:
        seen = view(text)
        spans += find_shapes(seen)
        spans += find_carried(seen)
        spans += find_assigned(seen)
        spans += find_listed(seen, rules_cache)
    if not spans:
        return []
    return _outside_marks(_joined(spans), (seen or view(text)).raw, text)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Overlapping places as one, named by the surest of the longest."""
    joined: list[Span] = []
    best: Span | None = None
    for span in sorted(spans):
        if span.end <= span.start:
            continue
        if joined and best is not None and span.start < joined[-1].end:
            longer = (span.end - span.start) - (best.end - best.start)
            if longer > 0 or (longer == 0 and span.rank < best.rank):
                best = span
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end), best.rank, best.rule)
        else:
            best = span
            joined.append(span)
    return joined


def _outside_marks(spans: list[Span], raw: bytes, text: str) -> list[Span]:
    """The spans without the marks in them, and without blanks at their ends."""
    kept: list[Span] = []
    for span in spans:
        start = span.start
        while start < span.end:
            mark = raw.find(MARKED, start, span.end)
            end = span.end if mark < 0 else mark
            piece = text[start:end]
            left, right = len(piece) - len(piece.lstrip()), len(piece.rstrip())
            if right > left:
                kept.append(span._replace(start=start + left, end=start + right))
            start = end
            while raw[start : start + 1] == MARKED and start < span.end:
                start += 1
    return kept


class WithMarks(NamedTuple):
    """A text with marks in place of what was found.

    Attributes:
        text: the text.
        found: what was found in the original.
        origins: of each piece that is left, where it begins in `text` and in the original.
    """

    text: str
    found: list[Found]
    origins: list[tuple[int, int]]

    def add(self, new: Sequence[Found]) -> list[Found]:
        """Give what was found in the original, with what was found in `text` besides, at its place in the original."""
        told = list(self.found)
        number = 0
        for start, end, rule in new:
            while number + 1 < len(self.origins) and self.origins[number + 1][0] <= start:
                number += 1
            shift = self.origins[number][1] - self.origins[number][0]
            told.append(Found(start + shift, end + shift, rule))
        return sorted(told)


def with_marks(text: str, found: list[Found]) -> WithMarks:
    """Put marks of the right length in place of what was found."""
    parts: list[str] = []
    origins: list[tuple[int, int]] = []
    length = last = 0
    for start, end, rule in [*found, Found(len(text), len(text), "")]:
        origins.append((length, last))
        mark = marks.make(rule, _NO_MARK) if rule else ""
        parts += (text[last:start], mark)
        length += start - last + len(mark)
        last = end
    return WithMarks("".join(parts) if found else text, found, origins)
