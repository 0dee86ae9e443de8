"""A remote that holds ciphertext: looked at, taken from, pushed to. FORMAT.md has every byte.

look:  ref → commit → manifest → what the segments tell → their view
land:  segments that are new here → `git index-pack --strict` in a landing
push:  what changed → a segment → manifest → commit → compare-and-swap on the ref
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from superqode.session import clock
from superqode.session.errors import NamespaceRefused, RemoteRefMoved, RemoteRejected, SyncTampered
from superqode.session.git import remote, remotes
from superqode.session.git.landing import Landing
from superqode.session.git.network import Progress
from superqode.session.git.object_codec import BLOB, TreeEntry
from superqode.session.git.remote import Update
from superqode.session.git.remotes import Namespace, RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.sharing.tokens import seal
from superqode.session.sync import layout
from superqode.session.sync.cache import Cache, CacheDamaged, Opened
from superqode.session.sync.keys import SyncKey
from superqode.session.sync.manifest import LINEAGE, Manifest, Segment, seal_manifest
from superqode.session.sync.seen import Pushed, Seen, Trust, standing
from superqode.session.sync.segments import Changes, fold, read_changes, seal_segment, unpack_segment
from superqode.session.sync.state import State, remote_folder
from superqode.session.sync.told import Told
from superqode.session.sync.view import View, is_view_name

__all__ = ["SealedRemote"]

# What a reader takes in one fetch: far more than any store that people keep.
FETCH_MAX: Final = 64 * 1024**3
_SENT: Final = b'{"format":"superqode-sync-moved","version":1}'


@dataclass(frozen=True, slots=True)
class _Found:
    """Where the sync lies on the remote; without a commit where it does not."""

    ref: str
    namespace: Namespace
    commit: str


class SealedRemote:
    """A sealed sync on one remote.

    Args:
        repository: the store; the caller holds its lock of syncs.
        target: the remote, which has a name.
        key: the sync key.
        interactive: whether git may ask for passwords and the like.
        progress: told how far it is.
    """

    def __init__(
        self,
        repository: Repository,
        target: RemoteInfo,
        key: SyncKey,
        *,
        interactive: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._repository = repository
        self._target = target
        self._key = key
        self._interactive = interactive
        self._progress = progress
        self._cache = Cache(remote_folder(repository, target.name) / f"{key.id}.git", target.name)
        self._told = Told(remote_folder(repository, target.name) / f"{key.id}.told")
        self._opened: Opened | None = None
        self._found = _Found("", "", "")
        self._raw: View = {}

    # -- looking --------------------------------------------------------------------------------------------------

    def look(self, state: State) -> Seen:
        """Find out what the remote holds.

        Raises:
            SyncKeyRotated: another machine changed the key.
            SyncTampered, UnknownSyncVersion: it is not what a machine with the key wrote.
            RemoteError: what went wrong.
        """
        try:
            return self._look(state)
        except CacheDamaged:
            if not self._cache.renew():
                raise
            return self._look(state)

    def _look(self, state: State) -> Seen:
        self._found = self._find()
        if not self._found.commit:
            self._opened, self._raw = None, {}
            return Seen({}, Trust("lost" if state.tip else "new", {}))
        if not self._cache.has(self._found.commit):
            self._found = _Found(self._found.ref, self._found.namespace, self._fetched())
        opened = self._opened = self._cache.open(self._found.commit, self._key)
        manifest = opened.manifest
        if any(opened.trees.get(segment, tree) != tree for segment, tree in state.segments.items()):
            raise SyncTampered(self._shown, "a segment that was taken before is another one now")
        trust = standing(state, opened.commit, manifest)
        self._told.keep({segment.id for segment in manifest.segments})
        self._raw = self._read_view(opened)
        view = {name: oid for name, oid in self._raw.items() if is_view_name(name)}
        return Seen(view, trust, opened.commit, manifest.generation)

    def _fetched(self) -> str:
        return self._cache.fetch(
            self._target.url,
            self._found.ref,
            max_bytes=FETCH_MAX,
            interactive=self._interactive,
            progress=self._progress,
        )

    def _find(self) -> _Found:
        names = {layout.remote_ref(self._key.id, namespace): namespace for namespace in layout.NAMESPACES}
        there = remote.ls_remote(self._target.url, list(names), interactive=self._interactive)
        for name in sorted(there, key=lambda name: names[name] != self._target.namespace):
            return _Found(name, names[name], there[name])
        return _Found("", "", "")

    def _read_view(self, opened: Opened) -> View:
        view: View = {}
        for segment in opened.manifest.segments:
            view = fold(view, self._changes(opened, segment))
        return view

    def _changes(self, opened: Opened, segment: Segment) -> Changes:
        told = self._told.get(segment.id)
        if told is None:
            oids = self._cache.chunk_oids(opened, segment)
            told = read_changes(self._key, segment, lambda number: next(self._cache.blobs([oids[number]])), self._shown)
            self._told.put(segment.id, told)
        return told

    @property
    def _shown(self) -> str:
        return self._target.name

    # -- taking ---------------------------------------------------------------------------------------------------

    def land(self, landing: Landing, known: Mapping[str, str]) -> dict[str, str]:
        """Take every segment but the known ones into a landing; gives the trees of all there are, by id.

        Raises:
            SyncTampered: a segment is not what was sealed.
            RemoteRefMoved: another machine was faster; look again.
            RemoteError: what went wrong.
        """
        try:
            return self._land(landing, known)
        except CacheDamaged:
            if not self._cache.renew():
                raise
            if self._fetched() != self._found.commit:
                raise RemoteRefMoved(self._shown, self._found.ref, "it moved") from None
            return self._land(landing, known)

    def _land(self, landing: Landing, known: Mapping[str, str]) -> dict[str, str]:
        if self._opened is None:
            return {}
        segments = self._opened.manifest.segments
        fresh = [segment for segment in segments if segment.id not in known]
        total, done = sum(segment.size for segment in fresh), 0
        for segment in fresh:
            blobs = self._cache.blobs(self._cache.chunk_oids(self._opened, segment))
            unpack_segment(self._key, segment, blobs, landing.repository.path, self._shown)
            done += segment.size
            if self._progress is not None:
                self._progress(done, total, "decrypting")
        return self._trees()

    # -- pushing --------------------------------------------------------------------------------------------------

    def push(self, seen: Seen, view: View, *, compact: bool = False) -> Pushed:
        """Push what changed since the remote was looked at.

        Args:
            seen: what it held then.
            view: what it shall hold.
            compact: whether to seal everything anew, so that nothing stays of what is gone.

        Raises:
            RemoteRefMoved: another machine was faster; look again.
            RemoteError: what went wrong.
        """
        manifest = self._opened.manifest if self._opened is not None else None
        segments = manifest.segments if manifest is not None else ()
        changes: Changes = {
            name: view.get(name) for name in {*seen.view, *view} if seen.view.get(name) != view.get(name)
        }
        kept = 0 if compact else _kept(segments)
        trees = {segment.id: self._trees()[segment.id] for segment in segments[:kept]}
        before, changes = self._gathered(segments, kept, changes)
        chunks: list[TreeEntry] = []
        sizes: list[int] = []

        def write(token: bytes) -> None:
            oid = self._cache.repository.objects.write("blob", token, compress=False)
            chunks.append(TreeEntry(BLOB, layout.chunk_name(len(chunks)), oid))
            sizes.append(len(token))
            if self._progress is not None:
                self._progress(sum(sizes), 0, "encrypting")

        known = self._present(before)
        wanted = sorted({oid for oid in changes.values() if oid is not None} - before)
        made = seal_segment(self._repository.path, self._key, changes, wanted=wanted, known=sorted(known), write=write)
        trees[made.id] = self._cache.repository.objects.write_tree(chunks)
        previous = (seen.tip, *(manifest.previous if manifest is not None else ()))[:LINEAGE] if seen.tip else ()
        told = Manifest(
            sync_id=self._key.id,
            generation=seen.generation + 1,
            written_at=clock.now(),
            written_by=self._repository.user()[0],
            previous=previous,
            segments=(*segments[:kept], made),
        )
        files = {layout.HEADER_FILE: self._key.header, layout.MANIFEST_FILE: seal_manifest(self._key, told)}
        tip = self._send(partial(self._cache.write_commit, files, trees), fresh=kept < len(segments))
        self._told.put(made.id, changes)
        return Pushed(tip, told.generation, previous, trees, sum(sizes))

    def _trees(self) -> dict[str, str]:
        return dict(self._opened.trees) if self._opened is not None else {}

    def _gathered(self, segments: tuple[Segment, ...], kept: int, changes: Changes) -> tuple[set[str], Changes]:
        """What the kept segments brought, and what all others and the new one tell together."""
        before: set[str] = set()
        together: Changes = {}
        if self._opened is not None:
            for number, segment in enumerate(segments):
                told = self._changes(self._opened, segment)
                if number < kept:
                    before |= {oid for oid in told.values() if oid is not None}
                else:
                    together |= told
        together |= changes
        if kept == 0:
            together = {name: oid for name, oid in together.items() if oid is not None}
        return before, together

    def _present(self, oids: set[str]) -> set[str]:
        """Those that are in the store: what was purged is not."""
        objects = self._repository.objects
        objects.look_again()
        return {oid for oid in oids if objects.stands(oid)}

    def _send(self, write: Callable[[str], str], *, fresh: bool) -> str:
        """Push a commit; `fresh`: without a parent, so that the remote can let go of what is gone."""
        found = self._found
        if fresh:
            try:
                return self._push_to(write(""), found.ref, found.namespace)
            except RemoteRefMoved:
                raise
            except RemoteRejected:
                pass  # a host that takes nothing but fast-forwards keeps the old commits, too
        commit = write(found.commit)
        if found.commit:
            return self._push_to(commit, found.ref, found.namespace)
        tried = (self._target.namespace,) if self._target.namespace else layout.NAMESPACES
        for namespace in tried:
            try:
                return self._push_to(commit, layout.remote_ref(self._key.id, namespace), namespace)
            except NamespaceRefused:
                if namespace == tried[-1]:
                    raise
        raise AssertionError("there is a namespace to try")

    def _push_to(self, commit: str, ref: str, namespace: Namespace) -> str:
        self._cache.stand_on(self._found.commit)
        update = Update(commit, ref, self._found.commit or None)
        remote.push(
            self._cache.path,
            self._target.push_url,
            [update],
            interactive=self._interactive,
            progress=self._progress,
            ciphertext=True,
        )
        self._cache.stand_on(commit)
        self._cache.tidy()
        self._found = _Found(ref, namespace, commit)
        if self._target.namespace != namespace:
            remotes.remember_namespace(self._repository, self._target.name, namespace)
        return commit

    # -- the end --------------------------------------------------------------------------------------------------

    def leave(self, seen: Seen) -> None:
        """Put a note in the place of everything: the key was changed.

        Raises:
            RemoteRefMoved: another machine was faster; look again.
            RemoteError: what went wrong.
        """
        if not seen.tip:
            return
        files = {layout.HEADER_FILE: self._key.header, layout.MOVED_FILE: seal(self._key.moved(), _SENT)}
        self._send(partial(self._cache.write_commit, files, None), fresh=True)


def _kept(segments: tuple[Segment, ...]) -> int:
    """How many segments stay as they are; the others become one with the new one.

    Few enough stay, and each is at least as large as all after it: so a byte is sealed again a few times only.
    """
    if len(segments) < layout.SEGMENTS_KEPT:
        return len(segments)
    kept = layout.SEGMENTS_KEPT // 2
    tail = sum(segment.size for segment in segments[kept:])
    while kept and segments[kept - 1].size < tail:
        kept -= 1
        tail += segments[kept].size
    return kept
