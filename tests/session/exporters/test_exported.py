"""`ExportedSession`: out as JSON, gzip and base64, back as it was, and nothing hostile gets through."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superqode.session import MessageRole, Session, SessionStore
from superqode.session.errors import TranscriptError
from superqode.session.exporters import ExportedSession
from superqode.session.importers import wholefile
from superqode.session.importers.base import Source
from superqode.session.importers.exports import ExportImporter
from superqode.session.sharing.manager import SessionSharingManager

READERS = {
    "from_json": ExportedSession.from_json,
    "from_base64": ExportedSession.from_base64,
    "from_bytes": lambda data: ExportedSession.from_bytes(data if isinstance(data, bytes) else data.encode()),
}
OLD = {
    "id": "session-1",
    "title": "A title",
    "created_at": "2026-11-22T09:58:00.000001",
    "updated_at": "2026-11-22T09:59:00.000001",
    "project_path": "/p",
    "messages": [
        {
            "id": f"msg-{number}",
            "role": "user",
            "content": f"hello {number}",
            "timestamp": f"2026-11-22T09:58:0{number}.000001",
            "agent_name": None,
            "tool_calls": None,
            "tool_call_id": None,
            "metadata": {},
        }
        for number in range(2)
    ],
    "tool_executions": [],
    "files_modified": ["a.py"],
    "files_created": [],
    "agents_used": ["claude"],
    "tags": ["t"],
    "parent_session_id": None,
    "snapshots": [
        {
            "id": "snap-1",
            "name": "Before",
            "message_count": 1,
            "created_at": "2026-11-22T09:58:30.000001",
            "description": "the fix",
        }
    ],
    "metadata": {},
}


def old_export(**more):
    """Give an export as 2.25 wrote it."""
    checksum = hashlib.sha256(json.dumps(OLD, sort_keys=True).encode()).hexdigest()[:16]
    told = {"format": "superqode-session-v1", "exported_at": "2026-11-22T10:14:14.430138", "session": OLD}
    return json.dumps({**told, "checksum": checksum, **more}, indent=2)


def session(**fields):
    """Make a session with a bit of everything."""
    made = Session(**{"id": "session-123", "title": "Fix SQL injection 👋"} | fields)
    made.add_message(MessageRole.USER, "Fix it \ud800", metadata={"x": [1.5, None, {"y": "z"}]})
    made.add_tool_execution("write_file", {"path": "src/a.py"}, "ok", success=True, duration_ms=4, agent_name="codex")
    made.create_snapshot("Before fix")
    made.add_message("assistant", "done", agent_name="codex")
    made.tags = ["security"]
    return made


def everyway(exported):
    """Read an export back in each of its wrappings."""
    return [
        ExportedSession.from_json(exported.to_json()),
        ExportedSession.from_base64(exported.to_base64()),
        ExportedSession.from_bytes(exported.to_bytes()),
    ]


def test_the_document_is_the_one_that_is_told(still_clock):
    """`format, exported_at, session, checksum`, in this order, the checksum over the session with sorted keys."""
    document = json.loads(ExportedSession.of(session()).to_json())
    assert list(document) == ["format", "exported_at", "session", "checksum"]
    assert document["format"] == "superqode-session-v1"
    assert document["exported_at"] == "2026-11-22T10:00:00.000000Z"
    assert document["session"]["messages"][0]["content"] == "Fix it \ud800"
    whole = hashlib.sha256(json.dumps(document["session"], sort_keys=True).encode()).hexdigest()
    assert document["checksum"] == whole[:16]


def test_what_goes_out_comes_back_equal(still_clock):
    """Through JSON, gzip and base64 the session is the same, and so is the export, to the byte."""
    made = session()
    exported = ExportedSession.of(made)
    for back in everyway(exported):
        assert back == exported
        assert back.to_session() == made
        assert back.to_session().to_dict() == made.to_dict()
        assert back.to_bytes() == exported.to_bytes()
    assert (exported.session_id, exported.title) == (made.id, made.title)


def test_the_same_export_is_the_same_bytes(still_clock):
    """No time of packing stands in the gzip: equal exports can be compared and deduplicated."""
    first = ExportedSession.of(session())
    still_clock.advance(minutes=1)
    assert first.to_bytes() == ExportedSession.from_json(first.to_json()).to_bytes()
    assert first.to_bytes()[4:8] == bytes(4)
    assert json.loads(gzip.decompress(base64.urlsafe_b64decode(first.to_base64()))) == json.loads(first.to_json())


def test_an_export_is_of_its_moment():
    """Neither the session it was made of nor one it gave can change it."""
    made = session()
    exported = ExportedSession.of(made)
    before = exported.to_json()
    made.add_message("user", "later")
    made.metadata["new"] = 1
    given = exported.to_session()
    given.add_message("user", "elsewhere")
    given.tags.append("other")
    assert exported.to_json() == before
    assert exported.to_session() != given


def test_saved_over_its_session_it_changes_nothing(tmp_path):
    """Export → import → save over the same session makes no commit, whatever the session has been through."""
    with SessionStore(tmp_path / "store") as store:
        made = session()
        store.save(made)
        made.restore_snapshot(made.snapshots[0].id)
        store.save(made)
        made.add_message("user", "again")
        made.create_snapshot("Second")
        store.save(made)
        before, tip = store.load(made.id), store.history(made.id)[0].commit
        for back in everyway(ExportedSession.of(before)):
            saved = store.save(back.to_session())
            assert (saved.commits, saved.tip) == ((), tip)
        assert store.load(made.id) == before


def test_in_another_store_it_is_the_session_whole(tmp_path):
    """Saved elsewhere it has its messages, executions, order and snapshots, and goes on from there."""
    made = session()
    with SessionStore(tmp_path / "elsewhere") as store:
        given = ExportedSession.from_json(ExportedSession.of(made).to_json()).to_session()
        store.save(given)
        given.add_message("user", "on")
        store.save(given)
        back = store.load(made.id)
    assert back.timeline[:-1] == made.timeline
    assert [(one.id, one.description, one.state) for one in back.snapshots] == [
        (one.id, one.description, one.state) for one in made.snapshots
    ]


def test_a_session_out_of_a_store_loses_its_ties(tmp_path):
    """What comes out of an export does not know the store it came from, so saving it is never a silent merge."""
    with SessionStore(tmp_path / "store") as store:
        made = session()
        store.save(made)
        given = ExportedSession.of(store.load(made.id)).to_session()
        assert given._saved is None


def test_the_importer_reads_it_as_itself():
    """`sessions import` of an export gives the very same session: one way of reading."""
    made = session()
    exported = ExportedSession.of(made)
    for data in (exported.to_json().encode(), exported.to_base64().encode(), exported.to_bytes()):
        source = Source("x", lambda data=data: io.BytesIO(data))
        assert ExportImporter().recognises(source, source.head())
        (found,) = ExportImporter().read(source)
        assert found.session == made


def test_what_2_25_wrote_is_read():
    """Its JSON, gzip and base64 give the session; where it came from stands in the metadata."""
    text = old_export()
    packed = gzip.compress(text.encode())
    for back in (
        ExportedSession.from_json(text),
        ExportedSession.from_bytes(packed),
        ExportedSession.from_base64(base64.urlsafe_b64encode(packed).decode()),
        ExportedSession.from_base64(base64.b64encode(packed)),
    ):
        found = back.to_session()
        assert (found.id, found.title, found.files_modified, found.tags) == ("session-1", "A title", ["a.py"], ["t"])
        assert [message.content for message in found.messages] == ["hello 0", "hello 1"]
        assert [(one.description, len(one.state.messages)) for one in found.snapshots] == [("Before: the fix", 1)]
        assert found.metadata["imported"]["source_session_id"] == "session-1"
        assert back.exported_at == datetime.fromisoformat("2026-11-22T10:14:14.430138").astimezone(UTC)
        assert ExportedSession.from_json(back.to_json()) == back


def test_what_2_25_needs_is_there():
    """Of a snapshot it needs a name and a count of messages, and of checksums it knows its own length only."""
    document = json.loads(ExportedSession.of(session()).to_json())
    (snapshot,) = document["session"]["snapshots"]
    assert (snapshot["name"], snapshot["message_count"]) == ("Before fix", 1)
    assert len(document["checksum"]) == 16


def test_a_time_that_is_none_does_not_cost_the_session():
    """Without a readable time of export, the session's last change stands for it."""
    for told in (None, "yesterday", 7, "0001-01-01T00:00:00+14:00"):
        back = ExportedSession.from_json(old_export(exported_at=told))
        assert back.exported_at == back.to_session().updated_at


