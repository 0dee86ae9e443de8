"""Imports through the store: again and again without harm, people's own changes kept, damage reported one by one."""

import json
from datetime import UTC, datetime

import pytest

from superqode.session import Session
from superqode.session.errors import TranscriptError

OLD = {
    "id": "session-1",
    "title": "Fix it",
    "created_at": "2025-01-15T10:00:00",
    "updated_at": "2025-01-15T10:30:00",
    "project_path": "/p",
    "messages": [],
    "tool_executions": [],
    "files_modified": [],
    "files_created": [],
    "agents_used": [],
    "tags": ["old"],
    "parent_session_id": None,
    "snapshots": [],
}


def _message(number):
    return {
        "id": f"msg-{number}-1",
        "role": "assistant" if number % 2 else "user",
        "content": f"message {number}",
        "timestamp": f"2025-01-15T10:00:{number:02d}",
        "agent_name": None,
        "tool_calls": None,
        "tool_call_id": None,
        "metadata": {},
    }


@pytest.fixture
def source(tmp_path):
    """Writes a session of so many messages as superqode 2.25 wrote it."""
    folder = tmp_path / "old"
    folder.mkdir()

    def write(count, name="session-1", **fields):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(OLD | {"id": name, "messages": [_message(n) for n in range(count)]} | fields))
        return path

    return write


def _outcomes(report):
    return [(outcome.session_id, outcome.status) for outcome in report.sessions]


def test_a_file_becomes_a_session(store, source, git):
    """What the file holds is in the store, saved as it would have been while it happened."""
    report = store.import_sources([source(4)])

    assert _outcomes(report) == [("session-1", "new")]
    assert (report.files_seen, report.count("new")) == (1, 1)
    session = store.load("session-1")
    assert [message.content for message in session.messages] == [f"message {n}" for n in range(4)]
    assert (session.title, session.tags, session.project_path) == ("Fix it", ["old"], "/p")
    assert session.metadata["imported"]["source_sha256"]
    assert int(git("rev-list", "--count", "session-1")) > 1
    git.fsck()


def test_an_import_is_as_old_as_what_was_said(store, tmp_path):
    """Though all of it was said in one moment: the list has it where it belongs, and not as changed just now."""
    path = tmp_path / "rollout-2026-11-22T09-00-00-01a202a3-0000-7000-8000-000000000000.jsonl"
    moment = "2026-11-22T09:00:00.000Z"
    said = [
        {"type": "session_meta", "payload": {"id": "01a202a3-0000-7000-8000-000000000000", "timestamp": moment}},
        *(
            {
                "type": "response_item",
                "payload": {"type": "message", "role": role, "content": [{"type": kind, "text": text}]},
            }
            for role, kind, text in (
                ("user", "input_text", "one"),
                ("assistant", "output_text", "two"),
                ("user", "input_text", "three"),
                ("assistant", "output_text", "four"),
            )
        ),
    ]
    path.write_text("".join(json.dumps({"timestamp": moment, **record}) + "\n" for record in said))
    [outcome] = store.import_sources([path]).sessions
    assert outcome.messages == 4
    [listed] = store.list_sessions()
    assert listed.updated_at == datetime(2026, 11, 22, 9, tzinfo=UTC)


def test_the_same_again_is_unchanged(store, source, git):
    """The second time nothing is written, by file or by folder."""
    path = source(4)
    store.import_sources([path])
    tip = git("rev-parse", "session-1")

    assert _outcomes(store.import_sources([path])) == [("session-1", "unchanged")]
    assert _outcomes(store.import_sources([path.parent])) == [("session-1", "unchanged")]
    assert git("rev-parse", "session-1") == tip


def test_a_longer_file_goes_on_the_same_branch(store, source, git):
    """More of the same session is new commits on top; nothing stored is rewritten."""
    store.import_sources([source(2)])
    tip = git("rev-parse", "session-1")

    report = store.import_sources([source(5)])

    assert _outcomes(report) == [("session-1", "updated")]
    assert git("merge-base", tip, "session-1") == tip
    assert len(store.load("session-1").messages) == 5


def test_what_people_did_stays(store, source):
    """A title, tags, messages and a snapshot of one's own survive the next import of a longer file."""
    store.import_sources([source(2)])
    session = store.load("session-1")
    session.title, session.tags = "My title", ["old", "mine"]
    session.add_message("user", "my own words")
    session.create_snapshot("mine", snapshot_id="mine")
    store.save(session)

    store.import_sources([source(4, title="Another title")])

    session = store.load("session-1")
    assert (session.title, session.tags) == ("My title", ["old", "mine"])
    assert {message.content for message in session.messages} == {"my own words", *(f"message {n}" for n in range(4))}
    assert [snapshot.id for snapshot in session.snapshots] == ["mine"]


