"""The manifest: all that an encrypted share says about itself, and the pin on everything else in it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
)
from pydantic import model_validator as whole

from superqode.session import clock
from superqode.session.errors import InvalidShareConfig, ShareTampered, UnknownShareVersion
from superqode.session.ids import is_session_id
from superqode.session.models.values import FrozenDict, Text, UtcTime
from superqode.session.sharing import wire
from superqode.session.sharing.header import CHUNK_MAX, VERSION
from superqode.session.sharing.keys import ContentKeys
from superqode.session.sharing.layout import CHUNKS_MAX, MANIFEST_STEP, SEGMENTS_MAX, EnvelopeTree
from superqode.session.sharing.tokens import InvalidToken, open_token, seal

__all__ = ["Manifest", "Segment", "check_segments", "open_manifest", "seal_manifest"]

FORMAT: Final = "superqode-share-manifest"
MANIFEST_MAX: Final = CHUNK_MAX
_COUNT_MAX: Final = 2**53  # as far as every reader's integers are exact (RFC 8259, section 6)


def _time(value: object) -> object:
    return value if isinstance(value, datetime) else wire.parse_time(value)


Oid = Annotated[str, Field(pattern=r"\A[0-9a-f]{40}\z")]
Sha256 = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
Time = Annotated[UtcTime, BeforeValidator(_time)]


class Segment(BaseModel):
    """One bundle of a share.

    Attributes:
        id: its number, counted from 0.
        chunks: how many chunks it is cut into.
        size: its length in bytes.
        sha256: of these bytes, in hex.
        tip: the commit that its branch is at.
        prerequisite: the tip of an earlier segment that it builds on, or `None`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: StrictInt = Field(ge=0, lt=SEGMENTS_MAX)
    chunks: StrictInt = Field(ge=1, le=CHUNKS_MAX)
    size: StrictInt = Field(ge=1, le=_COUNT_MAX)
    sha256: Sha256
    tip: Oid
    prerequisite: Oid | None


class Manifest(BaseModel):
    """What a share is; every attribute as FORMAT.md names it. Times are aware UTC.

    Raises:
        ValidationError: (a ValueError) a value that no manifest has.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share_id: str
    session_id: str
    title: Text
    visibility: Literal["public", "unlisted", "private"]
    allow_fork: StrictBool
    allow_view_history: StrictBool
    created_at: Time
    updated_at: Time
    expires_at: Time | None
    created_by: Text
    generation: StrictInt = Field(ge=1, le=_COUNT_MAX)
    refs: Annotated[dict[str, Oid], AfterValidator(FrozenDict)]
    segments: tuple[Segment, ...]

    @whole(mode="after")
    def _check(self) -> Manifest:
        _check_refs(self.session_id, self.refs)
        _check_order(self.segments)
        return self

    @property
    def branch(self) -> str:
        """The name of the branch among `refs`."""
        return f"refs/heads/{self.session_id}"

    @property
    def tip(self) -> str:
        """The commit that the session is at."""
        return self.refs[self.branch]

    def encode(self) -> bytes:
        """Give the plaintext: JSON, padded with spaces, so that its length says little.

        Raises:
            InvalidShareConfig: it is longer than a manifest may be.
        """
        values = self.model_dump() | {"format": FORMAT, "version": VERSION}
        for name in ("created_at", "updated_at", "expires_at"):
            values[name] = None if values[name] is None else clock.format_time(values[name])
        data = wire.canonical(values).rstrip(b"\n")
        padded = data.ljust(-(-len(data) // MANIFEST_STEP) * MANIFEST_STEP)
        if len(padded) > MANIFEST_MAX:
            raise InvalidShareConfig(
                f"its manifest would have {len(data)} bytes, of {MANIFEST_MAX} at most."
                " Shorten the title, or share a session with fewer snapshots"
            )
        return padded


def _check_refs(session_id: str, refs: dict[str, str]) -> None:
    if not is_session_id(session_id):
        raise ValueError("the session's id may be none")
    branch, tags = f"refs/heads/{session_id}", f"refs/tags/{session_id}/"
    if branch not in refs:
        raise ValueError("the refs lack the session's branch")
    for name in refs:  # what may be an id may be a part of a ref's name
        if name != branch and not (name.startswith(tags) and is_session_id(name.removeprefix(tags))):
            raise ValueError("the refs name something that is neither the session's branch nor its snapshot")
    if len({name.casefold() for name in refs}) != len(refs):
        raise ValueError("two snapshots differ by case only")


def _check_order(segments: tuple[Segment, ...]) -> None:
    if not segments or [segment.id for segment in segments] != list(range(len(segments))):
        raise ValueError("the segments are not numbered from 0")
    if sum(segment.chunks for segment in segments) > CHUNKS_MAX:
        raise ValueError("the segments have too many chunks")
    tips: set[str | None] = {None}
    for segment in segments:
        if segment.prerequisite not in tips:
            raise ValueError(f"segment {segment.id} builds on what no earlier one brings")
        tips.add(segment.tip)


def seal_manifest(keys: ContentKeys, manifest: Manifest) -> bytes:
    """Give the bytes of the file `manifest`.

    Raises:
        InvalidShareConfig: it is longer than a manifest may be.
    """
    return seal(keys.manifest(), manifest.encode())


def open_manifest(keys: ContentKeys, raw: bytes) -> Manifest:
    """Decrypt and check the file `manifest`.

    Raises:
        ShareTampered: it does not open under this data key and header, or says what no manifest says.
        UnknownShareVersion: a newer superqode wrote it.
    """
    share_id = keys.header.share_id
    try:
        data = open_token(keys.manifest(), raw)
    except InvalidToken as problem:
        raise ShareTampered(share_id, "its manifest does not open") from problem
    if len(data) > MANIFEST_MAX or len(data) % MANIFEST_STEP:
        raise ShareTampered(share_id, f"its manifest has {len(data)} bytes")
    try:
        values = wire.read_object(data)
    except ValueError as problem:
        raise ShareTampered(share_id, "its manifest is no JSON object") from problem
    _check_version(values.pop("format", None), values.pop("version", None), share_id)
    try:
        manifest = Manifest.model_validate(values)
    except ValidationError as problem:
        raise ShareTampered(share_id, f"its manifest is malformed: {_first(problem)}") from problem
    if manifest.share_id != share_id:
        raise ShareTampered(share_id, "its manifest is another share's")
    for segment in manifest.segments:
        if segment.chunks != -(-segment.size // keys.header.chunk):
            raise ShareTampered(share_id, f"segment {segment.id} has {segment.chunks} chunks for its size")
    return manifest


def _check_version(name: object, version: object, share_id: str) -> None:
    if name != FORMAT or type(version) is not int:
        raise ShareTampered(share_id, "its manifest does not say that it is one")
    if version != VERSION:
        raise UnknownShareVersion(share_id, f"{str(version)[:20]} in its manifest")


def _first(problem: ValidationError) -> str:
    """What is wrong first; the place may be a name out of the manifest, so it is cut and quoted."""
    first = problem.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    said = first["msg"].removeprefix("Value error, ")[:200]
    return f"{where[:80]!a}: {said}" if where else said


def check_segments(manifest: Manifest, tree: EnvelopeTree) -> None:
    """Check that the tree has exactly the manifest's segments, with so many chunks; raises `ShareTampered`."""
    told = tuple(segment.chunks for segment in manifest.segments)
    if told != tree.segments:
        raise ShareTampered(
            manifest.share_id,
            f"its manifest names {len(told)} segments with {sum(told)} chunks,"
            f" and there are {len(tree.segments)} with {sum(tree.segments)}",
        )