@pytest.mark.parametrize("name", list(READERS))
def test_a_changed_session_is_refused(name):
    """A checksum that does not fit names both, and nothing is given."""
    changed = ExportedSession.of(session()).to_json().replace('"done"', '"DONE"')
    data = changed if name == "from_json" else gzip.compress(changed.encode())
    if name == "from_base64":
        data = base64.urlsafe_b64encode(data).decode()
    with pytest.raises(TranscriptError, match=r"checksum is .* and its content has"):
        READERS[name](data)


HOSTILE = {
    "nothing": b"",
    "space": b" \n",
    "no JSON": b"!!!",
    "a list": b"[]",
    "a number": b"7",
    "text": b'"x"',
    "torn": b'{"format": "superqode-session-v1", "session": {"id"',
    "not a number": b'{"id": "x", "title": NaN}',
    "huge number": b'{"id": "x", "title": 1e999}',
    "no session in it": b'{"format": "superqode-session-v1", "session": null}',
    "a later format": b'{"format": "superqode-session-v2", "session": {}}',
    "another format": b'{"format": ["x"], "session": {}}',
    "deep": b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "torn base64": b"H4sIAAAAA",
    "odd base64": b"H4sI====",
    "base64 of something else": base64.b64encode(b'{"format": 1}'),
    "torn gzip": gzip.compress(b"{}")[:-4],
    "damaged gzip": gzip.compress(b"{}")[:-8] + b"12345678",
    "gzip of gzip": gzip.compress(gzip.compress(b"{}")),
    "no UTF-8": b'{"id": "\xff"}',
    "a bomb": gzip.compress(b'{"x": "' + b"A" * 80_000_000, 9),
}


