"""How large objects are, before any of them is read: a few bytes from outside may unpack to gigabytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from superqode.session.errors import CorruptObject
from superqode.session.git import program

__all__ = ["largest_object", "object_sizes"]


def largest_object(repository: Path, purpose: str) -> int:
    """The size in bytes of a repository's largest object; 0 where there is none.

    Raises:
        GitMissing, GitFailed: `git` is missing, or said no.
    """
    asked = ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectsize)"]
    with program.stream(repository, asked, purpose=purpose) as sizes:
        return max((int(size) for size in sizes), default=0)


def object_sizes(repository: Path, oids: Iterable[str], purpose: str) -> dict[str, tuple[str, int]]:
    """Give type and size in bytes of objects, from their headers alone.

    Args:
        repository: the bare repository.
        oids: the objects.
        purpose: what it is for, in the words of an error message.

    Raises:
        CorruptObject: one is not there.
        GitMissing, GitFailed: `git` is missing, or said no.
    """
    wanted = list(dict.fromkeys(oids))
    asked = "".join(f"{oid}\n" for oid in wanted).encode()
    told = program.run(repository, ["cat-file", "--batch-check"], purpose=purpose, stdin=asked).decode()
    found: dict[str, tuple[str, int]] = {}
    for oid, line in zip(wanted, told.splitlines(), strict=True):
        words = line.split(" ")
        if len(words) != 3:
            raise CorruptObject(oid, "it is not there")
        found[oid] = (words[1], int(words[2]))
    return found
