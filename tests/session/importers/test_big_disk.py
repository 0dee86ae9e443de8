"""Huge transcripts on disk: what is written and read meanwhile stays in proportion to the file."""

import errno
import os

import pytest

from superqode.session.importers import spool
from superqode.session.importers.claude_code import ClaudeCodeImporter
from superqode.session.importers.claude_code.skeleton import Skeleton
from superqode.session.importers.codex import CodexImporter
from superqode.session.importers.gemini_cli import GeminiCliImporter
from superqode.session.importers.qwen_code import QwenCodeImporter
from superqode.session.importers.spool import Spool
from superqode.session.models import Message

from . import chats, claude_scripts, folders
from .rollouts import Rollout
from .test_big import FORMATS, check_both


def growing_answers():
    """Transcripts of which one answer grows record by record, and the importers; in pieces of some 200 characters."""
    rollout = Rollout().prompt("go")
    gemini = chats.Gemini()
    gemini.says("go")
    gemini.answers("a" * 100_000, name="grown")
    qwen = chats.Qwen(isSidechain=True, agentId="helper-1", agentName="helper")
    qwen.says("go")
    for number in range(500):
        rollout.item("reasoning", summary=[{"type": "summary_text", "text": f"{number} " + "t" * 200}])
        gemini.message("gemini", "", "grown", toolCalls=[gemini.call(f"c{number}")])
        qwen.answers(f"{number} " + "a" * 200)
    rollout.assistant("done")
    return {
        "codex": (CodexImporter, "rollout.jsonl", rollout.data),
        "gemini-cli": (GeminiCliImporter, chats.NAMES["gemini-cli"], gemini.data),
        "qwen-code": (QwenCodeImporter, chats.NAMES["qwen-code"], qwen.data),
    }


@pytest.mark.parametrize("agent", ["codex", "gemini-cli", "qwen-code"])
def test_what_grows_is_not_written_again_with_each_record(monkeypatch, agent):
    """On disk is no more than a few times the file, however many records one answer has."""
    importer, name, data = growing_answers()[agent]
    check_both(importer, {name: data})
    written = 0
    put = Spool.put

    def counting(kept, value):
        nonlocal written
        before = kept._end
        place = put(kept, value)
        written += kept._end - before
        return place

    monkeypatch.setattr(Spool, "put", counting)
    monkeypatch.setattr(spool, "BIG", 0)
    (found,) = importer().read(folders.one(data, name))
    entries = [entry for entry in found.entries() if isinstance(entry, Message)]
    (message,) = [entry for entry in entries if entry.role == "assistant"]
    assert len(message.content) >= 100_000 or len(message.metadata["thinking"]) == 500
    assert 0 < written < 4 * len(data)


@pytest.mark.parametrize(("name", "make"), FORMATS.values(), ids=FORMATS)
def test_what_wants_too_much_disk_is_a_failed_import(monkeypatch, store, tmp_path, name, make):
    """A file that would fill the disk while it is imported is refused in one line, and others are not."""
    (tmp_path / name).write_bytes(make(20, 20_000))
    with monkeypatch.context() as patch:
        patch.setattr(spool, "BIG", 0)
        patch.setattr(spool, "_LONGEST", 100_000)
        (outcome,) = store.import_sources([tmp_path / name]).sessions
    assert (outcome.status, os.strerror(errno.EFBIG) in outcome.reason) == ("failed", True)
    (outcome,) = store.import_sources([tmp_path / name]).sessions
    assert outcome.status == "new"


def looks(early, rest, late):
    """How many rows are read from disk for so many answers, rewound so often at their beginning and at their end."""
    script = claude_scripts.Script()
    for number in range(early):
        script.says(f"badly put {number}", parent=None)
        script.answers("misunderstood")
    script.says("go", parent=None)
    for number in range(rest):
        ended = script.answers(f"answer {number}")
    for number in range(late):
        script.says(f"badly put, too, {number}", parent=ended)
        script.answers("misunderstood")
    script.says("go on", parent=ended)
    script.answers("done")
    read = 0
    usual = Skeleton.load

    def counting(skeleton, place):
        nonlocal read
        read += 1
        return usual(skeleton, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "BIG", 0)
        patch.setattr(Skeleton, "load", counting)
        found, errors = folders.run(ClaudeCodeImporter(), [folders.one(script.bytes(), claude_scripts.NAME)])
        assert (len(found), errors) == (1 + early + late, [])
        assert [len(list(item.entries())) for item in found] == [rest + 3] + [2] * early + [rest + 3] * late
    return read


def test_a_branch_that_was_left_early_costs_only_its_beginning():
    """What came after the last row of a rewound conversation is not read for it again."""
    assert looks(early=10, rest=500, late=0) < 1.5 * looks(early=0, rest=500, late=0)


def test_a_branch_is_read_as_often_as_the_conversation():
    """Once to sum it up and once for its entries: whether it was left or not makes no difference."""
    assert looks(early=0, rest=500, late=10) < 11.5 * looks(early=0, rest=500, late=0)
