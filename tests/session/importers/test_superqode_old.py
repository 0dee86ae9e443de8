"""The store of superqode 2.25: every session comes over whole, and damage costs only what it hit."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superqode.session.errors import TranscriptError
from superqode.session.ids import is_session_id
from superqode.session.importers.base import Imported
from superqode.session.importers.superqode_old import OldStoreImporter

from . import fuzzing, olddata
from .olddata import call, message, needs_recordings, only, recorded, refused, session, source_of

OLD = OldStoreImporter()


# -- the recorded store -------------------------------------------------------------------------------------------


@needs_recordings
def test_the_recorded_store_comes_over_whole():
    """Every session of the store is there under its own id, with all the truth says of it."""
    truth = json.loads((olddata.RECORDED / "expected.json").read_text(encoding="utf-8"))["sessions"]
    sources = recorded("store")
    assert all(OLD.recognises(source, source.head()) for source in sources.values())
    found = {}
    for source in sources.values():
        for result in OLD.read(source):
            assert isinstance(result, Imported)
            found[result.session.id] = result.session
    assert found.keys() == truth.keys()
    for session_id, known in truth.items():
        old = found[session_id]
        assert old.title == known["title"]
        roles = Counter(message.role.value for message in old.messages)
        assert roles == Counter({role: count for role, count in known["roles"].items() if count})
        assert [[call.tool_name, call.success] for call in old.tool_executions] == known["tool_executions"]
        assert (old.files_created, old.files_modified) == (known["files_created"], known["files_modified"])
        assert (old.agents_used, old.tags) == (known["agents"], known["tags"])
        assert old.parent_session_id == known["parent"]
        states = [[snapshot.description.partition(":")[0], len(snapshot.state.messages)] for snapshot in old.snapshots]
        assert states == known["snapshots"]
        assert old.metadata["imported"]["source_session_id"] == session_id


@needs_recordings
def test_nothing_a_recorded_session_held_is_lost():
    """Texts, ids, times, calls and metadata are the very ones in the file."""
    for name, source in recorded("store").items():
        if name.rpartition("/")[2] == "index.json":
            continue
        old = only(OLD, source).session
        with source.open() as stream:
            data = stream.read()
        raw = json.loads(gzip.decompress(data) if name.endswith(".gz") else data)
        for kind, entries in (("messages", old.messages), ("tool_executions", old.tool_executions)):
            assert len(raw[kind]) == len(entries)
            for before, entry in zip(raw[kind], entries, strict=True):
                after = entry.to_dict()
                assert entry.timestamp == datetime.fromisoformat(before["timestamp"]).astimezone(UTC)
                assert {**before, "timestamp": None} == {**{key: after[key] for key in before}, "timestamp": None}
        kept = {key: value for key, value in old.metadata.items() if key != "imported"}
        assert kept == {key: value for key, value in raw["metadata"].items() if key != "imported"}
        assert old.metadata["imported"].get("before") == raw["metadata"].get("imported")


@needs_recordings
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("truncated.json.gz", "gzip data ends before its end"),
        ("empty.json.gz", "it is empty"),
        ("not-gzip.json.gz", "not gzip"),
        ("bad-json.json.gz", "no whole JSON value"),
        ("missing-title.json.gz", "nothing to save"),
        ("index.json", "no whole JSON value"),
    ],
)
def test_each_damaged_file_gives_one_error_that_says_what_is_wrong(name, reason):
    """A damaged file is recognised as one of the store's, and its error names it and the damage."""
    source = recorded("damaged")[name]
    assert OLD.recognises(source, source.head())
    assert reason in refused(OLD, source)


@needs_recordings
def test_importing_again_gives_the_same():
    """The same bytes give the same sessions."""
    first, second = (
        [result.session.to_dict() for source in recorded("store").values() for result in OLD.read(source)]
        for _ in range(2)
    )
    assert first == second


# -- what is saved of damaged sessions ----------------------------------------------------------------------------


