"""Every name in an encrypted share's tree, and which of them with which sizes a share may have. See FORMAT.md.

share.json
keys/0.json
manifest
segments/0/000000

The hook in `hooks/server/` has the same rule in its own words: it runs where nothing of ours is installed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from superqode.session.errors import ShareTampered, ShareTooLarge
from superqode.session.sharing.header import HEADER_MAX
from superqode.session.sharing.tokens import is_token_size, token_size

__all__ = [
    "CHUNKS_MAX",
    "FILE_MODE",
    "HEADER_FILE",
    "KEYS_MAX",
    "KEY_FILE_MAX",
    "MANIFEST_FILE",
    "MANIFEST_STEP",
    "OBJECT_MAX",
    "SEGMENTS_MAX",
    "TOTAL_MAX",
    "UNPACKED_MAX",
    "EnvelopeTree",
    "check_tree",
    "chunk_path",
    "key_path",
]

HEADER_FILE: Final = "share.json"
MANIFEST_FILE: Final = "manifest"
FILE_MODE: Final = 0o100644

KEYS_MAX: Final = 16
KEY_FILE_MAX: Final = 4096
SEGMENTS_MAX: Final = 1024
CHUNKS_MAX: Final = 100_000
OBJECT_MAX: Final = 1024 * 1024
# What a reader takes unless it is told otherwise: the most that large hosts take in one push.
TOTAL_MAX: Final = 2 * 1024**3
# One object of a shared session, unpacked: a hundred times what a host advises, and what a reader can hold.
UNPACKED_MAX: Final = 64 * 1024**2
# The manifest's plaintext is a multiple of this many bytes.
MANIFEST_STEP: Final = 1024

_KEY: Final = re.compile(r"keys/(0|[1-9][0-9]{0,3})\.json")
_CHUNK: Final = re.compile(r"segments/(0|[1-9][0-9]{0,3})/([0-9]{6})")


@dataclass(frozen=True, slots=True)
class EnvelopeTree:
    """A tree that may be a share's.

    Attributes:
        keys: the numbers of its key files, ascending.
        segments: how many chunks each segment has, by its number.
        size: the length of all files together, in bytes.
    """

    keys: tuple[int, ...]
    segments: tuple[int, ...]
    size: int


def key_path(number: int) -> str:
    """The path of a key file."""
    return f"keys/{number}.json"


def chunk_path(segment: int, chunk: int) -> str:
    """The path of a chunk."""
    return f"segments/{segment}/{chunk:06d}"


def check_tree(paths: Mapping[str, tuple[int, int]], share_id: str, *, total_max: int = TOTAL_MAX) -> EnvelopeTree:
    """Check the whole tree of a share, of which nothing but names, modes and sizes was read.

    Read `share.json` first: a later version may have another tree.

    Args:
        paths: each file's path from the root, with its mode (`0o100644`) and its size in bytes.
        share_id: the share's id, for messages.
        total_max: how many bytes all files together may have.

    Raises:
        ShareTooLarge: more keys, segments, chunks or bytes than a reader accepts.
        ShareTampered: a name, mode or size that a share does not have; something is missing.
    """
    if len(paths) > 2 + KEYS_MAX + CHUNKS_MAX:
        raise ShareTooLarge(share_id, f"it has {len(paths)} files")
    keys: list[int] = []
    chunks: list[tuple[int, int]] = []
    size = 0
    for path, (mode, length) in paths.items():
        key, chunk = _KEY.fullmatch(path), _CHUNK.fullmatch(path)
        if key is not None:
            keys.append(int(key[1]))
        elif chunk is not None:
            chunks.append((int(chunk[1]), int(chunk[2])))
        elif path not in (HEADER_FILE, MANIFEST_FILE):
            raise ShareTampered(share_id, f"{path[:80]!a} is no file of a share")
        if mode != FILE_MODE:
            raise ShareTampered(share_id, f"{path} has the mode {mode:o}")
        _check_size(path, length, share_id)
        size += length
    if missing := [path for path in (HEADER_FILE, MANIFEST_FILE) if path not in paths]:
        raise ShareTampered(share_id, f"it has no {missing[0]}")
    if size > total_max:
        raise ShareTooLarge(share_id, f"it has {size} bytes, of {total_max} at most")
    return EnvelopeTree(_check_keys(keys, share_id), _check_chunks(chunks, share_id), size)


def _check_size(path: str, length: int, share_id: str) -> None:
    """A file is neither larger than its kind may be nor of a length that its kind never has."""
    clear = {HEADER_FILE: HEADER_MAX}.get(path, KEY_FILE_MAX if path.startswith("keys/") else 0)
    most = clear or OBJECT_MAX
    if length > most:
        raise ShareTooLarge(share_id, f"{path} has {length} bytes, of {most} at most")
    possible = length > 0 if clear else is_token_size(length)
    if path == MANIFEST_FILE:
        possible = length > token_size(0) and (length - token_size(0)) % MANIFEST_STEP == 0
    if not possible:
        raise ShareTampered(share_id, f"{path} has {length} bytes, and was cut or is something else")


def _check_keys(keys: list[int], share_id: str) -> tuple[int, ...]:
    if len(keys) > KEYS_MAX:
        raise ShareTooLarge(share_id, f"it has {len(keys)} keys, of {KEYS_MAX} at most")
    if not keys:
        raise ShareTampered(share_id, "it has no key")
    return tuple(sorted(keys))


def _check_chunks(chunks: list[tuple[int, int]], share_id: str) -> tuple[int, ...]:
    counts = Counter(segment for segment, _ in chunks)
    if len(chunks) > CHUNKS_MAX or len(counts) > SEGMENTS_MAX:
        raise ShareTooLarge(share_id, f"it has {len(counts)} segments with {len(chunks)} chunks")
    if not chunks:
        raise ShareTampered(share_id, "it has no segment")
    segments = tuple(counts[number] for number in range(len(counts)))
    if 0 in segments:
        raise ShareTampered(share_id, f"segment {segments.index(0)} is missing")
    for segment, chunk in chunks:
        if chunk >= segments[segment]:
            raise ShareTampered(share_id, f"segment {segment} has a chunk {chunk}, and not all before it")
    return segments