def test_a_title_nobody_touched_follows_the_source(store, source):
    """Where the title is still the imported one, a new one of the source is taken."""
    store.import_sources([source(2)])
    store.import_sources([source(3, title="Renamed there")])

    assert store.load("session-1").title == "Renamed there"


def test_damage_is_reported_and_the_rest_comes_in(store, source, tmp_path):
    """A damaged file is one outcome with its reason, files of nobody are counted, and the others are imported."""
    good = source(3)
    source(3, "session-2")
    (good.parent / "session-3.json").write_text(good.read_text()[:-40])
    (good.parent / "session-4.json.gz").write_bytes(b"\x1f\x8bjunk")
    (good.parent / "notes.txt").write_text("nothing of the kind")

    report = store.import_sources([good.parent])

    outcomes = {outcome.source.rpartition("/")[2]: outcome for outcome in report.sessions}
    assert [outcomes[f"session-{number}.json"].status for number in (1, 2)] == ["new", "new"]
    assert outcomes["session-4.json.gz"].status == "failed"
    assert outcomes["session-4.json.gz"].reason
    assert report.files_seen == 5
    assert report.files_ignored == 1
    assert {found.id for found in store.list_sessions()} >= {"session-1", "session-2"}
    assert store.verify().ok


def test_a_dry_run_writes_nothing(store, source, store_path):
    """What would be done is told, and no store is made."""
    report = store.import_sources([source(3)], dry_run=True)

    assert _outcomes(report) == [("session-1", "new")]
    assert not store_path.exists()


def test_a_path_that_is_not_there_is_told(store, tmp_path):
    """A path that leads nowhere is an error before anything is imported."""
    with pytest.raises(TranscriptError, match="there is no such file or folder"):
        store.import_sources([tmp_path / "nowhere"])


def test_a_named_file_of_nobody_is_a_failure(store, tmp_path):
    """A file named itself that no importer knows is a failed outcome, not silence."""
    (tmp_path / "notes.txt").write_text("nothing of the kind")

    (outcome,) = store.import_sources([tmp_path / "notes.txt"]).sessions

    assert (outcome.status, outcome.session_id) == ("failed", "")
    assert "no importer knows its format" in outcome.reason


def test_hidden_folders_are_looked_into(store, source, tmp_path):
    """A whole home can be given: hidden folders are read, caches and `.git` are not."""
    path = source(2)
    for place, name in ((".agent/sessions", "session-1"), (".git", "session-2"), ("node_modules/x", "session-3")):
        folder = tmp_path / "home" / place
        folder.mkdir(parents=True)
        (folder / f"{name}.json").write_text(path.read_text().replace("session-1", name))

    assert _outcomes(store.import_sources([tmp_path / "home"])) == [("session-1", "new")]


def test_our_own_export_over_its_session_is_nothing_new(store, tmp_path, git):
    """Export, import: the session is as it was, without a commit."""
    session = Session(id="s", title="T")
    session.add_message("user", "x")
    session.create_snapshot("here", snapshot_id="here")
    session.add_message("user", "y")
    store.save(session)
    tip = git("rev-parse", "s")
    (tmp_path / "export.json").write_text(store.load("s").to_json())

    assert _outcomes(store.import_sources([tmp_path / "export.json"])) == [("s", "unchanged")]
    assert git("rev-parse", "s") == tip


def test_the_old_store_in_the_same_folder(store, source, store_path):
    """Old files where the store is: noticed, imported when asked, left where they are, told of once."""
    store_path.mkdir()
    old = store_path / "session-1.json"
    old.write_bytes(source(3).read_bytes())
    (store_path / "index.json").write_text("{}")
    assert "1 session of superqode 2.25 lie" in store.old_store_notice()

    report = store.import_old_store()

    assert _outcomes(report) == [("session-1", "new")]
    assert len(store.load("session-1").messages) == 3
    assert old.is_file()
    assert store.old_store_notice() == ""


def test_progress_is_told_for_each_file(store, source):
    """A long import says how far it is."""
    source(1)
    path = source(1, "session-2")
    told = []
    store.import_sources([path.parent], progress=lambda *step: told.append(step[:2]))

    assert told == [(1, 2), (2, 2)]
