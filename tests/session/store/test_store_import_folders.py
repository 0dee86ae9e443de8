"""Sessions that are kept in many files, or in one database: imported whole, again and again, without a trace there."""

from __future__ import annotations

import json
import os
import sqlite3

import pytest

SCHEMA = """
CREATE TABLE session (id text PRIMARY KEY, parent_id text, directory text, title text, time_created integer,
    time_updated integer);
CREATE TABLE message (id text PRIMARY KEY, session_id text, time_created integer, data text);
CREATE TABLE part (id text PRIMARY KEY, message_id text, data text);
"""
START = 1_795_340_000_000


def _insert(connection, session, *texts):
    connection.execute("INSERT INTO session VALUES (?, NULL, '/p', 'A title', ?, ?)", (session, START, START))
    for number, text in enumerate(texts):
        role = "assistant" if number % 2 else "user"
        info = json.dumps({"role": role, "time": {"created": START + number}})
        connection.execute("INSERT INTO message VALUES (?, ?, ?, ?)", (f"msg_{session}{number}", session, number, info))
        part = json.dumps({"type": "text", "text": text})
        connection.execute(
            "INSERT INTO part VALUES (?, ?, ?)", (f"prt_{session}{number}", f"msg_{session}{number}", part)
        )
    connection.commit()


@pytest.fixture
def live(tmp_path):
    """An agent's database while it runs: its rows are in the log."""
    folder = tmp_path / "share" / "opencode"
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / "opencode.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.executescript(SCHEMA)
    _insert(connection, "ses_1", "one", "two")
    _insert(connection, "ses_2", "three")
    yield folder / "opencode.db", connection
    connection.close()


def _outcomes(report):
    return sorted((outcome.session_id, outcome.status) for outcome in report.sessions)


@pytest.mark.parametrize("whole_folder", [True, False], ids=["folder", "file"])
def test_a_live_database_is_imported_whole_and_left_alone(store, live, whole_folder):
    """Every session of it, with what only its log has; not a byte of its files changes."""
    path, _ = live
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    report = store.import_sources([path.parent.parent if whole_folder else path])
    assert _outcomes(report) == [("opencode-ses_1", "new"), ("opencode-ses_2", "new")]
    assert [message.content for message in store.load("opencode-ses_1").messages] == ["one", "two"]
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before
    assert set(before) == {"opencode.db", "opencode.db-wal", "opencode.db-shm"}


def test_a_database_that_grew_brings_what_is_new(store, live):
    """The session that went on is updated, the others are unchanged."""
    path, connection = live
    store.import_sources([path])
    connection.execute("INSERT INTO message VALUES ('msg_ses_29', 'ses_2', 9, '{\"role\": \"user\"}')")
    part = json.dumps({"type": "text", "text": "more"})
    connection.execute("INSERT INTO part VALUES ('prt_ses_29', 'msg_ses_29', ?)", (part,))
    connection.commit()
    assert _outcomes(store.import_sources([path])) == [("opencode-ses_1", "unchanged"), ("opencode-ses_2", "updated")]
    assert [message.content for message in store.load("opencode-ses_2").messages] == ["three", "more"]


def test_many_small_files_are_one_session(store, tmp_path):
    """The session's file stands for its messages and parts, which are no sessions and no failures of their own."""
    root = tmp_path / "home" / "storage"
    files = {
        "session/p/ses_1.json": {"id": "ses_1", "directory": "/p", "title": "A title", "time": {"created": START}},
        "message/ses_1/msg_1.json": {"id": "msg_1", "sessionID": "ses_1", "role": "user"},
        "part/msg_1/prt_1.json": {"id": "prt_1", "sessionID": "ses_1", "type": "text", "text": "one"},
    }
    for name, value in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(value))
    report = store.import_sources([tmp_path / "home"])
    assert (_outcomes(report), report.files_seen, report.files_ignored) == ([("opencode-ses_1", "new")], 3, 0)
    assert [message.content for message in store.load("opencode-ses_1").messages] == ["one"]
    assert _outcomes(store.import_sources([tmp_path / "home"])) == [("opencode-ses_1", "unchanged")]


