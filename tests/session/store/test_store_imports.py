"""Imports: transcripts in a folder become sessions, and grow with their files without losing what people did."""

from __future__ import annotations

import gzip
import json

import pytest

from superqode.session import MessageRole
from superqode.session.errors import TranscriptError

CLAUDE = "3f0c9a52-7d1e-4a3b-9c55-0123456789ab"
CODEX = "01a202a3-7530-74a1-b079-529f97e8ef80"


def claude_lines(count):
    """A Claude Code transcript: questions and answers in turn."""
    rows = []
    for number in range(count):
        role = "user" if number % 2 == 0 else "assistant"
        text = f"claude {role} {number}"
        content = text if role == "user" else [{"type": "text", "text": text}]
        rows.append(
            {
                "parentUuid": f"u{number - 1}" if number else None,
                "isSidechain": False,
                "type": role,
                "uuid": f"u{number}",
                "timestamp": f"2026-11-22T10:00:{number:02}.000Z",
                "sessionId": CLAUDE,
                "cwd": "/p",
                "version": "2.1.330",
                "message": {"role": role, "content": content, **({"id": f"m{number}"} if number % 2 else {})},
            }
        )
    return "".join(json.dumps(row) + "\n" for row in rows)


def codex_lines():
    """A Codex rollout: one question, one answer."""
    payloads = [
        ("session_meta", {"id": CODEX, "cwd": "/p", "timestamp": "2026-11-22T10:00:00.000Z"}),
        (
            "response_item",
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "codex asked"}]},
        ),
        ("event_msg", {"type": "user_message", "message": "codex asked"}),
        (
            "response_item",
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "codex said"}]},
        ),
    ]
    return "".join(
        json.dumps({"timestamp": f"2026-11-22T10:00:{number:02}.000Z", "type": kind, "payload": payload}) + "\n"
        for number, (kind, payload) in enumerate(payloads)
    )


@pytest.fixture
def home(tmp_path):
    """A home in whose hidden folders two agents have written."""
    for path, text in (
        (f".claude/projects/-p/{CLAUDE}.jsonl", claude_lines(4)),
        (f".codex/sessions/2026/11/22/rollout-2026-11-22T10-00-00-{CODEX}.jsonl", codex_lines()),
    ):
        file = tmp_path / "home" / path
        file.parent.mkdir(parents=True)
        file.write_text(text)
    (tmp_path / "home" / "notes.txt").write_text("nothing of ours\n")
    return tmp_path / "home"


@pytest.fixture
def transcript(home):
    return home / f".claude/projects/-p/{CLAUDE}.jsonl"


def texts_of(session):
    return [message.content for message in session.messages if message.role in ("user", "assistant")]


def session_of(store, title):
    """The imported session in which somebody said this."""
    (hit,) = {hit.session_id for hit in store.search(title) if hit.kind != "title"}
    return store.load(hit)


def test_a_folder_is_imported_with_its_hidden_folders(store, home, git):
    """Each transcript becomes a session with what was said, the rest is counted as ignored."""
    report = store.import_sources([home])
    assert (report.files_seen, report.files_ignored, report.count("new"), len(report.sessions)) == (3, 1, 2, 2)
    claude = session_of(store, '"claude user 0"')
    assert texts_of(claude) == ["claude user 0", "claude assistant 1", "claude user 2", "claude assistant 3"]
    assert texts_of(session_of(store, '"codex asked"')) == ["codex asked", "codex said"]
    assert claude.updated_at.isoformat().startswith("2026-11-22T10:00:03")
    git.fsck()


def test_the_same_files_again_change_nothing(store, home, git):
    """Neither a ref nor an object is new."""
    store.import_sources([home])
    before = git("for-each-ref"), git("count-objects")
    assert store.import_sources([home]).count("unchanged") == 2
    assert (git("for-each-ref"), git("count-objects")) == before


