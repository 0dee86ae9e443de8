"""The way all hand-offs go: what is there, what is to be written.

A subclass says what its agent's records and files look like; when to write, append or leave alone is decided here.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from superqode.session.handoff.again import (
    Written,
    begins_with,
    content_of,
    imported_sessions,
    is_native_id,
    items_in,
    items_of,
    missing_items,
    read_state,
    sha256,
    write_state,
)
from superqode.session.handoff.base import (
    Handoff,
    HandoffError,
    Place,
    PlannedFile,
    Receipt,
    check_place,
)
from superqode.session.handoff.homes import HomeRule
from superqode.session.handoff.names import make_uuid
from superqode.session.handoff.neutral import Item, Turn, count_kept, fingerprint, mapped, turns_of
from superqode.session.handoff.paths import PathMap
from superqode.session.handoff.reading import read_items
from superqode.session.handoff.script import Script
from superqode.session.importers.base import Source
from superqode.session.importers.fields import mapping_at, parse_time, text_at
from superqode.session.models import Session

__all__ = ["Planner", "Record"]

Record = dict[str, Any]

# How many hand-offs of one session to one folder there may be that went different ways.
_MOST_WAYS: Final = 1000


@dataclass(frozen=True, slots=True)
class _Task:
    """One call of `plan`.

    Attributes:
        session: the session.
        place: where it is to go on.
        items: what of it goes over.
        there: the same with this machine's paths.
        paths: what changes the paths.
        receipt: what became of the session.
    """

    session: Session
    place: Place
    items: list[Item]
    there: list[Item]
    paths: PathMap
    receipt: Receipt


class Planner(ABC):
    """Plans hand-offs to an agent whose sessions are records, one after the other."""

    name: str
    format: str
    home: HomeRule
    looks_at: tuple[str, ...]

    # -- what an agent's files look like --------------------------------------------------------------------

    @abstractmethod
    def new_path(self, session_id: str, place: Place) -> str:
        """Say where a session's file is to be, below the agent's folder."""

    @abstractmethod
    def find(self, session_id: str, place: Place) -> str:
        """Say where the agent has a session, for this project; empty where it has not."""

    @abstractmethod
    def commands(self, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give the words that continue a session in a terminal, and without one."""

    @abstractmethod
    def begin(self, script: Script) -> Iterator[Record]:
        """Give the records a new file begins with."""

    @abstractmethod
    def records(self, turns: Sequence[Turn], script: Script) -> Iterator[Record]:
        """Give the records of turns."""

    @abstractmethod
    def carry(self, records: Iterable[Record], script: Script, paths: PathMap, receipt: Receipt) -> list[Record]:
        """Give the records of a transcript of this agent as a new session of this machine.

        Args:
            records: the transcript's.
            script: whose session it is to be; knows afterwards what the next record follows.
            paths: changes the project's path.
            receipt: where to count what is left out.

        Raises:
            ValueError: it cannot be carried over as it is (the message says why, as a clause).
        """

    @abstractmethod
    def go_on(self, records: Iterable[Record], script: Script) -> None:
        """Tell the script what the next record follows, in a file of these records."""

    def end(self, script: Script) -> Iterator[Record]:
        """Give the records a new file ends with: its title, where the agent keeps that there."""
        del script
        return iter(())

    def beside(self, place: Place) -> tuple[PlannedFile, ...]:
        """Give the files that have to be there beside a session's, and are not."""
        del place
        return ()

    @abstractmethod
    def read(self, data: bytes, name: str) -> Iterator[Record]:
        """Give the records of a session as the agent has it; none where it cannot be read."""

    @abstractmethod
    def write(self, records: Iterable[Record], script: Script, receipt: Receipt) -> bytes:
        """Write records as `read` gives them."""

    @abstractmethod
    def files(self, path: str, content: bytes, present: bytes) -> tuple[tuple[PlannedFile, ...], bytes]:
        """Give the files that bring a session's records to the agent, and what is there then.

        Args:
            path: where the session is to be, below the agent's folder.
            content: what `write` gave.
            present: what is there of the session; empty for a new one.
        """

    def arranged(self, session: Session, place: Place, original: Source | None) -> tuple[Place, Source | None]:
        """Give the place and the original as files of the shape that `read` knows, where the agent has others."""
        del session
        return place, original

    def native_id(self, made: str, session: Session) -> str:
        """Make a session's id at the agent of a UUID."""
        del session
        return made

    def prepare(self, files: tuple[PlannedFile, ...]) -> tuple[tuple[str, ...], ...]:
        """Give the commands that bring files to the agent."""
        del files
        return ()

    # -- the plan -------------------------------------------------------------------------------------------

    def plan(
        self,
        session: Session,
        place: Place,
        *,
        original: Source | None = None,
        before: Mapping[str, Any] | None = None,
    ) -> Handoff:
        """Plan a hand-off, as `Writer.plan` describes it."""
        check_place(session, place)
        place, original = self.arranged(session, place, original)
        receipt = Receipt()
        items = read_items(session, place.now, receipt)
        if not items:
            raise HandoffError(session.id, "it has no prompts, answers or calls. Choose another session")
        paths = PathMap(session.project_path, place.project)
        task = _Task(session, place, items, mapped(items, paths), paths, receipt)
        written = read_state(before, self.name, place.project)
        going_on = self._go_on(task, written) if written is not None else None
        return going_on or self._leave(task) or self._write(task, self._fresh_id(task), original)

    def _go_on(self, task: _Task, written: Written) -> Handoff | None:
        """Go on from the hand-off before; None where the session or the agent went another way since."""
        note = task.receipt.notes.append
        if written.items > len(task.items) or fingerprint(task.items[: written.items]) != written.digest:
            note("The session was changed since it was last handed over, so this is another one for the agent.")
            return None
        path = self.find(written.session_id, task.place)
        if not path:
            return None
        fresh: Sequence[Item] | None = task.there[written.items :]
        present = b""
        if fresh:
            present = content_of(task.place.home[path])
            fresh = self._missing(task, written, fresh, path, present)
        if fresh is None:
            note("The agent went on from the last hand-off, and so did the session: this is another one for the agent.")
            return None
        if not fresh:
            return self._nothing(task, write_state(written), written.session_id)
        return self._append(task, written.session_id, path, present, fresh)

    def _missing(
        self, task: _Task, written: Written, fresh: Sequence[Item], path: str, present: bytes
    ) -> Sequence[Item] | None:
        """Say what of the new items the agent's file lacks: by what it says, else by what is known to be written."""
        there = items_in(present, path, self.format)
        if begins_with(there, task.there):
            return ()
        if written.session_id not in self._ids(task.session, task.place):
            return None  # a file that the agent itself began stays as it is
        if there and begins_with(task.there, there):
            return task.there[len(there) :]
        if path == written.path and len(present) == written.size and sha256(present) == written.sha256:
            return fresh
        before = content_of(task.place.home.get(written.path))[: written.size]
        if sha256(before) != written.sha256:
            return None
        return missing_items(fresh, before, present, path, self.format)

    def _leave(self, task: _Task) -> Handoff | None:
        """Leave everything as it is where the agent has the session already: its own, or from a hand-off before."""
        own = self._own_id(task)
        for session_id in filter(None, (own, *self._ids(task.session, task.place))):
            path = self.find(session_id, task.place)
            if not path and session_id != own:
                return None
            data = content_of(task.place.home[path]) if path else b""
            found = next(iter(imported_sessions(data, path, self.format)), None) if data else None
            if found is None or (session_id == own and found.id != task.session.id):
                continue
            if begins_with(items_of(found), task.there):
                return self._nothing(task, self._state(task, session_id, path, b""), session_id)
        return None

    def _own_id(self, task: _Task) -> str:
        """The agent's own id of the session, where it is an import from this very folder; else empty."""
        about = task.session.metadata
        imported = mapping_at(about, "imported")
        same_folder = task.session.project_path.rstrip("/\\") == task.place.project.rstrip("/\\")
        if imported.get("format") != self.format or not same_folder or about.get("relation") in ("subagent", "branch"):
            return ""
        own = text_at(imported, "source_session_id")
        return own if is_native_id(own) else ""

    def _ids(self, session: Session, place: Place) -> Iterator[str]:
        """The ids that a session has at the agent: they depend on the session and the folder alone."""
        for number in range(_MOST_WAYS):
            yield self.native_id(make_uuid(self.name, session.id, place.project, str(number)), session)

    def _fresh_id(self, task: _Task) -> str:
        free = (
            session_id for session_id in self._ids(task.session, task.place) if not self.find(session_id, task.place)
        )
        session_id = next(free, "")
        if not session_id:
            told = f"it was handed over to {self.name} {_MOST_WAYS} times. Delete some of those sessions there"
            raise HandoffError(task.session.id, told)
        return session_id

    # -- what is written ------------------------------------------------------------------------------------

    def _nothing(self, task: _Task, state: dict[str, Any], session_id: str) -> Handoff:
        receipt = Receipt(notes=[*task.receipt.notes, "The agent has all of it already; nothing is written."])
        return self._handoff(session_id, (), receipt, state)

    def _append(self, task: _Task, session_id: str, path: str, present: bytes, fresh: Sequence[Item]) -> Handoff:
        script = self._script(task, session_id)
        self.go_on(_timed(self.read(present, path), script), script)
        receipt = Receipt(notes=["Only what is new since the last hand-off is written."])
        content = self.write(self.records(turns_of(fresh, receipt, begins=False), script), script, receipt)
        files, grown = self.files(path, content, present)
        return self._handoff(session_id, files, receipt, self._state(task, session_id, path, grown))

    def _write(self, task: _Task, session_id: str, original: Source | None) -> Handoff:
        script = self._script(task, session_id)
        carried = self._carried(task, script, original)
        if carried is None:
            receipt = task.receipt
            records = [*self.begin(script), *self.records(turns_of(task.there, receipt), script), *self.end(script)]
        else:
            records, receipt = carried
        receipt.change("texts that name the project's folder", task.paths.changed)
        path = self.new_path(session_id, task.place)
        files, content = self.files(path, self.write(records, script, receipt), b"")
        state = self._state(task, session_id, path, content)
        return self._handoff(session_id, (*self.beside(task.place), *files), receipt, state)

    def _handoff(
        self, session_id: str, files: tuple[PlannedFile, ...], receipt: Receipt, state: dict[str, Any]
    ) -> Handoff:
        return Handoff(
            self.name, session_id, files, *self.commands(session_id), receipt, state, prepare=self.prepare(files)
        )

    def _carried(self, task: _Task, script: Script, original: Source | None) -> tuple[list[Record], Receipt] | None:
        """Give the records of the original transcript, and behind them what the session has since."""
        about = task.session.metadata
        imported = mapping_at(about, "imported")
        if original is None or imported.get("format") != self.format:
            return None
        if about.get("relation") in ("subagent", "branch"):
            task.receipt.notes.append("The transcript holds more than this session, so it is written anew.")
            return None
        data = content_of(original.open)
        known = items_in(data, original.name, self.format)
        if not known or not begins_with(task.items, known):
            task.receipt.notes.append("The kept transcript does not say what the session says, so it is written anew.")
            return None
        receipt = Receipt(notes=["Carried over from the agent's own transcript."])
        count_kept(task.there[: len(known)], receipt)
        carry_paths = PathMap(task.paths.old, task.place.project)
        try:
            records = self.carry(self.read(data, original.name), script, carry_paths, receipt)
        except ValueError as problem:
            task.receipt.notes.append(f"The transcript cannot be carried over as it is ({problem}): written anew.")
            return None
        task.paths.changed = carry_paths.changed
        if task.session.title != imported.get("title"):
            records += self.end(script)
        rest = task.there[len(known) :]
        if rest:
            records += self.records(turns_of(rest, receipt, begins=False), script)
        return records, receipt

    def _script(self, task: _Task, session_id: str) -> Script:
        models = (text_at(message.metadata, "model") for message in reversed(task.session.messages))
        model = task.place.model or next(filter(None, models), "")
        return Script(session_id, task.place.project, task.place.now, task.session.title, model)

    def _state(self, task: _Task, session_id: str, path: str, data: bytes) -> dict[str, Any]:
        digest = fingerprint(task.items)
        project = task.place.project
        return write_state(
            Written(self.name, session_id, project, path, len(task.items), digest, len(data), sha256(data))
        )


def _timed(records: Iterable[Record], script: Script) -> Iterator[Record]:
    """Give records as they are, and let the script know the last of their times."""
    for record in records:
        with contextlib.suppress(ValueError):
            script.time = max(script.time, parse_time(record.get("timestamp")))
        yield record
