"""Looking for a secret where it could hide: in all objects of a history, and in every file of a store."""

from __future__ import annotations

import os
import subprocess
import zlib
from contextlib import suppress
from pathlib import Path


def _git(store: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["git", "-C", str(store), *arguments], input=stdin, capture_output=True, check=True).stdout


def _contents(store: Path, listed: bytes) -> dict[str, bytes]:
    told = _git(store, "cat-file", "--batch", "--buffer", stdin=listed)
    found: dict[str, bytes] = {}
    start = 0
    while start < len(told):
        end = told.index(b"\n", start)
        oid, kind, size = told[start:end].decode().split(" ")
        found[f"{kind} {oid}"] = told[end + 1 : end + 1 + int(size)]
        start = end + int(size) + 2
    return found


def reachable(store: Path, *tips: str) -> dict[str, bytes]:
    """Every object that commits reach, by kind and id."""
    return _contents(store, _git(store, "rev-list", "--objects", "--no-object-names", *tips))


def holding(found: dict[str, bytes], *needles: str) -> list[str]:
    """Which of the objects hold one of the texts."""
    wanted = [needle.encode() for needle in needles]
    return [name for name, data in found.items() if any(needle in data for needle in wanted)]


def anywhere(store: Path, *needles: str) -> list[str]:
    """Where in a store's folder the texts stand: objects (reached or not, packed or loose), and files as they are."""
    everything = _git(store, "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
    found = holding(_contents(store, everything), *needles)
    for folder, _, names in os.walk(store):
        for name in names:
            path = Path(folder, name)
            data = path.read_bytes()
            with suppress(zlib.error):
                data += zlib.decompress(data)
            if any(needle.encode() in data for needle in needles):
                found.append(str(path.relative_to(store)))
    return found
