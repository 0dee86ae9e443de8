"""`reimport`: kept originals mapped again with the importers of today.

The originals stand in for the files of an import, under the names they had, so that relatives find each other as they
did then. Only sessions that are there are mapped: what was deleted does not come back this way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Final

from superqode.session.errors import CorruptSession, SessionError, SessionNotFound, TranscriptError
from superqode.session.importers.base import Imported, Opener, Source, sources_of
from superqode.session.models import Session
from superqode.session.store.imported import save_more
from superqode.session.store.imports import ImportReport, sessions_in, whole
from superqode.session.store.outcomes import ImportOutcome, Status
from superqode.session.store.sources_refs import kept_ids

if TYPE_CHECKING:
    from superqode.session.store.index.catalogue import Progress
    from superqode.session.store.sources import Original
    from superqode.session.store.store import SessionStore

__all__ = ["reimport"]

_NONE_KEPT: Final = "no original of it is kept: import its file again"
_DROPPED: Final = "its original was dropped when it was scrubbed: import its file again"
# What tells a session apart from the others of its file, whatever its id is now.
_TELLING: Final = ("relation", "first_own_entry", "subagent")


def reimport(
    store: SessionStore,
    wanted: Iterable[str] | None = None,
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Map the originals of sessions again; see `SessionStore.reimport`.

    Raises:
        SessionNotFound: one that was named is not there.
    """
    report = ImportReport()
    originals = _Originals(store)
    targets = originals.everything(report) if wanted is None else originals.named(wanted, report)
    for number, (commit, session_ids) in enumerate(targets.items()):
        source = originals.source(commit)
        report.files_seen += 1
        report.sessions += _again(store, source, session_ids, dry_run=dry_run)
        if progress is not None:
            progress(number + 1, len(targets), "importing again")
    return report


class _Originals:
    """All originals of a store, as the files of one import."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._found: dict[str, Original] = {}
        self._sources: dict[str, Source] = {}

    def everything(self, report: ImportReport) -> dict[str, list[str]]:
        """The sessions that have an original, by its commit."""
        repository = self._store._open()
        names = [] if repository is None else kept_ids(repository)
        return self._targets([name for name in names if self._store.exists(name)], report, named=False)

    def named(self, wanted: Iterable[str], report: ImportReport) -> dict[str, list[str]]:
        """These sessions, by their originals' commits; those without one are reported.

        Raises:
            SessionNotFound: one is not there.
        """
        names = list(dict.fromkeys(wanted))
        for name in names:
            if not self._store.exists(name):
                raise SessionNotFound(name)
        return self._targets(names, report, named=True)

    def _targets(self, names: list[str], report: ImportReport, *, named: bool) -> dict[str, list[str]]:
        targets: dict[str, list[str]] = {}
        for name in names:
            try:
                original = self._store.original(name)
            except SessionError as problem:
                report.sessions.append(ImportOutcome("", name, "failed", reason=str(problem)))
                continue
            if original is not None and original.files:
                self._found[original.commit] = original
                targets.setdefault(original.commit, []).append(name)
            elif named:
                reason = _NONE_KEPT if original is None else _DROPPED
                report.sessions.append(ImportOutcome("", name, "failed", reason=reason))
        return targets

    def source(self, commit: str) -> Source:
        """The transcript of an original, which knows the files of all others."""
        if commit not in self._sources:
            self._list(commit)
        return self._sources[commit]

    def _list(self, commit: str) -> None:
        """Make the sources of a run with this original in it; of two files of one name, the one asked for counts."""
        others = self._all()
        files = {file.name: original for original in (*others, self._found[commit]) for file in original.files}
        run = {source.name: source for source in sources_of({name: _opener(files[name], name) for name in files})}
        for original in self._found.values():
            if files[original.name] is original:
                self._sources.setdefault(original.commit, run[original.name])

    def _all(self) -> Iterator[Original]:
        repository = self._store._open()
        for name in kept_ids(repository) if repository is not None else ():
            try:
                original = self._store.original(name)
            except SessionError:
                continue  # named where it is asked for
            if original is not None:
                yield self._found.setdefault(original.commit, original)


def _opener(original: Original, name: str) -> Opener:
    def open_beside(ending: str) -> IO[bytes]:
        return original.open_file(name + ending)

    return open_beside


def _again(store: SessionStore, source: Source, session_ids: list[str], *, dry_run: bool) -> Iterator[ImportOutcome]:
    """Give an outcome for each of the sessions that a source is the original of."""
    from superqode.session.importers import make_importers, recognise

    waiting = dict.fromkeys(session_ids)
    try:
        for part in sessions_in(recognise(source, make_importers()), source):
            if isinstance(part, TranscriptError):
                yield ImportOutcome(source.name, "", "failed", reason=part.reason)
                continue
            name = _counterpart(store, part, waiting)
            if name:
                del waiting[name]
                yield _map(store, source, name, part, dry_run=dry_run)
    except TranscriptError as problem:
        yield ImportOutcome(source.name, "", "failed", reason=problem.reason)
        return
    for name in waiting:
        reason = "today's importer finds no such session in its original; nothing was changed"
        yield ImportOutcome(source.name, name, "failed", reason=reason)


def _counterpart(store: SessionStore, part: Imported, waiting: Mapping[str, None]) -> str:
    """The stored session that a part is; empty where that is none of those asked for."""
    if part.session.id in waiting:
        return part.session.id
    return next((name for name in waiting if _told(_loaded(store, name)) == _told(part.session)), "")


def _loaded(store: SessionStore, name: str) -> Session:
    try:
        return store.load(name)
    except CorruptSession:
        return Session(id=name)  # told when it is mapped


def _told(session: Session) -> list[Any]:
    imported = session.metadata.get("imported")
    told = imported if isinstance(imported, dict) else {}
    return [told.get("format"), told.get("source_session_id"), *(session.metadata.get(name) for name in _TELLING)]


def _map(store: SessionStore, source: Source, name: str, part: Imported, *, dry_run: bool) -> ImportOutcome:
    try:
        stored = store.load(name)
        status: Status = (
            "updated" if save_more(store, stored, whole(part), again=True, dry_run=dry_run) else "unchanged"
        )
    except SessionError as problem:
        return ImportOutcome(source.name, name, "failed", reason=str(problem))
    return ImportOutcome(source.name, name, status, *part.sizes(), title=part.session.title)