@pytest.mark.parametrize("name", list(READERS))
@pytest.mark.parametrize("kind", list(HOSTILE))
def test_whatever_comes_in_is_one_error(name, kind):
    """Damage, bombs and nonsense end in TranscriptError, which is a ValueError, from each of the three readers."""
    data = HOSTILE[kind]
    with pytest.raises(TranscriptError, match="was not imported: ") as told:
        getattr(ExportedSession, name)(data)
    assert isinstance(told.value, ValueError)
    assert len(str(told.value)) < 300
    if name != "from_bytes" and data.isascii():
        with pytest.raises(TranscriptError):
            getattr(ExportedSession, name)(data.decode())


def test_text_that_cannot_be_encoded_is_refused():
    """A lone surrogate in the text itself is no JSON that anybody wrote."""
    with pytest.raises(TranscriptError, match="no text"):
        ExportedSession.from_json('{"id": "\ud800"}')


def test_nothing_is_read_past_the_greatest_size(monkeypatch):
    """The limit of the importer is the limit here."""
    monkeypatch.setattr(wholefile, "MAX_BYTES", 1000)
    exported = ExportedSession.of(session(title="".join(map(str, range(2000)))))
    for read, data in (
        (ExportedSession.from_json, exported.to_json()),
        (ExportedSession.from_base64, exported.to_base64()),
        (ExportedSession.from_bytes, exported.to_bytes()),
    ):
        with pytest.raises(TranscriptError, match="MiB"):
            read(data)


@settings(max_examples=200)
@given(st.binary(max_size=60) | st.binary(max_size=40).map(gzip.compress) | st.text(max_size=60))
def test_any_input_is_an_export_or_a_transcript_error(data):
    """Whatever bytes or text: nothing but TranscriptError is raised."""
    for read in (ExportedSession.from_json, ExportedSession.from_base64):
        with pytest.raises(TranscriptError):
            read(data)


def test_the_contract_as_it_is_written(tmp_path, monkeypatch):
    """Export to a file and to base64, import from both, restore the session, and "Import Failed"."""
    monkeypatch.chdir(tmp_path)
    with SessionStore(tmp_path / "store") as store:
        store.save(session())
        sharing = SessionSharingManager(store)
        exported = sharing.export_session("session-123")
        with Path("session.json").open("w") as f:
            f.write(exported.to_json())
        b64_str = exported.to_base64()
        with Path("session.json").open() as f:
            exported = ExportedSession.from_json(f.read())
        exported = ExportedSession.from_base64(b64_str)
        restored = exported.to_session()
        assert store.save(restored).commits == ()
        assert sharing.import_session(exported).id == "session-123"
        assert sharing.import_session(exported, title="Another").id != "session-123"
    with pytest.raises(ValueError, match="no whole JSON"):
        ExportedSession.from_json("not JSON")
