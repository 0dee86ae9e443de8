"""What a Codex rollout says about itself: whose thread it is, where it worked, what it goes on from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from superqode.session.importers.fields import mapping_at, number_at, text_at

__all__ = ["Base", "Meta", "is_bare_meta", "read_meta"]

_KEPT: Final = (
    "cli_version",
    "originator",
    "source",
    "model_provider",
    "git",
    "agent_nickname",
    "agent_role",
    "agent_path",
)


@dataclass(frozen=True, slots=True)
class Base:
    """The part of another rollout that this one goes on from: records with an ordinal below `end`."""

    thread_id: str
    end: float


@dataclass(frozen=True, slots=True)
class Meta:
    """The first `session_meta` of a rollout, or the first line of a bare one.

    Attributes:
        thread_id: the thread's own id (a sub-agent's `session_id` is its parent's).
        time: when it began, as written.
        cwd: the folder it works in.
        relation: `fork`, `subagent`, or empty where it has no parent.
        parent_id: the thread it comes from; empty where that is not said.
        base: what it goes on from without repeating it; None where the file holds everything.
        about: what is kept in the session's metadata as it is.
    """

    thread_id: str
    time: str
    cwd: str
    relation: str
    parent_id: str
    base: Base | None
    about: dict[str, Any]


def read_meta(payload: Mapping[str, Any]) -> Meta:
    """Read the payload of a `session_meta` record of any version."""
    thread_id = text_at(payload, "id", "session_id")
    spawned = _spawned_by(payload)
    parent_id = spawned or text_at(payload, "forked_from_id")
    is_subagent = "subagent" in mapping_at(payload, "source") or payload.get("thread_source") == "subagent"
    if is_subagent and not parent_id:
        parent_id = text_at(payload, "session_id")
    relation = "subagent" if is_subagent or spawned else "fork" if parent_id else ""
    same = parent_id in ("", thread_id)
    return Meta(
        thread_id=thread_id,
        time=text_at(payload, "timestamp"),
        cwd=text_at(payload, "cwd"),
        relation="" if same else relation,
        parent_id="" if same else parent_id,
        base=_base(payload),
        about={name: payload[name] for name in _KEPT if payload.get(name)},
    )


def is_bare_meta(record: Mapping[str, Any]) -> bool:
    """Whether this is the first line of a rollout whose records have no `type` and `payload` around them."""
    told = "instructions" in record or "git" in record
    return told and "type" not in record and bool(text_at(record, "id") and text_at(record, "timestamp"))


def _spawned_by(payload: Mapping[str, Any]) -> str:
    subagent = mapping_at(mapping_at(payload, "source"), "subagent")
    spawn = mapping_at(subagent, "thread_spawn")
    return text_at(payload, "parent_thread_id") or text_at(spawn, "parent_thread_id")


def _base(payload: Mapping[str, Any]) -> Base | None:
    base = mapping_at(payload, "history_base")
    if thread_id := text_at(base, "thread_id"):
        end = number_at(base, "end_ordinal_exclusive")
        return Base(thread_id, end if end >= 0 else math.inf)
    end = number_at(payload, "forked_from_ordinal_exclusive")
    thread_id = text_at(payload, "forked_from_id")
    return Base(thread_id, end) if thread_id and end >= 0 else None
