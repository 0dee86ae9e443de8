"""One tool call as the protocol shows it: first news, permission, updates, end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from superqode.session.codec.jsontext import dump_text
from superqode.session.importers.acp.content import texts_of
from superqode.session.importers.arguments import arguments_of
from superqode.session.importers.fields import mapping_at, objects_at, text_at
from superqode.session.importers.shell import removed_files
from superqode.session.models import Entry, ToolExecution
from superqode.session.models.files import FileTouch, touched_files

__all__ = ["Call"]

_MAX_MS: Final = 2**63 - 1
_ENDS: Final = {"completed": True, "failed": False}
# Agents name a call after its tool as long as they know nothing else of it.
_TOOL_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{1,63}")
# Gemini CLI puts the tool's name, a time in milliseconds and the number in its batch into a call's id.
_NAMED_ID: Final = re.compile(r"(?P<name>[A-Za-z]\w*?)(?:__(?P=name))?[_-]\d{13}_(?P<number>\d{1,4})")
_UNKNOWN_ARGUMENTS: Final = frozenset(("cwd",))
_KINDS: Final[dict[str, FileTouch]] = {"add": "create", "create": "create", "modify": "modify", "delete": "delete"}
_EXIT: Final = ("exit", "exit_code", "exitCode")


@dataclass(slots=True)
class Call:
    """A tool call on its way.

    Attributes:
        id: the agent's own id, and its entry's unless that is taken.
        time: when it was first heard of, aware UTC.
        turn: the id of the prompt it was made for.
        entry_id: its entry's id.
        name: the tool.
        kind: what the protocol calls it: read, edit, execute, …
        title: the line a person sees.
        arguments: what it was called with.
        sure: whether the arguments are the call's own, and not those of a question for permission.
        content: its content as last told.
        shown: whether the content is the call's own, and not that of a question for permission.
        output: `rawOutput` as last told.
        locations: paths it is about.
        status: as last told.
        ended: when it came to an end; None while it runs.
        worked: whether the protocol says it worked.
        exit_code: a command's exit code, where one is told.
        terminal_text: what the client's terminal showed last.
        folded: the result, once nothing more is to come; then what it was made of is gone.
        details: `refused`, `cancelled` and the like.
        existed: whether its file was there before, where that is told.
        replayed: whether only the agent's own replay tells of it.
        kept: its entry, once nothing more is to come.
        number: its number on the shelf.
    """

    id: str
    time: datetime
    turn: str
    entry_id: str = ""
    name: str = ""
    kind: str = ""
    title: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    sure: bool = False
    content: list[dict[str, Any]] = field(default_factory=list)
    shown: bool = False
    output: Any = None
    locations: list[str] = field(default_factory=list)
    status: str = ""
    ended: datetime | None = None
    worked: bool = False
    exit_code: int | None = None
    terminal_text: str = ""
    folded: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    existed: bool | None = None
    replayed: bool = False
    kept: Entry | None = None
    number: int = -1

    @property
    def batch_number(self) -> int:
        """Which call of one answer this is, where its id tells; else 0."""
        found = _NAMED_ID.fullmatch(self.id)
        return int(found["number"]) if found else 0

    @property
    def success(self) -> bool:
        """Whether it really worked: what the exit code says counts more than the status."""
        return self.worked and self.exit_code in (None, 0) and "refused" not in self.details

    def take(self, update: Mapping[str, Any], time: datetime, *, asking: bool = False) -> bool:
        """Take what an update (or a question for permission) tells; says whether the call has now come to its end."""
        self.kept = None
        self._take_name(update)
        self.kind = text_at(update, "kind") or self.kind
        self.title = text_at(update, "title") or self.title
        arguments = arguments_of(update.get("rawInput"))
        if arguments.keys() - _UNKNOWN_ARGUMENTS and not (asking and self.sure):
            self.arguments, self.sure = arguments, not asking
        elif arguments and not self.arguments:
            self.arguments = arguments
        if isinstance(update.get("content"), list):
            self.content, self.shown = objects_at(update, "content"), not asking
        paths = [text_at(place, "path") for place in objects_at(update, "locations")]
        self.locations = list(filter(None, paths)) or self.locations
        if update.get("rawOutput") is not None:
            self.output = update["rawOutput"]
            self._take_exit(self.output)
        self._take_existed(update)
        status = text_at(update, "status")
        if asking or not status:
            return False
        self.status = status
        if status in _ENDS and self.ended is None:
            self.ended, self.worked = time, _ENDS[status]
            return True
        return False

    def _take_name(self, update: Mapping[str, Any]) -> None:
        if self.name:
            return
        told = text_at(mapping_at(mapping_at(update, "_meta"), "claudeCode"), "toolName") or text_at(
            mapping_at(update, "_meta"), "toolName"
        )
        found = _NAMED_ID.fullmatch(self.id)
        title = text_at(update, "title")
        unnamed = not (arguments_of(update.get("rawInput")).keys() - _UNKNOWN_ARGUMENTS)
        if told or found:
            self.name = told or (found["name"] if found else "")
        elif text_at(update, "status") == "pending" and unnamed and _TOOL_NAME.fullmatch(title):
            self.name = title

    def _take_exit(self, told: object) -> None:
        places = [told, told.get("metadata")] if isinstance(told, dict) else []
        for place in places:
            for name in _EXIT if isinstance(place, dict) else ():
                code = place.get(name) if isinstance(place, dict) else None
                if isinstance(code, int) and not isinstance(code, bool):
                    self.exit_code = code

    def _take_existed(self, update: Mapping[str, Any]) -> None:
        """Take what agents tell of the file beside the protocol."""
        response = mapping_at(mapping_at(mapping_at(update, "_meta"), "claudeCode"), "toolResponse")
        if text_at(response, "type") in ("create", "update"):
            self.existed = text_at(response, "type") == "update"
        output = self.output if isinstance(self.output, dict) else {}
        existed = mapping_at(output, "metadata").get("exists")
        self.existed = existed if isinstance(existed, bool) else self.existed

    def refuse(self, mark: str, time: datetime) -> None:
        """Note that a person refused the call, or stopped it."""
        self.kept = None
        self.details[mark] = True
        if self.ended is None:
            self.ended, self.worked = time, False

    def take_terminal(self, text: str, exit_code: int | None) -> None:
        """Take what one of its terminals shows, as last told."""
        self.kept = None
        self.terminal_text = text or self.terminal_text
        self.exit_code = exit_code if exit_code is not None else self.exit_code

    # -- what it comes to -----------------------------------------------------------------------------------

    @property
    def result(self) -> str:
        """What the tool gave, as text: the raw output without what a person sees around it, else the content."""
        output = self.output
        if self.folded is not None and output is None:
            return self.folded
        if isinstance(output, str):
            return output
        if isinstance(output, dict):
            told = text_at(output, "output", "error", "formatted_output", "aggregated_output", "stdout")
            if told or "output" in output:
                return told
        blocks = output.get("content") if isinstance(output, dict) else output
        if isinstance(blocks, list) and blocks:
            wrapped = [{"type": "content", "content": block} for block in blocks if isinstance(block, dict)]
            return texts_of(wrapped) or dump_text(blocks)
        shown = texts_of(self.content) if self.ended is not None and self.shown else ""
        return shown or self.terminal_text or (dump_text(output) if output is not None else "")

    def fold(self) -> None:
        """Keep only what the call came to; agents repeat its content with every update."""
        if self.ended is not None:
            self.folded, self.output, self.content = self.result, None, []

    def touches(self) -> Iterator[tuple[FileTouch, str]]:
        """Give what the call did to files, if it worked: its diffs tell, else its name and arguments."""
        if not self.success:
            return
        diffs = [item for item in self.content if text_at(item, "type") == "diff" and text_at(item, "path")]
        for diff in diffs:
            yield self._touch(diff), text_at(diff, "path")
        if diffs:
            return
        if self.kind == "delete":
            yield from (("delete", path) for path in self.locations)
            return
        if self.kind == "execute":
            for path in removed_files(self.arguments):
                yield "delete", path
        shell = self.kind == "execute"
        for touch, path in touched_files("bash" if shell else self.name or self.kind, self.arguments, ""):
            yield ("modify" if self.existed else touch) if touch == "write" else touch, path

    def _touch(self, diff: Mapping[str, Any]) -> FileTouch:
        told = _KINDS.get(text_at(mapping_at(diff, "_meta"), "kind"))
        if told:
            return told
        if diff.get("newText") is None and text_at(diff, "oldText"):
            return "delete"
        if text_at(diff, "oldText") or self.existed:
            return "modify"
        return "create"

    def block(self) -> dict[str, Any]:
        """Give what a message asks for."""
        return {"type": "tool_call", "id": self.id, "name": self.shown_name, "arguments": self.arguments}

    @property
    def shown_name(self) -> str:
        """The tool's name; the protocol's word for what it does, where the agent tells none."""
        return self.name or self.kind or "tool"

    def entry(self, agent: str) -> ToolExecution:
        """Make the execution as it is now."""
        details = {name: value for name, value in self.details.items() if value}
        told = {"kind": self.kind, "title": self.title, "status": self.status, "locations": self.locations}
        details.update({name: value for name, value in told.items() if value})
        if self.exit_code is not None:
            details["exit_code"] = self.exit_code
        if self.ended is None:
            details["unfinished"] = True
        if self.entry_id != self.id:
            details["original_id"] = self.id
        ended = self.ended or self.time
        passed = max(0, round((ended - self.time).total_seconds() * 1000))
        return ToolExecution(
            id=self.entry_id,
            tool_name=self.shown_name,
            arguments=self.arguments,
            result=self.result,
            success=self.success,
            timestamp=ended,
            duration_ms=0 if self.replayed else min(passed, _MAX_MS),
            agent_name=agent,
            metadata=details,
        )
