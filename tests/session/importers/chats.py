"""Writes chats as Gemini CLI, Qwen Code and Pi would, and imports them: what the tests of their importers share."""

from __future__ import annotations

import json

from superqode.session.importers.base import Imported
from superqode.session.importers.gemini_cli import GeminiCliImporter
from superqode.session.importers.pi import PiImporter
from superqode.session.importers.qwen_code import QwenCodeImporter

from . import folders

SESSION = "6c9d991c-99aa-4e62-bb6d-b060b72f9c9d"
CHILD = "9e84af51-b5c6-4e17-ac5b-a5915b312469"
IMPORTERS = {"gemini-cli": GeminiCliImporter(), "qwen-code": QwenCodeImporter(), "pi": PiImporter()}
CHATS = ".gemini/tmp/proj/chats"
NAMES = {
    "gemini-cli": f"{CHATS}/session-2026-11-22T09-49-{SESSION[:8]}.jsonl",
    "qwen-code": f".qwen/projects/-p/chats/{SESSION}.jsonl",
    "pi": f".pi/agent/sessions/--p--/2026-11-22T09-56-46-124Z_{SESSION}.jsonl",
}


class Chat:
    """Writes records one after the other, each a second later."""

    agent = ""

    def __init__(self):
        self.records = []

    @property
    def time(self):
        count = len(self.records)
        return f"2026-11-22T10:{count // 60 % 60:02}:{count % 60:02}.000Z"

    def raw(self, record):
        self.records.append(record)
        return record

    @property
    def data(self):
        return lines(self.records)


class Gemini(Chat):
    """A log as Gemini CLI writes it since 0.39."""

    agent = "gemini-cli"

    def __init__(self, session=SESSION, **header):
        super().__init__()
        start = {"startTime": self.time, "lastUpdated": self.time, "kind": "main"}
        self.raw({"sessionId": session, "projectHash": "ab12", **start, **header})

    def message(self, kind, content, name=None, **fields):
        name = name or f"m{len(self.records)}"
        return self.raw({"id": name, "timestamp": self.time, "type": kind, "content": content, **fields})

    def says(self, *texts, **fields):
        return self.message("user", [{"text": text} for text in texts], **fields)

    def answers(self, text, *calls, name=None, **fields):
        fields = {"thoughts": [], "tokens": {"input": 1, "total": 2}, "model": "gemini-x", **fields}
        first = self.message("gemini", text, name, **fields)
        return self.raw({**first, "toolCalls": list(calls)}) if calls else first

    def context(self):
        text = "<session_context>\nThis is it.\n- **Workspace Directories:**\n  - /p\n</session_context>"
        self.set(messages=[{"id": "context", "timestamp": self.time, "type": "user", "content": [{"text": text}]}])

    def set(self, **changes):
        self.raw({"$set": changes})

    def rewind(self, name):
        self.raw({"$rewindTo": name})

    def call(self, name, tool="read_file", output="ok", status="success", shown="", **args):
        key = "output" if status == "success" else "error"
        response = {"functionResponse": {"id": name, "name": tool, "response": {key: output}}}
        told = {"id": name, "name": tool, "args": args, "result": [response], "status": status}
        return {**told, "timestamp": self.time, "resultDisplay": shown}

    def resume(self):
        """Write all messages anew as parts, as resuming does since 0.61."""
        latest = {}
        for record in self.records:
            for message in record.get("$set", {}).get("messages", [record]):
                if "id" in message:
                    latest[message["id"]] = message
        self.set(messages=[part for message in latest.values() for part in _as_parts(message, self.time)])


def _as_parts(message, time):
    content = message["content"]
    calls = message.get("toolCalls", ())
    parts = [{"text": content}] if isinstance(content, str) and content else content or []
    parts = [*parts, *({"functionCall": {name: call[name] for name in ("id", "name", "args")}} for call in calls)]
    yield {"id": message["id"], "timestamp": time, "type": message["type"], "content": parts}
    if calls:
        results = [part for call in calls for part in call["result"]]
        yield {"id": f"{message['id']}_response", "timestamp": time, "type": "user", "content": results}


class Tree(Chat):
    """A chat whose records each tell which one they follow."""

    parent_key = ""

    def __init__(self):
        super().__init__()
        self.last = None

    def add(self, name, fields, parent="last"):
        if parent == "last":
            parent = self.last
        self.last = name or f"r{len(self.records)}"
        return self.raw({self.id_key: self.last, self.parent_key: parent, "timestamp": self.time, **fields})


