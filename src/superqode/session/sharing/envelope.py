"""Encrypted shares: a session's commits as bundles, in chunks that only the keys open. FORMAT.md has every byte.

write:  prepared commits → `git bundle create` → chunks → tokens → blobs → tree → commit
read:   commit → names and sizes checked → key → manifest → tokens → bundle → `git index-pack --strict`
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from pydantic import ValidationError

from superqode.session import ids
from superqode.session.errors import (
    BackupError,
    CorruptObject,
    GitFailed,
    InvalidShareConfig,
    ShareTampered,
    ShareTooLarge,
)
from superqode.session.git import bundle as bundles
from superqode.session.git.landing import Landing, scratch_repository
from superqode.session.git.object_codec import BLOB, TREE, Ident, TreeEntry
from superqode.session.git.objects import Objects
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.repository import HEADS, TAGS, Repository
from superqode.session.git.sizes import largest_object, object_sizes
from superqode.session.sharing import layout
from superqode.session.sharing.header import Header, decode_header
from superqode.session.sharing.keys import ContentKeys, needs_password, unwrap
from superqode.session.sharing.ledger import ShareRecord
from superqode.session.sharing.manifest import Manifest, Segment, check_segments, open_manifest, seal_manifest
from superqode.session.sharing.preparing import Prepared
from superqode.session.sharing.segments import SegmentSealer, open_segment
from superqode.session.sharing.trailers import IDENT, compose_envelope, parse_envelope
from superqode.session.store.index.catalogue import Progress

__all__ = ["Envelope", "holds", "read_envelope", "seal", "unpack", "with_keys"]

_PURPOSE: Final = "Sharing a session"
_KEYS: Final = "keys"
_SEGMENTS: Final = "segments"
# Trees of a share: 100,000 chunks of 34 bytes in one are 3.4 MB.
_TREE_MAX: Final = 4 * 1024 * 1024
_IDENT: Final = Ident(*IDENT, seconds=0)


# -- writing --------------------------------------------------------------------------------------------------------


def seal(
    repository: Repository,
    record: ShareRecord,
    prepared: Prepared,
    *,
    key_files: Mapping[int, bytes],
    previous: Envelope | None = None,
    progress: Progress | None = None,
) -> str:
    """Write an encrypted share's commit, with what is new since the one before; gives its id, not durable yet.

    Args:
        repository: the store; the caller keeps pruning out.
        record: the share as it shall be.
        prepared: what is shared.
        key_files: the data key, wrapped for each password.
        previous: the share as it is, opened.
        progress: told how many bytes were encrypted.

    Raises:
        InvalidShareConfig: it is larger than a share may be.
        GitMissing, GitFailed: `git` is missing, or said no.
    """
    keys = _content_keys(record)
    told = previous.manifest if previous is not None else None
    refs, segment = _new_segment(repository, keys, prepared, told, progress)
    segments = (*(told.segments if told is not None else ()), *([segment.told] if segment is not None else ()))
    if len(segments) > layout.SEGMENTS_MAX:
        raise InvalidShareConfig(
            f"it was updated {layout.SEGMENTS_MAX} times already. Make a new share of the session", record.id
        )
    manifest = _manifest(
        share_id=record.id,
        session_id=record.session_id,
        title=record.title,
        visibility=record.visibility.value,
        allow_fork=record.allow_fork,
        allow_view_history=record.allow_view_history,
        created_at=record.created_at,
        updated_at=record.updated_at,
        expires_at=record.expires_at,
        created_by=record.created_by,
        generation=record.generation,
        refs=refs,
        segments=segments,
    )
    objects = repository.objects
    folders = list(objects.tree(previous.segments_tree)) if previous is not None else []
    if segment is not None:
        folders.append(TreeEntry(TREE, str(segment.told.id), objects.write_tree(segment.files)))
    root = [
        TreeEntry(BLOB, layout.HEADER_FILE, objects.write("blob", keys.header.encode())),
        TreeEntry(TREE, _KEYS, _key_tree(objects, key_files)),
        TreeEntry(BLOB, layout.MANIFEST_FILE, objects.write("blob", seal_manifest(keys, manifest))),
        TreeEntry(TREE, _SEGMENTS, objects.write_tree(folders)),
    ]
    parents = () if previous is None else (previous.commit,)
    message = compose_envelope(record.id, record.expires_at)
    return objects.write_commit(objects.write_tree(root), parents, _IDENT, _IDENT, message)


def _manifest(**values: Any) -> Manifest:
    try:
        return Manifest(**values)
    except ValidationError as problem:  # plain git made tags that differ in case only, say
        reason = problem.errors(include_url=False, include_input=False, include_context=False)[0]["msg"]
        raise InvalidShareConfig(reason.removeprefix("Value error, ")) from problem


def with_keys(repository: Repository, record: ShareRecord, previous: Envelope, key_files: Mapping[int, bytes]) -> str:
    """Write the same share with other key files; gives its commit."""
    objects = repository.objects
    root = [entry for entry in objects.tree(objects.commit(previous.commit).tree) if entry.name != _KEYS]
    root.append(TreeEntry(TREE, _KEYS, _key_tree(objects, key_files)))
    message = compose_envelope(record.id, record.expires_at)
    return objects.write_commit(objects.write_tree(root), (previous.commit,), _IDENT, _IDENT, message)


def _content_keys(record: ShareRecord) -> ContentKeys:
    if record.data_key is None:
        raise InvalidShareConfig("the ledger has no key for it any more. Make a new share", record.id)
    return ContentKeys(record.data_key, Header(record.id))


def _key_tree(objects: Objects, key_files: Mapping[int, bytes]) -> str:
    return objects.write_tree(
        TreeEntry(BLOB, f"{number}.json", objects.write("blob", data)) for number, data in key_files.items()
    )


def holds(repository: Repository, manifest: Manifest, prepared: Prepared) -> bool:
    """Whether a share has all of what was prepared, and nothing else."""
    with scratch_repository(repository) as outgoing:
        return dict(manifest.refs) == _refs(outgoing, prepared)


def _refs(outgoing: Repository, prepared: Prepared) -> dict[str, str]:
    """The refs of what was prepared; its tags are made on the way."""
    refs = {prepared.branch: prepared.tip}
    for name, tag in prepared.tags.items():
        refs[prepared.tag_ref(name)] = outgoing.objects.write_tag(tag.target, tag.name, tag.tagger, tag.message)
    return refs


@dataclass(frozen=True, slots=True)
class _Written:
    told: Segment
    files: list[TreeEntry]


def _new_segment(
    repository: Repository, keys: ContentKeys, prepared: Prepared, told: Manifest | None, progress: Progress | None
) -> tuple[dict[str, str], _Written | None]:
    """The refs that the share shall hold, and a segment of what it lacks; none where nothing is new."""
    known = dict(told.refs) if told is not None else {}
    with scratch_repository(repository) as outgoing:
        refs = _refs(outgoing, prepared)
        new = {name: oid for name, oid in refs.items() if known.get(name) != oid}
        if not new:
            return refs, None
        before = told.tip if told is not None else None
        # Not `git bundle create`: it refuses a branch that went back, and where history parted or was merged it names
        # other prerequisites than the manifest has.
        with bundles.streamed(outgoing.path, new, before, _PURPOSE) as stream:
            number = len(told.segments) if told is not None else 0
            sealer = SegmentSealer(keys, number, stream)
            files = _write_chunks(repository.objects, sealer, progress)
    return refs, _Written(sealer.segment(tip=prepared.tip, prerequisite=before), files)


def _write_chunks(objects: Objects, sealer: SegmentSealer, progress: Progress | None) -> list[TreeEntry]:
    files: list[TreeEntry] = []
    size = 0
    for number, token in enumerate(sealer):
        files.append(TreeEntry(BLOB, f"{number:06d}", objects.write("blob", token, compress=False)))
        size += len(token)
        if progress is not None:
            progress(size, 0, "encrypting")
    return files


# -- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Envelope:
    """An encrypted share, opened.

    Attributes:
        commit: its commit.
        keys: its keys.
        key_files: the files of `keys/`, by number.
        manifest: what it says of itself.
        manifest_oid: the manifest's blob: names this state of the share.
        segments_tree: the tree of its segments.
        chunks: the chunks' blobs, by segment.
        locked: whether the link alone does not open it.
    """

    commit: str
    keys: ContentKeys
    key_files: dict[int, bytes]
    manifest: Manifest
    manifest_oid: str
    segments_tree: str
    chunks: dict[int, list[str]]
    locked: bool


def read_envelope(
    repository: Repository,
    commit: str,
    share_id: str,
    *,
    password: str | None = None,
    secret: bytes | None = None,
    data_key: bytes | None = None,
) -> Envelope:
    """Check an encrypted share's commit and open its manifest; no segment is read yet.

    Args:
        repository: where the commit is.
        commit: the commit.
        share_id: the share that was asked for.
        password: its password.
        secret: the link's secret.
        data_key: its owner has that, and needs neither.

    Raises:
        ShareTampered, UnknownShareVersion: it is not what its owner wrote, or too new.
        WrongPassword: neither link nor password open it.
    """
    try:
        return _read(repository, commit, share_id, password, secret, data_key)
    except (CorruptObject, GitFailed) as problem:
        raise ShareTampered(share_id, str(problem)) from problem


def _read(
    repository: Repository,
    commit: str,
    share_id: str,
    password: str | None,
    secret: bytes | None,
    data_key: bytes | None,
) -> Envelope:
    objects = repository.objects
    made = objects.commit(commit)
    parse_envelope(made.message, share_id)
    if made.author != _IDENT or made.committer != _IDENT or len(made.parents) > 1:
        raise ShareTampered(share_id, "its commit has another author, date or number of parents than a share has")
    files, folders = _files(repository, made.tree, share_id)
    sizes = object_sizes(repository.path, [entry.oid for _, entry in files], _PURPOSE)
    if any(sizes[entry.oid][0] != "blob" for _, entry in files):
        raise ShareTampered(share_id, "there is something else than files in its tree")
    paths = {path: (int(entry.mode, 8), sizes[entry.oid][1]) for path, entry in files}
    if len(paths) != len(files):
        raise ShareTampered(share_id, "two files in its tree have one name")
    oids = {path: entry.oid for path, entry in files}
    if layout.HEADER_FILE not in paths or paths[layout.HEADER_FILE][1] > layout.KEY_FILE_MAX:
        raise ShareTampered(share_id, f"it has no {layout.HEADER_FILE}, or an enormous one")
    header = decode_header(objects.blob(oids[layout.HEADER_FILE]), share_id)
    tree = layout.check_tree(paths, share_id)
    key_files = {number: objects.blob(oids[layout.key_path(number)]) for number in tree.keys}
    keys = ContentKeys(data_key or unwrap(key_files, password, secret, share_id), header)
    manifest_oid = oids[layout.MANIFEST_FILE]
    manifest = open_manifest(keys, objects.blob(manifest_oid))
    check_segments(manifest, tree)
    chunks = {
        number: [oids[layout.chunk_path(number, chunk)] for chunk in range(count)]
        for number, count in enumerate(tree.segments)
    }
    locked = all(needs_password(number, data, share_id) for number, data in key_files.items())
    return Envelope(commit, keys, key_files, manifest, manifest_oid, folders[_SEGMENTS], chunks, locked)


def _files(repository: Repository, root: str, share_id: str) -> tuple[list[tuple[str, TreeEntry]], dict[str, str]]:
    """Every file of a share's tree with its path, and its folders; no tree is read before it was measured."""
    found: list[tuple[str, TreeEntry]] = []
    folders: dict[str, str] = {}
    level = [("", root)]
    for _ in range(3):
        _check_trees(repository, [oid for _, oid in level], share_id)
        below: list[tuple[str, str]] = []
        for prefix, oid in level:
            for entry in repository.objects.tree(oid):
                if entry.mode == TREE:
                    below.append((f"{prefix}{entry.name}/", entry.oid))
                    folders[prefix + entry.name] = entry.oid
                else:
                    found.append((prefix + entry.name, entry))
            # After each tree: a thousand folders may be one tree, with all that is in it a thousand times.
            if len(below) > layout.SEGMENTS_MAX + 2 or len(found) > layout.CHUNKS_MAX + layout.KEYS_MAX + 2:
                raise ShareTampered(share_id, "its tree has more files and folders than a share has")
        level = below
    if level or folders.keys() < {_KEYS, _SEGMENTS}:
        raise ShareTampered(share_id, "its tree is not a share's")
    return found, folders


