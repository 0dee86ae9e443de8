"""Transcripts into the store: files found, recognised, mapped by the importers, saved; again and again without harm.

An import finds its session again by the id the importer makes of the source. The same bytes are nothing new; more of
them are a new commit on the same branch. What people did to the session since (title, tags, own messages) stays. The
files themselves are kept beside the sessions (`sources.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from superqode.session.errors import SessionError, TranscriptError, UnknownTranscript
from superqode.session.importers.base import Imported, Importer, Opener, Source, sources_of
from superqode.session.models import Session
from superqode.session.store.appending import Batch
from superqode.session.store.handoffs import link_to_origin
from superqode.session.store.imported import same_source, save_more, save_with_snapshots
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.loading import load_meta
from superqode.session.store.outcomes import ImportOutcome, Status
from superqode.session.store.sources_watch import Run, Watched, keep
from superqode.session.store.transcript_files import ENDINGS, SKIPPED_FOLDERS

if TYPE_CHECKING:
    from types import TracebackType

    from superqode.session.store.store import SessionStore

__all__ = [
    "ImportReport",
    "find_sources",
    "import_sources",
    "sessions_in",
    "whole",
]


@dataclass(slots=True)
class ImportReport:
    """What an import did; `files_ignored` were files of a folder that no importer knows."""

    files_seen: int = 0
    files_ignored: int = 0
    sessions: list[ImportOutcome] = field(default_factory=list)

    def count(self, status: Status) -> int:
        """How many sessions ended like this."""
        return sum(1 for outcome in self.sessions if outcome.status == status)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON values."""
        return {
            "files_seen": self.files_seen,
            "files_ignored": self.files_ignored,
            "sessions": [outcome.to_dict() for outcome in self.sessions],
        }


def find_sources(paths: Iterable[Path]) -> tuple[list[Source], set[str]]:
    """List the files to look at, hidden ones too, and which of them were named themselves.

    Raises:
        TranscriptError: a path does not exist.
    """
    found: dict[str, Path] = {}
    named: set[str] = set()
    for path in paths:
        if path.is_dir():
            found.update((file.as_posix(), file) for file in _walk(path))
        elif path.exists():
            found[path.as_posix()] = path
            named.add(path.as_posix())
        else:
            raise TranscriptError(str(path), "there is no such file or folder")
    return sources_of({name: _opener(file) for name, file in found.items()}), named


def _opener(path: Path) -> Opener:
    def open_beside(ending: str) -> IO[bytes]:
        file = Path(f"{path}{ending}") if ending else path
        if ending and not file.is_file():  # a pipe would never answer
            raise FileNotFoundError(str(file))
        return file.open("rb")

    return open_beside


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(place, name)
            if name.endswith(ENDINGS) and path.is_file():
                yield path


def import_sources(
    store: SessionStore,
    paths: Iterable[Path],
    *,
    dry_run: bool = False,
    progress: Progress | None = None,
    wanted: Callable[[str], bool] | None = None,
) -> ImportReport:
    """Import every transcript among these files and folders; a damaged one is reported, the rest goes on.

    Args:
        store: the `SessionStore`.
        paths: files and folders.
        dry_run: only tell what would be done.
        progress: told after each file.
        wanted: says by a file's name whether it is to be imported; the others are only there for those that need them.
    """
    from superqode.session.importers import make_importers, recognise

    every, named = find_sources(paths)
    sources = [source for source in every if wanted is None or wanted(source.name)]
    report = ImportReport(files_seen=len(sources))
    importers = make_importers()
    with _Import(store, report, dry_run=dry_run) as run:
        for number, source in enumerate(sources):
            try:
                importer = recognise(source, importers)
            except UnknownTranscript as problem:
                if source.name in named:
                    report.sessions.append(ImportOutcome(source.name, "", "failed", reason=problem.reason))
                else:
                    report.files_ignored += 1
            except TranscriptError as problem:
                report.sessions.append(ImportOutcome(source.name, "", "failed", reason=problem.reason))
            else:
                run.read(importer, source)
            if progress is not None:
                progress(number + 1, len(sources), "importing")
    return report


