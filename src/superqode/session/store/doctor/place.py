"""The store's folder: whose it is, who may read it, what its settings say, which locks were left, what lies about."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from superqode.session import clock
from superqode.session.errors import SessionError, StoreUnwritable
from superqode.session.git.folders import entries_below
from superqode.session.git.lockfile import lock_file
from superqode.session.git.making import changed_settings
from superqode.session.git.repository import Repository, is_store
from superqode.session.store import maintenance, old_files
from superqode.session.store.disk import free_bytes
from superqode.session.store.doctor.findings import Examined, Repair, counted, ok, problem, warning

__all__ = ["folder", "leftovers", "locks", "old_store", "opened", "repair_locks", "repair_mode", "settings", "space"]

# Git holds a lock for milliseconds, we for less than a second; a minute is a killed process.
_STALE: Final = 60.0
_LITTLE: Final = 1_000_000_000
_NOTHING: Final = 50_000_000
_SHOWN: Final = 3
# What it means where a setting is not as it was made.
_MEANINGS: Final = {
    "core.repositoryformatversion": "plain git may refuse the store, or read it as something else",
    "core.bare": "plain git takes it for a repository with a work tree",
    "core.logAllRefUpdates": "plain git keeps no log of where a branch stood, by which lost saves are found",
    "core.fsync": "what plain git writes here may be lost with the power",
    "gc.auto": "plain git may pack and clean up by itself, in the middle of its commands",
    "gc.pruneExpire": "`git gc` keeps what no branch reaches for another time than superqode does",
    "receive.fsckObjects": "damaged objects may be pushed into the store",
    "receive.denyNonFastForwards": "a push into the store may take saves off a branch",
    "receive.denyDeletes": "a push into the store may delete sessions",
    "push.default": "a bare `git push` may send sessions",
    "transfer.hideRefs": "plain git hands over the trash and the ledger with a clone, or does not hand over shares",
    "superqode.format": "superqode knows the store by its branch superqode alone, and not in which format it is",
}
_OTHERWISE: Final = "plain git may treat the store otherwise than superqode counts on"


def folder(path: Path) -> Iterator[Examined]:
    """Whether a store is here, ours, and closed to others. Looked at before it is opened, which would set the mode."""
    if not os.path.lexists(path):
        yield ok("store", f"there is no store at {path} yet; the first save makes it")
        return
    if not is_store(path):
        yield _no_store(path)
        return
    yield ok("store", f"a store is at {path}")
    found = path.stat()
    own = getattr(os, "geteuid", lambda: found.st_uid)()
    if found.st_uid != own:
        yield problem(
            "owner",
            f"the store belongs to user {found.st_uid}, and you are user {own}",
            "sessions hold secrets, so only their owner opens a store",
            f"sudo chown -R {own} {shlex.quote(str(path))}",
        )
        return
    yield ok("owner", "it is yours")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        yield warning(
            "mode",
            f"its mode is {mode:04o}",
            "other users of this machine could read your sessions; every command that opens the store closes it",
            f"chmod 700 {shlex.quote(str(path))}",
            Repair.MODE,
        )
    else:
        yield ok("mode", f"only you can read it ({mode:04o})")
    yield from _strangers(path, own)


def _no_store(path: Path) -> Examined:
    remedy = "superqode sessions list --store PATH"
    if path.is_file():
        return problem("store", f"{path} is a file", "a store is a folder", remedy)
    if (path / "superqode" / "unfinished").exists():
        meaning = "making it was interrupted; the next save finishes it"
        return warning("store", f"the store at {path} is not finished", meaning, "superqode sessions new")
    if old_files.old_files(path):
        return ok("store", f"there is no store at {path} yet; the first save or import makes it")
    if not any(path.iterdir()):
        return ok("store", f"{path} is empty; the first save makes a store of it")
    return problem("store", f"{path} is no session store", "it holds other files", remedy)


def _strangers(path: Path, own: int) -> Iterator[Examined]:
    """Files that another user made in the store, as `sudo superqode` does, or that may not be written."""
    strange = [place for place in _places(path) if _is_strange(place, own)]
    if strange:
        shown = ", ".join(str(name.relative_to(path)) for name in strange[:_SHOWN])
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        yield problem(
            "permissions",
            f"these cannot be written by you: {shown}{more}",
            "saves will fail; somebody ran superqode or git as another user here",
            f"sudo chown -R {own} {shlex.quote(str(path))} && chmod -R u+rwX {shlex.quote(str(path))}",
        )
    else:
        yield ok("permissions", "you can write everywhere in it")


def _is_strange(place: Path, own: int) -> bool:
    """Whether it is somebody else's, or this user may not write there; what went meanwhile is not."""
    try:
        writable = os.access(place, os.W_OK)
        return place.lstat().st_uid != own or not writable
    except FileNotFoundError:
        return False


