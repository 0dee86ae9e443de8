"""Writes Codex rollouts as Codex would, and imports them."""

from __future__ import annotations

import io
import json

from superqode.session.importers.base import Imported, Source
from superqode.session.importers.codex import CodexImporter

CODEX = CodexImporter()
THREAD = "01a202a3-7530-74a1-b079-529f97e8ef80"
CHILD = "01a202a3-78f2-7733-8828-32d0d0df6667"


class Rollout:
    """Writes a rollout as Codex would, one record after the other."""

    def __init__(self, thread=THREAD, **meta):
        self.records = []
        self.thread = thread
        if thread:
            self.add("session_meta", id=thread, cwd="/p", timestamp="2026-11-22T10:00:00.000Z", **meta)

    def add(self, kind, /, **payload):
        second = len(self.records)
        time = f"2026-11-22T10:{second // 60:02}:{second % 60:02}.000Z"
        self.records.append({"timestamp": time, "ordinal": second, "type": kind, "payload": payload})
        return self

    def item(self, kind, /, **fields):
        return self.add("response_item", type=kind, **fields)

    def event(self, kind, /, **fields):
        return self.add("event_msg", type=kind, **fields)

    def done(self, kind, /, **fields):
        return self.event("item_completed", item={"type": kind, **fields})

    def user(self, *texts, **fields):
        return self.item(
            "message", role="user", content=[{"type": "input_text", "text": text} for text in texts], **fields
        )

    def prompt(self, text):
        return self.user(text).event("user_message", message=text)

    def assistant(self, text, **fields):
        return self.item("message", role="assistant", content=[{"type": "output_text", "text": text}], **fields)

    def call(
        self,
        call_id,
        name="exec_command",
        arguments='{"cmd": "ls"}',
        output="Exit code: 0\nWall time: 1 seconds\nOutput:\nok",
    ):
        self.item("function_call", name=name, arguments=arguments, call_id=call_id)
        return self if output is None else self.item("function_call_output", call_id=call_id, output=output)

    def patch(self, call_id, text, output='{"output": "Success.", "metadata": {"exit_code": 0}}'):
        self.item("custom_tool_call", name="apply_patch", input=text, call_id=call_id)
        return self.item("custom_tool_call_output", call_id=call_id, output=output)

    @property
    def data(self):
        return "".join(json.dumps(record) + "\n" for record in self.records).encode()

    @property
    def name(self):
        return f"sessions/2026/11/22/rollout-2026-11-22T10-00-00-{self.thread}.jsonl"


def source_of(data, name="rollout.jsonl", others=()):
    """Give bytes as a source that knows other sources."""
    run = list(others)
    return Source(name, lambda: io.BytesIO(data), lambda needle: (other for other in run if needle in other.name))


def imported(rollout, *others):
    """Import a rollout in a run with others."""
    relatives = [source_of(other.data, other.name) for other in others]
    (found,) = CODEX.read(source_of(rollout.data, rollout.name, relatives))
    assert isinstance(found, Imported), found
    receipt = found.receipt
    assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
    return found


def session_of(rollout, *others):
    """Import a rollout; gives its session."""
    return imported(rollout, *others).session


def said(session):
    """Give who said what."""
    return [(message.role.value, message.content) for message in session.messages]


def executed(session):
    """Give each call's id and whether it worked."""
    return {call.id: call.success for call in session.tool_executions}


def spawned(**more):
    """Give the first record of a sub-agent."""
    spawn = {"parent_thread_id": THREAD, "depth": 1, "agent_nickname": "Hubble"}
    return Rollout(CHILD, session_id=THREAD, source={"subagent": {"thread_spawn": spawn}}, **more)
