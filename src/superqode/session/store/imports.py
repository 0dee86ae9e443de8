"""Transcripts into the store: files found, recognised, mapped by the importers, saved; again and again without harm.

An import finds its session again by the id the importer makes of the source. The same bytes are nothing new; more of
them are a new commit on the same branch. What people did to the session since (title, tags, own messages) stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from superqode.session import ids
from superqode.session.errors import SessionError, TranscriptError, UnknownTranscript
from superqode.session.importers.base import Imported, Opener, Source, sources_of
from superqode.session.models import Entry, Message, MessageRole, Session, Step, thaw
from superqode.session.store.handoffs import link_to_origin
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.merge import merge_list

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["ENDINGS", "SKIPPED_FOLDERS", "ImportOutcome", "ImportReport", "find_sources", "import_sources"]

Status = Literal["new", "updated", "unchanged", "failed"]

# What a transcript's name may end with, and folders that hold none.
ENDINGS: Final = (".jsonl", ".json", ".json.gz", ".b64", ".txt", ".md", ".db")
_GROWING: Final = ("files_modified", "files_created", "agents_used")
SKIPPED_FOLDERS: Final = frozenset((".git", "node_modules", "__pycache__", ".venv"))


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of one session (or unreadable part) of a source."""

    source: str
    session_id: str
    status: Status
    messages: int = 0
    executions: int = 0
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give the outcome as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


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
            report.sessions += [_take(store, source, part, dry_run=dry_run) for part in _parts(importer, source)]
        if progress is not None:
            progress(number + 1, len(sources), "importing")
    return report


def _parts(importer: Any, source: Source) -> Iterator[Imported | TranscriptError]:
    try:
        yield from importer.read(source)
    except OSError as problem:
        yield TranscriptError(source.name, str(problem.strerror or problem))


def _take(store: SessionStore, source: Source, part: Imported | TranscriptError, *, dry_run: bool) -> ImportOutcome:
    if isinstance(part, TranscriptError):
        return ImportOutcome(source.name, "", "failed", reason=part.reason)
    session = part.session
    counts = len(session.messages), len(session.tool_executions)
    try:
        if not store.exists(session.id):
            status: Status = "new"
            if not dry_run:
                link_to_origin(store, session)
                _save_new(store, session)
        else:
            stored = store.load(session.id)
            status = "unchanged" if _same_source(stored, session) else "updated"
            if status == "updated" and not dry_run:
                status = "updated" if _save_more(store, stored, session) else "unchanged"
    except SessionError as problem:
        return ImportOutcome(source.name, session.id, "failed", reason=str(problem))
    return ImportOutcome(source.name, session.id, status, *counts)


def _save_new(store: SessionStore, session: Session) -> None:
    """Save an import as it would have been saved while it happened."""
    part = session.model_copy(update={name: [] for name in (*_GROWING, "snapshots")})
    part._set_order(())
    part._steps.clear()
    part.updated_at = session.created_at
    snapshots = [step for step in session._steps if step.kind == "snapshot"]
    due = {len(step.state.entries): step for step in snapshots if _is_prefix(step, session)}
    _grow(store, part, session.timeline, due)
    for step in snapshots:
        if step.snapshot is not None and step.snapshot not in part.snapshots:
            part._take_snapshot(step.snapshot)
    _finish(store, part, session)


def _is_prefix(step: Step, session: Session) -> bool:
    entries = step.state.entries
    return tuple(session.timeline[: len(entries)]) == entries


def _grow(store: SessionStore, session: Session, entries: Sequence[Entry], due: Mapping[int, Step]) -> None:
    """Add entries, with a save before and after each prompt, so that history reads and undo steps as in life."""
    before: Entry | None = None
    for number, entry in enumerate(entries):
        if number and (_is_prompt(entry) or (before is not None and _is_prompt(before))):
            store.save(session)
        session.add(entry)
        before = entry
        step = due.get(number + 1)
        if step is not None and step.snapshot is not None:
            session._take_snapshot(step.snapshot)


def _is_prompt(entry: Entry) -> bool:
    return isinstance(entry, Message) and entry.role is MessageRole.USER


def _finish(store: SessionStore, part: Session, whole: Session) -> None:
    """The last save of an import: what the source says as a whole."""
    for name in _GROWING:
        getattr(part, name)[:] = getattr(whole, name)
    part.updated_at = whole.updated_at
    store.save(part)


def _imported(session: Session) -> dict[str, Any]:
    told = session.metadata.get("imported")
    return told if isinstance(told, dict) else {}


def _same_source(stored: Session, fresh: Session) -> bool:
    old, new = _imported(stored), _imported(fresh)
    keys = ("source_sha256", "importer_version", "format")
    return bool(old) and all(old.get(key) == new.get(key) for key in keys)


def _save_more(store: SessionStore, stored: Session, fresh: Session) -> bool:
    """Add what a newer import brings to the stored session; people's own changes stay. Says whether it brought any."""
    if not fresh.timeline and stored.timeline:
        return False  # an export without history takes nothing back
    before = stored.to_dict()
    news = {entry.id: entry for entry in fresh.timeline}
    kept: list[Entry] = []
    for entry in stored.timeline:
        # What is newer than all that this source tells stays: it is an older copy, or the beginning of a longer one.
        stays = entry.id in news or ids.is_own_entry_id(entry.id) or entry.timestamp > fresh.updated_at
        if not stays:
            continue  # the agent rewound past it; the history has it
        newer = news.pop(entry.id, entry)
        kept.append(entry if newer == entry else newer)  # the same object again costs the save nothing
    stored._set_order(kept)
    if stored.title == _imported(stored).get("title"):
        stored.title = fresh.title
    whole = stored.model_copy()
    for name in (*_GROWING, "tags"):
        setattr(whole, name, merge_list((), getattr(fresh, name), getattr(stored, name)))
    whole.files_modified = [path for path in whole.files_modified if path not in whole.files_created]
    whole.updated_at = max(stored.updated_at, fresh.updated_at)
    _grow(store, stored, list(news.values()), {})
    stored.tags = whole.tags
    for name in _GROWING:
        setattr(stored, name, getattr(whole, name))
    known = {snapshot.id for snapshot in stored.snapshots}
    for step in fresh._steps:
        if step.kind == "snapshot" and step.snapshot is not None and step.snapshot.id not in known:
            stored._take_snapshot(step.snapshot)
    if stored.to_dict() | {"updated_at": ""} == before | {"updated_at": ""}:
        return False  # the same conversation from another file: not worth a commit
    stored.metadata = stored.metadata | {"imported": thaw(_imported(fresh))}
    _finish(store, stored, whole)
    return True
