"""The keeper: reads copies of the traffic, understands them, and saves when a turn is over.

It runs in a process of its own (`tee.py`). Nothing that goes wrong here reaches the traffic: it is told once, and
what can go on goes on.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from superqode.acp.lines import LineSplitter
from superqode.record.frames import Frame, FrameReader
from superqode.record.log import TrafficLog
from superqode.record.sessions import RecordedSessions
from superqode.session import clock
from superqode.session.errors import SessionError
from superqode.session.importers.acp import Conversation, Traffic
from superqode.session.importers.fields import epoch_time
from superqode.session.importers.lines import parse_json
from superqode.session.models import Entry

__all__ = ["Keeper", "Recording"]

# How often what is said is saved while a turn goes on, in seconds: what a power loss can take.
SAVE_EVERY: Final = 30.0
# The longest message that is understood, in bytes; a longer one passes, and is not in the session.
MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_READ: Final = 1024 * 1024
# Times have microseconds, as everywhere; so a log tells exactly what the recorder saw.
_DIGITS: Final = 6

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recording:
    """What to record into.

    Attributes:
        storage_dir: the store's folder; None is the default store.
        title: the title of sessions that begin; empty takes the agent's, or the first prompt.
        project_path: the folder that sessions belong to; empty takes what the client says.
        log: a file for the raw traffic; None keeps none.
        save_every: how often a turn that goes on is saved, in seconds.
    """

    storage_dir: Path | None = None
    title: str = ""
    project_path: str = ""
    log: Path | None = None
    save_every: float = SAVE_EVERY


class Keeper:
    """Keeps what passes.

    Args:
        recording: what to record into.
        tell: told in one line of what goes wrong; each thing once.
    """

    def __init__(self, recording: Recording, tell: Tell) -> None:
        self._sessions = RecordedSessions(
            recording.storage_dir, title=recording.title, project_path=recording.project_path
        )
        self._traffic = Traffic(self._recall)
        self._splitters = {side: LineSplitter(MAX_LINE_BYTES) for side in (True, False)}
        self._turns_saved: dict[str, int] = {}
        self._save_every = recording.save_every
        self._due: float | None = None
        self._tell = tell
        self._told: set[str] = set()
        self._log: TrafficLog | None = None
        if recording.log is not None:
            try:
                self._log = TrafficLog(recording.log)
            except OSError as problem:
                self._complain(f"the traffic is not logged: {recording.log} cannot be opened ({problem.strerror})")

    def run(self, pipe: int) -> None:
        """Read frames from a pipe until its end, and save the rest."""
        reader = FrameReader()
        while True:
            wait = None if self._due is None else max(0.0, self._due - clock.monotonic())
            if select.select([pipe], [], [], wait)[0]:
                data = os.read(pipe, _READ)
                if not data:
                    break
                for frame in reader.feed(data):
                    self.take(frame)
            if self._due is not None and clock.monotonic() >= self._due:
                self._save_all()
        self.finish()

    def take(self, frame: Frame) -> None:
        """Take bytes that passed."""
        splitter = self._splitters[frame.from_agent]
        dropped = splitter.dropped
        for line in splitter.feed(frame.data):
            self._take_line(line, frame)
        if splitter.dropped > dropped:
            self._complain(f"a message of more than {MAX_LINE_BYTES // 2**20} MiB is not recorded")

    def finish(self) -> None:
        """The connection is over: save everything, and close."""
        self._traffic.finish()
        self._save_all()
        self._sessions.close()
        if self._log is not None:
            with suppress(OSError):
                self._log.close()

    def _take_line(self, line: bytes, frame: Frame) -> None:
        if not line.strip():
            return
        time = round(frame.time, _DIGITS)
        message = _message(line)
        self._write_log(line, from_agent=frame.from_agent, time=time, is_message=message is not None)
        if message is None:
            return
        self._traffic.take(message, from_agent=frame.from_agent, time=epoch_time(time))
        if self._due is None:
            self._due = clock.monotonic() + self._save_every
        for talk in self._traffic.conversations.values():
            if talk.turns_over != self._turns_saved.get(talk.id, 0):
                self._save(talk)

    def _write_log(self, line: bytes, *, from_agent: bool, time: float, is_message: bool) -> None:
        if self._log is None:
            return
        try:
            self._log.write(line, from_agent=from_agent, time=time, is_message=is_message)
        except OSError as problem:
            self._log = None
            self._complain(f"the traffic is not logged any more ({problem.strerror})")

    def _recall(self, agent_session_id: str) -> Iterable[Entry]:
        try:
            return self._sessions.recall(agent_session_id)
        except (SessionError, OSError, ValueError) as problem:
            self._complain(f"nothing is recorded: {problem}")
            return ()

    def _save_all(self) -> None:
        self._due = None
        for talk in self._traffic.conversations.values():
            self._save(talk)

    def _save(self, talk: Conversation) -> None:
        self._turns_saved[talk.id] = talk.turns_over
        try:
            self._sessions.save(self._traffic, talk)
        except (SessionError, OSError, ValueError) as problem:
            self._complain(f"nothing is recorded: {problem}")

    def _complain(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(text)


def _message(line: bytes) -> dict[str, Any] | None:
    """Read a line; None where it is no JSON object alone."""
    text = line.strip()
    if not (text.startswith(b"{") and text.endswith(b"}")):
        return None
    try:
        value = parse_json(text.decode("utf-8", "replace"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
