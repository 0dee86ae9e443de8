"""The vendors' APIs as far as the agents use them: a request read as a conversation, a reply written as they do.

Anthropic Messages, OpenAI Chat Completions, OpenAI Responses and Gemini's `generateContent`, each also as a stream of
server-sent events.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

__all__ = ["PROTOCOLS", "Api", "Call", "Heard", "Reply", "Result", "Said"]

# The name of an event, empty where a protocol has none, and its data; text stands as it is.
Event = tuple[str, Any]

_number = itertools.count(1)


@dataclass(frozen=True)
class Said:
    """A text of the conversation; `role` is `user`, `assistant` or `system`."""

    role: str
    text: str


@dataclass(frozen=True)
class Call:
    """A call that the model asked for, or that a request tells of."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """What a call gave."""

    text: str


@dataclass(frozen=True)
class Heard:
    """What reached the model.

    Attributes:
        items: the conversation, in order.
        tools: the schema of each tool it may call.
        stream: whether the request says that the reply is to be a stream.
        schema: what the reply has to look like, where it is to be JSON.
    """

    items: Sequence[Said | Call | Result]
    tools: Mapping[str, Mapping[str, Any]]
    stream: bool
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Reply:
    """What the model says: a text, calls, or both."""

    text: str = ""
    calls: Sequence[Call] = field(default_factory=tuple)


class Api(Protocol):
    """One vendor's API."""

    def heard(self, body: Mapping[str, Any]) -> Heard:
        """Read a request."""

    def whole(self, reply: Reply, model: str) -> dict[str, Any]:
        """Write a reply as one document."""

    def events(self, reply: Reply, model: str) -> Iterator[Event]:
        """Write a reply as a stream."""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(value: Any) -> str:
    """Give the text of a content that is a string or blocks."""
    blocks = _list(value)
    return "\n".join(block if isinstance(block, str) else str(block.get("text", "")) for block in blocks)


def _arguments(text: Any) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return {"": text}
    return value if isinstance(value, dict) else {"": value}


class Anthropic:
    """`POST /v1/messages`."""

    def heard(self, body: Mapping[str, Any]) -> Heard:
        items: list[Said | Call | Result] = []
        for message in body["messages"]:
            for block in _list(message["content"]):
                kind = "text" if isinstance(block, str) else block["type"]
                if kind == "text":
                    items.append(Said(message["role"], _text(block)))
                elif kind == "tool_use":
                    items.append(Call(block["name"], block["input"]))
                elif kind == "tool_result":
                    items.append(Result(_text(block.get("content"))))
        tools = {tool["name"]: tool.get("input_schema") or {} for tool in body.get("tools") or []}
        told = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        return Heard(items, tools, bool(body.get("stream")), told.get("schema"))

    def _content(self, reply: Reply) -> list[dict[str, Any]]:
        texts = [{"type": "text", "text": reply.text}] if reply.text else []
        return texts + [
            {"type": "tool_use", "id": f"toolu_{next(_number):06}", "name": call.name, "input": dict(call.arguments)}
            for call in reply.calls
        ]

    def whole(self, reply: Reply, model: str) -> dict[str, Any]:
        usage = {"input_tokens": 9, "output_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        return {
            "id": f"msg_{next(_number):06}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": self._content(reply),
            "stop_reason": "tool_use" if reply.calls else "end_turn",
            "stop_sequence": None,
            "usage": usage,
        }

    def events(self, reply: Reply, model: str) -> Iterator[Event]:
        whole = self.whole(reply, model)
        yield "message_start", {"message": {**whole, "content": [], "stop_reason": None}}
        for index, block in enumerate(whole["content"]):
            if block["type"] == "text":
                empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
            else:
                empty = {**block, "input": {}}
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            yield "content_block_start", {"index": index, "content_block": empty}
            yield "content_block_delta", {"index": index, "delta": delta}
            yield "content_block_stop", {"index": index}
        stopped = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
        yield "message_delta", {"delta": stopped, "usage": whole["usage"]}
        yield "message_stop", {}


