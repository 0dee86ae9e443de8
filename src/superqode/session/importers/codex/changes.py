"""Which files a Codex session made and changed, on balance: what was made and removed again is neither."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from superqode.session.importers.codex.calls import Call
from superqode.session.importers.fields import text_at
from superqode.session.models.files import relative_path, touched_files

__all__ = ["FileBalance"]

Kind = Literal["add", "update", "delete"]
Change = tuple[Kind, str]

_KINDS: Final[Mapping[str, Kind]] = {"add": "add", "update": "update", "delete": "delete"}
_TOUCHES: Final[Mapping[str, Kind]] = {"create": "add", "write": "add", "modify": "update", "delete": "delete"}

_PATCH_LINE: Final = re.compile(r"^\*\*\* (?:(Add|Update|Delete) File|(Move) to): (.+)$", re.MULTILINE)
_PATCH_BEGIN: Final = "*** Begin Patch"
_ABSOLUTE: Final = re.compile(r"/|[A-Za-z]:[\\/]|\\\\")


class FileBalance:
    """Adds up the changes of calls that worked, in their order.

    Attributes:
        created: files that were not there before, in the order they appeared.
        modified: files that were there before and are changed.
        deleted: files that were there before and are not there any more.
    """

    def __init__(self, project_path: str) -> None:
        self.created: list[str] = []
        self.modified: list[str] = []
        self.deleted: list[str] = []
        self._project = project_path

    def take(self, call: Call) -> None:
        """Add what a call changed, if it worked."""
        if not call.success:
            return
        for change, path in _recorded(call.changes) if call.changes else list(_patched(call)) or _named(call):
            place = path if _ABSOLUTE.match(path) or not call.cwd else posixpath.join(call.cwd, path)
            self._apply(change, relative_path(place, self._project))

    def _apply(self, change: Kind, path: str) -> None:
        if change == "delete":
            self._delete(path)
        elif path in self.created or path in self.modified:
            return
        elif path in self.deleted:
            self.deleted.remove(path)
            self.modified.append(path)
        elif change == "add":
            self.created.append(path)
        else:
            self.modified.append(path)

    def _delete(self, path: str) -> None:
        if path in self.created:
            self.created.remove(path)
            return
        if path in self.modified:
            self.modified.remove(path)
        if path not in self.deleted:
            self.deleted.append(path)


def _recorded(changes: Mapping[str, Any]) -> Iterator[Change]:
    """The changes an event recorded."""
    for path, change in changes.items():
        kind = text_at(change, "type") if isinstance(change, dict) else ""
        target = text_at(change, "move_path") if isinstance(change, dict) else ""
        if target:
            yield "delete", path
            yield "add", target
        elif kind in _KINDS:
            yield _KINDS[kind], path


def _patched(call: Call) -> Iterator[Change]:
    """The changes a patch asked for, where no event recorded them."""
    for text in _texts(call.arguments):
        if _PATCH_BEGIN not in text:
            continue
        updated = ""
        for verb, moved, rest in _PATCH_LINE.findall(text):
            path = rest.rstrip()
            if moved:
                yield "delete", updated or path
                yield "add", path
            elif verb == "Add":
                yield "add", path
            elif verb == "Delete":
                yield "delete", path
            else:
                updated = path
                yield "update", path


def _named(call: Call) -> Iterator[Change]:
    """The changes that the tool's name and arguments mean: a write, an edit, a file renamed on a command line."""
    for touch, path in touched_files(call.name, call.arguments, ""):
        if touch in _TOUCHES:
            yield _TOUCHES[touch], path


def _texts(arguments: Mapping[str, Any]) -> Iterator[str]:
    for value in arguments.values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield text
