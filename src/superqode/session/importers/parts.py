"""Contents made of Google's parts (`text`, `functionCall`, …), as Gemini CLI and Qwen Code write them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from superqode.session.codec.jsontext import dump_text
from superqode.session.importers.drafts import Call
from superqode.session.importers.fields import mapping_at, text_at

__all__ = ["as_parts", "attachments", "calls_in", "judge", "response_text", "responses_in", "texts_in", "touch_of"]

# What the shell tool writes behind a command's output; whatever else is there, these lines come last.
_TRAILER: Final = re.compile(r"(Error|Exit Code|Signal|Background PIDs|Process Group PGID): (.*)")
_OUTPUT: Final = "Output: "
_WRAPPED: Final = "</untrusted_context>"
# Where the end of a long output says how it came to its end, in characters.
_TAIL: Final = 2000
_NONE: Final = ("(none)", "0")
_CREATED: Final = re.compile(r"Successfully created|Created new file")
_CHANGED: Final = re.compile(r"Successfully (?:overwrote|modified)")
_REFUSED: Final = re.compile(
    r".{0,200}(?:denied by|did not allow|not allowed by|rejected by|requires approval)", re.DOTALL
)


def as_parts(content: object) -> list[dict[str, Any]]:
    """Give a content as parts: text alone is one part, a part alone a list of it; what is none is left out."""
    if isinstance(content, str):
        return [{"text": content}]
    parts = content if isinstance(content, list) else [content]
    plain = ({"text": part} if isinstance(part, str) else part for part in parts)
    return [part for part in plain if isinstance(part, dict)]


def texts_in(parts: list[dict[str, Any]], *, thought: bool = False) -> list[str]:
    """Give the texts that are not empty: what was said, or what was thought."""
    told = (text_at(part, "text") for part in parts if (part.get("thought") is True) == thought)
    return [text for text in told if text]


def calls_in(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the calls: `{"id", "name", "args"}`."""
    return [call for part in parts if (call := mapping_at(part, "functionCall"))]


def responses_in(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the results: `{"id", "name", "response"}`."""
    return [response for part in parts if (response := mapping_at(part, "functionResponse"))]


def attachments(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Describe pictures and files; their bytes are not kept."""
    return list(_attachments(parts))


def _attachments(parts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for part in parts:
        for kind in ("inlineData", "fileData"):
            if data := mapping_at(part, kind):
                described: dict[str, Any] = {"type": kind}
                for name, told in (("media_type", "mimeType"), ("name", "displayName"), ("uri", "fileUri")):
                    if value := text_at(data, told):
                        described[name] = value[:400]
                if raw := text_at(data, "data"):
                    described["base64_length"] = len(raw)
                yield described


def response_text(response: Mapping[str, Any]) -> str:
    """Give what a tool gave as the model got it."""
    given = mapping_at(response, "response")
    for name in ("output", "error", "content"):
        if isinstance(told := given.get(name), str):
            return told
    return dump_text(given) if given else ""


def judge(call: Call, response: Mapping[str, Any], status: str, shown: object) -> None:
    """Say whether a call worked that has a result: by its status, its exit code, or what the result says.

    Args:
        call: the call, with its result.
        response: the `functionResponse`; empty where there is none.
        status: what the agent made of it; empty where that is not told.
        shown: what the agent showed of it.
    """
    given = mapping_at(response, "response")
    call.worked = status == "success" or (not status and "error" not in given)
    if status == "cancelled" or (not call.worked and _REFUSED.match(call.result[:_TAIL])):
        call.details["refused" if _REFUSED.match(call.result[:_TAIL]) else "interrupted"] = True
    if call.name == "run_shell_command":
        _judge_command(call, shown)
    if touch := touch_of(call.result, shown):
        call.touch = touch


def _judge_command(call: Call, shown: object) -> None:
    told = _trailer(call.result, shown if isinstance(shown, str) else "")
    code = told.get("Exit Code", "")
    if re.fullmatch(r"-?\d{1,9}", code):
        call.details["exit_code"] = int(code)
    if isinstance(shown, dict) and type(shown.get("exitCode")) is int and abs(shown["exitCode"]) < 2**31:
        call.details["exit_code"] = shown["exitCode"]
    stopped = told.get("Signal", "0") not in _NONE or code == "(none)"
    if call.details.get("exit_code") or stopped:
        call.worked = False


def _trailer(result: str, shown: str) -> dict[str, str]:
    """Read the lines behind a command's output, from the last one up; the outermost of a name counts."""
    told: dict[str, str] = {}
    # A command may itself print such lines last; then they are shown as output, which the trailer is not.
    output = result.find(_OUTPUT) + len(_OUTPUT)
    if shown.strip() and result.startswith(shown, output):
        result = result[output + len(shown) :]
    for line in reversed(result[-_TAIL:].rstrip().removesuffix(_WRAPPED).rstrip().split("\n")):
        found = _TRAILER.fullmatch(line)
        if found is None:
            break
        told.setdefault(found[1], found[2])
    return told


def touch_of(result: str, shown: object) -> Literal["", "create", "modify"]:
    """Say what happened to a tool's file, where its result tells."""
    if isinstance(shown, dict) and isinstance(shown.get("isNewFile"), bool):
        return "create" if shown["isNewFile"] else "modify"
    if _CREATED.match(result):
        return "create"
    return "modify" if _CHANGED.match(result) else ""
