"""`Session`: what people hold in their hands. Nothing here knows of a store.

The messages and executions are frozen; the session itself is edited freely. It remembers what was done to it since
the last save (`Timeline`, `Step`), and `SessionStore.save` turns that into commits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self, cast

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainValidator,
    PrivateAttr,
    ValidationError,
)

from superqode.session import clock, ids
from superqode.session.errors import DuplicateEntry, InvalidEntry, InvalidSession, SnapshotNotFound
from superqode.session.models.entries import Entry, Message, MessageRole, ToolExecution
from superqode.session.models.exchange import read_snapshot, session_fields, session_to_dict
from superqode.session.models.files import FileTouch, touched_files
from superqode.session.models.folding import Folding
from superqode.session.models.snapshots import Snapshot, SnapshotState, Step
from superqode.session.models.timeline import EntryList, Timeline
from superqode.session.models.values import Text, UtcTime, thaw

__all__ = ["Session", "create_session"]


def _entry_list(kind: type[Message | ToolExecution]) -> PlainValidator:
    def coerce(value: Any) -> EntryList[Any]:
        if not isinstance(value, list | tuple):
            raise ValueError("must be a list")  # noqa: TRY004 - pydantic's protocol
        return EntryList([item if isinstance(item, kind) else kind.model_validate(item) for item in value])

    return PlainValidator(coerce)


def _path_text(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


class Session(Folding):
    """A conversation with everything that belongs to it.

    Attributes:
        id: the session's id, and the name of its branch.
        title: one line for people.
        created_at: when it began, aware UTC.
        updated_at: when it last changed, aware UTC.
        project_path: the project it works on; empty where there is none.
        messages: the messages; append through `add_message`, or edit the list.
        tool_executions: the tool executions; append through `add_tool_execution`, or edit the list.
        files_modified: paths that successful tool calls changed, relative to the project where inside it.
        files_created: paths that successful tool calls made.
        agents_used: names of the agents that took part, in order of appearance.
        tags: labels.
        parent_session_id: the session this is a fork of; it need not be in this store.
        snapshots: named states to go back to, oldest first.
        metadata: anything else, JSON.
    """

    model_config = ConfigDict(validate_assignment=True, extra="forbid")

    id: Text = Field(default_factory=ids.new_session_id)
    title: Text = ""
    created_at: UtcTime = Field(default_factory=clock.now)
    updated_at: UtcTime = Field(default_factory=lambda fields: fields.get("created_at") or clock.now())
    project_path: Annotated[Text, BeforeValidator(_path_text)] = ""
    messages: Annotated[list[Message], _entry_list(Message)] = Field(default_factory=EntryList)
    tool_executions: Annotated[list[ToolExecution], _entry_list(ToolExecution)] = Field(default_factory=EntryList)
    files_modified: list[Text] = Field(default_factory=list)
    files_created: list[Text] = Field(default_factory=list)
    agents_used: list[Text] = Field(default_factory=list)
    tags: list[Text] = Field(default_factory=list)
    parent_session_id: Text | None = None
    snapshots: list[InstanceOf[Snapshot]] = Field(default_factory=list)
    metadata: dict[Text, Any] = Field(default_factory=dict)

    _steps: list[Step] = PrivateAttr(default_factory=list)
    # What the store knows of this session; only `store` looks inside.
    _saved: Any = PrivateAttr(default=None)
    _on_add: Callable[[], None] | None = PrivateAttr(default=None)
    # Files that were touched here, and whether those of the executions that were there before are among them.
    _seen_files: set[str] = PrivateAttr(default_factory=set)
    _seen_earlier: bool = PrivateAttr(default=False)

    # -- the timeline ---------------------------------------------------------------------------------------------

    @property
    def timeline(self) -> list[Entry]:
        """Messages and tool executions in one list, in the order they were added (a copy).

        Raises:
            DuplicateEntry: two entries have one id.
        """
        return list(self._order())

    def _set_order(self, entries: Iterable[Entry]) -> None:
        self._timeline.reset(
            entries,
            cast("EntryList[Message]", self.messages),
            cast("EntryList[ToolExecution]", self.tool_executions),
        )
        self._forget_files()

    def add(self, entry: Entry) -> None:
        """Add a ready-made message or execution at the end, tracking its agent and, where it succeeded, its files.

        Raises:
            DuplicateEntry: an entry of this id is there already.
        """
        self._order()
        if self._timeline.knows(entry):
            raise DuplicateEntry(self.id, entry.id)
        self._timeline.append(entry)
        if entry.agent_name and entry.agent_name not in self.agents_used:
            self.agents_used.append(entry.agent_name)
        if isinstance(entry, ToolExecution) and entry.success:
            self._track_files(entry)
        if entry.timestamp > self.updated_at:  # noqa: PLR1730 - pydantic looks at each value it is given
            self.updated_at = entry.timestamp
        if self._on_add is not None:
            self._on_add()

    def add_message(
        self,
        role: MessageRole | str,
        content: str,
        agent_name: str | None = None,
        tool_calls: list[Any] | None = None,
        tool_call_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Message:
        """Add a message said now; gives it.

        Raises:
            InvalidEntry: something in it cannot be stored.
        """
        try:
            message = Message(
                role=cast("MessageRole", role),
                content=content,
                agent_name=agent_name,
                tool_calls=tool_calls,
                tool_call_id=tool_call_id,
                metadata=dict(metadata or {}),
            )
        except ValidationError as problem:
            raise InvalidEntry(f"This message cannot be stored in session {self.id}: {_plainly(problem)}") from problem
        self.add(message)
        return message

    def add_tool_execution(
        self,
        tool_name: str,
        arguments: Mapping[str, Any],
        result: str,
        success: bool,
        duration_ms: int = 0,
        agent_name: str | None = None,
    ) -> ToolExecution:
        """Add a tool execution that ended now (`duration_ms` in milliseconds); gives it.

        A successful call of a tool that writes, edits or deletes adds its path to `files_created` or `files_modified`.

        Raises:
            InvalidEntry: something in it cannot be stored.
        """
        try:
            execution = ToolExecution(
                tool_name=tool_name,
                arguments=cast("dict[str, Any]", arguments),
                result=result,
                success=success,
                duration_ms=duration_ms,
                agent_name=agent_name,
            )
        except ValidationError as problem:
            raise InvalidEntry(f"This call cannot be stored in session {self.id}: {_plainly(problem)}") from problem
        self.add(execution)
        return execution

    def _track_files(self, call: ToolExecution) -> None:
        for touch, path in touched_files(call.tool_name, call.arguments, self.project_path):
            self._note_file(touch, path, call)

    def note_file(self, touch: FileTouch, path: str) -> None:
        """Record that a file was touched: created wins over modified; a file seen before is not created."""
        self._note_file(touch, path, None)

    def _note_file(self, touch: FileTouch, path: str, call: ToolExecution | None) -> None:
        known = path in self.files_modified or path in self.files_created
        fresh = False
        # The beginning of a session that was opened by its end is read where it matters alone.
        if not self._timeline.is_folded or (touch == "write" and not known):
            self._see_earlier_files(call)
            fresh = path not in self._seen_files and not known
        self._seen_files.add(path)
        if touch == "read" or path in self.files_created:
            return
        if touch == "create" or (touch == "write" and fresh):
            self.files_created.append(path)
            if path in self.files_modified:
                self.files_modified.remove(path)
        elif path not in self.files_modified:
            self.files_modified.append(path)

    def _see_earlier_files(self, now: ToolExecution | None) -> None:
        """Let the files of all executions but the one that is being added be seen; once."""
        if not self._seen_earlier:
            self._seen_files |= {
                path
                for call in self.tool_executions
                if call.success and call is not now
                for _, path in touched_files(call.tool_name, call.arguments, self.project_path)
            }
            self._seen_earlier = True

    def _forget_files(self) -> None:
        self._seen_files = set()
        self._seen_earlier = False

    # -- snapshots ------------------------------------------------------------------------------------------------

    def _state(self) -> SnapshotState:
        return SnapshotState(
            tuple(self._order()),
            tuple(self.files_modified),
            tuple(self.files_created),
            tuple(self.agents_used),
        )

    def create_snapshot(
        self, description: str = "", *, snapshot_id: str | None = None, created_at: datetime | None = None
    ) -> Snapshot:
        """Name the present state, saved or not; the next save commits exactly that state and tags it.

        Raises:
            InvalidSession: this session has a snapshot of that id already.
        """
        chosen = ids.validate_session_id(snapshot_id) if snapshot_id else ids.new_snapshot_id()
        state = self._state()
        # Whole seconds: a tag's own time, where the snapshot ends up, has no more.
        moment = (created_at or clock.now()).replace(microsecond=0)
        # As a tag's message can hold it: no NUL, no lone surrogates, no empty lines at the end.
        told = description.replace("\0", " ").encode("utf-8", "replace").decode().rstrip("\n")
        snapshot = Snapshot(chosen, told, moment, state=state)
        self._take_snapshot(snapshot)
        return snapshot

    def restore_snapshot(self, snapshot_id: str) -> None:
        """Go back to a snapshot's timeline, files and agents; title, tags and metadata stay.

        What was there before stays in the history, also where it was not saved yet.

        Raises:
            SnapshotNotFound: there is no such snapshot.
        """
        snapshot = next((known for known in self.snapshots if known.id == snapshot_id), None)
        if snapshot is None:
            raise SnapshotNotFound(self.id, snapshot_id, [known.id for known in self.snapshots])
        state = snapshot.state
        self._steps.append(Step("save", self._state()))
        self._steps.append(Step("restore", state, snapshot))
        self._apply(state)
        self.updated_at = max(clock.now(), self.updated_at)

    def _apply(self, state: SnapshotState) -> None:
        self._set_order(state.entries)
        self.files_modified = list(state.files_modified)
        self.files_created = list(state.files_created)
        self.agents_used = list(state.agents_used)

    # -- copies ---------------------------------------------------------------------------------------------------

    def fork(self, title: str = "") -> Session:
        """Give a new session that goes on from here, under a new id; saving it makes a branch off this one's."""
        forked = self.model_copy()
        forked.id = ids.new_session_id()
        forked.title = title or f"Fork of {self.title or self.id}"
        forked.parent_session_id = self.id
        forked.created_at = forked.updated_at = clock.now()
        forked._saved = self._saved.forked() if self._saved is not None else None
        return forked

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Give a copy that shares nothing one can edit, deep or not: the entries themselves never change."""
        del deep
        self._unfold()  # a copy's fields stand in their order, too
        copied = super().__copy__()
        copied._timeline = Timeline()
        copied.__dict__["messages"] = EntryList()
        copied.__dict__["tool_executions"] = EntryList()
        copied._set_order(self._order())
        copied._timeline.untouched = self._timeline.untouched
        own = {id(snapshot): snapshot.copy() for snapshot in self.snapshots}
        copied._steps = [replace(step, snapshot=own.get(id(step.snapshot), step.snapshot)) for step in self._steps]
        copied._on_add = None
        copied._forget_files()
        for name in ("files_modified", "files_created", "agents_used", "tags"):
            copied.__dict__[name] = list(getattr(self, name))
        copied.__dict__["snapshots"] = list(own.values())
        copied.__dict__["metadata"] = thaw(self.metadata)
        for name, value in (update or {}).items():
            setattr(copied, name, value)
        return copied

    def __copy__(self) -> Self:
        return self.model_copy()

    def __deepcopy__(self, _memo: dict[int, Any] | None = None) -> Self:
        return self.model_copy()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Session):
            return NotImplemented
        self._unfold()
        other._unfold()
        return self.__dict__ == other.__dict__ and self._order() == other._order()

    __hash__ = None  # type: ignore[assignment]  # a session changes

    def _reorder(self, ids_in_order: list[str]) -> None:
        """Put the entries into a told order, where it names just them."""
        known = {entry.id: entry for entry in self._order()}
        if sorted(ids_in_order) == sorted(known):
            self._set_order([known[entry_id] for entry_id in ids_in_order])

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        if any(known.id.lower() == snapshot.id.lower() for known in self.snapshots):
            raise InvalidSession(f"Session {self.id} has a snapshot {snapshot.id} already. Choose another id")
        self._steps.append(Step("snapshot", snapshot.state, snapshot))
        self.snapshots.append(snapshot)
        self.snapshots.sort(key=Snapshot.place)  # as they are loaded

    # -- exchange -------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Give the whole session as plain JSON values in the contract's shape, with the order and the snapshots."""
        return session_to_dict(self, self._order())

    def to_json(self, *, indent: int | None = 2) -> str:
        """Give `to_dict` as JSON text; text that is not valid Unicode stands in it as escapes."""
        from superqode.session.codec.jsontext import dump_text

        return dump_text(self.to_dict(), indent=indent)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make a session from `to_dict`'s values, or from those of superqode 2.25.

        Raises:
            InvalidSession: the values are no session.
        """
        try:
            fields, order, snapshots = session_fields(data)
            session = cls(**fields)
            session._order()  # refuses entries of one id
            if order is not None:
                session._reorder(order)
            for told in snapshots:
                session._take_snapshot(read_snapshot(session, told))
        except ValidationError as problem:
            raise InvalidSession(f"This is no session: {_plainly(problem)}") from problem
        except InvalidSession:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as problem:
            raise InvalidSession(f"This is no session: {type(problem).__name__} {problem}") from problem
        return session


def _plainly(problem: ValidationError) -> str:
    """What pydantic found, as one line without its links."""
    found = problem.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg']}" for item in found[:3])


def create_session(title: str = "", project_path: str | Path | None = None) -> Session:
    """Make an empty session with a new id; without a title it is named after the time."""
    session = Session(project_path=str(project_path or ""))
    session.title = title or f"Session {session.created_at.astimezone():%Y-%m-%d %H:%M}"
    return session
