"""Every name in a sealed sync's tree, and which of them with which sizes there may be. See FORMAT.md.

sync.json
manifest
segments/<id>/000000

or, once the key was changed: sync.json and moved.
"""

from __future__ import annotations

import re
from typing import Final

from superqode.session.git.object_codec import Ident
from superqode.session.git.remotes import Namespace

__all__ = [
    "CHUNKS_MAX",
    "HEADER_FILE",
    "HEADER_MAX",
    "IDENT",
    "MANIFEST_FILE",
    "MANIFEST_MAX",
    "MANIFEST_STEP",
    "MESSAGE",
    "MOVED_FILE",
    "NAMESPACES",
    "OBJECT_MAX",
    "REF_PATTERNS",
    "SEGMENTS",
    "SEGMENTS_KEPT",
    "SEGMENTS_MAX",
    "SEGMENT_ID",
    "SYNC_ID",
    "chunk_name",
    "remote_ref",
]

HEADER_FILE: Final = "sync.json"
MANIFEST_FILE: Final = "manifest"
MOVED_FILE: Final = "moved"
SEGMENTS: Final = "segments"

HEADER_MAX: Final = 4096
OBJECT_MAX: Final = 1024 * 1024
MANIFEST_MAX: Final = 512 * 1024
# The manifest's plaintext is a multiple of this many bytes.
MANIFEST_STEP: Final = 1024
CHUNKS_MAX: Final = 1_000_000
SEGMENTS_MAX: Final = 1024
# How many segments a writer leaves: more are made one with others (compaction).
SEGMENTS_KEPT: Final = 48

SYNC_ID: Final = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
SEGMENT_ID: Final = SYNC_ID

# Every commit of a sync looks the same, whoever made it and when.
IDENT: Final = Ident("superqode", "sync@superqode.invalid", 0)
MESSAGE: Final = b"sync\n"

NAMESPACES: Final[tuple[Namespace, ...]] = ("superqode", "heads")
_REFS: Final = {"superqode": "refs/superqode/sync/", "heads": "refs/heads/superqode-sync/"}
REF_PATTERNS: Final = tuple(prefix + "*" for prefix in _REFS.values())


def remote_ref(sync_id: str, namespace: Namespace) -> str:
    """The ref on a remote: in `superqode`'s namespace, or among `heads` where a host accepts no others."""
    return _REFS["heads" if namespace == "heads" else "superqode"] + sync_id


def chunk_name(number: int) -> str:
    """The name of a chunk's file."""
    return f"{number:06d}"
