"""One record of a transcript as a row: what was said, called or answered, and where it stands in the tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from superqode.session.models import FrozenDict

__all__ = ["Call", "Kind", "Result", "Row"]

# `command` is something a person did that is no prompt (`/model`, `!ls`); `injected` came from a program;
# `notice` is a remark of Claude Code itself; `link` says nothing and only holds the tree together.
Kind = Literal["prompt", "command", "injected", "notice", "assistant", "results", "link"]


@dataclass(frozen=True, slots=True)
class Call:
    """A `tool_use` block.

    Attributes:
        id: the call's own id; empty where it has none.
        name: the tool.
        arguments: its input.
        block: the whole block, in Claude's JSON shape.
    """

    id: str
    name: str
    arguments: FrozenDict
    block: FrozenDict


@dataclass(frozen=True, slots=True)
class Result:
    """A `tool_result` block with what `toolUseResult` tells about it.

    Attributes:
        call_id: the call it answers.
        text: what the tool gave.
        worked: whether the tool really did what it was asked to.
        touch: what happened to the tool's file, where the record says so.
        agent_id: the sub-agent that did the work, where there was one.
        details: more about it, JSON.
    """

    call_id: str
    text: str
    worked: bool
    touch: Literal["", "create", "modify"] = ""
    agent_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Row:
    """A record, without what no session needs.

    Attributes:
        kind: what it is.
        uuid: its id, unique in the file.
        parent: the uuid it follows; None where the record says it follows nothing, empty where it is silent.
        other_parent: the uuid it follows in meaning, for a conversation that was compacted.
        time: when, aware UTC.
        sidechain: whether a sub-agent wrote it.
        agent_id: that sub-agent's id, in the versions that name it.
        copied_from: the session it was first written in, where it says so.
        text: what was said.
        message_id: the API message it is a part of.
        thinking: the model's thoughts.
        calls: the calls in it.
        results: the results in it.
        details: metadata for the message, JSON.
    """

    kind: Kind
    uuid: str
    parent: str | None
    time: datetime | None
    other_parent: str = ""
    sidechain: bool = False
    agent_id: str = ""
    copied_from: str = ""
    text: str = ""
    message_id: str = ""
    thinking: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
