"""A model that plays scripted turns, on the loopback address; it remembers every request.

A turn is chosen by the last prompt that holds a marker of the script, its step by how often the model answered since.
Nothing else is remembered between requests, so an agent may repeat one. Agents ask for titles and the like, too: such
requests, which offer no tools, get a short answer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

from agents.protocols import PROTOCOLS, Api, Call, Heard, Reply, Said

__all__ = ["Asked", "Model", "Step"]

# What the agents call the tools a script uses, and their arguments.
_TOOLS: Final = {
    "read": ("Read", "read_file", "read"),
    "shell": ("Bash", "run_shell_command", "bash", "exec_command", "shell_command", "shell"),
}
_ARGUMENTS: Final = {
    "read": ("file_path", "absolute_path", "filePath", "path"),
    "shell": ("command", "cmd"),
}
# What a required argument gets that the script does not know, by its type.
_FILLED: Final = {"boolean": False, "integer": 1, "number": 1, "array": [], "object": {}}


@dataclass(frozen=True)
class Step:
    """One answer: a text, and calls as (`read`, path below the project) or (`shell`, command)."""

    text: str = ""
    calls: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        path: where it came to.
        body: the JSON that was sent.
        heard: what it says.
    """

    path: str
    body: Mapping[str, Any]
    heard: Heard


@dataclass
class _Run:
    project: str
    asked: list[Asked] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


class Model:
    """The server; a context manager.

    Args:
        script: the steps of each turn, by a marker that its prompt holds.

    Attributes:
        port: where it listens.
    """

    def __init__(self, script: Mapping[str, Sequence[Step]]) -> None:
        self._script = script
        self._runs: dict[str, _Run] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, run: str, project: str) -> str:
        """Give the address for one run of an agent, in a project, whose paths the calls then have."""
        self._runs.setdefault(run, _Run(project)).project = project
        return f"http://127.0.0.1:{self.port}/r/{run}"

    def asked(self, run: str, marker: str = "") -> list[Asked]:
        """Give the requests of a run in which a person says something with the marker and tools are offered."""
        return [
            asked
            for asked in self._runs[run].asked
            if asked.heard.tools
            and any(
                isinstance(item, Said) and item.role == "user" and marker in item.text for item in asked.heard.items
            )
        ]

    def strayed(self, run: str) -> list[str]:
        """Give the paths of a run that no API has: what an agent wanted besides."""
        return list(self._runs[run].other)

    # -- what it says -------------------------------------------------------------------------------------------

    def _reply(self, heard: Heard, run: _Run) -> Reply:
        if heard.schema:
            return Reply(json.dumps(_instance(heard.schema)))
        steps, number = self._step(heard)
        if not heard.tools or not steps:
            return Reply("A short answer.")
        step = steps[min(number, len(steps) - 1)]
        return Reply(step.text, tuple(_call(kind, told, heard, run.project) for kind, told in step.calls))

    def _step(self, heard: Heard) -> tuple[Sequence[Step], int]:
        steps: Sequence[Step] = ()
        number = 0
        answering = False
        for item in heard.items:
            own = isinstance(item, Call) or (isinstance(item, Said) and item.role == "assistant")
            if isinstance(item, Said) and item.role == "user" and (found := self._marker(item.text)):
                steps, number = self._script[found], 0
            elif own and not answering:
                number += 1
            answering = own
        return steps, number

    def _marker(self, text: str) -> str:
        places = {text.rfind(marker): marker for marker in self._script}
        return places[max(places)] if max(places) >= 0 else ""

    # -- the server ---------------------------------------------------------------------------------------------

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(200, {"object": "list", "data": [{"id": "scripted", "object": "model", "owned_by": "test"}]})

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                _, _, name, *rest = self.path.split("?")[0].split("/", 3)
                run, path = model._runs[name], "/" + "".join(rest)
                if path.endswith(("/count_tokens", ":countTokens")):
                    self._send(200, {"input_tokens": 9, "totalTokens": 9})
                    return
                protocol = next((known for ending, known in PROTOCOLS.items() if path.endswith(ending)), None)
                if protocol is None:
                    run.other.append(path)
                    self._send(404, {"error": {"message": "there is nothing", "type": "not_found_error"}})
                    return
                body = json.loads(raw)
                heard = protocol.heard(body)
                run.asked.append(Asked(path, body, heard))
                self._answer(protocol, heard, model._reply(heard, run), str(body.get("model", "scripted")))

            def _answer(self, protocol: Api, heard: Heard, reply: Reply, name: str) -> None:
                if not heard.stream and "stream" not in self.path:
                    self._send(200, protocol.whole(reply, name))
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                for line in _lines(protocol, reply, name):
                    self.wfile.write(line)

            def _send(self, status: int, document: Mapping[str, Any]) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_told: object) -> None:
                """Say nothing."""

        return Handler


def _lines(protocol: Api, reply: Reply, name: str) -> Iterator[bytes]:
    """Give the stream of a reply: where events have names, their data has it as `type`."""
    for event, data in protocol.events(reply, name):
        told = data if isinstance(data, str) else json.dumps({"type": event, **data} if event else data)
        yield (f"event: {event}\n" if event else "").encode() + f"data: {told}\n\n".encode()


def _call(kind: str, told: str, heard: Heard, project: str) -> Call:
    """Make a call as the agent's own tool takes it; who cannot read a file prints it."""
    name = next((name for name in _TOOLS[kind] if name in heard.tools), "")
    if not name:
        assert kind == "read", f"no tool to run a command among {sorted(heard.tools)}"
        return _call("shell", f"cat {told}", heard, project)
    schema = heard.tools[name]
    known = schema.get("properties") or {}
    argument = next(argument for argument in _ARGUMENTS[kind] if argument in known)
    value: Any = f"{project}/{told}" if kind == "read" else told
    if known[argument].get("type") == "array":
        value = ["bash", "-lc", told]
    arguments = {argument: value}
    for needed in schema.get("required") or []:
        arguments.setdefault(needed, _FILLED.get(known.get(needed, {}).get("type"), f"a scripted {needed}"))
    return Call(name, arguments)


def _instance(schema: Mapping[str, Any]) -> Any:
    """Make a value that a schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = str(kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        return {name: _instance(inner) for name, inner in (schema.get("properties") or {}).items()}
    return _FILLED.get(kind, "scripted")
