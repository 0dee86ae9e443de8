"""The entries of a session's timeline: messages and tool executions, frozen once made."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from superqode.session import clock, ids
from superqode.session.models.values import FrozenDict, JsonArray, JsonObject, Text, UtcTime

__all__ = ["Entry", "Message", "MessageRole", "ToolExecution", "entry_from_dict"]


class MessageRole(StrEnum):
    """Who speaks; compares equal to its text (`MessageRole.USER == "user"`)."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, ser_json_inf_nan="constants")

    def to_dict(self) -> dict[str, Any]:
        """Give the entry as plain JSON values, times as RFC 3339 text, in the field names of superqode 2.25."""
        values = {name: value for name, value in self.__dict__.items() if name != "kind"}
        values["timestamp"] = clock.format_time(self.timestamp)
        return values

    timestamp: UtcTime = Field(default_factory=clock.now)


class Message(_Entry):
    """One message of the conversation.

    Attributes:
        id: unique among the session's entries.
        role: who speaks.
        content: the text, exactly as it came.
        timestamp: when, aware UTC.
        agent_name: which agent spoke, where known.
        tool_calls: the calls the message asks for, in the agent's own JSON shape.
        tool_call_id: for role `tool`: the call this answers.
        metadata: anything else, JSON.
    """

    kind: Literal["message"] = Field("message", repr=False)
    id: Text = Field(default_factory=lambda: ids.new_entry_id("msg"))
    role: MessageRole
    content: Text
    agent_name: Text | None = None
    tool_calls: JsonArray | None = None
    tool_call_id: Text | None = None
    metadata: JsonObject = Field(default_factory=FrozenDict)

    def to_dict(self) -> dict[str, Any]:
        """Give the message as plain JSON values, in the field names of superqode 2.25."""
        values = super().to_dict()
        values["role"] = self.role.value
        return values


class ToolExecution(_Entry):
    """One run of a tool.

    Attributes:
        id: unique among the session's entries; importers keep the agent's own call id.
        tool_name: the tool's name as the agent knows it.
        arguments: what it was called with, JSON.
        result: what it gave, as text.
        success: whether it really worked.
        timestamp: when it was recorded, aware UTC.
        duration_ms: how long it ran, in milliseconds; 0 where not known.
        agent_name: which agent ran it, where known.
        metadata: anything else, JSON.
    """

    kind: Literal["call"] = Field("call", repr=False)
    id: Text = Field(default_factory=lambda: ids.new_entry_id("call"))
    tool_name: Text
    arguments: JsonObject
    result: Text
    success: bool
    duration_ms: int = Field(0, ge=0, le=2**63 - 1)
    agent_name: Text | None = None
    metadata: JsonObject = Field(default_factory=FrozenDict)


Entry = Message | ToolExecution


def entry_from_dict(data: dict[str, Any]) -> Entry:
    """Make an entry from plain values: a tool execution where there is a `tool_name`, else a message.

    Raises:
        pydantic.ValidationError: the values are no entry (a `ValueError`).
    """
    model = ToolExecution if "tool_name" in data and "role" not in data else Message
    return model.model_validate(data)
