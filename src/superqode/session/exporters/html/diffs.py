"""Which text is a diff, line by line, and the diff that an edit means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, groupby, takewhile
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple

__all__ = ["Edit", "Kind", "Piece", "edit_diff", "looks_like_diff", "read_diff", "split_edits"]

Kind = Literal["", "add", "del", "hunk", "file"]

_BEGINS: Final = re.compile(
    r"^(?:@@ -\d+(?:,\d+)? \+\d+|diff --git |\*\*\* Begin Patch$|--- .*\n\+\+\+ )", re.MULTILINE
)
_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_FILE: Final = re.compile(
    r"diff --git |index [0-9a-f]+\.\.|--- |\+\+\+ |new file mode|deleted file mode|old mode|new mode"
    r"|rename (?:from|to)|copy (?:from|to)|similarity index|dissimilarity index|Binary files"
)
_SIGNS: Final[Mapping[str, Kind]] = {"+": "add", "-": "del"}
# How agents name the two sides of an edit.
_SIDES: Final = (
    ("old_string", "new_string"),
    ("oldString", "newString"),
    ("old_str", "new_str"),
    ("oldText", "newText"),
    ("old_text", "new_text"),
    ("old", "new"),
    ("search", "replace"),
)
# How much of a text is looked at to say whether it is a diff, in characters.
_HEAD: Final = 100_000
# difflib takes quadratic time where much is alike; longer edits are shown as all out, all in.
_LINES_MAX: Final = 500
_FEED: Final = "\n"


class Piece(NamedTuple):
    """Lines of a diff that are of one kind, each with its line feed."""

    kind: Kind
    text: str


class Edit(NamedTuple):
    """What stood there, and what stands there now."""

    old: str
    new: str


def looks_like_diff(text: str) -> bool:
    """Whether a text holds a unified diff, or a patch in the language of Codex."""
    return _BEGINS.search(text, 0, _HEAD) is not None


def read_diff(text: str, *, whole: bool = False) -> Iterator[Piece]:
    """Give a text's lines by kind: only what stands inside of hunks is added or removed.

    Args:
        text: a text that holds a diff.
        whole: it is nothing but a diff: its lines are told by their first character where no hunk says more.
    """
    lines = text.split("\n")
    return _pieces(zip(_kinds(lines, whole=whole), lines, strict=True))


def _pieces(marked: Iterable[tuple[Kind, str]]) -> Iterator[Piece]:
    for kind, group in groupby(marked, key=itemgetter(0)):
        yield Piece(kind, "".join(f"{line}\n" for _, line in group))


def _kinds(lines: Iterable[str], *, whole: bool) -> Iterator[Kind]:
    old = new = 0
    patch = False
    for line in lines:
        hunk = _HUNK.match(line)
        if hunk is not None:
            old, new = (int(count) if count else 1 for count in hunk.groups())
            yield "hunk"
        elif old > 0 or new > 0:
            sign = line[:1]
            if sign != "\\":
                old -= sign != "+"
                new -= sign != "-"
            yield _SIGNS.get(sign, "")
        elif line.startswith("*** "):
            patch = line.startswith("*** Begin Patch") or (patch and not line.startswith("*** End Patch"))
            yield "file"
        elif _FILE.match(line):
            yield "file"
        elif line.startswith("@@"):
            yield "hunk" if patch or whole else ""
        else:
            yield _SIGNS.get(line[:1], "") if patch or whole else ""


def split_edits(arguments: Mapping[str, Any]) -> tuple[list[Edit], dict[str, Any]]:
    """Take the edits out of a call's arguments; gives them and the other arguments."""
    found, rest = _edit(arguments)
    for key in ("edits", "changes"):
        items = rest.get(key)
        inner = [_edit(item) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        # Only where nothing else is said in them: what is no edit must be seen as well.
        if (
            isinstance(items, list)
            and inner
            and len(inner) == len(items)
            and all(edit and not more for edit, more in inner)
        ):
            found += [edit for edits_found, _ in inner for edit in edits_found]
            del rest[key]
    return found, rest


def _edit(arguments: Mapping[str, Any]) -> tuple[list[Edit], dict[str, Any]]:
    for old, new in _SIDES:
        before, after = arguments.get(old), arguments.get(new)
        if isinstance(before, str) and isinstance(after, str):
            return [Edit(before, after)], {key: value for key, value in arguments.items() if key not in (old, new)}
    return [], dict(arguments)


def edit_diff(edit: Edit) -> Iterator[Piece]:
    """Give the diff of an edit, with all of both sides."""
    old, new = (side.removesuffix("\n").split("\n") if side else [] for side in edit)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    changed = _all_changed(before, after) if max(len(before), len(after)) > _LINES_MAX else _compared(before, after)
    same = old[len(old) - end :]
    yield from _pieces(chain(_unchanged(old[:start]), changed, _unchanged(same)))
    if old and new and edit.old.endswith("\n") != edit.new.endswith("\n"):
        yield Piece("hunk", f"\\ line feed at the end {'added' if edit.new.endswith(_FEED) else 'removed'}\n")


def _common(old: list[str], new: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _unchanged(lines: list[str]) -> Iterator[tuple[Kind, str]]:
    return (("", f" {line}") for line in lines)


def _all_changed(old: list[str], new: list[str]) -> Iterator[tuple[Kind, str]]:
    yield from (("del", f"-{line}") for line in old)
    yield from (("add", f"+{line}") for line in new)


def _compared(old: list[str], new: list[str]) -> Iterator[tuple[Kind, str]]:
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
        yield from _unchanged(old[a:b]) if tag == "equal" else _all_changed(old[a:b], new[c:d])
