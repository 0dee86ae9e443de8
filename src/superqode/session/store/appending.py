"""Sessions written entry by entry, as an import gives them: none of them is ever held as a whole.

The commits are those that saves would have made while it happened: one before and one after each prompt, and one where
very much was said in between. They go into packs where there is much, and the branches are made once these are whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

from superqode.session.codec.meta import Meta
from superqode.session.errors import RefConflict, SaveFailed
from superqode.session.models import Entry, Message, MessageRole, Session, ToolExecution
from superqode.session.models.files import touched_files
from superqode.session.models.window import Window
from superqode.session.store.branches import branch_ref, check_new_id
from superqode.session.store.drafts import Draft, Line
from superqode.session.store.noting import note_project
from superqode.session.store.saving import Saver

if TYPE_CHECKING:
    from types import TracebackType

    from superqode.session.git.repository import Repository

__all__ = ["GROWING", "Batch", "Pace", "is_prompt"]

# Fields that grow with the entries, and of which the end is told by the source as a whole.
GROWING: Final = ("files_modified", "files_created", "agents_used")
# How much may be said between two saves: what one save adds has to fit into memory. Entries, and characters.
_MOST_ENTRIES: Final = 1000
_MOST_TEXT: Final = 8 * 1024 * 1024
# How many sessions wait for their branches at most; a process that is killed has to begin with these again.
_MOST_WAITING: Final = 200
_TAKEN: Final = "another process made a session of this id meanwhile. Import the file again"
# What an import says of a session from the beginning.
_FIELDS: Final = ("id", "title", "created_at", "project_path", "tags", "parent_session_id", "metadata")


class Pace:
    """Says where a save goes between the entries of an import."""

    def __init__(self) -> None:
        self._after_prompt = False
        self._entries = 0
        self._text = 0

    def save_before(self, entry: Entry) -> bool:
        """Whether what came before this entry is to be saved without it."""
        prompt = is_prompt(entry)
        due = self._entries >= _MOST_ENTRIES or self._text >= _MOST_TEXT
        saves = self._entries > 0 and (prompt or self._after_prompt or due)
        if saves:
            self._entries = self._text = 0
        self._after_prompt = prompt
        self._entries += 1
        self._text += len(entry.content if isinstance(entry, Message) else entry.result)
        return saves


def is_prompt(entry: Entry) -> bool:
    """Whether a person said this."""
    return isinstance(entry, Message) and entry.role is MessageRole.USER


class Batch:
    """New sessions on their way into a store; their branches are made when what they name is readable.

    While sessions wait for their branches, this thread must save nothing else into the store: `flush` before that.

    Args:
        repository: the store.
        durable: whether it is flushed to disk before a branch names it.
    """

    def __init__(self, repository: Repository, *, durable: bool) -> None:
        self._repository = repository
        self._durable = durable
        self._saver = Saver(repository, durable=durable)
        # Around each other: refs are made when the packs are closed, and the locks are still held.
        self._writing, self._packing = ExitStack(), ExitStack()
        self._waiting: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._packing.__exit__(kind, problem, trace)
        finally:
            self._writing.close()

    def flush(self) -> list[SaveFailed]:
        """Make the branches of the sessions that wait; gives an error for each that could not be made.

        Raises:
            OSError: the disk said no; no branch was made.
        """
        if not self._waiting:
            return []
        with self._writing.pop_all():  # pruning stays out until branches name all of it
            self._packing.close()
            if self._durable:
                self._repository.flush()
            return self._make_branches()

    @property
    def full(self) -> bool:
        """Whether so many sessions wait that it is time for a flush."""
        return len(self._waiting) >= _MOST_WAITING

    def holds(self, session_id: str) -> bool:
        """Whether a session was written and has no branch yet."""
        return session_id in self._waiting

    def write(self, head: Session, entries: Iterator[Entry]) -> tuple[int, int]:
        """Write a session that is not there yet; gives how many messages and executions it has.

        Args:
            head: its fields; entries in it are not looked at.
            entries: its entries in order, each of another id.

        Raises:
            InvalidSessionId: its id differs from a taken one only in case.
            InvalidSession: something in it cannot be stored.
            OSError: the disk said no.
        """
        check_new_id(self._repository, head.id)
        if not self._waiting:
            self._packing.close()
            self._writing.close()
            self._writing.enter_context(self._repository.writing())
            self._packing.enter_context(self._repository.objects.packing())
        note_project(head)
        writer = _Writer(self._saver, head)
        for entry in entries:
            writer.add(entry)
        tip = writer.finish(head)
        self._waiting[head.id] = tip
        return writer.messages, writer.executions

    def _make_branches(self) -> list[SaveFailed]:
        repository = self._repository
        made: list[str] = []
        failed: list[SaveFailed] = []
        waiting, self._waiting = self._waiting, {}
        for session_id, tip in waiting.items():
            ref = branch_ref(session_id)
            try:
                with repository.writing(session_id):
                    repository.refs.update(ref, tip, None, ident=repository.committer(), reason="import")
            except RefConflict:
                failed.append(SaveFailed(session_id, "not saved", _TAKEN))
            else:
                made.append(str(repository.path / ref))
        if self._durable:
            repository.flush(made)
        return failed


class _Writer:
    """Writes one session."""

    def __init__(self, saver: Saver, head: Session) -> None:
        self._saver = saver
        self._part = Session(**{name: getattr(head, name) for name in _FIELDS}, updated_at=head.created_at)
        self._window = Window()
        self._pace = Pace()
        self._line = Line(None, None, self._window, 0, 0)
        self.messages = 0
        self.executions = 0

    def add(self, entry: Entry) -> None:
        if self._pace.save_before(entry):
            self._commit()
        self._window.append(entry)
        part = self._part
        if isinstance(entry, Message):
            self.messages += 1
        else:
            self.executions += 1
            self._track(entry)
        if entry.agent_name and entry.agent_name not in part.agents_used:
            part.agents_used.append(entry.agent_name)
        part.updated_at = max(part.updated_at, entry.timestamp)

    def _track(self, call: ToolExecution) -> None:
        if call.success:
            for touch, path in touched_files(call.tool_name, call.arguments, self._part.project_path):
                self._part.note_file(touch, path)

    def finish(self, whole: Session) -> str:
        for name in GROWING:
            getattr(self._part, name)[:] = getattr(whole, name)
        self._part.updated_at = whole.updated_at
        self._commit()
        if self._line.commit is None:
            raise AssertionError("a session that was written has a commit")
        return self._line.commit

    def _commit(self) -> None:
        part = self._part
        subject = "" if len(self._window) else f"new: {part.title or part.id}"
        draft = Draft("save", self._window, Meta.of(part), self.messages, part.updated_at, subject)
        self._line = self._saver.commit_next(part, draft, self._line)
        self._window.let_go()
