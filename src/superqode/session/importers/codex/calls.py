"""One tool call in a Codex rollout: what was asked, what came back, and whether it really worked."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from superqode.session.codec.jsontext import dump_text
from superqode.session.importers.arguments import object_of
from superqode.session.importers.fields import list_at, mapping_at, number_at, text_at

__all__ = ["Call"]

_MAX_MS: Final = 2**63 - 1
# What Codex puts before a command's output, in its several spellings.
_HEADER: Final = re.compile(
    r"(?:Chunk ID: [^\n]*\n)?(?:Exit code: (?P<code>-?\d{1,12})\n)?"
    r"Wall time:? (?P<wall>[\d.]{1,20}) seconds?\n"
    r"(?:Process exited with code (?P<exited>-?\d{1,12})\n|Process running with session ID [^\n]*\n)?"
    r"(?:(?:Original token count|Total output lines): \d+\n)*Output:\n"
)
_EXIT_LINE: Final = re.compile(r"(?:Process exited with code|Exit code:) (-?\d{1,12})$", re.MULTILINE)
# How results begin that say the call did not work, where no exit code or status says so.
_FAILURE: Final = re.compile(
    r"\W*(?:(?:apply_patch )?verification failed"
    r"|(?:exec_command|write_stdin|script|command|tool call|exec command|patch|user|execution)"
    r" (?:error|failed|terminated|aborted|timed out|rejected|cancell?ed|denied)"
    r"|(?:error|err|failed|failure|unsupported|unknown tool|aborted|rejected|denied|cancell?ed|invalid"
    r"|timed out|timeout|no such|unable to)\b)",
    re.IGNORECASE,
)
_HEADER_SCAN: Final = 400
_STATUSES: Final = {"completed": True, "success": True, "failed": False, "declined": False, "error": False}


@dataclass(slots=True)
class Call:
    """A tool call on its way; the record of the call, its result and its events come in any order.

    Attributes:
        id: Codex's call id.
        name: the tool.
        arguments: what it was called with.
        time: when it was asked for.
        ended: when its result came; None while there is none.
        result: the result's text.
        exit_code: the command's exit code, where one is known.
        worked: what a status says; None where none does.
        seconds: how long it ran, where that is recorded; negative where not.
        changes: what it changed: path → `{"type": …, "move_path": …}`.
        cwd: the folder that relative paths are meant from.
        within: the id of the code-mode call it was part of.
        asked: whether the model asked for it; False while only an event told of it.
        subagent: the thread this call started.
        records, gone, inherited, metadata: as for a message.
    """

    id: str
    name: str
    arguments: dict[str, Any]
    time: datetime
    ended: datetime | None = None
    result: str = ""
    exit_code: int | None = None
    worked: bool | None = None
    seconds: float = -1.0
    changes: dict[str, Any] = field(default_factory=dict)
    cwd: str = ""
    within: str = ""
    asked: bool = True
    subagent: str = ""
    records: int = 0
    gone: str = ""
    inherited: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = sys.intern(self.name)  # a few names for hundreds of thousands of calls

    @property
    def success(self) -> bool:
        """Whether it really worked: by exit code, else by status, else by what the result says."""
        if self.worked is False or self.ended is None:
            return False
        if self.exit_code is not None:
            return self.exit_code == 0
        return self.worked is True or not _FAILURE.match(self.result)

    @property
    def duration_ms(self) -> int:
        """How long it ran, in milliseconds: as recorded, else from asking to the result."""
        seconds = self.seconds
        if seconds <= 0 and self.ended is not None:
            seconds = (self.ended - self.time).total_seconds()
        return min(max(round(seconds * 1000), 0), _MAX_MS) if seconds < _MAX_MS / 1000 else _MAX_MS

    def take_output(self, output: object, time: datetime) -> None:
        """Take the result as the model got it: text, maybe with a header or JSON around it, or blocks."""
        self.ended = time
        if isinstance(output, list):
            output = _joined(output)
        elif isinstance(output, dict):
            if isinstance(output.get("success"), bool):
                self.worked = output["success"]
            output = text_at(output, "content", "output") or _joined(list_at(output, "content"))
        self.result = self._plain(output if isinstance(output, str) else "")

    def _plain(self, text: str) -> str:
        if text.startswith("{") and '"metadata"' in text:
            wrapped = object_of(text)
            told = mapping_at(wrapped, "metadata")
            if isinstance(wrapped.get("output"), str) and told:
                self._take_code(told.get("exit_code"))
                self.seconds = max(self.seconds, number_at(told, "duration_seconds"))
                return str(wrapped["output"])
        if header := _HEADER.match(text):
            self._take_code(header["code"] or header["exited"])
            self.seconds = max(self.seconds, _seconds(header["wall"]))
            return text[header.end() :]
        if line := _EXIT_LINE.search(text[:_HEADER_SCAN]):
            self._take_code(line[1])
        return text

    def _take_code(self, code: object) -> None:
        if isinstance(code, str):
            code = int(code)
        if isinstance(code, int) and not isinstance(code, bool) and self.exit_code is None:
            self.exit_code = code

    def take_item(self, item: Mapping[str, Any], time: datetime) -> None:
        """Take what an event tells about the call: a completed item, or an older `…_end` event."""
        self.ended = self.ended or time
        code = item.get("exit_code")
        if isinstance(code, int) and not isinstance(code, bool):
            self.exit_code = code
        status = item.get("status")
        if isinstance(item.get("success"), bool):
            self.worked = item["success"]
        elif isinstance(status, str):
            self.worked = _STATUSES.get(status.lower(), self.worked)
        if changes := mapping_at(item, "changes"):
            self.changes = changes
        self.seconds = max(self.seconds, _duration(item.get("duration")))
        if not self.result:
            self.result = text_at(item, "aggregated_output", "formatted_output", "stdout", "stderr")
        if "result" in item or "error" in item:
            self._take_answer(item)

    def _take_answer(self, item: Mapping[str, Any]) -> None:
        """What an MCP server answered: in events `{"Ok": …}` or `{"Err": …}`, in items the answer itself."""
        answer = mapping_at(item, "result")
        if item.get("error") or "Err" in answer:
            self.worked = False
        answer = mapping_at(answer, "Ok") or answer
        if answer.get("isError") is True or answer.get("is_error") is True:
            self.worked = False
        if not self.result:
            self.result = _joined(list_at(answer, "content")) or text_at(mapping_at(item, "error"), "message")


def _joined(blocks: list[Any]) -> str:
    texts = [text_at(block, "text") or _other(block) for block in blocks if isinstance(block, dict)]
    return "".join(text if text.endswith("\n") else text + "\n" for text in texts).removesuffix("\n")


def _other(block: Mapping[str, Any]) -> str:
    kind = text_at(block, "type")
    return f"[{kind}]" if "image" in kind or "audio" in kind else dump_text(block)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def _duration(value: object) -> float:
    if not isinstance(value, dict):
        return -1.0
    return max(number_at(value, "secs"), 0) + max(number_at(value, "nanos"), 0) / 1e9
