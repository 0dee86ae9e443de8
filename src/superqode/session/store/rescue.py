"""Agents' sessions into the store before the agents forget them: what changed since the last time is imported.

A record beside the index (`index/rescued.py`) says how each file looked when it was read, so that a look at tens of
thousands of files costs their file times alone. It is written after the sessions are safe, and may be deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from superqode import __version__
from superqode.session import clock
from superqode.session.agents import FoundPlace
from superqode.session.errors import AlreadyWatched, SessionError, StoreLocked, TranscriptError
from superqode.session.git import flock
from superqode.session.store.index.catalogue import Progress
from superqode.session.store.index.moments import to_micros
from superqode.session.store.index.rescued import Rescued, Seen
from superqode.session.store.old_files import DONE, old_files
from superqode.session.store.outcomes import ImportOutcome
from superqode.session.store.rescue_scan import is_settled, is_whole, scan

if TYPE_CHECKING:
    from superqode.session.store.store import SessionStore

__all__ = ["PlaceReport", "RescueReport", "rescue", "watch"]

# What is noted at once: a first rescue that is cut short goes on from there. Each batch lists the place again.
_BATCH: Final = 500
_BATCHES: Final = 20
# Between two looks, in seconds; and as a multiple of what a look took, so that watching costs a twentieth at most.
_PAUSE: Final = 2.0
_PAUSE_FACTOR: Final = 20
_LONGEST_PAUSE: Final = 30.0
# How importers tell of a file without a message, whole or not.
_NOTHING_SAID: Final = "it holds no messages"


@dataclass(slots=True)
class PlaceReport:
    """What was found in one place of one agent.

    Attributes:
        agent: the agent's name; empty for a place that was named.
        place: the folder or file.
        files: how many files there may hold sessions.
        sessions: how many sessions are in them.
        new: how many of these came into the store now.
        updated: how many went on.
        unchanged: how many were there already.
        failed: how many files, or parts of one, could not be imported.
    """

    agent: str
    place: str
    files: int = 0
    sessions: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class RescueReport:
    """What a rescue did.

    Attributes:
        places: each place that was looked at.
        changed: the sessions that are new or went on.
        failures: what could not be imported, also what was tried before and has not changed since.
        notes: what lies there and cannot be read, with what to do about it.
    """

    places: list[PlaceReport] = field(default_factory=list)
    changed: list[ImportOutcome] = field(default_factory=list)
    failures: list[ImportOutcome] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def totals(self) -> PlaceReport:
        """The sums over all places."""
        numbers = [name for name in PlaceReport.__slots__ if name not in ("agent", "place")]
        return PlaceReport("", "", *(sum(getattr(place, name) for place in self.places) for name in numbers))

    def to_dict(self) -> dict[str, Any]:
        """Give the report as plain JSON values."""
        totals = self.totals().to_dict()
        return {
            "places": [place.to_dict() for place in self.places],
            "totals": {name: value for name, value in totals.items() if name not in ("agent", "place")},
            "changed": [outcome.to_dict() for outcome in self.changed],
            "failures": [outcome.to_dict() for outcome in self.failures],
            "notes": list(self.notes),
        }


def rescue(
    store: SessionStore,
    places: Iterable[FoundPlace],
    *,
    dry_run: bool = False,
    only: Callable[[str], bool] | None = None,
    progress: Progress | None = None,
) -> RescueReport:
    """Do what `SessionStore.rescue` says."""
    report = RescueReport()
    with _recorded(store, dry_run=dry_run) as record:
        known = record.files() if record is not None else {}
        for place in places:
            report.notes += place.unread
            if place.folders or place.files:
                work = _Place(store, place, known, record, dry_run=dry_run)
                report.places.append(work.run(report, only, progress))
    if not dry_run and any(Path(place.place) == store.path for place in report.places) and old_files(store.path):
        (store.path / DONE).touch(mode=0o600)  # the old store in this very folder needs no reminder any more
    return report


@contextmanager
def _recorded(store: SessionStore, *, dry_run: bool) -> Iterator[Rescued | None]:
    """Give the record, held by one rescue at a time; without a store there is none, and a dry run makes none."""
    repository = store._open() if dry_run else store._made()
    if repository is None:
        yield None
        return
    with ExitStack() as held:
        with store._told():
            held.enter_context(repository.alone("rescue"))
        record = Rescued(repository.own / "rescued.sqlite", __version__)
        held.callback(record.close)
        yield record


@dataclass(slots=True)
class _Place:
    """The work in one place."""

    store: SessionStore
    place: FoundPlace
    known: dict[str, Seen]
    record: Rescued | None
    dry_run: bool = field(kw_only=True)

    def run(self, report: RescueReport, only: Callable[[str], bool] | None, progress: Progress | None) -> PlaceReport:
        """Import what changed here; adds to the report what came of it."""
        looked_at = to_micros(clock.now()) * 1000
        found, closed = scan(self.place)
        looks = found if only is None else {path: look for path, look in found.items() if only(path)}
        fresh = [path for path, look in looks.items() if path not in self.known or self.known[path].look != look]
        if fresh and self.place.whole:
            fresh = list(found)
        told = PlaceReport(self.place.agent, str(self.place.path), len(looks))
        before = len(report.failures)
        report.failures += [_failed(path, f"it cannot be read ({why})") for path, why in closed.items()]
        status: dict[str, str] = {}
        for path in looks.keys() - set(fresh):
            seen = self.known[path]
            status.update(dict.fromkeys(seen.sessions, "unchanged"))
            report.failures += [_failed(path, why) for why in seen.problems]
        for outcome in self._import(fresh, found, looked_at, progress):
            if outcome.status == "failed":
                report.failures.append(outcome)
            elif status.get(outcome.session_id) != "new":
                status[outcome.session_id] = outcome.status
            if outcome.status in ("new", "updated"):
                report.changed.append(outcome)
        self._forget(found)
        values = list(status.values())
        told.sessions, told.failed = len(values), len(report.failures) - before
        told.new, told.updated, told.unchanged = (values.count(name) for name in ("new", "updated", "unchanged"))
        return told

    def _import(
        self, fresh: Sequence[str], found: dict[str, str], looked_at: int, progress: Progress | None
    ) -> Iterator[ImportOutcome]:
        size = len(fresh) if self.place.whole else max(_BATCH, len(fresh) // _BATCHES)
        for start in range(0, len(fresh), size or 1):
            batch = fresh[start : start + size]
            try:
                report = self.store.import_sources(
                    (*self.place.folders, *self.place.files, *self.place.beside),
                    dry_run=self.dry_run,
                    progress=_further(progress, start, len(fresh)),
                    wanted=frozenset(batch).__contains__,
                )
            except TranscriptError as problem:  # the agent took a file away meanwhile
                yield _failed(problem.source, problem.reason)
                return
            told = list(self._judged(batch, report.sessions))
            outcomes = self._by_file(told)
            if self.record is not None and not self.dry_run:
                news = {path: _seen(found[path], outcomes.get(path, [])) for path in batch}
                settled = {
                    path: seen for path, seen in news.items() if seen is not None and is_settled(seen.look, looked_at)
                }
                self.record.put(settled)
                self.known.update(settled)
            yield from told

    def _judged(self, batch: Iterable[str], outcomes: Iterable[ImportOutcome]) -> Iterator[ImportOutcome]:
        """Take out what is no failure here, and name what an import of a folder passes over.

        An agent makes a file before anybody says something: where no line of it is damaged, it has nothing to lose.
        But what lies among an agent's transcripts and begins with nonsense was one.
        """
        named = set()
        for outcome in outcomes:
            named.add(outcome.source)
            if outcome.reason != _NOTHING_SAID or not is_whole(outcome.source):
                yield outcome
        if self.place.agent:
            for path in batch:
                if path not in named and path.endswith(".jsonl") and not is_whole(path, 1):
                    yield _failed(path, "its beginning is damaged, so its format is unknown")

    def _by_file(self, outcomes: Iterable[ImportOutcome]) -> dict[str, list[ImportOutcome]]:
        grouped: dict[str, list[ImportOutcome]] = {}
        for outcome in outcomes:
            grouped.setdefault(outcome.source, []).append(outcome)
        return grouped

    def _forget(self, found: dict[str, str]) -> None:
        """Forget files of this place that the agent has deleted; their sessions stay."""
        begins = tuple(f"{folder.as_posix()}/" for folder in self.place.folders)
        gone = [path for path in self.known if path.startswith(begins) and path not in found] if begins else []
        if gone and self.record is not None and not self.dry_run:
            self.record.put({}, gone)


def _failed(path: str, reason: str) -> ImportOutcome:
    return ImportOutcome(path, "", "failed", reason=reason)


def _seen(look: str, outcomes: Sequence[ImportOutcome]) -> Seen | None:
    """What to remember of a file; `None` where the store failed, not the file: it is tried again."""
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if any(outcome.session_id for outcome in failed):
        return None
    sessions = dict.fromkeys(outcome.session_id for outcome in outcomes if outcome.status != "failed")
    return Seen(look, tuple(sessions), tuple(outcome.reason for outcome in failed))


def _further(progress: Progress | None, done: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda number, _of, what: progress(done + number, total, what)


def watch(
    store: SessionStore,
    look: Callable[[], Iterable[FoundPlace]],
    stop: Event,
    told: Callable[[RescueReport | SessionError], None],
) -> None:
    """Rescue again and again until told to stop.

    Args:
        store: the store.
        look: gives the places, each time anew.
        stop: set by whoever wants it to end; what is being imported then is finished.
        told: called after each look with what it did, or with what kept it from that.

    Raises:
        AlreadyWatched: another process watches for this store.
    """
    repository = store._made()
    try:
        held = flock.acquire(repository.own / "locks" / "watch", timeout=0)
    except StoreLocked as problem:
        raise AlreadyWatched(store.path) from problem
    try:
        while not stop.is_set():
            started = clock.monotonic()
            try:
                told(rescue(store, look()))
            except SessionError as problem:
                told(problem)
            took = clock.monotonic() - started
            stop.wait(min(max(_PAUSE, _PAUSE_FACTOR * took), _LONGEST_PAUSE))
    finally:
        held.release()
