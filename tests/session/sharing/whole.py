"""A whole encrypted share in memory, as paths and bytes: sealed and opened by our modules, one after the other."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from superqode.session.sharing import header, kdf, keys, layout, manifest, segments

SHARE_ID = "0123456789abcdefghjkmnpqrs"
SECRET = bytes(range(16))
PASSWORD = "correct horse"
MOMENT = datetime(2026, 11, 22, 10, tzinfo=UTC)
CHUNK = 4096
OIDS = ["1" * 40, "2" * 40, "3" * 40]

# As cheap as a reader accepts: tests derive often.
CHEAP = kdf.Argon2(b"s" * 16, iterations=2, lanes=1, memory_kib=19_456)
LINK = kdf.LinkOnly(b"l" * 16)


def make_manifest(**changes):
    """A manifest with one segment, and what a test wants different in it."""
    values = {
        "share_id": SHARE_ID,
        "session_id": "session-123",
        "title": "Fix SQL injection",
        "visibility": "unlisted",
        "allow_fork": True,
        "allow_view_history": True,
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "expires_at": None,
        "created_by": "Ada Example",
        "generation": 1,
        "refs": {"refs/heads/session-123": OIDS[0], "refs/tags/session-123/snap-1": OIDS[1]},
        "segments": (manifest.Segment(id=0, chunks=3, size=10_000, sha256="a" * 64, tip=OIDS[0], prerequisite=None),),
    }
    return manifest.Manifest(**(values | changes))


@dataclass
class Share:
    """A sealed share: its files, and what it was made of."""

    files: dict[str, bytes]
    data_key: bytes
    plain: list[bytes]
    share_id: str = SHARE_ID
    secret: bytes = SECRET
    password: str | None = None

    def copy(self) -> Share:
        """Give one whose files can be changed."""
        return replace(self, files=dict(self.files))

    def open(self) -> tuple[manifest.Manifest, list[bytes]]:
        """Open it as a reader does, checking in the order that FORMAT.md asks for."""
        head = header.decode_header(self.files["share.json"], self.share_id)
        tree = layout.check_tree(
            {path: (layout.FILE_MODE, len(data)) for path, data in self.files.items()}, self.share_id
        )
        key_files = {number: self.files[layout.key_path(number)] for number in tree.keys}
        content = keys.ContentKeys(keys.unwrap(key_files, self.password, self.secret, self.share_id), head)
        told = manifest.open_manifest(content, self.files["manifest"])
        manifest.check_segments(told, tree)
        opened = []
        for segment in told.segments:
            chunks = (self.files[layout.chunk_path(segment.id, chunk)] for chunk in range(segment.chunks))
            target = io.BytesIO()
            segments.open_segment(content, segment, chunks, target)
            opened.append(target.getvalue())
        return told, opened


def seal_share(
    plain: list[bytes],
    *,
    share_id: str = SHARE_ID,
    data_key: bytes | None = None,
    locks: tuple[tuple[kdf.Kdf, str | None], ...] = ((LINK, None),),
    chunk: int = CHUNK,
    **changes: object,
) -> Share:
    """Seal segments of these plaintexts; `locks` are the key files, each with its password."""
    data_key = data_key or keys.new_data_key()
    content = keys.ContentKeys(data_key, header.Header(share_id, chunk))
    files = {"share.json": content.header.encode()}
    for number, (derivation, password) in enumerate(locks):
        files[layout.key_path(number)] = keys.wrap(data_key, derivation, password, SECRET)
    told = []
    for number, data in enumerate(plain):
        sealer = segments.SegmentSealer(content, number, io.BytesIO(data))
        for place, raw in enumerate(sealer):
            files[layout.chunk_path(number, place)] = raw
        told.append(sealer.segment(tip=OIDS[number], prerequisite=OIDS[number - 1] if number else None))
    refs = {"refs/heads/session-123": OIDS[len(plain) - 1]}
    values = {"share_id": share_id, "segments": tuple(told), "refs": refs} | changes
    files["manifest"] = manifest.seal_manifest(content, make_manifest(**values))
    return Share(files, data_key, plain, share_id=share_id)