def test_a_longer_file_goes_on_on_the_same_branch(store, home, transcript, git):
    """New lines are new commits on top; what people did to the session meanwhile stays."""
    store.import_sources([home])
    session = session_of(store, '"claude user 0"')
    tip = git("rev-parse", session.id)
    session.title, session.tags = "My own title", ["mine"]
    session.add_message(MessageRole.USER, "my own remark")
    store.save(session)
    transcript.write_text(claude_lines(6))
    report = store.import_sources([home])
    assert (report.count("updated"), report.count("unchanged")) == (1, 1)
    grown = store.load(session.id)
    assert (grown.title, grown.tags) == ("My own title", ["mine"])
    said = texts_of(grown)
    assert said.index("claude user 4") < said.index("claude assistant 5")
    assert "my own remark" in said
    assert len(said) == 7
    assert git("merge-base", tip, session.id) == tip
    assert store.import_sources([home]).count("unchanged") == 2


def test_the_title_of_a_source_follows_it_until_somebody_names_the_session(store, home, transcript):
    """Without a title of one's own, the session keeps the one its transcript gives."""
    store.import_sources([home])
    before = session_of(store, '"claude user 0"')
    transcript.write_text(claude_lines(6))
    store.import_sources([home])
    after = store.load(before.id)
    assert after.title == before.title != ""


def test_a_commit_stands_before_and_after_each_prompt(store, home):
    """So history reads, and undo steps back, as if it had been saved while it happened."""
    store.import_sources([home])
    session = session_of(store, '"claude user 0"')
    assert [record.messages_added for record in reversed(store.history(session.id))] == [1, 1, 1, 1]
    store.undo(session.id)
    assert texts_of(store.load(session.id)) == ["claude user 0", "claude assistant 1", "claude user 2"]


def test_a_dry_run_tells_and_writes_nothing(store, store_path, home):
    """The report is that of the import; the store is not even made."""
    told = store.import_sources([home], dry_run=True)
    assert not store_path.exists()
    assert told.to_dict() == store.import_sources([home]).to_dict()


def test_a_damaged_file_is_reported_and_the_rest_imported(store, home, tmp_path):
    """What cannot be read is named with its reason; a path that is not there is an error at once."""
    bad = tmp_path / "bad.json.gz"
    bad.write_bytes(gzip.compress(b'{"id": "x", "messages": [')[:-5])
    report = store.import_sources([bad, home])
    (failed,) = [outcome for outcome in report.sessions if outcome.status == "failed"]
    assert failed.source.endswith("bad.json.gz")
    assert failed.reason
    assert report.count("new") == 2
    with pytest.raises(TranscriptError):
        store.import_sources([tmp_path / "nowhere"])


def test_progress_is_told_after_each_file(store, home):
    """The last word is the whole."""
    told = []
    store.import_sources([home], progress=lambda *step: told.append(step))
    assert [step[:2] for step in told] == [(1, 3), (2, 3), (3, 3)]


def old_session(number):
    return {
        "id": f"old-{number}",
        "title": f"Old {number}",
        "created_at": "2025-01-15T10:00:00",
        "updated_at": "2025-01-15T10:30:00",
        "project_path": "/p",
        "messages": [
            {"id": "m1", "role": "user", "content": f"old words {number}", "timestamp": "2025-01-15T10:00:00"}
        ],
        "tool_executions": [],
    }


@pytest.fixture
def old_store(store_path):
    """Two sessions of superqode 2.25, and its index, in the folder of the store."""
    store_path.mkdir()
    (store_path / "old-1.json").write_text(json.dumps(old_session(1)))
    (store_path / "old-2.json.gz").write_bytes(gzip.compress(json.dumps(old_session(2)).encode()))
    (store_path / "index.json").write_text("{}")
    return {path: path.read_bytes() for path in store_path.iterdir()}


def test_an_old_store_waits_until_it_is_imported(store, old_store):
    """One line says so, before and after other saves; after the import it is gone, and the old files are untouched."""
    assert store.old_store_notice().startswith("2 sessions of superqode 2.25")
    assert store.list_sessions() == []
    report = store.import_old_store()
    assert (report.count("new"), report.count("failed")) == (2, 0)
    assert store.old_store_notice() == ""
    assert store.load("old-1").messages[0].content == "old words 1"
    assert store.load("old-2").title == "Old 2"
    assert {path: path.read_bytes() for path in old_store} == old_store
    assert store.import_old_store().count("unchanged") == 2


def test_a_folder_without_old_sessions_has_no_notice(store, store_path):
    """An index alone is nothing to import."""
    assert store.old_store_notice() == ""
    store_path.mkdir()
    (store_path / "index.json").write_text("{}")
    assert store.old_store_notice() == ""
