"""Writes the protocol's messages as a client and an agent would, one after the other."""

from __future__ import annotations

import json

from superqode.session.importers.acp import AcpImporter, Traffic
from superqode.session.importers.fields import epoch_time

from . import folders

ACP = AcpImporter()
START = 1_795_341_679.0


class Wire:
    """Writes one connection."""

    def __init__(self, agent="an-agent", session="s1", start=START):
        self.lines = []
        self.session = session
        self.now = start
        self._id = 0
        if agent:
            self.ask("initialize", {"clientInfo": {"name": "a-client"}}, {"agentInfo": {"name": agent, "version": "1"}})

    def send(self, message, *, by_agent):
        self.now += 0.25
        direction = "agent->client" if by_agent else "client->agent"
        self.lines.append({"t": self.now, "dir": direction, "msg": {"jsonrpc": "2.0", **message}})
        return self

    def ask(self, method, params, result=None, *, by_agent=False, error=None):
        """Send a request and its answer."""
        self._id += 1
        self.send({"id": self._id, "method": method, "params": params}, by_agent=by_agent)
        answer = {"error": error} if error else {"result": result}
        return self.send({"id": self._id, **answer}, by_agent=not by_agent)

    def new(self, cwd="/p", **more):
        return self.ask("session/new", {"cwd": cwd, "mcpServers": []}, {"sessionId": self.session, **more})

    def prompt(self, *blocks):
        blocks = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
        params = {"sessionId": self.session, "prompt": blocks}
        return self.send({"id": "turn", "method": "session/prompt", "params": params}, by_agent=False)

    def end(self, reason="end_turn", **more):
        return self.send({"id": "turn", "result": {"stopReason": reason, **more}}, by_agent=True)

    def update(self, kind, /, **fields):
        params = {"sessionId": self.session, "update": {"sessionUpdate": kind, **fields}}
        return self.send({"method": "session/update", "params": params}, by_agent=True)

    def chunk(self, text, kind="agent_message_chunk", **fields):
        return self.update(kind, content={"type": "text", "text": text}, **fields)

    def thought(self, text, **fields):
        return self.chunk(text, "agent_thought_chunk", **fields)

    def call(self, call_id="c1", status="pending", **fields):
        return self.update("tool_call", toolCallId=call_id, status=status, **fields)

    def more(self, call_id="c1", status="completed", **fields):
        return self.update("tool_call_update", toolCallId=call_id, status=status, **fields)

    def permission(self, outcome, call_id="c1", **fields):
        options = [{"optionId": "yes", "kind": "allow_once"}, {"optionId": "no", "kind": "reject_once"}]
        params = {"sessionId": self.session, "options": options, "toolCall": {"toolCallId": call_id, **fields}}
        return self.ask("session/request_permission", params, {"outcome": outcome}, by_agent=True)

    def write(self, path, error=None):
        params = {"sessionId": self.session, "path": path, "content": "x"}
        return self.ask("fs/write_text_file", params, None, by_agent=True, error=error)

    def read(self, path, error=None):
        params = {"sessionId": self.session, "path": path}
        return self.ask("fs/read_text_file", params, {"content": "x"}, by_agent=True, error=error)

    @property
    def data(self):
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines).encode()


def selected(option):
    """Give a person's choice."""
    return {"outcome": "selected", "optionId": option}


def talking(agent="an-agent"):
    """Give a connection with a session in which a prompt was just made."""
    return Wire(agent).new().prompt("go")


def session_of(wire):
    """Import a recording of one session; gives it."""
    return folders.only(ACP, [folders.one(wire.data, "traffic.jsonl")]).session


def call_of(wire):
    """Import a recording with one call; gives it."""
    (call,) = session_of(wire).tool_executions
    return call


def followed(wire):
    """Feed a connection to what a live recorder uses, message by message; gives it after each."""
    traffic = Traffic()
    for line in wire.lines:
        traffic.take(line["msg"], from_agent=line["dir"] == "agent->client", time=epoch_time(line["t"]))
        yield traffic
