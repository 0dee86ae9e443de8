"""Backup and restore: one Git bundle with every session, snapshot, trash item and ledger, and the settings besides.

What is no ref travels as files of the commit `refs/superqode/backup`: the store's settings and the quarantine. A
bundle comes from outside, so only settings that cannot run anything come back from it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

from superqode.session import entropy
from superqode.session.codec import jsontext
from superqode.session.errors import BackupError, CorruptObject, GitFailed, InvalidRemote
from superqode.session.git import bundle, durability, workplaces
from superqode.session.git.landing import with_refs_alone
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry
from superqode.session.git.packed_refs import PackedRef
from superqode.session.git.remote_urls import check_url
from superqode.session.git.repository import HEADS, RESERVED_BRANCH, Repository
from superqode.session.git.workplaces import Workplace
from superqode.session.store.damaged import damaged_refs
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.operations.log import OPLOG

__all__ = ["backup", "restore"]

_REF: Final = "refs/superqode/backup"
_SETTINGS_FILE: Final = "settings.json"
_QUARANTINE: Final = "quarantine"
# How the folder begins that a backup is written in, beside its file.
_PLACE: Final = ".superqode-backup-"
# How often a ref may move while git is about to read it: what an operation on its way named is not kept for long.
_TRIES: Final = 5
_ALLOWED: Final = ("refs/heads/", "refs/tags/", "refs/superqode/")
# Settings that only describe: nothing here names a program, a file or another repository's hooks.
_SAFE: Final = re.compile(
    r"remote\.[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.(?:url|pushurl|superqode[a-z]*)|user\.(?:name|email)|superqode\.[a-z]+"
)
_LOCAL: Final = frozenset(("superqode.format", "superqode.allowplaintextpush"))
# Without these a file is no backup.
_NEEDED: Final = frozenset((_REF, HEADS + RESERVED_BRANCH))

# Told of a ref that is left out, and of the damage that it reaches.
LeftOut = Callable[[str, str], object]


def backup(
    repository: Repository, target: Path, progress: Progress | None = None, damaged: LeftOut | None = None
) -> Path:
    """Write a verified backup to a file that is not there yet; gives its path.

    Raises:
        BackupError: the file is there already, or cannot be written; without `damaged` also where something is damaged.
        StoreLocked: another backup, or what frees bytes, took too long.
        GitMissing, GitFailed: `git` is missing, or said no.
    """
    target = target.absolute()  # a relative path could begin like an option of git
    if target.exists():
        raise BackupError(f"{target} is there already. Choose another name; a backup never replaces one")
    if not target.parent.is_dir():
        raise BackupError(f"There is no folder {target.parent}. Make it, or choose another")
    if progress is not None:
        progress(0, 2, "writing")
    _sweep(target.parent)
    # One at a time, for all have the same ref for their settings; and nothing is freed that git is about to read.
    with repository.alone("backup"), repository.writing():
        kept = _write_settings(repository)
        try:
            _make(target, lambda partial: _write_whole(repository, partial, progress, damaged))
        except OSError as problem:
            raise BackupError(f"{target} cannot be written: {problem.strerror}") from problem
        finally:
            repository.refs.delete(_REF, kept)
    if progress is not None:
        progress(2, 2, "done")
    return target


def _make(target: Path, write: Callable[[Path], None]) -> None:
    """Write the file where only its owner can look, for git makes it as the umask says; then give it its name."""
    place = Workplace(lambda: target.with_name(_PLACE + entropy.random_text(16)))
    try:
        partial = place.path / "bundle"
        write(partial)
        partial.chmod(0o600)
        durability.publish(partial, target)
    finally:
        place.close()


def _write_whole(repository: Repository, partial: Path, progress: Progress | None, damaged: LeftOut | None) -> None:
    """Write the bundle, without what git cannot read, if that may be left out."""
    try:
        _write(repository, partial, ())
    except GitFailed:
        left_out = damaged_refs(repository, progress)
        if not left_out:
            raise
        if damaged is None or _NEEDED & left_out.keys():
            raise _refused(left_out) from None
        _write(repository, partial, left_out)
        for name, reason in left_out.items():
            damaged(name, reason)


def _refused(left_out: Mapping[str, str]) -> BackupError:
    name, reason = next(iter(left_out.items()))
    others = f", as are {len(left_out) - 1} more refs" if len(left_out) > 1 else ""
    return BackupError(
        f"No backup was written: {name} is damaged ({reason}){others}. `superqode sessions repair` makes whole what it"
        " has a copy of, and saves what can be read of the rest"
    )


def _sweep(folder: Path) -> None:
    """Remove what killed backups left beside the new one."""
    with suppress(OSError):
        for path in folder.glob(f"{_PLACE}*"):
            if not path.is_symlink() and workplaces.is_left(path):
                workplaces.remove(path)


def _write(repository: Repository, partial: Path, left_out: Collection[str]) -> None:
    """Write the bundle; where a ref moves or goes before git has read it, once more."""
    for attempt in count(1):
        before = _state(repository)
        try:
            _write_now(repository, partial, left_out)
        except GitFailed:
            if attempt == _TRIES or before == _state(repository):
                raise
        else:
            return


def _write_now(repository: Repository, partial: Path, left_out: Collection[str]) -> None:
    unborn = repository.refs.unborn()  # symbolic refs that lead nowhere: git takes them for wrong names
    names = [
        name
        for name in repository.refs.names("refs/")
        if name.startswith(_ALLOWED) and name not in left_out and name not in unborn
    ]
    if not left_out:
        bundle.write_bundle(repository.path, partial, names)
        return
    with with_refs_alone(repository, names) as sound:
        bundle.write_bundle(sound.path, partial, names)


def _state(repository: Repository) -> object:
    """Where all refs are, and when the operation log's file was written: one that had begun moves it there and back."""
    with suppress(OSError):
        written = (repository.path / OPLOG).stat()
        return written.st_ino, written.st_mtime_ns, repository.refs.items("refs/")
    return repository.refs.items("refs/")


