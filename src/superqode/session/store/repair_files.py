"""The store's own files that cannot be read at all: set aside, so that saves go on, and what can be read is kept."""

from __future__ import annotations

from pathlib import Path

from superqode.session import clock, entropy
from superqode.session.errors import CorruptObject
from superqode.session.git.repository import Repository
from superqode.session.store.results import RepairStep

__all__ = ["repair_files"]


def repair_files(repository: Repository, *, dry_run: bool) -> list[RepairStep]:
    """Set aside files of the journal that cannot be read, and write a damaged `packed-refs` anew; gives what was done.

    Raises:
        CorruptObject: `packed-refs` is damaged, and in a dry run nothing can be told of the refs in it.
        StoreLocked, OSError: it cannot be written.
    """
    steps = [
        _set_aside(repository, path, reason, dry_run=dry_run)
        for path in repository.journal.files()
        if (reason := _unreadable(path))
    ]
    try:
        repository.refs.check_packed()
        repository.refs.names("refs/")
    except CorruptObject as problem:
        if dry_run:
            raise
        steps.append(_salvage(repository, problem))
    return steps


def _unreadable(path: Path) -> str:
    try:
        path.open("rb").close()
    except FileNotFoundError:
        return ""  # a checkpoint is done with it
    except OSError as problem:
        return str(problem.strerror)
    return ""


def _set_aside(repository: Repository, path: Path, reason: str, *, dry_run: bool) -> RepairStep:
    if not dry_run:
        aside = _aside(repository, path.name)
        aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.rename(aside)
    return RepairStep("", "file", f"journal/{path.name}", "nothing: it is set aside", reason)


def _salvage(repository: Repository, problem: CorruptObject) -> RepairStep:
    aside = _aside(repository, "packed-refs")
    kept, were = repository.refs.salvage_packed(aside, lambda _name, oid: repository.objects.peeled(oid))
    return RepairStep("", "file", "packed-refs", "its lines that can be read", f"{kept} of {were}: {problem.reason}")


def _aside(repository: Repository, name: str) -> Path:
    return repository.quarantine / f"{clock.now():%Y%m%dT%H%M%S}-{entropy.random_text(6)}-{name}"
