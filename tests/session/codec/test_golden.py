"""Format 1 as bytes that must never change: object ids of a fixed session, and a fixture readable for ever."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.make_format_1 import describe
from superqode.session import Message, Session, SessionStore, ToolExecution
from superqode.session.errors import NewerFormat

DATA = Path(__file__).parents[2] / "data"
MOMENT = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
USER = ("Ada Example", "ada@example.invalid")


@pytest.fixture
def golden(store_path, still_clock):
    """Two saves and a snapshot, at fixed moments, by a fixed user."""
    still_clock.moment = MOMENT
    session = Session(id="session-123", title="Fix SQL injection", project_path="/p", tags=["security"])
    session.add(Message(id="msg-1", role="user", content="Fix it"))
    with SessionStore(store_path, user=USER) as store:
        store.save(session)
        still_clock.advance(minutes=1)
        session.add(Message(id="msg-2", role="assistant", content="I'll fix that…", agent_name="tester"))
        session.add(
            ToolExecution(
                id="call-1", tool_name="edit_file", arguments={"path": "/p/a.py"}, result="-" * 9_000, success=True
            )
        )
        session.create_snapshot("Before review", snapshot_id="before-review")
        store.save(session)
        yield store


OBJECTS = """\
100644 blob 2cf70c8703c7af314cb3e5413912500bee7f9309 format
100644 blob 68691c667606c91d64766355b6c8144aa07fc5ea session.json
040000 tree 72edd38ee805d44a65c5f50d1b9076ba5e44061e timeline
040000 tree c20ee6b72a23d8b34e9493da726cfc96cc7878e2 timeline/0000
040000 tree 309c766cae977a14840852da55814395dcb8e5a9 timeline/0000/00
100644 blob 5d207bf668044442f77e245383fa1efb8c2fc535 timeline/0000/00/00-user.json
100644 blob 85ff2dae8e956f86a2db60c9254d3dc4e398774a timeline/0000/00/01-assistant.json
100644 blob 1009d43410d482fc156696bb8a5cdc254f5a4279 timeline/0000/00/02-call.json
100644 blob 0c36a40fa479772f952836f686c5a2e839647a3f timeline/0000/00/02-call.result.txt"""

COMMITS = [
    "afd3cc18d45f71223de0be25656b348e35300b6c",
    "f558f6bd9d412b8b5391100591e3f69fcd22604d",
    "58956a9b399ba26a8f5c57cad689289eea57e72a",
]

COMMIT = """\
tree 7b02f944dcf7cac4efeea116d94eb3f56f0c0c93
parent f558f6bd9d412b8b5391100591e3f69fcd22604d
author tester <tester@agents.superqode.invalid> 1795341660 +0000
committer Ada Example <ada@example.invalid> 1795341660 +0000

assistant (tester): I'll fix that… +1 tool

Superqode-Session: session-123
Superqode-Saved-At: 2026-11-22T10:01:00.123456Z
Superqode-Messages: 2 +1
Superqode-Tools: 1 +1
Superqode-Agent: tester"""

TAG = """\
object afd3cc18d45f71223de0be25656b348e35300b6c
type commit
tag session-123/before-review
tagger Ada Example <ada@example.invalid> 1795341660 +0000

Before review"""

CALL = """\
{
  "arguments": {"path": "/p/a.py"},
  "id": "call-1",
  "kind": "call",
  "result_bytes": 9000,
  "success": true,
  "timestamp": "2026-11-22T10:01:00.123456Z",
  "tool_name": "edit_file"
}"""

META = """\
{
  "agents_used": [
    "tester"
  ],
  "created_at": "2026-11-22T10:00:00.123456Z",
  "files_created": [],
  "files_modified": [
    "a.py"
  ],
  "id": "session-123",
  "metadata": {},
  "parent_session_id": null,
  "project_path": "/p",
  "tags": [
    "security"
  ],
  "title": "Fix SQL injection"
}"""


def test_object_ids(golden, git):
    """Every object of a fixed session has the id it always had."""
    assert git("ls-tree", "-r", "-t", "--full-tree", "session-123").replace("\t", " ") == OBJECTS
    assert git("rev-parse", "session-123", "session-123~1", "refs/tags/session-123/before-review").split() == COMMITS


def test_the_commit_reads_as_documented(golden, git):
    """As `git cat-file -p` prints it: the agent is the author, the user the committer, trailers tell the rest."""
    assert git("cat-file", "-p", "session-123") == COMMIT
    assert git("cat-file", "-p", "refs/tags/session-123/before-review") == TAG


def test_the_files_read_as_documented(golden, git):
    """The files, as `git show` prints them."""
    assert git("show", "session-123:format") == "superqode-session 1"
    assert git("show", "session-123:timeline/0000/00/02-call.json") == CALL
    assert git("show", "session-123:timeline/0000/00/02-call.result.txt") == "-" * 9_000
    assert git("show", "session-123:session.json") == META


def test_the_store_itself_is_fixed(golden, git):
    """The reserved branch: one commit with a README and the store's format number."""
    assert git("ls-tree", "--name-only", "superqode").split() == ["README.md", "format"]
    assert git("show", "superqode:format") == "superqode-store 1"
    assert git("rev-list", "--count", "superqode") == "1"
    assert git("symbolic-ref", "HEAD") == "refs/heads/superqode"