class Qwen(Tree):
    """A chat as Qwen Code writes it."""

    agent = "qwen-code"
    id_key = "uuid"
    parent_key = "parentUuid"

    def __init__(self, session=SESSION, **envelope):
        super().__init__()
        self.envelope = {"sessionId": session, "cwd": "/p", "version": "0.24.4", "gitBranch": "main", **envelope}

    def record(self, kind, *, name=None, parent="last", **fields):
        return self.add(name, {"type": kind, **self.envelope, **fields}, parent)

    def says(self, text, **fields):
        return self.record("user", message={"role": "user", "parts": [{"text": text}]}, **fields)

    def answers(self, *parts, **fields):
        parts = [{"text": part} if isinstance(part, str) else part for part in parts]
        return self.record("assistant", model="qwen-x", message={"role": "model", "parts": parts}, **fields)

    def result(self, call_id, output="ok", status="success", shown="", **fields):
        key = "output" if status == "success" else "error"
        part = {"functionResponse": {"id": call_id, "name": "tool", "response": {key: output}}}
        told = {"callId": call_id, "status": status, "resultDisplay": shown}
        return self.record("tool_result", message={"role": "user", "parts": [part]}, toolCallResult=told, **fields)

    def system(self, subtype, payload, **fields):
        return self.record("system", subtype=subtype, systemPayload=payload, **fields)

    def event(self, kind, prompt_id="x", **fields):
        event = {"event.name": f"qwen-code.{kind}", "event.timestamp": self.time, "prompt_id": prompt_id, **fields}
        return self.system("ui_telemetry", {"uiEvent": event})


class Pi(Tree):
    """A session as Pi writes it."""

    agent = "pi"
    id_key = "id"
    parent_key = "parentId"

    def __init__(self, session=SESSION, **header):
        super().__init__()
        self.raw({"type": "session", "version": 3, "id": session, "timestamp": self.time, "cwd": "/p", **header})

    def entry(self, kind, *, name=None, parent="last", **fields):
        return self.add(name, {"type": kind, **fields}, parent)

    def says(self, text, **fields):
        return self.entry("message", message={"role": "user", "content": [{"type": "text", "text": text}]}, **fields)

    def answers(self, *blocks, message=(), **fields):
        content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
        told = {"role": "assistant", "content": content, "model": "pi-x", "stopReason": "stop", **dict(message)}
        return self.entry("message", message=told, **fields)

    def result(self, call_id, text="ok", *, failed=False, **fields):
        told = {"role": "toolResult", "toolCallId": call_id, "toolName": "tool", "isError": failed}
        return self.entry("message", message={**told, "content": [{"type": "text", "text": text}]}, **fields)


def function_call(call_id, tool="read_file", **args):
    """Give a `functionCall` part."""
    return {"functionCall": {"id": call_id, "name": tool, "args": args}}


def tool_call(call_id, tool="bash", **arguments):
    """Give a `toolCall` block."""
    return {"type": "toolCall", "id": call_id, "name": tool, "arguments": arguments}


def lines(records):
    """Give records as the bytes of a file."""
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def run(files, importer):
    """Import files given as name → chat or bytes, each knowing the others; gives the results in order."""
    data = {name: content.data if isinstance(content, Chat) else content for name, content in files.items()}
    return [result for source in folders.of(data) for result in importer.read(source)]


def imports(chat, name=None):
    """Import a chat that gives no errors, and check that its receipts add up; gives what was imported."""
    results = run({name or NAMES[chat.agent]: chat}, IMPORTERS[chat.agent])
    assert all(isinstance(result, Imported) for result in results), results
    for result in results:
        adds_up(result.receipt)
    return results


def sessions(chat, name=None):
    """Import a chat that gives no errors; gives its sessions."""
    return [result.session for result in imports(chat, name)]


def adds_up(receipt):
    """Check that every record of a file is accounted for."""
    assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())


def said(session):
    """Give the conversation as pairs of role and text."""
    return [(str(message.role), message.content) for message in session.messages]


def ids(session):
    """Give the ids of all entries in order."""
    return [entry.id for entry in session.timeline]


def executed(session):
    """Give each call's id and whether it worked."""
    return {call.id: call.success for call in session.tool_executions}
