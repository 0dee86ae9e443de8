"""The scripted model itself: it speaks each vendor's API, plays its script, and remembers what it heard."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from agents.model import Step
from agents.protocols import Call, Result, Said

SCRIPT = {"GO-3": [Step("Looking.", [("shell", "ls")]), Step("Done.")]}
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
GOOGLE = "/v1beta/models/m:streamGenerateContent"

# For each API: the path, the tools, a first request, and a second one that tells of the call and its result.
ASKED = {"role": "user", "content": "GO-3: what is here?"}
TALKS = {
    "anthropic": (
        "/v1/messages",
        {"tools": [{"name": "Bash", "input_schema": SCHEMA}]},
        {"messages": [ASKED]},
        {
            "messages": [
                ASKED,
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "a.py"}]},
            ]
        },
    ),
    "chat": (
        "/v1/chat/completions",
        {"tools": [{"type": "function", "function": {"name": "bash", "parameters": SCHEMA}}]},
        {"messages": [ASKED]},
        {
            "messages": [
                ASKED,
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "t", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}],
                },
                {"role": "tool", "tool_call_id": "t", "content": "a.py"},
            ]
        },
    ),
    "responses": (
        "/v1/responses",
        {"tools": [{"type": "function", "name": "shell", "parameters": SCHEMA}]},
        {"input": [ASKED]},
        {
            "input": [
                ASKED,
                {"type": "function_call", "call_id": "t", "name": "shell", "arguments": '{"command": "ls"}'},
                {"type": "function_call_output", "call_id": "t", "output": "a.py"},
            ]
        },
    ),
    "gemini": (
        GOOGLE,
        {"tools": [{"functionDeclarations": [{"name": "run_shell_command", "parameters": SCHEMA}]}]},
        {"contents": [{"role": "user", "parts": [{"text": ASKED["content"]}]}]},
        {
            "contents": [
                {"role": "user", "parts": [{"text": ASKED["content"]}]},
                {
                    "role": "model",
                    "parts": [{"functionCall": {"name": "run_shell_command", "args": {"command": "ls"}}}],
                },
                {"role": "user", "parts": [{"functionResponse": {"name": "x", "response": {"output": "a.py"}}}]},
            ]
        },
    ),
}


def _post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return answer.read().decode()


@pytest.mark.parametrize("api", TALKS)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_it_plays_its_script(api, stream, make_model):
    """A prompt gets a text and a call, the call's result gets the last step, and both requests are remembered."""
    path, tools, first, second = TALKS[api]
    path = path if stream else path.replace("streamGenerate", "generate")
    model = make_model(SCRIPT)
    url = model.url("run", "/p") + path
    answers = [_post(url, {**tools, **told, "model": "m", "stream": stream}) for told in (first, second)]
    assert "Looking." in answers[0]
    assert "ls" in answers[0]
    assert "Done." in answers[1]
    assert ("data: " in answers[1]) == stream
    heard = model.asked("run", "GO-3")[1].heard
    (name,) = heard.tools
    assert list(heard.items) == [Said("user", ASKED["content"]), Call(name, {"command": "ls"}), Result("a.py")]


def test_what_no_api_has_is_noted(make_model):
    """An agent that wants something else gets an error, and the test can see what it wanted."""
    model = make_model(SCRIPT)
    with pytest.raises(urllib.error.HTTPError):
        _post(model.url("run", "/p") + "/v1/telemetry", {})
    assert model.strayed("run") == ["/v1/telemetry"]
