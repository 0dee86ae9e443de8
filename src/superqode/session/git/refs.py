"""Refs: read, changed by compare-and-swap, deleted, packed; by the protocols of Git's own files backend.

Every change takes `<ref>.lock`, looks at the value again under it, and only then acts. Deleting and packing take
`packed-refs.lock` before they read `packed-refs`, which is what libgit2 fails to do (design, section 5, rule 1).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from superqode.session.errors import CorruptObject, RefConflict, StoreLocked
from superqode.session.git import durability, folders, packed_refs
from superqode.session.git.lockfile import LockFile, lock_file
from superqode.session.git.object_codec import Ident
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.reflog import Reflog

__all__ = ["NAME_MAX", "Refs", "is_ref_name"]

NAME_MAX: Final = 1000
"""How many characters a ref's name may have; longer ones of plain git are none of ours."""

# Holds, for a ref's name, the lock that all its writers hold.
Hold = Callable[[str], AbstractContextManager[None]]

_OID_LINE: Final = re.compile(rb"([0-9a-f]{40})(?:\s|\Z)")
_SYMBOLIC: Final = re.compile(rb"ref: (refs/[^\s]+)\s*\Z")
_MAX_LINKS: Final = 5
_PART_MAX: Final = 250
_OPEN_MOST: Final = 50
_READING: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0)
# A ref's file holds an id, or the name of another ref.
_FILE_MOST: Final = 4096
# How bytes that are no UTF-8 stand in a file's name (PEP 383).
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# git-check-ref-format(1), rules 1 to 10; and what is no UTF-8, which no id can be.
_BAD_NAME: Final = re.compile(r"[\ud800-\udfff\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|\Z)|[./]\Z|\A[/.-]")


def is_ref_name(name: str) -> bool:
    """Whether Git would take this for a ref's name; only such names may become paths."""
    if not name.startswith("refs/") or len(name) > NAME_MAX or _BAD_NAME.search(name):
        return False
    # Each part becomes a file name, with ".lock" behind it while it is written.
    return all(len(part.encode("utf-8", "surrogatepass")) <= _PART_MAX for part in name.split("/"))


