"""Which project a folder is: where it was cloned from and how its history began, whatever the folder is called.

The folder is somebody else's: nothing in it is run, its settings are only looked into for one URL, every read is
bounded, and only plain files are opened (gitrepository-layout(5), git-config(1), gitglossary "shallow").
"""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from superqode.session.git.project_urls import normalised_origin
from superqode.session.git.refs import is_ref_name

__all__ = ["NOTE", "ProjectIdentity", "read_project"]

NOTE: Final = "project"
"""The key in a session's metadata under which its project is noted."""

# How far up the folder's repository is looked for, as deep as paths ever are.
_UP_MAX: Final = 64
_CONFIG_MAX: Final = 256 * 1024
_POINTER_MAX: Final = 4096
_PACKED_REFS_MAX: Final = 16 * 1024 * 1024
_LOOSE_MAX: Final = 1024 * 1024
# The headers of a commit; what is behind them is not read.
_HEADERS_MAX: Final = 64 * 1024
_PACKED_COMMIT_MAX: Final = 4 * 1024 * 1024
# A history of more commits has no known beginning: some tenths of a second are spent on one, not more.
_COMMITS_MAX: Final = 10_000
_ROOTS_MAX: Final = 8
_ALTERNATES_MAX: Final = 8
_LINKS_MAX: Final = 5
_OID: Final = re.compile(r"[0-9a-f]{40}")
_TEXT_MAX: Final = 4096
_SECTION: Final = re.compile(r'\[\s*remote\s+"((?:[^"\\]|\\.)*)"\s*\]\s*(.*)', re.IGNORECASE)
_VALUE: Final = re.compile(r"url\s*=\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ProjectIdentity:
    """What a project is known by on every machine.

    Attributes:
        origin: `host/path` of the repository it was cloned from; empty where it was not, or from a path.
        roots: ids of the first commits of its history, sorted, at most eight; empty where they cannot be told.
        folder: the place in the working tree, with `/`; empty for its top.
        shallow: whether the clone has only the end of the history, so that it does not know how it began.
    """

    origin: str = ""
    roots: tuple[str, ...] = ()
    folder: str = ""
    shallow: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give what there is to tell as JSON values, for a session's metadata."""
        told = {"origin": self.origin, "roots": list(self.roots), "folder": self.folder, "shallow": self.shallow}
        return {name: value for name, value in told.items() if value}

    @classmethod
    def noted(cls, metadata: Mapping[str, Any]) -> ProjectIdentity | None:
        """Read what a session's metadata says of its project; `None` where that is nothing, or nothing of ours."""
        told = metadata.get(NOTE)
        if not isinstance(told, Mapping):
            return None
        origin, roots, folder = told.get("origin", ""), told.get("roots", []), told.get("folder", "")
        texts = all(isinstance(text, str) and len(text) <= _TEXT_MAX for text in (origin, folder))
        listed = isinstance(roots, list | tuple) and len(roots) <= _ROOTS_MAX
        if not texts or not listed or not all(isinstance(root, str) and _OID.fullmatch(root) for root in roots):
            return None
        return cls(origin, tuple(sorted(set(roots))), folder, told.get("shallow") is True) if origin or roots else None


def read_project(folder: str | Path) -> ProjectIdentity | None:
    """Find out which project a folder of this machine belongs to.

    Args:
        folder: an absolute path; its repository may begin at any folder above it.

    Returns:
        `None` where the folder is not there, in no Git repository, or in one that has neither origin nor commits.
    """
    text = os.fspath(folder)
    if not Path(text).is_absolute() or "\0" in text or len(text) > _TEXT_MAX:
        return None
    try:
        here = Path(os.path.realpath(text))
        found = _find(here) if here.is_dir() else None
        if found is None:
            return None
        top, own, common = found
        shallow = _read(common / "shallow", _PACKED_REFS_MAX).split()
        tip = _tip(own, common)
        roots = _roots(str(common / "objects"), tip, frozenset(shallow)) if tip else ()
        origin = _origin(_read(common / "config", _CONFIG_MAX).decode("utf-8", "replace"))
    except (OSError, ValueError):  # what cannot be read tells nothing
        return None
    if not origin and not roots:
        return None
    below = here.relative_to(top).as_posix()
    return ProjectIdentity(origin, roots, "" if below == "." else below, bool(shallow))


def _read(path: Path, limit: int) -> bytes:
    """The beginning of a plain file; empty where there is none. A pipe or device is never waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit)
    finally:
        os.close(handle)


def _find(folder: Path) -> tuple[Path, Path, Path] | None:
    """The top of the working tree, its own Git folder, and the one that all working trees of the repository share."""
    for top in (folder, *folder.parents)[:_UP_MAX]:
        dot = top / ".git"
        own = dot if dot.is_dir() else _pointed(top, _read(dot, _POINTER_MAX), b"gitdir:")
        if own is not None and (own / "HEAD").is_file():
            return top, own, _pointed(own, _read(own / "commondir", _POINTER_MAX), b"") or own
    return None


def _pointed(base: Path, text: bytes, begin: bytes) -> Path | None:
    if not text.startswith(begin) or not text.strip() or b"\0" in text:
        return None
    return base / os.fsdecode(text.removeprefix(begin).strip())


def _tip(own: Path, common: Path) -> str:
    """The commit that HEAD names; empty where there is none yet."""
    text = _read(own / "HEAD", _POINTER_MAX).decode("utf-8", "replace").strip()
    for _ in range(_LINKS_MAX):
        if _OID.fullmatch(text):
            return text
        name = text.removeprefix("ref:").strip()
        if not text.startswith("ref:") or not is_ref_name(name):
            return ""
        text = (_read(common / name, _POINTER_MAX).decode("utf-8", "replace").strip()) or _packed(common, name)
    return ""


def _packed(common: Path, name: str) -> str:
    line = re.compile(rb"^([0-9a-f]{40}) " + re.escape(name.encode()) + rb"\r?$", re.MULTILINE)
    found = line.search(_read(common / "packed-refs", _PACKED_REFS_MAX))
    return found[1].decode() if found else ""


def _origin(config: str) -> str:
    """The URL of the remote `origin`, or of the only remote there is, as `normalised_origin` gives it."""
    urls: dict[str, str] = {}
    remote: str | None = None
    for line in config.splitlines():
        text = line.strip()
        if text.startswith("["):
            section = _SECTION.match(text)
            remote, text = (section[1], section[2]) if section else (None, "")
        value = _VALUE.match(text) if remote is not None else None
        if value is not None and remote is not None:
            urls[remote] = value[1].partition(" #")[0].partition(" ;")[0].strip().strip('"').replace("\\\\", "\\")
    only = next(iter(urls.values())) if len(urls) == 1 else ""
    return normalised_origin(urls.get("origin", only))


@lru_cache(maxsize=256)
def _roots(objects: str, tip: str, shallow: frozenset[bytes]) -> tuple[str, ...]:
    """The first commits of a history, sorted; none where that is too long, cut off or damaged."""
    history = _History(Path(objects))
    waiting, seen, roots = [tip], {tip}, []
    while waiting:
        oid = waiting.pop()
        parents = None if oid.encode() in shallow else history.parents(oid)
        if parents is None or len(seen) > _COMMITS_MAX:
            return ()
        if not parents:
            roots.append(oid)
        for parent in parents:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return tuple(sorted(roots)[:_ROOTS_MAX])


@dataclass(slots=True)
class _History:
    """Commits of a repository that may be hostile, read for their parents alone."""

    objects: Path
    _folders: list[Path] = field(default_factory=list)
    _packs: Any = None

    def __post_init__(self) -> None:
        import pygit2

        self._folders = list(self._all())
        # Packs alone: libgit2 loops for ever on a truncated loose object, and those are read here.
        self._packs = pygit2.Odb()
        for number, folder in enumerate(self._folders):
            if (folder / "pack").is_dir():
                self._packs.add_backend(pygit2.OdbBackendPack(str(folder)), number + 1)

    def _all(self) -> Iterator[Path]:
        yield self.objects
        listed = _read(self.objects / "info" / "alternates", _CONFIG_MAX).splitlines()[:_ALTERNATES_MAX]
        for line in listed:
            if line and not line.startswith(b"#") and b"\0" not in line:
                yield self.objects / os.fsdecode(line)

    def parents(self, oid: str) -> list[str] | None:
        """The parents of a commit; `None` where it cannot be read."""
        data = next((data for folder in self._folders if (data := _loose(folder, oid))), None) or self._packed(oid)
        if not data.startswith(b"tree "):
            return None
        lines = data.partition(b"\n\n")[0].split(b"\n")
        parents = [line[7:].decode("ascii", "replace") for line in lines if line.startswith(b"parent ")]
        return parents if all(_OID.fullmatch(parent) for parent in parents) else None

    def _packed(self, oid: str) -> bytes:
        import pygit2

        try:
            kind, size = self._packs.read_header(oid)
            if int(kind) != int(pygit2.enums.ObjectType.COMMIT) or size > _PACKED_COMMIT_MAX:
                return b""
            return bytes(self._packs.read(oid)[1])
        except (KeyError, ValueError, OSError, pygit2.GitError):
            return b""


def _loose(folder: Path, oid: str) -> bytes:
    """The beginning of a loose commit; empty where there is none."""
    packed = _read(folder / oid[:2] / oid[2:], _LOOSE_MAX)
    if not packed:
        return b""
    try:
        data = zlib.decompressobj().decompress(packed, _HEADERS_MAX)
    except zlib.error:
        return b""
    header, _, content = data.partition(b"\0")
    return content if header.startswith(b"commit ") else b""