class Chat:
    """`POST /v1/chat/completions`."""

    def heard(self, body: Mapping[str, Any]) -> Heard:
        items: list[Said | Call | Result] = []
        for message in body["messages"]:
            if message["role"] == "tool":
                items.append(Result(_text(message.get("content"))))
                continue
            if text := _text(message.get("content")):
                items.append(Said(message["role"].replace("developer", "system"), text))
            asked = [call["function"] for call in message.get("tool_calls") or []]
            items += [Call(call["name"], _arguments(call["arguments"])) for call in asked]
        told = [tool["function"] for tool in body.get("tools") or []]
        tools = {tool["name"]: tool.get("parameters") or {} for tool in told}
        shape = (body.get("response_format") or {}).get("json_schema") or {}
        return Heard(items, tools, bool(body.get("stream")), shape.get("schema"))

    def _calls(self, reply: Reply) -> list[dict[str, Any]]:
        return [
            {
                "index": index,
                "id": f"call_{next(_number):06}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
            }
            for index, call in enumerate(reply.calls)
        ]

    def _frame(self, kind: str, model: str, choices: list[Any]) -> dict[str, Any]:
        usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
        return {"id": "chatcmpl-1", "created": 1, "object": kind, "model": model, "choices": choices, "usage": usage}

    def whole(self, reply: Reply, model: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": reply.text or None}
        if reply.calls:
            message["tool_calls"] = self._calls(reply)
        finish = "tool_calls" if reply.calls else "stop"
        return self._frame("chat.completion", model, [{"index": 0, "message": message, "finish_reason": finish}])

    def events(self, reply: Reply, model: str) -> Iterator[Event]:
        def chunk(delta: Mapping[str, Any], finish: str | None = None) -> Event:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return "", self._frame("chat.completion.chunk", model, [choice])

        yield chunk({"role": "assistant", "content": reply.text})
        if reply.calls:
            yield chunk({"tool_calls": self._calls(reply)})
        yield chunk({}, "tool_calls" if reply.calls else "stop")
        yield "", "[DONE]"


class Responses:
    """`POST /v1/responses`."""

    def heard(self, body: Mapping[str, Any]) -> Heard:
        items: list[Said | Call | Result] = []
        told = _list(body.get("input"))
        for item in told:
            kind = "message" if isinstance(item, str) else item.get("type", "message")
            if kind == "message":
                role = "user" if isinstance(item, str) else item["role"].replace("developer", "system")
                items.append(Said(role, item if isinstance(item, str) else _text(item["content"])))
            elif kind == "function_call":
                items.append(Call(item["name"], _arguments(item["arguments"])))
            elif kind == "custom_tool_call":
                items.append(Call(item["name"], {"input": item["input"]}))
            elif kind.endswith("_output"):
                items.append(Result(_text(item["output"])))
        more = [tool for item in told if isinstance(item, dict) for tool in _list(item.get("tools"))]
        tools = {
            tool["name"]: tool.get("parameters") or {} for tool in [*_list(body.get("tools")), *more] if "name" in tool
        }
        shape = (body.get("text") or {}).get("format") or {}
        return Heard(items, tools, bool(body.get("stream")), shape.get("schema"))

    def _output(self, reply: Reply) -> list[dict[str, Any]]:
        said = {"type": "message", "role": "assistant", "status": "completed"}
        content = [{"type": "output_text", "text": reply.text, "annotations": []}]
        output: list[dict[str, Any]] = (
            [{**said, "id": f"msg_{next(_number):06}", "content": content}] if reply.text else []
        )
        for call in reply.calls:
            own = next(_number)
            asked = {"name": call.name, "arguments": json.dumps(dict(call.arguments)), "status": "completed"}
            output.append({"type": "function_call", "id": f"fc_{own:06}", "call_id": f"call_{own:06}", **asked})
        return output

    def whole(self, reply: Reply, model: str) -> dict[str, Any]:
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        return {
            "id": f"resp_{next(_number):06}",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": model,
            "output": self._output(reply),
            "usage": {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18, **details},
        }

    def events(self, reply: Reply, model: str) -> Iterator[Event]:
        whole = self.whole(reply, model)
        yield "response.created", {"response": {**whole, "status": "in_progress", "output": [], "usage": None}}
        for index, item in enumerate(whole["output"]):
            empty = {"content": []} if item["type"] == "message" else {"arguments": ""}
            yield (
                "response.output_item.added",
                {"output_index": index, "item": {**item, "status": "in_progress", **empty}},
            )
            if item["type"] == "message":
                where = {"output_index": index, "item_id": item["id"], "content_index": 0}
                yield "response.output_text.delta", {**where, "delta": reply.text}
            yield "response.output_item.done", {"output_index": index, "item": item}
        yield "response.completed", {"response": whole}


class Gemini:
    """`POST /v1beta/models/NAME:generateContent` and `:streamGenerateContent`."""

    def heard(self, body: Mapping[str, Any]) -> Heard:
        items: list[Said | Call | Result] = []
        for content in _list(body.get("contents")):
            role = "assistant" if content.get("role") == "model" else "user"
            for part in content.get("parts") or []:
                if "functionCall" in part:
                    items.append(Call(part["functionCall"]["name"], part["functionCall"].get("args") or {}))
                elif "functionResponse" in part:
                    response = part["functionResponse"].get("response") or {}
                    items.append(Result("\n".join(value for value in response.values() if isinstance(value, str))))
                elif part.get("text") and not part.get("thought"):
                    items.append(Said(role, part["text"]))
        told = [tool for tools in body.get("tools") or [] for tool in tools.get("functionDeclarations") or []]
        tools = {tool["name"]: tool.get("parametersJsonSchema") or tool.get("parameters") or {} for tool in told}
        wanted = body.get("generationConfig") or {}
        schema = wanted.get("responseJsonSchema") or wanted.get("responseSchema")
        return Heard(items, tools, stream=False, schema=schema)

    def whole(self, reply: Reply, model: str) -> dict[str, Any]:
        parts = [{"text": reply.text}] if reply.text else []
        parts += [{"functionCall": {"name": call.name, "args": dict(call.arguments)}} for call in reply.calls]
        candidate = {"content": {"role": "model", "parts": parts}, "index": 0, "finishReason": "STOP"}
        usage = {"promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "r1"}

    def events(self, reply: Reply, model: str) -> Iterator[Event]:
        yield "", self.whole(reply, model)


# The end of the path a request comes to → the API it is for.
PROTOCOLS: Final[Mapping[str, Api]] = {
    "/messages": Anthropic(),
    "/chat/completions": Chat(),
    "/responses": Responses(),
    ":generateContent": Gemini(),
    ":streamGenerateContent": Gemini(),
}
