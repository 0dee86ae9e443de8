"""The project's files for an agent that reads or writes them through its client: inside the project only."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, Final, Literal, get_args

from superqode.session.choices import check_word

__all__ = ["FileAccess", "FileRefused", "Files"]

FileAccess = Literal["none", "read", "write"]

# The largest file that is read or written, in bytes.
MAX_FILE_BYTES: Final = 16 * 1024 * 1024


class FileRefused(ValueError):
    """A file is not given to the agent; the text says why, and is what the agent is told."""


class Files:
    """Serves `fs/read_text_file` and `fs/write_text_file`.

    Args:
        project: the folder; files outside it, by name or behind a link, are refused.
        access: what is served; `write` includes reading.

    Raises:
        ValueError: `access` is another word.
    """

    def __init__(self, project: Path, access: FileAccess) -> None:
        check_word(access, "access", get_args(FileAccess))
        self._project = project.resolve()
        self.access: FileAccess = access

    def read(self, params: dict[str, Any]) -> str:
        """Give a file's text, or of that `limit` lines from line `line` on (from 1).

        Raises:
            FileRefused: it is not served, not inside the project, no plain file, too large or not there.
        """
        if self.access == "none":
            raise FileRefused("this client serves no files")
        path = self._inside(params.get("path"))
        try:
            if not path.is_file():
                raise FileRefused(f"{path} is no file")
            with path.open("rb") as stream:
                data = stream.read(MAX_FILE_BYTES + 1)
        except OSError as problem:
            raise FileRefused(f"{path} cannot be read: {problem.strerror}") from problem
        if len(data) > MAX_FILE_BYTES:
            raise FileRefused(f"{path} has more than {MAX_FILE_BYTES // 2**20} MiB")
        return _lines_of(data.decode("utf-8", "replace"), params.get("line"), params.get("limit"))

    def write(self, params: dict[str, Any]) -> None:
        """Write a file whole, with the folders it lies in.

        Raises:
            FileRefused: it is not served, not inside the project, no plain file, too large or cannot be written.
        """
        if self.access != "write":
            raise FileRefused("this client writes no files")
        path, content = self._inside(params.get("path")), params.get("content")
        if not isinstance(content, str):
            raise FileRefused("there is no text to write")
        data = content.encode("utf-8", "replace")
        if len(data) > MAX_FILE_BYTES:
            raise FileRefused(f"{path} would have more than {MAX_FILE_BYTES // 2**20} MiB")
        try:
            if path.exists() and not path.is_file():
                raise FileRefused(f"{path} is no file")
            path.parent.mkdir(parents=True, exist_ok=True)
            # A link that was put there since its target was looked at is not followed.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
        except OSError as problem:
            raise FileRefused(f"{path} cannot be written: {problem.strerror}") from problem

    def _inside(self, told: object) -> Path:
        if not isinstance(told, str) or not told or "\0" in told:
            raise FileRefused("there is no path")
        try:
            path = (self._project / told).resolve()
        except (OSError, RuntimeError) as problem:
            raise FileRefused("the path leads nowhere") from problem
        if path == self._project or not path.is_relative_to(self._project):
            raise FileRefused(f"{told[:200]} is not inside {self._project}")
        return path


def _lines_of(text: str, line: object, limit: object) -> str:
    start = line - 1 if isinstance(line, int) and line > 0 else 0
    count = limit if isinstance(limit, int) and limit >= 0 else None
    if not start and count is None:
        return text
    # Lines end with a line feed and with nothing else: U+2028 and the like are text.
    lines = io.StringIO(text, newline="\n").readlines()
    return "".join(lines[start:] if count is None else lines[start : start + count])
