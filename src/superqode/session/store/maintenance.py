"""Maintenance: refs and objects into packs, leftovers away. Never inside a save, never in the way of one.

Only objects that a ref reaches go into packs, and a loose file goes only when it is in one; an object that a save
beside us has just written stays where it is. What nothing reaches goes by age alone, while no save runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from superqode.session import clock
from superqode.session.errors import GitFailed, GitMissing, StoreError, StoreLocked
from superqode.session.git import program, workplaces
from superqode.session.git.folders import entries_below
from superqode.session.git.gclock import keeping_gc_out
from superqode.session.git.holders import holders, let_go
from superqode.session.git.landing import INCOMING
from superqode.session.git.making import GRACE
from superqode.session.git.packwriting import KEEP
from superqode.session.git.repository import HEADS, Repository
from superqode.session.store.disk import file_sizes
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.entries import EntryCache
from superqode.session.store.index.files import INDEX, kept_beside, throw_away
from superqode.session.store.operations.forgetting import cut
from superqode.session.store.operations.log import OPLOG, OperationLog
from superqode.session.store.owners import owner_of
from superqode.session.store.packing import MANY_PACKS, drop_unreached, has_older_packs, pack_objects
from superqode.session.store.results import MaintenanceReport

__all__ = ["count_loose", "free_now", "holders", "is_due", "leftovers", "maintain"]

# Git's own gc.auto is 6,700; each loose object takes a block of 4 KiB, so we are quicker.
_LOOSE_DUE: Final = 2_000
_REFS_DUE: Final = 1_000
_LEFTOVER_AGE: Final = timedelta(hours=1)
_INDEX_AGE: Final = timedelta(days=30)
# One of the 256 folders stands for all, as in git's own estimate (builtin/gc.c).
_SAMPLE: Final = "17"
# How the name of a damaged object's file ends in the quarantine (`LooseObjects.set_aside`).
_DAMAGED: Final = re.compile("-([0-9a-f]{40})$")
_PURPOSE: Final = "Packing the store"
_NOT_FREED: Final = (
    "What was to be forgotten is in no session any more, but its bytes are still there. Where an object cannot be read,"
    " `superqode sessions verify` names the session, and `superqode sessions repair` makes it whole (else delete and"
    " purge that one); then do this again"
)


def is_due(repository: Repository) -> bool:
    """Whether loose objects, packs or refs have piled up; three folder listings."""
    objects = _entries(repository.path / "objects" / _SAMPLE)
    packs = _entries(repository.path / "objects" / "pack") // 2  # each has an index
    return objects * 256 > _LOOSE_DUE or packs > MANY_PACKS or _entries(repository.path / HEADS) > _REFS_DUE


def _entries(folder: Path) -> int:
    try:
        with os.scandir(folder) as found:
            return sum(1 for _ in found)
    except OSError:
        return 0


def _loose_files(repository: Repository) -> Iterator[os.DirEntry[str]]:
    for number in range(256):
        try:
            with os.scandir(repository.path / "objects" / f"{number:02x}") as found:
                yield from found
        except OSError:
            continue


def count_loose(repository: Repository) -> int:
    """How many loose objects there are."""
    return sum(1 for entry in _loose_files(repository) if len(entry.name) == 38)


def maintain(
    repository: Repository, *, prune_older_than: timedelta | None = GRACE, progress: Progress | None = None
) -> MaintenanceReport:
    """Pack refs and objects, sweep leftovers, prune by age.

    Args:
        repository: the store.
        prune_older_than: objects that nothing reaches and that are older go; `None` keeps all.
        progress: told before each of the four parts.

    Raises:
        StoreLocked: another process is maintaining the store.
    """

    def tell(part: int, what: str) -> None:
        if progress is not None:
            progress(part, 4, what)

    skipped: list[str] = []
    with repository.maintaining():
        repository.checkpoint()
        before = count_loose(repository)
        tell(0, "packing refs")
        refs = repository.refs.pack(
            lambda name, oid: _peel(repository, name, oid),
            lambda name: _holding(repository, name),
        )
        tell(1, "packing objects")
        pack_objects(repository, skipped, whole=prune_older_than is not None)
        tell(2, "sweeping leftovers")
        removed = _sweep(repository)
        _sweep_indexes(repository)
        EntryCache.of(repository).shrink()
        tell(3, "pruning by age")
        if prune_older_than is not None:
            _shorten_log(repository, skipped)
            removed += _prune(repository, prune_older_than, skipped)
        with suppress(OSError):  # saves make what they need
            repository.objects.loose.make_folders()
        after = count_loose(repository)
        tell(4, "done")
    return MaintenanceReport(refs, max(0, before - after), removed, before, after, tuple(skipped))


def _holding(repository: Repository, name: str) -> AbstractContextManager[None]:
    """The lock that all writers of a ref hold, unless somebody has it now."""
    if name == OPLOG:
        return OperationLog(repository).alone(timeout=0)
    # A ref that says the same elsewhere did not move: what the journal tells of it may stay.
    return repository.writing(owner_of(name), journalled=True, timeout=0)


def _peel(repository: Repository, name: str, oid: str) -> str:
    """What a ref peels to; a branch is at a commit, so only others need a look."""
    return "" if name.startswith(HEADS) else repository.objects.peeled(oid)


def leftovers(repository: Repository) -> list[Path]:
    """What killed processes left: temporary files, `.keep` files and ref locks after an hour; what was fetched."""
    limit = clock.now().timestamp() - _LEFTOVER_AGE.total_seconds()
    return [path for path in _temporary(repository) if _is_older(path, limit)] + _landings(repository)


def _landings(repository: Repository) -> list[Path]:
    """Landings whose processes are gone; of one that does not tell of its own, what was not touched for a day."""
    limit = clock.now().timestamp() - (_LEFTOVER_AGE + timedelta(days=1)).total_seconds()
    return [
        path
        for path in (repository.own / INCOMING).glob("*")
        if workplaces.is_left(path) or (not workplaces.says_so(path) and _is_older(path, limit))
    ]


def _temporary(repository: Repository) -> list[Path]:
    found = [Path(entry.path) for entry in _loose_files(repository) if entry.name.startswith("tmp_obj")]
    found += (repository.path / "objects" / "pack").glob("tmp_*")
    found += (repository.path / "objects" / "pack").glob(".tmp-*")
    found += _keeps(repository)
    found += [Path(entry.path) for entry in entries_below(repository.path / "refs") if entry.name.endswith(".lock")]
    return [*found, *repository.path.glob("*.lock")]


def _keeps(repository: Repository) -> list[Path]:
    """The `.keep` files of ours."""
    return [path for path in (repository.path / "objects" / "pack").glob("*.keep") if _is_our_keep(path)]


def _is_our_keep(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(KEEP) + 1) == KEEP
    except OSError:
        return False


def _is_older(path: Path, limit: float) -> bool:
    try:
        return path.stat().st_mtime < limit
    except OSError:
        return False


def _sweep(repository: Repository) -> int:
    """Remove the leftovers; gives how many are gone."""
    return sum(_remove(path) for path in leftovers(repository))


def _sweep_indexes(repository: Repository) -> None:
    """Remove what an older version kept beside the index and did not touch for a month."""
    limit = clock.now().timestamp() - _INDEX_AGE.total_seconds()
    with suppress(OSError):  # the next one tries again
        throw_away(*(path for path in kept_beside(repository.own / INDEX) if _is_older(path, limit)))


def _remove(path: Path) -> bool:
    if path.is_dir():
        return workplaces.remove(path)
    try:
        path.unlink()
    except OSError:
        return False  # it went by itself, or is not ours to remove
    return True


def _shorten_log(repository: Repository, skipped: list[str]) -> None:
    """Let operations go that are too old to be taken back; what they kept goes by age like the rest."""
    try:
        cut(repository, clock.now() - GRACE)
    except StoreError as problem:
        skipped.append(f"the operation log was not shortened: {problem}")


def _is_any_older(repository: Repository, age: timedelta) -> bool:
    limit = clock.now().timestamp() - age.total_seconds()
    return any(len(entry.name) == 38 and _is_older(Path(entry.path), limit) for entry in _loose_files(repository))


def _prune(repository: Repository, age: timedelta, skipped: list[str]) -> int:
    in_packs = has_older_packs(repository, age)
    if not in_packs and not _is_any_older(repository, age):
        return 0  # saves need not wait for git to look through all history and find nothing
    before = count_loose(repository)
    try:
        with repository.exclusive(timeout=10) as held:
            if in_packs:
                drop_unreached(repository, age, held.handles)
            expire = f"--expire={max(0, int(age.total_seconds()))}.seconds.ago"
            program.run(repository.path, ["prune", expire], purpose=_PURPOSE, keep=held.handles)
    except (GitMissing, GitFailed, StoreLocked) as problem:
        skipped.append(f"nothing was pruned: {problem}")
    return max(0, before - count_loose(repository))


def free_now(repository: Repository) -> int:
    """Free the bytes of everything that no ref reaches, at once, while no save runs; gives how many.

    What only reflogs keep goes, too; what keeps some still, `holders` names.

    Raises:
        GitMissing, GitFailed: only `git` can do it.
        StoreLocked: saves, or a `git gc`, did not stop.
    """
    with repository.maintaining():
        repository.checkpoint()  # what the journal has would come back with the next one
        return _free(repository)


def _free(repository: Repository) -> int:
    # A gc that looked at the refs before would put into its pack what is to go.
    with (
        keeping_gc_out(repository.path, repository.quarantine / "locks", timeout=60.0),
        repository.exclusive() as held,
    ):
        before = _size(repository)
        purpose = "Freeing the bytes of purged sessions"
        for keep in _keeps(repository):  # of killed processes: whoever lives holds the store
            _remove(keep)
        for landing in _landings(repository):
            _remove(landing)
        try:
            let_go(repository, held.handles)
            for arguments in (["repack", "-a", "-d", "-l", "-q"], ["prune", "--expire=now"]):
                program.run(repository.path, arguments, purpose=purpose, keep=held.handles)
        except GitFailed as problem:
            raise GitFailed(problem.command, problem.code, f"{problem.said}. {_NOT_FREED}") from problem
        repository.objects.reopen()
        for damaged in _unreached_quarantine(repository):
            _remove(damaged)
        return max(0, before - _size(repository))


def _unreached_quarantine(repository: Repository) -> list[Path]:
    """Damaged files that were set aside, of objects that are freed by now: much of what they held may be readable."""
    found = ((path, _DAMAGED.search(path.name)) for path in repository.quarantine.glob("*"))
    return [path for path, name in found if name is not None and not repository.objects.stands(name[1])]


def _size(repository: Repository) -> int:
    return sum(size for _, size in file_sizes(repository.path / "objects"))
