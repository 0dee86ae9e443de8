"""A place of its own for what comes from outside: nothing of it is in the store before all of it was checked.

bundle → header parsed here → `git index-pack --strict` in the landing → looked at → pack moved into the store
"""

from __future__ import annotations

import filecmp
import shutil
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from superqode.session import entropy
from superqode.session.git import bundle, durability
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.packwriting import keep_pack
from superqode.session.git.repository import Repository
from superqode.session.git.workplaces import Workplace

__all__ = ["INCOMING", "Landing", "scratch_repository", "to_send_from", "unless_it_fails", "with_refs_alone"]

# Below the store, so that a checked pack moves by renaming; `maintain` sweeps what killed processes left.
INCOMING: Final = "incoming"
_REPOSITORY: Final = "repository"


def _new_place(store: Repository) -> Workplace:
    """A folder on the store's disk, which others leave alone for as long as this process lives."""
    return Workplace(lambda: store.own / INCOMING / entropy.random_text(16))


@contextmanager
def scratch_repository(store: Repository) -> Iterator[Repository]:
    """A repository for the length of a block that sees the store's objects; what is written to it goes with it."""
    place = _new_place(store)
    try:
        yield Repository.temporary(place.path / _REPOSITORY, borrow=store.path)
    finally:
        place.close()


@contextmanager
def to_send_from(store: Repository) -> Iterator[Path]:
    """A repository without refs that sends the store's objects under the store's settings; gives its folder.

    To make a pack git looks at all tags that it finds, and dies of a damaged one.
    """
    with scratch_repository(store) as scratch:
        path = str(store.path / "config").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        with (scratch.path / "config").open("a", encoding="utf-8", errors="surrogateescape") as config:
            config.write(f'[include]\n\tpath = "{path}"\n')
        yield scratch.path


@contextmanager
def with_refs_alone(store: Repository, names: Iterable[str]) -> Iterator[Repository]:
    """A scratch repository that has some refs of the store, and no others.

    Git looks at more than it is asked for: at all tags to make a pack, at all refs to verify a bundle. Damage that only
    others reach is in nobody's way here.

    Raises:
        CorruptObject: one of the refs is damaged.
    """
    found = {name: oid for name in names if (oid := store.refs.read(name)) is not None}
    with scratch_repository(store) as scratch:
        scratch.refs.create_all({name: PackedRef(oid, store.objects.peeled(oid)) for name, oid in found.items()})
        yield scratch


@contextmanager
def unless_it_fails(landing: Landing) -> Iterator[Landing]:
    """Keep a landing past a block that succeeds; one that fails takes it away at once, however long its error lives."""
    try:
        yield landing
    except BaseException:
        landing.close()
        raise


class Landing:
    """A repository that goes away with this object, unless its packs are taken over.

    Args:
        store: the store that may take it over.
        borrow: whether what comes may build on the store's objects.

    Attributes:
        repository: the temporary repository.
    """

    def __init__(self, store: Repository, *, borrow: bool = False) -> None:
        self._store = store
        place = _new_place(store)
        self._remove = weakref.finalize(self, place.close)
        self.repository = Repository.temporary(place.path / _REPOSITORY, borrow=store.path if borrow else None)

    def close(self) -> None:
        """Remove it; again is fine."""
        self._remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def unpack(self, stream: IO[bytes], source: str, *, prerequisites: Iterable[str] = ()) -> dict[str, str]:
        """Take a bundle in: every object checked, every link followed; gives the refs it names.

        Args:
            stream: a file, at its beginning.
            source: what it is, in the words of an error.
            prerequisites: the only commits it may build on.

        Raises:
            BackupError: it is no bundle, or names what it may not.
            GitFailed: an object is broken or hostile.
        """
        refs = bundle.read_header(stream, source, prerequisites=frozenset(prerequisites))
        bundle.unpack(self.repository.path, stream, source)
        return refs

    def collect_refs(self, prefix: str) -> dict[str, str]:
        """Give the refs below a prefix that ends in a slash, and let the next fetch begin as if there had been none.

        Many refs are many files, and of each commit whose parents were left out git would tell the server again.
        """
        found = dict(self.repository.refs.items(prefix))
        shutil.rmtree(self.repository.path / prefix, ignore_errors=True)
        (self.repository.path / "shallow").unlink(missing_ok=True)
        return found

    def borrow(self) -> None:
        """Let what is looked for from now on be found in the store as well, behind what came."""
        self.repository.borrow(self._store.path)

    def take_over(self, *, heal: bool = False) -> None:
        """Move the packs into the store, durably; the caller keeps pruning out and makes a ref for them next.

        Args:
            heal: whether what came stands in the place of what is damaged in the store: packs of the same name, which
                is that of their content, and loose files, which go to the quarantine.
        """
        target = self._store.path / "objects" / "pack"
        came = set(self.repository.objects.every()) if heal else set()
        target.mkdir(parents=True, exist_ok=True)
        moved: list[str] = []
        keeps = self._store.objects.pack_keeps()
        for pack in sorted((self.repository.path / "objects" / "pack").glob("pack-*.pack")):
            if keeps is not None and not (target / pack.name).exists():
                keeps += keep_pack(target / pack.name)
            # The index last: a pack is there for readers as soon as its index is.
            for ending in (".rev", ".pack", ".idx"):
                source = pack.with_suffix(ending)
                there = target / source.name
                if source.exists() and not (there.exists() and (not heal or filecmp.cmp(source, there, shallow=False))):
                    source.replace(there)
                    moved.append(str(there))
        if moved:
            durability.flush(self._store.path, moved)
        if heal:
            self._set_aside(came)
            self._store.objects.reopen()

    def _set_aside(self, came: set[str]) -> None:
        """Put the store's damaged files of these objects, which it has in packs, into the quarantine."""
        loose = self._store.objects.loose
        for oid in came.intersection(loose.every()):
            if loose.is_damaged(oid):
                loose.set_aside(oid)
