"""The object database: content by id. Loose files are read by us, packs by libgit2.

Ids are 40 lower-case hex digits everywhere.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from superqode.session.errors import CorruptObject
from superqode.session.git.gathering import Gathering, Kept
from superqode.session.git.loose import Listing, LooseObjects
from superqode.session.git.object_codec import (
    Commit,
    Ident,
    Tag,
    TreeEntry,
    parse_commit,
    parse_tag,
    parse_tree,
    tree_line,
    tree_order,
)
from superqode.session.lazy import lazy_modules

if TYPE_CHECKING:
    from pathlib import Path

    from superqode.session.git import packwriting
    from superqode.session.git.packwriting import PackWriter
else:
    (packwriting,) = lazy_modules("superqode.session.git", "packwriting")

__all__ = ["Objects"]

_TREES_KEPT: Final = 512


class Objects:
    """The objects of one repository; safe to use from several threads.

    Args:
        root: the repository's folder.
        quarantine: where damaged loose files are moved.
        open_packs: opens libgit2's object database; called once a thread, and only when something is not loose.
    """

    def __init__(self, root: Path, quarantine: Path, open_packs: Callable[[], Any]) -> None:
        self.loose = LooseObjects(root / "objects", quarantine)
        self._pack_folder = root / "objects" / "pack"
        self._open_packs = open_packs
        self._local = threading.local()
        # How often packs came or went, and when their folder changed last.
        self._freed = 0
        self._changed = 0
        # A save reads again the four trees that the last one wrote: their entries, and their bytes.
        self._trees: dict[str, tuple[tuple[TreeEntry, ...], bytes]] = {}

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self, oid: str) -> tuple[str, bytes]:
        """Give an object's type and content, checked against its hash.

        Raises:
            CorruptObject: it is damaged, or not there.
        """
        local = self._local.__dict__
        packing: PackWriter | None = local.get("packing")
        if packing is not None and (fresh := packing.read(oid)) is not None:
            return fresh
        gathering: Gathering | None = local.get("gathering")
        if gathering is not None and (fresh := gathering.read(oid)) is not None:
            return fresh
        listing: Listing | None = local.get("listing")
        try:
            found = self.loose.read(oid) if listing is None or listing.may_have(oid) else None
        except CorruptObject:
            # A file that a crash cut may hide what a pack has; Git, too, looks there first.
            with suppress(CorruptObject):
                return self.read_packed(oid)
            raise
        if found is None:
            found = self._packs().read(oid)
        return found

    @contextmanager
    def reading_many(self) -> Iterator[None]:
        """Inside, look for loose files only where a folder's first look found them: packed ones read quicker."""
        outer = getattr(self._local, "listing", None)
        self._local.listing = outer or (Listing(self.loose) if self._has_packs() else None)
        try:
            yield
        finally:
            self._local.listing = outer

    def _has_packs(self) -> bool:
        try:
            return any(name.endswith(".pack") for name in os.listdir(self._pack_folder))  # noqa: PTH208 - names only
        except OSError:
            return True

    def every(self) -> Iterator[str]:
        """The ids of all objects there are, loose or packed; damaged ones, too, and some twice."""
        yield from self.loose.every()
        yield from self._packs()

    def _packs(self) -> Any:
        packs, opened = getattr(self._local, "packs", (None, -1))
        if opened != self._freed:
            packs = self._open_packs()
            self._local.packs = packs, self._freed
        return packs

    def reopen(self) -> None:
        """Look again which packs there are, in every thread: those that were removed still stand open, and answer."""
        self._freed += 1
        self._trees.clear()

    def look_again(self) -> None:
        """`reopen` where packs came or went since: another process, or plain git, may have freed what was purged."""
        try:
            changed = os.stat(self._pack_folder).st_mtime_ns  # noqa: PTH116 - before every save
        except FileNotFoundError:
            return
        if changed != self._changed:
            self._changed = changed
            self.reopen()

    def read_packed(self, oid: str) -> tuple[str, bytes]:
        """Give an object's type and content out of a pack, whatever its loose file holds.

        Raises:
            CorruptObject: it is damaged there, or in no pack.
        """
        kind, content = self._packs().read(oid, alone=True)
        return kind, content

    def has(self, oid: str) -> bool:
        """Whether the object is there and whole."""
        with suppress(CorruptObject):
            self.read(oid)
            return True
        return False

    def stands(self, oid: str) -> bool:
        """Whether the object is there, whole or not: nothing of it is read."""
        return self.loose.stands(oid) or self._packs().holds(oid)

    def is_packed(self, oid: str) -> bool:
        """Whether the object stands in a pack, and has no file of its own; nothing of it is read."""
        folders = getattr(self._local, "folders", None)
        if (folders is None or oid[:2] in folders) and self.loose.stands(oid):
            return False
        return bool(self._packs().holds(oid))

    def _typed(self, oid: str, kind: str) -> bytes:
        found, content = self.read(oid)
        if found != kind:
            raise CorruptObject(oid, f"it is a {found}, and a {kind} was expected")
        return content

    def blob(self, oid: str) -> bytes:
        """A blob's bytes."""
        return self._typed(oid, "blob")

    def tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """A tree's entries, in Git's order."""
        return self._tree(oid)[0]

    def _tree(self, oid: str) -> tuple[tuple[TreeEntry, ...], bytes]:
        found = self._trees.get(oid)
        if found is None:
            data = self._typed(oid, "tree")
            found = tuple(parse_tree(oid, data)), data
            self._remember(oid, *found)
        return found

    def _remember(self, oid: str, entries: tuple[TreeEntry, ...], data: bytes) -> None:
        if len(self._trees) >= _TREES_KEPT:
            for oldest in tuple(islice(self._trees, 1)):
                self._trees.pop(oldest, None)
        self._trees[oid] = entries, data

    def commit(self, oid: str) -> Commit:
        """A commit, parsed."""
        return parse_commit(oid, self._typed(oid, "commit"))

    def tag(self, oid: str) -> Tag:
        """An annotated tag, parsed."""
        return parse_tag(oid, self._typed(oid, "tag"))

    def peeled(self, oid: str) -> str:
        """What an annotated tag names; empty for anything that is no readable tag."""
        with suppress(CorruptObject):
            return self.tag(oid).target
        return ""

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, kind: str, content: bytes, *, compress: bool = True) -> str:
        """Store an object (not durable until `take_written` was flushed); gives its id.

        Args:
            kind: `blob`, `tree`, `commit` or `tag`.
            content: its bytes.
            compress: whether they can become fewer; ciphertext cannot.
        """
        local = self._local.__dict__
        packing: PackWriter | None = local.get("packing")
        if packing is not None:
            return packing.add(kind, content)
        gathering: Gathering | None = local.get("gathering")
        if gathering is not None:
            return gathering.add(kind, content)
        oid, path = self.loose.write(kind, content, compress=compress, keep=local.get("kept"))
        if path is not None:
            # A list a thread: what one save has to flush is never taken away by another's.
            local.setdefault("written", []).append(path)
        return oid

    @contextmanager
    def keeping(self, most: int) -> Iterator[Kept]:
        """Inside, what this thread writes is kept as well, up to so many bytes."""
        kept = self._local.kept = Kept(most)
        try:
            yield kept
        finally:
            self._local.kept = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Inside, what this thread writes waits for the end, and is stored then; only this thread reads it until then.

        So no ref may be pointed at it before the end. After an error, nothing of it may be there.
        """
        gathering = self._local.gathering = Gathering(self._store)
        try:
            yield
        finally:
            self._local.gathering = None
        gathering.finish()

    def _store(self, objects: Mapping[str, bytes]) -> None:
        self.note_written(self.loose.write_together(objects, keep=self._local.__dict__.get("kept")))

    @contextmanager
    def packing(self) -> Iterator[None]:
        """Inside, what this thread writes goes into packs where it is much; only this thread reads it until the end.

        So no ref may be pointed at it before the end. After an error, nothing of it may be there. Inside
        `referring`, `git repack` leaves the packs alone until its end.
        """
        with self.pack_writer(self._write_loose, keeps=self.pack_keeps()) as packing:
            self._local.packing = packing
            try:
                yield
            finally:
                self._local.packing = None
            local = self._local.__dict__
            files = packing.finish()
            local.setdefault("written", []).extend(files)
            kept: Kept | None = local.get("kept")
            if files and kept is not None:
                kept.missed()

    @contextmanager
    def pack_writer(
        self, write_loose: Callable[[str, bytes], object], few: int | None = None, *, keeps: list[Path] | None = None
    ) -> Iterator[PackWriter]:
        """Give what writes packs into this repository; what is not finished inside is abandoned. See `PackWriter`."""
        packing = packwriting.PackWriter(self._pack_folder, write_loose, few, keeps)
        try:
            yield packing
        finally:
            packing.abandon()

    def _write_loose(self, kind: str, content: bytes) -> str:
        return self.write(kind, content)

    @contextmanager
    def referring(self) -> Iterator[None]:
        """Inside, refs are made for what this thread writes; at the end of all such `git repack` may have its packs."""
        local = self._local.__dict__
        local["referring"] = local.get("referring", 0) + 1
        try:
            yield
        finally:
            local["referring"] -= 1
            if not local["referring"]:
                for keep in local.pop("keeps", ()):
                    with suppress(OSError):  # `maintain` sweeps it
                        keep.unlink()

    def pack_keeps(self) -> list[Path] | None:
        """Where to note the `.keep` of a pack, which goes at the end of `referring`; `None` outside of that."""
        local = self._local.__dict__
        keeps: list[Path] | None = local.setdefault("keeps", []) if local.get("referring") else None
        return keeps

    def note_written(self, paths: Iterable[str]) -> None:
        """Let other files, too, be of those that this thread's next flush makes durable."""
        self._local.__dict__.setdefault("written", []).extend(paths)

    def take_written(self) -> list[str]:
        """The files this thread wrote since its last call: what a flush has to make durable."""
        written: list[str] = self._local.__dict__.pop("written", [])
        return written

    def write_tree(self, entries: Iterable[TreeEntry]) -> str:
        """Store a tree; the entries may come in any order."""
        return self._write_tree((), b"", sorted(entries, key=tree_order))

    def extend_tree(self, base: str | None, keep: int, added: Sequence[TreeEntry]) -> str:
        """Store a tree that has the first `keep` entries of another, and more that come behind these in Git's order."""
        if base is None or keep == 0:
            return self.write_tree(added)
        entries, data = self._tree(base)
        cut = sum(len(tree_line(entry)) for entry in entries[keep:])
        return self._write_tree(entries[:keep], data[: len(data) - cut], sorted(added, key=tree_order))

    def _write_tree(self, kept: tuple[TreeEntry, ...], begun: bytes, added: Sequence[TreeEntry]) -> str:
        data = begun + b"".join(map(tree_line, added))
        oid = self.write("tree", data)
        self._remember(oid, (*kept, *added), data)
        return oid

    def write_commit(self, tree: str, parents: Sequence[str], author: Ident, committer: Ident, message: bytes) -> str:
        """Store a commit."""
        lines = [b"tree " + tree.encode()]
        lines += [b"parent " + parent.encode() for parent in parents]
        lines += [b"author " + author.encode(), b"committer " + committer.encode(), b"", message]
        return self.write("commit", b"\n".join(lines))

    def write_tag(self, target: str, name: str, tagger: Ident, message: str) -> str:
        """Store an annotated tag of a commit."""
        head = f"object {target}\ntype commit\ntag {name}\ntagger ".encode() + tagger.encode()
        text = message.replace("\0", " ").encode("utf-8", "replace")
        return self.write("tag", head + b"\n\n" + text.rstrip(b"\n") + b"\n")
