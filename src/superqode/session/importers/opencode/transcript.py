"""Turns opencode's messages into entries, and entries into the session and what was taken back of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from superqode.session.importers.assembly import Parts, first_prompt, make_session
from superqode.session.importers.balance import FileBalance, plain_path
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.fields import epoch_time, mapping_at, number_at, objects_at, text_at
from superqode.session.importers.opencode.calls import AGENT, PREFIX, call_block, execution_of, touches_of
from superqode.session.importers.opencode.records import Stored, StoredMessage, began_before
from superqode.session.importers.opencode.speech import heard
from superqode.session.importers.origin import EntryIds, provenance, session_id_for, title_of
from superqode.session.models import Entry, Message, MessageRole
from superqode.session.models.files import FileTouch

__all__ = ["Transcript"]

_VERSION: Final = 1
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_SUBAGENT: Final = re.compile(r" \(@[^()]{1,100} subagent\)\Z")
_UNTITLED: Final = ("New session - ", "Child session - ")
# Parts that say nothing, by what they are counted as.
_MARKS: Final = {
    "step-start": "marks of steps",
    "step-finish": "marks of steps",
    "snapshot": "marks of steps",
    "patch": "lists of changed files",
}
_STATES: Final[dict[str, FileTouch]] = {"added": "create", "modified": "modify", "deleted": "delete"}


@dataclass(slots=True)
class _Draft:
    """An entry with where it stands.

    Attributes:
        entry: the message or execution.
        message: the number of opencode's message it is from.
        part_id: the part it is from, for an execution.
        touches: what was done to files: how, which, and the folder that is meant from.
    """

    entry: Entry
    message: int
    part_id: str
    touches: list[tuple[FileTouch, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Step:
    """One answer of the model, on its way."""

    id: str
    time: datetime
    thinking: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


class Transcript:
    """Takes the messages of one session in their order."""

    def __init__(self, stored: Stored, receipt: Receipt) -> None:
        self._stored = stored
        self._receipt = receipt
        self._ids = EntryIds()
        self._drafts: list[_Draft] = []
        self._folder = ""
        self._root = ""
        self._now = _EPOCH
        self._first_time = -1.0
        self._models: list[str] = []
        self._agents: list[str] = []
        # What the turn at hand changed, as opencode found out by comparing; known with its prompt, true at its end.
        self._turn: list[tuple[FileTouch, str]] = []
        self._message_ids: list[str] = []

    def read(self) -> None:
        """Take every message."""
        for message in self._stored.messages:
            self._take(message)
        self._end_turn()

    def _take(self, message: StoredMessage) -> None:
        info = message.info
        self._message_ids.append(text_at(info, "id"))
        self._now = self._time(mapping_at(info, "time").get("created"))
        if self._first_time < 0:
            self._first_time = number_at(mapping_at(info, "time"), "created")
        self._note(self._agents, text_at(info, "agent", "mode"))
        path = mapping_at(info, "path")
        self._folder = self._folder or text_at(path, "cwd")
        self._root = self._root or text_at(path, "root")
        self._receipt.lines += 1 + len(message.parts)
        if text_at(info, "role") == "user":
            self._end_turn()
            self._take_prompt(info, message.parts)
            self._turn = [
                (touch, plain_path(text_at(diff, "file", "path")))
                for diff in objects_at(mapping_at(info, "summary"), "diffs")
                if (touch := _change(diff)) and text_at(diff, "file", "path")
            ]
        else:
            self._take_answer(info, message.parts)

    def _end_turn(self) -> None:
        if self._drafts:
            root = self._root or self._stored_folder()
            self._drafts[-1].touches.extend((touch, path, root) for touch, path in self._turn)
        self._turn = []

    def _time(self, value: object) -> datetime:
        try:
            return epoch_time(value, units=1000)
        except ValueError:
            return self._now

    @staticmethod
    def _note(names: list[str], name: str) -> None:
        if name and name not in names and len(names) < 100:
            names.append(name)

    # -- messages -------------------------------------------------------------------------------------------

    def _take_prompt(self, info: dict[str, Any], parts: list[dict[str, Any]]) -> None:
        spoken = heard(parts)
        self._receipt.mapped += 1 + spoken.mapped
        self._receipt.kept += spoken.kept
        model = mapping_at(info, "model")
        self._note(self._models, _model(model))
        self._add(
            Message(
                id=self._ids.claim(text_at(info, "id") or "message"),
                role=spoken.role,
                content=spoken.text,
                timestamp=self._now,
                metadata=spoken.details,
            )
        )

    def _take_answer(self, info: dict[str, Any], parts: list[dict[str, Any]]) -> None:
        """Take an answer; before 1.0 one message holds all answers of a turn, a step each."""
        self._receipt.mapped += 1
        step = self._new_step(info, text_at(info, "id") or "message")
        begun = False
        for part in parts:
            kind = text_at(part, "type")
            if kind == "step-start" and begun:
                self._end_step(step, info)
                step = self._new_step(info, text_at(part, "id") or "step")
            begun = begun or kind == "step-start"
            self._take_part(step, part, kind)
        if error := mapping_at(info, "error"):
            step.details["error"] = _error(error)
        elif not begun and info.get("tokens"):
            step.details["usage"] = info["tokens"]
        if reason := text_at(info, "finish"):
            step.details.setdefault("stop_reason", reason)
        self._end_step(step, info, last=True)

    def _new_step(self, info: dict[str, Any], step_id: str) -> _Step:
        model = _model(info)
        self._note(self._models, model)
        about = {"model": model, "agent": text_at(info, "agent", "mode")}
        return _Step(step_id, self._now, details={name: value for name, value in about.items() if value})

    def _take_part(self, step: _Step, part: dict[str, Any], kind: str) -> None:
        times = mapping_at(mapping_at(part, "state") if kind == "tool" else part, "time")
        if kind in _MARKS:
            self._receipt.drop(_MARKS[kind])
            if kind == "step-finish":
                told = {"usage": part.get("tokens"), "cost": part.get("cost"), "stop_reason": part.get("reason")}
                step.details.update({name: value for name, value in told.items() if value})
            return
        if kind == "text" and text_at(part, "text"):
            step.texts.append(text_at(part, "text"))
        elif kind == "reasoning" and text_at(part, "text"):
            step.thinking.append(text_at(part, "text"))
        elif kind == "tool":
            step.tools.append(part)
        elif kind in ("text", "reasoning"):
            self._receipt.drop("empty parts")
            return
        else:
            about: dict[str, Any] = {name: text_at(part, name) for name in ("filename", "mime") if text_at(part, name)}
            if kind == "retry":
                about["error"] = _error(mapping_at(part, "error"))
            step.details.setdefault("parts", []).append({"type": kind[:64], **about})
            self._receipt.kept += 1
            return
        self._receipt.mapped += 1
        if len(step.texts) + len(step.thinking) + len(step.tools) == 1 and "start" in times:
            step.time = self._time(times["start"])

    def _end_step(self, step: _Step, info: dict[str, Any], *, last: bool = False) -> None:
        if not (step.texts or step.thinking or step.tools or (last and step.details.get("error"))):
            return
        if step.thinking:
            step.details["thinking"] = step.thinking
        role = MessageRole.ASSISTANT
        if info.get("summary") is True:
            role, step.details["kind"] = MessageRole.SYSTEM, "compacted"
        message = Message(
            id=self._ids.claim(step.id),
            role=role,
            content="\n\n".join(step.texts),
            timestamp=step.time,
            agent_name=AGENT if role is MessageRole.ASSISTANT else None,
            tool_calls=[call_block(part) for part in step.tools] or None,
            metadata=step.details,
        )
        self._add(message)
        folder = self._stored_folder()
        for part in step.tools:
            call_id = text_at(part, "callID") or text_at(part, "id") or "call"
            call = execution_of(part, self._ids.claim(call_id), step.time, _session_id)
            touches = [(touch, path, folder) for touch, path in touches_of(call, part, folder)]
            self._add(call, text_at(part, "id"), touches)

    def _stored_folder(self) -> str:
        return text_at(self._stored.info, "directory") or self._folder

    def _add(self, entry: Entry, part_id: str = "", touches: Sequence[tuple[FileTouch, str, str]] = ()) -> None:
        self._drafts.append(_Draft(entry, len(self._message_ids) - 1, part_id, list(touches)))

    # -- sessions -------------------------------------------------------------------------------------------

    def sessions(self, source: Source) -> Iterator[Imported]:
        """Give the session, and behind it what a person took back, if they did not go on since; nothing of nothing."""
        if not self._drafts:
            return
        info = self._stored.info
        self._receipt.lines += 1 if info else 0
        self._receipt.kept += 1 if info else 0
        revert = mapping_at(info, "revert")
        cut = self._cut(text_at(revert, "messageID"), text_at(revert, "partID"))
        own_id = _session_id(self._stored.id)
        yield self._import(source, own_id, self._drafts[:cut], self._receipt, self._relation())
        if cut < len(self._drafts):
            first = self._drafts[cut].entry.id
            part = Receipt(lines=len(self._drafts) - cut, mapped=len(self._drafts) - cut)
            branch = {"relation": "branch", "first_own_entry": first, "parent": own_id}
            branch_id = session_id_for(f"{self._stored.id}-branch-{first}", PREFIX)
            yield self._import(source, branch_id, self._drafts, part, branch)

    def _cut(self, message_id: str, part_id: str) -> int:
        """Where what was taken back begins."""
        if not message_id or message_id not in self._message_ids:
            return len(self._drafts)
        number = self._message_ids.index(message_id)
        reached = [place for place, draft in enumerate(self._drafts) if draft.message >= number]
        exact = [place for place in reached if part_id and self._drafts[place].part_id == part_id]
        return next(iter(exact + reached), len(self._drafts))

    def _relation(self) -> dict[str, Any]:
        info = self._stored.info
        if parent := text_at(info, "parentID"):
            task = _SUBAGENT.sub("", text_at(info, "title"))
            told = {"agent_type": self._agents[0] if self._agents else "", "description": task}
            return {
                "relation": "subagent",
                "parent": _session_id(parent),
                "subagent": {name: value for name, value in told.items() if value},
            }
        if began_before(info, [self._first_time]):
            origin = self._stored.forked_from
            return {"relation": "fork", **({"parent": _session_id(origin)} if origin else {})}
        return {}

    def _import(
        self, source: Source, session_id: str, drafts: Sequence[_Draft], receipt: Receipt, relation: dict[str, Any]
    ) -> Imported:
        info = self._stored.info
        entries = [draft.entry for draft in drafts]
        folder = self._stored_folder()
        files = FileBalance(folder)
        for draft in drafts:
            for touch, path, base in draft.touches:
                files.take(touch, path, base)
        times = [entry.timestamp for entry in entries]
        told = mapping_at(info, "time")
        self._now = min(times, default=_EPOCH)
        began = self._time(told.get("created"))
        self._now = max(times, default=began)
        named = "" if text_at(info, "title").startswith(_UNTITLED) else text_at(info, "title")
        title = title_of(named) or title_of(first_prompt(entries)) or f"opencode session {began:%Y-%m-%d %H:%M}"
        parent = relation.pop("parent", None)
        about = {name: info[name] for name in ("version", "slug", "projectID", "cost", "tokens") if info.get(name)}
        if told.get("archived"):
            about["archived"] = told["archived"]
        metadata = {
            "imported": provenance(
                source,
                self._stored.digest.hex(),
                receipt,
                importer=AGENT,
                version=_VERSION,
                original_id=self._stored.id,
                title=title,
            ),
            "opencode": {**about, "agents": self._agents, "models": self._models},
            **relation,
        }
        parts = Parts(session_id, title, began, self._time(told.get("updated")), AGENT, folder, parent, metadata)
        return Imported(make_session(parts, entries, files), receipt)


def _session_id(original: str) -> str:
    return session_id_for(original, PREFIX)


def _model(info: dict[str, Any]) -> str:
    return "/".join(filter(None, (text_at(info, "providerID"), text_at(info, "modelID"))))


def _error(error: dict[str, Any]) -> dict[str, str]:
    message = text_at(mapping_at(error, "data"), "message") or text_at(error, "message")
    told = {"name": text_at(error, "name"), "message": message[:2000]}
    return {name: value for name, value in told.items() if value}


def _change(diff: dict[str, Any]) -> FileTouch | None:
    """What a turn did to a file: as told, else by what was in it before and after."""
    if known := _STATES.get(text_at(diff, "status")):
        return known
    before, after = diff.get("before"), diff.get("after")
    if not isinstance(before, str) or not isinstance(after, str):
        return "modify"
    if before and after:
        return "modify"
    return "create" if after else "delete" if before else None