def _write_settings(repository: Repository) -> str:
    objects = repository.objects
    settings = jsontext.dump_document(dict(repository.settings()))
    root = [TreeEntry(BLOB, _SETTINGS_FILE, objects.write("blob", settings))]
    files = [
        TreeEntry(BLOB, path.name, objects.write("blob", path.read_bytes()))
        for path in sorted(repository.quarantine.glob("*"))
        if path.is_file()
    ]
    if files:
        root.append(TreeEntry(TREE, _QUARANTINE, objects.write_tree(files)))
    ident = repository.committer()
    commit = objects.write_commit(objects.write_tree(root), (), ident, ident, b"backup: settings\n")
    repository.flush()
    stale = repository.refs.read(_REF)
    repository.refs.update(_REF, commit, stale, ident=ident, reason="backup")
    repository.flush([str(repository.path / _REF)])  # a crash of the system would leave an empty file of it
    return commit


def restore(source: Path, target: Path) -> Repository:
    """Make a store out of a backup, in a folder that is not there yet or empty.

    Raises:
        BackupError: the file is no backup, is damaged or hostile, or the folder is in use.
        GitMissing: there is no git.
    """
    if target.exists() and any(target.iterdir()):
        raise BackupError(f"{target} is not empty. Restore into a new folder, then move it where you want it")
    building = target.with_name(f".{target.name}.{entropy.random_text(8)}")
    try:
        with source.open("rb") as stream:
            refs = bundle.read_header(stream, str(source))
            _check_refs(refs, source)
            repository = Repository.create(building)
            bundle.unpack(building, stream, str(source))
        _take_refs(repository, refs, source)
        if target.exists():
            target.rmdir()
        building.rename(target)
        durability.flush(target.parent, [str(target.absolute() / name) for name in ("HEAD", "config")])
    except OSError as problem:
        raise BackupError(f"{source} cannot be restored to {target}: {problem.strerror or problem}") from problem
    except (GitFailed, CorruptObject) as problem:
        raise BackupError(f"{source} is damaged, and nothing was restored: {problem}") from problem
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Repository(target)


def _check_refs(refs: dict[str, str], source: Path) -> None:
    strange = [name for name in refs if not name.startswith(_ALLOWED)]
    if strange:
        raise BackupError(f"{source} is refused: a store has no ref {strange[0]}")
    if _REF not in refs or HEADS + RESERVED_BRANCH not in refs:
        raise BackupError(f"{source} is a Git bundle, but no backup of a session store")


def _take_refs(repository: Repository, refs: dict[str, str], source: Path) -> None:
    objects = repository.objects
    for name, oid in refs.items():
        if not objects.has(oid):
            raise BackupError(f"{source} is damaged: {name} names an object that is not in it")
    settings = refs.pop(_REF)
    reserved = HEADS + RESERVED_BRANCH
    made = repository.refs.read(reserved)
    new = refs.pop(reserved)
    if made is not None and made != new:
        repository.refs.update(reserved, new, made, ident=repository.committer(), reason="backup: restored")
    repository.refs.create_all({name: PackedRef(oid, objects.peeled(oid)) for name, oid in refs.items()})
    _restore_settings(repository, settings)
    repository.flush([str(repository.path / "packed-refs")])


def _restore_settings(repository: Repository, commit: str) -> None:
    objects = repository.objects
    root = {entry.name: entry for entry in objects.tree(objects.commit(commit).tree)}
    try:
        told = jsontext.load(objects.blob(root[_SETTINGS_FILE].oid))
    except (KeyError, ValueError):
        told = {}
    for key, value in told.items() if isinstance(told, dict) else ():
        if isinstance(value, str) and _is_safe(key, value):
            repository.set(key, value)
    if _QUARANTINE in root:
        repository.quarantine.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number, entry in enumerate(objects.tree(root[_QUARANTINE].oid)):
            name = re.sub(r"[^A-Za-z0-9-]", "", entry.name)[:100] or str(number)
            (repository.quarantine / name).write_bytes(objects.blob(entry.oid))


def _is_safe(key: str, value: str) -> bool:
    if not _SAFE.fullmatch(key) or key.lower() in _LOCAL or "\n" in value or len(value) > 1000:
        return False
    if not key.endswith("url"):
        return True
    try:
        return check_url(value) == value
    except InvalidRemote:
        return False
