"""JSON documents that are no result of the library as it is: types of what `--json` prints, for its schemas."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong.

    Attributes:
        type: the error's class, which keeps its name.
        message: one line for people.
        exit_code: what the command ends with.
    """

    type: str
    message: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Failed:
    """What every command prints on stderr, with `--json`, where it fails; stdout is empty then."""

    error: Failure


@dataclass(frozen=True, slots=True)
class MessageShown:
    """A message.

    Attributes:
        id: unique among the session's entries.
        role: who speaks.
        content: the text, exactly as it came.
        timestamp: when.
        agent_name: which agent spoke, where known.
        tool_calls: the calls the message asks for, in the agent's own shape.
        tool_call_id: for role `tool`: the call this answers.
        metadata: anything else.
    """

    id: str
    role: Literal["user", "assistant", "system", "tool"]
    content: str
    timestamp: datetime
    agent_name: str | None
    tool_calls: list[Any] | None
    tool_call_id: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallShown:
    """A run of a tool.

    Attributes:
        id: unique among the session's entries.
        tool_name: the tool's name as the agent knows it.
        arguments: what it was called with.
        result: what it gave, as text.
        success: whether it worked.
        timestamp: when.
        duration_ms: how long it ran, in milliseconds; 0 where not known.
        agent_name: which agent ran it, where known.
        metadata: anything else.
    """

    id: str
    tool_name: str
    arguments: dict[str, Any]
    result: str
    success: bool
    timestamp: datetime
    duration_ms: int
    agent_name: str | None
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateShown:
    """What a snapshot names.

    Attributes:
        files_modified: as in the session.
        files_created: as in the session.
        agents_used: as in the session.
        timeline: ids of the entries that are in the session still as they were then, the others whole.
    """

    files_modified: list[str]
    files_created: list[str]
    agents_used: list[str]
    timeline: list[str | dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SnapshotInside:
    """A snapshot, inside of its session."""

    id: str
    created_at: datetime
    description: str
    state: StateShown


@dataclass(frozen=True, slots=True)
class SessionShown:
    """A whole session.

    Attributes:
        id: its id.
        title: one line for people.
        created_at: when it began.
        updated_at: when it last changed.
        project_path: the project it works on, or empty.
        messages: the messages, in order.
        tool_executions: the tool calls, in order.
        timeline: ids of both, in the order in which they came.
        files_modified: paths that tool calls changed.
        files_created: paths that tool calls made.
        agents_used: the agents that took part.
        tags: labels.
        parent_session_id: the session this is a fork of.
        snapshots: named states to go back to, oldest first.
        metadata: anything else.
    """

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    project_path: str
    messages: list[MessageShown]
    tool_executions: list[CallShown]
    timeline: list[str]
    files_modified: list[str]
    files_created: list[str]
    agents_used: list[str]
    tags: list[str]
    parent_session_id: str | None
    snapshots: list[SnapshotInside]
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """A session in the tree of forks; `depth` is 0 where its parent is not here."""

    id: str
    title: str
    parent_session_id: str | None
    depth: int


@dataclass(frozen=True, slots=True)
class Forked:
    """A fork that was made."""

    id: str
    title: str
    parent_session_id: str | None
    project_path: str
    message_count: int
    execution_count: int


@dataclass(frozen=True, slots=True)
class Renamed:
    """A session's id before and now; `left` are ids of forks that could not be told, and name the old one."""

    id: str
    new_id: str
    left: list[str]


@dataclass(frozen=True, slots=True)
class SnapshotShown:
    """A snapshot; `commit` is the save it names."""

    id: str
    session_id: str
    created_at: datetime
    description: str
    commit: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """Ids of the sessions that are in the trash now."""

    deleted: list[str]


@dataclass(frozen=True, slots=True)
class Named:
    """The id of the session."""

    id: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether nothing is lost; warnings do not count."""

    ok: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A ref that is in no backup, and the damage that it reaches."""

    ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written, its size, and what is not in it."""

    path: str
    bytes: int
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class Restored:
    """A store that was made of a backup, and how many sessions it has."""

    store: str
    sessions: int


@dataclass(frozen=True, slots=True)
class RemoteShown:
    """A remote; its URL without credentials."""

    name: str
    url: str
    default: bool


@dataclass(frozen=True, slots=True)
class RemoteRemoved:
    """The name of the remote that was removed."""

    removed: str


@dataclass(frozen=True, slots=True)
class HookShown:
    """A hook.

    Attributes:
        path: where it stands, or would.
        state: what stands there.
        version: the version of ours that stands there; 0 where it is not ours.
        available: the version that installing puts there.
        kept: the hook that was there before; empty where there was none.
        shadowed_by: the `core.hooksPath` that makes Git look elsewhere; else empty.
        guarding: whether ours is what is run.
    """

    path: str
    state: Literal["not installed", "installed", "outdated", "foreign"]
    version: int
    available: int
    kept: str
    shadowed_by: str
    guarding: bool


@dataclass(frozen=True, slots=True)
class ServerShown:
    """The hooks of a server's repository."""

    path: str
    layout: Literal["git", "gitea", "gitlab"]
    hooks: list[HookShown]
    guarding: bool


@dataclass(frozen=True, slots=True)
class AgentHookShown:
    """What stands in one coding agent's settings.

    Attributes:
        agent: the agent's name.
        path: its settings file.
        state: whether our hook is in it.
        problem: why the file cannot be edited; empty where it can.
    """

    agent: str
    path: str
    state: Literal["not installed", "installed", "outdated", "foreign"]
    problem: str


@dataclass(frozen=True, slots=True)
class AgentsShown:
    """The hooks of all coding agents.

    Attributes:
        agents: each of them.
        last_error: the last rescue behind an agent's back that failed; empty for none.
    """

    agents: list[AgentHookShown]
    last_error: str


@dataclass(frozen=True, slots=True)
class RescueTotals:
    """The sums over all places, as for one of them."""

    files: int
    sessions: int
    new: int
    updated: int
    unchanged: int
    failed: int


@dataclass(frozen=True, slots=True)
class RescueSummed:
    """What a rescue came to; `totals` are the sums over all places."""

    totals: RescueTotals


@dataclass(frozen=True, slots=True)
class Served:
    """Where the store can be looked at; whoever has the URL can read all sessions."""

    url: str


@dataclass(frozen=True, slots=True)
class ConfiguredValue:
    """A value; `origin` is an option, `$VARIABLE`, `file` or `default`."""

    key: str
    value: bool | float | str | list[str] | None
    origin: str


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """A key nobody knows, and the nearest known one, or empty."""

    key: str
    nearest: str


@dataclass(frozen=True, slots=True)
class Configured:
    """What is configured; `values` is empty with `--path`."""

    path: str
    exists: bool
    values: list[ConfiguredValue]
    unknown: list[UnknownKey]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The worst of the findings."""

    level: Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a share that is back.

    Attributes:
        pushed: whether it is on its remote again.
    """

    pushed: bool
