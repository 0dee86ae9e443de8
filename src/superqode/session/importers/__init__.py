"""Importers: sessions out of other agents' transcripts, the old stores and exports. Pure: bytes in, sessions out."""

from __future__ import annotations

from typing import Final

from superqode.session.errors import TranscriptError, UnknownTranscript
from superqode.session.importers.acp import AcpImporter
from superqode.session.importers.aider import AiderImporter
from superqode.session.importers.base import Imported, Importer, Receipt, Source
from superqode.session.importers.claude_code import ClaudeCodeImporter
from superqode.session.importers.codex import CodexImporter
from superqode.session.importers.exported_lines import ExportedLinesImporter
from superqode.session.importers.exports import ExportImporter
from superqode.session.importers.gemini_cli import GeminiCliImporter
from superqode.session.importers.goose import GooseImporter
from superqode.session.importers.opencode import OpencodeImporter
from superqode.session.importers.pi import PiImporter
from superqode.session.importers.qwen_code import QwenCodeImporter
from superqode.session.importers.superqode_agent import AgentStoreImporter
from superqode.session.importers.superqode_old import OldStoreImporter

__all__ = ["IMPORTERS", "Imported", "Importer", "Receipt", "Source", "make_importers", "recognise"]


def make_importers() -> tuple[Importer, ...]:
    """Make all importers for one run: they remember what they saw of its files.

    They come in the order they are to be asked: formats that tell most about themselves first. The old store also
    takes files that are too damaged to tell, and an export need hold no more than a few names of fields.
    """
    return (
        OpencodeImporter(),
        CodexImporter(),
        GeminiCliImporter(),
        QwenCodeImporter(),
        PiImporter(),
        ClaudeCodeImporter(),
        AcpImporter(),
        AiderImporter(),
        GooseImporter(),
        ExportedLinesImporter(),
        AgentStoreImporter(),
        OldStoreImporter(),
        ExportImporter(),
    )


IMPORTERS: Final = make_importers()


def recognise(source: Source, importers: tuple[Importer, ...] = IMPORTERS) -> Importer:
    """Give the importer, of those of this run, that knows a source's format.

    Raises:
        TranscriptError: the source cannot be read.
        UnknownTranscript: no importer knows it.
    """
    try:
        head = source.head()
    except OSError as problem:
        raise TranscriptError(source.name, f"it cannot be read ({problem.strerror or problem})") from problem
    for importer in importers:
        if importer.recognises(source, head):
            return importer
    raise UnknownTranscript(source.name)
