"""`ExportedSession`: a session as one JSON document, gzip or base64, with a checksum, and back.

    {"format": "superqode-session-v1", "exported_at": "2026-…Z", "session": {…}, "checksum": "0123456789abcdef"}

Nothing is taken out of an export: it holds the session in clear, and is for its owner. Sharing masks secrets.
"""

from __future__ import annotations

import base64
import gzip
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from superqode.session import clock
from superqode.session.codec.jsontext import dump_text
from superqode.session.errors import TranscriptError
from superqode.session.models import Session

__all__ = ["ExportedSession"]

# How errors and metadata call what was read.
_NAME: Final = "the export"
# Hex digits of the checksum: superqode 2.25 refuses any other length than its own.
_CHECKSUM_DIGITS: Final = 16
_LEVEL: Final = 9


@dataclass(frozen=True, slots=True)
class ExportedSession:
    """A session taken out of its store, to be kept in a file or sent as text.

    Make one with `of`, or read one with `from_json`, `from_base64` or `from_bytes`. Each of these reads whatever
    superqode wrote, this version or 2.25, in any of the three wrappings; a plain session's JSON too.

    Attributes:
        exported_at: when it was exported, aware UTC.
    """

    _session: Session
    exported_at: datetime

    @classmethod
    def of(cls, session: Session) -> Self:
        """Export a session as it is now; what happens to it later does not reach the export."""
        return cls(Session.from_dict(session.to_dict()), clock.now())

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._session.id

    @property
    def title(self) -> str:
        """The session's title."""
        return self._session.title

    def to_session(self) -> Session:
        """Give the session, a new one each time; saved over the session it was made of, it changes nothing."""
        return self._session.model_copy()

    def to_json(self) -> str:
        """Give the export as JSON text, indented for people; text that is not valid Unicode stands as escapes."""
        from superqode.session.importers.exports import EXPORT_FORMAT, checksum_of

        values = self._session.to_dict()
        for told, snapshot in zip(values["snapshots"], self._session.snapshots, strict=True):
            # What superqode 2.25 cannot read a snapshot without.
            told.update(name=snapshot.description, message_count=len(snapshot.state.messages))
        document = {
            "format": EXPORT_FORMAT,
            "exported_at": clock.format_time(self.exported_at),
            "session": values,
            "checksum": checksum_of(values)[:_CHECKSUM_DIGITS],
        }
        return dump_text(document, indent=2)

    def to_bytes(self) -> bytes:
        """Give the export as gzip of its JSON; the same export gives the same bytes."""
        return gzip.compress(self.to_json().encode(), compresslevel=_LEVEL, mtime=0)

    def to_base64(self) -> str:
        """Give `to_bytes` as text that passes through mails, chats and URLs (RFC 4648's URL-safe alphabet)."""
        return base64.urlsafe_b64encode(self.to_bytes()).decode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` gave.

        Raises:
            TranscriptError: it is no export, damaged, changed, too big, or of a later format.
        """
        # Loaded only now: with it come all importers, and whoever shares needs none.
        from superqode.session.importers.base import Source
        from superqode.session.importers.exports import read_export

        opened = read_export(Source(_NAME, lambda: io.BytesIO(data)))
        return cls(opened.imported.session, opened.exported_at)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` gave. Raises as `from_bytes`."""
        return cls.from_bytes(_encoded(text))

    @classmethod
    def from_base64(cls, text: str | bytes) -> Self:
        """Read what `to_base64` gave, in either alphabet, with or without line breaks. Raises as `from_bytes`."""
        return cls.from_bytes(_encoded(text))


def _encoded(text: str | bytes) -> bytes:
    if not isinstance(text, str):
        return text
    try:
        return text.encode()
    except UnicodeEncodeError as problem:
        raise TranscriptError(_NAME, f"it is no text (character {problem.start})") from problem
