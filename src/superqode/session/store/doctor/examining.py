"""All of it together: look a store over, and mend what can be mended without asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from superqode.session.git.repository import Repository, is_store
from superqode.session.store.doctor import content, place, surroundings
from superqode.session.store.doctor.findings import DoctorReport, Examined, Repair
from superqode.session.store.index.catalogue import Progress

__all__ = ["examine", "repair"]

_REPAIRS: Final[Mapping[Repair, Callable[[Repository], None]]] = {
    Repair.LOCKS: place.repair_locks,
    Repair.INDEX: content.repair_index,
    Repair.HOOKS: surroundings.repair_hooks,
}


def examine(path: Path, *, reach_remotes: bool = False, progress: Progress | None = None) -> DoctorReport:
    """Look a store over; changes nothing, and reports what is wrong instead of raising it.

    Args:
        path: the store's folder, whether there is a store or not.
        reach_remotes: also ask each remote, which takes a connection.
        progress: told while sessions are looked at.
    """
    return DoctorReport(str(path), tuple(_findings(path, reach_remotes, progress)))


def _findings(path: Path, reach_remotes: bool, progress: Progress | None) -> Iterator[Examined]:
    yield from surroundings.git()
    yield from place.space(path)
    yield from place.old_store(path)
    looked = list(place.folder(path))
    yield from looked
    if not is_store(path) or any(finding.area == "owner" and finding.level == "problem" for finding in looked):
        return
    # Looked at before the folder is opened: opening sets the mode right, and is refused where the format is another.
    yield from surroundings.hooks(path)
    repository = place.opened(path)
    if isinstance(repository, Examined):
        yield repository
        return
    yield from place.settings(repository)
    yield from place.locks(repository)
    yield from content.refs(repository)
    yield from content.objects(repository, progress)
    yield from content.journal(repository)
    yield from content.operations(repository)
    yield from content.shares(repository)
    yield from content.index(repository)
    yield from place.leftovers(repository)
    yield from surroundings.remotes(repository, reach=reach_remotes)


def repair(path: Path, wanted: Iterable[Repair]) -> tuple[Repair, ...]:
    """Mend what an examination named; gives what was mended.

    Raises:
        SessionError: the store cannot be opened, or a file of it not written.
    """
    done = dict.fromkeys(wanted)
    if Repair.MODE in done:
        place.repair_mode(path)
    if done.keys() - {Repair.MODE}:
        repository = Repository(path)
        for name in done.keys() & _REPAIRS.keys():
            _REPAIRS[name](repository)
    return tuple(done)