def test_naive_times_are_local_time(monkeypatch):
    """2.25 wrote local time without a zone; it is read as what it was."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        old = only(OLD, source_of(session())).session
        assert old.created_at == datetime(2026, 11, 22, 0, 58, 0, 1, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_missing_title_is_the_first_prompt():
    """What can be told from the rest does not cost the session."""
    raw = session(messages=[message(1, "system", "be kind"), message(2, content="Fix\nit")], title=None)
    del raw["created_at"]
    old = only(OLD, source_of(raw)).session
    assert old.title == "Fix it"
    assert old.created_at == old.messages[0].timestamp


def test_a_bad_entry_costs_that_entry_only():
    """Entries that cannot be read are left out, counted and named; the others stay."""
    raw = session(
        messages=[
            message(1),
            "junk",
            message(2, role="robot"),
            message(3, content=None),
            message(4, timestamp="never"),
        ],
        tool_executions=[
            call(1),
            {**call(2), "tool_name": 7},
            call(3, arguments='{"a": 1}', duration_ms=-5, success="yes"),
        ],
    )
    found = only(OLD, source_of(raw))
    assert [entry.content for entry in found.session.messages] == ["hello", "", "hello"]
    assert [(entry.arguments, entry.success) for entry in found.session.tool_executions] == [
        ({"command": "true"}, True),
        ({"a": 1}, False),
    ]
    assert found.receipt.dropped == {"damaged": 3}
    assert [problem.partition(" ")[0] for problem in found.receipt.problems] == [
        "messages[1]",
        "messages[2]",
        "tool_executions[1]",
    ]


def test_ids_used_twice_stay_both():
    """2.25's ids could collide; both entries are kept, the second under a new id."""
    raw = session(messages=[message(1), message(1, content="other")], tool_executions=[call(1), call(1)])
    old = only(OLD, source_of(raw)).session
    assert [entry.id for entry in old.messages] == ["msg-1-1", "msg-1-1~2"]
    assert [entry.id for entry in old.tool_executions] == ["tool-1-1", "tool-1-1~2"]


def test_snapshots_keep_name_description_and_count():
    """A snapshot's name survives beside its description, and its state is what 2.25 would go back to."""
    raw = session(
        messages=[message(1), message(3, "assistant", "done"), message(5)],
        tool_executions=[call(2), call(6)],
        snapshots=[
            {
                "id": "snap-1",
                "name": "start",
                "message_count": 1,
                "created_at": "2026-11-22T09:58:02",
                "description": "d",
            },
            {"id": "snap-2", "name": "end", "message_count": 99, "created_at": "never"},
            {"id": "../up", "name": "odd", "message_count": 0},
            {"id": "SNAP-1", "name": "same", "message_count": 1},
            {"name": "no id", "message_count": 1},
            {"id": "snap-3", "message_count": "many"},
            7,
        ],
    )
    found = only(OLD, source_of(raw))
    kept = found.session.snapshots
    # The oldest first, as they are loaded; those that tell no time count as made with the session.
    assert [snapshot.description for snapshot in kept] == ["odd", "end", "start: d"]
    assert [len(snapshot.state.messages) for snapshot in kept] == [0, 3, 1]
    assert [len(snapshot.state.tool_executions) for snapshot in kept] == [0, 2, 1]
    assert all(is_session_id(snapshot.id) for snapshot in kept)
    assert found.receipt.dropped == {"damaged": 4}


def test_fields_nobody_knows_yet_are_kept():
    """What a later 2.x may have added stays, beside the rest."""
    raw = session(messages=[message(1, mood="good")], tool_executions=[call(2, cost=3)], rating=5)
    old = only(OLD, source_of(raw)).session
    assert old.messages[0].metadata["other_fields"] == {"mood": "good"}
    assert old.tool_executions[0].metadata["other_fields"] == {"cost": 3}
    assert old.metadata["other_fields"] == {"rating": 5}


