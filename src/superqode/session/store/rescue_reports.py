"""What agents' hooks reported: each report names a session, which is rescued; several at once are one piece of work.

Reports come from outside: bounded, and a path in one only says which of the files that are found anyway is meant.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from superqode.session import clock
from superqode.session.agents import FoundPlace, files
from superqode.session.errors import AgentSettingsError, SessionError, StoreLocked
from superqode.session.git import flock
from superqode.session.store.agent_hooks import FOLDER, INBOX

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository
    from superqode.session.store.store import SessionStore

__all__ = ["last_error", "work_off"]

_LOG: Final = "log"
_LAST_START: Final = "last-start"
_LOG_LINES: Final = 100
_REASON_MAX: Final = 500
_REPORT_MAX: Final = 1024 * 1024
_PATH_MAX: Final = 4096
# How often one process looks into the inbox; what then still comes starts another.
_ROUNDS: Final = 100
_THREAD: Final = re.compile(r"[0-9A-Za-z-]{8,64}")

# Whether a file is one that was reported.
Wanted = Callable[[str], bool]


class _Refused(Exception):
    """A report that says nothing usable; the argument says why."""


def work_off(store: SessionStore, find: Callable[[str], Iterable[FoundPlace]]) -> None:
    """Rescue what was reported; errors go into the log, for whoever runs this shows nobody anything.

    Of several processes one does the work: each looks into the inbox again after it let the lock go, so nothing that
    was laid in meanwhile is left there.

    Args:
        store: the store.
        find: gives the places of an agent, by name.
    """
    repository = store._open()
    for _ in range(_ROUNDS):
        if repository is None or not _reports(repository):
            return
        try:
            held = flock.acquire(repository.own / "locks" / "reports", timeout=0)
        except StoreLocked:
            return
        try:
            _work(store, repository, find)
        finally:
            held.release()


def _inbox(repository: Repository) -> Path:
    return repository.own / FOLDER / INBOX


def _reports(repository: Repository) -> list[Path]:
    return sorted(path for path in _inbox(repository).glob("*.json") if path.is_file())


def _work(store: SessionStore, repository: Repository, find: Callable[[str], Iterable[FoundPlace]]) -> None:
    by_agent: dict[str, list[bytes]] = {}
    for path in _reports(repository):
        with suppress(OSError):
            with path.open("rb") as file:
                by_agent.setdefault(path.name.partition(".")[0], []).append(file.read(_REPORT_MAX))
            path.unlink(missing_ok=True)
    for agent, reports in by_agent.items():
        try:
            places = list(find(agent))
            wanted = list(_understood(repository, agent, reports, places))
            if wanted:
                _rescue(store, repository, agent, places, _any(wanted))
        except (SessionError, OSError) as problem:
            _log(repository, agent, str(problem))


def _rescue(
    store: SessionStore, repository: Repository, agent: str, places: Iterable[FoundPlace], wanted: Wanted
) -> None:
    told = store.rescue(places, only=wanted)
    for failure in told.failures:
        _log(repository, agent, f"{failure.source}: {failure.reason}")
    if not any(place.files for place in told.places):
        _log(repository, agent, "what was reported is not among the agent's own files")


def _any(wanted: Sequence[Wanted]) -> Wanted:
    return lambda path: any(one(path) for one in wanted)


def _understood(
    repository: Repository, agent: str, reports: Iterable[bytes], places: list[FoundPlace]
) -> Iterator[Wanted]:
    for report in reports:
        try:
            yield _wanted(agent, report, places)
        except _Refused as refused:
            _log(repository, agent, f"a report was not used: {refused}")


def _wanted(agent: str, report: bytes, places: list[FoundPlace]) -> Wanted:
    """Which files a report means; see the samples of `hooks` for what agents send."""
    if len(report) >= _REPORT_MAX:
        return lambda _path: True  # it was cut, and names nothing
    told = _parsed(report)
    if agent == "opencode":
        return lambda _path: True  # all its sessions are in one database
    if agent == "codex":
        thread = told.get("thread-id")
        if not isinstance(thread, str) or not _THREAD.fullmatch(thread):
            raise _Refused("it names no thread")
        return lambda path: path.endswith(f"-{thread}.jsonl")
    path = told.get("transcript_path")
    if not isinstance(path, str) or "\0" in path or len(path) > _PATH_MAX or not Path(path).is_absolute():
        raise _Refused("it names no transcript")
    name = _among(path, places)
    folder = f"{name.removesuffix('.jsonl')}/"  # where Claude Code keeps those of sub-agents
    return lambda found: found == name or found.startswith(folder)


def _parsed(report: bytes) -> dict[str, Any]:
    try:
        told = json.loads(report)
    except (ValueError, RecursionError) as problem:
        raise _Refused("it is no JSON, or too long") from problem
    if not isinstance(told, dict):
        raise _Refused("it is no JSON object")
    return told


def _among(path: str, places: list[FoundPlace]) -> str:
    """The name under which a place lists a file: the same file may be reached through links."""
    real = Path(os.path.realpath(path))
    for place in places:
        for folder in place.folders:
            own = Path(os.path.realpath(folder))
            if real.is_relative_to(own):
                return (folder / real.relative_to(own)).as_posix()
    raise _Refused("its transcript is not below the agent's own folder")


def _log(repository: Repository, agent: str, reason: str) -> None:
    """Put a line into the log, which keeps the last hundred."""
    path = repository.own / FOLDER / _LOG
    line = f"{clock.format_time(clock.now())} {agent}: {' '.join(reason.split())[:_REASON_MAX]}"
    with suppress(AgentSettingsError):
        before = (files.read_text(path) or "").splitlines()
        files.replace(path, "\n".join([*before[1 - _LOG_LINES :], line, ""]))


def last_error(store_path: Path) -> str:
    """The last thing that went wrong behind an agent's back, with its time; empty where nothing did."""
    own = store_path / "superqode" / FOLDER
    try:
        logged = (files.read_text(own / _LOG) or "").splitlines()[-1:]
        start = (files.read_text(own / _LAST_START) or "").strip().splitlines()[-1:]
    except AgentSettingsError as problem:
        return str(problem)
    return next(iter([*start, *logged]), "")
