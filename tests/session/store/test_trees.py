"""Trees that somebody else made: read where they follow the format, refused in one way where they do not."""

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superqode.session import Session
from superqode.session.errors import CorruptSession, SessionError
from superqode.session.git.object_codec import BLOB, TREE, TreeEntry

META = json.dumps({"id": "s", "created_at": "2026-11-22T10:00:00Z", "title": "Made by hand"}).encode()
FORMAT = b"superqode-session 1\n"


def _entry(name="m", **fields):
    usual = {"kind": "message", "id": name, "role": "user", "content": "x", "timestamp": "2026-11-22T10:00:00Z"}
    return json.dumps(usual | fields).encode()


@pytest.fixture
def plant(store):
    """Puts a tree on a branch: nested dicts are folders, bytes are files."""
    store.save(Session(id="other"))
    repository = store._open()
    objects = repository.objects

    def write(content):
        entries = []
        for name, item in content.items():
            if isinstance(item, dict):
                entries.append(TreeEntry(TREE, name, write(item)))
            else:
                entries.append(TreeEntry(BLOB, name, objects.write("blob", item)))
        return objects.write_tree(entries)

    def put(content, message=b"by hand\n"):
        ident = repository.committer()
        commit = objects.write_commit(write(content), (), ident, ident, message)
        known = repository.refs.read("refs/heads/s")
        repository.refs.update("refs/heads/s", commit, known, ident=ident, reason="by hand")
        return commit

    return put


def _session(files):
    return {"format": FORMAT, "session.json": META, "timeline": {"0000": {"00": files}}}


def test_a_tree_made_by_hand_is_a_session(store, plant):
    """A commit of plain git that follows the format is loaded, listed with its counts, and can be gone on with."""
    call = {"kind": "call", "id": "c", "tool_name": "t", "arguments": {}, "result_bytes": 4, "success": True}
    files = {
        "00-user.json": _entry(),
        "01-call.json": json.dumps(call | {"timestamp": "2026-11-22T10:00:01Z"}).encode(),
        "01-call.result.000.txt": b"ab",
        "01-call.result.001.txt": b"cd",
    }
    plant(_session(files))

    session = store.load("s")

    assert (session.title, session.messages[0].content, session.tool_executions[0].result) == (
        "Made by hand",
        "x",
        "abcd",
    )
    summary = next(found for found in store.list_sessions() if found.id == "s")
    assert (summary.title, summary.message_count, summary.execution_count) == ("Made by hand", 1, 1)
    session.add_message("user", "on")
    store.save(session)
    assert store.load("s") == session


def test_no_timeline_is_an_empty_session(store, plant):
    """`format` and `session.json` are enough."""
    plant({"format": FORMAT, "session.json": META})

    assert store.load("s").timeline == []


BROKEN = {
    "empty": {},
    "no format": {"session.json": META},
    "no session.json": {"format": FORMAT},
    "another format": {"format": b"superqode-song 1\n", "session.json": META},
    "format is a folder": {"format": {}, "session.json": META},
    "session.json is a folder": {"format": FORMAT, "session.json": {"x": b""}},
    "session.json is garbage": {"format": FORMAT, "session.json": b"\xff"},
    "session.json is deep": {"format": FORMAT, "session.json": b"[" * 100_000},
    "a file for a folder": {"format": FORMAT, "session.json": META, "timeline": {"0000": b""}},
    "a file for a leaf": {"format": FORMAT, "session.json": META, "timeline": {"0000": {"00": b""}}},
    "folders do not begin at 0": {"format": FORMAT, "session.json": META, "timeline": {"0001": {"00": {}}}},
    "a folder is missing": {"format": FORMAT, "session.json": META, "timeline": {"0000": {"01": {}}}},
    "a folder is misnamed": {"format": FORMAT, "session.json": META, "timeline": {"0000": {"0x": {}}}},
    "a name is none of ours": _session({"README": b""}),
    "entries do not begin at 0": _session({"01-user.json": _entry()}),
    "an entry is missing": _session({"00-user.json": _entry(), "02-user.json": _entry("n")}),
    "two entries of one number": _session({"00-user.json": _entry(), "00-call.json": _entry("n")}),
    "no JSON beside the text": _session({"00-user.content.txt": b"x"}),
    "JSON is a folder": _session({"00-user.json": {}}),
    "JSON is garbage": _session({"00-user.json": b"\xff"}),
    "JSON is of nothing": _session({"00-user.json": b"{}"}),
    "JSON is deep": _session({"00-user.json": b'{"kind": "message", "metadata": ' + b"[" * 100_000}),
    "a part is missing": _session({"00-user.json": _entry(content_bytes=4), "00-user.content.001.txt": b"ab"}),
    "text is not asked for": _session({"00-user.json": _entry(), "00-user.content.txt": b"ab"}),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_trees_are_one_error(store, plant, what):
    """Loading is CorruptSession that names the session, `verify` finds it, it is listed, and others are fine."""
    commit = plant(BROKEN[what])

    with pytest.raises(CorruptSession, match=r"Session s is damaged.*sessions verify s") as caught:
        store.load("s")
    assert caught.value.session_id == "s"
    assert {found.id for found in store.list_sessions()} == {"s", "other"}
    assert isinstance(store.search("anything"), list)
    report = store.verify()
    assert not report.ok
    assert {(finding.session_id, finding.commit) for finding in report.findings} == {("s", commit)}
    assert store.load("other").timeline == []


def test_the_error_names_the_place(store, plant):
    """The path inside the tree is in the error, so that one can look with plain git."""
    files = {f"{number:02d}-user.json": _entry(f"m{number}") for number in range(7)}
    plant(_session(files | {"05-user.json": b"{"}))

    with pytest.raises(CorruptSession, match="entry 5: its JSON cannot be read") as caught:
        store.load("s")
    assert caught.value.path == "timeline/0000/00/05"


def test_the_first_of_two_damages_is_named(store, plant):
    """Entries are read some at a time: one whose bytes are there and say nothing is named before a later one's gap."""
    files = {f"{number:02d}-user.json": _entry(f"m{number}") for number in range(7)}
    plant(_session(files | {"02-user.json": b"{", "05-user.json": {}}))
    with pytest.raises(CorruptSession, match="entry 2: its JSON cannot be read"):
        store.load("s")
    plant(_session(files | {"05-user.json": {}}))
    with pytest.raises(CorruptSession, match="entry 5: "):
        store.load("s")


NAMES = st.sampled_from(
    ["00-user.json", "01-call.json", "00-user.content.txt", "format", "session.json", "timeline", "0000", "00"]
)
FILES = st.sampled_from([b"", FORMAT, META, _entry(), b"{}", b"\xff"]) | st.binary(max_size=8)
TREES = st.dictionaries(
    NAMES, st.recursive(FILES, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=6)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES, st.booleans(), st.binary(max_size=40))
def test_garbage_trees_raise_only_our_errors(store, plant, tree, begun, message):
    """Whatever tree stands on a branch: loading is a session or our error, listing and verifying never fail."""
    plant({"format": FORMAT, "session.json": META} | tree if begun else tree, message)
    with suppress(SessionError):
        assert isinstance(store.load("s"), Session)
    assert "s" in {found.id for found in store.list_sessions()}
    assert isinstance(store.search("x"), list)
    assert store.verify().sessions == 2
    with suppress(SessionError):
        store.history("s")
