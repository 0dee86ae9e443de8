"""Gemini CLI: `tmp/<project>/chats/session-<minute>-<id>.jsonl`, and beside it a marker with the project's path.

Tried with 0.61 and 0.39: a header with `sessionId` and `projectHash` and a record for each message are enough. The
project's folder may have any name; the marker in it counts. Sessions not updated for 30 days are deleted at start-up.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from superqode.session.handoff.again import content_of
from superqode.session.handoff.base import Place, PlannedFile, Receipt
from superqode.session.handoff.homes import HOMES
from superqode.session.handoff.jsonl import JsonlWriter, Record
from superqode.session.handoff.names import iso_time
from superqode.session.handoff.neutral import Answer, Call, Turn
from superqode.session.handoff.paths import PathMap
from superqode.session.handoff.script import Script
from superqode.session.importers.fields import mapping_at, objects_at, text_at

__all__ = ["GeminiWriter"]

_MARKER: Final = ".project_root"
_SLUG: Final = re.compile(r"[^a-z0-9]+")
# How much of a result is shown on the screen where a session is resumed, in characters.
_SHOWN: Final = 2000
# A marker is one path.
_LONGEST_MARKER: Final = 64 * 1024


class GeminiWriter(JsonlWriter):
    """Writes sessions for Gemini CLI."""

    name = "gemini"
    format = "gemini-cli"
    home = HOMES["gemini"]
    looks_at = ("tmp/*/.project_root", "tmp/*/chats/session-*.jsonl", "history/*/.project_root")

    def new_path(self, session_id: str, place: Place) -> str:
        """In the project's folder, under a name that tells the minute."""
        return f"tmp/{self._folder(place)[0]}/chats/session-{place.now:%Y-%m-%dT%H-%M}-{session_id[:8]}.jsonl"

    def find(self, session_id: str, place: Place) -> str:
        """The longest of its files: each start of the program begins one, and goes on in the one it resumes."""
        folder, known = self._folder(place)
        start, ending = f"tmp/{folder}/chats/session-", f"-{session_id[:8]}.jsonl"
        paths = [path for path in place.home if path.startswith(start) and path.endswith(ending)] if known else []
        return max(paths, key=lambda path: (len(content_of(place.home[path])), path), default="")

    def beside(self, place: Place) -> tuple[PlannedFile, ...]:
        """The marker, where the project has no folder yet."""
        folder, known = self._folder(place)
        return () if known else (PlannedFile(f"tmp/{folder}/{_MARKER}", place.project.encode("utf-8", "replace")),)

    def _folder(self, place: Place) -> tuple[str, bool]:
        """Give the name of the project's folder, and whether it is there."""
        taken: set[str] = set()
        for path in sorted(place.home):
            room, _, rest = path.partition("/")
            folder, _, inside = rest.partition("/")
            if room == "tmp" and inside == _MARKER and _marked(path, place) == place.project:
                return folder, True
            taken.add(folder)
        slug = _SLUG.sub("-", posixpath.basename(place.project).lower()).strip("-")[:100] or "project"
        names = (slug, *(f"{slug}-{number}" for number in range(1, len(taken) + 2)))
        return next(name for name in names if name not in taken), False

    def commands(self, session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """`gemini --resume`."""
        return ("gemini", "--resume", session_id), ("gemini", "--resume", session_id, "-p")

    def begin(self, script: Script) -> Iterator[Record]:
        """The header, with the present as its time."""
        now = iso_time(script.now)
        yield {
            "sessionId": script.session_id,
            "projectHash": _hash(script.project),
            "startTime": now,
            "lastUpdated": now,
            "kind": "main",
        }

    def end(self, script: Script) -> Iterator[Record]:
        """The title, which the list of sessions shows."""
        if script.title:
            yield {"$set": {"summary": script.title}}

    def records(self, turns: Sequence[Turn], script: Script) -> Iterator[Record]:
        """A record for each message; results stand with their calls."""
        for turn in turns:
            own, _ = script.follow(turn.id)
            record: Record = {"id": own, "timestamp": script.at(turn.time)}
            if not isinstance(turn, Answer):
                yield {**record, "type": "user", "content": [{"text": turn.text}]}
                continue
            record |= {"type": "gemini", "content": turn.text}
            if turn.calls:
                record["toolCalls"] = [_call(call) for call in turn.calls]
            yield record

    def go_on(self, records: Iterable[Record], script: Script) -> None:
        """Ids only have to be new."""
        for record in records:
            script.last = text_at(record, "id") or script.last

    def carry(self, records: Iterable[Record], script: Script, paths: PathMap, receipt: Receipt) -> list[Record]:
        """All records but those that would make the session as old as it is."""
        carried: list[Record] = []
        for record in records:
            if isinstance(record.get("messages"), list):
                raise ValueError("it is of a version before 0.39")  # noqa: TRY004 - one error for all reasons
            moved: Record = {**paths.value(record)}
            if "sessionId" in moved and "projectHash" in moved:
                _refresh(moved, script)
            elif set(mapping_at(moved, "$set")) == {"lastUpdated"}:
                receipt.leave_out("times of updates")
                continue
            elif changes := mapping_at(moved, "$set"):
                moved["$set"] = _refresh({**changes}, script)
            _check_results([moved, *objects_at(mapping_at(moved, "$set"), "messages")])
            script.last = text_at(moved, "id") or script.last
            carried.append(moved)
        if not carried or "projectHash" not in carried[0]:
            raise ValueError("its header is missing")
        return carried


def _marked(path: str, place: Place) -> str:
    return content_of(place.home[path])[:_LONGEST_MARKER].decode("utf-8", "replace").strip()


def _hash(project: str) -> str:
    return hashlib.sha256(project.encode("utf-8", "surrogatepass")).hexdigest()


def _call(call: Call) -> Record:
    response = {"output" if call.success else "error": call.result}
    return {
        "id": call.id,
        "name": call.name,
        "args": dict(call.arguments),
        "status": "success" if call.success else "error",
        "timestamp": iso_time(call.ended),
        "result": [{"functionResponse": {"id": call.id, "name": call.name, "response": response}}],
        "resultDisplay": call.result[:_SHOWN],
    }


def _refresh(header: Record, script: Script) -> Record:
    fresh: dict[str, Any] = {
        "sessionId": script.session_id,
        "projectHash": _hash(script.project),
        "startTime": iso_time(script.now),
        "lastUpdated": iso_time(script.now),
    }
    header.update({name: value for name, value in fresh.items() if name in header})
    return header


def _check_results(messages: Iterable[Record]) -> None:
    """Gemini CLI sends a call without a result as it is, which the vendor refuses.

    Raises:
        ValueError: there is one.
    """
    for message in messages:
        for call in objects_at(message, "toolCalls"):
            if "result" not in call:
                raise ValueError("a call in it has no result")
