"""The store's own files that cannot be read at all: set aside, so that saves go on, and what can be read is kept."""

from __future__ import annotations

from pathlib import Path

from superqode.session import clock, entropy
from superqode.session.errors import CorruptObject
from superqode.session.git.repository import Repository
from superqode.session.store.results import RepairStep

__all__ = ["aside_for", "repair_files"]


def repair_files(repository: Repository, scratch: Path | None) -> list[RepairStep]:
    """Set aside files of the journal that cannot be read, and write a damaged `packed-refs` anew; gives what was done.

    Args:
        repository: the store.
        scratch: a folder outside of it where this is a dry run: a damaged `packed-refs` is read from there afterwards.

    Raises:
        StoreLocked, OSError: it cannot be written.
    """
    steps = [
        _set_aside(repository, path, reason, dry_run=scratch is not None)
        for path in repository.journal.files()
        if (reason := _unreadable(path))
    ]
    try:
        repository.refs.check_packed()
        repository.refs.names("refs/")
    except CorruptObject as problem:
        steps.append(_salvage(repository, problem, scratch))
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
        aside = aside_for(repository, path.name)
        aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.rename(aside)
    return RepairStep("", "file", f"journal/{path.name}", "nothing: it is set aside", reason)


def _salvage(repository: Repository, problem: CorruptObject, scratch: Path | None) -> RepairStep:
    def peel(_name: str, oid: str) -> str:
        return repository.objects.peeled(oid)

    if scratch is not None:
        kept, were = repository.refs.look_salvaged(scratch / "packed-refs", peel)
    else:
        kept, were = repository.refs.salvage_packed(aside_for(repository, "packed-refs"), peel)
    return RepairStep("", "file", "packed-refs", "its lines that can be read", f"{kept} of {were}: {problem.reason}")


def aside_for(repository: Repository, name: str) -> Path:
    """Where a damaged file of this name is moved."""
    return repository.quarantine / f"{clock.now():%Y%m%dT%H%M%S}-{entropy.random_text(6)}-{name}"