class Refs:
    """The refs of one repository.

    Args:
        root: the repository's folder.
        aside: where locks that nobody holds are moved.

    Attributes:
        log: their reflogs.
    """

    def __init__(self, root: Path, aside: Path) -> None:
        self._root = str(root)
        self._aside = aside
        self._packed = f"{self._root}/packed-refs"
        self.log = Reflog(self._root)

    # -- reading --------------------------------------------------------------------------------------------------

    def read(self, name: str) -> str | None:
        """The id a ref points at, or `None` where there is no such ref; symbolic refs are followed.

        Raises:
            CorruptObject: the ref's file holds something else (an emptied one after a power loss, say).
        """
        return self.resolve(name)[1]

    def resolve(self, name: str) -> tuple[str, str | None]:
        """The name of the ref that a symbolic one leads to (itself otherwise), and its id; raises as `read`."""
        return self._find(name)[:2]

    def _find(self, name: str) -> tuple[str, str | None, bool]:
        """As `resolve`, and whether the id stands in a file of the ref's own."""
        for _ in range(_MAX_LINKS):
            content = self._loose(name)
            if content is None:
                return name, packed_refs.find(self._packed, name), False
            plain = _OID_LINE.match(content)
            if plain is not None:
                return name, plain[1].decode(), True
            link = _SYMBOLIC.match(content)
            if link is None:
                raise CorruptObject(name, "its file is empty" if not content else "its file holds no object id")
            name = link[1].decode("utf-8", "surrogateescape")
            if not is_ref_name(name):
                break
        raise CorruptObject(name, "it is a symbolic ref that leads nowhere")

    def _loose(self, name: str) -> bytes | None:
        try:
            handle = os.open(f"{self._root}/{name}", _READING)
            try:
                return os.read(handle, _FILE_MOST)
            finally:
                os.close(handle)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as problem:
            raise CorruptObject(name, f"its file cannot be read ({problem.strerror})") from problem

    def is_symbolic(self, name: str) -> bool:
        """Whether the ref is a name for another one."""
        return (self._loose(name) or b"").startswith(b"ref: ")

    def real_name(self, name: str) -> str:
        """The ref that a symbolic one leads to; the name itself otherwise."""
        return self.resolve(name)[0]

    def loose_names(self, prefix: str, start: str = "") -> Iterator[str]:
        """Names of the refs that stand in files of their own below `prefix` (which ends with a slash).

        Those in `prefix` itself only where they begin with `start`. Other files there, such as copies that a
        synchroniser called `s (conflicted copy)`, are no refs, as for Git.
        """
        return filter(is_ref_name, folders.files_below(self._root, prefix, start.removeprefix(prefix)))

    def strange_files(self) -> list[str]:
        """Names of the files among the refs that are none; one that is no UTF-8 is Git's, though never ours."""
        names = (name for name in folders.files_below(self._root, "refs/") if not _SURROGATE.search(name))
        return [name for name in names if not is_ref_name(name)]

    def names(self, start: str) -> list[str]:
        """Names of all refs that begin with `start` (those in a folder: with a slash at its end), sorted."""
        # Loose first: packing writes packed-refs before it removes a file, so this order misses nothing.
        loose = set(self.loose_names(start[: start.rindex("/") + 1], start))
        packed = packed_refs.names(self._packed, start)
        return sorted([*packed, *loose.difference(packed)])  # the packed ones are in order, which sorting makes use of

    def find_folded(self, prefix: str, name: str) -> str | None:
        """The name of a ref directly below `prefix` that equals `name` regardless of case, without the prefix."""
        folded = name.lower()
        try:
            with os.scandir(f"{self._root}/{prefix}") as found:
                for entry in found:
                    if entry.name.lower() == folded and entry.is_file():
                        return entry.name
        except FileNotFoundError:
            pass
        return packed_refs.find_folded(self._packed, prefix, folded)

    def items(self, prefix: str) -> list[tuple[str, str]]:
        """Names and ids of all refs below `prefix`, sorted; unreadable ones are left out (`verify` reports them)."""
        loose: dict[str, str | None] = {}
        for name in self.loose_names(prefix):
            try:
                loose[name] = self.read(name)
            except CorruptObject:
                loose[name] = None
        found: dict[str, str | None] = {name: ref.oid for name, ref in packed_refs.iterate(self._packed, prefix)}
        found.update(loose)
        return sorted((name, oid) for name, oid in found.items() if oid is not None)

    def unborn(self) -> set[str]:
        """Names of symbolic refs whose aim is not there."""
        found = set()
        for name in self.loose_names("refs/"):
            with suppress(CorruptObject):
                if self.read(name) is None:
                    found.add(name)
        return found

    # -- changing -------------------------------------------------------------------------------------------------

    def update(
        self, name: str, new: str, expected: str | None, *, ident: Ident, reason: str, journalled: bool = False
    ) -> None:
        """Point a ref at `new` if it is still at `expected` (`None`: if it does not exist).

        The reflog tells of it with a reason; without one it does not (a commit on top of another tells of itself).
        `journalled`: the journal tells of it, so a crash of the system may take it from the ref's file.

        Raises:
            RefConflict: it is somewhere else; nothing was changed.
            StoreLocked: another process held the ref's lock all the time.
            OSError: the disk said no. After an error in this call the ref may have moved: read it again.
        """
        if expected is None:
            name = self.resolve(name)[0]
            self._check_free(name)  # before a lock is made below a ref's own file
        with self._locked(name) as lock:
            real, found, is_loose = self._find(name)
            if real == name:
                if found != expected:
                    raise RefConflict(name, expected, found)
                path = f"{self._root}/{name}"
                if not is_loose and os.path.isdir(path):  # noqa: PTH112 - text paths on the save path
                    folders.remove_empty(path)
                with self._logged(name, expected, new, ident, reason) if reason else nullcontext():
                    lock.commit(new.encode() + b"\n", journalled=journalled)
                return
        self.update(real, new, expected, ident=ident, reason=reason)  # a symbolic ref stays, and leads there

    @contextmanager
    def _logged(self, name: str, old: str | None, new: str, ident: Ident, reason: str) -> Iterator[None]:
        """Tell the reflog that a ref is about to move; of one that is not made after all, none stays."""
        first = old is None and not self.log.stands(name)
        self.log.append(name, old, new, ident, reason)
        try:
            yield
        except BaseException:
            with suppress(OSError, CorruptObject):
                if first and self.read(name) is None:
                    self.log.remove(name)
            raise

    def mend(self, name: str, new: str) -> None:
        """Point a ref at `new` whose file is damaged; whatever else it says by now stays.

        Raises:
            StoreLocked, OSError: as `update`.
        """
        with self._locked(name) as lock:
            try:
                self.read(name)
            except CorruptObject:
                lock.commit(new.encode() + b"\n")

    def set_aside(self, name: str, aside: Path) -> None:
        """Move the damaged file of a ref away, so that the ref is none; whatever else it says by now stays.

        Raises:
            StoreLocked, OSError: as `update`.
        """
        with self._locked(name):
            try:
                self.read(name)
            except CorruptObject:
                os.makedirs(os.path.dirname(aside), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - text paths
                os.rename(f"{self._root}/{name}", aside)  # noqa: PTH104 - text paths on the save path

    def packed(self, name: str) -> str | None:
        """The id that `packed-refs` has of a ref, whatever the ref's own file says; raises CorruptObject."""
        return packed_refs.find(self._packed, name)

    def delete(self, name: str, expected: str) -> None:
        """Delete a ref if it is still at `expected`; its reflog goes with it, as in Git.

        Raises:
            RefConflict, StoreLocked, OSError: as `update`.
        """
        if name not in self.delete_all({name: expected}):
            raise RefConflict(name, expected, self.read(name))

    def delete_all(self, refs: Mapping[str, str]) -> list[str]:
        """Delete refs with their reflogs, each if it is still at its id; `packed-refs` is written once for all of them.

        Gives the names of those that are gone, in the order given, in which their own files went, too.

        Raises:
            StoreLocked: another process held the lock of one of them all the time; nothing was changed.
            OSError: as `update`.
        """
        with ExitStack() as locks:
            for name in sorted(refs):  # in order, so that two of these do not wait for each other
                held = locks.enter_context(self._locked(name))
                if len(refs) > _OPEN_MOST:  # a process may open a thousand files, or fewer
                    held.idle()
            # packed-refs stays locked until all is done, also where it does not hold them: or somebody who packs, and
            # has read a ref already, would bring it back (files_transaction_prepare in Git's refs/files-backend.c).
            packed = locks.enter_context(self._locked_packed())
            gone = [name for name, expected in refs.items() if self.read(name) == expected]
            rest = packed_refs.without(self._packed, gone)
            if rest is not None:
                packed.put(rest)  # the packed values go first, or they would show again for a moment
            for name in gone:
                self._remove_files(name)
        for name in gone:
            folders.remove_empty_above(self._root, name)
        return gone

    def _remove_files(self, name: str) -> None:
        # The reflog first, as Git does: one without its ref says that the ref was lost.
        self.log.remove(name)
        with suppress(FileNotFoundError):
            os.unlink(f"{self._root}/{name}")  # noqa: PTH108 - text paths on the save path

    def pack(self, peel: Callable[[str, str], str], hold: Hold = lambda _name: nullcontext()) -> int:
        """Move loose refs into `packed-refs`; gives how many.

        Args:
            peel: gives what a ref's id peels to, or an empty text: `peel(name, oid)`.
            hold: holds the lock that all writers of a ref hold, or raises StoreLocked: that one stays loose, too.
        """
        packed: dict[str, PackedRef] = {}
        with self._locked_packed() as lock:
            for name in self.loose_names("refs/"):
                with suppress(CorruptObject):
                    oid = None if self.is_symbolic(name) else self.read(name)
                    if oid is not None:
                        packed[name] = PackedRef(oid, peel(name, oid))
            if packed:
                lock.commit(packed_refs.merged(self._packed, packed), sync=True)
                durability.flush_each([self._packed])  # its name, too, before the files go
        return sum(self._prune_loose(name, ref.oid, hold) for name, ref in packed.items())

    def create_all(self, refs: Mapping[str, PackedRef], *, free: bool = False) -> list[str]:
        """Make many refs at once, in `packed-refs`: such as nobody else makes, and nobody has moved yet.

        Args:
            refs: the refs.
            free: leave out those that are there by now; gives the names of the others.
        """
        with self._locked_packed() as lock:
            made = {name: ref for name, ref in refs.items() if not free or self.read(name) is None}
            lock.commit(packed_refs.merged(self._packed, made), sync=True)
        return list(made)

    def _prune_loose(self, name: str, oid: str, hold: Hold) -> bool:
        """Remove a ref's own file where it says the same as packed-refs does now."""
        try:
            # Under the writers' own lock, so that a ref lock which looks like nobody's is not moved from under us.
            with hold(name), self._locked(name):
                content = self._loose(name)
                # It may have been deleted and made again since it was packed.
                if content is None or content.strip() != oid.encode() or packed_refs.find(self._packed, name) != oid:
                    return False
                os.unlink(f"{self._root}/{name}")  # noqa: PTH108 - text paths on the save path
        except StoreLocked:
            return False
        folders.remove_empty_above(self._root, name)
        return True

    def _locked_packed(self) -> AbstractContextManager[LockFile]:
        # A `git pack-refs` of very many refs holds this lock for long, and would write over what was done meanwhile.
        return lock_file(self._packed, self._aside, timeout=90, stale_after=60, flocked=True)

    def _locked(self, name: str) -> AbstractContextManager[LockFile]:
        return lock_file(f"{self._root}/{name}", self._aside)

    def _check_free(self, name: str) -> None:
        """A ref cannot be made where another one is a folder of its name, or it of another's (git-check-ref-format)."""
        parts = name.split("/")
        for depth in range(3, len(parts)):
            parent = "/".join(parts[:depth])
            if self.read(parent) is not None:
                raise RefConflict(name, None, f"below the ref {parent}")
        below = next(iter(self.loose_names(name + "/")), None) or next(
            (found for found, _ in packed_refs.iterate(self._packed, name + "/")), None
        )
        if below is not None:
            raise RefConflict(name, None, f"above the ref {below}")

    def packed_path(self) -> str:
        """Where `packed-refs` stands."""
        return self._packed

    def check_packed(self) -> None:
        """See that every line of `packed-refs` can be found; raises CorruptObject."""
        packed_refs.check_order(self._packed)

    def salvage_packed(self, aside: Path, peel: Callable[[str, str], str]) -> tuple[int, int]:
        """Write `packed-refs` anew with those of its lines that can be read; gives how many there are and were.

        Args:
            aside: where the damaged one is moved.
            peel: as in `pack`.

        Raises:
            StoreLocked: another process held its lock all that time.
            OSError: the disk said no.
        """
        with self._locked_packed() as lock:
            kept, count = self._salvaged(peel)
            os.makedirs(os.path.dirname(aside), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120 - text paths
            os.rename(self._packed, aside)  # noqa: PTH104 - text paths on the save path
            lock.commit(packed_refs.render(kept), sync=True)
        return len(kept), count

    def look_salvaged(self, beside: Path, peel: Callable[[str, str], str]) -> tuple[int, int]:
        """From now on read `packed-refs` as `salvage_packed` would write it, from another file; for who only looks."""
        kept, count = self._salvaged(peel)
        beside.write_bytes(packed_refs.render(kept))
        self._packed = str(beside)
        return len(kept), count

    def _salvaged(self, peel: Callable[[str, str], str]) -> tuple[dict[str, PackedRef], int]:
        found, count = packed_refs.salvage(self._packed)
        return {name: PackedRef(oid, peel(name, oid)) for name, oid in found.items() if is_ref_name(name)}, count
