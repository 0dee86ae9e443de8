"""A remote that holds ciphertext: looked at, taken from, pushed to. FORMAT.md has every byte.

look:  ref → commit → manifest → what the segments tell → their view
land:  segments that are new here → `git index-pack --strict` in a landing
push:  what changed → a segment → manifest → commit → compare-and-swap on the ref
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from superqode.session import clock
from superqode.session.errors import (
    GitFailed,
    NamespaceRefused,
    RemoteRefMoved,
    RemoteRejected,
    SyncTampered,
    UnsoundObjects,
)
from superqode.session.git import remote, remotes
from superqode.session.git.landing import Landing
from superqode.session.git.network import Progress
from superqode.session.git.object_codec import BLOB, TreeEntry
from superqode.session.git.remote import Update
from superqode.session.git.remotes import Namespace, RemoteInfo
from superqode.session.git.repository import Repository
from superqode.session.sync import layout
from superqode.session.sync.cache import Cache, CacheDamaged, Opened
from superqode.session.sync.keys import SyncKey
from superqode.session.sync.manifest import LINEAGE, Manifest, Segment, seal_manifest
from superqode.session.sync.moved import Moved, seal_moved
from superqode.session.sync.notes import Note
from superqode.session.sync.seen import Pushed, Seen, Trust, standing
from superqode.session.sync.segments import Changes, fold, read_changes, seal_segment, unpack_segment
from superqode.session.sync.sendable import find_unsound, leave_out, present, ref_owner
from superqode.session.sync.state import State, remote_folder
from superqode.session.sync.told import Told
from superqode.session.sync.view import View, is_view_name

__all__ = ["SealedRemote"]

# What a reader takes in one fetch: far more than any store that people keep.
FETCH_MAX: Final = 64 * 1024**3
# What helps where the remote lost something: a machine that took it before seals all of it anew.
_WHOLE: Final = "`superqode sync --compact` on a machine that synced with it before sends all of it anew"


@dataclass(frozen=True, slots=True)
class _Found:
    """Where the sync lies on the remote; without a commit where it does not."""

    ref: str
    namespace: Namespace
    commit: str


class _Made(NamedTuple):
    """A segment that was sealed, not sent yet: its entry, its tree, what it tells, and its bytes of ciphertext."""

    segment: Segment
    tree: str
    changes: Changes
    size: int


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
        return self._cache.healed(partial(self._look, state))

    def _look(self, state: State) -> Seen:
        self._fetch()
        if not self._found.commit:
            self._opened, self._raw = None, {}
            return Seen({}, Trust("lost" if state.tip else "new", {}))
        opened = self._opened = self._cache.open(self._found.commit, self._key)
        manifest = opened.manifest
        if any(opened.trees.get(segment, tree) != tree for segment, tree in state.segments.items()):
            raise SyncTampered(self._shown, "a segment that was taken before is another one now")
        trust = standing(state, opened.commit, manifest)
        self._told.keep({segment.id for segment in manifest.segments})
        self._raw = self._read_view(opened)
        view = {name: oid for name, oid in self._raw.items() if is_view_name(name)}
        return Seen(view, trust, opened.commit, manifest.generation)

    def moved(self) -> Moved | None:
        """The note that the key was changed; `None` where that is not what lies there.

        Raises:
            SyncTampered, UnknownSyncVersion, RemoteError: as `look`.
        """
        return self._cache.healed(self._moved)

    def _moved(self) -> Moved | None:
        self._fetch()
        return self._cache.moved(self._found.commit, self._key) if self._found.commit else None

    def _fetch(self) -> None:
        """Find the ref, and have its commit in the cache."""
        self._found = self._find()
        if self._found.commit and not self._cache.has(self._found.commit):
            self._found = _Found(self._found.ref, self._found.namespace, self._fetched())

    def _fetched(self) -> str:
        try:
            return self._cache.fetch(
                self._target.url,
                self._found.ref,
                max_bytes=FETCH_MAX,
                interactive=self._interactive,
                progress=self._progress,
            )
        except UnsoundObjects as problem:
            raise UnsoundObjects(self._shown, f"{problem.reason}. {_WHOLE}") from problem

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
        kept = 0 if compact else _kept(segments)
        notes: list[Note] = []
        try:
            made = self._seal(seen, view, kept)
        except GitFailed:
            view, kept, notes = self._sendable(seen, view, kept)
            if seen.tip and view == seen.view and kept == len(segments):
                return Pushed(
                    view, notes, seen.tip, seen.generation, manifest.previous if manifest else (), self._trees()
                )
            made = self._seal(seen, view, kept)
        trees = {segment.id: self._trees()[segment.id] for segment in segments[:kept]} | {made.segment.id: made.tree}
        previous = (seen.tip, *(manifest.previous if manifest is not None else ()))[:LINEAGE] if seen.tip else ()
        told = Manifest(
            sync_id=self._key.id,
            generation=seen.generation + 1,
            written_at=clock.now(),
            written_by=self._repository.user()[0],
            previous=previous,
            segments=(*segments[:kept], made.segment),
        )
        files = {layout.HEADER_FILE: self._key.header, layout.MANIFEST_FILE: seal_manifest(self._key, told)}
        fresh = kept < len(segments)
        tip, rests = self._send(partial(self._cache.write_commit, files, trees), fresh=fresh)
        notes += [Note("stays", self._shown)] if compact and fresh and rests else []
        self._told.put(made.segment.id, made.changes)
        return Pushed(view, notes, tip, told.generation, previous, trees, made.size)

    def _seal(self, seen: Seen, view: View, kept: int) -> _Made:
        """Seal what leads from the remote's view to another one, together with all segments behind the kept ones."""
        changes, wanted, known = self._gathered(seen, view, kept)
        chunks: list[TreeEntry] = []
        sizes: list[int] = []

        def write(token: bytes) -> None:
            oid = self._cache.repository.objects.write("blob", token, compress=False)
            chunks.append(TreeEntry(BLOB, layout.chunk_name(len(chunks)), oid))
            sizes.append(len(token))
            if self._progress is not None:
                self._progress(sum(sizes), 0, "encrypting")

        made = seal_segment(self._repository, self._key, changes, wanted=wanted, known=known, write=write)
        return _Made(made, self._cache.repository.objects.write_tree(chunks), changes, sum(sizes))

    def _sendable(self, seen: Seen, view: View, kept: int) -> tuple[View, int, list[Note]]:
        """What can be sent after all where something could not be sealed; and how many segments stay for it."""
        _, wanted, known = self._gathered(seen, view, kept)
        unsound = find_unsound(self._repository, wanted, known)
        view, notes = leave_out(self._repository, seen.view, view, unsound)
        stuck = {ref_owner(name): unsound[oid] for name, oid in self._raw.items() if oid in unsound}
        if stuck and self._opened is not None:
            kept = len(self._opened.manifest.segments)  # what brought them may be all that is left of them
            notes += [Note("unsealed", owner, reason) for owner, reason in sorted(stuck.items())]
        return view, kept, notes

    def _trees(self) -> dict[str, str]:
        return dict(self._opened.trees) if self._opened is not None else {}

    def _gathered(self, seen: Seen, view: View, kept: int) -> tuple[Changes, list[str], list[str]]:
        """What a new segment tells, with those that it replaces; what objects it brings; and which are there before."""
        before: set[str] = set()
        together: Changes = {}
        if self._opened is not None:
            for number, segment in enumerate(self._opened.manifest.segments):
                told = self._changes(self._opened, segment)
                if number < kept:
                    before |= {oid for oid in told.values() if oid is not None}
                else:
                    together |= told
        together |= {name: view.get(name) for name in {*seen.view, *view} if seen.view.get(name) != view.get(name)}
        if kept == 0:
            together = {name: oid for name, oid in together.items() if oid is not None}
        wanted = sorted({oid for oid in together.values() if oid is not None} - before)
        return together, wanted, sorted(present(self._repository, before))

    def _send(self, write: Callable[[str], str], *, fresh: bool) -> tuple[str, bool]:
        """Push a commit; `fresh`: without a parent, so that the remote can let go of what is gone.

        Gives it, and whether it rests on what was there before all the same.
        """
        found = self._found
        if fresh:
            try:
                return self._push_to(write(""), found.ref, found.namespace), False
            except RemoteRefMoved:
                raise
            except RemoteRejected:
                pass  # a host that takes nothing but fast-forwards keeps the old commits, too
        commit = write(found.commit)
        if found.commit:
            return self._push_to(commit, found.ref, found.namespace), True
        tried = (self._target.namespace,) if self._target.namespace else layout.NAMESPACES
        for namespace in tried:
            try:
                return self._push_to(commit, layout.remote_ref(self._key.id, namespace), namespace), False
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

    def has_others(self) -> bool:
        """Whether another sync lies there, too; raises RemoteError."""
        there = remote.ls_remote(self._target.url, layout.REF_PATTERNS, interactive=self._interactive)
        return bool(there.keys() - {layout.remote_ref(self._key.id, namespace) for namespace in layout.NAMESPACES})

    # -- the end --------------------------------------------------------------------------------------------------

    def leave(self, seen: Seen, to: str, *, whole: bool = True) -> list[Note]:
        """Put a note in the place of everything: the key was changed. Gives what people should hear of.

        Args:
            seen: what the remote held when it was looked at.
            to: the id of the sync that goes on.
            whole: whether that one is known to have all of it.

        Raises:
            RemoteRefMoved: another machine was faster; look again.
            RemoteError: what went wrong.
        """
        if self._opened is None:
            return []
        line = (seen.tip, *self._opened.manifest.previous)
        moved = Moved(to, seen.generation, line) if whole else Moved(to)
        files = {layout.HEADER_FILE: self._key.header, layout.MOVED_FILE: seal_moved(self._key, moved)}
        _, rests = self._send(partial(self._cache.write_commit, files, None), fresh=True)
        return [Note("stays", self._shown)] if rests else []


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