def test_a_session_that_is_not_packed_though_named_so_is_read_and_noted():
    """The name may lie; the content counts."""
    found = only(OLD, source_of(json.dumps(session()).encode()))
    assert found.session.title == "A title"
    assert "not gzip" in found.receipt.problems[0]


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "", "a" * 500, "refs/heads/x", "..", "HEAD", "é"])
def test_ids_that_are_none_become_safe_ones(name):
    """A file's own name for its session and its parent never becomes a path or a ref; the original is kept."""
    found = only(OLD, source_of(session(id=name, parent_session_id="x/" + name)))
    assert is_session_id(found.session.id)
    assert is_session_id(found.session.parent_session_id)
    assert found.session.metadata["imported"]["source_session_id"] == name
    parent = only(OLD, source_of(session(id="x/" + name)))
    assert found.session.parent_session_id == parent.session.id


# -- indexes ------------------------------------------------------------------------------------------------------


def index(*session_ids):
    """Give an index as 2.25 wrote it."""
    return {name: {"id": name, "title": "t", "message_count": 1} for name in session_ids}


def test_the_index_tells_which_files_are_missing():
    """In a run over the folder, a session the index lists and no file holds is told; alone, the index says nothing."""
    held = [source_of(session(), "store/session-1.json.gz"), source_of(session(), "store/session-2.json")]
    listed = index("session-1", "session-2", "session-3")
    together = source_of(listed, "store/index.json", held)
    assert OLD.recognises(together, together.head())
    assert "session-3" in refused(OLD, together)
    assert list(OLD.read(source_of(listed, "store/index.json"))) == []


def test_indexes_give_no_sessions_and_no_errors():
    """The index and the list of shares are known, and there is nothing in them to import."""
    for name, value in [
        ("index.json", {}),
        ("index.json", index("a")),
        ("shares/index.json", {"shares": [{"id": "s"}]}),
    ]:
        source = source_of(value, name)
        assert OLD.recognises(source, source.head())
        assert list(OLD.read(source)) == []


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"name": "left-pad", "version": "1"}, "package.json"),
        ({"id": "x", "working_dir": "/p", "created_at": "t", "conversation": []}, "x.json"),
        ({"anything": 1}, "data.json.gz"),
        ([1, 2], "list.json.gz"),
        (b"# notes", "notes.md"),
        (b"", "empty.json"),
    ],
)
def test_other_files_are_not_taken_for_the_stores(value, name):
    """Other JSON, packed or not, is not recognised."""
    source = source_of(value, name)
    assert not OLD.recognises(source, source.head())


@given(st.data())
def test_values_of_any_kind_anywhere_raise_nothing(data):
    """Whatever stands in place of what is expected, the answer is a session or a TranscriptError."""
    snapshot = {"id": "snap-1", "name": "n", "message_count": 1, "created_at": "2026-11-22T09:58:02", "description": ""}
    stateful = {"id": "snap-2", "created_at": "2026-11-22T09:58:02Z", "state": {"timeline": ["msg-1-1"], "tags": 1}}
    raw = session(snapshots=[snapshot, stateful], timeline=["msg-1-1", "tool-2-1"])
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([path for path in fuzzing.places(raw) if path]))
        holder = raw
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = data.draw(fuzzing.JSON)
    source = source_of(raw)
    OLD.recognises(source, source.head())
    (found,) = OLD.read(source)
    if isinstance(found, Imported):
        assert is_session_id(found.session.id)
        receipt = found.receipt
        assert receipt.lines == receipt.mapped + receipt.kept + sum(receipt.dropped.values())
    else:
        assert isinstance(found, TranscriptError)


@given(st.data())
def test_bytes_of_any_kind_anywhere_raise_nothing(data):
    """Whatever the disk did to a packed file, the answer is a session or a TranscriptError."""
    raw = bytearray(gzip.compress(json.dumps(session()).encode(), mtime=0))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        raw[start : start + data.draw(st.integers(0, 50))] = data.draw(st.binary(max_size=20))
    source = source_of(bytes(raw))
    OLD.recognises(source, source.head())
    assert all(isinstance(found, Imported | TranscriptError) for found in OLD.read(source))