def _check_trees(repository: Repository, oids: Iterable[str], share_id: str) -> None:
    for oid, (kind, size) in object_sizes(repository.path, oids, _PURPOSE).items():
        if kind != "tree" or size > _TREE_MAX:
            raise ShareTampered(share_id, f"{oid} in its tree is a {kind} of {size} bytes")


def unpack(source: Repository, envelope: Envelope, landing: Landing, progress: Progress | None = None) -> None:
    """Decrypt a share's segments into a landing, check every object, and make its refs there.

    Raises:
        ShareTampered: something in it is not what the manifest says, or is hostile.
        GitMissing: there is no git.
    """
    manifest = envelope.manifest
    total = sum(segment.size for segment in manifest.segments)
    done = 0
    try:
        for segment in manifest.segments:
            with tempfile.TemporaryFile(dir=landing.repository.path) as bundle:
                open_segment(envelope.keys, segment, _chunks(source, envelope, segment.id), bundle)
                bundle.seek(0)
                _take_bundle(landing, manifest, segment, bundle)
            done += segment.size
            if progress is not None:
                progress(done, total, "decrypting")
        largest = largest_object(landing.repository.path, _PURPOSE)
        if largest > layout.UNPACKED_MAX:
            reason = f"one of its objects has {largest} bytes, of {layout.UNPACKED_MAX} at most"
            raise ShareTooLarge(manifest.share_id, reason)
        _make_refs(landing.repository, manifest)
    except (BackupError, GitFailed, CorruptObject) as problem:
        raise ShareTampered(manifest.share_id, str(problem)) from problem


