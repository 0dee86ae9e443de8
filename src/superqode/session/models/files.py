"""Which files a tool call touched: one table of tool names, easy to extend.

The paths come from an agent's own words. They are compared as text, never opened.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

__all__ = ["FileTouch", "command_line", "plain_commands", "relative_path", "touched_files"]

FileTouch = Literal["create", "write", "modify", "delete", "read"]

# Tool names of the agents we know, lower case, without separators. `write` creates a file that was not there.
TOOLS: Final[Mapping[str, FileTouch]] = {
    "create": "create",
    "createfile": "create",
    "newfile": "create",
    "write": "write",
    "writefile": "write",
    "writetofile": "write",
    "fswrite": "write",
    "savefile": "write",
    "edit": "modify",
    "editfile": "modify",
    "multiedit": "modify",
    "notebookedit": "modify",
    "modifyfile": "modify",
    "updatefile": "modify",
    "appendfile": "modify",
    "insertedit": "modify",
    "replace": "modify",
    "replacefile": "modify",
    "replaceinfile": "modify",
    "strreplace": "modify",
    "strreplaceeditor": "modify",
    "searchreplace": "modify",
    "texteditor": "modify",
    "patch": "modify",
    "applypatch": "modify",
    "patchfile": "modify",
    "applydiff": "modify",
    "delete": "delete",
    "deletefile": "delete",
    "removefile": "delete",
    "unlink": "delete",
    "read": "read",
    "readfile": "read",
    "viewfile": "read",
    "openfile": "read",
}

# Tools that run a command line; a moved file and one written from the line itself can be read off it for sure.
_SHELLS: Final = frozenset(
    (
        "bash",
        "shell",
        "exec",
        "execcommand",
        "runcommand",
        "runshellcommand",
        "executecommand",
        "terminal",
        "localshell",
    )
)
_COMMAND_MAX: Final = 20_000
# A file that a shell writes from the line itself, as agents without a tool for it do.
_WRITTEN: Final = re.compile(r"cat (<<\S+ )?>(?P<more>>?) ?(?P<path>[^ *?$`<>|&{(]+)(?(1)| <<\S+)")

_PATH_KEYS: Final = (
    "path",
    "file_path",
    "filePath",
    "filename",
    "file",
    "absolute_path",
    "notebook_path",
    "target_file",
)
_PATCH_KEYS: Final = ("patch", "patchText", "input", "diff")
# The patch language of Codex and of the agents that took it over.
_PATCH_LINE: Final = re.compile(r"^\*\*\* (Add|Update|Delete) File: (.+)$|^\*\*\* Move to: (.+)$", re.MULTILINE)
_PATCH_VERBS: Final[Mapping[str, FileTouch]] = {"Add": "create", "Update": "modify", "Delete": "delete"}
_EDITOR_COMMANDS: Final[Mapping[str, FileTouch]] = {"create": "create", "write": "write", "view": "read"}


def touched_files(tool_name: str, arguments: Mapping[str, Any], project_path: str) -> Iterator[tuple[FileTouch, str]]:
    """Give each file a call of this tool touches: what it does to it, and its path (relative inside the project)."""
    base = tool_name.rsplit("__", 1)[-1].rsplit(".", 1)[-1]
    name = re.sub(r"[^a-z0-9]", "", base.lower())
    touch = TOOLS.get(name)
    if touch is None:
        if name in _SHELLS:
            for made, path in _shell_files(command_line(arguments)):
                yield made, relative_path(path, project_path)
        return
    patches = [text for key in _PATCH_KEYS if isinstance(text := arguments.get(key), str)]
    patched = [found for text in patches for found in _PATCH_LINE.finditer(text)]
    for found in patched:
        verb, path, moved = (part.strip() if part else "" for part in found.groups())
        yield (
            (_PATCH_VERBS[verb], relative_path(path, project_path))
            if verb
            else (
                "create",
                relative_path(moved, project_path),
            )
        )
    if patched:
        return
    command = arguments.get("command")
    if touch == "modify" and isinstance(command, str):
        touch = _EDITOR_COMMANDS.get(command, touch)
    named = [told for key in _PATH_KEYS if isinstance(told := arguments.get(key), str) and told]
    if named:
        yield touch, relative_path(named[0], project_path)


def command_line(arguments: Mapping[str, Any]) -> str:
    """Give the line that a shell tool was called with; empty where there is none. A list is a program's own words."""
    command = arguments.get("command", arguments.get("cmd"))
    if isinstance(command, str):
        return command
    words = command if isinstance(command, list | tuple) and all(isinstance(word, str) for word in command) else ()
    return words[-1] if len(words) > 1 and words[-2] in ("-c", "-lc") else shlex.join(words)


def plain_commands(command: str) -> Iterator[list[str]]:
    """Give the words of each command of a line that runs several, up to where it gets unclear what is a command.

    That is a change of folder, a quote that spans commands, and text for a command in the line itself (`<<END`).
    """
    for part in re.split(r"&&|;|\n", command if len(command) <= _COMMAND_MAX else ""):
        try:
            words = shlex.split(part)
        except ValueError:  # a quote that spans parts
            return
        if words[:1] in (["cd"], ["pushd"]):
            return  # what follows is relative to another folder
        yield words
        if any(word.startswith("<<") for word in words):
            return


def _shell_files(command: str) -> Iterator[tuple[FileTouch, str]]:
    """The files that a command line makes: `mv old new`, `git mv old new`, `cat > new <<END`; nothing cleverer."""
    # A look at the text first: taking it into words costs a hundred times as much.
    for words in plain_commands(command) if "mv" in command or "<<" in command else ():
        if written := _WRITTEN.fullmatch(" ".join(words)):
            yield ("modify" if written["more"] else "write"), written["path"]
        operands = words[2:] if words[:2] == ["git", "mv"] else words[1:] if words[:1] == ["mv"] else []
        named = [word for word in operands if not word.startswith("-")]
        if len(named) == 2 and not re.search(r"[*?$`<>|&{]|/\Z", named[1]) and not re.search(r"[*?$`<>|&{]", named[0]):
            yield "create", named[1]


def relative_path(path: str, project_path: str) -> str:
    """Give a path relative to the project where it lies inside it; compared as text only."""
    plain = _slashes(path)
    project = _slashes(project_path).rstrip("/")
    normal = posixpath.normpath(plain)
    if project and normal.startswith(posixpath.normpath(project) + "/"):
        return normal[len(posixpath.normpath(project)) + 1 :]
    return normal


def _slashes(path: str) -> str:
    # Only a path that is a Windows one: a backslash is an ordinary character in a POSIX file name.
    return path.replace("\\", "/") if re.match(r"[A-Za-z]:\\|\\\\", path) else path
