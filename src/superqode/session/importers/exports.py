"""Exports of superqode: `superqode-session-v1` as JSON, gzip, base64 or link, and plain sessions as JSON."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.fields import mapping_at, parse_time, text_at
from superqode.session.importers.origin import digest_of, provenance
from superqode.session.importers.salvage import plain_session, salvaged_session
from superqode.session.importers.wholefile import head_text, leading_members, read_json

__all__ = [
    "EXPORT_FORMAT",
    "ExportImporter",
    "OpenedExport",
    "checksum_of",
    "import_plain",
    "looks_like_a_session",
    "read_export",
]

EXPORT_FORMAT: Final = "superqode-session-v1"
_FORMATS: Final = "superqode-session-"
_VERSION: Final = 1
# How many hex digits of the SHA-256 superqode 2.25 wrote.
_SHORT_CHECKSUM: Final = 16
_TELLING: Final = frozenset(("title", "created_at", "updated_at", "project_path", "messages"))


class ExportImporter:
    """Reads what superqode exports, this version's and 2.25's.

    What our own `Session.to_dict` wrote comes back exactly as it was, with nothing added to its metadata: importing
    an export over the same session changes nothing. What 2.25 wrote gets `metadata["imported"]`.
    """

    name: Final = "superqode-export"

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether it begins as an export or a session does."""
        del source
        members = leading_members(head_text(head))
        return text_at(members, "format").startswith(_FORMATS) or looks_like_a_session(members)

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the exported session."""
        try:
            yield read_export(source).imported
        except TranscriptError as problem:
            yield problem


@dataclass(frozen=True, slots=True)
class OpenedExport:
    """What an export holds: the session, and when it was exported (its last change, where that is not told)."""

    imported: Imported
    exported_at: datetime


def read_export(source: Source) -> OpenedExport:
    """Read an export or a plain session, however it is wrapped, checked and bounded.

    Raises:
        TranscriptError: it is damaged, too big, or something else.
    """
    digest = digest_of(source)
    receipt = Receipt()
    data = read_json(source)
    if not isinstance(data, dict):
        raise TranscriptError(source.name, "it is no session: it holds no JSON object")
    values = _opened(source, data, receipt) if "format" in data and "session" in data else data
    imported = import_plain(source, values, digest, receipt, ExportImporter.name)
    try:
        exported_at = parse_time(data.get("exported_at"))
    except ValueError:
        exported_at = imported.session.updated_at
    return OpenedExport(imported, exported_at)


def looks_like_a_session(members: Mapping[str, Any]) -> bool:
    """Whether these are the first members of a session as superqode writes it."""
    return "id" in members and len(members.keys() & _TELLING) >= 3


def checksum_of(session: Mapping[str, Any]) -> str:
    """Give the checksum of an export's session: SHA-256 of its JSON, keys sorted, in 64 hex digits."""
    return hashlib.sha256(json.dumps(session, sort_keys=True).encode()).hexdigest()


def _opened(source: Source, data: Mapping[str, Any], receipt: Receipt) -> dict[str, Any]:
    """Take the session out of its export, and check it."""
    if data["format"] != EXPORT_FORMAT:
        shown = str(data["format"])[:60]
        raise TranscriptError(source.name, f"its format is {shown!r}; this superqode reads {EXPORT_FORMAT!r}")
    session = mapping_at(data, "session")
    told = data.get("checksum")
    found = checksum_of(session)
    if not told:
        receipt.problems.append("the export has no checksum, so nothing says whether it is whole")
    elif not _agrees(told, found):
        length = max(len(told), _SHORT_CHECKSUM) if isinstance(told, str) else _SHORT_CHECKSUM
        raise TranscriptError(
            source.name,
            f"it was changed or damaged: its checksum is {str(told)[:64]}, and its content has {found[:length]}",
        )
    return session


def _agrees(told: object, found: str) -> bool:
    """Whether a checksum is the beginning of the right one, and no shorter than 2.25 wrote it."""
    if not isinstance(told, str) or not told.isascii() or len(told) < _SHORT_CHECKSUM:
        return False
    return hmac.compare_digest(told.lower(), found[: len(told)])


def import_plain(source: Source, data: dict[str, Any], digest: str, receipt: Receipt, importer: str) -> Imported:
    """Make a session of its plain values.

    Raises:
        TranscriptError: there is nothing in them to save.
    """
    if session := plain_session(data):
        receipt.lines = receipt.mapped = len(session.timeline)
        return Imported(session, receipt)
    try:
        session = salvaged_session(data, receipt)
    except ValueError as problem:
        reasons = [*receipt.problems[:1], str(problem)]
        raise TranscriptError(source.name, "; ".join(reasons)) from problem
    imported = provenance(
        source,
        digest,
        receipt,
        importer=importer,
        version=_VERSION,
        original_id=text_at(data, "id"),
        title=session.title,
    )
    if before := session.metadata.get("imported"):
        imported["before"] = before
    session.metadata["imported"] = imported
    return Imported(session, receipt)
