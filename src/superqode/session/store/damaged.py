"""Refs that reach something damaged: what git refuses to put into any pack."""

from __future__ import annotations

from collections.abc import Sequence

from superqode.session.git.repository import Repository
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.verify import Check, Depth

__all__ = ["damaged_refs"]


def damaged_refs(
    repository: Repository, progress: Progress | None = None, names: Sequence[str] | None = None
) -> dict[str, str]:
    """Read what refs reach, all or some; gives the names of those that reach damage (or are it), with the first of it.

    Raises:
        CorruptObject: `packed-refs` is damaged, and nobody can tell which refs there are.
    """
    # Opened anew: what this one remembers would hide damage on the disk.
    check = Check(Repository(repository.path), Depth(), None)
    found: dict[str, str] = {}
    names = repository.refs.names("refs/") if names is None else names
    for number, name in enumerate(names, 1):
        begun = len(check.findings)
        check.ref(name, name)
        if check.has_errors(begun):
            first = check.findings[begun]
            found[name] = f"{first.path}: {first.message}" if first.path not in ("", name) else first.message
        if progress is not None:
            progress(number, len(names), "looking for damage")
    return found
