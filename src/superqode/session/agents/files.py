"""Agents' settings files read and replaced: bounded, in one step, keeping mode and symbolic links."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from superqode.session import entropy
from superqode.session.errors import AgentSettingsError

__all__ = ["read_text", "remove", "replace"]

_MAX: Final = 4 * 1024 * 1024
_NEW_MODE: Final = 0o600
_NEW_FOLDER_MODE: Final = 0o700


def read_text(path: Path) -> str | None:
    """Give a settings file's text; `None` where there is none.

    Raises:
        AgentSettingsError: it is no text file of at most 4 MiB, or cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise AgentSettingsError(path, str(problem.strerror)) from problem
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise AgentSettingsError(path, "it is no file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(_MAX + 1)
    finally:
        os.close(handle)
    if len(data) > _MAX:
        raise AgentSettingsError(path, f"it has more than {_MAX // 2**20} MiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise AgentSettingsError(path, "it is no UTF-8") from problem


def replace(path: Path, text: str, *, mode: int | None = None) -> None:
    """Put a text in a file's place in one step; a link stays one, and a file keeps its mode.

    Args:
        path: the file; its folder is made where it is missing.
        text: what to write.
        mode: the mode to give it; without one that of the file before, or `0600`.

    Raises:
        AgentSettingsError: it cannot be written; nothing was changed.
    """
    real = Path(os.path.realpath(path))
    fresh = real.with_name(f".{real.name}.{entropy.random_text(8)}.tmp")
    try:
        real.parent.mkdir(mode=_NEW_FOLDER_MODE, parents=True, exist_ok=True)
        kept = stat.S_IMODE(real.stat().st_mode) if real.exists() else _NEW_MODE
        try:
            with fresh.open("xb") as file:
                os.chmod(fresh, kept if mode is None else mode)  # noqa: PTH101 - before a byte is in it
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(real)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as problem:
        raise AgentSettingsError(path, str(problem.strerror)) from problem


def remove(path: Path) -> None:
    """Take a file away; none is fine.

    Raises:
        AgentSettingsError: it cannot be removed.
    """
    try:
        Path(os.path.realpath(path)).unlink(missing_ok=True)
    except OSError as problem:
        raise AgentSettingsError(path, str(problem.strerror)) from problem
