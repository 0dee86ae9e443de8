"""An agent that does what its prompt says, a line a deed; a program of its own, that knows nothing of superqode.

say TEXT · think TEXT · text JSON (a string with line breaks) · call ID NAME · done ID TEXT · fail ID · diff ID PATH · ask ID · read PATH · write PATH TEXT
title TEXT · plan TEXT · sleep SECONDS · raw TEXT · bytes HEX · long COUNT · err TEXT · refuse · error · die CODE
close · hang (until cancelled) · deaf (never again) · child (prints the pid of a process it leaves behind)
"""

import itertools
import json
import os
import subprocess
import sys
import time

SESSIONS = {}
ARGUMENTS = sys.argv[1:]
ASKED = itertools.count(1000)


def send(message):
    sys.stdout.buffer.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    sys.stdout.buffer.flush()


def receive():
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


class Talk:
    def __init__(self, session, cwd):
        self.session = session
        self.cwd = cwd
        self.told = []
        self.cancelled = False

    def update(self, kind, /, **fields):
        update = {"sessionUpdate": kind, **fields}
        self.told.append(update)
        send({"method": "session/update", "params": {"sessionId": self.session, "update": update}})

    def ask(self, method, params):
        next_id = next(ASKED)
        send({"id": next_id, "method": method, "params": {"sessionId": self.session, **params}})
        while True:
            message = receive()
            if message.get("id") == next_id and "method" not in message:
                return message
            if message.get("method") == "session/cancel":
                self.cancelled = True

    def run_text(self, text):
        self.update("agent_message_chunk", content={"type": "text", "text": text})

    def run(self, line):
        deed, _, rest = line.partition(" ")
        first, _, more = rest.partition(" ")
        if deed in ("say", "think"):
            kind = "agent_message_chunk" if deed == "say" else "agent_thought_chunk"
            self.update(kind, content={"type": "text", "text": rest})
        elif deed == "text":
            self.run_text(json.loads(rest))
        elif deed == "call":
            self.update(
                "tool_call", toolCallId=first, title=more, kind="edit", status="pending", rawInput={"path": more}
            )
        elif deed == "done":
            content = [{"type": "content", "content": {"type": "text", "text": more}}]
            self.update("tool_call_update", toolCallId=first, status="completed", content=content)
        elif deed == "fail":
            self.update("tool_call_update", toolCallId=first, status="failed")
        elif deed == "diff":
            path = os.path.join(self.cwd, more)
            diff = {"type": "diff", "path": path, "oldText": None, "newText": "x"}
            self.update("tool_call_update", toolCallId=first, status="completed", content=[diff])
        elif deed == "ask":
            options = [
                {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
                {"optionId": "no", "name": "No", "kind": "reject_once"},
            ]
            diff = {"type": "diff", "path": "/p/a.txt", "oldText": "a", "newText": "b"}
            call = {"toolCallId": first, "title": "Do it", "kind": "edit", "content": [diff]}
            answer = self.ask("session/request_permission", {"options": options, "toolCall": call})
            self.update(
                "agent_message_chunk", content={"type": "text", "text": json.dumps(answer["result"]["outcome"])}
            )
            if answer["result"]["outcome"].get("optionId") == "yes":
                self.run(f"done {first} allowed")
            self.cancelled = self.cancelled or answer["result"]["outcome"]["outcome"] == "cancelled"
        elif deed == "read":
            answer = self.ask("fs/read_text_file", {"path": os.path.join(self.cwd, rest)})
            self.run("say " + (answer["result"]["content"] if "result" in answer else answer["error"]["message"]))
        elif deed == "write":
            answer = self.ask("fs/write_text_file", {"path": os.path.join(self.cwd, first), "content": more})
            self.run("say " + ("written" if "result" in answer else answer["error"]["message"]))
        elif deed == "title":
            self.update("session_info_update", title=rest)
        elif deed == "plan":
            self.update("plan", entries=[{"content": rest, "status": "pending", "priority": "high"}])
        elif deed == "sleep":
            time.sleep(float(rest))
        elif deed == "raw":
            sys.stdout.buffer.write(rest.encode() + b"\n")
            sys.stdout.buffer.flush()
        elif deed == "bytes":
            sys.stdout.buffer.write(bytes.fromhex(rest))
            sys.stdout.buffer.flush()
        elif deed == "long":
            sys.stdout.buffer.write(b"x" * int(rest) + b"\n")
            sys.stdout.buffer.flush()
        elif deed == "err":
            print(rest, file=sys.stderr, flush=True)
        elif deed == "die":
            sys.exit(int(rest))
        elif deed == "close":
            os.close(1)
            time.sleep(60)
        elif deed == "hang":
            while receive().get("method") != "session/cancel":
                pass
            self.cancelled = True
        elif deed == "deaf":
            time.sleep(600)
        elif deed == "child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
            self.run(f"say {child.pid}")


def prompted(message):
    params = message["params"]
    talk = SESSIONS[params["sessionId"]]
    text = "".join(block.get("text", "") for block in params["prompt"])
    talk.told.append({"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": text}})
    talk.cancelled = False
    reason = "end_turn"
    for line in text.split("\n"):
        if line == "refuse":
            reason = "refusal"
        elif line == "error":
            return {"error": {"code": -32603, "message": "Internal error", "data": {"details": "no model"}}}
        else:
            talk.run(line)
        if talk.cancelled:
            return {"result": {"stopReason": "cancelled"}}
    return {"result": {"stopReason": reason}}


def answered(message):
    method, params = message["method"], message.get("params") or {}
    if method == "initialize":
        info = {"name": "scripted", "title": "Scripted Agent", "version": "1.0"}
        version = 99 if "--version-99" in ARGUMENTS else 1
        capabilities = {"loadSession": "--no-load" not in ARGUMENTS}
        return {"result": {"protocolVersion": version, "agentInfo": info, "agentCapabilities": capabilities}}
    if method == "session/new":
        if "--login" in ARGUMENTS:
            return {"error": {"code": -32000, "message": "Authentication required"}}
        session = f"scripted-{len(SESSIONS) + 1}-{os.getpid()}"
        SESSIONS[session] = Talk(session, params["cwd"])
        return {"result": {"sessionId": session}}
    if method == "session/load":
        talk = SESSIONS[params["sessionId"]] = Talk(params["sessionId"], params["cwd"])
        for line in ("say before", "call c0 edit_file", "done c0 ok"):
            if line == "say before":
                talk.update("user_message_chunk", content={"type": "text", "text": "say before"})
            talk.run(line)
        return {"result": None}
    if method == "session/prompt":
        return prompted(message)
    return {"error": {"code": -32601, "message": "Method not found"}}


for word in ARGUMENTS:
    if word.startswith("--say="):
        print(word.removeprefix("--say="), flush=True)
    if word.startswith("--die="):
        print("no key found", file=sys.stderr)
        sys.exit(int(word.removeprefix("--die=")))
    if word == "--silent":
        time.sleep(600)
while True:
    asked = receive()
    if "method" in asked and "id" in asked:
        send({"id": asked["id"], **answered(asked)})
