"""Which importer reads a file: told by what the file holds."""

from __future__ import annotations

import pytest

from superqode.session.errors import TranscriptError, UnknownTranscript
from superqode.session.importers import IMPORTERS, recognise
from superqode.session.importers.base import Imported, Source

from . import olddata, truth
from .olddata import needs_recordings, recorded, session, source_of
from .rollouts import Rollout

AGENTS = ("codex", "claude-code")


def test_names_are_unique():
    """A format's name says which importer wrote it."""
    names = [importer.name for importer in IMPORTERS]
    assert len(set(names)) == len(names)
    assert {"codex", "claude-code", "superqode-2.25", "superqode-agent", "superqode-export"} <= set(names)


@pytest.mark.parametrize("folder", [parameter for agent in AGENTS for parameter in truth.folders(agent)])
def test_each_recorded_transcript_is_its_own_agents(folder):
    """Only the importer of the agent that wrote a file takes it."""
    taken = 0
    for source in truth.sources(folder):
        known = [importer.name for importer in IMPORTERS if importer.recognises(source, source.head())]
        assert known in ([], [folder.parts[-3]])
        taken += bool(known)
        if known:
            assert recognise(source).name == folder.parts[-3]
    assert taken


@pytest.mark.parametrize("agent", ["gemini-cli", "opencode", "qwen-code", "pi", "aider", "acp-gemini"])
def test_other_agents_transcripts_are_neither_codexs_nor_ours(agent):
    """Files of other agents are not mistaken for rollouts, exports or the old stores."""
    folders = [parameter.values[0] for parameter in truth.folders(agent)]
    if folders == [None]:
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    strict = [importer for importer in IMPORTERS if importer.name.startswith(("codex", "superqode"))]
    for source in (source for folder in folders for source in truth.sources(folder)):
        assert not [importer.name for importer in strict if importer.recognises(source, source.head())], source.name


@needs_recordings
def test_the_old_stores_and_their_exports_are_told_apart():
    """Sessions and indexes are the store's, exports the export importer's, JSONL the agent's; the rest is unknown."""
    names = {}
    for name, source in recorded().items():
        try:
            names[name] = recognise(source).name
        except UnknownTranscript:
            names[name] = None
    for name, importer in names.items():
        torn = name.startswith("damaged/") and name.endswith((".gz", "index.json"))
        if name.startswith(("store/", "shares-index")) or torn:
            assert importer == "superqode-2.25", name
        elif name.startswith("agent-jsonl-store/"):
            assert importer == "superqode-agent", name
        elif name.endswith((".md", "share-link.txt", "export.txt", "README.txt")) or name == "expected.json":
            assert importer is None, name
        else:
            assert importer == "superqode-export", name


def test_a_name_alone_says_nothing():
    """A rollout under another name is a rollout; anything under a rollout's name is not."""
    data = Rollout().prompt("go").data
    assert recognise(source_of(data, "notes.txt")).name == "codex"
    assert recognise(source_of(session(), "rollout-2026-11-22T10-00-00-x.jsonl")).name == "superqode-export"
    with pytest.raises(UnknownTranscript):
        recognise(source_of(b"plain text\n", "rollout-2026-11-22T10-00-00-x.jsonl"))


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"{}", b"[]", b"{", b"\x1f\x8b", b"\xff" * 100, b'{"type": "x"}\n', b"H4sI", b"null"]
)
def test_what_nobody_knows_is_unknown(data):
    """No importer takes bytes that tell nothing, and none fails on them."""
    with pytest.raises(UnknownTranscript, match="no importer knows"):
        recognise(source_of(data, "file"))


def test_a_file_that_cannot_be_read_is_an_error():
    """What the disk says is said on."""

    def refuse():
        raise PermissionError(13, "Permission denied")

    with pytest.raises(TranscriptError, match="Permission denied"):
        recognise(Source("x.jsonl", refuse))


@needs_recordings
def test_every_import_says_where_it_came_from():
    """Whatever was imported names format, version, source, digest, original id, title and receipt."""
    wanted = {"format", "importer_version", "source_path", "source_sha256", "source_session_id", "title", "receipt"}
    imported = [
        (source, result)
        for source in recorded("store").values()
        for result in recognise(source).read(source)
        if isinstance(result, Imported)
    ]
    assert len(imported) == len(list((olddata.RECORDED / "store").glob("session-*")))
    for source, result in imported:
        told = result.session.metadata["imported"]
        assert wanted <= told.keys()
        assert (told["source_path"], told["title"]) == (source.name, result.session.title)
