"""What the calls of a Codex session did to files, as recorded, as a patch asked for, or as the tool's name means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from superqode.session.importers.balance import FileBalance
from superqode.session.importers.codex.calls import Call
from superqode.session.importers.fields import text_at
from superqode.session.importers.shell import removed_files
from superqode.session.models.files import FileTouch, touched_files

__all__ = ["take_call"]

Change = tuple[FileTouch, str]

_KINDS: Final[Mapping[str, FileTouch]] = {"add": "create", "update": "modify", "delete": "delete"}

_PATCH_LINE: Final = re.compile(r"^\*\*\* (?:(Add|Update|Delete) File|(Move) to): (.+)$", re.MULTILINE)
# What Codex called its tool for commands, from the first version on.
_SHELLS: Final = ("shell", "local_shell", "shell_command", "exec_command")
_PATCH_BEGIN: Final = "*** Begin Patch"


def take_call(balance: FileBalance, call: Call) -> None:
    """Add what a call changed, if it worked."""
    if call.success:
        for touch, path in _recorded(call.changes) if call.changes else list(_patched(call)) or _named(call):
            balance.take(touch, path, call.cwd)


def _recorded(changes: Mapping[str, Any]) -> Iterator[Change]:
    """The changes an event recorded."""
    for path, change in changes.items():
        kind = text_at(change, "type") if isinstance(change, dict) else ""
        target = text_at(change, "move_path") if isinstance(change, dict) else ""
        if target:
            yield "delete", path
            yield "create", target
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
                yield "create", path
            elif verb == "Add":
                yield "create", path
            elif verb == "Delete":
                yield "delete", path
            else:
                updated = path
                yield "modify", path


def _named(call: Call) -> Iterator[Change]:
    """The changes that the tool's name and arguments mean: a write, an edit, what a command line did to files."""
    if call.name in _SHELLS:
        for path in removed_files(call.arguments):
            yield "delete", path
    for touch, path in touched_files(call.name, call.arguments, ""):
        # A file that a tool writes whole is new as far as the rollout tells.
        yield "create" if touch == "write" else touch, path


def _texts(arguments: Mapping[str, Any]) -> Iterator[str]:
    for value in arguments.values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield text
