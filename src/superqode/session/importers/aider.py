"""aider: `.aider.chat.history.md`, to which every run in a project appends what was said."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.aider_lines import SPACES, START, Block, Run, read_runs
from superqode.session.importers.assembly import Parts, make_session
from superqode.session.importers.balance import FileBalance
from superqode.session.importers.base import Imported, Source
from superqode.session.importers.fields import parse_time
from superqode.session.importers.origin import EntryIds, digest_of, provenance, session_id_for, title_of
from superqode.session.models import Entry, Message, MessageRole

__all__ = ["AiderImporter"]

AGENT: Final = "aider"
_VERSION: Final = 1
_PREFIX: Final = "aider-"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_BLANK: Final = "<blank>"
# Commands that carry a prompt to the model; the others only tell aider what to do.
_PROMPTING: Final = re.compile(r"/(?:ask|code|architect|context|help|ok)\s+(?=\S)")
_MODEL: Final = re.compile(r"(?:Main model|Model|Models): (\S+)")
_AIDER_VERSION: Final = re.compile(r"Aider v?(\d[\w.+-]*)")
_APPLIED: Final = re.compile(r"Applied edit to (.+)")
_CREATED: Final = re.compile(r"Creating empty file (.+)")
_ASKED: Final = re.compile(
    r"(?:(?P<path>.+?): )?Create new file\?.*: ?y(?:es)?\Z|Allow creation of new file (?P<old>.+?)\?? y\Z",
    re.IGNORECASE,
)


class AiderImporter:
    """Reads aider's chat history; each run that anything was said in is a session.

    Runs have no ids: `aider-<start>-<hash>` is made of the start and the first words.
    """

    name: Final = AGENT

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether the first line that is not empty starts a run."""
        del source
        first = head.decode(errors="replace").lstrip("\ufeff \t\r\n").partition("\n")[0]
        return START.match(first) is not None

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the sessions of a history, in their order."""
        try:
            digest = digest_of(source)
            with source.open() as stream:
                yield from _sessions(source, digest, stream)
        except TranscriptError as problem:
            yield problem
        except (ValueError, OSError) as problem:
            yield TranscriptError(source.name, f"it cannot be made a session ({problem})")


def _sessions(source: Source, digest: str, stream: IO[bytes]) -> Iterator[Imported]:
    names = EntryIds()
    spoken: Run | None = None
    own_id = before = ""
    silent = 0
    for run in read_runs(stream):
        session_id = _session_id(run, names)
        if not session_id:
            silent += run.receipt.lines
            continue
        if spoken is not None:
            _leave_out(silent, spoken)
            yield _import(source, digest, spoken, own_id, before)
            silent, before = 0, own_id
        spoken, own_id = run, session_id
    if spoken is None:
        raise TranscriptError(source.name, "nothing was said in it")
    _leave_out(silent, spoken)
    yield _import(source, digest, spoken, own_id, before)


def _leave_out(silent: int, spoken: Run) -> None:
    """Count the lines of runs without words in the receipt of the run at hand."""
    if silent:
        spoken.receipt.lines += silent
        spoken.receipt.drop("runs in which nothing was said", silent)


# -- sessions -------------------------------------------------------------------------------------------------


def _session_id(run: Run, names: EntryIds) -> str:
    """Make the run's id; empty where nothing was said in it."""
    said = [block for block in run.blocks if block.kind != "own" and any(map(str.strip, block.lines))]
    if not said:
        return ""
    first = next((block for block in said if block.kind == "user"), said[0]).lines[0]
    digits = re.sub(r"\D", "", run.began)
    return session_id_for(names.derive(f"{digits[:8]}T{digits[8:]}", run.began, first).replace("~", "-"), _PREFIX)


def _import(source: Source, digest: str, run: Run, session_id: str, before: str) -> Imported:
    began = _EPOCH
    with suppress(ValueError):
        began = parse_time(run.began)
    folder = posixpath.dirname(source.name) if posixpath.isabs(source.name) else ""
    talk = _Talk(began, FileBalance(folder))
    for block in run.blocks:
        talk.take(block)
    prompts = (entry.content for entry in talk.entries if entry.role is MessageRole.USER)
    opening = next(prompts, "") or next(iter(talk.commands), "")
    title = title_of(opening) or f"aider session {run.began}"
    about = {"version": talk.version, "models": talk.models, "follows": before}
    metadata = {
        "imported": provenance(
            source,
            digest,
            run.receipt,
            importer=AGENT,
            version=_VERSION,
            original_id="",
            title=title,
        ),
        "aider": {name: value for name, value in about.items() if value},
    }
    entries: list[Entry] = list(talk.entries)
    parts = Parts(session_id, title, began, began, AGENT, folder, None, metadata)
    return Imported(make_session(parts, entries, talk.files), run.receipt)


class _Talk:
    """Turns blocks into messages, and remarks into what became of files."""

    def __init__(self, began: datetime, files: FileBalance) -> None:
        self.entries: list[Message] = []
        self.commands: list[str] = []
        self.version = ""
        self.models: list[str] = []
        self.files = files
        self._began = began
        self._new_file = ""

    def take(self, block: Block) -> None:
        """Take one block."""
        if block.kind == "user":
            text = "\n".join(line.removesuffix(SPACES) for line in block.lines)
            text = "" if text == _BLANK else text
            self._take_typed(text)
        elif block.kind == "own":
            remarks = [line.removesuffix(SPACES) for line in block.lines]
            for remark, line_before in zip(remarks, ["", *remarks], strict=False):
                self._note(remark, line_before)
            self._say(MessageRole.SYSTEM, "\n".join(remarks), {"kind": "notice"})
        elif text := "\n".join(block.lines).strip("\n"):
            self._say(MessageRole.ASSISTANT, text, {"model": self.models[-1]} if self.models else {})

    def _take_typed(self, text: str) -> None:
        command = text.startswith(("/", "!")) and not _PROMPTING.match(text)
        if command:
            self.commands.append(text)
        role = MessageRole.SYSTEM if command else MessageRole.USER
        self._say(role, text, {"injected": "command"} if command else {})

    def _say(self, role: MessageRole, text: str, details: dict[str, Any]) -> None:
        # The history only grows, and a message may be half written yet: its number is what stays.
        self.entries.append(
            Message(
                id=f"msg-{len(self.entries) + 1}",
                role=role,
                content=text,
                timestamp=self._began,
                agent_name=AGENT if role is MessageRole.ASSISTANT else None,
                metadata=details,
            )
        )

    def _note(self, remark: str, before: str) -> None:
        """Take what a remark tells of models and files."""
        if found := _MODEL.match(remark):
            if found[1] not in self.models and len(self.models) < 100:
                self.models.append(found[1])
        elif found := _AIDER_VERSION.match(remark):
            self.version = self.version or found[1]
        elif found := _ASKED.match(remark):
            self._new_file = found["path"] or found["old"] or before
        elif found := _APPLIED.match(remark):
            path = found[1].strip()
            self.files.take("create" if path == self._new_file else "modify", path)
            self._new_file = "" if path == self._new_file else self._new_file
        elif found := _CREATED.match(remark):
            self.files.take("create", found[1].strip())
