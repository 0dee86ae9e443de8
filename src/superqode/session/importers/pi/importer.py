"""From a session file's bytes to its sessions: the branch Pi is on, and those it left."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.conversations import Origin, conversations, or_errors, session_name, take_records
from superqode.session.importers.fields import mapping_at, text_at
from superqode.session.importers.lines import parse_json, read_records
from superqode.session.importers.origin import digest_of
from superqode.session.importers.pi.transcript import ENTRIES, Transcript
from superqode.session.importers.spool import is_big

__all__ = ["PiImporter"]

_VERSION: Final = 1
# How many records at a file's beginning are looked at to recognise it.
_LOOK: Final = 5
_NAME: Final = re.compile(r"_([0-9a-fA-F-]{36})\.jsonl")


class PiImporter:
    """Reads the sessions of Pi (versions 1 to 3 of its format).

    Session ids are `pi-<session>`, and `…-branch-<entry>` for what a person left with `/tree`. A session that was
    forked off another file names that one's as its parent.
    """

    name: Final = "pi"

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether the first records are Pi's: its header, or behind a damaged one its entries."""
        start = Source(source.name, lambda: io.BytesIO(head))
        return any(_is_ours(record) for _, record in islice(read_records(start, Receipt()), _LOOK))

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the sessions of a file."""
        yield from or_errors(source, self._read(source))

    def _read(self, source: Source) -> Iterator[Imported]:
        # The hash comes first: of a file that grows meanwhile, more is imported than it says, never less.
        digest = digest_of(source)
        receipt = Receipt()
        transcript = Transcript(receipt, big=is_big(source))
        take_records(source, receipt, transcript.take)
        transcript.finish()
        if not transcript.drafts:
            raise TranscriptError(source.name, "it holds no messages" if receipt.lines else "it is empty")
        yield from conversations(self._origin(source, digest, receipt, transcript), transcript.drafts)

    def _origin(self, source: Source, digest: str, receipt: Receipt, transcript: Transcript) -> Origin:
        header = transcript.header
        found = _NAME.search(source.name)
        own = text_at(header, "id") or (found[1] if found else transcript.first_id or f"file-{digest[:20]}")
        origin = Origin(
            source=source,
            digest=digest,
            receipt=receipt,
            agent=self.name,
            version=_VERSION,
            id=session_name(self.name, own),
            original_id=own,
            title=transcript.title,
            folder=text_at(header, "cwd"),
            began=transcript.began,
            about=transcript.about(),
        )
        if came_from := text_at(header, "parentSession", "branchedFrom"):
            origin.relation = {"relation": "fork"}
            parent = _session_of(source, came_from)
            if parent and parent != own:
                origin.parent = session_name(self.name, parent)
            else:
                origin.about["forked_from"] = came_from[:4096]
        return origin


def _session_of(source: Source, path: str) -> str:
    """The session a file holds, which is only named: by its name, or by another file of this run of that name."""
    if found := _NAME.search(path):
        return found[1]
    base = re.split(r"[\\/]", path)[-1]
    if not base:
        return ""
    for other in source.related(base):
        try:
            header = parse_json(other.head().split(b"\n")[0].decode(errors="replace"))
        except (OSError, ValueError):
            continue
        if isinstance(header, dict) and text_at(header, "type") == "session":
            return text_at(header, "id")
    return ""


def _is_ours(record: Mapping[str, Any]) -> bool:
    kind = text_at(record, "type")
    if kind == "session":
        return bool(text_at(record, "id")) and ("cwd" in record or isinstance(record.get("version"), int))
    if kind not in ENTRIES or "parentId" not in record or not text_at(record, "id") or "payload" in record:
        return False
    return kind != "message" or bool(text_at(mapping_at(record, "message"), "role"))
