"""The manifest: what a sealed sync says about itself, and the pin on every segment in it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError
from pydantic import model_validator as whole

from superqode.session import clock
from superqode.session.errors import SyncTampered, UnknownSyncVersion
from superqode.session.models.values import Text, UtcTime
from superqode.session.sharing import wire
from superqode.session.sharing.tokens import InvalidToken, open_token, seal
from superqode.session.sync.keys import CHUNK, VERSION, SyncKey
from superqode.session.sync.layout import CHUNKS_MAX, MANIFEST_MAX, MANIFEST_STEP, SEGMENT_ID, SEGMENTS_MAX

__all__ = ["LINEAGE", "Manifest", "Segment", "open_manifest", "seal_manifest"]

FORMAT: Final = "superqode-sync-manifest"
# How many earlier pushes a manifest names, so that a remote put back to an older state is noticed.
LINEAGE: Final = 64
_COUNT_MAX: Final = 2**53  # as far as every reader's integers are exact (RFC 8259, section 6)


def _time(value: object) -> object:
    return value if isinstance(value, datetime) else wire.parse_time(value)


Oid = Annotated[str, Field(pattern=r"\A[0-9a-f]{40}\z")]
Sha256 = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
SegmentId = Annotated[str, Field(pattern=rf"\A{SEGMENT_ID.pattern}\z")]


class Segment(BaseModel):
    """One part of what is synced: what changed, and the objects that takes.

    Attributes:
        id: its random name.
        chunks: how many chunks it is cut into.
        size: its length in bytes.
        head: how many of them, from the beginning, tell what changed; a Git pack follows.
        sha256: of all bytes, in hex.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: SegmentId
    chunks: StrictInt = Field(ge=1, le=CHUNKS_MAX)
    size: StrictInt = Field(ge=1, le=_COUNT_MAX)
    head: StrictInt = Field(ge=1, le=_COUNT_MAX)
    sha256: Sha256

    @whole(mode="after")
    def _check(self) -> Segment:
        if self.head > self.size or self.chunks != -(-self.size // CHUNK):
            raise ValueError("its numbers do not fit each other")
        return self


class Manifest(BaseModel):
    """What a sync is; every attribute as FORMAT.md names it.

    Attributes:
        sync_id: the sync's id.
        generation: 1, and one more with each push.
        written_at: when; for people alone, clocks are never compared.
        written_by: the name of who wrote it.
        previous: the commits of the pushes before, newest first, at most `LINEAGE`.
        segments: what there is, in the order in which it builds on each other.

    Raises:
        ValidationError: (a ValueError) a value that no manifest has.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sync_id: str
    generation: StrictInt = Field(ge=1, le=_COUNT_MAX)
    written_at: Annotated[UtcTime, BeforeValidator(_time)]
    written_by: Text
    previous: tuple[Oid, ...] = Field(max_length=LINEAGE)
    segments: tuple[Segment, ...] = Field(max_length=SEGMENTS_MAX)

    @whole(mode="after")
    def _check(self) -> Manifest:
        if len({segment.id for segment in self.segments}) != len(self.segments):
            raise ValueError("two segments have one name")
        return self

    def encode(self) -> bytes:
        """Give the plaintext: JSON, padded with spaces, so that its length says little."""
        values = self.model_dump(mode="json") | {"format": FORMAT, "version": VERSION}
        values["written_at"] = clock.format_time(self.written_at)
        data = wire.canonical(values).rstrip(b"\n")
        return data.ljust(-(-len(data) // MANIFEST_STEP) * MANIFEST_STEP)


def seal_manifest(key: SyncKey, manifest: Manifest) -> bytes:
    """Give the bytes of the file `manifest`."""
    return seal(key.manifest(), manifest.encode())


def open_manifest(key: SyncKey, raw: bytes, remote: str) -> Manifest:
    """Decrypt and check the file `manifest`.

    Raises:
        SyncTampered: it does not open under this key, or says what no manifest says.
        UnknownSyncVersion: a newer superqode wrote it.
    """
    try:
        data = open_token(key.manifest(), raw)
    except InvalidToken as problem:
        raise SyncTampered(remote, "its manifest does not open") from problem
    if len(data) > MANIFEST_MAX or len(data) % MANIFEST_STEP:
        raise SyncTampered(remote, f"its manifest has {len(data)} bytes")
    try:
        values = wire.read_object(data)
    except ValueError as problem:
        raise SyncTampered(remote, "its manifest is no JSON object") from problem
    name, version = values.pop("format", None), values.pop("version", None)
    if name != FORMAT or type(version) is not int:
        raise SyncTampered(remote, "its manifest does not say that it is one")
    if version != VERSION:
        raise UnknownSyncVersion(remote, f"{str(version)[:20]} in its manifest")
    try:
        manifest = Manifest.model_validate(values)
    except ValidationError as problem:
        said = problem.errors(include_url=False, include_input=False, include_context=False)[0]["msg"]
        raise SyncTampered(remote, f"its manifest is malformed: {said[:200]}") from problem
    if manifest.sync_id != key.id:
        raise SyncTampered(remote, "its manifest is another sync's")
    return manifest
