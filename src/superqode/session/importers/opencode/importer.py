"""Makes sessions of whatever opencode keeps them in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from superqode.session.errors import TranscriptError
from superqode.session.importers.base import Imported, Receipt, Source
from superqode.session.importers.opencode.calls import AGENT
from superqode.session.importers.opencode.database import check_tables, is_database, sessions_of
from superqode.session.importers.opencode.export import is_export, read_export
from superqode.session.importers.opencode.records import Stored
from superqode.session.importers.opencode.transcript import Transcript
from superqode.session.importers.opencode.tree import Place, place_of, read_tree, stands_for_session
from superqode.session.importers.sqlitefile import MAGIC, SqliteError, opened_copy

__all__ = ["OpencodeImporter"]


class OpencodeImporter:
    """Reads opencode's exports, its storage of small files, and its database.

    A session has the same id, `opencode-ses_…`, and the same entries wherever it is read from. Sub-agents and forks
    name their parent; what a person took back becomes `…-branch-<message>`.
    """

    name: Final = AGENT

    def recognises(self, source: Source, head: bytes) -> bool:
        """Whether this is an export, a file of the storage, or the database."""
        if head.startswith(MAGIC):
            return is_database(source, head)
        return place_of(source.name, head) is not None or is_export(head)

    def read(self, source: Source) -> Iterator[Imported | TranscriptError]:
        """Give the sessions of an export or a database, or the one that a file of the storage stands for."""
        try:
            head = source.head()
            if head.startswith(MAGIC):
                yield from _database(source)
            elif place := place_of(source.name, head):
                yield from _tree(source, place)
            else:
                yield from _export(source)
        except TranscriptError as problem:
            yield problem
        except (ValueError, OSError) as problem:
            yield TranscriptError(source.name, f"it cannot be made a session ({problem})")


def _export(source: Source) -> Iterator[Imported]:
    receipt = Receipt()
    found = list(_session(source, read_export(source, receipt), receipt))
    if not found:
        raise TranscriptError(source.name, "it holds no messages")
    yield from found


def _tree(source: Source, place: Place) -> Iterator[Imported]:
    if stands_for_session(source, place):
        receipt = Receipt()
        yield from _session(source, read_tree(source, place, receipt), receipt)


def _database(source: Source) -> Iterator[Imported | TranscriptError]:
    with opened_copy(source) as connection:
        check_tables(source, connection)
        for stored, receipt in sessions_of(connection):
            try:
                yield from _session(source, stored, receipt)
            except TranscriptError as problem:
                yield problem
            except (ValueError, SqliteError) as problem:
                yield TranscriptError(source.name, f"session {stored.id} cannot be read ({problem})")


def _session(source: Source, stored: Stored, receipt: Receipt) -> Iterator[Imported]:
    transcript = Transcript(stored, receipt)
    transcript.read()
    yield from transcript.sessions(source)
