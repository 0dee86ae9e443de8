"""Segments of a sealed sync: what changed as JSON, then a Git pack of the objects that takes; in encrypted chunks."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Final

from superqode.session import entropy
from superqode.session.errors import BackupError, GitFailed, SyncTampered, UnknownSyncVersion
from superqode.session.git import bundle
from superqode.session.git.bundle import Behind
from superqode.session.git.repository import Repository
from superqode.session.sharing import wire
from superqode.session.sharing.chunks import ChunkDamaged, ChunkSealer, Sealed, open_chunk, open_chunks
from superqode.session.sync.keys import CHUNK, VERSION, SyncKey
from superqode.session.sync.manifest import Segment
from superqode.session.sync.sendable import checked_pack

__all__ = [
    "Changes",
    "fold",
    "parse_changes",
    "read_changes",
    "seal_segment",
    "unpack_segment",
    "write_changes",
]

# Names of a view to the objects they have now, `None` where a name is gone.
Changes = dict[str, str | None]

FORMAT: Final = "superqode-sync-changes"
_NAME_MAX: Final = 1200
_OID: Final = re.compile("[0-9a-f]{40}")
_PURPOSE: Final = "Syncing"


def fold(view: Mapping[str, str], changes: Changes) -> dict[str, str]:
    """The view after changes."""
    gone = {name for name, oid in changes.items() if oid is None}
    kept = {name: oid for name, oid in view.items() if name not in gone}
    return kept | {name: oid for name, oid in changes.items() if oid is not None}


def seal_segment(
    repository: Repository,
    key: SyncKey,
    changes: Changes,
    *,
    wanted: Iterable[str],
    known: Iterable[str],
    write: Callable[[bytes], None],
) -> Segment:
    """Seal what changed, with the objects it takes; gives the manifest's entry.

    Args:
        repository: the store.
        key: the sync key.
        changes: what the segment tells.
        wanted: objects that it brings, with all they reach.
        known: objects that segments before it brought, with all they reach; each is in the store.
        write: is given each chunk as a raw token, in order.

    Raises:
        GitMissing, GitFailed: `git` is missing; or an object is, or is none that a reader takes: nothing was written.
    """
    head = write_changes(changes)
    segment_id = entropy.random_text(26)
    wanted = list(wanted)
    with checked_pack(repository, wanted, known) if wanted else nullcontext(BytesIO()) as pack:
        sealer = ChunkSealer(Behind(head, pack), CHUNK, key.chunk(segment_id))
        for token in sealer:
            write(token)
    sealed = sealer.sealed()
    return Segment(id=segment_id, chunks=sealed.chunks, size=sealed.size, head=len(head), sha256=sealed.sha256)


def read_changes(key: SyncKey, segment: Segment, chunk: Callable[[int], bytes], remote: str) -> Changes:
    """Read what a segment tells, and not its pack.

    Args:
        key: the sync key.
        segment: the manifest's entry.
        chunk: gives a chunk as a raw token, by its number.
        remote: the remote, in the words of an error.

    Raises:
        SyncTampered: it is not what was sealed.
        UnknownSyncVersion: a newer superqode wrote it.
    """
    keys = key.chunk(segment.id)
    head = bytearray()
    for number in range(-(-segment.head // CHUNK)):
        final = number == segment.chunks - 1
        length = segment.size - number * CHUNK if final else CHUNK
        try:
            head += open_chunk(keys(number, final), chunk(number), length, f"segment {segment.id}, chunk {number}")
        except ChunkDamaged as problem:
            raise SyncTampered(remote, str(problem)) from problem
    told = bytes(head[: segment.head])
    try:
        return parse_changes(told)
    except ValueError as problem:
        _check_version(told, remote)
        raise SyncTampered(remote, str(problem)) from problem


def _check_version(told: bytes, remote: str) -> None:
    try:
        version = wire.read_object(told).get("version")
    except ValueError:
        return
    if type(version) is int and version != VERSION:
        raise UnknownSyncVersion(remote, f"{str(version)[:20]} in a segment")


def write_changes(changes: Changes) -> bytes:
    """Give the bytes that tell of changes."""
    return wire.canonical({"changes": changes, "format": FORMAT, "version": VERSION})


def parse_changes(head: bytes) -> Changes:
    """Read them again.

    Raises:
        ValueError: they are something else.
    """
    values = wire.read_object(head)
    changes = values.get("changes")
    if (values.get("format"), values.get("version")) != (FORMAT, VERSION) or not isinstance(changes, dict):
        raise ValueError("a segment tells no changes")
    for name, oid in changes.items():
        sound = oid is None or (isinstance(oid, str) and _OID.fullmatch(oid))
        if not sound or len(name) > _NAME_MAX:
            raise ValueError(f"a segment names {name[:80]!a} without an object")
    return changes


def unpack_segment(key: SyncKey, segment: Segment, chunks: Iterable[bytes], landing: Path, remote: str) -> None:
    """Decrypt a segment and take its pack into a landing, every object checked.

    Raises:
        SyncTampered: it is not what was sealed, or an object is broken or missing.
        GitMissing: there is no git.
    """
    sealed = Sealed(segment.chunks, segment.size, segment.sha256)
    name = f"segment {segment.id}"
    with tempfile.TemporaryFile(dir=landing) as plain:
        try:
            open_chunks(sealed, CHUNK, key.chunk(segment.id), chunks, plain, name)
            if segment.head < segment.size:
                plain.seek(segment.head)
                bundle.unpack(landing, plain, name, purpose=_PURPOSE)
        except (ChunkDamaged, BackupError, GitFailed) as problem:
            raise SyncTampered(remote, str(problem)) from problem
