"""A stored session handed over to an agent: planned, written into the agent's folder, remembered.

What is to be written the agent's writer says (`session/handoff`); here it is done. The same again writes nothing, what
the session got since goes behind what the agent has.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from superqode.session import clock
from superqode.session.errors import CorruptSession, HandoffError, SessionNotFound
from superqode.session.handoff import WRITERS, Handoff, Place, Writer
from superqode.session.importers.base import Source, sources_of
from superqode.session.store import handoffs
from superqode.session.store.agent_files import list_files, write_files
from superqode.session.store.loading import load_session
from superqode.session.store.results import Record
from superqode.session.store.sources import Original
from superqode.session.store.sources_refs import open_original

if TYPE_CHECKING:
    from superqode.session.git.repository import Repository
    from superqode.session.models import Session
    from superqode.session.store.store import SessionStore

__all__ = ["HandedOver", "Runner", "Target", "agent_of", "hand_over"]

# How far a fork's origin is looked for.
_MOST_FORKS: Final = 20
# Runs a command in the project's folder; raises where it fails.
Runner = Callable[[tuple[str, ...]], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a session is to go on.

    Attributes:
        agent: the agent's name, as the writers have it.
        home: the agent's folder.
        project: the folder to work in.
        model: the model to go on with, where somebody chose one.
    """

    agent: str
    home: Path
    project: Path
    model: str = ""


@dataclass(frozen=True, slots=True)
class HandedOver(Record):
    """What a hand-off did, or would do.

    Attributes:
        session_id: the session.
        agent: the agent's name.
        agent_session_id: the session's id there.
        project: the folder it goes on in, absolute.
        command: what continues it in a terminal, to be run in `project`; words, no shell.
        headless: the same without a terminal; the prompt is to be put behind these words.
        files: each file that was written: `path`, `bytes` written, and whether it is `new`.
        prepared: the commands that were run to bring it to the agent.
        receipt: what became of the session, as `Receipt.to_dict` gives it.
        dry_run: whether nothing was done.
    """

    session_id: str
    agent: str
    agent_session_id: str
    project: str
    command: tuple[str, ...]
    headless: tuple[str, ...]
    files: tuple[dict[str, Any], ...]
    prepared: tuple[tuple[str, ...], ...]
    receipt: dict[str, Any]
    dry_run: bool


def agent_of(session: Session) -> str:
    """The name of the agent a session was imported from; empty where it is none that takes sessions."""
    told = session.metadata.get("imported")
    name = told.get("format") if isinstance(told, dict) else None
    return next((writer.name for writer in WRITERS if writer.format == name), "")


def hand_over(
    store: SessionStore, session_id: str, target: Target, *, run: Runner | None = None, dry_run: bool = False
) -> HandedOver:
    """Hand a session over.

    Args:
        store: where it is.
        session_id: the session.
        target: where it is to go on.
        run: runs the commands that bring it to an agent which takes no files.
        dry_run: only tell.

    Raises:
        SessionNotFound, CorruptSession: as loading it.
        HandoffError: it cannot go over, or the agent's files changed meanwhile.
        OSError: the disk said no.
    """
    writer = _writer(session_id, target.agent)
    session = store.load(session_id)
    repository = store._existing(session_id)
    project = str(target.project.resolve())
    place = Place(project, clock.now(), list_files(target.home, writer.looks_at), target.model)
    before = handoffs.last_state(repository, session.id, writer.name, project)
    plan = writer.plan(session, place, original=_original(repository, session), before=before)
    if dry_run:
        return _told(session, target, project, plan, dry_run=True)
    with store._told():
        _carry_out(session, target, plan, run)
        handoffs.remember(repository, session.id, project, plan)
    return _told(session, target, project, plan, dry_run=False)


def _original(repository: Repository, session: Session) -> Source | None:
    """The transcript a session was imported from, with what belongs to it; a fork's is that of its origin.

    A damaged one counts as none: what the session says goes over without it.
    """
    name: str | None = session.id
    for _ in range(_MOST_FORKS):
        try:
            original = open_original(repository, name) if name else None
            if original is not None and original.files:
                openers = {file.name: partial(_open_kept, original, file.name) for file in original.files}
                return next(source for source in sources_of(openers) if source.name == original.name)
            name = load_session(repository, name).parent_session_id if name else None
        except (CorruptSession, SessionNotFound):
            return None
    return None


def _open_kept(original: Original, name: str, ending: str = "") -> IO[bytes]:
    return original.open_file(name + ending)


def _writer(session_id: str, agent: str) -> Writer:
    found = next((writer for writer in WRITERS if writer.name == agent), None)
    if found is None:
        known = ", ".join(writer.name for writer in WRITERS)
        raise HandoffError(session_id, f"there is no way to hand it to {agent!r}, only to {known}")
    return found


def _carry_out(session: Session, target: Target, plan: Handoff, run: Runner | None) -> None:
    if plan.prepare and run is None:
        raise HandoffError(session.id, f"{plan.agent} takes it by a command of its own, which is not run here")
    lasting = [file for file in plan.files if not file.scratch]
    if lasting:
        write_files(session.id, target.home, lasting)
    if run is None or not plan.prepare:
        return
    with tempfile.TemporaryDirectory(prefix="superqode-") as folder:  # readable by its owner alone
        paths = {f"<{file.path}>": str(Path(folder, file.path)) for file in plan.files if file.scratch}
        for file in plan.files:
            if file.scratch:
                Path(folder, file.path).write_bytes(file.content)
        for words in plan.prepare:
            run(tuple(paths.get(word, word) for word in words))


def _told(session: Session, target: Target, project: str, plan: Handoff, *, dry_run: bool) -> HandedOver:
    files = tuple(
        {"path": str(target.home / file.path), "bytes": len(file.content), "new": file.behind is None}
        for file in plan.files
        if not file.scratch
    )
    return HandedOver(
        session.id,
        plan.agent,
        plan.session_id,
        project,
        plan.command,
        plan.headless,
        files,
        plan.prepare,
        plan.receipt.to_dict(),
        dry_run,
    )