def test_a_file_with_several_sessions_becomes_several(store, tmp_path):
    """Each run in a history is a session, and a run that is added later is the only new one."""
    path = tmp_path / "p" / ".aider.chat.history.md"
    path.parent.mkdir()
    runs = [f"# aider chat started at 2026-11-22 0{hour}:00:00\n\n#### prompt {hour}  \n\nok\n\n" for hour in range(3)]
    path.write_text("".join(runs[:2]))
    assert store.import_sources([tmp_path / "p"]).count("new") == 2
    path.write_text("".join(runs))
    report = store.import_sources([path])
    assert (report.count("new"), report.count("failed")) == (1, 0)
    assert len(store.list_sessions(project_path=str(path.parent))) == 3


def test_a_recording_that_goes_on_continues_its_session(store, tmp_path):
    """What an agent repeats when it loads a session is not stored twice."""

    def lines(*messages):
        return "".join(
            json.dumps({"t": START / 1000 + number, "dir": direction, "msg": message}) + "\n"
            for number, (direction, message) in enumerate(messages)
        )

    def said(kind, text):
        content = {"type": "text", "text": text}
        return {
            "method": "session/update",
            "params": {"sessionId": "s", "update": {"sessionUpdate": kind, "content": content}},
        }

    def prompt(text):
        params = {"sessionId": "s", "prompt": [{"type": "text", "text": text}]}
        return "client->agent", {"id": 2, "method": "session/prompt", "params": params}

    agent, end = "agent->client", {"id": 2, "result": {"stopReason": "end_turn"}}
    start = (
        ("client->agent", {"id": 1, "method": "session/new", "params": {"cwd": "/p"}}),
        (agent, {"id": 1, "result": {"sessionId": "s"}}),
    )
    load = (
        ("client->agent", {"id": 1, "method": "session/load", "params": {"sessionId": "s"}}),
        (agent, {"id": 1, "result": {}}),
    )
    first, second = tmp_path / "traffic1.jsonl", tmp_path / "traffic2.jsonl"
    first.write_text(lines(*start, prompt("one"), (agent, said("agent_message_chunk", "1")), (agent, end)))
    repeated = (agent, said("user_message_chunk", "one")), (agent, said("agent_message_chunk", "1"))
    second.write_text(
        lines(load[0], *repeated, load[1], prompt("two"), (agent, said("agent_message_chunk", "2")), (agent, end))
    )
    assert _outcomes(store.import_sources([first])) == [("acp-s", "new")]
    assert _outcomes(store.import_sources([second])) == [("acp-s", "updated")]
    assert [message.content for message in store.load("acp-s").messages] == ["one", "1", "two", "2"]


def test_an_older_copy_takes_nothing_back(store, live, tmp_path):
    """An export from before the session went on changes nothing, however often both are imported."""
    _, connection = live
    told = {"id": "ses_1", "directory": "/p", "title": "A title", "time": {"created": START, "updated": START}}
    message = {"info": {"id": "msg_ses_10", "role": "user", "time": {"created": START}}}
    message["parts"] = [{"id": "prt_ses_10", "type": "text", "text": "one"}]
    export = tmp_path / "share" / "zz-export.json"
    export.write_text(json.dumps({"info": told, "messages": [message]}))
    connection.execute("UPDATE session SET time_updated = ?", (START + 1,))
    connection.commit()
    assert _outcomes(store.import_sources([tmp_path / "share"]))[0:2] == [
        ("opencode-ses_1", "new"),
        ("opencode-ses_1", "unchanged"),
    ]
    assert store.import_sources([tmp_path / "share"]).count("unchanged") == 3
    assert [message.content for message in store.load("opencode-ses_1").messages] == ["one", "two"]


def test_a_pipe_in_a_logs_place_does_not_hang(store, live):
    """What stands beside a database under its log's name is read only where it is a file."""
    path, connection = live
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    os.mkfifo(f"{path}-wal")
    assert store.import_sources([path]).count("new") == 2
