"""What a store takes of the disk, part by part: file sizes in bytes, as `ls -l` tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from superqode.session.errors import GitError
from superqode.session.git import program
from superqode.session.git.folders import entries_below
from superqode.session.store.results import Record
from superqode.session.store.sources import KEPT

__all__ = ["DiskUse", "Part", "disk_use", "file_sizes", "free_bytes"]


@dataclass(frozen=True, slots=True)
class Part(Record):
    """One part of a store: how many files, and how many bytes."""

    count: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class DiskUse(Record):
    """What a store takes.

    Attributes:
        total: everything below its folder.
        refs: loose refs, `packed-refs` and reflogs.
        packs: packs with their indexes.
        loose: loose objects.
        index: the index and other caches.
        sources: kept originals of imports, which are in `packs` and `loose` as well; `None` without `git`.
        free: bytes that are free on that disk for this user.
    """

    total: Part
    refs: Part
    packs: Part
    loose: Part
    index: Part
    sources: Part | None
    free: int


def disk_use(path: Path) -> DiskUse:
    """Measure a store's folder; files that vanish meanwhile are not counted."""
    found = list(file_sizes(path))

    def part(wanted: Callable[[str], bool]) -> Part:
        sizes = [size for name, size in found if wanted(name)]
        return Part(len(sizes), sum(sizes))

    return DiskUse(
        total=part(lambda _: True),
        refs=part(lambda name: name.startswith(("refs/", "logs/")) or name == "packed-refs"),
        packs=part(lambda name: name.startswith("objects/pack/")),
        loose=part(_is_loose),
        index=part(
            lambda name: name.startswith("superqode/entries/") or (name.startswith("superqode/") and ".sqlite" in name)
        ),
        sources=_sources(path),
        free=free_bytes(path),
    )


def _is_derived(name: str) -> bool:
    return name.startswith("superqode/entries/") or (name.startswith("superqode/") and ".sqlite" in name)


def _is_loose(name: str) -> bool:
    folder, _, file = name.removeprefix("objects/").partition("/")
    return name.startswith("objects/") and len(folder) == 2 and len(file) == 38


def file_sizes(path: Path) -> Iterator[tuple[str, int]]:
    """Each file below a folder, by its name there with slashes, and its size; what vanishes meanwhile is left out."""
    for entry in entries_below(path):
        if not entry.is_dir(follow_symlinks=False):
            with suppress(OSError):
                yield Path(entry.path).relative_to(path).as_posix(), entry.stat(follow_symlinks=False).st_size


def _sources(path: Path) -> Part | None:
    purpose = "Measuring kept originals"
    try:
        names = program.run(path, ["for-each-ref", "--format=%(refname)", KEPT], purpose=purpose).splitlines()
        if not names:
            return Part()
        asked = ["rev-list", "--objects", "--disk-usage", f"--glob={KEPT}*"]
        return Part(len(names), int(program.run(path, asked, purpose=purpose)))
    except GitError:
        return None


def free_bytes(path: Path) -> int:
    """How many bytes this user may still write on the disk of a folder; 0 where that cannot be told."""
    import shutil

    try:
        return shutil.disk_usage(path).free
    except OSError:
        return 0
