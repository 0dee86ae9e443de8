"""What a disk, a crash or a careless hand does to one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_GARBAGE = b"these bytes were never written by anybody who knew the format\n" * 8


def _zero_length(path: Path) -> None:
    path.write_bytes(b"")


def _zeros(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def _truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _cut_the_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"more")


def _garbage(path: Path) -> None:
    path.write_bytes(_GARBAGE)


def _unreadable(path: Path) -> None:
    path.chmod(0)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


HARMS: dict[str, Callable[[Path], object]] = {
    "zero length": _zero_length,
    "zeros": _zeros,
    "truncated": _truncate,
    "end cut off": _cut_the_end,
    "bit flipped": _flip,
    "something behind its end": _append,
    "gone": Path.unlink,
    "wrong content": _garbage,
    "unreadable": _unreadable,
    "a directory in its place": _folder,
}


def harm(path: Path, how: str) -> None:
    """Do one of `HARMS` to a file, or rather to a copy in its place: what others have open stays what it was."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    HARMS[how](path)
