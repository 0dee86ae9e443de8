"""Git bundles (gitformat-bundle(5)): a header that lists refs, then a pack. Written by `git`, read with suspicion.

`git fetch <bundle>` ignores fsckObjects, so a bundle's pack comes in through `git index-pack --strict` only, after its
header was parsed here: bounded, complete, and with names that may be refs of a store.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

from superqode.session.errors import BackupError
from superqode.session.git import program
from superqode.session.git.refs import is_ref_name

__all__ = ["Behind", "Readable", "read_header", "streamed", "unpack", "write_bundle"]

_SIGNATURES: Final = (b"# v2 git bundle\n", b"# v3 git bundle\n")
_CAPABILITY: Final = re.compile(rb"@([a-z-]+)(?:=(\S*))?\n")
_REF: Final = re.compile(rb"([0-9a-f]{40}) ([^\s]+)\n")
_LINE_MAX: Final = 4096
_REFS_MAX: Final = 2_000_000


def write_bundle(repository: Path, target: Path, refs: Iterable[str], *, purpose: str = "Making a backup") -> None:
    """Write refs and everything they reach into one file, and let `git` verify it.

    Raises:
        GitMissing, GitFailed: `git` is missing, or said no.
    """
    names = "".join(f"{name}\n" for name in refs).encode("utf-8", "surrogateescape")
    program.run(repository, ["bundle", "create", "-q", str(target), "--stdin"], purpose=purpose, stdin=names)
    program.run(repository, ["bundle", "verify", "-q", str(target)], purpose=purpose)


class Readable(Protocol):
    """What gives bytes until it has none."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class Behind:
    """A stream that comes behind some bytes."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        if not self._head:
            return self._stream.read(size)
        given, self._head = self._head[:size], self._head[size:]
        return given


@contextmanager
def streamed(repository: Path, refs: Mapping[str, str], before: str | None, purpose: str) -> Iterator[Readable]:
    """Give a bundle (version 2) of refs and what they reach as a stream, without what a commit reaches.

    Args:
        repository: the repository.
        refs: ids by name; they need not be refs of it.
        before: the commit that whoever reads it has, the bundle's only prerequisite.
        purpose: what it is for, in the words of an error.

    Raises:
        GitMissing, GitFailed: `git` is missing, or said no; at the end of the block.
    """
    head = ["# v2 git bundle", *([f"-{before}"] if before else []), *(f"{oid} {name}" for name, oid in refs.items())]
    wanted = "".join(f"{oid}\n" for oid in refs.values()) + (f"^{before}\n" if before else "")
    arguments = ["pack-objects", "-q", "--revs", "--thin", "--delta-base-offset", "--stdout"]
    with program.stream(repository, arguments, purpose=purpose, stdin=wanted.encode()) as stream:
        yield Behind("\n".join([*head, "", ""]).encode(), stream)


def read_header(stream: IO[bytes], source: str, *, prerequisites: frozenset[str] = frozenset()) -> dict[str, str]:
    """Read a bundle's header, up to its pack; gives the refs and their ids.

    Args:
        stream: the bundle, at its beginning.
        source: what it is, in the words of an error.
        prerequisites: the only commits it may build on.

    Raises:
        BackupError: it is no bundle, not complete in itself, or names something that may not be a ref.
    """
    if stream.readline(_LINE_MAX) not in _SIGNATURES:
        raise BackupError(f"{source} is no backup: it does not begin like a Git bundle")
    refs: dict[str, str] = {}
    while (line := stream.readline(_LINE_MAX)) != b"\n":
        if len(refs) > _REFS_MAX or not line.endswith(b"\n"):
            raise BackupError(f"{source} is no backup: its header has no end")
        if line[1:41].decode("ascii", "replace") in prerequisites and line.startswith(b"-"):
            continue
        _read_line(line, source, refs)
    return refs


def _read_line(line: bytes, source: str, refs: dict[str, str]) -> None:
    capability = _CAPABILITY.fullmatch(line)
    if capability is not None:
        if capability[1] == b"object-format" and capability[2] == b"sha1":
            return
        raise BackupError(f"{source} cannot be restored: it needs {line.decode('ascii', 'replace').strip()}")
    if line.startswith(b"-"):
        raise BackupError(f"{source} is no whole backup: it builds on commits that are not in it")
    found = _REF.fullmatch(line)
    name = found[2].decode("utf-8", "replace") if found is not None else ""
    if found is None or not (name == "HEAD" or is_ref_name(name)):
        raise BackupError(f"{source} is refused: its header names {line[:80]!r}")
    if name != "HEAD":
        refs[name] = found[1].decode()


def unpack(repository: Path, stream: IO[bytes], source: str, *, purpose: str = "Restoring a backup") -> None:
    """Bring the pack that follows a header into a repository, every object checked.

    Raises:
        GitMissing: there is no git.
        GitFailed: an object is broken or hostile; nothing of it is visible then.
    """
    start = stream.tell()
    size = os.fstat(stream.fileno()).st_size - start
    if size <= 0:
        raise BackupError(f"{source} is cut off: it has no pack")
    # The child reads the file from its own position, which buffering has moved ahead.
    os.lseek(stream.fileno(), start, os.SEEK_SET)
    arguments = [
        "index-pack",
        "--strict",
        "--fsck-objects",
        "--stdin",
        "--fix-thin",
        f"--max-input-size={size}",
    ]
    program.run(repository, arguments, purpose=purpose, stdin=stream)