def _holds(found, expected, place=""):
    """Whether all that was there is there still; more fields may have come."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), place
        for key, value in expected.items():
            assert key in found, f"{place}/{key}"
            _holds(found[key], value, f"{place}/{key}")
    elif isinstance(expected, list):
        assert isinstance(found, list | tuple), place
        assert len(found) == len(expected), place
        for number, value in enumerate(expected):
            _holds(found[number], value, f"{place}/{number}")
    else:
        assert found == expected, place


def test_the_fixture_stays_readable(tmp_path):
    """A store that format 1 wrote is restored, verified and read, value for value, by every later version."""
    expected = json.loads((DATA / "format-1.json").read_text("utf-8"))

    with SessionStore.restore_backup(DATA / "format-1.bundle", tmp_path / "restored") as store:
        report = store.verify()
        found = describe(store)

    assert (report.ok, report.findings) == (True, report.findings)
    assert sorted(found["sessions"]) == sorted(expected["sessions"])
    _holds(found, expected)


def test_the_fixture_can_be_gone_on_with(tmp_path):
    """A session of the fixture takes new messages, keeps its old saves, and nothing old is rewritten."""
    with SessionStore.restore_backup(DATA / "format-1.bundle", tmp_path / "restored") as store:
        session = store.load("another-way")
        before = store.history("another-way")
        session.add_message("user", "on we go")
        result = store.save(session)

        assert result.messages_added == 1
        assert store.history("another-way")[1:] == before
        assert store.load("another-way") == session


@pytest.fixture
def newer(golden, git):
    """The session as a newer superqode would leave it: another format number, fields we do not know."""

    def blob(text):
        return git("hash-object", "-w", "--stdin", stdin=text)

    meta = json.loads(git("show", "session-123:session.json")) | {"mood": {"deep": [1]}}
    call = json.loads(git("show", "session-123:timeline/0000/00/02-call.json")) | {"cost": 5}
    root = git("ls-tree", "session-123").replace(git("rev-parse", "session-123:format"), blob("superqode-session 2\n"))
    root = root.replace(git("rev-parse", "session-123:session.json"), blob(json.dumps(meta)))
    files = git("ls-tree", "session-123:timeline/0000/00")
    files = files.replace(git("rev-parse", "session-123:timeline/0000/00/02-call.json"), blob(json.dumps(call)))
    middle = git("mktree", stdin=f"040000 tree {git('mktree', stdin=files + chr(10))}\t00\n")
    timeline = git("mktree", stdin=f"040000 tree {middle}\t0000\n")
    root = root.replace(git("rev-parse", "session-123:timeline"), timeline)
    commit = git("commit-tree", "-p", "session-123", "-m", "from tomorrow", git("mktree", stdin=root + "\n"))
    git("update-ref", "refs/heads/session-123", commit)
    return golden


def test_a_newer_format_is_read_where_it_can_be(newer):
    """What we know of a newer session is read and listed; what we do not know is left out."""
    session = newer.load("session-123")

    assert [entry.id for entry in session.timeline] == ["msg-1", "msg-2", "call-1"]
    assert session.tool_executions[0].result == "-" * 9_000
    assert session.title == "Fix SQL injection"
    summary = newer.list_sessions()[0]
    assert (summary.id, summary.message_count, summary.execution_count, summary.problem) == ("session-123", 2, 1, "")


@pytest.mark.parametrize(
    "change",
    [
        lambda store, session: store.save(session),
        lambda store, session: store.save(session.fork("f")),
        lambda store, session: store.save(Session(id="session-123"), replace=True),
        lambda store, session: store.fork("session-123"),
        lambda store, session: store.undo("session-123"),
        lambda store, session: store.rename("session-123", "other"),
    ],
    ids=["save", "fork", "replace", "store.fork", "undo", "rename"],
)
def test_a_newer_format_is_never_written_over(newer, git, change):
    """Each way to write on top of a newer format is refused, says what to do, and leaves the refs as they are."""
    session = newer.load("session-123")
    session.add_message("user", "from today")
    before = git("for-each-ref")

    with pytest.raises(
        NewerFormat, match=r"has format '2'; this superqode writes format 1. Update superqode"
    ) as caught:
        change(newer, session)

    assert (caught.value.found, caught.value.known) == ("2", 1)
    assert git("for-each-ref") == before


def test_a_newer_format_can_be_deleted_and_brought_back(newer, git):
    """Moving to the trash and back writes nothing into the session."""
    tip = git("rev-parse", "session-123")

    assert newer.delete("session-123")
    assert newer.undelete("session-123") == "session-123"
    assert git("rev-parse", "session-123") == tip


def test_a_newer_store_is_not_opened(golden, store_path, git):
    """A store whose own format is newer is refused as a whole, naming the store."""
    golden.close()
    git("config", "superqode.format", "2")

    with SessionStore(store_path) as store, pytest.raises(NewerFormat, match=r"The store .* has format '2'"):
        store.list_sessions()
