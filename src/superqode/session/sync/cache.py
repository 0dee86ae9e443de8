"""The ciphertext that a store has of a sealed sync: a repository of its own, so that only new bytes travel. Disposable.

It is shallow on purpose: git then looks at the whole tree of the commit that both sides have, and sends no segment
twice, also where a commit has no parent (pack-objects(1), `--shallow`).

Who opens it holds the lock of syncs, so nobody else is at work in it: what locks it is a killed process's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from superqode.session.errors import (
    CorruptObject,
    GitFailed,
    NoRepository,
    NotAStore,
    SyncKeyRotated,
    SyncTampered,
    UnknownSyncVersion,
    UnsoundObjects,
    UnsupportedStore,
)
from superqode.session.git import program, remote
from superqode.session.git.network import Progress
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry
from superqode.session.git.repository import Repository
from superqode.session.git.sizes import object_sizes
from superqode.session.sharing import wire
from superqode.session.sync import layout
from superqode.session.sync.keys import FORMAT, VERSION, SyncKey
from superqode.session.sync.manifest import Manifest, Segment, open_manifest
from superqode.session.sync.moved import Moved, open_moved

__all__ = ["Cache", "CacheDamaged", "Opened"]

T = TypeVar("T")

_TIP: Final = "refs/superqode/landed"
_PURPOSE: Final = "Syncing"
# A tree of so many chunks as a segment may have has 34 bytes for each.
_TREE_MAX: Final = 40 * layout.CHUNKS_MAX
_PACKS_MANY: Final = 30
_LOOSE_MANY: Final = 300
_INCOMPRESSIBLE: Final = {"pack.window": "0", "pack.depth": "0", "pack.compression": "0"}


class CacheDamaged(SyncTampered):
    """What was fetched cannot be read here: the remote's fault only where it cannot when it was fetched anew."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A commit of a sealed sync, opened.

    Attributes:
        commit: the commit.
        manifest: what it says of itself.
        trees: each segment's tree, by its id.
    """

    commit: str
    manifest: Manifest
    trees: Mapping[str, str]


class Cache:
    """The ciphertext of one remote.

    Args:
        path: where it stands; made where there is none.
        shown: the remote, in the words of an error.
    """

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        self._shown = shown
        # Whether something in it was there before, and may be damaged.
        self._is_old = path.exists()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(path)
        try:
            self.repository = Repository(path) if self._is_old else Repository.temporary(path)
        except (NotAStore, UnsupportedStore):
            self.renew()

    def renew(self) -> bool:
        """Begin anew, with nothing in it; says no, and does nothing, where it began so."""
        if not self._is_old:
            return False
        shutil.rmtree(self.path)
        self.repository = Repository.temporary(self.path)
        self._is_old = False
        return True

    def healed(self, ask: Callable[[], T]) -> T:
        """Ask; where the cache turns out to be damaged, once more, of one that was begun anew."""
        try:
            return ask()
        except CacheDamaged:
            if not self.renew():
                raise
            return ask()

    def has(self, commit: str) -> bool:
        """Whether a commit of the remote was fetched, or pushed from here."""
        try:
            return self.repository.refs.read(_TIP) == commit and self.repository.objects.has(commit)
        except CorruptObject:
            self.renew()  # its ref holds no id
            return False

    def fetch(
        self, url: str, ref: str, *, max_bytes: int, interactive: bool = False, progress: Progress | None = None
    ) -> str:
        """Fetch what a ref has and the cache has not, or all of it where the cache is damaged; gives its commit.

        Raises:
            RemoteError: what went wrong.
            GitMissing, GitFailed: git is missing, or cannot write here.
        """
        fetch = partial(
            remote.fetch,
            self.path,
            url,
            {ref: _TIP},
            depth=1,
            max_bytes=max_bytes,
            interactive=interactive,
            progress=progress,
        )
        try:
            fetch()
        except (GitFailed, NoRepository, UnsoundObjects):
            if self._is_sound() or not self.renew():
                raise
            fetch()
        found = self.repository.refs.read(_TIP)
        if found is None:
            raise SyncTampered(self._shown, "its ref names nothing")
        self.tidy()
        return found

    def _is_sound(self) -> bool:
        try:
            program.run(self.path, ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"], purpose=_PURPOSE)
        except GitFailed:
            return False
        return True

    def open(self, commit: str, key: SyncKey) -> Opened:
        """Check a commit and open its manifest; no segment is read yet.

        Raises:
            SyncKeyRotated: it says that the key was changed.
            SyncTampered, UnknownSyncVersion: it is not what a machine with the key wrote, or too new.
            CacheDamaged: it cannot be read here.
        """
        with self._reading():
            return self._open(commit, key)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (CorruptObject, GitFailed) as problem:
            raise CacheDamaged(self._shown, str(problem)) from problem

    def moved(self, commit: str, key: SyncKey) -> Moved | None:
        """The note that the key was changed; `None` where a commit is none.

        Raises:
            SyncTampered, UnknownSyncVersion: as `open`.
        """
        try:
            return self._moved(self._root(commit, key), key)
        except (CorruptObject, GitFailed) as problem:
            raise SyncTampered(self._shown, str(problem)) from problem

    def _moved(self, root: Mapping[str, TreeEntry], key: SyncKey) -> Moved | None:
        note = root.get(layout.MOVED_FILE)
        return None if note is None else open_moved(key, self._blob(note.oid, layout.OBJECT_MAX), self._shown)

    def _root(self, commit: str, key: SyncKey) -> dict[str, TreeEntry]:
        self._check_size(commit, "commit", layout.OBJECT_MAX)
        root = {entry.name: entry for entry in self._tree(self.repository.objects.commit(commit).tree)}
        header = root.get(layout.HEADER_FILE)
        if header is None:
            raise SyncTampered(self._shown, f"it has no {layout.HEADER_FILE}")
        self._check_header(self._blob(header.oid, layout.HEADER_MAX), key)
        return root

    def _open(self, commit: str, key: SyncKey) -> Opened:
        root = self._root(commit, key)
        if self._moved(root, key) is not None:
            raise SyncKeyRotated(self._shown)
        names = {name: entry.mode for name, entry in root.items()}
        if names != {layout.HEADER_FILE: BLOB, layout.MANIFEST_FILE: BLOB, layout.SEGMENTS: TREE}:
            raise SyncTampered(self._shown, "its tree is not a sync's")
        raw = self._blob(root[layout.MANIFEST_FILE].oid, layout.MANIFEST_MAX)
        manifest = open_manifest(key, raw, self._shown)
        trees = {entry.name: entry.oid for entry in self._tree(root[layout.SEGMENTS].oid) if entry.mode == TREE}
        if trees.keys() != {segment.id for segment in manifest.segments}:
            raise SyncTampered(self._shown, "it has other segments than its manifest says")
        return Opened(commit, manifest, trees)

    def _check_header(self, data: bytes, key: SyncKey) -> None:
        if data == key.header:
            return
        try:
            values = wire.read_object(data)
        except ValueError:
            values = {}
        version = values.get("version")
        if values.get("format") == FORMAT and type(version) is int and version != VERSION:
            raise UnknownSyncVersion(self._shown, str(version)[:20])
        raise SyncTampered(self._shown, f"its {layout.HEADER_FILE} is not this sync's")

    def _tree(self, oid: str) -> tuple[TreeEntry, ...]:
        self._check_size(oid, "tree", _TREE_MAX)
        return self.repository.objects.tree(oid)

    def _blob(self, oid: str, most: int) -> bytes:
        self._check_size(oid, "blob", most)
        return self.repository.objects.blob(oid)

    def _check_size(self, oid: str, kind: str, most: int) -> None:
        found, size = object_sizes(self.path, [oid], _PURPOSE)[oid]
        if found != kind or size > most:
            raise SyncTampered(self._shown, f"{oid} in it is a {found} of {size} bytes")

    def chunk_oids(self, opened: Opened, segment: Segment) -> list[str]:
        """The blobs of a segment's chunks, in order; none of them is larger than a chunk may be.

        Raises:
            SyncTampered: they are not as many as the manifest says, or one is no chunk.
            CacheDamaged: they cannot be read here.
        """
        with self._reading():
            return self._chunk_oids(opened, segment)

    def _chunk_oids(self, opened: Opened, segment: Segment) -> list[str]:
        entries = self._tree(opened.trees[segment.id])
        names = [layout.chunk_name(number) for number in range(segment.chunks)]
        if [entry.name for entry in entries] != names or any(entry.mode != BLOB for entry in entries):
            raise SyncTampered(self._shown, f"segment {segment.id} has not its {segment.chunks} chunks")
        oids = [entry.oid for entry in entries]
        sizes = object_sizes(self.path, oids, _PURPOSE)
        if any(kind != "blob" or size > layout.OBJECT_MAX for kind, size in sizes.values()):
            raise SyncTampered(self._shown, f"segment {segment.id} has something else than chunks")
        return oids

    def blobs(self, oids: list[str]) -> Iterator[bytes]:
        """Their bytes, one after the other; raises CacheDamaged where one cannot be read here."""
        for oid in oids:
            with self._reading():
                blob = self.repository.objects.blob(oid)
            yield blob

    # -- writing --------------------------------------------------------------------------------------------------

    def write_commit(self, files: Mapping[str, bytes], segments: Mapping[str, str] | None, parent: str) -> str:
        """Write a commit of a sync; gives its id.

        Args:
            files: the files of its root.
            segments: each segment's tree, by its id; `None` for none at all.
            parent: the commit before, or empty.
        """
        objects = self.repository.objects
        root = [TreeEntry(BLOB, name, objects.write("blob", data)) for name, data in files.items()]
        if segments is not None:
            folders = [TreeEntry(TREE, segment_id, oid) for segment_id, oid in segments.items()]
            root.append(TreeEntry(TREE, layout.SEGMENTS, objects.write_tree(folders)))
        parents = (parent,) if parent else ()
        return objects.write_commit(objects.write_tree(root), parents, layout.IDENT, layout.IDENT, layout.MESSAGE)

    def stand_on(self, commit: str) -> None:
        """Take a commit for the one that the remote has, before a push builds on it."""
        refs = self.repository.refs
        before = refs.read(_TIP)
        if commit and before != commit:
            refs.update(_TIP, commit, before, ident=self.repository.committer(), reason="")
        shallow = self.path / "shallow"
        if commit:
            shallow.write_text(f"{commit}\n", "ascii")
        else:
            shallow.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what is gone from the remote, where that may be much; nothing that is not pushed yet may be here."""
        objects = self.path / "objects"
        packs = sum(1 for _ in objects.glob("pack/*.pack"))
        if packs <= _PACKS_MANY and sum(1 for _ in objects.glob("??/*")) <= _LOOSE_MANY:
            return
        whole = ["-a"] if packs > _PACKS_MANY else []
        with suppress(GitFailed):  # a disk that is full: the next sync tries again
            program.run(self.path, ["repack", *whole, "-d", "-q"], purpose=_PURPOSE, settings=_INCOMPRESSIBLE)
            program.run(self.path, ["prune", "--expire=now"], purpose=_PURPOSE)


def _sweep(path: Path) -> None:
    """Remove the locks and unfinished files of a `git` that was killed."""
    for pattern in ("*.lock", "refs/**/*.lock", "shallow_*", "objects/*/tmp_*"):
        for left in path.glob(pattern):
            left.unlink(missing_ok=True)