def sessions_in(importer: Importer, source: Source) -> Iterator[Imported | TranscriptError]:
    """Give what an importer makes of a source; a file that cannot be read is an error among it."""
    try:
        yield from importer.read(source)
    except OSError as problem:
        yield TranscriptError(source.name, str(problem.strerror or problem))


def whole(part: Imported) -> Session:
    """The session of an import with all its entries in memory."""
    if part.stream is not None:
        part.session._set_order(part.stream())
    return part.session


class _Import:
    """One import of many files; new sessions are written in batches."""

    def __init__(self, store: SessionStore, report: ImportReport, *, dry_run: bool) -> None:
        self._store = store
        self._report = report
        self._dry_run = dry_run
        self._run = Run()
        self._batch: Batch | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem is None:
            self._flush()
            if not self._dry_run:
                self._report.sessions += _keep_originals(self._store, self._run)
        elif self._batch is not None:
            self._batch.__exit__(kind, problem, trace)

    def read(self, importer: Importer, source: Source) -> None:
        """Import what is in a source."""
        watched = Watched(source)
        self._run.read.append(watched)
        for part in sessions_in(importer, watched.source):
            if isinstance(part, TranscriptError):
                outcome = ImportOutcome(source.name, "", "failed", reason=part.reason)
            else:
                outcome = self._take(watched, part)
            self._report.sessions.append(outcome)

    def _take(self, watched: Watched, part: Imported) -> ImportOutcome:
        session_id = part.session.id
        try:
            status = self._save(part)
            watched.sessions.append(session_id)
            if status != "unchanged" or self._lacks_original(session_id):
                self._run.owners[session_id] = watched
        except (SessionError, OSError) as problem:
            return ImportOutcome(watched.whole.name, session_id, "failed", reason=str(problem))
        return ImportOutcome(watched.whole.name, session_id, status, *part.sizes(), title=part.session.title)

    def _save(self, part: Imported) -> Status:
        store, session = self._store, part.session
        if self._batch is not None and (self._batch.holds(session.id) or self._batch.full):
            self._flush()
        if not store.exists(session.id):
            if not self._dry_run:
                link_to_origin(store, session)
                self._save_new(part)
            return "new"
        if same_source(load_meta(store._existing(session.id), session.id).metadata, session.metadata):
            return "unchanged"  # known from the fields alone: what was said is not read
        if self._dry_run:
            return "updated"
        self._flush()
        return "updated" if save_more(store, store.load(session.id), whole(part)) else "unchanged"

    def _save_new(self, part: Imported) -> None:
        if any(step.kind == "snapshot" for step in part.session._steps):
            self._flush()
            save_with_snapshots(self._store, part.session)
            return
        if self._batch is None:
            self._batch = Batch(self._store._made(), durable=self._store._durable)
        self._batch.write(part.session, part.entries())

    def _flush(self) -> None:
        """Make the branches that wait; those that cannot be made are reported."""
        with self._store._told():
            failed = self._batch.flush() if self._batch is not None else []
        for problem in failed:
            self._report.sessions = [
                replace(outcome, status="failed", reason=str(problem))
                if outcome.session_id == problem.session_id
                else outcome
                for outcome in self._report.sessions
            ]

    def _lacks_original(self, session_id: str) -> bool:
        known = session_id in self._run.owners
        return not known and not self._dry_run and self._store.original(session_id) is None


def _keep_originals(store: SessionStore, run: Run) -> Iterator[ImportOutcome]:
    """Keep the files that gave something new; gives an outcome for each that could not be kept."""
    if not run.owners:
        return
    repository = store._made()
    others = run.standing_alone(repository)
    for watched in run.giving():
        try:
            keep(repository, watched, run.sessions_of(watched), others)
        except TranscriptError as problem:
            yield ImportOutcome(watched.whole.name, "", "failed", reason=problem.reason)
        except (SessionError, OSError) as problem:
            reason = f"its original was not kept ({problem})"
            # Named by a session: it is the store that failed, so a rescue tries the file again.
            yield ImportOutcome(watched.whole.name, watched.sessions[0], "failed", reason=reason)