def _chunks(source: Repository, envelope: Envelope, number: int) -> Iterator[bytes]:
    for oid in envelope.chunks[number]:
        yield source.objects.blob(oid)


def _take_bundle(landing: Landing, manifest: Manifest, segment: Segment, bundle: IO[bytes]) -> None:
    prerequisites = (segment.prerequisite,) if segment.prerequisite is not None else ()
    refs = landing.unpack(bundle, f"segment {segment.id}", prerequisites=prerequisites)
    strange = [name for name in refs if not _is_kind(name)]
    if strange:
        raise ShareTampered(manifest.share_id, f"segment {segment.id} holds {strange[0][:80]!a}")
    # Under whatever name: the session may have been renamed since.
    if any(oid != segment.tip for name, oid in refs.items() if name.startswith(HEADS)):
        raise ShareTampered(manifest.share_id, f"segment {segment.id} has its branch at another commit")


def _is_kind(name: str) -> bool:
    """Whether a ref of a bundle is a session's branch or a snapshot."""
    if name.startswith(HEADS):
        return ids.is_session_id(name.removeprefix(HEADS))
    session_id, _, snapshot_id = name.removeprefix(TAGS).partition("/")
    return name.startswith(TAGS) and ids.is_session_id(session_id) and ids.is_session_id(snapshot_id)


def _make_refs(repository: Repository, manifest: Manifest) -> None:
    objects = repository.objects
    packed: dict[str, PackedRef] = {}
    for name, oid in manifest.refs.items():
        kind = objects.read(oid)[0]
        if kind != ("commit" if name == manifest.branch else "tag"):
            raise ShareTampered(manifest.share_id, f"{name} is at a {kind}")
        packed[name] = PackedRef(oid, objects.peeled(oid))
    repository.refs.create_all(packed)