def _places(path: Path) -> Iterator[Path]:
    """The folders, and the files that are written again and again; objects are not."""
    yield path
    for entry in entries_below(path):
        here = Path(entry.path)
        if entry.is_dir(follow_symlinks=False) or (here.parents[1] != path / "objects" and here.is_file()):
            yield here


def repair_mode(path: Path) -> None:
    """Close the folder to others."""
    path.chmod(0o700)


def opened(path: Path) -> Repository | Examined:
    """The store, opened; or why it cannot be."""
    try:
        return Repository(path)
    except (SessionError, OSError) as reason:
        remedy = "superqode sessions list --store PATH"
        return problem("format", str(reason).partition(". ")[0], "superqode cannot open this store", remedy)


def settings(repository: Repository) -> Iterator[Examined]:
    """Whether the store's settings are those it was made with."""
    yield ok("format", "superqode can read its format")
    changed = changed_settings(repository.path)
    configure = f"git -C {shlex.quote(str(repository.path))} config"
    for key, (made, now) in changed.items():
        # `!` would call up an earlier command in a shell that talks with people.
        commands = [f"{configure} --unset-all {key}"] if len(made) > 1 and now else []
        adding = "--add" if len(made) > 1 else "--replace-all"
        commands += [f"{configure} {adding} {key} {shlex.quote(value)}" for value in made]
        yield warning(
            "settings",
            f"{key} is {', '.join(now) or 'not set'}, and was made as {', '.join(made)}",
            _MEANINGS.get(key, _OTHERWISE),
            "; ".join(commands),
        )
    if not changed:
        yield ok("settings", "its settings are as it was made")


def locks(repository: Repository) -> Iterator[Examined]:
    """Lock files that killed processes left: Git's protocol knows no owner, so they block everybody."""
    stale = _stale(repository.path)
    if stale:
        shown = ", ".join(str(lock.relative_to(repository.path)) for lock in stale[:_SHOWN])
        yield warning(
            "locks",
            f"{counted(len(stale), 'lock')} older than a minute: {shown}",
            "a killed process left them; saves of those sessions wait a second for each, and git refuses",
            "superqode doctor --fix",
            Repair.LOCKS,
        )
    else:
        yield ok("locks", "no lock was left behind")


def _stale(path: Path) -> list[Path]:
    limit = clock.now().timestamp() - _STALE
    found = [path / "packed-refs.lock", path / "HEAD.lock", path / "config.lock"]
    found += [Path(entry.path) for entry in entries_below(path / "refs") if entry.name.endswith(".lock")]
    return [lock for lock in found if _older(lock, limit)]


def _older(file: Path, limit: float) -> bool:
    try:
        return file.lstat().st_mtime < limit
    except OSError:
        return False


def repair_locks(repository: Repository) -> None:
    """Move stale locks aside, by taking each of them as a save would."""
    for lock in _stale(repository.path):
        with lock_file(str(lock).removesuffix(".lock"), repository.quarantine / "locks"):
            pass


def leftovers(repository: Repository) -> Iterator[Examined]:
    """Temporary files of killed processes, and damaged files that were set aside."""
    left = [file for file in maintenance.leftovers(repository) if file.suffix != ".lock"]
    if left:
        yield warning(
            "leftovers",
            f"{counted(len(left), 'temporary file')} of killed processes",
            "they take room and nothing else",
            "superqode sessions maintain",
        )
    else:
        yield ok("leftovers", "no temporary files were left behind")
    kept = [file for file in repository.quarantine.glob("*") if file.name != "locks"]
    if kept:
        yield warning(
            "leftovers",
            f"{counted(len(kept), 'damaged file')} set aside in {repository.quarantine}",
            "the disk or a crash damaged them; what could be written anew was",
            "superqode sessions verify",
        )


def old_store(path: Path) -> Iterator[Examined]:
    """Sessions of superqode 2.25 that wait in the same folder."""
    told = old_files.notice(path)
    if told:
        remedy = "superqode sessions import --old-store"
        yield warning("old store", told.partition(". ")[0].rstrip("."), "they are not listed or searched", remedy)


def space(path: Path) -> Iterator[Examined]:
    """Free space where the store lies, or will lie."""
    there = next((place for place in (path, *path.parents) if place.is_dir()), path)
    free = free_bytes(there)
    told = f"{free / 1e9:,.1f} GB are free on its disk"
    remedy = "superqode sessions maintain; superqode sessions purge --older-than 30d --now"
    if free < _NOTHING:
        yield problem("disk", told, "saves will fail soon", remedy)
    elif free < _LITTLE:
        yield warning("disk", told, "packing needs room for a second copy of what it packs", remedy)
    else:
        yield ok("disk", told)
    if not os.access(there, os.W_OK):
        reason = str(StoreUnwritable(there, "permission denied")).partition(". ")[0]
        yield problem("permissions", reason, "nothing can be saved", f"chmod u+rwx {shlex.quote(str(there))}")
