"""Writes transcripts as Claude Code would, and imports them: what the tests of its importer share."""

from __future__ import annotations

import io
import json
from functools import partial

from superqode.session.importers.base import Imported, Source
from superqode.session.importers.claude_code import ClaudeCodeImporter

SESSION = "3f0c9a52-7d1e-4a3b-9c55-0123456789ab"
NAME = f".claude/projects/-p/{SESSION}.jsonl"
CHILD = "9b2d7c11-5e4f-4f6a-8d3c-ba9876543210"
CHILD_NAME = f".claude/projects/-p/{CHILD}.jsonl"


class Script:
    """Writes a transcript as Claude Code would, one record after the other."""

    def __init__(self, session=SESSION, **envelope):
        self.records = []
        self.last = None
        self.envelope = {
            "sessionId": session,
            "cwd": "/p",
            "version": "2.1.330",
            "gitBranch": "main",
            **envelope,
        }

    def add(self, kind, *, parent="last", **fields):
        count = len(self.records) + 1
        record = {
            "parentUuid": self.last if parent == "last" else parent,
            "isSidechain": False,
            "type": kind,
            "uuid": f"u{count}",
            "timestamp": f"2026-11-22T10:{count // 60:02}:{count % 60:02}.000Z",
            **self.envelope,
            **fields,
        }
        self.records.append(record)
        self.last = record["uuid"]
        return self.last

    def raw(self, **fields):
        self.records.append(fields)

    def says(self, content, **fields):
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def answers(self, *blocks, message_id=None, **fields):
        content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
        message = {
            "id": message_id or f"msg{len(self.records) + 1}",
            "role": "assistant",
            "model": "claude-x",
            "content": content,
            "usage": {"output_tokens": len(self.records)},
        }
        return self.add("assistant", message={**message, **fields.pop("message", {})}, **fields)

    def result(self, call_id, content="ok", told=None, *, parent="last", **block):
        content = [{"type": "tool_result", "tool_use_id": call_id, "content": content, **block}]
        fields = {} if told is None else {"toolUseResult": told}
        return self.add("user", parent=parent, message={"role": "user", "content": content}, **fields)

    def bytes(self):
        return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in self.records)


def call(call_id, name="Bash", **arguments):
    """Give a `tool_use` block."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def run(files, importer=None):
    """Import files given as name → script or bytes; gives the results in order."""
    importer = importer or ClaudeCodeImporter()
    listed = []

    def related(needle):
        return (source for source in listed if needle in source.name)

    for name, content in files.items():
        data = content.bytes() if isinstance(content, Script) else content
        listed.append(Source(name, partial(io.BytesIO, data), related))
    return [result for source in listed for result in importer.read(source)]


def sessions(content, name=NAME):
    """Import one file that gives no errors; gives its sessions."""
    results = run({name: content})
    assert all(isinstance(result, Imported) for result in results), results
    return [result.session for result in results]


def said(session):
    """Give the conversation as pairs of role and text."""
    return [(str(message.role), message.content) for message in session.messages]


def prompts(session):
    """Give what the person said."""
    return [message.content for message in session.messages if message.role == "user"]


def ids(session):
    """Give the ids of all entries in order."""
    return [entry.id for entry in session.timeline]


def rewound():
    """Two prompts, and then the second one in other words."""
    script = Script()
    script.says("first")
    turning_point = script.answers("one", call("t1", command="a"), call("t2", command="b"))
    script.result("t2", parent=turning_point)
    script.result("t1", parent=turning_point)
    ended = script.answers("both done")
    script.says("second, badly put")
    script.answers("misunderstood", call("t3", "Write", file_path="/p/wrong.py"))
    script.result("t3")
    script.says("second, better put", parent=ended)
    script.answers("understood")
    return script


def forked(**marks):
    """A session and its fork, which has copied everything and then went on; `marks` stand on what was copied."""
    script = Script()
    script.says("first")
    script.answers("one")
    fork = Script(session=CHILD)
    fork.records = [{**record, "sessionId": CHILD, **marks} for record in script.records]
    fork.last = script.last
    fork.says("in the fork", uuid="f1")
    fork.answers("two", uuid="f2")
    return script, fork


def side_by_side():
    """Version 2.0: a sub-agent's file lies beside its parent's, with a warm-up and an empty file."""
    script = Script()
    script.says("count")
    script.answers(call("task", "Task", prompt="count them", subagent_type="Explore", description="Counting"))
    script.result("task", [{"type": "text", "text": "2"}], {"status": "completed", "agentId": "a1b2c3"})
    files = {NAME: script, ".claude/projects/-p/empty.jsonl": b""}
    for agent_id, prompt in (("a1b2c3", "count them"), ("d4e5f6", "Warmup")):
        agent = Script(isSidechain=True, agentId=agent_id)
        agent.says(prompt)
        agent.answers("2")
        files[f".claude/projects/-p/agent-{agent_id}.jsonl"] = agent
    return files
